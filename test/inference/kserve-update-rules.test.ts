import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { type ApiObject, Chart, JsonPatch } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { ModelEndpoint, type ModelEndpointProps, RayEndpoint, type RayEndpointProps } from '../../lib/inference/k8s';
import { EndpointUpdateRules } from '../../lib/inference/endpoint-update-rules';
import { KserveUpdateRules } from '../../lib/inference/kserve-update-rules';
import { Rollout } from '../../lib/inference/rollout';
import { ModelInput } from '../../lib/models/model-input';
import { ModelSource } from '../../lib/models/model-source';
import { GpuRequest } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';

const SIZE = PodSize.fixed({ cpu: Cpu.units(2), memory: Size.gibibytes(4) });
const DEMAND = { peakRequestsPerSecond: 400, latency: Duration.millis(30), p99: Duration.millis(120), concurrencyPerReplica: 4 };
const modelOf = (version: number, input?: ModelInput) =>
  ModelSource.container({ image: `registry.example.com/fraud/radar:${version}.0.0`, input });
const AMOUNT: Feature = { name: 'amount', type: FeatureType.FRACTIONAL };
const COUNT: Feature = { name: 'count', type: FeatureType.INTEGRAL };
const formatOf = (version: number) => ModelSource.format({ format: 'xgboost', modelUri: `pvc://models/radar-${version}` });
const inputOf = (...fields: Feature[]) => new ModelInput({ fields, request: [AMOUNT, COUNT] });

function synth(work: (chart: Chart) => unknown): Assembly {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-endpoint-updates-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  work(new Chart(app, 'fraud', { namespace: 'fraud' }));
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir });
}
const kserve = (props: Partial<ModelEndpointProps> = {}, mode?: string) =>
  synth((chart) => {
    const endpoint = new ModelEndpoint(chart, 'Radar', {
      model: modelOf(7),
      demand: DEMAND,
      pods: { size: SIZE },
      endpointName: 'radar',
      ...props,
    });
    const path = '/metadata/annotations/serving.kserve.io~1deploymentMode';
    if (mode) (endpoint.node.defaultChild as ApiObject).addJsonPatch(JsonPatch.replace(path, mode));
  });
const ray = (props: Partial<RayEndpointProps> = {}) =>
  synth(
    (chart) =>
      new RayEndpoint(chart, 'Graph', {
        model: modelOf(7),
        demand: DEMAND,
        endpointName: 'graph',
        app: { importPath: 'graph:app', deployment: 'Graph' },
        cluster: { rayVersion: '2.52.0', headSize: SIZE, apiServerCidr: '10.0.0.0/16', gatewayClassName: 'envoy' },
        pods: { size: SIZE, scheduling: { gpu: GpuRequest.whole(2) } },
        ...props,
      }),
  );
const findings = (before: Assembly, after: Assembly) =>
  checkUpdate(before, after, [...KserveUpdateRules.all(), ...EndpointUpdateRules.all()]);
const codes = (before: Assembly, after: Assembly) => findings(before, after).map(({ code, severity }) => `${severity} ${code}`);

test('nothing is said of an unchanged endpoint, nor of a new version of its model', () => {
  expect(codes(kserve(), kserve())).toEqual([]);
  expect(codes(kserve(), kserve({ model: modelOf(8) }))).toEqual([]);
  expect(codes(ray(), ray())).toEqual([]);
});

test('an endpoint that leaves or is renamed takes its address along', () => {
  const [left] = findings(
    kserve(),
    synth(() => undefined),
  );
  expect(left).toMatchObject({ code: 'Millrace.ModelEndpointRemoval', severity: 'error' });
  expect(left.fix).toContain('move the callers first');
  const [renamed] = findings(kserve(), kserve({ endpointName: 'radar2' }));
  expect(renamed).toMatchObject({ code: 'Millrace.ModelEndpointRemoval', severity: 'error' });
  expect(renamed.fix).toContain('endpointName');
  expect(
    codes(
      ray(),
      synth(() => undefined),
    ),
  ).toEqual(['error Millrace.ModelEndpointRemoval']);
});

test('a changed mode makes the pods anew; the former names of a mode are the same mode', () => {
  expect(codes(kserve({}, 'Knative'), kserve())).toEqual(['error Millrace.KserveDeploymentModeChange']);
  expect(codes(kserve({}, 'RawDeployment'), kserve())).toEqual([]);
});

