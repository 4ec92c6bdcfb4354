import type { Duration, Size } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../../core/rule';
import { DNS_SUBDOMAIN } from '../../workloads/k8s/kubernetes-syntax';
import { schedulingRules } from '../../workloads/k8s/scheduling-fields';
import { quantityOf } from '../../workloads/k8s/pod-template';
import { KvCacheType } from '../llm-model';
import { type LlmScaling, LlmScalingKind } from '../llm-scaling';
import type { LlmSizing } from '../llm-sizing';
import { type VllmVersion, isAtLeast, vllmArguments } from '../vllm-arguments';
import { type LlmModelCache, LlmModelCacheKind } from './llm-model-cache';
import { podShareOf } from './llm-pod-share';
import type { LlmPodOptions } from './llm-pods';
import { type LlmServing, LlmServingKind } from './llm-serving';
import type { VllmServerOptions } from './vllm-server';

/** The properties of an endpoint with what follows from them. */
export interface LlmEndpointInput {
  readonly endpointName: string;
  readonly sizing: LlmSizing;
  readonly server: VllmServerOptions;
  readonly serving: LlmServing;
  readonly scaling: LlmScaling;
  readonly modelCache: LlmModelCache;
  readonly pods: LlmPodOptions;
  readonly version?: VllmVersion;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly fallbackReplicas?: number;
  /** For the rules of any workload. */
  readonly scheduling?: LlmPodOptions['scheduling'];
}

/** Code of what is refused about an endpoint. */
export const LLM_ENDPOINT_CODE = 'Millrace.LlmEndpointInvalid';
const SCALING_CODE = 'Millrace.LlmScalingInvalid';
const OLDEST: VllmVersion = [0, 12, 0];
const PER_TOKEN_HEAD: VllmVersion = [0, 20, 0];
/** Label by which a node says its instance type. */
export const INSTANCE_TYPE_LABEL = 'node.kubernetes.io/instance-type';
const OWN_ARGUMENTS = [
  'model',
  'port',
  'host',
  'uds',
  // Probes and Prometheus ask without TLS.
  'ssl-certfile',
  'ssl-keyfile',
  'served-model-name',
  'load-format',
  'shutdown-timeout',
  'nnodes',
  'node-rank',
  'master-addr',
  'master-port',
  'headless',
  'distributed-executor-backend',
  // GPUs and memory that the sizing has not counted with.
  'pipeline-parallel-size',
  'data-parallel-size',
  'kv-cache-memory-bytes',
  'num-gpu-blocks-override',
  // Short forms.
  'dp',
  'tp',
  'pp',
  'n',
  'r',
];

const ALLOWED_SCALING: Readonly<Record<LlmServingKind, readonly LlmScalingKind[]>> = {
  [LlmServingKind.DEPLOYMENT]: [LlmScalingKind.WAITING_REQUESTS, LlmScalingKind.FIXED],
  [LlmServingKind.MULTI_NODE]: [LlmScalingKind.WAITING_REQUESTS, LlmScalingKind.FIXED],
  [LlmServingKind.KSERVE]: [LlmScalingKind.WORKLOAD_VARIANT, LlmScalingKind.FIXED],
};
const ALLOWED_SCHEMES: Readonly<Record<LlmServingKind, readonly string[]>> = {
  [LlmServingKind.DEPLOYMENT]: ['hf', 's3', 'gs', 'pvc'],
  [LlmServingKind.MULTI_NODE]: ['hf', 's3', 'gs', 'pvc'],
  [LlmServingKind.KSERVE]: ['hf', 's3', 'gs', 'pvc', 'oci'],
};

type Row = Omit<Rule<LlmEndpointInput>, 'code' | 'tokens'> & { readonly code?: string };

