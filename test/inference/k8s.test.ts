import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import * as fc from 'fast-check';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { PromQuery } from '../../lib/core/prom-query';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { EndpointSizing } from '../../lib/inference/endpoint-sizing';
import { ModelEndpoint, type ModelEndpointProps, ServingProtocol } from '../../lib/inference/k8s';
import { planScaling, scalingViolations } from '../../lib/inference/k8s/endpoint-scaling-plan';
import { Rollout } from '../../lib/inference/rollout';
import { ModelInput } from '../../lib/models/model-input';
import { ModelSource } from '../../lib/models/model-source';
import { GpuRequest, HealthCheck, Service, ServiceIdentity } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const IMAGE = 'registry.example.com/fraud/radar-model:7.1.0';
const SIZE = PodSize.fixed({ cpu: Cpu.units(2), memory: Size.gibibytes(4) });
const PODS = { size: SIZE };
// 400/s x 30 ms = 12 in flight, 4 at a time a replica at half: 6 replicas.
const DEMAND = { peakRequestsPerSecond: 400, latency: Duration.millis(30), p99: Duration.millis(120), concurrencyPerReplica: 4 };
const MODEL = ModelSource.container({ image: IMAGE });
const PROMETHEUS = { serverAddress: 'http://prometheus.monitoring.svc:9090' };

function newChart(): Chart {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-inference-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return new Chart(app, 'fraud', { namespace: 'fraud' });
}
function manifestsOf(chart: Chart): any[] {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}
const endpointOf = (props: Partial<ModelEndpointProps> = {}, chart = newChart()) =>
  new ModelEndpoint(chart, 'Radar', { model: MODEL, demand: DEMAND, pods: PODS, endpointName: 'radar', ...props });
const serviceOf = (props: Partial<ModelEndpointProps> = {}) => {
  const chart = newChart();
  endpointOf(props, chart);
  return manifestsOf(chart).find(({ kind }) => kind === 'InferenceService');
};
const refusal = (props: Partial<ModelEndpointProps>) => refusalOf(() => endpointOf(props));

const AMOUNT: Feature = { name: 'amount', type: FeatureType.FRACTIONAL };
const COUNT: Feature = { name: 'count', type: FeatureType.INTEGRAL };
const input = new ModelInput({ fields: [AMOUNT, COUNT], request: [AMOUNT, COUNT] });

const chart = newChart();
const plain = endpointOf({ prometheus: PROMETHEUS }, chart);
const gpu = new ModelEndpoint(chart, 'Embedder', {
  endpointName: 'embedder',
  model: ModelSource.format({
    format: 'huggingface',
    modelUri: 's3://models/embedder/3/',
    runtime: 'kserve-huggingfaceserver',
    environment: { LOG: 'info' },
    input,
  }),
  candidate: {
    name: 'v4',
    model: ModelSource.format({
      format: 'huggingface',
      modelUri: 's3://models/embedder/4/',
      runtime: 'kserve-huggingfaceserver',
      environment: { LOG: 'debug' },
      input,
    }),
    trafficPercent: 25,
  },
  demand: DEMAND,
  pods: { size: SIZE, scheduling: { gpu: GpuRequest.whole(1) }, identity: ServiceIdentity.podIdentity('embedder') },
  serving: { downloadCidr: '10.20.0.0/16', protocol: ServingProtocol.V1, drain: Duration.seconds(100), spareCapacity: false },
  rollout: Rollout.linear({ stepPercent: 25 }),
  prometheus: { ...PROMETHEUS, namespace: 'observability' },
  monitoring: { dataCapture: { percent: 100, destination: 'http://collector.capture.svc.cluster.local:8081/in' } },
});
const payments = new Chart(chart.node.root, 'payments', { namespace: 'payments' });
const caller = new Service(payments, 'Checkout', { image: 'registry.example.com/payments/checkout:1.0.0', size: SIZE });
const neighbour = new Service(chart, 'Rules', { image: 'registry.example.com/fraud/rules:1.0.0', size: SIZE });
plain.grants.invoke(caller);
plain.grants.invoke(neighbour, { variable: 'MODEL_URL' });
plain.allowFromNamespace('envoy-gateway-system');
const elsewhere = ModelEndpoint.fromModelEndpointAttributes(chart, 'Legacy', { endpointName: 'legacy-model', namespace: 'scoring' });
elsewhere.grants.invoke(neighbour);
const manifests = manifestsOf(chart);

