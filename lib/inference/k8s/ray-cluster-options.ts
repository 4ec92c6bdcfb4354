import type { PodSize } from '../../workloads/pod-size';

/** A Redis in which the head of a Ray cluster keeps what it knows, so that the next head goes on with it. */
export interface RayFaultTolerance {
  /** Address of Redis: `redis.fraud:6379`, or `rediss://` with TLS. */
  readonly redisAddress: string;
  /** IPv4 range in which Redis stands: the head may call it there. */
  readonly redisCidr: string;
  /**
   * Secret with the password of Redis, under the key `password`.
   * @default - Redis asks for none
   */
  readonly passwordSecretName?: string;
}

/** The Ray cluster below an endpoint. */
export interface RayClusterOptions {
  /** Version of Ray in the image, for example `2.52.0`. */
  readonly rayVersion: string;
  /** CPU and memory of the head, which runs no model: 2 cores and 8 GiB are enough for most. */
  readonly headSize: PodSize;
  /**
   * Where the head keeps what it knows. Without it a lost head takes the whole cluster along, and the endpoint is gone until KubeRay has made
   * another one; the head is then kept from being drained off its node.
   * @default - nowhere
   */
  readonly faultTolerance?: RayFaultTolerance;
  /**
   * Class of the gateway through which traffic moves step by step to a new cluster (Gateway API). Callers then call the gateway.
   * @default - a new cluster takes over at once, which needs twice the pods for the time
   */
  readonly gatewayClassName?: string;
  /**
   * IPv4 range of the API server, which Ray's autoscaler calls; it has to be named where replicas change.
   * @default - not opened
   */
  readonly apiServerCidr?: string;
  /**
   * IPv4 range from which the application downloads its model over port 443: the subnets of the S3 interface endpoint, or `0.0.0.0/0` where S3 is
   * reached at its public addresses.
   * @default - not opened: the model is in the image
   */
  readonly downloadCidr?: string;
  /**
   * Namespace of the KubeRay operator, which asks the head how it is.
   * @default 'kuberay-operator'
   */
  readonly operatorNamespace?: string;
  /**
   * Namespace of Prometheus, whose pods may read the metrics.
   * @default 'monitoring'
   */
  readonly prometheusNamespace?: string;
}

/** The application of Ray Serve in the image. */
export interface RayServeApp {
  /** Where Python finds the application: `module:application`. */
  readonly importPath: string;
  /**
   * Name of the deployment in it that holds the model, which gets the replicas: by default the name of its class. A replica takes a whole worker, so
   * other deployments of the application have to ask for `num_cpus=0`.
   */
  readonly deployment: string;
}