describe('a candidate', () => {
  const withCandidate = (name: string, more: Partial<ModelEndpointProps> = {}, replicas?: number) =>
    kserve({ model: formatOf(7), candidate: { name, model: formatOf(8), replicas }, ...more });
  const promoted = (name: string, version = 8) => kserve({ model: formatOf(version), serving: { promotedCandidate: name } });

  test('that gives way to another is said', () => {
    expect(codes(withCandidate('v8'), withCandidate('v9'))).toEqual(['warning Millrace.KserveCandidateReplaced']);
  });

  test('may be added, withdrawn, and made the model', () => {
    expect(codes(kserve({ model: formatOf(7) }), withCandidate('v8'))).toEqual([]);
    expect(codes(withCandidate('v8'), kserve({ model: formatOf(7) }))).toEqual([]);
    expect(codes(withCandidate('v8', {}, 3), promoted('v8'))).toEqual([]);
    expect(codes(withCandidate('v8', {}, 3), withCandidate('v9', { model: formatOf(8), serving: { promotedCandidate: 'v8' } }))).toEqual(
      [],
    );
    expect(codes(promoted('v8'), promoted('v8', 9))).toEqual([]);
  });

  test('that becomes the model with too few replicas is said: the pods of the former leave at once', () => {
    const [found] = findings(withCandidate('v8', {}, 2), promoted('v8'));
    expect(found).toMatchObject({ code: 'Millrace.KservePromotion', severity: 'warning' });
    expect(found.message).toContain('with 2 of 3 replicas');
    expect(found.fix).toContain('raise candidate.replicas to 3');
  });

  test('that never was one cannot become the model, and the name goes with the model', () => {
    const [unknown] = findings(withCandidate('v8', {}, 3), promoted('v9'));
    expect(unknown).toMatchObject({ code: 'Millrace.KservePromotion', severity: 'error' });
    expect(unknown.message).toContain('was no candidate before');
    expect(codes(promoted('v8'), kserve({ model: formatOf(9) }))).toEqual(['error Millrace.KservePromotion']);
    const [same] = findings(promoted('v8'), kserve({ model: formatOf(8) }));
    expect(same).toMatchObject({ code: 'Millrace.KservePromotion', severity: 'error' });
    expect(same.message).toContain('KServe refuses');
  });

  test('that is new with a share of the traffic is said: KServe does not wait until it is ready', () => {
    const shared = (trafficPercent: number) =>
      kserve({ model: formatOf(7), candidate: { name: 'v8', model: formatOf(8), trafficPercent } });
    const [found] = findings(kserve({ model: formatOf(7) }), shared(25));
    expect(found).toMatchObject({ code: 'Millrace.KserveCandidateUnready', severity: 'warning' });
    expect(found.message).toContain('gets 25 % at once');
    expect(codes(shared(0), shared(25))).toEqual([]);
  });
});

test('another input under the same address is refused, its order included', () => {
  const before = kserve({ model: modelOf(7, inputOf(AMOUNT, COUNT)) });
  expect(codes(before, kserve({ model: modelOf(8, inputOf(AMOUNT, COUNT)) }))).toEqual([]);
  expect(codes(before, kserve({ model: modelOf(8, inputOf(COUNT, AMOUNT)) }))).toEqual(['error Millrace.ModelInputChanged']);
  expect(codes(before, kserve({ model: modelOf(8) }))).toEqual([]);
});

describe('a cluster of Ray', () => {
  test('is swapped by everything but its replicas, and the GPUs for it are named', () => {
    const [swap] = findings(ray(), ray({ model: modelOf(8) }));
    expect(swap).toMatchObject({ code: 'Millrace.RayClusterSwap', severity: 'warning' });
    // A quarter of 12 workers of 2 GPUs each.
    expect(swap.message).toContain('up to 6 GPUs');
    const atOnce = findings(ray(), ray({ model: modelOf(8), rollout: Rollout.allAtOnce() }));
    expect(atOnce.map(({ message }) => message).join()).toContain('up to 24 GPUs');
    expect(codes(ray(), ray({ scaling: EndpointScaling.concurrency({ maxReplicas: 20 }) }))).toEqual([]);
  });

  test('without GPUs its pods are counted', () => {
    const [swap] = findings(ray({ pods: { size: SIZE } }), ray({ pods: { size: SIZE }, model: modelOf(8) }));
    expect(swap.message).toContain('up to 3 pods');
  });
});

test('the rules are known to the guard of an app that has an endpoint', () => {
  let ids: string[] = [];
  synth((chart) => {
    new ModelEndpoint(chart, 'Radar', { model: modelOf(7), demand: DEMAND, pods: { size: SIZE } });
    ids = registeredUpdateRules(chart).map(({ id }) => id);
  });
  expect(ids).toEqual(expect.arrayContaining(KserveUpdateRules.all().map(({ id }) => id)));
});
