import { Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { LlmAttention } from '../../lib/inference/llm-attention';
import { KvCacheType, LlmModel } from '../../lib/inference/llm-model';
import { LlmScaling } from '../../lib/inference/llm-scaling';
import { LlmSizing } from '../../lib/inference/llm-sizing';
import { LlmEndpoint, type LlmEndpointProps } from '../../lib/inference/k8s/llm-endpoint';
import { LlmModelCache } from '../../lib/inference/k8s/llm-model-cache';
import { LlmServing } from '../../lib/inference/k8s/llm-serving';
import { LlmLoadFormat } from '../../lib/inference/k8s/vllm-server';
import { GpuModel, GpuRequest } from '../../lib/workloads/k8s/gpu-request';
import { Service } from '../../lib/workloads/k8s/service';
import { ServiceIdentity } from '../../lib/workloads/k8s/service-identity';
import { Sizing } from '../../lib/core/sizing';
import { refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';
import { checkRestricted } from '../manifests/pod-security';
import { IMAGE, OWNER, SIZE, assemblyOf, newChart } from '../workloads/synthesis';

const VLLM = 'vllm/vllm-openai:v0.18.1';
const SMALL = LlmSizing.fixed(LlmModel.LLAMA_3_1_8B, {
  instanceType: 'g6e.xlarge',
  replicas: 3,
  contextLength: 8192,
  timeToFirstToken: Duration.seconds(2),
});
const TWO_NODES = LlmSizing.fixed(
  LlmModel.of({
    name: 'llama-3.1-405b',
    uri: 'pvc://models/llama-405b',
    parameters: 405e9,
    layers: 126,
    attention: LlmAttention.standard({ attentionHeads: 128, kvHeads: 8, headDim: 128 }),
    maxModelLength: 131072,
  }),
  { instanceType: 'p5.48xlarge', replicas: 2, contextLength: 8192, nodes: 2 },
);
const PROMETHEUS = 'http://prometheus.monitoring.svc:9090';
const ROUTING = {
  gatewayName: 'inference',
  gatewayNamespace: 'gateways',
  proxyNamespace: 'envoy',
  endpointPicker: { serviceName: 'chat-picker', podSelector: { app: 'chat-picker' } },
};

const chart = newChart();
const add = (id: string, props: Partial<LlmEndpointProps>, scope: Chart = chart) =>
  new LlmEndpoint(scope, id, { sizing: SMALL, server: { image: VLLM }, endpointName: id.toLowerCase(), ...props });
const chat = add('Chat', {
  server: { image: VLLM, tokenSecretName: 'hugging-face', args: ['--enable-auto-tool-choice'] },
  scaling: LlmScaling.waitingRequests({ serverAddress: PROMETHEUS, minReplicas: 2 }),
  modelCache: LlmModelCache.persistentVolume('model-cache'),
  serving: LlmServing.deployment({ routing: ROUTING }),
});
add('Bucket', {
  sizing: LlmSizing.fixed(LlmModel.LLAMA_3_1_8B.storedAt('s3://models/llama-8b/v3/'), {
    instanceType: 'g6.12xlarge',
    replicas: 2,
    contextLength: 4096,
    tensorParallel: 2,
  }),
  server: { image: `registry.example.com/ml/vllm@sha256:${'0'.repeat(64)}`, version: '0.15.0' },
  pods: {
    spareGpus: false,
    identity: ServiceIdentity.podIdentity('bucket'),
    scheduling: { gpu: GpuRequest.whole(2, GpuModel.product('NVIDIA-L4')) },
  },
});
const kserve = add('Served', {
  serving: LlmServing.kserve({ gatewayName: 'inference', gatewayNamespace: 'gateways', baseRefs: ['payments-defaults'] }),
  scaling: LlmScaling.workloadVariant({ maxReplicas: 8 }),
  modelCache: LlmModelCache.kserveLocalModelCache(['gpu-nodes']),
});
add('Fixed', { serving: LlmServing.kserve(), server: { image: VLLM, startupTimeout: Duration.minutes(20) } });
const group = add('Group', {
  sizing: TWO_NODES,
  serving: LlmServing.multiNode(),
  scaling: LlmScaling.waitingRequests({ serverAddress: PROMETHEUS, minReplicas: 1, maxReplicas: 2 }),
});
const assistant = new Service(chart, 'Assistant', { image: IMAGE, size: SIZE });
chat.grants.invoke(assistant);
chat.allowFromNamespace('monitoring');
chat.allowToCidr('10.0.0.0/16', 443);
const far = new Service(new Chart(chart.node.root as never, 'support', { namespace: 'support' }), 'Support', { image: IMAGE, size: SIZE });
group.grants.invoke(far, { variable: 'LLM_URL' });
const manifests: any[] = assemblyOf(chart).objects.map(({ manifest }) => manifest);

const find = (kind: string, name: string) =>
  manifests.find(
    (manifest) => manifest.kind === kind && (manifest.metadata.name === name || manifest.metadata.name.startsWith(`fraud-${name}-`)),
  )!;
const podOf = (name: string) => find('Deployment', name).spec.template.spec;
const argsOf = (name: string): string[] => podOf(name).containers[0].args;
const groupPod = (role: 'leader' | 'worker') => find('LeaderWorkerSet', 'group').spec.leaderWorkerTemplate[`${role}Template`];
const alertsOf = (name: string): any[] => find('PrometheusRule', name).spec.groups[0].rules;

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`every manifest is valid for Kubernetes and the operators${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
});

test('every manifest holds together with the others and with Pod Security "restricted"', () => {
  // What operators make, or somebody else installs, is not in the set.
  const others = /picker|Gateway|LeaderWorkerSet group is not in the set/;
  expect(checkBeyondSchema(manifests).filter((problem) => !others.test(problem))).toEqual([]);
  for (const role of ['leader', 'worker'] as const) {
    const template = groupPod(role);
    const pod = { owner: find('LeaderWorkerSet', 'group'), path: role, labels: template.metadata.labels, spec: template.spec };
    expect([...checkRestricted(pod)]).toEqual([]);
  }
});

test('who pays stands on every pod', () => {
  expect(podLabels(find('Deployment', 'chat').spec.template)).toMatchObject(OWNER);
  expect(podLabels(groupPod('worker'))).toMatchObject(OWNER);
  expect(find('LLMInferenceService', 'served').spec.labels).toMatchObject({ ...OWNER, ...kserve.podSelector });
});
const podLabels = (template: any) => template.metadata.labels;

describe('the server', () => {
  test('is told everything that the sizing counted with', () => {
    expect(podOf('chat').containers[0].command).toEqual(['vllm', 'serve', 'meta-llama/Llama-3.1-8B-Instruct']);
    expect(argsOf('chat')).toEqual([
      '--port=8000',
      '--served-model-name=llama-3.1-8b-instruct',
      '--tensor-parallel-size=1',
      '--max-model-len=8192',
      '--gpu-memory-utilization=0.92',
      '--kv-cache-dtype=auto',
      '--max-num-seqs=24',
      '--load-format=auto',
      '--shutdown-timeout=45',
      '--enable-auto-tool-choice',
    ]);
    expect(JSON.parse(find('Deployment', 'chat').metadata.annotations[Sizing.RECORD_KEY]).choice).toBe(SMALL.choice);
  });

  test('streams weights from a bucket, and gets no switch that its version lacks', () => {
    expect(podOf('bucket').containers[0].command).toEqual(['vllm', 'serve', 's3://models/llama-8b/v3/']);
    expect(argsOf('bucket')).toContain('--load-format=runai_streamer');
    expect(argsOf('bucket').join(' ')).not.toContain('shutdown');
  });

  test('starts for ten minutes, is asked every second for readiness, and drains', () => {
    const { startupProbe, readinessProbe, livenessProbe, lifecycle } = podOf('chat').containers[0];
    const httpGet = { path: '/health', port: 'http' };
    expect(startupProbe).toEqual({ httpGet, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 60 });
    expect(readinessProbe).toEqual({ httpGet, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 });
    expect(livenessProbe).toEqual({ httpGet, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 10 });
    expect(lifecycle).toEqual({ preStop: { sleep: { seconds: 15 } } });
    expect(podOf('chat').terminationGracePeriodSeconds).toBe(60);
    expect(podOf('chat').enableServiceLinks).toBe(false);
  });

  test('writes its caches to one folder that the pods share, and reads its token from a file', () => {
    const { volumes, containers } = podOf('chat');
    expect(volumes).toEqual([
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'cache', persistentVolumeClaim: { claimName: 'model-cache' } },
      { name: 'token', secret: { secretName: 'hugging-face' } },
    ]);
    const env = Object.fromEntries(containers[0].env.map(({ name, value }: any) => [name, value]));
    expect(env).toMatchObject({
      HF_HOME: '/cache/huggingface',
      VLLM_CACHE_ROOT: '/cache/vllm',
      HF_TOKEN_PATH: '/etc/huggingface/token',
      VLLM_NO_USAGE_STATS: '1',
    });
    expect(JSON.stringify(containers[0].env)).not.toContain('secretKeyRef');
  });

  test('finds the agent of Pod Identity, and looks nowhere for files that a claim has', () => {
    const egressOf = (name: string) => JSON.stringify(find('NetworkPolicy', name).spec.egress);
    expect(egressOf('bucket')).toContain('169.254.170.23/32');
    expect(egressOf('chat')).not.toContain('169.254.170.23/32');
    expect(groupPod('leader').spec.containers[0].env).toContainEqual({ name: 'HF_HUB_OFFLINE', value: '1' });
    expect(podOf('chat').containers[0].env.map(({ name }: any) => name)).not.toContain('HF_HUB_OFFLINE');
  });

  test('without a shared volume asks for the disk that the files take', () => {
    const { volumes, containers } = podOf('bucket');
    // 16.06 GB x 1.1 and 10 GiB.
    expect(volumes).toContainEqual({ name: 'cache', emptyDir: { sizeLimit: '27Gi' } });
    expect(containers[0].resources.requests['ephemeral-storage']).toBe('27Gi');
    expect(volumes).toContainEqual({ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '20Gi' } });
  });

  test('stands on the GPUs of the sizing, with the part of the node that goes with them', () => {
    expect(podOf('chat').nodeSelector).toEqual({ 'node.kubernetes.io/instance-type': 'g6e.xlarge' });
    expect(podOf('chat').tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
    expect(podOf('bucket').nodeSelector).toEqual({ 'nvidia.com/gpu.product': 'NVIDIA-L4' });
    const { requests, limits } = podOf('bucket').containers[0].resources;
    expect([requests['nvidia.com/gpu'], limits['nvidia.com/gpu']]).toEqual(['2', '2']);
    expect(requests.memory).toBe(limits.memory);
    expect(limits.cpu).toBeUndefined();
    // Half of 48 vCPU and 192 GiB, less what the node keeps.
    expect(requests.cpu).toBe('21500m');
    expect(parseFloat(requests.memory) / (requests.memory.endsWith('Mi') ? 1024 : 1)).toBeGreaterThan(70);
  });
});

describe('replicas', () => {
  test('come before others leave, or the other way round without spare GPUs', () => {
    const strategyOf = (name: string) => find('Deployment', name).spec.strategy.rollingUpdate;
    expect([strategyOf('chat'), strategyOf('bucket')]).toEqual([
      { maxSurge: 1, maxUnavailable: 0 },
      { maxSurge: 0, maxUnavailable: 1 },
    ]);
    expect(find('Deployment', 'chat').spec.progressDeadlineSeconds).toBe(1200);
    expect(find('PodDisruptionBudget', 'chat').spec.maxUnavailable).toBe(1);
  });

  test('follow the requests that wait, and stay when nobody knows', () => {
    const { spec } = find('ScaledObject', 'chat');
    expect(spec).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
      minReplicaCount: 2,
      maxReplicaCount: 6,
      pollingInterval: 15,
      fallback: { failureThreshold: 3, replicas: 2, behavior: 'currentReplicasIfHigher' },
    });
    expect(spec.advanced.restoreToOriginalReplicaCount).toBe(false);
    expect(spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds).toBe(360);
    expect(spec.triggers[0]).toEqual({
      type: 'prometheus',
      metricType: 'AverageValue',
      metadata: {
        serverAddress: PROMETHEUS,
        query: 'sum(vllm:num_requests_waiting{namespace="fraud",app_kubernetes_io_instance="chat"})',
        threshold: '5',
        ignoreNullValues: 'false',
      },
    });
    expect(find('Deployment', 'chat').spec.replicas).toBeUndefined();
    expect(find('Deployment', 'bucket').spec.replicas).toBe(2);
    expect(find('ScaledObject', 'group').spec.scaleTargetRef.kind).toBe('LeaderWorkerSet');
  });
});

describe('on KServe', () => {
  const { spec } = find('LLMInferenceService', 'served');

  test('replicas and scaling exclude each other', () => {
    expect(spec.replicas).toBeUndefined();
    expect(spec.scaling).toMatchObject({
      minReplicas: 3,
      maxReplicas: 8,
      wva: { variantCost: '1.8610', keda: { pollingInterval: 15, cooldownPeriod: 360 } },
    });
    // The autoscaler leaves out what has no name of its GPU.
    expect(spec.labels['inference.optimization/acceleratorName']).toBe('L40S');
    expect(find('LLMInferenceService', 'fixed').spec).toMatchObject({ replicas: 3 });
    expect(find('LLMInferenceService', 'fixed').spec.labels).not.toHaveProperty('inference.optimization/acceleratorName');
    expect(find('LLMInferenceService', 'fixed').spec.scaling).toBeUndefined();
  });

  test('the service has its model, its parallelism, its route and the arguments of the sizing', () => {
    expect(spec.model).toEqual({ uri: 'hf://meta-llama/Llama-3.1-8B-Instruct', name: 'llama-3.1-8b-instruct' });
    expect(spec.parallelism).toEqual({ tensor: 1 });
    expect(spec.baseRefs).toEqual([{ name: 'payments-defaults' }]);
    expect(spec.router).toEqual({ gateway: { refs: [{ name: 'inference', namespace: 'gateways' }] }, route: {}, scheduler: {} });
    const [main] = spec.template.containers;
    expect(main.name).toBe('main');
    expect(main.env[0].value).toContain('--max-model-len=8192 --gpu-memory-utilization=0.92 --kv-cache-dtype=auto --max-num-seqs=24');
    expect(spec.template.terminationGracePeriodSeconds).toBe(60);
    expect(find('LLMInferenceService', 'fixed').spec.router).toBeUndefined();
  });

  test('the files are on the nodes before, under a name that changes with the model', () => {
    const cache = manifests.find(({ kind }) => kind === 'LocalModelCache');
    expect(cache.metadata.name).toMatch(/^served-[0-9a-f]{8}$/);
    expect(cache.metadata.namespace).toBeUndefined();
    expect(cache.spec).toEqual({ sourceModelUri: 'hf://meta-llama/Llama-3.1-8B-Instruct', modelSize: '17Gi', nodeGroups: ['gpu-nodes'] });
  });

  test('alerts read the names that KServe gives, and no second monitor reads the pods', () => {
    expect(alertsOf('served')[0].expr).toContain('kserve_http_requests_total{namespace="fraud",llm_isvc_name="served",handler=~"/v1/.*"}');
    expect(manifests.filter(({ kind, metadata }) => kind === 'PodMonitor' && metadata.name.includes('served'))).toEqual([]);
  });

  test('callers use TLS where the installation does, and not otherwise, as KServe is shipped', () => {
    expect(kserve.baseUrl).toBe('http://served-kserve-workload-svc.fraud:8000/v1');
    expect(add('Signed', { serving: LlmServing.kserve({ tls: true }) }, newChart()).baseUrl).toBe(
      'https://signed-kserve-workload-svc.fraud:8000/v1',
    );
  });

  test('the pods have the user that images of vLLM lack, and write below the folders of the template only', () => {
    const { securityContext, containers, enableServiceLinks } = spec.template;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
    expect(containers[0].env).toContainEqual({ name: 'USER', value: 'vllm' });
    expect(containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
    expect(enableServiceLinks).toBe(false);
  });

  test('a longer start is over the one of the template, which still says where to ask', () => {
    expect(find('LLMInferenceService', 'fixed').spec.template.containers[0].startupProbe).toEqual({
      periodSeconds: 10,
      failureThreshold: 120,
    });
    expect(spec.template.containers[0].startupProbe).toBeUndefined();
  });

  test('the proxies of the gateway and the scheduler reach the pods', () => {
    const [proxies, scheduler] = find('NetworkPolicy', 'served').spec.ingress.map(({ from }: any) => from[0]);
    expect(proxies).toEqual({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'gateways' } } });
    expect(scheduler).toEqual({
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/component': 'llminferenceservice-router-scheduler',
          'app.kubernetes.io/name': 'served',
        },
      },
    });
  });

  test('two namespaces have caches of their own, which belong to none', () => {
    const names = ['payments', 'cards'].map((namespace) => {
      const elsewhere = new Chart(newChart().node.root as never, namespace, { namespace });
      const modelCache = LlmModelCache.kserveLocalModelCache(['gpu-nodes']);
      new LlmEndpoint(elsewhere, 'Served', {
        sizing: SMALL,
        server: { image: VLLM },
        endpointName: 'served',
        serving: LlmServing.kserve(),
        modelCache,
      });
      return assemblyOf(elsewhere).objects.find(({ manifest }) => manifest.kind === 'LocalModelCache')!.manifest.metadata!.name;
    });
    expect(names[0]).not.toBe(names[1]);
  });
});

describe('over several nodes', () => {
  test('a group holds one copy: layers over the nodes, each split over their GPUs', () => {
    const { spec } = find('LeaderWorkerSet', 'group');
    expect(spec.leaderWorkerTemplate).toMatchObject({ size: 2, restartPolicy: 'RecreateGroupAfterStart' });
    expect(spec.rolloutStrategy).toEqual({ type: 'RollingUpdate', rollingUpdateConfiguration: { maxSurge: 1, maxUnavailable: 0 } });
    const [leader, worker] = (['leader', 'worker'] as const).map((role) => groupPod(role).spec.containers[0].args.join(' '));
    for (const args of [leader, worker]) {
      expect(args).toContain('--tensor-parallel-size=8 --pipeline-parallel-size=2');
      expect(args).toContain('--distributed-executor-backend=mp --nnodes=2 --master-addr=$(LWS_LEADER_ADDRESS) --master-port=29500');
    }
    expect(leader).toMatch(/--node-rank=0$/);
    expect(worker).toMatch(/--node-rank=\$\(LWS_WORKER_INDEX\) --headless$/);
    expect(groupPod('leader').spec.containers[0].command).toEqual(['vllm', 'serve', '/models/llama-405b']);
  });

  test('the name of the group is left to the service by which LeaderWorkerSet makes its pods find each other', () => {
    expect(manifests.filter(({ kind, metadata }) => kind === 'Service' && metadata.name === 'group')).toEqual([]);
  });

  test('a worker stands in the zone of its leader and outlives it', () => {
    const { affinity, terminationGracePeriodSeconds, containers } = groupPod('worker').spec;
    const [term] = affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution;
    expect(term.matchLabelKeys).toEqual(['leaderworkerset.sigs.k8s.io/group-key']);
    expect(terminationGracePeriodSeconds).toBe(75);
    expect(containers[0].lifecycle.preStop.sleep.seconds).toBe(60);
    expect(containers[0].readinessProbe).toBeUndefined();
  });

  test('only leaders are called and read; the group talks among itself', () => {
    const leads = { 'app.kubernetes.io/instance': 'group', 'millrace.io/llm-role': 'leader' };
    expect(find('Service', 'group-leader').spec.selector).toEqual(leads);
    expect(group.baseUrl).toBe('http://group-leader.fraud/v1');
    expect(
      manifests.find(({ kind, metadata }) => kind === 'PodMonitor' && metadata.name.includes('group')).spec.selector.matchLabels,
    ).toEqual(leads);
    const own = { podSelector: { matchLabels: group.podSelector } };
    const policies = manifests.filter(
      ({ kind, spec }) => kind === 'NetworkPolicy' && spec.podSelector.matchLabels['app.kubernetes.io/instance'] === 'group',
    );
    expect(policies.map(({ spec }) => spec.ingress)).toContainEqual([{ from: [own] }]);
  });
});

test('a pool stays open without its picker, and its proxies and picker reach the pods', () => {
  expect(find('InferencePool', 'chat').spec).toEqual({
    selector: { matchLabels: chat.podSelector },
    targetPorts: [{ number: 8000 }],
    endpointPickerRef: { name: 'chat-picker', port: { number: 9002 }, failureMode: 'FailOpen' },
  });
  const { parentRefs, rules } = find('HTTPRoute', 'chat').spec;
  expect(parentRefs).toEqual([{ name: 'inference', namespace: 'gateways' }]);
  expect(rules[0].backendRefs).toEqual([{ group: 'inference.networking.k8s.io', kind: 'InferencePool', name: 'chat' }]);
  expect(rules[0].timeouts).toEqual({ request: '600s' });
  const ingress = JSON.stringify(find('NetworkPolicy', 'chat').spec.ingress);
  for (const who of ['"envoy"', '"chat-picker"', '"monitoring"']) expect(ingress).toContain(who);
});

test('a grant opens both networks and says where the model is', () => {
  const env = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name.includes('assistant')).spec.template.spec
    .containers[0].env;
  expect(env).toContainEqual({ name: 'OPENAI_BASE_URL', value: 'http://chat.fraud/v1' });
  expect(find('NetworkPolicy', 'chat').spec.ingress).toContainEqual({
    from: [{ podSelector: { matchLabels: assistant.podSelector } }],
    ports: [{ protocol: 'TCP', port: 8000 }],
  });
  expect(JSON.stringify(find('NetworkPolicy', 'group').spec)).toBeDefined();
  const support = manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === 'support');
  expect(JSON.stringify(support.spec.egress)).toContain('"kubernetes.io/metadata.name":"fraud"');
});

test('alerts stand on errors, the promise, saturation and silence', () => {
  expect(alertsOf('chat').map(({ alert }) => alert)).toEqual([
    'LlmErrors',
    'LlmFirstTokenSlow',
    'LlmRequestsWaiting',
    'LlmKvCacheFull',
    'LlmUnseen',
  ]);
  expect(alertsOf('bucket').map(({ alert }) => alert)).not.toContain('LlmFirstTokenSlow');
  const [errors, first, waiting, cache, unseen] = alertsOf('chat');
  const series = 'namespace="fraud",app_kubernetes_io_instance="chat"';
  const asked = (more: string) => `sum(rate(http_requests_total{${series},handler=~"/v1/.*"${more}}[5m]))`;
  expect(errors.expr).toBe(`100 * (${asked(',status="5xx"')} or vector(0)) / ${asked('')} > 1`);
  expect(unseen.expr).toBe(`absent(up{${series}} == 1)`);
  expect(first.expr).toBe(`histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{${series}}[5m]))) > 2`);
  expect(waiting.expr).toBe(`avg(vllm:num_requests_waiting{${series}}) > 10`);
  expect(cache.expr).toBe(`100 * max(vllm:kv_cache_usage_perc{${series}}) >= 80`);
});

describe('what cannot be is refused', () => {
  const work = (props: Partial<LlmEndpointProps>) => () => add('Refused', props, newChart());
  const waiting = (limits: object) => LlmScaling.waitingRequests({ serverAddress: PROMETHEUS, ...limits });
  const gpu = (count: number, model?: GpuModel) => ({ pods: { scheduling: { gpu: GpuRequest.whole(count, model) } } });

  test.each<[string, () => unknown, string[]]>([
    ['no replica, where nobody would report what waits', () => waiting({ minReplicas: 0 }), ['Millrace.LlmScalingInvalid minReplicas']],
    ['one replica beside a promise', work({ scaling: waiting({ minReplicas: 1 }) }), ['Millrace.LlmScalingInvalid scaling.minReplicas']],
    ['most below fewest', () => waiting({ minReplicas: 4, maxReplicas: 3 }), ['Millrace.LlmScalingInvalid maxReplicas']],
    [
      'a fallback out of range',
      work({ scaling: waiting({ fallbackReplicas: 20 }) }),
      ['Millrace.LlmScalingInvalid scaling.fallbackReplicas'],
    ],
    ['scaling of another serving', work({ scaling: LlmScaling.workloadVariant() }), ['Millrace.LlmScalingInvalid scaling']],
    ['waiting requests on KServe', work({ serving: LlmServing.kserve(), scaling: waiting({}) }), ['Millrace.LlmScalingInvalid scaling']],
    ['other GPUs than the sizing has', work(gpu(2)), ['Millrace.LlmGpuMismatch pods.scheduling.gpu']],
    ['another model of GPU', work(gpu(1, GpuModel.karpenter('l4'))), ['Millrace.LlmGpuMismatch pods.scheduling.gpu.model']],
    [
      'a CPU instance',
      work({ pods: { scheduling: { nodeSelector: { 'node.kubernetes.io/instance-type': 'm7i.4xlarge' } } } }),
      ['Millrace.LlmGpuMismatch pods.scheduling.nodeSelector'],
    ],
    ['several nodes in a Deployment', work({ sizing: TWO_NODES }), ['Millrace.LlmEndpointInvalid serving']],
    ['one node in a group', work({ serving: LlmServing.multiNode() }), ['Millrace.LlmEndpointInvalid serving']],
    [
      'an image without version',
      work({ server: { image: 'vllm/vllm-openai:latest' } }),
      ['Millrace.LlmEndpointInvalid server.image', 'Millrace.VllmVersionUnknown server.version'],
    ],
    ['an old vLLM', work({ server: { image: 'vllm/vllm-openai:v0.9.2' } }), ['Millrace.VllmVersionUnknown server.version']],
    [
      'an argument of the sizing',
      work({ server: { image: VLLM, args: ['--max-model-len=4096'] } }),
      ['Millrace.LlmEndpointInvalid server.args'],
    ],
    [
      'the same with underscores',
      work({ server: { image: VLLM, args: ['--gpu_memory_utilization', '0.99'] } }),
      ['Millrace.LlmEndpointInvalid server.args'],
    ],
    [
      'an argument that takes GPUs the sizing has not counted',
      work({ server: { image: VLLM, args: ['--data-parallel-size=2'] } }),
      ['Millrace.LlmEndpointInvalid server.args'],
    ],
    [
      'TLS that the probes do not speak',
      work({ server: { image: VLLM, args: ['--ssl-certfile=/tls/tls.crt'] } }),
      ['Millrace.LlmEndpointInvalid server.args'],
    ],
    ['the same in short', work({ server: { image: VLLM, args: ['-tp', '2'] } }), ['Millrace.LlmEndpointInvalid server.args']],
    [
      'what a shell would run on KServe',
      work({ serving: LlmServing.kserve(), server: { image: VLLM, args: ['--seed=$(id)'] } }),
      ['Millrace.LlmEndpointInvalid server.args'],
    ],
    [
      'a claim on KServe',
      work({ serving: LlmServing.kserve(), modelCache: LlmModelCache.persistentVolume('models') }),
      ['Millrace.LlmEndpointInvalid modelCache'],
    ],
    [
      'a cache of KServe elsewhere',
      work({ modelCache: LlmModelCache.kserveLocalModelCache(['gpu']) }),
      ['Millrace.LlmEndpointInvalid modelCache'],
    ],
    [
      'no groups of nodes',
      work({ serving: LlmServing.kserve(), modelCache: LlmModelCache.kserveLocalModelCache([]) }),
      ['Millrace.LlmEndpointInvalid modelCache'],
    ],
    [
      'a token on KServe',
      work({ serving: LlmServing.kserve(), server: { image: VLLM, tokenSecretName: 'hf' } }),
      ['Millrace.LlmEndpointInvalid server.tokenSecretName'],
    ],
    [
      'a bucket read as a disk',
      work({
        sizing: LlmSizing.fixed(LlmModel.LLAMA_3_1_8B.storedAt('s3://b/m/'), {
          instanceType: 'g6e.xlarge',
          replicas: 2,
          contextLength: 4096,
        }),
        server: { image: VLLM, loadFormat: LlmLoadFormat.AUTO },
      }),
      ['Millrace.LlmEndpointInvalid server.loadFormat'],
    ],
    [
      'a rollout that KServe has no setting for',
      work({ serving: LlmServing.kserve(), pods: { spareGpus: false } }),
      ['Millrace.LlmEndpointInvalid pods.spareGpus'],
    ],
    ['a long name', work({ endpointName: 'a'.repeat(44) }), ['Millrace.LlmEndpointInvalid endpointName']],
    [
      'shared memory that leaves the server none',
      work({ server: { image: VLLM, sharedMemory: Size.gibibytes(20) } }),
      ['Millrace.LlmEndpointInvalid server.sharedMemory'],
    ],
    [
      'a KV cache that the version lacks',
      work({
        sizing: LlmSizing.fixed(
          LlmModel.of({ ...LlmModel.LLAMA_3_1_8B, weightBytes: undefined, kvCacheType: KvCacheType.FP8_PER_TOKEN_HEAD } as never),
          { instanceType: 'g6e.xlarge', replicas: 2, contextLength: 4096 },
        ),
      }),
      ['Millrace.VllmVersionUnknown model.kvCacheType'],
    ],
    [
      'a picker that would be every pod',
      work({ serving: LlmServing.deployment({ routing: { ...ROUTING, endpointPicker: { serviceName: 'picker', podSelector: {} } } }) }),
      ['Millrace.LlmEndpointInvalid serving.routing.endpointPicker'],
    ],
    [
      'names and times of a route that Kubernetes does not take',
      work({
        serving: LlmServing.deployment({ routing: { ...ROUTING, gatewayName: 'Inference', requestTimeout: Duration.millis(500) } }),
      }),
      ['Millrace.LlmEndpointInvalid serving', 'Millrace.LlmEndpointInvalid serving.routing.requestTimeout'],
    ],
    [
      'a namespace in capitals',
      work({ serving: LlmServing.kserve({ gatewayName: 'g', gatewayNamespace: 'GW' }) }),
      ['Millrace.LlmEndpointInvalid serving'],
    ],
    [
      'monitoring out of range',
      work({ monitoring: { errorPercent: 0, window: Duration.seconds(90) } }),
      ['Millrace.LlmMonitoringInvalid monitoring.errorPercent, kvCachePercent', 'Millrace.LlmMonitoringInvalid monitoring.window'],
    ],
  ])('%s', (_, refused, refusal) => {
    expect(refusalOf(refused)).toEqual(refusal);
  });
});
