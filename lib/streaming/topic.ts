import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A topic of either flavour. */
export interface ITopic extends IConstruct {
  /** Name of the topic in Kafka. */
  readonly topicName: string;
}

/** What Kafka does with records past their retention. */
export enum CleanupPolicy {
  /** Old segments are deleted. */
  DELETE = 'delete',
  /** The latest record of each key is kept. */
  COMPACT = 'compact',
  /** The latest record of each key is kept, and old segments are deleted. */
  COMPACT_DELETE = 'compact,delete',
}

/** What both flavours of a topic take. */
export interface TopicOptions {
  /** Name in Kafka: 1-249 letters, digits, `.`, `_` or `-`. Changing it makes a new, empty topic. */
  readonly topicName: string;
  /**
   * Number of partitions. It can grow later but never shrink; growing it moves keys to other partitions.
   * @default 6: divides evenly over three zones and over 1, 2, 3 or 6 consumers
   */
  readonly partitions?: number;
  /**
   * Copies of each partition. Changing it makes a new, empty topic.
   * @default - as the size of the cluster counts on, 3 where it is unknown
   */
  readonly replicationFactor?: number;
  /**
   * How long records are kept.
   * @default Duration.days(7)
   */
  readonly retention?: Duration;
  /**
   * What becomes of older records.
   * @default CleanupPolicy.DELETE
   */
  readonly cleanupPolicy?: CleanupPolicy;
  /**
   * Further topic settings by their Kafka name, for example `max.message.bytes`.
   * @default - Kafka's, with `min.insync.replicas` one below the replication factor
   */
  readonly config?: { [name: string]: string };
  /**
   * What becomes of the data when the topic leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** How a consumer may read a topic. */
export interface ConsumeOptions {
  /** The consumer group, exactly: ASCII, because MSK drops lag metrics of other names. */
  readonly groupId: string;
}