/** Rules for an endpoint; what holds for its pods, for its parts, and for its parts together. */
export const LLM_ENDPOINT_RULES: readonly Rule<LlmEndpointInput>[] = [
  ...schedulingRules(LLM_ENDPOINT_CODE),
  ...(
    [
      {
        subject: 'endpointName',
        value: ({ endpointName }) => endpointName,
        valid: (name: string) => /^[a-z]([a-z0-9-]{0,41}[a-z0-9])?$/.test(name),
        allowed: 'at most 43 lower-case letters, digits or -, beginning with a letter: operators add to it',
        fix: 'shorten it',
      },
      {
        subject: 'server.image',
        value: ({ server }) => server.image,
        valid: (image: string) => /^[^\s@]+(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest'),
        allowed: 'an image with a tag other than latest, or a digest',
        fix: 'name the version that was measured, for example vllm/vllm-openai:v0.18.1',
      },
      {
        code: 'Millrace.VllmVersionUnknown',
        subject: 'server.version',
        value: ({ version, server }) => version ?? server.version ?? server.image,
        // A list is a version that was read; a text is an image or a version that could not be.
        valid: (version: VllmVersion | string) => typeof version !== 'string' && isAtLeast(version, OLDEST),
        allowed: `${OLDEST.join('.')} or later, in server.version or in the tag of the image`,
        fix: 'say server.version; older ones name their metrics differently and cannot span nodes',
      },
      {
        code: 'Millrace.VllmVersionUnknown',
        subject: 'model.kvCacheType',
        value: ({ version, sizing }) => (version && sizing.model.kvCacheType === KvCacheType.FP8_PER_TOKEN_HEAD ? version : undefined),
        valid: (version: VllmVersion) => isAtLeast(version, PER_TOKEN_HEAD),
        allowed: `vLLM ${PER_TOKEN_HEAD.join('.')} or later for scales of each head and token`,
        fix: 'use a newer image, or KvCacheType.FP8',
      },
      {
        subject: 'server.startupTimeout',
        value: ({ server }) => server.startupTimeout,
        valid: (time: Duration) => isPositiveInteger(time.toSeconds({ integral: false }) / 10) && time.toSeconds() <= 7200,
        allowed: 'whole tens of seconds, at most two hours',
        fix: 'use Duration.minutes(…)',
      },
      {
        subject: 'server.sharedMemory',
        value: ({ server }) => server.sharedMemory,
        valid: (size: Size, { sizing }) => isPositiveInteger(size.toBytes()) && size.toBytes() <= podShareOf(sizing).memoryBytes / 2,
        allowed: ({ sizing }) =>
          `above zero, at most half the memory of a pod (${quantityOf(podShareOf(sizing).memoryBytes)}), of which it is taken`,
        fix: 'leave it out',
      },
      {
        subject: 'server.args',
        value: ({ server }) => server.args,
        valid: (args: string[], { sizing, serving }) => {
          const taken = [...OWN_ARGUMENTS, ...vllmArguments(sizing).map(([name]) => name)];
          const named = args.map((arg) => /^--?([a-z][\w-]*)/.exec(arg)?.[1].replace(/_/g, '-'));
          // KServe hands them to a shell, the others do not.
          const isWord = (arg: string) => serving.kind !== LlmServingKind.KSERVE || /^[\w.,:/=@%+-]+$/.test(arg);
          return args.every(isWord) && named.every((name) => name === undefined || !taken.includes(name));
        },
        allowed: 'arguments that neither the sizing nor the endpoint decides; on KServe without characters of a shell',
        fix: 'change the sizing instead: it counted with them',
      },
      {
        subject: 'server.tokenSecretName',
        value: ({ server }) => server.tokenSecretName,
        valid: (name: string, { serving }) => DNS_SUBDOMAIN.test(name) && serving.kind !== LlmServingKind.KSERVE,
        allowed: 'the name of a secret, for a deployment or a group of nodes',
        fix: "on KServe give the token to the service account: KServe's storage initializer fetches the files",
      },
      {
        subject: 'server.loadFormat',
        value: ({ server, sizing, serving }) =>
          server.loadFormat && serving.kind !== LlmServingKind.KSERVE ? [server.loadFormat, sizing.model.uri] : undefined,
        valid: ([format, uri]: string[]) => format === 'runai_streamer' || !/^(s3|gs):/.test(uri),
        allowed: 'the streamer for weights in a bucket',
        fix: 'leave loadFormat out',
      },
      {
        subject: 'model.uri',
        value: ({ sizing }) => sizing.model.uri,
        valid: (uri: string, { serving }) => ALLOWED_SCHEMES[serving.kind].includes(uri.split(':')[0]),
        allowed: ({ serving }) => ALLOWED_SCHEMES[serving.kind].map((scheme) => `${scheme}://`).join(', '),
        fix: 'store the model at such a place: model.storedAt(…)',
      },
      {
        subject: 'serving',
        value: ({ serving, sizing }) => [serving.kind, sizing.nodes],
        valid: ([kind, nodes]: [string, number]) => (kind === LlmServingKind.MULTI_NODE) === nodes > 1,
        allowed: 'LlmServing.multiNode() for a sizing of several nodes a replica, and only for it',
        fix: 'change the serving, or maxNodes of the sizing',
      },
      {
        subject: 'serving',
        value: ({ serving: { _routing: routing, _kserve: kserve } }) =>
          [
            ...[routing?.gatewayName, routing?.gatewayNamespace, routing?.proxyNamespace, routing?.endpointPicker.serviceName],
            ...[kserve?.gatewayName, kserve?.gatewayNamespace, kserve?.proxyNamespace],
            ...[...(routing?.hostnames ?? []), ...(kserve?.baseRefs ?? [])],
          ].filter((name) => name !== undefined),
        valid: (names: string[]) => names.every((name) => DNS_SUBDOMAIN.test(name.replace(/^\*\./, ''))),
        allowed: 'names of Gateways, namespaces, services, hosts and configurations: lower-case DNS names',
        fix: 'use the names that kubectl get lists',
      },
      {
        subject: 'serving.routing.endpointPicker',
        value: ({ serving: { _routing: routing } }) =>
          routing && [Object.keys(routing.endpointPicker.podSelector).length, routing.endpointPicker.port ?? 9002],
        valid: ([labels, port]: number[]) => labels > 0 && isPositiveInteger(port) && port <= 65535,
        allowed: 'at least one label of its pods, for none would let every pod in, and a port from 1 to 65535',
        fix: 'install one, for example the router of llm-d, and name its service and labels',
      },
      {
        subject: 'serving.routing.requestTimeout',
        value: ({ serving }) => serving._routing?.requestTimeout,
        valid: (time: Duration) => isPositiveInteger(time.toSeconds({ integral: false })),
        allowed: 'whole seconds',
        fix: 'leave it out for ten minutes',
      },
      {
        subject: 'modelCache',
        value: ({ modelCache }) => modelCache.kind,
        valid: (cache: LlmModelCacheKind, { serving }) =>
          cache === LlmModelCacheKind.NONE || (cache === LlmModelCacheKind.KSERVE_LOCAL_MODEL) === (serving.kind === LlmServingKind.KSERVE),
        allowed: 'persistentVolume for pods of ours, kserveLocalModelCache for KServe',
        fix: 'use the cache of the serving that was chosen, or none',
      },
      {
        subject: 'modelCache',
        value: ({ modelCache }) => modelCache.claimName ?? modelCache.nodeGroups,
        valid: (names: string | string[]) => names.length > 0 && [names].flat().every((name) => DNS_SUBDOMAIN.test(name)),
        allowed: 'the name of a claim, or names of at least one group of nodes',
        fix: 'use the names that kubectl get pvc or localmodelnodegroups lists',
      },
      {
        subject: 'pods.spareGpus',
        value: ({ pods, serving }) => (serving.kind === LlmServingKind.KSERVE ? pods.spareGpus : undefined),
        valid: (spare: boolean) => spare,
        allowed: 'nothing on KServe 0.20, which has no setting for its rollouts',
        fix: 'leave it out, or use LlmServing.deployment()',
      },
      {
        code: 'Millrace.LlmGpuMismatch',
        subject: 'pods.scheduling.gpu',
        value: ({ pods }) => (pods.scheduling?.gpu ? [pods.scheduling.gpu.resourceName, pods.scheduling.gpu.count] : undefined),
        valid: ([resource, count]: [string, number], { sizing }) => resource === 'nvidia.com/gpu' && count === sizing.tensorParallel,
        allowed: ({ sizing }) => `${sizing.tensorParallel} whole GPUs: the sizing counted with them`,
        fix: 'leave gpu out, or use GpuRequest.whole(…) to name the model of GPU',
      },
      {
        code: 'Millrace.LlmGpuMismatch',
        subject: 'pods.scheduling.gpu.model',
        value: ({ pods }) => pods.scheduling?.gpu?.model?.value,
        valid: (model: string, { sizing }) => model.toLowerCase().split(/[-_.]/).includes(sizing.gpuName.toLowerCase()),
        allowed: ({ sizing }) => `the ${sizing.gpuName} of ${sizing.instanceType}, on which the sizing stands`,
        fix: 'leave the model out, or give the sizing other instanceTypes',
      },
      {
        code: 'Millrace.LlmGpuMismatch',
        subject: 'pods.scheduling.nodeSelector',
        value: ({ pods }) => pods.scheduling?.nodeSelector?.[INSTANCE_TYPE_LABEL],
        valid: (type: string, { sizing }) => type === sizing.instanceType,
        allowed: ({ sizing }) => `${sizing.instanceType}, on which the sizing stands`,
        fix: 'leave the label out: the endpoint sets it',
      },
      {
        code: SCALING_CODE,
        subject: 'scaling',
        value: ({ scaling }) => scaling.kind,
        valid: (kind: LlmScalingKind, { serving }) => ALLOWED_SCALING[serving.kind].includes(kind),
        allowed: ({ serving }) => `${ALLOWED_SCALING[serving.kind].join(' or ')} for ${serving.kind}`,
        fix: 'use one of them; LlmScaling.concurrency is for SageMaker',
      },
      {
        code: SCALING_CODE,
        subject: 'scaling.minReplicas',
        value: ({ minReplicas, sizing }) => (sizing.timeToFirstToken ? minReplicas : undefined),
        valid: (least: number) => least >= 2,
        allowed: 'at least 2 where a time to the first token is promised: one that starts takes minutes',
        fix: 'raise minReplicas or the replicas of the sizing, or promise nothing',
      },
      {
        code: SCALING_CODE,
        subject: 'scaling.maxReplicas',
        value: ({ minReplicas, maxReplicas }) => [minReplicas, maxReplicas],
        valid: ([least, most]: number[]) => most >= least,
        allowed: ({ minReplicas }) => `at least the fewest (${minReplicas})`,
        fix: 'leave it out for twice the replicas of the sizing',
      },
      {
        code: SCALING_CODE,
        subject: 'scaling.fallbackReplicas',
        value: ({ fallbackReplicas }) => fallbackReplicas,
        valid: (replicas: number, { minReplicas, maxReplicas }) => replicas >= minReplicas && replicas <= maxReplicas,
        allowed: ({ minReplicas, maxReplicas }) => `from minReplicas (${minReplicas}) to maxReplicas (${maxReplicas})`,
        fix: 'leave it out',
      },
    ] as Row[]
  ).map((row): Rule<LlmEndpointInput> => ({ code: LLM_ENDPOINT_CODE, tokens: 'refuse', ...row })),
];