const of = (kind: string, name: string) => manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name.includes(name));
const radar = of('InferenceService', 'radar');
const embedder = of('InferenceService', 'embedder');

const schemas = ClosedSchemas.load();
(schemas ? test : test.skip)(
  `every manifest is valid for KServe, KEDA and Prometheus${schemas ? '' : ` (${sharedDirectory()} is absent)`}`,
  () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  },
);

test('every manifest holds together with the others, but for the Deployment that KServe makes', () => {
  expect(checkBeyondSchema(manifests).filter((problem) => !/Deployment [a-z-]+-predictor is not in the set$/.test(problem))).toEqual([]);
});

test('two synths are the same to the byte', () => {
  const once = () => {
    const fresh = newChart();
    endpointOf({ prometheus: PROMETHEUS, model: ModelSource.container({ image: IMAGE, input }) }, fresh);
    return JSON.stringify(manifestsOf(fresh));
  };
  expect(once()).toBe(once());
});

describe('the InferenceService', () => {
  test('says its mode and its autoscaler, whatever the installation has for defaults', () => {
    expect(radar.metadata.annotations).toMatchObject({
      'serving.kserve.io/deploymentMode': 'Standard',
      'serving.kserve.io/autoscalerClass': 'external',
    });
  });

  test('starts a pod before it stops one; without room for one it stops one first', () => {
    expect(radar.spec.predictor.deploymentStrategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(embedder.spec.predictor.deploymentStrategy.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
    const rolling = serviceOf({ rollout: Rollout.rolling({ batchPercent: 40 }) });
    expect(rolling.spec.predictor.deploymentStrategy.rollingUpdate).toEqual({ maxSurge: '40%', maxUnavailable: 0 });
    const once = serviceOf({ rollout: Rollout.allAtOnce() });
    expect(once.spec.predictor.deploymentStrategy.rollingUpdate).toEqual({ maxSurge: '100%', maxUnavailable: 0 });
  });

  test('has one pod a zone and up to twice those of the peak', () => {
    expect(plain.sizing.replicas).toBe(6);
    expect(radar.spec.predictor).toMatchObject({ minReplicas: 3, maxReplicas: 12 });
  });

  test('runs restricted pods that drain, spread over zones and nodes', () => {
    const { predictor } = radar.spec;
    const [container] = predictor.containers;
    expect(predictor).toMatchObject({
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 60,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container).toMatchObject({
      name: 'kserve-container',
      image: IMAGE,
      ports: [{ name: 'http', containerPort: 8080 }],
      resources: { requests: { cpu: '2000m', memory: '4Gi' }, limits: { memory: '4Gi' } },
      lifecycle: { preStop: { sleep: { seconds: 15 } } },
      securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    });
    expect(container.resources.limits.cpu).toBeUndefined();
    expect(of('ServiceAccount', 'radar').automountServiceAccountToken).toBe(false);
    expect(
      predictor.topologySpreadConstraints.map((each: any) => [each.topologyKey, each.whenUnsatisfiable, each.labelSelector.matchLabels]),
    ).toEqual([
      ['topology.kubernetes.io/zone', 'DoNotSchedule', { 'serving.kserve.io/inferenceservice': 'radar', component: 'predictor' }],
      ['kubernetes.io/hostname', 'ScheduleAnyway', { 'serving.kserve.io/inferenceservice': 'radar', component: 'predictor' }],
    ]);
  });

  test('is probed at the paths of its protocol, ten minutes long while it loads, and no faster than it answers', () => {
    const [{ startupProbe, readinessProbe, livenessProbe }] = radar.spec.predictor.containers;
    expect(startupProbe).toMatchObject({ httpGet: { path: '/v2/health/live' }, periodSeconds: 10, failureThreshold: 60 });
    expect(readinessProbe).toMatchObject({ httpGet: { path: '/v2/health/ready', port: 8080 }, timeoutSeconds: 2 });
    expect(livenessProbe.httpGet.path).toBe('/v2/health/live');
    expect(embedder.spec.predictor.model.readinessProbe.httpGet.path).toBe('/v1/models/embedder');
    const slow = serviceOf({
      demand: { ...DEMAND, p99: Duration.seconds(6) },
      serving: { health: HealthCheck.http({ readinessPath: '/up' }) },
    });
    expect(slow.spec.predictor.containers[0].readinessProbe).toMatchObject({ httpGet: { path: '/up' }, timeoutSeconds: 6 });
    const bare = serviceOf({ serving: { port: 9000, health: HealthCheck.tcp() } });
    expect(bare.spec.predictor.containers[0].livenessProbe).toMatchObject({ tcpSocket: { port: 9000 } });
  });

  test('a container gets its model as KServe brings it, a format names it', () => {
    const model = ModelSource.container({ image: IMAGE, modelUri: 's3://models/radar/7/', environment: { MODE: 'fast' } });
    const [container] = serviceOf({ model, serving: { downloadCidr: '0.0.0.0/0' } }).spec.predictor.containers;
    expect(container.env).toEqual([
      { name: 'STORAGE_URI', value: 's3://models/radar/7/' },
      { name: 'MODE', value: 'fast' },
    ]);
    expect(embedder.spec.predictor.containers).toBeUndefined();
    expect(embedder.spec.predictor.model).toMatchObject({
      modelFormat: { name: 'huggingface' },
      storageUri: 's3://models/embedder/3/',
      runtime: 'kserve-huggingfaceserver',
      protocolVersion: 'v1',
      env: [{ name: 'LOG', value: 'info' }],
    });
    for (const field of ['image', 'name']) expect(embedder.spec.predictor.model[field]).toBeUndefined();
  });

  test('a model on GPUs has shared memory and the taint of its nodes', () => {
    const { predictor } = embedder.spec;
    expect(predictor.model.resources.limits['nvidia.com/gpu']).toBe('1');
    expect(predictor.volumes).toContainEqual({ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } });
    expect(predictor.tolerations).toContainEqual({ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' });
    expect(predictor.terminationGracePeriodSeconds).toBe(115);
  });

  test('a candidate has fixed replicas, its share of the sizing, and no autoscaler', () => {
    const [{ trafficPercent, predictor }] = embedder.spec.canary;
    expect(trafficPercent).toBe(25);
    expect(predictor).toMatchObject({ name: 'v4', minReplicas: 2, annotations: { 'serving.kserve.io/autoscalerClass': 'none' } });
    expect(predictor.model.storageUri).toBe('s3://models/embedder/4/');
    for (const field of ['maxReplicas', 'scaleTarget', 'scaleMetric', 'autoScaling', 'workerSpec'])
      expect(predictor[field]).toBeUndefined();
    expect(predictor.model.env).toEqual([{ name: 'LOG', value: 'debug' }]);
    expect(JSON.parse(of('Service', 'embedder-direct').metadata.annotations['millrace.io/rollout'])).toEqual({
      kind: 'linear',
      percent: 25,
      bakeSeconds: 600,
    });
  });

  test('what KServe takes off the model for a candidate stands on top of the replicas of the model', () => {
    // 3 of the plan and 2 of the candidate.
    expect(embedder.spec.predictor).toMatchObject({ minReplicas: 5, maxReplicas: 12 });
    const model = ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/7' });
    const candidate = { name: 'v8', model: ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/8' }), replicas: 6 };
    const fixed = serviceOf({ model, candidate, scaling: EndpointScaling.fixed() });
    expect(fixed.spec.predictor).toMatchObject({ minReplicas: 12, maxReplicas: 12 });
    const dark = serviceOf({ model, candidate: { ...candidate, replicas: undefined } });
    expect(dark.spec).toMatchObject({ predictor: { minReplicas: 4, maxReplicas: 12 }, canary: [{ predictor: { minReplicas: 1 } }] });
  });

  test('the pods of the model do not change for a candidate, its rollout or the size that was decided', () => {
    const model = ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/7', input });
    const candidate = { name: 'v8', model: ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/8', input }) };
    const podOf = (props: Partial<ModelEndpointProps>) => {
      const { metadata, spec } = serviceOf({ model, prometheus: PROMETHEUS, ...props });
      const { minReplicas: _least, maxReplicas: _most, ...pod } = spec.predictor;
      return { labels: metadata.labels, annotations: metadata.annotations, pod };
    };
    const before = podOf({});
    expect(podOf({ candidate })).toEqual(before);
    expect(podOf({ candidate, rollout: Rollout.canary() })).toEqual({ ...before, pod: expect.anything() });
    expect(podOf({ demand: { ...DEMAND, peakRequestsPerSecond: 900 } })).toEqual(before);
  });

  test('a promoted candidate stays where it runs, and everything follows it', () => {
    const fresh = newChart();
    const model = ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/8' });
    endpointOf({ model, prometheus: PROMETHEUS, serving: { promotedCandidate: 'v8' } }, fresh);
    const all = manifestsOf(fresh);
    expect(all.find(({ kind }) => kind === 'InferenceService').spec.predictor.name).toBe('v8');
    expect(all.find(({ kind }) => kind === 'ScaledObject').spec.scaleTargetRef.name).toBe('radar-v8-predictor');
    expect(all.find(({ kind }) => kind === 'Service').spec.selector.app).toBe('isvc.radar-v8-predictor');
  });

  test('records the size, and the input of its model', () => {
    expect(JSON.parse(of('Service', 'radar-direct').metadata.annotations['millrace.io/sizing']).choice).toBe('6 x 4 at a time');
    expect(JSON.parse(of('Service', 'embedder-direct').metadata.annotations['millrace.io/model-input'])).toEqual(input._signature);
    expect(radar.metadata.labels).toMatchObject({ team: 'fraud-ml', 'cost-center': 'CC-1042' });
  });

  test('KServe logs every request to the collector', () => {
    expect(embedder.spec.predictor.logger).toEqual({ mode: 'all', url: 'http://collector.capture.svc.cluster.local:8081/in' });
  });
});

describe('replicas', () => {
  test('follow the requests in flight, and a lost metric takes none away', () => {
    const scaled = of('ScaledObject', 'radar');
    expect(scaled.spec).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'radar-predictor' },
      minReplicaCount: 3,
      maxReplicaCount: 12,
      fallback: { replicas: 6, behavior: 'currentReplicasIfHigher' },
    });
    const [{ metadata, metricType }] = scaled.spec.triggers;
    expect(metricType).toBe('AverageValue');
    expect(metadata).toMatchObject({ threshold: '2', ignoreNullValues: 'false', serverAddress: 'http://prometheus.monitoring.svc:9090' });
    // Zero while the pods are read and idle, no answer while they are not read.
    expect(metadata.query).toContain('request_predict_seconds_sum{namespace="fraud",app="isvc.radar-predictor"}[1m]');
    expect(metadata.query).toContain(') or (count by (app) (up{namespace="fraud",app="isvc.radar-predictor"} == 1)) * 0)');
    expect(() => PromQuery.of(metadata.query)).not.toThrow();
  });

  test('follow the requests a minute', () => {
    const fresh = newChart();
    endpointOf({ prometheus: PROMETHEUS, scaling: EndpointScaling.invocations() }, fresh);
    const [{ metadata }] = manifestsOf(fresh).find(({ kind }) => kind === 'ScaledObject').spec.triggers;
    // 4 / 0.03 s = 133.3/s at most, half of it, in a minute.
    expect(metadata.threshold).toBe('4000');
    expect(metadata.query).toMatch(/^60 \* sum\(/);
  });

  test('follow the CPU where no Prometheus is named, and stay where they are fixed', () => {
    const byCpu = serviceOf();
    expect(byCpu.metadata.annotations['serving.kserve.io/autoscalerClass']).toBe('hpa');
    expect(byCpu.spec.predictor.autoScaling.metrics).toEqual([
      { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
    ]);
    const fixed = serviceOf({ scaling: EndpointScaling.fixed() });
    expect(fixed.metadata.annotations['serving.kserve.io/autoscalerClass']).toBe('none');
    expect(fixed.spec.predictor).toMatchObject({ minReplicas: 6, maxReplicas: 6 });
    expect(fixed.spec.predictor.autoScaling).toBeUndefined();
  });

  test('cover every demand with one zone lost, whatever the limits say, or are refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 64 }),
        fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
        (rate, latency, concurrency, least) => {
          fc.pre((rate * latency) / 1000 / concurrency < 400);
          const sizing = EndpointSizing.forDemand({
            peakRequestsPerSecond: rate,
            latency: Duration.millis(latency),
            p99: Duration.millis(latency),
            concurrencyPerReplica: concurrency,
          });
          const plan = planScaling(EndpointScaling.concurrency({ minReplicas: least }), sizing, true);
          const isRefused = scalingViolations(plan, sizing).length > 0;
          expect(isRefused).toBe(least !== undefined && least < 2);
          expect(plan.maxReplicas).toBeGreaterThanOrEqual(Math.max(sizing.replicas, plan.minReplicas));
        },
      ),
    );
  });
});

describe('the network', () => {
  const policy = (name: string) =>
    manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name.startsWith(`fraud-${name}`)).spec;

  test('lets in what was granted, Prometheus and the gateway, and no one else', () => {
    const { ingress, podSelector } = policy('radar');
    expect(podSelector.matchLabels).toEqual({ 'serving.kserve.io/inferenceservice': 'radar', component: 'predictor' });
    const namespaces = ingress.map(({ from: [peer] }: any) => peer.namespaceSelector?.matchLabels['kubernetes.io/metadata.name']);
    expect(namespaces).toEqual(['monitoring', 'payments', undefined, 'envoy-gateway-system']);
    expect(ingress[1]).toEqual({
      from: [
        {
          podSelector: { matchLabels: caller.podSelector },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'payments' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8080 }],
    });
    expect(policy('radar').egress).toHaveLength(1);
  });

  test('lets the model be downloaded, the identity be asked for and requests be logged', () => {
    const { egress, ingress } = policy('embedder');
    const open = egress
      .slice(1)
      .map(({ to: [peer], ports: [port] }: any) => [
        peer.ipBlock?.cidr ?? peer.namespaceSelector.matchLabels['kubernetes.io/metadata.name'],
        port.port,
      ]);
    expect(open).toEqual([
      ['169.254.170.23/32', 80],
      ['fd00:ec2::23/128', 80],
      ['10.20.0.0/16', 443],
      ['capture', 8081],
    ]);
    expect(ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'observability' } } }],
        ports: [{ protocol: 'TCP', port: 8080 }],
      },
    ]);
  });

  test('opens the side of the caller and tells it the address', () => {
    const deployment = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.namespace === 'payments');
    expect(deployment.spec.template.spec.containers[0].env).toContainEqual({ name: 'RADAR_URL', value: 'http://radar-direct.fraud' });
    const egress = manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === 'payments').spec.egress;
    expect(egress).toContainEqual({
      to: [
        {
          podSelector: { matchLabels: { 'serving.kserve.io/inferenceservice': 'radar', component: 'predictor' } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'fraud' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8080 }],
    });
    const rules = of('Deployment', 'rules').spec.template.spec.containers[0].env;
    expect(rules).toEqual([
      { name: 'MODEL_URL', value: 'http://radar-direct.fraud' },
      { name: 'LEGACY_MODEL_URL', value: 'http://legacy-model-direct.scoring' },
    ]);
  });

  test('the address leads to the model alone, and past the agent of KServe where there is one', () => {
    expect(of('Service', 'radar-direct').spec).toMatchObject({
      selector: { 'serving.kserve.io/inferenceservice': 'radar', app: 'isvc.radar-predictor' },
      ports: [{ port: 80, targetPort: 8080 }],
    });
    expect(of('Service', 'embedder-direct').spec.ports[0].targetPort).toBe(9081);
  });
});

