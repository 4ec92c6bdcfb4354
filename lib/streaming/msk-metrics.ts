import { BrokerClass } from './broker-type';

/** A metric that MSK reports, and how an alarm reads it. */
export interface MskMetric {
  /** Brokers that report it. */
  readonly brokers: readonly BrokerClass[];
  /** Statistic that an alarm uses. */
  readonly statistic: 'Average' | 'Maximum' | 'Sum';
}

const { EXPRESS, STANDARD } = BrokerClass;
const average = (...brokers: BrokerClass[]): MskMetric => ({ brokers, statistic: 'Average' });
const maximum = (...brokers: BrokerClass[]): MskMetric => ({ brokers, statistic: 'Maximum' });
const sum = (...brokers: BrokerClass[]): MskMetric => ({ brokers, statistic: 'Sum' });

/** Metrics of namespace AWS/Kafka that an alarm is worth (AWS' MSK agent toolkit, alarm table; streaming reference, 13). */
export const MSK_METRICS: Readonly<Record<string, MskMetric>> = {
  ActiveControllerCount: maximum(EXPRESS, STANDARD),
  BytesInPerSec: average(EXPRESS, STANDARD),
  BytesOutPerSec: average(EXPRESS, STANDARD),
  ConnectionCreationRate: sum(EXPRESS, STANDARD),
  CpuSystem: average(EXPRESS, STANDARD),
  CpuUser: average(EXPRESS, STANDARD),
  EstimatedMaxTimeLag: maximum(EXPRESS, STANDARD),
  FetchThrottleTime: average(EXPRESS),
  HeapMemoryAfterGC: average(STANDARD),
  IAMTooManyConnections: sum(EXPRESS, STANDARD),
  KafkaDataLogsDiskUsed: maximum(STANDARD),
  MaxOffsetLag: maximum(EXPRESS, STANDARD),
  NetworkProcessorAvgIdlePercent: average(EXPRESS, STANDARD),
  OfflinePartitionsCount: sum(STANDARD),
  PartitionCount: maximum(EXPRESS, STANDARD),
  ProduceThrottleTime: average(EXPRESS),
  RequestHandlerAvgIdlePercent: average(EXPRESS, STANDARD),
  StorageUsed: maximum(EXPRESS),
  UnderMinIsrPartitionCount: average(STANDARD),
  UnderReplicatedPartitions: sum(STANDARD),
};

/** Namespace of the metrics of MSK. */
export const MSK_NAMESPACE = 'AWS/Kafka';

/** Metrics that Express brokers never report: an alarm on them stays silent for ever (AWS' MSK agent toolkit, alarm table). */
const NEVER_ON_EXPRESS = [
  'BurstBalance',
  'BwInAllowanceExceeded',
  'BwOutAllowanceExceeded',
  'HeapMemoryAfterGC',
  'KafkaDataLogsDiskUsed',
  'OfflinePartitionsCount',
  'UnderReplicatedPartitions',
  'VolumeQueueLength',
];
// Names that alarms are often built on and that MSK does not have; what it calls them.
const NO_METRICS: Readonly<Record<string, string>> = {
  ConsumerLag: 'MaxOffsetLag or SumOffsetLag',
  EstimatedMaximumLag: 'EstimatedMaxTimeLag',
  RecordLag: 'MaxOffsetLag or SumOffsetLag',
};

/** Why a metric is never reported by brokers of a class; the class is unknown for a cluster of elsewhere. */
export function neverReported(metricName: string, brokerClass: BrokerClass | undefined): string | undefined {
  if (metricName in NO_METRICS) return `MSK has no metric of that name, but ${NO_METRICS[metricName]}`;
  if (brokerClass === BrokerClass.EXPRESS && NEVER_ON_EXPRESS.includes(metricName)) return 'Express brokers never report it';
  return undefined;
}

/** Whether only the active controller reports the true value of a metric and the other brokers a zero, so that an average is a fraction of it. */
export function isControllerMetric(metricName: string): boolean {
  return metricName.startsWith('Global') || metricName.startsWith('Offline') || metricName === 'PreferredReplicaImbalanceCount';
}
