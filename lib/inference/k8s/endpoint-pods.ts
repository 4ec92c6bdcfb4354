import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';
import type { PodSize } from '../../workloads/pod-size';

/** The pods of a model: one is one replica. How many there are follows from the demand. */
export interface EndpointPodOptions {
  /** CPU and memory of a pod; Ray counts whole cores. */
  readonly size: PodSize;
  /**
   * Where they stand, and their GPUs.
   * @default - any node, spread over the zones, no GPU
   */
  readonly scheduling?: PodScheduling;
  /**
   * Who they are; on KServe they download the model as this identity, too.
   * @default - a service account of their own
   */
  readonly identity?: ServiceIdentity;
}
