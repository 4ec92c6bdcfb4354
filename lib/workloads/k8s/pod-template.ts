import type { PodSize } from '../pod-size';
import type { HealthCheck } from './health-check';
import { type PodScheduling, ZoneSpread } from './pod-scheduling';
import { PORT_NAME } from './port-name';
import { GPU_ISOLATION_ANNOTATION, schedulingFields } from './scheduling-fields';

/** A secret or a ConfigMap mounted as files. */
export interface FileMount {
  readonly volumeName: string;
  readonly source: { readonly secret: { readonly secretName: string } } | { readonly configMap: { readonly name: string } };
  readonly mountPath: string;
}

/** What a pod template is made of. */
export interface PodTemplateInput {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly port?: number;
  readonly size: PodSize;
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly FileMount[];
  readonly serviceAccountName: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly health?: HealthCheck;
  readonly preStopSeconds: number;
  readonly drainSeconds: number;
  readonly scheduling: PodScheduling;
  /** Spread where the scheduling says nothing. */
  readonly zoneSpread: ZoneSpread;
  /** Whether the pods of each rollout spread by themselves. */
  readonly spreadsByRollout: boolean;
  readonly restartPolicy?: string;
  /** A volume claim of the owner and where it stands. */
  readonly claim?: { readonly name: string; readonly mountPath: string };
}

/** Name of the container. */
export const CONTAINER_NAME = 'main';
/** Where the only writable folder of the container is. */
export const TMP_PATH = '/tmp';
// Any group that is not root: it owns the files of the volume, and the process is in it whatever user the image names.
const VOLUME_GROUP = 1000;

/** The pod of a workload: Pod Security "restricted", spread over zones and nodes, probed, drained before it stops. */
export function podTemplate(input: PodTemplateInput): Record<string, unknown> {
  const { gpu } = input.scheduling;
  return {
    metadata: {
      labels: { ...input.labels, ...input.selector },
      ...(gpu ? { annotations: { [GPU_ISOLATION_ANNOTATION]: gpu.isolation } } : {}),
    },
    spec: {
      serviceAccountName: input.serviceAccountName,
      automountServiceAccountToken: false,
      ...(input.restartPolicy ? { restartPolicy: input.restartPolicy } : {}),
      terminationGracePeriodSeconds: input.preStopSeconds + input.drainSeconds,
      securityContext: {
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
        ...(input.claim ? { fsGroup: VOLUME_GROUP, fsGroupChangePolicy: 'OnRootMismatch' } : {}),
      },
      ...schedulingFields(input.scheduling),
      topologySpreadConstraints: [
        spread('topology.kubernetes.io/zone', input.scheduling.zoneSpread ?? input.zoneSpread, input),
        spread('kubernetes.io/hostname', ZoneSpread.PREFERRED, input),
      ],
      containers: [container(input)],
      volumes: [
        { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
        ...input.files.map(({ volumeName, source }) => ({ name: volumeName, ...source })),
      ],
    },
  };
}

function container(input: PodTemplateInput): Record<string, unknown> {
  const memory = quantityOf(input.size.memoryBytes);
  const { gpu } = input.scheduling;
  const devices = gpu ? { [gpu.resourceName]: String(gpu.count) } : {};
  return {
    name: CONTAINER_NAME,
    image: input.image,
    ...(input.command ? { command: input.command } : {}),
    ...(input.args ? { args: input.args } : {}),
    ...(input.port ? { ports: [{ name: PORT_NAME, containerPort: input.port, protocol: 'TCP' }] } : {}),
    env: Object.entries(input.environment).map(([name, value]) => ({ name, value })),
    // The memory limit is the request unless the size says otherwise, so that a neighbour's burst cannot get this pod killed; CPU has no limit, because throttling
    // costs latency and saves nothing.
    resources: {
      requests: { cpu: `${input.size.cpuMillis}m`, memory, ...devices },
      limits: { memory: quantityOf(input.size.memoryLimitBytes), ...devices },
    },
    ...input.health?._probes(),
    ...(input.preStopSeconds > 0 ? { lifecycle: { preStop: { sleep: { seconds: input.preStopSeconds } } } } : {}),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: [
      { name: 'tmp', mountPath: TMP_PATH },
      ...(input.claim ? [input.claim] : []),
      ...input.files.map(({ volumeName, mountPath }) => ({ name: volumeName, mountPath, readOnly: true })),
    ],
  };
}

function spread(topologyKey: string, whenUnsatisfiable: ZoneSpread, input: PodTemplateInput): Record<string, unknown> {
  return {
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    // A zone whose nodes are all tainted is lost: counting it would keep the others from filling up.
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: { ...input.selector } },
    // Each rollout spreads by itself; the pods it replaces do not count.
    ...(input.spreadsByRollout ? { matchLabelKeys: ['pod-template-hash'] } : {}),
  };
}

/** Bytes as a Kubernetes quantity, in the largest binary unit that is exact. */
export function quantityOf(bytes: number): string {
  for (const [unit, power] of [
    ['Gi', 3],
    ['Mi', 2],
    ['Ki', 1],
  ] as const) {
    if (bytes % 1024 ** power === 0) return `${bytes / 1024 ** power}${unit}`;
  }
  return String(bytes);
}
