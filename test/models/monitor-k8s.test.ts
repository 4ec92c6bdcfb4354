import { execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import { ModelMonitor } from '../../lib/models/k8s';
import { codesIn, refusalOf } from '../contract/refusal';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

function newApp(allocated = true): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-drift-')) });
  if (allocated) {
    new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  }
  return app;
}
const schemaOf = (freshness?: Duration) =>
  new FeatureSchema({
    name: 'card-activity',
    entityKey: 'card_id',
    eventTime: EventTime.epochMillis('at'),
    features: [{ name: 'card_id', type: FeatureType.STRING }],
    owner: 'fraud-ml',
    freshness,
  });
const SCORE = { name: 'score', histogram: 'radar_score', baseline: [{ upTo: 0.5, share: 0.8 }, { upTo: 1, share: 0.2 }, { share: 0 }] };
const BASE = { endpointName: 'radar', selector: { namespace: 'fraud', service: 'radar' }, drift: [SCORE] };

const app = newApp();
new ModelMonitor(new Chart(app, 'monitor', { namespace: 'fraud' }), 'Radar', {
  ...BASE,
  requests: { total: 'http_requests_total', errors: 'http_requests_total', errorLabels: { code: '5..' } },
  features: [schemaOf(Duration.minutes(10))],
  labels: { release: 'prometheus' },
});
app.synth();
const manifests: any[] = Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
const [{ spec, metadata }] = manifests;
const rules: any[] = spec.groups.flatMap((group: any) => group.rules);
const alert = (name: string) => rules.find((rule) => rule.alert === name);

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;
withShared(`the rules are valid for the Prometheus operator${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
});

test('the rules have an owner and the labels by which Prometheus selects them', () => {
  expect(metadata.labels).toMatchObject({ release: 'prometheus', team: 'fraud-ml' });
});

test('the share of a bucket is what lies between two bounds, and the index follows from the shares of the training', () => {
  const selector = 'namespace="fraud",service="radar"';
  expect(rules.slice(0, 3).map(({ expr }) => expr)).toEqual([
    `clamp_min(sum(increase(radar_score_bucket{${selector},le=~"0[.]5"}[360m])) / sum(increase(radar_score_count{${selector}}[360m])), 0.0001)`,
    `clamp_min((sum(increase(radar_score_bucket{${selector},le=~"1([.]0)?"}[360m])) - sum(increase(radar_score_bucket{${selector},le=~"0[.]5"}[360m]))) / sum(increase(radar_score_count{${selector}}[360m])), 0.0001)`,
    `clamp_min((sum(increase(radar_score_bucket{${selector},le=~"[+]Inf"}[360m])) - sum(increase(radar_score_bucket{${selector},le=~"1([.]0)?"}[360m]))) / sum(increase(radar_score_count{${selector}}[360m])), 0.0001)`,
  ]);
  expect(rules[3].record).toBe('millrace:model_population_stability_index');
  // (0 - 0) ln(0 / 0) would be no number: a share of nothing counts as 0.0001.
  expect(rules[3].expr).toContain('- 0.0001) * ln(');
});

test('the recorded series of an endpoint tell its namespace, where another one may have the same name', () => {
  const labels = { monitor: 'radar', namespace: 'fraud', signal: 'score' };
  expect(rules[0].labels).toEqual({ ...labels, bucket: '0' });
  expect(rules[3].labels).toEqual(labels);
  expect(rules[3].expr.match(/\{monitor="radar",namespace="fraud",signal="score",bucket="\d"\}/g)).toHaveLength(6);
  expect(alert('ModelDrift').expr).toContain('index{monitor="radar",namespace="fraud",signal="score"} > 0.2 and on() (');
  expect(alert('ModelDrift').labels).toEqual(labels);
});

test('errors, old features and silence have alerts of their own', () => {
  expect(alert('ModelRequestsFail').expr).toBe(
    '100 * sum(rate(http_requests_total{namespace="fraud",service="radar",code=~"5.."}[5m])) / sum(rate(http_requests_total{namespace="fraud",service="radar"}[5m])) > 1',
  );
  const pushed = 'histogram_quantile(0.99, sum by (le) (rate(millrace_feature_freshness_seconds_bucket{view="card-activity"}[5m])))';
  const filled = 'max(feast_feature_freshness_seconds{feature_view="card-activity"})';
  expect(alert('ModelFeaturesOld').expr).toBe(`${pushed} > 600 or ${filled} > 600`);
  expect(alert('ModelMonitorSilent').expr).toBe('absent(radar_score_count{namespace="fraud",service="radar"})');
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
// To the terminal itself: jest hides the names of skipped tests.
if (!hasPromtool) process.stderr.write('SKIPPED: promtool is not on the PATH, so no Prometheus has computed the drift rules in this run\n');
(hasPromtool ? test : test.skip)(
  `Prometheus computes the index of a shifted distribution and fires, and stays quiet where there is none${hasPromtool ? '' : ' (skipped: promtool is absent)'}`,
  () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-promtool-'));
    fs.writeFileSync(path.join(folder, 'rules.json'), JSON.stringify(spec));
    execFileSync('promtool', ['check', 'rules', path.join(folder, 'rules.json')], { stdio: 'pipe' });
    const labels = 'namespace="fraud",service="radar"';
    const counters = (below: number, total: number) => [
      { series: `radar_score_bucket{${labels},le="0.5"}`, values: `0+${below}x800` },
      { series: `radar_score_bucket{${labels},le="1.0"}`, values: `0+${total}x800` },
      { series: `radar_score_bucket{${labels},le="+Inf"}`, values: `0+${total}x800` },
      { series: `radar_score_count{${labels}}`, values: `0+${total}x800` },
    ];
    // (0.4 - 0.8) ln(0.4 / 0.8) + (0.6 - 0.2) ln(0.6 / 0.2) = 0.7167037876912220; the third bucket is as empty as it was.
    const index = 'millrace:model_population_stability_index{monitor="radar",namespace="fraud",signal="score"}';
    const check = (below: number, value: number, alerts: object[]) => ({
      interval: '1m',
      input_series: counters(below, 10),
      promql_expr_test: [
        {
          expr: 'round(millrace:model_population_stability_index, 0.000001)',
          eval_time: '720m',
          exp_samples: [{ labels: index.replace(/^[^{]*/, ''), value }],
        },
      ],
      alert_rule_test: [{ eval_time: '720m', alertname: 'ModelDrift', exp_alerts: alerts }],
    });
    const firing = {
      exp_labels: { monitor: 'radar', namespace: 'fraud', signal: 'score' },
      exp_annotations: {
        summary: 'radar: the distribution of score is not that of the training any more',
        description: 'The population stability index is 0.717, above 0.2.',
      },
    };
    const tests = { rule_files: ['rules.json'], evaluation_interval: '1m', tests: [check(4, 0.716704, [firing]), check(8, 0, [])] };
    fs.writeFileSync(path.join(folder, 'tests.json'), JSON.stringify(tests));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path.join(folder, 'tests.json')], { encoding: 'utf8' });
    expect(status === 0 ? '' : `${stdout}${stderr}`).toBe('');
  },
);

describe('what is refused', () => {
  const build = (props: object) => () => new ModelMonitor(new Chart(newApp(), 'c'), 'M', { ...BASE, ...props });
  const signal = (more: object) => ({ drift: [{ ...SCORE, ...more }] });

  test('shares that do not add up, bounds that fall, a metric with its suffix', () => {
    const drift = ['Millrace.ModelMonitorInvalid drift.baseline'];
    expect(refusalOf(build(signal({ baseline: [{ upTo: 1, share: 0.5 }, { share: 0.4 }] })))).toEqual(drift);
    expect(refusalOf(build(signal({ baseline: [{ upTo: 2, share: 0.5 }, { upTo: 1, share: 0.4 }, { share: 0.1 }] })))).toEqual(drift);
    expect(refusalOf(build(signal({ baseline: [{ upTo: 1, share: 1 }] })))).toEqual(drift);
    expect(refusalOf(build(signal({ histogram: 'radar_score_bucket', threshold: 0, window: Duration.minutes(1), minSamples: 0 })))).toEqual(
      [
        'Millrace.ModelMonitorInvalid drift.histogram',
        'Millrace.ModelMonitorInvalid drift.threshold',
        'Millrace.ModelMonitorInvalid drift.window',
        'Millrace.ModelMonitorInvalid drift.minSamples',
      ],
    );
  });

  test('text that would break out of a query, signals of one name, features without a promise', () => {
    expect(refusalOf(build({ selector: { service: 'a"} or vector(1)' } }))).toEqual(['Millrace.ModelMonitorInvalid selector']);
    expect(refusalOf(build({ selector: {} }))).toEqual(['Millrace.ModelMonitorInvalid selector']);
    expect(refusalOf(build({ drift: [SCORE, SCORE] }))).toEqual(['Millrace.ModelMonitorInvalid drift.name']);
    expect(refusalOf(build({ features: [schemaOf()] }))).toEqual(['Millrace.ModelMonitorFreshnessUnknown features']);
    expect(refusalOf(build({ requests: { total: 'a b', errors: 'c', errorPercent: 0 } }))).toEqual([
      'Millrace.ModelMonitorInvalid requests',
      'Millrace.ModelMonitorInvalid requests.errorPercent',
    ]);
  });

  test('a monitor outside of an allocation', () => {
    const other = newApp(false);
    new ModelMonitor(new Chart(other, 'c'), 'M', BASE);
    expect(codesIn(() => other.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });
});
