import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { Chart, Yaml } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { PromQuery } from '../../lib/core/prom-query';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { RayEndpoint, type RayEndpointProps } from '../../lib/inference/k8s';
import { Rollout } from '../../lib/inference/rollout';
import { ModelSource } from '../../lib/models/model-source';
import { GpuRequest, Service, ServiceIdentity } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const SIZE = PodSize.fixed({ cpu: Cpu.units(4), memory: Size.gibibytes(16) });
const HEAD = PodSize.fixed({ cpu: Cpu.units(2), memory: Size.gibibytes(8) });
const PODS = { size: SIZE };
// 400/s x 30 ms = 12 in flight, 4 at a time a replica at half: 6 replicas.
const DEMAND = { peakRequestsPerSecond: 400, latency: Duration.millis(30), p99: Duration.millis(120), concurrencyPerReplica: 4 };
const MODEL = ModelSource.container({
  image: 'registry.example.com/fraud/graph-model:7.1.0',
  environment: { MODEL_AT: 's3://models/graph/7/' },
});
const APP = { importPath: 'graph.app:app', deployment: 'GraphModel' };
const CLUSTER = { rayVersion: '2.52.0', headSize: HEAD, apiServerCidr: '10.20.0.0/16' };

function newChart(): Chart {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-ray-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'graph', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return new Chart(app, 'fraud', { namespace: 'fraud' });
}
function manifestsOf(chart: Chart): any[] {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}
const endpointOf = (props: Partial<RayEndpointProps> = {}, chart = newChart(), name = 'graph') =>
  new RayEndpoint(chart, name, { model: MODEL, demand: DEMAND, pods: PODS, app: APP, cluster: CLUSTER, endpointName: name, ...props });
const refusal = (props: Partial<RayEndpointProps>) => refusalOf(() => endpointOf(props));
const configOf = (service: any) => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-serve-')), 'serve.yaml');
  fs.writeFileSync(file, service.spec.serveConfigV2);
  return Yaml.load(file)[0];
};

const chart = newChart();
const plain = endpointOf({}, chart);
const stepped = endpointOf(
  {
    cluster: {
      ...CLUSTER,
      gatewayClassName: 'envoy',
      downloadCidr: '10.40.0.0/16',
      faultTolerance: { redisAddress: 'redis.fraud:6379', redisCidr: '10.30.0.0/24', passwordSecretName: 'redis' },
    },
    pods: {
      size: SIZE,
      scheduling: { gpu: GpuRequest.whole(2), priorityClassName: 'payments' },
      identity: ServiceIdentity.podIdentity('stepped'),
    },
    rollout: Rollout.canary({ percent: 20, bake: Duration.minutes(5) }),
  },
  chart,
  'stepped',
);
const caller = new Service(chart, 'Checkout', { image: 'registry.example.com/payments/checkout:1.0.0', size: HEAD });
plain.grants.invoke(caller);
stepped.allowFromNamespace('envoy-gateway-system');
const manifests = manifestsOf(chart);

test('the pods of head and workers carry the labels of their owner, which KubeRay hands to none', () => {
  const { headGroupSpec, workerGroupSpecs } = manifests.find(({ kind }) => kind === 'RayService').spec.rayClusterConfig;
  for (const { template } of [headGroupSpec, ...workerGroupSpecs]) {
    expect(template.metadata.labels).toMatchObject({ team: 'fraud-ml', service: 'graph', 'cost-center': 'CC-1042', environment: 'prod' });
  }
});

const of = (kind: string, name: string) => manifests.filter(({ kind: each, metadata }) => each === kind && metadata.name.includes(name));
const [graph] = of('RayService', 'graph');
const [steps] = of('RayService', 'stepped');
const headOf = (service: any) => service.spec.rayClusterConfig.headGroupSpec;
const workersOf = (service: any) => service.spec.rayClusterConfig.workerGroupSpecs[0];

const schemas = ClosedSchemas.load();
(schemas ? test : test.skip)(
  `every manifest is valid for KubeRay and Prometheus${schemas ? '' : ` (${sharedDirectory()} is absent)`}`,
  () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  },
);

