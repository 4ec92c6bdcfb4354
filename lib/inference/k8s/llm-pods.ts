import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';

/** The pods of a model. */
export interface LlmPodOptions {
  /**
   * Where they stand. GPUs follow from the sizing; a model of GPU, as the label of a node, may be named with `gpu`.
   * @default - nodes of the instance type of the sizing, spread over the zones
   */
  readonly scheduling?: PodScheduling;
  /**
   * Who they are, for example to read a bucket.
   * @default - a service account named as the endpoint
   */
  readonly identity?: ServiceIdentity;
  /**
   * Whether there are GPUs for one replica more during a rollout. Without, a replica leaves before its successor comes.
   * @default true
   */
  readonly spareGpus?: boolean;
}
