import type { Size } from 'aws-cdk-lib';

/** How the volumes of Standard brokers grow by themselves. */
export interface StorageAutoscalingOptions {
  /** Size up to which a volume grows, whole GiB up to 16,384. Volumes never shrink. */
  readonly maxSize: Size;
  /**
   * Share of a volume that is used before it grows, percent from 10 to 80.
   * @default 60: MSK recommends 50 to 60
   */
  readonly targetUtilisation?: number;
}

/** How Standard brokers store records; Express brokers store by themselves. */
export interface KafkaStorage {
  /**
   * Older records on the cheaper tier, for topics with `remote.storage.enable`. It can be turned on later and never off again.
   * @default - on for a sizing with a `primaryRetention`
   */
  readonly tiered?: boolean;
  /**
   * Lets MSK enlarge the volumes by at least a tenth when they fill up, at most every six hours. The volumes then are larger than the template says: before the
   * size in the template is changed, set it to at least what `aws kafka describe-cluster-v2` shows.
   * @default - volumes stay as they are sized
   */
  readonly autoscaling?: StorageAutoscalingOptions;
}
