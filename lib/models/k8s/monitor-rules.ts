import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import { DNS_SUBDOMAIN, LABEL_KEY, LABEL_VALUE } from '../../workloads/k8s/kubernetes-syntax';
import type { ModelMonitorProps } from './model-monitor';
import type { BaselineBucket } from './monitor-signals';

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TEXT = /^[^"\\\n{}]+$/;

const row = (
  subject: string,
  value: (props: ModelMonitorProps) => unknown,
  valid: (value: never) => boolean,
  allowed: string,
  fix: string,
  code = 'Millrace.ModelMonitorInvalid',
): Rule<ModelMonitorProps> => ({ code, subject, value, valid, allowed, fix, tokens: 'refuse' });

const pairs = (labels: { [label: string]: string } | undefined) => (labels ? Object.entries(labels) : undefined);
const matchable = (labels: [string, string][]) =>
  labels.length > 0 && labels.every(([label, value]) => LABEL.test(label) && TEXT.test(value));

/** Rules for a monitor on Kubernetes. */
export const MONITOR_RULES: readonly Rule<ModelMonitorProps>[] = [
  row(
    'endpointName',
    (props) => props.endpointName,
    (name: string) => DNS_SUBDOMAIN.test(name),
    'the name of an InferenceService',
    'use its name',
  ),
  row(
    'selector',
    (props) => pairs(props.selector),
    matchable,
    'labels of the time series, without quotes, braces or backslashes',
    'name what tells the server apart: { namespace: "fraud", service: "radar" }',
  ),
  row(
    'drift.name',
    ({ drift }) => drift.map(({ name }) => name),
    (names: string[]) =>
      names.length > 0 && new Set(names).size === names.length && names.every((name) => /^[a-z][a-z0-9_]{0,62}$/.test(name)),
    'at least one signal, each with a name of its own: lower-case letters, digits and _',
    'name the distribution that is watched: score',
  ),
  row(
    'drift.histogram',
    ({ drift }) => drift.map(({ histogram }) => histogram),
    (names: string[]) => names.every((name) => METRIC.test(name) && !/_(bucket|count|sum)$/.test(name)),
    'a metric without _bucket, _count or _sum',
    'leave the suffix out',
  ),
  row(
    'drift.baseline',
    ({ drift }) => drift.map(({ baseline }) => baseline),
    (all: BaselineBucket[][]) => all.every(isBaseline),
    'at least two buckets, bounds rising, the last alone without one; shares of 0-1 that add up to 1',
    'count the values of the training in the buckets of the histogram',
  ),
  row(
    'drift.threshold',
    ({ drift }) => drift.flatMap(({ threshold }) => threshold ?? []),
    (all: number[]) => all.every((threshold) => threshold > 0 && threshold <= 10),
    'a number above 0, at most 10',
    'leave it out for 0.2',
  ),
  row(
    'drift.window',
    ({ drift }) => drift.flatMap(({ window }) => window?.toMinutes({ integral: false }) ?? []),
    (all: number[]) => all.every((minutes) => Number.isInteger(minutes) && minutes >= 10 && minutes <= 30 * 24 * 60),
    'whole minutes, 10 minutes-30 days',
    'leave it out for six hours',
  ),
  row(
    'drift.minSamples',
    ({ drift }) => drift.flatMap(({ minSamples }) => minSamples ?? []),
    (all: number[]) => all.every((count) => Number.isInteger(count) && count > 0),
    'a whole number above zero',
    'leave it out for 1000',
  ),
  row(
    'requests',
    ({ requests }) => (requests ? [requests.total, requests.errors] : undefined),
    (names: string[]) => names.every((name) => METRIC.test(name)),
    'names of counters',
    'use the names that the server exposes: http_requests_total',
  ),
  row(
    'requests.errorLabels',
    ({ requests }) => pairs(requests?.errorLabels),
    matchable,
    'labels with regular expressions, without quotes, braces or backslashes',
    "write { code: '5..' }",
  ),
  row(
    'requests.errorPercent',
    ({ requests }) => requests?.errorPercent,
    (percent: number) => percent > 0 && percent <= 100,
    'a number above 0, at most 100',
    'leave it out for 1',
  ),
  row(
    'features',
    ({ features }) => features?.map(({ freshness }) => freshness),
    (promises: (Duration | undefined)[]) => promises.every((promise) => promise !== undefined),
    'feature schemas with a freshness',
    'give the schema a freshness: without a promise there is nothing to watch',
    'Millrace.ModelMonitorFreshnessUnknown',
  ),
  row(
    'labels',
    (props) => pairs(props.labels),
    (labels: [string, string][]) => labels.every(([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value)),
    'labels of Kubernetes',
    'use those by which Prometheus selects its rules: { release: "prometheus" }',
  ),
];

function isBaseline(buckets: BaselineBucket[]): boolean {
  const bounds = buckets.slice(0, -1).map(({ upTo }) => upTo);
  const sum = buckets.reduce((total, { share }) => total + share, 0);
  return (
    buckets.length >= 2 &&
    buckets[buckets.length - 1].upTo === undefined &&
    bounds.every((bound, index) => Number.isFinite(bound) && (index === 0 || bound! > bounds[index - 1]!)) &&
    buckets.every(({ share }) => share >= 0 && share <= 1) &&
    Math.abs(sum - 1) < 1e-6
  );
}