test('every manifest holds together with the others and with Pod Security "restricted"', () => {
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

describe('a new version', () => {
  test('takes over at once and the former cluster stays for the bake, where no gateway divides the traffic', () => {
    expect(graph.spec.upgradeStrategy).toEqual({ type: 'NewCluster' });
    expect(graph.spec.rayClusterDeletionDelaySeconds).toBe(600);
  });

  test('comes in equal steps through a gateway, with one step of pods more than serve', () => {
    expect(steps.spec.upgradeStrategy).toEqual({
      type: 'NewClusterWithIncrementalUpgrade',
      clusterUpgradeOptions: { gatewayClassName: 'envoy', stepSizePercent: 20, intervalSeconds: 300, maxSurgePercent: 20 },
    });
    expect(steps.spec.rayClusterConfig.enableInTreeAutoscaling).toBe(true);
    // Each step was watched already.
    expect(steps.spec.rayClusterDeletionDelaySeconds).toBe(60);
    expect(workersOf(steps)).toMatchObject({ minReplicas: 0, maxReplicas: 12 });
  });

  test('steps by a quarter where a gateway is named and nothing else said', () => {
    const fresh = newChart();
    endpointOf({ cluster: { ...CLUSTER, gatewayClassName: 'envoy' } }, fresh);
    const { clusterUpgradeOptions } = manifestsOf(fresh).find(({ kind }) => kind === 'RayService').spec.upgradeStrategy;
    expect(clusterUpgradeOptions).toMatchObject({ stepSizePercent: 25, intervalSeconds: 600 });
  });
});

describe('the application', () => {
  test('scales by the requests in flight on a replica, one replica a worker', () => {
    const config = configOf(graph);
    expect(config.applications).toEqual([
      {
        name: 'graph',
        route_prefix: '/',
        import_path: 'graph.app:app',
        deployments: [
          {
            name: 'GraphModel',
            max_ongoing_requests: 4,
            graceful_shutdown_timeout_s: 45,
            autoscaling_config: {
              min_replicas: 3,
              max_replicas: 12,
              target_ongoing_requests: 2,
              upscale_delay_s: 10,
              downscale_delay_s: 300,
            },
            ray_actor_options: { num_cpus: 4 },
          },
        ],
      },
    ]);
    expect(workersOf(graph)).toMatchObject({ replicas: 3, minReplicas: 3, maxReplicas: 12, rayStartParams: { 'num-cpus': '4' } });
    expect(configOf(steps).applications[0].deployments[0].ray_actor_options).toEqual({ num_cpus: 4, num_gpus: 2 });
    expect(workersOf(steps).rayStartParams).toEqual({ 'num-cpus': '4', 'num-gpus': '2' });
  });

  test('stays as large as it was sized when fixed, without an autoscaler that asks the API server', () => {
    const fresh = newChart();
    endpointOf({ scaling: EndpointScaling.fixed(), cluster: { ...CLUSTER, apiServerCidr: undefined } }, fresh);
    const service = manifestsOf(fresh).find(({ kind }) => kind === 'RayService');
    expect(configOf(service).applications[0].deployments[0].num_replicas).toBe(6);
    expect(service.spec.rayClusterConfig.enableInTreeAutoscaling).toBe(false);
    expect(headOf(service).template.spec.automountServiceAccountToken).toBe(false);
    expect(workersOf(service)).toMatchObject({ replicas: 6, minReplicas: 6, maxReplicas: 6 });
  });
});

describe('the pods', () => {
  test('are restricted, drain, and do not time out while a model loads', () => {
    for (const { template } of [headOf(graph), workersOf(graph)]) {
      const [container] = template.spec.containers;
      expect(template.spec).toMatchObject({ terminationGracePeriodSeconds: 60, securityContext: { runAsNonRoot: true } });
      expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
      expect(container.lifecycle.preStop.sleep.seconds).toBe(15);
      expect(container.startupProbe).toMatchObject({ httpGet: { path: '/api/local_raylet_healthz', port: 52365 }, failureThreshold: 60 });
      expect(template.metadata.labels['millrace.io/endpoint']).toBe('graph');
    }
    expect(workersOf(graph).template.spec.containers[0].readinessProbe).toEqual({
      httpGet: { path: '/-/healthz', port: 8000 },
      periodSeconds: 5,
      timeoutSeconds: 5,
      failureThreshold: 2,
    });
    expect(graph.spec.rayClusterConfig.autoscalerOptions.securityContext).toMatchObject({ allowPrivilegeEscalation: false });
  });

  test('the head does no work and takes no requests; only it calls the API server', () => {
    expect(headOf(graph).rayStartParams['num-cpus']).toBe('0');
    expect(graph.spec.excludeHeadPodFromServeSvc).toBe(true);
    expect(headOf(graph).template.spec.automountServiceAccountToken).toBe(true);
    expect(workersOf(graph).template.spec.automountServiceAccountToken).toBe(false);
    expect(headOf(steps).template.spec.containers[0].resources.limits['nvidia.com/gpu']).toBeUndefined();
    expect(workersOf(steps).template.spec.containers[0].resources.limits['nvidia.com/gpu']).toBe('2');
  });

  test('the workers of each cluster spread by themselves', () => {
    const spread = workersOf(graph).template.spec.topologySpreadConstraints;
    expect(spread.map((each: any) => [each.topologyKey, each.matchLabelKeys, each.labelSelector.matchLabels])).toEqual([
      ['topology.kubernetes.io/zone', ['ray.io/cluster'], { 'millrace.io/endpoint': 'graph', 'ray.io/node-type': 'worker' }],
      ['kubernetes.io/hostname', ['ray.io/cluster'], { 'millrace.io/endpoint': 'graph', 'ray.io/node-type': 'worker' }],
    ]);
    expect(headOf(graph).template.spec.topologySpreadConstraints).toBeUndefined();
  });

  test('a head keeps what it knows in Redis, each cluster in a place of its own', () => {
    expect(steps.spec.rayClusterConfig.gcsFaultToleranceOptions).toEqual({
      redisAddress: 'redis.fraud:6379',
      redisPassword: { valueFrom: { secretKeyRef: { name: 'redis', key: 'password' } } },
    });
    expect(graph.spec.rayClusterConfig.gcsFaultToleranceOptions).toBeUndefined();
  });

  test('a whole number of them stays, and a head that nobody can replace', () => {
    const budgets = (name: string) =>
      manifests
        .filter(({ kind, spec }) => kind === 'PodDisruptionBudget' && spec.selector.matchLabels['millrace.io/endpoint'] === name)
        .map(({ spec }) => [spec.selector.matchLabels['ray.io/node-type'], spec.minAvailable, spec.maxUnavailable]);
    expect(budgets('graph')).toEqual([
      ['worker', 2, undefined],
      ['head', 1, undefined],
    ]);
    expect(budgets('stepped')).toEqual([['worker', 2, undefined]]);
  });
});

describe('the network', () => {
  const policy = (name: string) =>
    manifests.find(({ kind, spec }) => kind === 'NetworkPolicy' && spec.podSelector.matchLabels['millrace.io/endpoint'] === name).spec;
  const namespaceOf = ({ from: [peer] }: any) => peer.namespaceSelector?.matchLabels['kubernetes.io/metadata.name'];

  test('the pods of a cluster talk to each other; the operator, Prometheus and who was granted come in', () => {
    const { ingress } = policy('graph');
    expect(ingress[0]).toEqual({ from: [{ podSelector: { matchLabels: { 'millrace.io/endpoint': 'graph' } } }] });
    expect(ingress.slice(1).map((rule: any) => [namespaceOf(rule), rule.ports.map(({ port }: any) => port)])).toEqual([
      ['kuberay-operator', [8265, 8000]],
      ['monitoring', [8080]],
      [undefined, [8000]],
    ]);
    expect(policy('stepped').ingress.map(namespaceOf)).toContain('envoy-gateway-system');
  });

  test('the head reaches the API server and Redis, and the application its model', () => {
    const open = policy('stepped').egress.flatMap(({ to: [peer], ports }: any) =>
      peer.ipBlock && ports ? [[peer.ipBlock.cidr, ports[0].port]] : [],
    );
    expect(open).toEqual([
      ['169.254.170.23/32', 80],
      ['fd00:ec2::23/128', 80],
      ['10.20.0.0/16', 443],
      ['10.40.0.0/16', 443],
      ['10.30.0.0/24', 6379],
    ]);
  });

  test('a caller is told the address, unless a gateway divides the traffic', () => {
    const [deployment] = of('Deployment', 'checkout');
    expect(deployment.spec.template.spec.containers[0].env).toEqual([{ name: 'GRAPH_URL', value: 'http://graph-serve-svc.fraud:8000' }]);
    expect(refusalOf(() => stepped.grants.invoke(caller))).toEqual(['Millrace.EndpointBehindGateway endpoint']);
  });
});

test('what the proxies of Ray Serve count is watched', () => {
  const [{ spec }] = of('PrometheusRule', 'graph');
  const rules = spec.groups[0].rules;
  expect(rules.map(({ alert }: any) => alert)).toEqual([
    'ModelEndpointErrors',
    'ModelEndpointSlow',
    'ModelEndpointSaturated',
    'ModelEndpointUnseen',
  ]);
  expect(rules[1].expr).toBe(
    'histogram_quantile(0.99, sum by (millrace_io_endpoint, le) (rate(ray_serve_http_request_latency_ms_bucket{namespace="fraud",millrace_io_endpoint="graph",route!~"/-/.*"}[3m]))) / 1000 > 0.12',
  );
  expect(rules[0].expr).toContain('status_code=~"5.."');
  // Those of the model alone: a request that another deployment hands on counts there, too.
  expect(rules[2].expr).toContain(
    'ray_serve_replica_processing_queries{namespace="fraud",millrace_io_endpoint="graph",deployment="GraphModel"}',
  );
  // A head without workers is read, and answers nothing.
  expect(rules[3].expr).toBe('absent(up{namespace="fraud",millrace_io_endpoint="graph",ray_io_node_type="worker"} == 1)');
  for (const { expr } of rules) expect(() => PromQuery.of(expr)).not.toThrow();
  expect(of('PodMonitor', 'graph')[0].spec).toMatchObject({
    selector: { matchLabels: { 'millrace.io/endpoint': 'graph' } },
    podTargetLabels: ['millrace.io/endpoint', 'ray.io/node-type'],
    podMetricsEndpoints: [{ port: 'metrics' }],
  });
});

test('the size is recorded', () => {
  expect(JSON.parse(graph.metadata.annotations['millrace.io/sizing']).choice).toBe('6 x 4 at a time');
});

describe('refused is', () => {
  test.each<[string, Partial<RayEndpointProps>, string[]]>([
    [
      'a model that Ray would have to download',
      { model: ModelSource.container({ image: 'a/b:1', modelUri: 's3://m/1/' }) },
      ['Millrace.ModelSourceUnsupported model'],
    ],
    ['a format', { model: ModelSource.format({ format: 'onnx', modelUri: 'pvc://m/1' }) }, ['Millrace.ModelSourceUnsupported model']],
    ['a rolling update', { rollout: Rollout.rolling() }, ['Millrace.EndpointRolloutUnsupported rollout']],
    ['steps without a gateway', { rollout: Rollout.linear() }, ['Millrace.RayEndpointInvalid cluster.gatewayClassName']],
    [
      'an autoscaler that reaches no API server',
      { cluster: { ...CLUSTER, apiServerCidr: undefined } },
      ['Millrace.RayEndpointInvalid cluster.apiServerCidr'],
    ],
    ['a rate', { scaling: EndpointScaling.invocations() }, ['Millrace.RayEndpointInvalid scaling']],
    [
      'a scale to nothing',
      { scaling: EndpointScaling.concurrency({ minReplicas: 0 }) },
      ['Millrace.EndpointMinReplicas scaling.minReplicas'],
    ],
    [
      'half a core',
      { pods: { size: PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1) }) } },
      ['Millrace.RayEndpointInvalid pods.size'],
    ],
    ['a path without an application', { app: { ...APP, importPath: 'graph' } }, ['Millrace.RayEndpointInvalid app.importPath']],
    ['a deployment without a name', { app: { ...APP, deployment: '' } }, ['Millrace.RayEndpointInvalid app.deployment']],
    ['a version that is a range', { cluster: { ...CLUSTER, rayVersion: '2.x' } }, ['Millrace.RayEndpointInvalid cluster.rayVersion']],
    ['a long name', { endpointName: 'g'.repeat(41) }, ['Millrace.RayEndpointInvalid endpointName']],
    [
      'a download from no range',
      { cluster: { ...CLUSTER, downloadCidr: 's3.example.com' } },
      ['Millrace.RayEndpointInvalid cluster.downloadCidr'],
    ],
    [
      'Redis without a port',
      { cluster: { ...CLUSTER, faultTolerance: { redisAddress: 'redis', redisCidr: '10.0.0.0/24' } } },
      ['Millrace.RayEndpointInvalid cluster.faultTolerance'],
    ],
    [
      'captured requests',
      { monitoring: { dataCapture: { percent: 100, destination: 'http://a.b' } } },
      ['Millrace.DataCaptureUnsupported monitoring.dataCapture'],
    ],
    ['a rollout that nobody watches', { monitoring: { alarms: false } }, ['Millrace.EndpointRolloutUnguarded rollout']],
    [
      'a bake shorter than the window',
      { rollout: Rollout.allAtOnce({ bake: Duration.minutes(1) }) },
      ['Millrace.EndpointRolloutUnguarded rollout.bake'],
    ],
    [
      'a node label that is none',
      { pods: { size: SIZE, scheduling: { nodeSelector: { 'a b': 'c' } } } },
      ['Millrace.RayEndpointInvalid pods.scheduling.nodeSelector'],
    ],
  ])('%s', (_what, props, expected) => {
    expect(refusal(props)).toEqual(expected);
  });
});
