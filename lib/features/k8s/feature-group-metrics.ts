import { PromQuery } from '../../core/prom-query';
import { PUSH_FRESHNESS_SECONDS } from '../feature-metric-names';

/**
 * What the pushes of a feature group tell Prometheus. Those of `FeatureGroup.metrics` count every push to a project and view of these names
 * that Prometheus reads; those of `FeaturePush.metrics` stay in its namespace.
 */
export class FeatureGroupMetrics {
  private readonly selector: string;

  /** Queries for one view of a project. */
  constructor(projectName: string, featureGroupName: string, namespace?: string) {
    const labels = { project: projectName, view: featureGroupName, ...(namespace ? { namespace } : {}) };
    this.selector = `{${Object.entries(labels)
      .map(([name, value]) => `${name}="${value}"`)
      .join(',')}}`;
  }

  /** Seconds from the event time of a record to the moment at which it can be read: what 99 of 100 stay below, up to a day. */
  public freshness(): PromQuery {
    return PromQuery.of(`histogram_quantile(0.99, sum by (le) (rate(${PUSH_FRESHNESS_SECONDS}_bucket${this.selector}[5m])))`);
  }

  /** Share of the records that were older than the schema promises when they could be read, percent; nothing where none is written. */
  public latePercent(): PromQuery {
    const written = this.recordsWritten().expression;
    return PromQuery.of(`100 * ${this.rate('millrace_feature_late_records_total')} / (${written} > 0)`);
  }

  /** Records that were written, a second. */
  public recordsWritten(): PromQuery {
    return PromQuery.of(this.rate(`${PUSH_FRESHNESS_SECONDS}_count`));
  }

  /** Records that cannot be mapped, a second: they are in the dead-letter topic. */
  public recordsRejected(): PromQuery {
    return PromQuery.of(this.rate('millrace_feature_dead_letters_total'));
  }

  /** Attempts to push or to find a schema that failed, a second; each is made again. */
  public pushFailures(): PromQuery {
    return PromQuery.of(this.rate('millrace_feature_push_failures_total'));
  }

  /**
   * Records that were written within minutes; zero where nobody writes at all.
   * @internal
   */
  public _writtenWithin(minutes: number): string {
    return `(sum(increase(${PUSH_FRESHNESS_SECONDS}_count${this.selector}[${minutes}m])) or vector(0))`;
  }

  /** @internal */
  public _rejectedWithin(minutes: number): string {
    return `sum(increase(millrace_feature_dead_letters_total${this.selector}[${minutes}m]))`;
  }

  private rate(series: string): string {
    return `sum(rate(${series}${this.selector}[5m]))`;
  }
}
