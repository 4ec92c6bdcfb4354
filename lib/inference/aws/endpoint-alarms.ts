import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import { EndpointHostingKind } from './endpoint-hosting';
import { ModelEndpointMetrics } from './model-endpoint-metrics';

/** Properties of the alarms of an endpoint. */
export interface EndpointAlarmsProps {
  readonly endpointName: string;
  readonly kind: EndpointHostingKind;
  readonly variantNames: readonly string[];
  readonly monitoring: ResolvedMonitoring;
  readonly p99: Duration;
  /** Name of the configuration, a dimension of what its instances report. */
  readonly endpointConfigName: string;
}

const OF_NEWEST = ['new-errors', 'new-latency'];

/** What the alarms that roll an endpoint back are called, before there is a construct of them. */
export function rollbackAlarmNames(endpointName: string, kind: EndpointHostingKind, variantNames: readonly string[]): string[] {
  if (kind === EndpointHostingKind.SERVERLESS) return [];
  return variantNames.flatMap((variant) => OF_NEWEST.map((id) => `${endpointName}-${variant}-${id}`));
}

/**
 * Alarms on errors and latency of every variant, for people, and on those of its newest version alone, for rollbacks. SageMaker reports the
 * latter under the name of the configuration (SageMaker developer guide, auto-rollback configuration). A canary of 10 % hides in what all
 * answer together, and a former version that fails would roll back the very version that mends it. All stand by name before the endpoint does.
 */
export class EndpointAlarms extends Construct {
  /** All of them. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- internal, and actions are added to them
  public readonly all: cloudwatch.Alarm[];
  /** Those that roll a rollout back. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- internal, and actions are added to them
  public readonly rollback: cloudwatch.Alarm[];

  private readonly props: EndpointAlarmsProps;

  constructor(scope: Construct, id: string, props: EndpointAlarmsProps) {
    super(scope, id);
    this.props = props;
    const isGuarded = props.kind !== EndpointHostingKind.SERVERLESS;
    const made = props.variantNames.map((variant) => ({
      forPeople: ['errors', 'latency'].map((alarmId) => this.alarm(variant, alarmId)),
      forRollback: isGuarded ? OF_NEWEST.map((alarmId) => this.alarm(variant, alarmId)) : [],
    }));
    this.all = made.flatMap(({ forPeople, forRollback }) => [...forPeople, ...forRollback]);
    this.rollback = made.flatMap(({ forRollback }) => forRollback);
  }

  private alarm(variant: string, alarmId: string): cloudwatch.Alarm {
    const { endpointName, monitoring, p99, endpointConfigName } = this.props;
    const metrics = new ModelEndpointMetrics(endpointName, variant);
    const millis = p99.toMilliseconds({ integral: false });
    const ofNewest = (metric: cloudwatch.Metric) =>
      metric.with({ dimensionsMap: { ...metric.dimensions, EndpointConfigName: endpointConfigName } as Record<string, string> });
    const share = monitoring.errorPercent / 100;
    const watched: Record<string, { metric: cloudwatch.IMetric; threshold: number; what: string }> = {
      errors: { metric: metrics.errorRate(), threshold: share, what: `more than ${monitoring.errorPercent} % of the answers are 5xx` },
      latency: { metric: this.latency(metrics), threshold: millis, what: `99 of 100 answers take longer than ${millis} ms` },
      'new-errors': {
        metric: ofNewest(metrics.errorRate()),
        threshold: share,
        what: `more than ${monitoring.errorPercent} % of the answers of the newest version are 5xx`,
      },
      'new-latency': {
        metric: ofNewest(metrics.modelLatency()),
        threshold: millis * 1000,
        what: `the newest version takes longer than ${millis} ms for 99 of 100 answers`,
      },
    };
    const { metric, threshold, what } = watched[alarmId];

    return new cloudwatch.Alarm(this, `${variant}-${alarmId}`, {
      alarmName: `${endpointName}-${variant}-${alarmId}`,
      alarmDescription: `${endpointName}, ${variant}: ${what}`,
      metric,
      threshold,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: monitoring.windowMinutes,
      // No request is no failure.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  /** Milliseconds for which a caller waits. */
  private latency(metrics: ModelEndpointMetrics): cloudwatch.IMetric {
    if (this.props.kind === EndpointHostingKind.ASYNCHRONOUS) return metrics.totalProcessingTime();
    return new cloudwatch.MathExpression({
      expression: '(model + overhead) / 1000',
      usingMetrics: { model: metrics.modelLatency(), overhead: metrics.overheadLatency() },
      label: 'p99, milliseconds',
      period: Duration.minutes(1),
    });
  }
}
