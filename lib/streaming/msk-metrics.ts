import { BrokerClass } from './broker-type';

/** A metric that MSK reports, and how an alarm reads it. */
export interface MskMetric {
  /** Brokers that report it. */
  readonly brokers: readonly BrokerClass[];
  /** Statistic that an alarm uses. */
  readonly statistic: 'Average' | 'Maximum' | 'Sum';
  /** Dimensions beside the name of the cluster. */
  readonly per: 'cluster' | 'broker' | 'group';
}

const BOTH = [BrokerClass.EXPRESS, BrokerClass.STANDARD];
const STANDARD = [BrokerClass.STANDARD];
const EXPRESS = [BrokerClass.EXPRESS];

/** Metrics of namespace AWS/Kafka that an alarm is worth (streaming reference, 13). */
export const MSK_METRICS: Readonly<Record<string, MskMetric>> = {
  ActiveControllerCount: { brokers: BOTH, statistic: 'Maximum', per: 'cluster' },
  BwInAllowanceExceeded: { brokers: STANDARD, statistic: 'Sum', per: 'broker' },
  BwOutAllowanceExceeded: { brokers: STANDARD, statistic: 'Sum', per: 'broker' },
  BytesInPerSec: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  BytesOutPerSec: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  ClientConnectionCount: { brokers: BOTH, statistic: 'Sum', per: 'broker' },
  ConnectionCreationRate: { brokers: BOTH, statistic: 'Sum', per: 'broker' },
  CpuSystem: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  CpuUser: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  EstimatedMaxTimeLag: { brokers: BOTH, statistic: 'Maximum', per: 'group' },
  FetchThrottleTime: { brokers: EXPRESS, statistic: 'Average', per: 'broker' },
  HeapMemoryAfterGC: { brokers: STANDARD, statistic: 'Average', per: 'broker' },
  IAMTooManyConnections: { brokers: BOTH, statistic: 'Sum', per: 'broker' },
  KafkaDataLogsDiskUsed: { brokers: STANDARD, statistic: 'Maximum', per: 'broker' },
  MaxOffsetLag: { brokers: BOTH, statistic: 'Maximum', per: 'group' },
  NetworkProcessorAvgIdlePercent: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  OfflinePartitionsCount: { brokers: STANDARD, statistic: 'Sum', per: 'cluster' },
  PartitionCount: { brokers: BOTH, statistic: 'Maximum', per: 'broker' },
  ProduceThrottleTime: { brokers: EXPRESS, statistic: 'Average', per: 'broker' },
  RequestHandlerAvgIdlePercent: { brokers: BOTH, statistic: 'Average', per: 'broker' },
  StorageUsed: { brokers: EXPRESS, statistic: 'Maximum', per: 'cluster' },
  SumOffsetLag: { brokers: BOTH, statistic: 'Maximum', per: 'group' },
  UnderMinIsrPartitionCount: { brokers: STANDARD, statistic: 'Average', per: 'broker' },
  UnderReplicatedPartitions: { brokers: STANDARD, statistic: 'Sum', per: 'broker' },
  VolumeReadBytes: { brokers: STANDARD, statistic: 'Sum', per: 'broker' },
  VolumeWriteBytes: { brokers: STANDARD, statistic: 'Sum', per: 'broker' },
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
