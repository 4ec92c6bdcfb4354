import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { Chart, Yaml } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { LlmEndpoint, LlmServing, ModelEndpoint, RayEndpoint } from '../../lib/inference/k8s';
import { LlmModel } from '../../lib/inference/llm-model';
import { LlmScaling } from '../../lib/inference/llm-scaling';
import { LlmSizing } from '../../lib/inference/llm-sizing';
import { ModelMonitor } from '../../lib/models/k8s';
import { ModelSource } from '../../lib/models/model-source';
import { PodSize } from '../../lib/workloads/pod-size';
import { type Cases, runConformance } from './cases';

const ROOT = path.resolve(__dirname, '../..');
const WORK = path.join(ROOT, '.ci/work/prometheus');
const SIZE = PodSize.fixed({ cpu: Cpu.units(2), memory: Size.gibibytes(4) });
const PODS = { size: SIZE };
const PROMETHEUS = { serverAddress: 'http://prometheus.monitoring.svc:9090' };
// 4 at a time on a replica, and 99 of 100 within 120 ms.
const DEMAND = { peakRequestsPerSecond: 400, latency: Duration.millis(30), p99: Duration.millis(120), concurrencyPerReplica: 4 };
const MINUTES = 15;

/** Every construct of the ML rooms that tells Prometheus what to watch, or KEDA what to ask. */
function manifests(): any[] {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-promtool-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  const chart = new Chart(app, 'fraud', { namespace: 'fraud' });
  const formatOf = (version: number) => ModelSource.format({ format: 'onnx', modelUri: `pvc://models/${version}` });
  const model = ModelSource.container({ image: 'registry.example.com/fraud/radar:7.0.0' });
  const common = { demand: DEMAND, pods: PODS };
  new ModelEndpoint(chart, 'Radar', { ...common, model, endpointName: 'radar', prometheus: PROMETHEUS });
  new ModelEndpoint(chart, 'Twin', {
    ...common,
    model: formatOf(7),
    candidate: { name: 'v8', model: formatOf(8) },
    endpointName: 'twin',
    prometheus: PROMETHEUS,
    scaling: EndpointScaling.invocations(),
  });
  const names = { requests: 'served_total', failures: 'failed_total', latency: 'served_seconds', inFlight: 'in_flight' };
  new ModelEndpoint(chart, 'Named', { ...common, model, endpointName: 'named', prometheus: { ...PROMETHEUS, names } });
  new RayEndpoint(chart, 'Graph', {
    ...common,
    model,
    endpointName: 'graph',
    app: { importPath: 'graph:app', deployment: 'Graph' },
    cluster: { rayVersion: '2.52.0', headSize: SIZE, apiServerCidr: '10.0.0.0/16' },
  });
  const sizing = LlmSizing.fixed(LlmModel.LLAMA_3_1_8B, {
    instanceType: 'g6e.xlarge',
    replicas: 3,
    contextLength: 8192,
    timeToFirstToken: Duration.seconds(2),
  });
  const llm = { sizing, server: { image: 'vllm/vllm-openai:v0.18.1' } };
  new LlmEndpoint(chart, 'Chat', { ...llm, endpointName: 'chat', scaling: LlmScaling.waitingRequests({ ...PROMETHEUS, minReplicas: 2 }) });
  new LlmEndpoint(chart, 'Served', { ...llm, endpointName: 'served', serving: LlmServing.kserve() });
  new ModelMonitor(chart, 'Monitor', {
    endpointName: 'radar',
    selector: { namespace: 'fraud', service: 'radar' },
    drift: [{ name: 'score', histogram: 'radar_score', baseline: [{ upTo: 0.5, share: 0.8 }, { upTo: 1, share: 0.2 }, { share: 0 }] }],
    requests: { total: 'http_requests_total', errors: 'http_requests_total', errorLabels: { code: '5..' } },
    features: [
      new FeatureSchema({
        name: 'card-activity',
        entityKey: 'card_id',
        eventTime: EventTime.epochMillis('at'),
        features: [{ name: 'card_id', type: FeatureType.STRING }],
        owner: 'fraud-ml',
        freshness: Duration.minutes(10),
      }),
    ],
  });
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

/** Series by name, each with what it grows by in 15 s. */
type Traffic = Readonly<Record<string, number>>;

const KSERVE = 'namespace="fraud",app="isvc.radar-predictor",pod="a"';
const RAY = 'namespace="fraud",millrace_io_endpoint="graph",ray_io_node_type="worker",pod="a"';
const UP_KSERVE = `up{${KSERVE}}`;
const UP_RAY = `up{${RAY}}`;

/** What the server of KServe tells when it answers `answered` of `asked` requests, `fast` of them within 100 ms, in `seconds` in all. */
function kserveTraffic(asked: number, answered: number, fast: number, seconds: number): Traffic {
  const stages = ['preprocess', 'predict', 'postprocess'].map((stage) => [
    `request_${stage}_seconds_sum{${KSERVE}}`,
    stage === 'predict' ? seconds : 0,
  ]);
  return {
    ...Object.fromEntries(stages),
    [`request_predict_seconds_count{${KSERVE}}`]: asked,
    ...(answered > 0 ? { [`request_postprocess_seconds_count{${KSERVE}}`]: answered } : {}),
    [`request_predict_seconds_bucket{${KSERVE},le="0.1"}`]: fast,
    [`request_predict_seconds_bucket{${KSERVE},le="0.25"}`]: asked,
    [`request_predict_seconds_bucket{${KSERVE},le="+Inf"}`]: asked,
  };
}

/** What the proxies of Ray tell, and beside it the health checks that each of them answers fast. */
function rayTraffic(ok: number, failed: number, fast: number): Traffic {
  const routed = `${RAY},route="/"`;
  const bucket = (route: string, le: string) => `ray_serve_http_request_latency_ms_bucket{${RAY},route="${route}",le="${le}"}`;
  return {
    [`ray_serve_num_http_requests_total{${routed},status_code="200"}`]: ok,
    ...(failed > 0 ? { [`ray_serve_num_http_requests_total{${routed},status_code="503"}`]: failed } : {}),
    [`ray_serve_num_http_requests_total{${RAY},route="/-/healthz",status_code="200"}`]: 100 * (ok + failed),
    [bucket('/', '100')]: fast,
    [bucket('/', '500')]: ok + failed,
    [bucket('/', '+Inf')]: ok + failed,
    [bucket('/-/healthz', '100')]: 100 * (ok + failed),
    [bucket('/-/healthz', '+Inf')]: 100 * (ok + failed),
  };
}

function seriesOf(traffic: Traffic, gauges: Traffic): object[] {
  const steps = MINUTES * 4;
  return [
    ...Object.entries(traffic).map(([series, step]) => ({ series, values: `0+${step}x${steps}` })),
    ...Object.entries(gauges).map(([series, value]) => ({ series, values: `${value}+0x${steps}` })),
  ];
}

async function conformance(folder: string, cases: Cases): Promise<void> {
  const binaries = execFileSync(path.join(ROOT, 'test/conformance/install-prometheus.sh'), [WORK], { encoding: 'utf8' }).trim();
  const promtool = (...args: string[]) => {
    try {
      return execFileSync(path.join(binaries, 'promtool'), args, { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${stdout}\n${stderr}`, { cause: error });
    }
  };
  const write = (name: string, content: object): string => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, Yaml.stringify(content));
    return file;
  };
  const all = manifests();
  const watched = all.filter(({ kind }) => kind === 'PrometheusRule');
  for (const { metadata, spec } of watched) {
    await cases.run(`Prometheus takes the rules of ${metadata.name}`, async () => {
      const said = promtool('check', 'rules', write(`${metadata.name}.yaml`, spec));
      return said.split('\n').pop()?.trim();
    });
  }
  const queries = all
    .filter(({ kind }) => kind === 'ScaledObject')
    .map(({ metadata, spec }) => ({ name: String(metadata.name), query: String(spec.triggers[0].metadata.query) }));
  const rules = queries.map(({ query }, index) => ({ record: `keda:query:${index}`, expr: query }));
  await cases.run(`Prometheus takes the ${queries.length} queries of autoscalers`, async () =>
    cases.equal(
      /SUCCESS: (\d+) rules found/.exec(promtool('check', 'rules', write('keda.yaml', { groups: [{ name: 'keda', rules }] })))?.[1],
      queries.length.toString(),
    ),
  );

  const files = watched
    .filter(({ metadata }) => /^fraud-(radar|graph)-watch/.test(metadata.name))
    .map(({ metadata }) => path.join(folder, `${metadata.name}.yaml`));
  cases.equal(files.length, 2);
  // Of the two endpoints, the one that is not under test has a replica that is read and idle.
  const fires = (name: string, traffic: Traffic, gauges: Traffic, alerts: readonly string[]) =>
    cases.run(name, async () => {
      const test = {
        interval: '15s',
        input_series: seriesOf(traffic, { [UP_KSERVE]: 1, [UP_RAY]: 1, ...gauges }),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: `${MINUTES - 1}m`,
            exp_samples: alerts.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
          },
        ],
      };
      promtool('test', 'rules', write('test.yaml', { rule_files: files, evaluation_interval: '15s', tests: [test] }));
      return alerts.join(', ') || 'nothing fires';
    });
  // 10 requests a second, that is 150 in 15 s.
  await fires('a healthy model on KServe', kserveTraffic(150, 150, 150, 4.5), {}, []);
  await fires('an idle model on KServe', {}, {}, []);
  await fires('2 % of the requests fail', kserveTraffic(150, 147, 150, 4.5), {}, ['ModelEndpointErrors']);
  await fires('every request fails from the start', kserveTraffic(150, 0, 150, 4.5), {}, ['ModelEndpointErrors']);
  await fires('2 % of the requests are slow', kserveTraffic(150, 150, 147, 4.5), {}, ['ModelEndpointSlow']);
  await fires('6 requests are in flight on a replica for 4', kserveTraffic(150, 150, 150, 90), {}, ['ModelEndpointSaturated']);
  await fires('no replica on KServe is up', {}, { [UP_KSERVE]: 0 }, ['ModelEndpointUnseen']);
  await fires('a healthy model on Ray', rayTraffic(150, 0, 150), {}, []);
  await fires('2 % of the requests on Ray fail, health checks not counted', rayTraffic(147, 3, 150), {}, ['ModelEndpointErrors']);
  await fires('2 % of the requests on Ray are slow, health checks not counted', rayTraffic(150, 0, 147), {}, ['ModelEndpointSlow']);
  const processing = `ray_serve_replica_processing_queries{${RAY},deployment="Graph",replica="a"}`;
  await fires('6 requests are in flight on a replica of Ray for 4', {}, { [processing]: 6 }, ['ModelEndpointSaturated']);
  const head = UP_RAY.replace('worker', 'head');
  await fires('a head of Ray without workers', {}, { [UP_RAY]: 0, [head]: 1 }, ['ModelEndpointUnseen']);

  const radar = queries.find(({ name }) => name.startsWith('fraud-radar'))?.query;
  const asks = (name: string, traffic: Traffic, gauges: Traffic, value?: number) =>
    cases.run(name, async () => {
      const test = {
        interval: '15s',
        input_series: seriesOf(traffic, gauges),
        promql_expr_test: [{ expr: radar, eval_time: '10m', exp_samples: value === undefined ? [] : [{ labels: '{}', value }] }],
      };
      promtool('test', 'rules', write('keda-test.yaml', { rule_files: [], evaluation_interval: '15s', tests: [test] }));
      return value === undefined ? 'no answer' : String(value);
    });
  await asks('the autoscaler sees 6 requests in flight', kserveTraffic(150, 150, 150, 90), { [UP_KSERVE]: 1 }, 6);
  await asks('the autoscaler sees zero while the replicas are idle', {}, { [UP_KSERVE]: 1 }, 0);
  await asks('the autoscaler gets no answer, and falls back, while no replica is read', {}, {});
}

void runConformance({ name: 'promtool', limitMinutes: 3 }, conformance);
