import { PromQuery } from '../../core/prom-query';

const READ = 'endpoint="/get-online-features"';
const PUSH = 'endpoint="/push"';

/**
 * What the online servers of a feature store tell Prometheus (Feast 0.66, `feast/metrics.py`). The operator makes a ServiceMonitor for them
 * where the Prometheus operator is; its `service` and `namespace` tell the stores apart. Open the way with `allowMetricsFromNamespace`.
 */
export class FeatureStoreMetrics {
  private readonly service: string;

  /** Queries for the servers of one FeatureStore object. */
  constructor(resourceName: string, namespace?: string) {
    this.service = [`service="feast-${resourceName}-online"`, ...(namespace ? [`namespace="${namespace}"`] : [])].join(',');
  }

  /** Requests to read, a second. */
  public reads(): PromQuery {
    return PromQuery.of(this.requests(READ));
  }

  /** Requests to write, a second; each has up to as many records as a push takes at once. */
  public pushes(): PromQuery {
    return PromQuery.of(this.requests(PUSH));
  }

  /** Share of all requests that failed, percent, those of clients that ask for what does not exist among them; nothing without requests. */
  public errorPercent(): PromQuery {
    return PromQuery.of(`100 * (${this.requests('status="error"')} or vector(0)) / (${this.requests()} > 0)`);
  }

  /** Seconds within which 99 of 100 requests to read are answered. */
  public latencyP99(): PromQuery {
    return PromQuery.of(this.p99('feast_feature_server_request_latency_seconds', READ));
  }

  /** Seconds of them that the online store takes. */
  public storeLatencyP99(): PromQuery {
    return PromQuery.of(this.p99('feast_feature_server_online_store_read_duration_seconds'));
  }

  private requests(...labels: string[]): string {
    return `sum(rate(feast_feature_server_request_total{${[this.service, ...labels].join(',')}}[5m]))`;
  }

  private p99(histogram: string, ...labels: string[]): string {
    return `histogram_quantile(0.99, sum by (le) (rate(${histogram}_bucket{${[this.service, ...labels].join(',')}}[5m])))`;
  }
}
