import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { FeatureGroupMetrics, FeatureOperation } from './feature-group-metrics';
import type { IFeatureGroup } from './imported-feature-group';

/** When the alarms of a feature group go off. */
export interface FeatureGroupAlarmOptions {
  /**
   * Whether an alarm goes off when nothing is written. Turn it off for a source that is silent for longer than `silence` by nature.
   * @default true
   */
  readonly alarmOnSilence?: boolean;
  /**
   * How long nothing may be written, 5 minutes to 24 hours, in steps of 5 minutes: freshness is measured on what is written, so it says
   * nothing of a source that has stopped.
   * @default - the freshness of the schema in steps of 5 minutes, from 15 minutes to 24 hours; an hour without a freshness
   */
  readonly silence?: Duration;
  /**
   * How many records may be rejected within 5 minutes.
   * @default 0
   */
  readonly rejectedRecords?: number;
  /**
   * Whether an alarm goes off when SageMaker answers single reads and writes with errors of its own. Look first whether its metrics arrive:
   * their namespace is in no document of AWS (see `FeatureGroupMetrics`), and an alarm without a metric stays silent for ever.
   * @default false
   */
  readonly alarmOnServerErrors?: boolean;
}

/** Properties of the alarms of a feature group. */
export interface FeatureGroupAlarmsProps extends FeatureGroupAlarmOptions {
  /** The group. Something has to feed it that reports to `Millrace/Features`, as the ingestion of this library does. */
  readonly featureGroup: IFeatureGroup;
}

const STEP_MINUTES = 5;
const DAY_MINUTES = 24 * 60;
const FLOOR_MINUTES = 15;
const DEFAULT_MINUTES = 60;

const RULES: readonly Rule<FeatureGroupAlarmOptions>[] = [
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'silence',
    value: ({ silence }) => silence,
    valid: (silence: Duration) => {
      const minutes = silence.toMinutes({ integral: false });
      return minutes % STEP_MINUTES === 0 && minutes >= STEP_MINUTES && minutes <= DAY_MINUTES;
    },
    allowed: '5 minutes to 24 hours in steps of 5 minutes, which is what an alarm of CloudWatch can look back',
    fix: 'turn alarmOnSilence off for a source that is silent for longer',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'silence',
    value: ({ silence, alarmOnSilence }) => (alarmOnSilence === false && silence ? 'silence beside alarmOnSilence: false' : undefined),
    valid: () => false,
    allowed: 'one of the two',
    fix: 'drop silence',
  },
  {
    code: 'Millrace.FeatureAlarmInvalid',
    subject: 'rejectedRecords',
    value: ({ rejectedRecords }) => rejectedRecords,
    valid: (count: number) => Number.isSafeInteger(count) && count >= 0,
    allowed: 'a whole number from 0',
    fix: 'leave it out for 0',
    tokens: 'refuse',
  },
];

/**
 * Alarms on the freshness and the errors of a feature group that something feeds. They have no actions until `addAlarmAction` gives them some.
 *
 * @throws Millrace.FeatureAlarmInvalid, Millrace.TokenRefused
 */
export class FeatureGroupAlarms extends Construct {
  /* eslint-disable awscdk/no-construct-in-public-property-of-construct -- an alarm takes actions, its interface does not */
  /**
   * Goes off when 1 of 100 records of a minute was older, when it was written, than the schema promises, in 3 of 5 minutes. Minutes without
   * records are no reason. There is none without a promise.
   */
  public readonly freshness?: cloudwatch.Alarm;
  /** Goes off when nothing was written for `silence`. */
  public readonly silence?: cloudwatch.Alarm;
  /** Goes off when records were rejected. */
  public readonly rejectedRecords: cloudwatch.Alarm;
  /** Goes off when SageMaker answers single reads and writes with errors of its own, when that was asked for. */
  public readonly serverErrors?: cloudwatch.Alarm;
  /* eslint-enable awscdk/no-construct-in-public-property-of-construct */

