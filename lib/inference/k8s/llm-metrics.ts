import { PromQuery } from '../../core/prom-query';
import type { LlmSeries } from './llm-series';

/** Queries of what vLLM measures of itself (0.12 and later), over all replicas. */
export class LlmMetrics {
  /** @internal */
  public static _of(series: LlmSeries): LlmMetrics {
    return new LlmMetrics(series);
  }

  private constructor(private readonly series: LlmSeries) {}

  /** Requests that wait, over all replicas. */
  public waitingRequests(): PromQuery {
    return PromQuery.of(`sum(${this.named('vllm:num_requests_waiting')})`);
  }

  /** Requests that wait for a replica, the mean of the replicas. */
  public waitingRequestsPerReplica(): PromQuery {
    return PromQuery.of(`avg(${this.named('vllm:num_requests_waiting')})`);
  }

  /** Requests that are being answered, over all replicas. */
  public runningRequests(): PromQuery {
    return PromQuery.of(`sum(${this.named('vllm:num_requests_running')})`);
  }

  /** Share of the KV cache in use, percent, of the replica with the least left. */
  public kvCachePercent(): PromQuery {
    return PromQuery.of(`100 * max(${this.named('vllm:kv_cache_usage_perc')})`);
  }

  /** Seconds until the first token, the 99th percentile. */
  public timeToFirstTokenP99(): PromQuery {
    const buckets = this.rate('vllm:time_to_first_token_seconds_bucket');
    return PromQuery.of(`histogram_quantile(0.99, sum by (le) (${buckets}))`);
  }

  /** Tokens of answers a second. */
  public tokensPerSecond(): PromQuery {
    return PromQuery.of(`sum(${this.rate('vllm:generation_tokens_total')})`);
  }

  /** Share of the requests that the server failed, percent. */
  public errorPercent(): PromQuery {
    const requests = (status: string) => `sum(${this.rate('http_requests_total', `handler=~"/v1/.*"${status}`)})`;
    // Without a failure there is no series of failures.
    return PromQuery.of(`100 * (${requests(',status="5xx"')} or vector(0)) / ${requests('')}`);
  }

  private named(metric: string, more = ''): string {
    const { prefix, selector } = this.series;
    return `${prefix}${metric}{${[selector, more].filter(Boolean).join(',')}}`;
  }

  private rate(metric: string, more = ''): string {
    return `rate(${this.named(metric, more)}[${this.series.window}])`;
  }
}
