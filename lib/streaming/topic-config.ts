import type { Duration, Size } from 'aws-cdk-lib';

/** How the broker keeps the batches of a topic compressed. */
export enum CompressionType {
  /** As the producer sent them. */
  PRODUCER = 'producer',
  /** Not at all. */
  UNCOMPRESSED = 'uncompressed',
  /** Zstandard: the best ratio for its price. */
  ZSTD = 'zstd',
  /** LZ4: the least CPU. */
  LZ4 = 'lz4',
  /** Snappy. */
  SNAPPY = 'snappy',
  /** Gzip. */
  GZIP = 'gzip',
}

/** Whose clock a message carries. */
export enum MessageTimestampType {
  /** The producer's, when it made the message. */
  CREATE_TIME = 'CreateTime',
  /** The broker's, when it appended the message. */
  LOG_APPEND_TIME = 'LogAppendTime',
}

/**
 * Settings of a topic, each under the camel case of its name in Kafka (`max.message.bytes` is `maxMessageBytes`). What is left out keeps the
 * cluster's value. Names and ranges: Kafka documentation 3.6-4.3, Topic Configs. Express and Serverless brokers take a part of them (MSK
 * Developer Guide, "Topic-level configurations on Express Brokers" and "Configuration properties for MSK Serverless clusters").
 */
export interface TopicConfig {
  /**
   * Keeps records for ever, as `retention.ms=-1` and, without `retentionBytes`, `retention.bytes=-1`; instead of `retention`.
   * @default false
   */
  readonly unlimitedRetention?: boolean;
  /**
   * Largest log of one partition; older segments go first.
   * @default - no limit
   */
  readonly retentionBytes?: Size;
  /**
   * Largest batch of records, after compression. At most 8 MiB on Serverless.
   * @default - the cluster's; Kafka's is 1,048,588 bytes
   */
  readonly maxMessageBytes?: Size;
  /**
   * How the broker keeps batches.
   * @default CompressionType.PRODUCER
   */
  readonly compressionType?: CompressionType;
  /**
   * Level of gzip, 1-9, or -1 for its default.
   * @default -1
   */
  readonly compressionGzipLevel?: number;
  /**
   * Level of LZ4, 1-17.
   * @default 9
   */
  readonly compressionLz4Level?: number;
  /**
   * Level of Zstandard, -131,072 to 22.
   * @default 3
   */
  readonly compressionZstdLevel?: number;
  /**
   * Replicas that must have a record before it counts as written, below the replication factor. Express and Serverless keep it at 2 themselves.
   * @default - one below the replication factor
   */
  readonly minInsyncReplicas?: number;
  /**
   * Whose clock a message carries.
   * @default MessageTimestampType.CREATE_TIME
   */
  readonly messageTimestampType?: MessageTimestampType;
  /**
   * How far ahead of the broker's clock a message may be; later ones are refused.
   * @default - the cluster's; Kafka's is 1 hour, Express' 1 day
   */
  readonly messageTimestampAfterMaxMs?: Duration;
  /**
   * How far behind the broker's clock a message may be; older ones are refused.
   * @default - the cluster's; Kafka's is no limit, Express' 1 day
   */
  readonly messageTimestampBeforeMaxMs?: Duration;
  /**
   * How long tombstones of a compacted topic stay: in this time a reader from the beginning must finish.
   * @default Duration.days(1)
   */
  readonly deleteRetentionMs?: Duration;
  /**
   * Time for which a record is not compacted away.
   * @default Duration.millis(0)
   */
  readonly minCompactionLagMs?: Duration;
  /**
   * Time after which a record is compacted in any case. At least 7 days on Express.
   * @default - no limit
   */
  readonly maxCompactionLagMs?: Duration;
  /**
   * Share of a log that is not yet compacted above which compaction begins, 0-1.
   * @default 0.5
   */
  readonly minCleanableDirtyRatio?: number;
  /**
   * Largest segment of a log; retention removes whole segments.
   * @default - the cluster's; Kafka's is 1 GiB
   */
  readonly segmentBytes?: Size;
  /**
   * Time after which a segment is closed, full or not; at most the retention, which counts from then.
   * @default - a quarter of a retention below 7 days, at least 10 minutes; Kafka's 7 days otherwise
   */
  readonly segmentMs?: Duration;
  /**
   * Random part by which closing segments is brought forward, so that they do not all close at once.
   * @default Duration.millis(0)
   */
  readonly segmentJitterMs?: Duration;
  /**
   * Size of the index of a segment.
   * @default Size.mebibytes(10)
   */
  readonly segmentIndexBytes?: Size;
  /**
   * Bytes of log between two entries of the index.
   * @default Size.kibibytes(4)
   */
  readonly indexIntervalBytes?: Size;
  /**
   * Messages after which the log is forced to disk; replication makes it needless.
   * @default - left to the operating system
   */
  readonly flushMessages?: number;
  /**
   * Time after which the log is forced to disk; replication makes it needless.
   * @default - left to the operating system
   */
  readonly flushMs?: Duration;
  /**
   * Wait before the file of a removed segment is deleted.
   * @default Duration.minutes(1)
   */
  readonly fileDeleteDelayMs?: Duration;
  /**
   * Whether the file of a new segment is allocated in full.
   * @default false
   */
  readonly preallocate?: boolean;
  /**
   * Whether a replica that lacks records may lead. Refused when true: it loses acknowledged records.
   * @default false
   */
  readonly uncleanLeaderElectionEnable?: boolean;
  /**
   * Whether closed segments move to tiered storage: with a retention of at least 3 days, segments of at least 48 MiB, closed after at least 10
   * minutes, and no compaction (MSK Developer Guide, tiered storage; we hold Strimzi to the same). On MSK it can never be turned on again once off.
   * @default false
   */
  readonly remoteStorageEnable?: boolean;
  /**
   * How long records stay on the brokers' volumes with tiered storage; below the retention.
   * @default - as long as the retention
   */
  readonly localRetentionMs?: Duration;
  /**
   * How much of a partition stays on the brokers' volumes with tiered storage; below `retentionBytes`.
   * @default - as much as `retentionBytes`
   */
  readonly localRetentionBytes?: Size;
  /**
   * Whether no further segments move to tiered storage (Kafka 3.9 and later).
   * @default false
   */
  readonly remoteLogCopyDisable?: boolean;
  /**
   * Whether tiered segments are deleted when tiered storage is turned off (Kafka 3.9 and later).
   * @default false
   */
  readonly remoteLogDeleteOnDisable?: boolean;
  /**
   * Replicas whose leader is throttled while partitions move, `partition:broker` or `*`.
   * @default - none
   */
  readonly leaderReplicationThrottledReplicas?: string[];
  /**
   * Replicas whose follower is throttled while partitions move, `partition:broker` or `*`.
   * @default - none
   */
  readonly followerReplicationThrottledReplicas?: string[];
}
