import { type PodScheduling, ZoneSpread } from '../../workloads/k8s/pod-scheduling';
import { quantityOf } from '../../workloads/k8s/pod-template';
import { schedulingFields } from '../../workloads/k8s/scheduling-fields';
import { GPU_RESOURCE, type PodShare } from './llm-pod-share';

/** Port of vLLM. */
export const VLLM_PORT = 8000;
/** Name of the port. */
export const VLLM_PORT_NAME = 'http';
/** Container that serves, as KServe calls it too. */
export const SERVER_CONTAINER = 'main';
/** Seconds in which a pod that stops is taken out of every list of endpoints (KServe, its template for language models). */
export const PRE_STOP_SECONDS = 15;
/** Seconds that a pod has to stop, those counted. */
export const GRACE_SECONDS = 60;

// The images run as root, which Pod Security "restricted" forbids; any other user does where it can write its caches.
const USER = 1000;
/** Torch asks for the name of the user, which the image has none for. */
export const USER_NAME = 'vllm';
/** What a pod of vLLM may. */
export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};
/** What its container may. */
export const CONTAINER_SECURITY = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true };
const CACHE_PATH = '/cache';
const MODELS_PATH = '/models';
const TOKEN_PATH = '/etc/huggingface';
/** Seconds between two looks at a replica that starts. */
export const PROBE_SECONDS = 10;

/** Where the files of a model are. */
export interface ModelFiles {
  /** What `vllm serve` is given: a name of Hugging Face, a bucket, or a path. */
  readonly model: string;
  /** Claim with the files. */
  readonly claimName?: string;
}

/** Where `vllm serve` finds a model by its URI. */
export function modelFilesOf(uri: string): ModelFiles {
  const [, scheme, rest] = /^([a-z0-9]+):\/\/(.*)$/.exec(uri)!;
  if (scheme === 'hf') return { model: rest };
  if (scheme !== 'pvc') return { model: uri };
  const [claimName, ...path] = rest.split('/');
  return { model: [MODELS_PATH, ...path].join('/').replace(/\/$/, ''), claimName };
}

/** What a pod of vLLM is made of. */
export interface VllmPodInput {
  readonly image: string;
  readonly args: readonly string[];
  readonly files: ModelFiles;
  readonly share: PodShare;
  readonly scheduling: PodScheduling;
  readonly serviceAccountName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  /** Claim for files and compiled kernels. */
  readonly cacheClaim?: string;
  readonly tokenSecretName?: string;
  readonly sharedMemoryBytes: number;
  readonly startupSeconds: number;
  /** Part of a group: the leader answers over HTTP, followers do not. */
  readonly follows?: boolean;
  readonly topologySpreadConstraints?: object[];
  readonly affinity?: object;
}

/** A pod of vLLM: Pod Security "restricted", probed, drained before it stops, with room for its caches. */
export function vllmPod(input: VllmPodInput): Record<string, unknown> {
  const { files, cacheClaim, tokenSecretName, share } = input;
  const volumes = [
    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: quantityOf(input.sharedMemoryBytes) } },
    cacheClaim
      ? { name: 'cache', persistentVolumeClaim: { claimName: cacheClaim } }
      : { name: 'cache', emptyDir: { sizeLimit: quantityOf(share.diskBytes) } },
    ...(files.claimName ? [{ name: 'models', persistentVolumeClaim: { claimName: files.claimName, readOnly: true } }] : []),
    ...(tokenSecretName ? [{ name: 'token', secret: { secretName: tokenSecretName } }] : []),
  ];
  return {
    metadata: { labels: { ...input.labels, ...input.selector } },
    spec: {
      serviceAccountName: input.serviceAccountName,
      automountServiceAccountToken: false,
      // A service of the name `vllm` would set VLLM_PORT, which means something else to vLLM.
      enableServiceLinks: false,
      // A follower outlives its leader, which needs it to finish what is in flight.
      terminationGracePeriodSeconds: GRACE_SECONDS + (input.follows ? PRE_STOP_SECONDS : 0),
      securityContext: { ...POD_SECURITY },
      ...schedulingFields(input.scheduling),
      ...(input.affinity ? { affinity: input.affinity } : {}),
      ...(input.topologySpreadConstraints ? { topologySpreadConstraints: input.topologySpreadConstraints } : {}),
      containers: [container(input)],
      volumes,
    },
  };
}

