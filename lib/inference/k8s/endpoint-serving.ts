import type { Duration } from 'aws-cdk-lib';
import type { HealthCheck } from '../../workloads/k8s/health-check';

/** Which protocol of KServe a model server speaks. */
export enum ServingProtocol {
  /** TensorFlow's: `/v1/models/<name>:predict`. */
  V1 = 'v1',
  /** The open inference protocol: `/v2/models/<name>/infer`. */
  V2 = 'v2',
}

/** How the pods of a model endpoint serve. */
export interface EndpointServing {
  /**
   * Port that the model server listens on, 1024-65535.
   * @default 8080
   */
  readonly port?: number;
  /**
   * Protocol that it speaks; it decides the paths of the probes, and with a format the runtimes that KServe may choose.
   * @default - whatever the runtime speaks, probed at the paths of V2, which KServe's own servers, Triton and MLServer have
   */
  readonly protocol?: ServingProtocol;
  /**
   * How the server tells how it is, where it has paths of its own.
   * @default - the paths of the protocol
   */
  readonly health?: HealthCheck;
  /**
   * Time to finish what is in flight once a pod is told to stop, in whole seconds, up to two hours; before it, 15 s pass in which the pod is
   * taken out of the traffic.
   * @default Duration.seconds(45)
   */
  readonly drain?: Duration;
  /**
   * Whether there is capacity for a pod more during a rollout. Without it, as where GPUs are scarce, one pod stops before the next one starts.
   * @default true
   */
  readonly spareCapacity?: boolean;
  /**
   * IPv4 range that the files of the model are downloaded from over port 443: the subnets of the S3 interface endpoint, or `0.0.0.0/0` where S3
   * is reached at its public addresses. It stays open while the pods run, because a network policy knows no phases. Where the namespace enforces
   * Pod Security "restricted", the ClusterStorageContainer of KServe needs a security context: KServe 0.20 gives its download none (kserve#5855).
   * @default - nothing is opened; it has to be named for a model that is downloaded
   */
  readonly downloadCidr?: string;
  /**
   * Name of the candidate that became the model: KServe goes on with its pods and removes the former ones at once. Fixed replicas do not start anew;
   * with an autoscaler they are replaced once, batch by batch, because KServe writes its class into the pods. It stays named until the next
   * candidate takes its place.
   * @default - none
   */
  readonly promotedCandidate?: string;
}
