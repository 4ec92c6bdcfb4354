import type { Bitrate } from 'aws-cdk-lib';
import { refuse } from '../core/error';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { growthRule, mibps } from './kafka-demand';
import { SERVERLESS_LIMITS, fromMb } from './serverless-limits';

/** What the partitions of a topic must carry. */
export interface PartitionDemand {
  /** What all producers of the topic together write at peak; each consumer group reads as much. */
  readonly throughput: Bitrate;
  /**
   * What producers can write to one partition. Express brokers slow a partition down at 15 MB/s.
   * @default - 10 MiB/s, on Serverless 5 MB/s: tens of MiB/s are usual with batching and compression, half of that without
   */
  readonly producerThroughput?: Bitrate;
  /**
   * What one consumer can process. It depends on what it does with a record, so measure it.
   * @default - 10 MiB/s, on Serverless 10 MB/s: a consumer that only copies records
   */
  readonly consumerThroughput?: Bitrate;
  /**
   * Instances of the largest consumer group that are to share the topic evenly.
   * @default 1
   */
  readonly consumers?: number;
  /**
   * Room for growth of the throughput, in percent. Later on partitions can only be added, and that moves keys to other partitions.
   * @default 100
   */
  readonly growth?: number;
  /**
   * Whether the topic is on MSK Serverless, which lets 5 MB/s into a partition and 10 MB/s out.
   * @default false
   */
  readonly serverless?: boolean;
}

const ZONES = 3;
const DEFAULT_GROWTH = 100;
const DEFAULT_PARTITION_MIBPS = 10;
const CODE = 'Millrace.KafkaPartitionCountInvalid';

const rateRule = (subject: 'throughput' | 'producerThroughput' | 'consumerThroughput', fix: string): Rule<PartitionDemand> => ({
  code: CODE,
  subject,
  value: (demand) => (subject === 'throughput' ? (demand[subject] ?? null) : demand[subject]),
  valid: (rate: Bitrate) => isPositive(mibps(rate)),
  allowed: 'a finite rate above zero',
  fix,
  tokens: 'refuse',
});
const RULES: readonly Rule<PartitionDemand>[] = [
  rateRule('throughput', 'multiply messages per second by the size of a message'),
  rateRule('producerThroughput', 'measure it with kafka-producer-perf-test on a topic of one partition, or leave it out'),
  rateRule('consumerThroughput', 'measure one instance of the consumer on a full partition, or leave it out'),
  {
    code: CODE,
    subject: 'consumers',
    value: (demand) => demand.consumers,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'count the instances of the largest consumer group, or leave it out',
    tokens: 'refuse',
  },
  growthRule(CODE, 'growth'),
];

// Total partitions that MSK Replicator needs for a throughput in MB/s (MSK developer guide, best practices for MSK Replicator, sizing).
const REPLICATION: readonly (readonly [mbps: number, partitions: number])[] = [
  [0, 0],
  [50, 167],
  [100, 334],
  [250, 833],
  [500, 1666],
  [1000, 3333],
];

/** A number of partitions with its reason. */
export class PartitionCount extends Sizing {
  /**
   * Partitions for a topic: the most of throughput over what a partition takes in, throughput over what a consumer reads, and the number of
   * consumers, rounded up to a number that divides evenly over three zones and the consumers. Source: Jun Rao, "How to choose the number of
   * topics/partitions in a Kafka cluster" (Confluent); MSK Serverless quota.
   *
   * @throws Millrace.KafkaPartitionCountInvalid, Millrace.TokenRefused
   */
  public static forThroughput(demand: PartitionDemand): PartitionCount {
    enforce('PartitionCount.forThroughput', demand, RULES);
    const { consumers = 1, growth = DEFAULT_GROWTH, serverless = false } = demand;
    const throughput = mibps(demand.throughput) * (1 + growth / 100);
    const rate = (given: Bitrate | undefined, limitMb: number) =>
      Math.min(given ? mibps(given) : DEFAULT_PARTITION_MIBPS, serverless ? fromMb(limitMb) : Infinity);
    const producer = rate(demand.producerThroughput, SERVERLESS_LIMITS.partitionIngressMb);
    const consumer = rate(demand.consumerThroughput, SERVERLESS_LIMITS.partitionEgressMb);
    const needed: { [limit: string]: number } = {
      'producer throughput': throughput / producer,
      'consumer throughput': throughput / consumer,
      consumers,
    };
    const bottleneck = Object.keys(needed).reduce((first, limit) => (needed[limit] > needed[first] + 1e-9 ? limit : first));
    const share = leastCommonMultiple(ZONES, consumers);
    const partitions = Math.max(1, Math.ceil(Math.ceil(needed[bottleneck] - 1e-9) / share)) * share;
    return new PartitionCount(partitions, {
      choice: `${partitions} partitions`,
      bottleneck,
      utilisation: Object.fromEntries(Object.entries(needed).map(([limit, count]) => [limit, count / partitions])),
      alternatives: [],
      reason:
        `${throughput.toFixed(1)} MiB/s with ${growth} % growth over ${producer.toFixed(1)} MiB/s in and ${consumer.toFixed(1)} MiB/s out ` +
        `of a partition, ${consumers} consumers: ${bottleneck} needs ${needed[bottleneck].toFixed(1)}, rounded up to a multiple of ${share}`,
    });
  }

  /**
   * Partitions that all topics of an MSK Replicator together need for a throughput, by the table of AWS' "Best practices for MSK
   * Replicator"; between its rows in proportion.
   *
   * @throws Millrace.KafkaPartitionCountInvalid, Millrace.TokenRefused
   */
  public static forReplication(throughput: Bitrate): PartitionCount {
    enforce('PartitionCount.forReplication', { throughput }, [RULES[0]]);
    const mb = mibps(throughput) / fromMb(1);
    const above = REPLICATION.findIndex(([limit]) => mb <= limit + 1e-9);
    const [most] = REPLICATION[REPLICATION.length - 1];
    if (above < 0) {
      return refuse('PartitionCount.forReplication', {
        code: CODE,
        subject: 'throughput',
        received: `${mb.toFixed(1)} MB/s`,
        allowed: `at most ${most} MB/s, where the table of AWS ends`,
        fix: 'split the topics over several replicators',
      });
    }
    const [[fromMbps, from], [toMbps, to]] = [REPLICATION[above - 1], REPLICATION[above]];
    const partitions = Math.ceil(from + ((to - from) * (mb - fromMbps)) / (toMbps - fromMbps) - 1e-6);
    return new PartitionCount(partitions, {
      choice: `${partitions} partitions`,
      bottleneck: 'replication throughput',
      utilisation: { 'replication throughput': 1 },
      alternatives: [],
      reason: `${mb.toFixed(1)} MB/s over the replicated topics: AWS asks for ${to} partitions at ${toMbps} MB/s`,
    });
  }

  private constructor(
    /** Number of partitions. */
    public readonly partitions: number,
    decision: SizingDecision,
  ) {
    super(decision);
  }
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return (a / divisor(a, b)) * b;
}