/** How pods stand in zones and on nodes; those of each rollout of a Deployment by themselves. */
export function spreadOf(selector: Readonly<Record<string, string>>, scheduling: PodScheduling, byRollout: boolean): object[] {
  const constraint = (topologyKey: string, whenUnsatisfiable: ZoneSpread) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: { ...selector } },
    ...(byRollout ? { matchLabelKeys: ['pod-template-hash'] } : {}),
  });
  return [
    constraint('topology.kubernetes.io/zone', scheduling.zoneSpread ?? ZoneSpread.REQUIRED),
    constraint('kubernetes.io/hostname', ZoneSpread.PREFERRED),
  ];
}

/** The requests and limits of the container that serves. */
export function resourcesOf({ cpuMillis, memoryBytes, gpus, diskBytes }: PodShare, hasCacheClaim: boolean): object {
  const memory = quantityOf(memoryBytes);
  const devices = { [GPU_RESOURCE]: String(gpus) };
  // Files on the disk of the node are asked for, so that a node without room for them is not chosen at all.
  const disk = hasCacheClaim ? {} : { 'ephemeral-storage': quantityOf(diskBytes) };
  return { requests: { cpu: `${cpuMillis}m`, memory, ...disk, ...devices }, limits: { memory, ...devices } };
}

function container(input: VllmPodInput): Record<string, unknown> {
  const { files, cacheClaim, tokenSecretName } = input;
  return {
    name: SERVER_CONTAINER,
    image: input.image,
    command: ['vllm', 'serve', files.model],
    args: [...input.args],
    ...(!input.follows ? { ports: [{ name: VLLM_PORT_NAME, containerPort: VLLM_PORT, protocol: 'TCP' }] } : {}),
    env: Object.entries(environmentOf(input)).map(([name, value]) => ({ name, value })),
    resources: resourcesOf(input.share, cacheClaim !== undefined),
    ...(input.follows ? sleepBefore(GRACE_SECONDS) : { ...probes(input.startupSeconds), ...sleepBefore(PRE_STOP_SECONDS) }),
    securityContext: { ...CONTAINER_SECURITY },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'dshm', mountPath: '/dev/shm' },
      { name: 'cache', mountPath: CACHE_PATH },
      ...(files.claimName ? [{ name: 'models', mountPath: MODELS_PATH, readOnly: true }] : []),
      ...(tokenSecretName ? [{ name: 'token', mountPath: TOKEN_PATH, readOnly: true }] : []),
    ],
  };
}

/** Every cache is below one writable folder; nothing is reported to the makers of vLLM. */
function environmentOf({ files, tokenSecretName }: VllmPodInput): Record<string, string> {
  return {
    HOME: CACHE_PATH,
    USER: USER_NAME,
    HF_HOME: `${CACHE_PATH}/huggingface`,
    ...(files.claimName ? { HF_HUB_OFFLINE: '1' } : {}),
    ...(tokenSecretName ? { HF_TOKEN_PATH: `${TOKEN_PATH}/token` } : {}),
    VLLM_CACHE_ROOT: `${CACHE_PATH}/vllm`,
    TORCHINDUCTOR_CACHE_DIR: `${CACHE_PATH}/inductor`,
    TRITON_CACHE_DIR: `${CACHE_PATH}/triton`,
    XDG_CACHE_HOME: `${CACHE_PATH}/xdg`,
    XDG_CONFIG_HOME: `${CACHE_PATH}/config`,
    VLLM_NO_USAGE_STATS: '1',
  };
}

/** As KServe's template has them: no delay that a large model outlives, and readiness that follows within seconds. */
function probes(startupSeconds: number): object {
  const httpGet = { path: '/health', port: VLLM_PORT_NAME };
  const probe = (periodSeconds: number, failureThreshold: number) => ({ httpGet, periodSeconds, timeoutSeconds: 1, failureThreshold });
  return {
    startupProbe: probe(PROBE_SECONDS, startupSeconds / PROBE_SECONDS),
    readinessProbe: probe(1, 2),
    livenessProbe: probe(10, 10),
  };
}

function sleepBefore(seconds: number): object {
  return { lifecycle: { preStop: { sleep: { seconds } } } };
}
