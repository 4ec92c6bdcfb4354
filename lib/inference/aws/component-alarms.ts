import type { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import { InferenceComponentMetrics } from './inference-component-metrics';

/** Properties of the alarms of a component. */
export interface ComponentAlarmsProps {
  readonly componentName: string;
  readonly monitoring: ResolvedMonitoring;
  readonly p99: Duration;
}

/** What the alarms of a component are called, before there is a construct of them. */
export function componentAlarmNames(componentName: string): string[] {
  return [`${componentName}-errors`, `${componentName}-latency`];
}

/** Alarms on errors and latency of a component, which roll an update back. */
export class ComponentAlarms extends Construct {
  /** All of them. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- internal, and actions are added to them
  public readonly all: cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: ComponentAlarmsProps) {
    super(scope, id);
    const { componentName, monitoring, p99 } = props;
    const metrics = new InferenceComponentMetrics(componentName);
    const millis = p99.toMilliseconds({ integral: false });
    const [errors, latency] = componentAlarmNames(componentName);
    const watched = {
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: monitoring.windowMinutes,
      // No request is no failure.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    };
    this.all = [
      new cloudwatch.Alarm(this, 'Errors', {
        ...watched,
        alarmName: errors,
        alarmDescription: `${componentName}: more than ${monitoring.errorPercent} % of the answers are 5xx`,
        metric: metrics.errorRate(),
        threshold: monitoring.errorPercent / 100,
      }),
      new cloudwatch.Alarm(this, 'Latency', {
        ...watched,
        alarmName: latency,
        alarmDescription: `${componentName}: the model takes longer than ${millis} ms for 99 of 100 answers`,
        metric: metrics.modelLatency(),
        threshold: millis * 1000,
      }),
    ];
  }
}
