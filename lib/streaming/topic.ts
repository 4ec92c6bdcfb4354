import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { Compatibility } from './compatibility';
import type { Schema } from './schema';
import type { TopicConfig } from './topic-config';
import type { MessageRate, TopicDemand } from './topic-demand';

/** A topic of either flavour. */
export interface ITopic extends IConstruct {
  /** Name of the topic in Kafka. */
  readonly topicName: string;
  /**
   * What its values look like, where that is known.
   * @default - unknown
   */
  readonly schema?: Schema;
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
  /**
   * Name in Kafka: 1-249 letters, digits, `.`, `_` or `-`. Changing it makes a new, empty topic. A name that ends in `-changelog`, as Kafka
   * Streams names its stores, is a changelog: it must be compacted and nothing else.
   */
  readonly topicName: string;
  /**
   * What the topic must carry; it decides the partitions, and whether the topics of the cluster fit it.
   * @default - unknown: counted by its partitions alone
   */
  readonly demand?: TopicDemand;
  /**
   * Number of partitions. It can grow later but never shrink; growing it moves keys to other partitions.
   * @default - from the demand; without one 6, which divides evenly over three zones and over 1, 2, 3 or 6 consumers
   */
  readonly partitions?: number;
  /**
   * Copies of each partition. Changing it makes a new, empty topic.
   * @default - as the size of the cluster counts on, 3 where it is unknown
   */
  readonly replicationFactor?: number;
  /**
   * How long records are kept. For ever with `config: { unlimitedRetention: true }` instead.
   * @default Duration.days(7)
   */
  readonly retention?: Duration;
  /**
   * What becomes of older records.
   * @default CleanupPolicy.DELETE
   */
  readonly cleanupPolicy?: CleanupPolicy;
  /**
   * What the values look like, registered as the subject `<topicName>-value`.
   * @default - bytes of any kind
   */
  readonly schema?: Schema;
  /**
   * What the keys look like, registered as the subject `<topicName>-key`.
   * @default - bytes of any kind
   */
  readonly keySchema?: Schema;
  /**
   * Which changes of the schemas are let through.
   * @default Compatibility.BACKWARD: consumers are updated first
   */
  readonly compatibility?: Compatibility;
  /**
   * Whether the topic has a second one, `<topicName>.dlq`, for what its consumers could not process; they may write to it. It has at most 3
   * partitions, because failures are few and one a zone is enough, and keeps them at least 14 days, because somebody must look at them.
   * @default false
   */
  readonly deadLetter?: boolean;
  /**
   * Further settings of the topic.
   * @default - Kafka's, with `minInsyncReplicas` one below the replication factor
   */
  readonly config?: TopicConfig;
  /**
   * What becomes of the data when the topic leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** How a producer may write to a topic. */
export interface ProduceOptions {
  /**
   * The transactional id, exactly, of a producer that writes in transactions.
   * @default - no transactions
   */
  readonly transactionalId?: string;
  /**
   * The beginning of transactional ids, for Flink and Kafka Streams, which append to it. Instead of `transactionalId`.
   * @default - no transactions
   */
  readonly transactionalIdPrefix?: string;
  /**
   * What this client writes to the topic at peak; the brokers hold it to one and a half times that.
   * @default - no quota
   */
  readonly demand?: MessageRate;
}

/** How a consumer may read a topic. */
export interface ConsumeOptions {
  /**
   * The consumer group, exactly: ASCII, because MSK drops lag metrics of other names.
   * @default - `groupPrefix` is given
   */
  readonly groupId?: string;
  /**
   * The beginning of the names of its groups, for a client that names them itself, for example `connect-`. Instead of `groupId`.
   * @default - `groupId` is given
   */
  readonly groupPrefix?: string;
  /**
   * What this client reads from the topic at peak; the brokers hold it to one and a half times that.
   * @default - no quota
   */
  readonly demand?: MessageRate;
}

/** What a grant opens: one topic, or all topics whose names begin alike. */
export interface GrantTarget {
  /** Name of the topic, or the beginning of names with `isPrefix`. */
  readonly topicName: string;
  /**
   * Whether the name is a prefix.
   * @default false
   */
  readonly isPrefix?: boolean;
  /**
   * Partitions of the topic, over which the load of a client spreads.
   * @default - unknown: all of it may reach one broker
   */
  readonly partitions?: number;
  /**
   * The topic to which its consumers write what they cannot process.
   * @default - none
   */
  readonly deadLetterTopicName?: string;
}