test('a quarter of the pods may leave for maintenance, those of the candidate included', () => {
  expect(of('PodDisruptionBudget', 'radar').spec).toEqual({
    maxUnavailable: '25%',
    selector: { matchLabels: { 'serving.kserve.io/inferenceservice': 'radar', component: 'predictor' } },
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
  });
});

describe('what is watched', () => {
  const rules = (name: string) => of('PrometheusRule', name).spec.groups[0].rules;
  const expressionOf = (name: string, alert: string) => rules(name).find((rule: any) => rule.alert === alert).expr;

  test('errors, latency, saturation, and that anything is watched at all', () => {
    expect(rules('radar').map((rule: any) => [rule.alert, rule.for, rule.labels.severity])).toEqual([
      ['ModelEndpointErrors', '3m', 'critical'],
      ['ModelEndpointSlow', '3m', 'critical'],
      ['ModelEndpointSaturated', '3m', 'warning'],
      ['ModelEndpointUnseen', '5m', 'critical'],
    ]);
    expect(expressionOf('radar', 'ModelEndpointSlow')).toBe(
      'histogram_quantile(0.99, sum by (app, le) (rate(request_predict_seconds_bucket{namespace="fraud",app="isvc.radar-predictor"}[3m]))) > 0.12',
    );
    expect(expressionOf('radar', 'ModelEndpointErrors')).toMatch(
      /^100 \* \(clamp_min\(.*request_predict_seconds_count.* - .*request_postprocess_seconds_count.*\) > 1$/,
    );
    // No requests, no share of failures.
    expect(plain.metrics.errorPercent().expression).toMatch(/ > 0\)$/);
    expect(expressionOf('radar', 'ModelEndpointUnseen')).toBe('absent(up{namespace="fraud",app="isvc.radar-predictor"} == 1)');
    for (const rule of [...rules('radar'), ...rules('embedder')]) expect(() => PromQuery.of(rule.expr)).not.toThrow();
  });

  test('the model and its candidate apart', () => {
    expect(gpu.metrics.requests().expression).toBe(
      'sum by (app) (rate(request_predict_seconds_count{namespace="fraud",app=~"isvc[.]embedder-predictor|isvc[.]embedder-v4-predictor"}[3m]))',
    );
    expect(of('PodMonitor', 'embedder').spec).toEqual({
      selector: { matchLabels: { 'serving.kserve.io/inferenceservice': 'embedder', component: 'predictor' } },
      podTargetLabels: ['app'],
      podMetricsEndpoints: [{ port: 'http', path: '/metrics', interval: '15s' }],
    });
  });

  test('a server with names of its own is asked for those', () => {
    const names = {
      requests: 'nv_inference_count',
      failures: 'nv_inference_request_failure',
      latency: 'request_seconds',
      inFlight: 'nv_inference_pending_request_count',
    };
    const { metrics } = endpointOf({ prometheus: { names } });
    expect(metrics.errorPercent().expression).toContain('rate(nv_inference_request_failure{');
    expect(metrics.latencyP99().expression).toContain('request_seconds_bucket{');
    expect(metrics.inFlightPerReplica().toString()).toContain('nv_inference_pending_request_count{');
    expect(metrics.inFlight().expression).not.toContain('request_predict');
    expect(metrics.replicas().expression).toContain('up{');
  });

  test('nothing is watched without alarms, which has to be said', () => {
    const fresh = newChart();
    endpointOf({ monitoring: { alarms: false }, rollout: Rollout.rolling({ unguarded: true }) }, fresh);
    expect(manifestsOf(fresh).map(({ kind }) => kind)).not.toContain('PrometheusRule');
    expect(refusal({ monitoring: { alarms: false } })).toEqual(['Millrace.EndpointRolloutUnguarded rollout']);
  });
});

