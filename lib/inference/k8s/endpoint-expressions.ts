import type { EndpointMetricNames } from './endpoint-prometheus';

/** What the queries of an endpoint are made of. */
export interface MetricSource {
  /** Matchers of the series: `app="..."`. */
  readonly selector: string;
  /** Label by which the parts of the endpoint are told apart. */
  readonly by: string;
  /** Rate of a counter, or of the count of a histogram, in a range. */
  readonly window: string;
  readonly names?: EndpointMetricNames;
}

/** Expressions over the series of an endpoint, one value for each of its parts. */
export interface EndpointExpressions {
  readonly requests: string;
  readonly failures: string;
  readonly latencyBuckets: string;
  /** Whether the bounds of the buckets are milliseconds. */
  readonly latencyMillis?: boolean;
  readonly inFlight: string;
  readonly replicas: string;
}

/** The expressions for a model server on KServe. */
export function expressionsOf({ selector, by, window, names }: MetricSource): EndpointExpressions {
  const rate = (metric: string) => `sum by (${by}) (rate(${metric}{${selector}}[${window}]))`;
  const replicas = `count by (${by}) (up{${selector}} == 1)`;
  if (names) {
    return {
      requests: rate(names.requests),
      failures: rate(names.failures),
      latencyBuckets: `sum by (${by}, le) (rate(${names.latency}_bucket{${selector}}[${window}]))`,
      inFlight: `sum by (${by}) (${names.inFlight}{${selector}})`,
      replicas,
    };
  }
  const [predicted, answered] = [rate('request_predict_seconds_count'), rate('request_postprocess_seconds_count')];
  return {
    requests: predicted,
    // KServe's server counts no errors. A request whose predict raises is counted there and never reaches postprocess.
    failures: `clamp_min(${predicted} - (${answered} or ${predicted} * 0), 0)`,
    latencyBuckets: `sum by (${by}, le) (rate(request_predict_seconds_bucket{${selector}}[${window}]))`,
    // Little's law: seconds spent in requests for each second are requests in flight.
    inFlight: ['preprocess', 'predict', 'postprocess'].map((stage) => rate(`request_${stage}_seconds_sum`)).join(' + '),
    replicas,
  };
}
