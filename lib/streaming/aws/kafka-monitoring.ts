import type * as logs from 'aws-cdk-lib/aws-logs';

/** How finely MSK reports metrics to CloudWatch. All but the first are billed by metric. */
export enum MonitoringLevel {
  /** Metrics of the cluster and basic ones of brokers and topics; free. */
  DEFAULT = 'DEFAULT',
  /** Also metrics of each broker: what alarms of a cluster in production need. */
  PER_BROKER = 'PER_BROKER',
  /** Also metrics of each topic on each broker: what charging teams for their topics needs. */
  PER_TOPIC_PER_BROKER = 'PER_TOPIC_PER_BROKER',
  /** Also offset lag of each partition. */
  PER_TOPIC_PER_PARTITION = 'PER_TOPIC_PER_PARTITION',
}

/** How an MSK cluster is watched. Metrics for Prometheus are always on: they cannot be turned on later. */
export interface KafkaMonitoring {
  /**
   * How finely metrics are reported.
   * @default MonitoringLevel.PER_BROKER
   */
  readonly level?: MonitoringLevel;
  /**
   * How long the logs of the brokers are kept.
   * @default logs.RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}