  constructor(scope: Construct, id: string, props: FeatureGroupAlarmsProps) {
    super(scope, id);
    enforce<FeatureGroupAlarmOptions>(this.node.path, props, RULES);
    const metrics = new FeatureGroupMetrics(props.featureGroup.featureGroupName);
    this.freshness = this.makeFreshness(props.featureGroup, metrics);
    this.silence = props.alarmOnSilence === false ? undefined : this.makeSilence(props, metrics);
    this.rejectedRecords = new cloudwatch.Alarm(this, 'RejectedRecords', {
      alarmDescription: `Records were rejected by feature group ${props.featureGroup.featureGroupName}; its owner is ${props.featureGroup.schema.owner}`,
      metric: metrics.recordsRejected().with({ period: Duration.minutes(STEP_MINUTES) }),
      threshold: props.rejectedRecords ?? 0,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    this.serverErrors = props.alarmOnServerErrors ? this.makeServerErrors(props.featureGroup, metrics) : undefined;
    requireAllocation(this);
  }

  /** All alarms there are. */
  public get alarms(): cloudwatch.Alarm[] {
    return [this.freshness, this.silence, this.rejectedRecords, this.serverErrors].filter((alarm) => alarm !== undefined);
  }

  /** Lets every alarm do something when it goes off, such as telling someone. */
  public addAlarmAction(...actions: cloudwatch.IAlarmAction[]): void {
    for (const alarm of this.alarms) alarm.addAlarmAction(...actions);
  }

  private makeFreshness({ schema, featureGroupName }: IFeatureGroup, metrics: FeatureGroupMetrics): cloudwatch.Alarm | undefined {
    if (!schema.freshness) return undefined;
    return new cloudwatch.Alarm(this, 'Freshness', {
      alarmDescription: `Records of feature group ${featureGroupName} are older than promised when they are written; its owner is ${schema.owner}`,
      metric: metrics.freshness(),
      threshold: schema.freshness.toMilliseconds({ integral: false }),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  private makeSilence({ featureGroup, silence }: FeatureGroupAlarmsProps, metrics: FeatureGroupMetrics): cloudwatch.Alarm {
    const minutes = silence?.toMinutes() ?? defaultSilence(featureGroup.schema.freshness);
    return new cloudwatch.Alarm(this, 'Silence', {
      alarmDescription: `Nothing was written to feature group ${featureGroup.featureGroupName} for ${minutes} minutes; its owner is ${featureGroup.schema.owner}`,
      metric: metrics.recordsWritten().with({ period: Duration.minutes(STEP_MINUTES) }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: minutes / STEP_MINUTES,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
  }

  private makeServerErrors({ schema, featureGroupName }: IFeatureGroup, metrics: FeatureGroupMetrics): cloudwatch.Alarm {
    const period = Duration.minutes(STEP_MINUTES);
    return new cloudwatch.Alarm(this, 'ServerErrors', {
      alarmDescription: `SageMaker fails requests to feature group ${featureGroupName}; its owner is ${schema.owner}`,
      metric: new cloudwatch.MathExpression({
        expression: 'FILL(reads, 0) + FILL(writes, 0)',
        usingMetrics: {
          reads: metrics.serverErrors(FeatureOperation.GET_RECORD).with({ period }),
          writes: metrics.serverErrors(FeatureOperation.PUT_RECORD).with({ period }),
        },
        period,
        label: 'errors of SageMaker',
      }),
      threshold: 0,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }
}

function defaultSilence(freshness: Duration | undefined): number {
  if (!freshness) return DEFAULT_MINUTES;
  const steps = Math.ceil(freshness.toMinutes({ integral: false }) / STEP_MINUTES) * STEP_MINUTES;
  return Math.min(Math.max(steps, FLOOR_MINUTES), DAY_MINUTES);
}
