import type { BaselineBucket, DriftSignal } from './monitor-signals';

/** A rule of Prometheus. */
export interface PrometheusRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: { [label: string]: string };
  readonly annotations?: { [name: string]: string };
}

/** What tells the recorded series of a monitor from those of others: one endpoint may stand in several namespaces of a cluster. */
export interface MonitorIdentity {
  readonly monitor: string;
  readonly namespace?: string;
}

/** Names of the recorded series. */
export const SHARE_SERIES = 'millrace:model_bucket_share';
export const INDEX_SERIES = 'millrace:model_population_stability_index';
const DEFAULT_WINDOW_MINUTES = 360;
const DEFAULT_THRESHOLD = 0.2;
const DEFAULT_SAMPLES = 1000;
// An empty bucket would make the logarithm infinite; the usual way out is a share that is nearly none.
const LEAST_SHARE = 0.0001;

/** Matchers of a series, in a fixed order. */
export function matchers(labels: { readonly [label: string]: string }, regex: { readonly [label: string]: string } = {}): string {
  const parts = [
    ...Object.entries(labels).map(([label, value]) => `${label}="${value}"`),
    ...Object.entries(regex).map(([label, value]) => `${label}=~"${value}"`),
  ];
  return `{${parts.join(',')}}`;
}

/** Servers write a whole bound as `1` or as `1.0`. */
function boundMatcher({ upTo }: BaselineBucket): string {
  if (upTo === undefined) return '[+]Inf';
  const text = String(upTo).replaceAll('.', '[.]').replaceAll('+', '[+]');
  return Number.isInteger(upTo) ? `${text}([.]0)?` : text;
}

/**
 * Rules for one distribution: the share of each bucket, the population stability index
 * `sum((actual - expected) * ln(actual / expected))`, and the alert on it.
 */
export function driftRules(
  signal: DriftSignal,
  selector: { readonly [label: string]: string },
  { monitor, namespace }: MonitorIdentity,
): PrometheusRule[] {
  const { name, histogram, baseline, threshold = DEFAULT_THRESHOLD, minSamples = DEFAULT_SAMPLES } = signal;
  const window = `[${signal.window?.toMinutes() ?? DEFAULT_WINDOW_MINUTES}m]`;
  const series = { monitor, ...(namespace ? { namespace } : {}), signal: name };
  const below = (bucket: BaselineBucket) =>
    `sum(increase(${histogram}_bucket${matchers(selector, { le: boundMatcher(bucket) })}${window}))`;
  const count = `sum(increase(${histogram}_count${matchers(selector)}${window}))`;
  const shares = baseline.map((bucket, index) => {
    const inside = index === 0 ? below(bucket) : `(${below(bucket)} - ${below(baseline[index - 1])})`;
    return { record: SHARE_SERIES, expr: `clamp_min(${inside} / ${count}, ${LEAST_SHARE})`, labels: { ...series, bucket: String(index) } };
  });
  const terms = baseline.map(({ share }, index) => {
    const actual = `${SHARE_SERIES}${matchers({ ...series, bucket: String(index) })}`;
    const expected = Math.max(share, LEAST_SHARE);
    return `sum((${actual} - ${expected}) * ln(${actual} / ${expected}))`;
  });
  return [
    ...shares,
    { record: INDEX_SERIES, expr: terms.join(' + '), labels: series },
    {
      alert: 'ModelDrift',
      expr: `${INDEX_SERIES}${matchers(series)} > ${threshold} and on() (${count} >= ${minSamples})`,
      for: '15m',
      labels: series,
      annotations: {
        summary: `${monitor}: the distribution of ${name} is not that of the training any more`,
        description: `The population stability index is {{ printf "%.3f" $value }}, above ${threshold}.`,
      },
    },
  ];
}
