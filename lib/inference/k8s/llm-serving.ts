import type { Duration } from 'aws-cdk-lib';

/** Who picks the pod for a request, behind an InferencePool. It is installed on its own: the router of llm-d, for example. */
export interface LlmEndpointPicker {
  /** Name of its service, in the namespace of the endpoint. */
  readonly serviceName: string;
  /** Labels of its pods: they read the metrics of the model's pods. */
  readonly podSelector: { [key: string]: string };
  /**
   * Port of its service.
   * @default 9002
   */
  readonly port?: number;
}

/** Routing by what the pods have cached and what waits before them: an InferencePool and a route to it. */
export interface InferencePoolRouting {
  /** Name of the Gateway. Its implementation has to know InferencePool. */
  readonly gatewayName: string;
  /** Namespace in which the proxies of the Gateway run: they are let in. */
  readonly proxyNamespace: string;
  /** Who picks the pod. */
  readonly endpointPicker: LlmEndpointPicker;
  /**
   * Namespace of the Gateway.
   * @default - that of the endpoint
   */
  readonly gatewayNamespace?: string;
  /**
   * Host names of the route.
   * @default - every one of the Gateway
   */
  readonly hostnames?: string[];
  /**
   * How long a request may take, whole seconds.
   * @default Duration.minutes(10)
   */
  readonly requestTimeout?: Duration;
}

/** How a model is served by a Deployment. */
export interface DeploymentServingOptions {
  /**
   * Routing by cache and queue.
   * @default - the Service spreads connections evenly
   */
  readonly routing?: InferencePoolRouting;
}

/** How KServe serves a model. */
export interface KserveServingOptions {
  /**
   * Name of the Gateway that KServe makes a route and a scheduler for.
   * @default - no route: the model is called in the cluster only
   */
  readonly gatewayName?: string;
  /**
   * Namespace of the Gateway.
   * @default - that of the endpoint
   */
  readonly gatewayNamespace?: string;
  /**
   * Namespace in which the proxies of the Gateway run: they are let in.
   * @default - that of the Gateway
   */
  readonly proxyNamespace?: string;
  /**
   * Names of LLMInferenceServiceConfigs on which the service is based.
   * @default - those of KServe's installation
   */
  readonly baseRefs?: string[];
  /**
   * Whether the installation serves models over TLS, with certificates that it signs itself: `enableLLMInferenceServiceTLS` in its
   * `inferenceservice-config`.
   * @default false - as KServe is shipped
   */
  readonly tls?: boolean;
}

/** What serves a model on Kubernetes. */
export enum LlmServingKind {
  /** A Deployment and a Service. */
  DEPLOYMENT = 'deployment',
  /** KServe's LLMInferenceService. */
  KSERVE = 'kserve',
  /** A LeaderWorkerSet: several nodes a replica. */
  MULTI_NODE = 'multiNode',
}

/** What serves a model on Kubernetes. */
export class LlmServing {
  /** A Deployment of vLLM and a Service; nothing else has to be installed. */
  public static deployment(options: DeploymentServingOptions = {}): LlmServing {
    return new LlmServing(LlmServingKind.DEPLOYMENT, options.routing);
  }

  /** KServe's LLMInferenceService (`serving.kserve.io/v1alpha2`, KServe 0.20), with its route and scheduler. */
  public static kserve(options: KserveServingOptions = {}): LlmServing {
    return new LlmServing(LlmServingKind.KSERVE, undefined, options);
  }

  /**
   * A LeaderWorkerSet (0.9 or later): each replica is as many pods as the sizing has nodes, its layers spread over them. Needs Kubernetes 1.31,
   * whose affinity tells the groups apart, and vLLM 0.12.
   */
  public static multiNode(): LlmServing {
    return new LlmServing(LlmServingKind.MULTI_NODE);
  }

  private constructor(
    /** What serves it. */
    public readonly kind: LlmServingKind,
    /** @internal */
    public readonly _routing?: InferencePoolRouting,
    /** @internal */
    public readonly _kserve?: KserveServingOptions,
  ) {}
}
