import type { Size } from 'aws-cdk-lib';
import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';
import type { PodSize } from '../../workloads/pod-size';

/** How an MLflow server runs. */
export interface MlflowServer {
  /**
   * Size of each pod, and at least two replicas.
   * @default - two replicas of 500 m CPU and 2 GiB
   */
  readonly size?: PodSize;
  /**
   * Processes that answer requests in each pod, 1-16; each takes about 300 MiB.
   * @default 2
   */
  readonly workers?: number;
  /**
   * Room in `/tmp` for the files that are on their way through a pod, whole mebibytes from 256; a pod that fills it is evicted.
   * @default Size.gibibytes(8)
   */
  readonly temporaryStorage?: Size;
  /**
   * Where the pods stand.
   * @default - any node, spread over the zones
   */
  readonly scheduling?: PodScheduling;
}
