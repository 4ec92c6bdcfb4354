import { Annotations, ArnFormat, Fn, Names, Resource, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { type Rule, enforce, isPositiveInteger } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IModelMonitor } from '../model-monitor';
import {
  type ResolvedNetwork,
  acknowledge,
  allow,
  grantJobKey,
  grantNetwork,
  grantRead,
  grantReadFile,
  grantRepositories,
  grantTelemetry,
  grantWrite,
  jobRole,
  resolveNetwork,
} from './job-role';
import { checkLocation } from './location-rules';
import { ModelMonitorMetrics } from './model-monitor-metrics';
import { makeAlarms } from './monitor-alarms';
import { makeDefinition } from './monitor-definition';
import { monitorImage } from './monitor-images';
import type { MonitorKind } from './monitor-kind';
import type { MonitorAlarms, MonitorJobs } from './monitor-options';
import { MonitorSchedule } from './monitor-schedule';
import { StepCompute } from './step-compute';
import type { StorageLocation } from './storage-location';

/** Properties of a monitor on SageMaker. */
export interface ModelMonitorProps {
  /** Endpoint that is watched; its data capture has to be on. */
  readonly endpointName: string;
  /** What is looked at. */
  readonly kind: MonitorKind;
  /** Where the endpoint keeps what it captures. */
  readonly capture: StorageLocation;
  /** Where the reports go. */
  readonly reports: StorageLocation;
  /**
   * When it runs.
   * @default MonitorSchedule.hourly()
   */
  readonly schedule?: MonitorSchedule;
  /**
   * How its jobs run.
   * @default - one ml.m5.xlarge for at most 50 minutes, or 25 where labels are merged every hour
   */
  readonly jobs?: MonitorJobs;
  /**
   * Who hears of drift and of silence.
   * @default - alarms without actions
   */
  readonly alarms?: MonitorAlarms;
}

const HOUR_SECONDS = 3600;
const SPARE_SECONDS = 600;
const SCHEDULE_NAME_LENGTH = 63;

/**
 * A scheduled comparison of what an endpoint takes and answers with a baseline: SageMaker Model Monitor and Clarify. An alarm stands on each
 * limit, and one on silence. Its role reads what was captured, the baseline and the labels, and writes reports, and nothing else.
 *
 * AWS takes no new customers for Model Monitor since 30 July 2026: an account that has never used it cannot make one (SageMaker developer
 * guide, Model Monitor availability change). The job definition is replaced by every change, which loses nothing: it holds no data.
 *
 * @throws Millrace.ModelMonitorInvalid, Millrace.ModelMonitorRegionUnknown, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
 */
export class ModelMonitor extends Resource implements IModelMonitor {
  /** The endpoint that is watched. */
  public readonly endpointName: string;
  /** Name of the monitoring schedule. */
  public readonly monitoringScheduleName: string;
  /** Role of its jobs. */
  public readonly role: iam.IRole;
  /** What its jobs publish. */
  public readonly metrics: ModelMonitorMetrics;
  /** Its alarms. */
  public readonly alarms: cloudwatch.IAlarm[];

  constructor(scope: Construct, id: string, props: ModelMonitorProps) {
    super(scope, id);
    enforce(this.node.path, props, MONITOR_RULES);
    for (const location of [props.capture, props.reports]) checkLocation(this.node.path, location);
    const { endpointName, kind, jobs = {}, schedule = MonitorSchedule.hourly() } = props;
    const { compute = StepCompute.of('ml.m5.xlarge'), encryptionKey } = jobs;
    const clarify = kind._bias !== undefined || kind._explainability !== undefined;
    const image = jobs.image
      ? { imageUri: jobs.image.imageUri, repositoryArn: jobs.image._repositoryArn(Stack.of(this)) }
      : monitorImage(this, clarify);
    const network = resolveNetwork(this, jobs.network);
    const role = jobRole(this, `Jobs of the monitor ${this.node.path}`);
    this.role = role;
    this.grantJobs(role, props, image.repositoryArn, network);
    const definition = makeDefinition(this, kind, {
      endpointName,
      imageUri: image.imageUri,
      roleArn: role.roleArn,
      reports: props.reports,
      compute,
      maxRuntimeSeconds: jobs.maxRuntime?.toSeconds() ?? Math.min(secondsOf(props, SPARE_SECONDS), HOUR_SECONDS),
      intervalHours: schedule.intervalHours,
      network,
      encryptionKey,
    });
    // SageMaker checks at creation that the role can read what it names.
    definition.node.addDependency(role);
    this.endpointName = endpointName;
    this.monitoringScheduleName = Names.uniqueResourceName(this, { maxLength: SCHEDULE_NAME_LENGTH, separator: '-' });
    const resource = new sagemaker.CfnMonitoringSchedule(this, 'Resource', {
      monitoringScheduleName: this.monitoringScheduleName,
      monitoringScheduleConfig: {
        monitoringType: kind.monitoringType,
        // By the ARN, which ends with the name that CloudFormation made up: what Ref returns of a definition is not documented.
        monitoringJobDefinitionName: Fn.select(1, Fn.split('/', definition.attrJobDefinitionArn)),
        scheduleConfig: { scheduleExpression: schedule.expression },
      },
    });
    resource.node.addDependency(role);
    this.metrics = new ModelMonitorMetrics(endpointName, this.monitoringScheduleName);
    this.alarms = makeAlarms(this, kind, schedule, this.metrics, props.alarms ?? {});
    Annotations.of(this).addWarningV2(
      'Millrace.ModelMonitorClosed',
      'SageMaker Model Monitor takes no new customers since 2026-07-30: an account that has never used it cannot make this; acknowledge it where Model Monitor is in use',
    );
    requireAllocation(this);
  }

