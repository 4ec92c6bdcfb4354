import type { Duration } from 'aws-cdk-lib';
import type { PodSize } from '../../workloads/pod-size';
import type { TrainingSizing } from '../training-sizing';
import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';

/** The pods that train. */
export interface TrainingWorkers {
  /** Size of each; with a sizing it has to fit on one of its instances. */
  readonly size: PodSize;
  /**
   * Instances that were chosen by a benchmark: one worker on each, with all of its GPUs. It is recorded on the RayJob.
   * @default - none: `count` and `scheduling` decide
   */
  readonly sizing?: TrainingSizing;
  /**
   * How many, 1-256; not beside a sizing.
   * @default - the instances of the sizing, or the replicas of the size
   */
  readonly count?: number;
  /**
   * Where they stand, and their GPUs, which a sizing decides by itself.
   * @default - any node, or instances of the type of the sizing; no GPU, or those of the sizing; in one zone where there is room
   */
  readonly scheduling?: PodScheduling;
  /**
   * Whether they stand on spot nodes of Karpenter, which can be taken away; it needs checkpoints.
   * @default false
   */
  readonly spot?: boolean;
}

/** How a training runs and ends. */
export interface TrainingExecution {
  /**
   * Time after which it fails, whole seconds, up to 28 days.
   * @default Duration.hours(24)
   */
  readonly deadline?: Duration;
  /**
   * How often it is begun again, with a new Ray cluster, 0-20.
   * @default - 0, and 3 with checkpoints
   */
  readonly retries?: number;
  /**
   * How long its Ray cluster stays when it is done, for somebody to read the logs; whole seconds, up to a day.
   * @default Duration.minutes(5)
   */
  readonly keepFinished?: Duration;
  /**
   * Local queue of Kueue, which lets it go when there is room.
   * @default - it starts at once
   */
  readonly queueName?: string;
}
