import type { PodSize } from '../../workloads/pod-size';

/** The servers of a feature store. */
export interface FeastServerOptions {
  /** Size of the online server, and its replicas: at least 2, and the least where `maxReplicas` is given. */
  readonly size: PodSize;
  /**
   * Replicas at most, added by CPU. Beyond 10 each one adds little (Feast, online server performance tuning).
   * @default - as many as `size` says, always
   */
  readonly maxReplicas?: number;
  /**
   * Worker processes of a pod, 1-64, of 256 MiB at least.
   * @default - two for each vCPU and one more
   */
  readonly workers?: number;
  /**
   * Connections that a worker serves at once.
   * @default 1000
   */
  readonly workerConnections?: number;
  /**
   * Requests after which a worker is replaced, give or take a twentieth, so that what leaks does not add up.
   * @default 10000
   */
  readonly maxRequests?: number;
  /**
   * Image of the servers and of the jobs, with the version of the operator.
   * @default FeatureStore.IMAGE
   */
  readonly image?: string;
}