  private grantJobs(role: iam.Role, props: ModelMonitorProps, repositoryArn: string, network?: ResolvedNetwork): void {
    const { _dataQuality: data, _modelQuality: quality, _bias: bias, _explainability: shares } = props.kind;
    const files = [
      ...(data ? [data.constraints, data.statistics] : []),
      ...(quality ? [quality.constraints] : []),
      ...(bias ? [bias.config, bias.constraints] : []),
      ...(shares ? [shares.config, shares.constraints] : []),
    ];
    const labels = quality?.groundTruth ?? bias?.groundTruth;
    for (const file of files) grantReadFile(role, file);
    // Labels and predictions are merged by one job into the place of the reports, and read from there by the next.
    for (const location of [props.capture, props.reports, ...(labels ? [labels] : [])]) grantRead(role, location);
    grantWrite(role, props.reports);
    grantRepositories(role, [repositoryArn]);
    grantTelemetry(role, ['ProcessingJobs'], ['aws/sagemaker/Endpoints/*', '/aws/sagemaker/Endpoints/*', '/aws/sagemaker/ProcessingJobs']);
    grantNetwork(role, network);
    grantJobKey(role, props.jobs?.encryptionKey);
    const arn = (resource: string, resourceName: string) =>
      Stack.of(this).formatArn({ service: 'sagemaker', resource, resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
    allow(role, ['sagemaker:DescribeEndpoint'], [arn('endpoint', props.endpointName)]);
    if (!shares) return;
    const own = [arn('endpoint', `${shares.endpointPrefix}*`), arn('endpoint-config', `${shares.endpointPrefix}*`)];
    allow(role, ['sagemaker:DescribeModel'], [arn('model', shares.modelName)]);
    allow(
      role,
      ['Create', 'Delete', 'Describe'].flatMap((verb) => [`sagemaker:${verb}Endpoint`, `sagemaker:${verb}EndpointConfig`]),
      own,
    );
    allow(role, ['sagemaker:InvokeEndpoint'], [own[0]]);
    acknowledge(role, own, 'Clarify ends the name of its endpoint with something of its own');
  }
}

/**
 * Seconds that a job has. Where labels are awaited, one job merges them with the predictions and another judges, and they share the time
 * (SageMaker developer guide, schedule model quality monitoring jobs).
 */
function secondsOf({ kind, schedule = MonitorSchedule.hourly() }: ModelMonitorProps, spare = 0): number {
  const jobs = kind._modelQuality !== undefined || kind._bias !== undefined ? 2 : 1;
  return (schedule.intervalHours * HOUR_SECONDS - spare) / jobs;
}

const MONITOR_RULES: readonly Rule<ModelMonitorProps>[] = [
  {
    code: 'Millrace.ModelMonitorInvalid',
    subject: 'endpointName',
    value: (props) => props.endpointName,
    valid: (name: string) => /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(name),
    allowed: '1-63 letters, digits or -',
    fix: 'use the name of the endpoint, not its ARN',
  },
  {
    code: 'Millrace.ModelMonitorInvalid',
    subject: 'jobs.maxRuntime',
    value: (props) => props.jobs?.maxRuntime?.toSeconds({ integral: false }),
    valid: (seconds: number, props) => isPositiveInteger(seconds) && seconds < secondsOf(props),
    allowed: (props) => `whole seconds, less than ${secondsOf(props)}: the jobs of an execution end before the next begins`,
    fix: 'run it less often, or on a larger instance',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelMonitorInvalid',
    subject: 'alarms.silentAfter',
    value: (props) => props.alarms?.silentAfter,
    valid: (executions: number) => isPositiveInteger(executions) && executions <= 7,
    allowed: 'a whole number from 1 to 7: CloudWatch looks back a week at most',
    fix: 'leave it out for 3',
    tokens: 'refuse',
  },
];
