/** Names of what a model server tells Prometheus, that of a histogram without its endings. */
export interface EndpointMetricNames {
  /** Counter of requests, for example `nv_inference_count`. */
  readonly requests: string;
  /** Counter of requests that failed by the fault of the server, for example `nv_inference_request_failure`. */
  readonly failures: string;
  /** Histogram of the time of a request, in seconds. Its largest bound must be above `demand.p99`. */
  readonly latency: string;
  /** Gauge of the requests in flight. */
  readonly inFlight: string;
}

/** Where Prometheus stands and what it is told. */
export interface EndpointPrometheus {
  /**
   * Namespace of Prometheus, whose pods may read the metrics.
   * @default 'monitoring'
   */
  readonly namespace?: string;
  /**
   * Address of Prometheus for KEDA, for example `http://prometheus.monitoring.svc:9090`. Without it replicas follow the CPU, at 60 %: the
   * autoscaler of Kubernetes sees no requests.
   * @default - none
   */
  readonly serverAddress?: string;
  /**
   * Names of the metrics, for a server that is none of KServe's in Python.
   * @default - those of KServe's servers in Python: the time in `predict`, and as failures what `predict` did not hand on to `postprocess`
   */
  readonly names?: EndpointMetricNames;
}
