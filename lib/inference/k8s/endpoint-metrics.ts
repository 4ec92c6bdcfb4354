import { PromQuery } from '../../core/prom-query';
import type { EndpointExpressions } from './endpoint-expressions';

/** What Prometheus knows of an endpoint. The queries give one value for the model and one for its candidate. */
export class EndpointMetrics {
  /** @internal */
  public static _of(expressions: EndpointExpressions): EndpointMetrics {
    return new EndpointMetrics(expressions);
  }

  private constructor(private readonly expressions: EndpointExpressions) {}

  /** Requests a second. */
  public requests(): PromQuery {
    return PromQuery.of(this.expressions.requests);
  }

  /** Share of the requests that failed by the fault of the server, percent; nothing where there are no requests. */
  public errorPercent(): PromQuery {
    const { failures, requests } = this.expressions;
    return PromQuery.of(`100 * (${failures}) / (${requests} > 0)`);
  }

  /** Time within which 99 of 100 requests are answered, in seconds. */
  public latencyP99(): PromQuery {
    const { latencyBuckets, latencyMillis } = this.expressions;
    const quantile = `histogram_quantile(0.99, ${latencyBuckets})`;
    return PromQuery.of(latencyMillis ? `${quantile} / 1000` : quantile);
  }

  /** Requests in flight, over all replicas. */
  public inFlight(): PromQuery {
    return PromQuery.of(this.expressions.inFlight);
  }

  /** Replicas that Prometheus reads. */
  public replicas(): PromQuery {
    return PromQuery.of(this.expressions.replicas);
  }

  /** Requests in flight on a replica. */
  public inFlightPerReplica(): PromQuery {
    return PromQuery.of(`(${this.expressions.inFlight}) / (${this.expressions.replicas})`);
  }

  /**
   * Requests in flight for an autoscaler: zero while the replicas are read and idle, nothing while they are not read.
   * @internal
   */
  public _load(): string {
    return `sum((${this.expressions.inFlight}) or (${this.expressions.replicas}) * 0)`;
  }

  /**
   * Requests a minute for an autoscaler.
   * @internal
   */
  public _perMinute(): string {
    return `60 * sum((${this.expressions.requests}) or (${this.expressions.replicas}) * 0)`;
  }
}