describe('refused is', () => {
  const FORMAT = ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/7' });
  const candidate = { name: 'v8', model: FORMAT };
  const other = new ModelInput({ fields: [AMOUNT], request: [AMOUNT] });
  const arn = 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/radar/7';

  test.each<[string, Partial<ModelEndpointProps>, string[]]>([
    [
      'a model of the registry of SageMaker',
      { model: ModelSource.modelPackage({ modelPackageArn: arn }) },
      ['Millrace.ModelSourceUnsupported model'],
    ],
    [
      'a scale to nothing',
      { scaling: EndpointScaling.concurrency({ minReplicas: 0 }) },
      ['Millrace.EndpointMinReplicas scaling.minReplicas'],
    ],
    [
      'a single replica',
      { scaling: EndpointScaling.concurrency({ minReplicas: 1 }) },
      ['Millrace.EndpointMinReplicas scaling.minReplicas'],
    ],
    [
      'a limit below the demand',
      { scaling: EndpointScaling.concurrency({ maxReplicas: 5 }) },
      ['Millrace.EndpointScalingBelowDemand scaling.maxReplicas'],
    ],
    ['a rate that nobody sees', { scaling: EndpointScaling.invocations() }, ['Millrace.EndpointScalingUnseen prometheus.serverAddress']],
    [
      'a target that nobody sees',
      { scaling: EndpointScaling.concurrency({ target: 2 }) },
      ['Millrace.EndpointScalingUnseen prometheus.serverAddress'],
    ],
    [
      'GPUs that follow the CPU',
      { pods: { size: SIZE, scheduling: { gpu: GpuRequest.whole(1) } } },
      ['Millrace.EndpointScalingUnseen prometheus.serverAddress'],
    ],
    [
      'an address without a scheme',
      { prometheus: { serverAddress: 'prometheus:9090' } },
      ['Millrace.ModelEndpointInvalid prometheus.serverAddress'],
    ],
    ['a canary without a candidate', { rollout: Rollout.canary() }, ['Millrace.EndpointRolloutUnsupported rollout']],
    ['linear steps without a candidate', { rollout: Rollout.linear() }, ['Millrace.EndpointRolloutUnsupported rollout']],
    [
      'all at once without room',
      { rollout: Rollout.allAtOnce(), serving: { spareCapacity: false } },
      ['Millrace.EndpointRolloutUnsupported rollout'],
    ],
    [
      'a bake shorter than the window',
      { rollout: Rollout.rolling({ bake: Duration.minutes(2) }) },
      ['Millrace.EndpointRolloutUnguarded rollout.bake'],
    ],
    [
      'a sample of the requests',
      { monitoring: { dataCapture: { destination: 'http://c.d' } } },
      ['Millrace.DataCaptureUnsupported monitoring.dataCapture'],
    ],
    [
      'a capture without a collector',
      { monitoring: { dataCapture: { percent: 100 } } },
      ['Millrace.DataCaptureUnsupported monitoring.dataCapture'],
    ],
    [
      'a download from nowhere',
      { model: ModelSource.container({ image: IMAGE, modelUri: 's3://m/1/' }) },
      ['Millrace.ModelEndpointInvalid serving.downloadCidr'],
    ],
    ['a name that no label holds', { endpointName: `r${'a'.repeat(48)}` }, ['Millrace.ModelEndpointInvalid endpointName']],
    ['a name that no host has', { endpointName: 'Radar_7' }, ['Millrace.ModelEndpointInvalid endpointName']],
    ["the port of KServe's agent", { serving: { port: 9081 } }, ['Millrace.ModelEndpointInvalid serving.port']],
    ['half a second of drain', { serving: { drain: Duration.millis(500) } }, ['Millrace.ModelEndpointInvalid serving.drain']],
    ['a p99 beyond the buckets', { demand: { ...DEMAND, p99: Duration.seconds(20) } }, ['Millrace.ModelEndpointInvalid prometheus.names']],
    [
      'a node label that is none',
      { pods: { size: SIZE, scheduling: { nodeSelector: { 'a b': 'c' } } } },
      ['Millrace.ModelEndpointInvalid pods.scheduling.nodeSelector'],
    ],
    [
      'a candidate of the name of the model',
      { model: FORMAT, candidate, serving: { promotedCandidate: 'v8' } },
      ['Millrace.EndpointCandidateInvalid candidate.name'],
    ],
    ['a format beside a container', { candidate }, ['Millrace.EndpointCandidateInvalid candidate.model']],
    [
      'a share without whole steps',
      { model: FORMAT, candidate: { ...candidate, trafficPercent: 30 }, rollout: Rollout.linear() },
      ['Millrace.EndpointCandidateInvalid candidate.trafficPercent'],
    ],
    [
      'another share than the canary',
      { model: FORMAT, candidate: { ...candidate, trafficPercent: 30 }, rollout: Rollout.canary() },
      ['Millrace.EndpointCandidateInvalid candidate.trafficPercent'],
    ],
    [
      'more than all',
      { model: FORMAT, candidate: { ...candidate, trafficPercent: 101, replicas: 2 } },
      ['Millrace.EndpointCandidateInvalid candidate.trafficPercent'],
    ],
    [
      'a candidate too large for its model',
      { model: FORMAT, candidate: { ...candidate, trafficPercent: 100, replicas: 13 } },
      ['Millrace.EndpointCandidateInvalid candidate.replicas'],
    ],
    [
      'a candidate that would get the runtime and the environment of its model',
      {
        model: ModelSource.format({ format: 'xgboost', modelUri: 'pvc://models/7', environment: { LOG: 'info' } }),
        candidate,
      },
      ['Millrace.EndpointCandidateInvalid candidate.model'],
    ],
    [
      'a container that was a candidate',
      { serving: { promotedCandidate: 'v8' } },
      ['Millrace.EndpointCandidateInvalid serving.promotedCandidate'],
    ],
    [
      'a former candidate whose name is no name',
      { model: FORMAT, serving: { promotedCandidate: 'V8' } },
      ['Millrace.EndpointCandidateInvalid serving.promotedCandidate'],
    ],
    [
      'a host that no label holds',
      { model: FORMAT, endpointName: 'r'.repeat(32), serving: { promotedCandidate: 'v'.repeat(16) } },
      ['Millrace.ModelEndpointInvalid endpointName'],
    ],
    [
      'a metric with its labels',
      { prometheus: { names: { requests: 'a{b="c"}', failures: 'f', latency: 'l', inFlight: 'i' } } },
      ['Millrace.ModelEndpointInvalid prometheus.names'],
    ],
    [
      'traffic for a candidate of another input',
      {
        model: ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/7', input }),
        candidate: {
          ...candidate,
          model: ModelSource.format({ format: 'onnx', modelUri: 'pvc://models/8', input: other }),
          trafficPercent: 10,
        },
      },
      ['Millrace.EndpointCandidateInvalid candidate.model.input'],
    ],
    [
      'a path that KServe refuses',
      { model: ModelSource.container({ image: IMAGE, environment: { PYTHONPATH: '/a' } }) },
      ['Millrace.ModelEndpointInvalid model.environment'],
    ],
  ])('%s', (_what, props, expected) => {
    expect(refusal(props)).toEqual(expected);
  });

  test('several mistakes are reported at once', () => {
    expect(refusal({ endpointName: 'Radar', rollout: Rollout.canary(), scaling: EndpointScaling.concurrency({ minReplicas: 0 }) })).toEqual(
      [
        'Millrace.ModelEndpointInvalid endpointName',
        'Millrace.EndpointRolloutUnsupported rollout',
        'Millrace.EndpointMinReplicas scaling.minReplicas',
      ],
    );
  });

  test('two roles for one service account', () => {
    const fresh = newChart();
    const roleOf = (name: string) => ServiceIdentity.irsa('models', `arn:aws:iam::111122223333:role/${name}`);
    endpointOf({ pods: { size: SIZE, identity: roleOf('a') } }, fresh);
    const second = () => new ModelEndpoint(fresh, 'Second', { model: MODEL, demand: DEMAND, pods: { size: SIZE, identity: roleOf('b') } });
    expect(refusalOf(second)).toEqual(['Millrace.ModelEndpointInvalid identity']);
    new ModelEndpoint(fresh, 'Third', { model: MODEL, demand: DEMAND, pods: { size: SIZE, identity: roleOf('a') } });
    expect(manifestsOf(fresh).filter(({ kind }) => kind === 'ServiceAccount')).toHaveLength(1);
  });

  test('a call across charts of which one has no namespace', () => {
    const nowhere = new Chart(new App(), 'nowhere');
    const lost = new Service(nowhere, 'Lost', { image: IMAGE, size: SIZE });
    expect(refusalOf(() => endpointOf().grants.invoke(lost))).toEqual(['Millrace.ModelEndpointInvalid namespace']);
  });

  test('an endpoint without an owner', () => {
    const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-inference-')) });
    endpointOf({}, new Chart(app, 'fraud', { namespace: 'fraud' }));
    expect(codesIn(() => app.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });

  test('PromQL that leaves something open', () => {
    for (const promql of ['', 'sum(rate(a[1m])', 'a{b="c}', 'a)'])
      expect(refusalOf(() => PromQuery.of(promql))).toEqual(['Millrace.PromQueryInvalid promql']);
    for (const promql of ['a{b="(c"}', "a{b='\\'('}", 'a{b=`\\`}']) expect(PromQuery.of(promql).expression).toBe(promql);
  });
});
