import type { PodSize } from '../pod-size';

/** A secret mounted as files. */
export interface SecretMount {
  readonly volumeName: string;
  readonly secretName: string;
  readonly mountPath: string;
}

/** What a pod template is made of. */
export interface PodTemplateInput {
  readonly image: string;
  readonly port: number;
  readonly size: PodSize;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretMount[];
  readonly serviceAccountName: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly livenessPath: string;
  readonly readinessPath: string;
}

/** Name under which the container port, the service port and the probes find each other. */
export const PORT_NAME = 'http';
/** Where the only writable folder of the container is. */
export const TMP_PATH = '/tmp';
// Endpoint removal reaches kube-proxy and load balancers some seconds after a pod begins to stop; requests still arrive meanwhile.
const PRE_STOP_SECONDS = 15;
const DRAIN_SECONDS = 30;

/** The pod of a service: Pod Security "restricted", spread over zones and nodes, probed, drained before it stops. */
export function podTemplate(input: PodTemplateInput): Record<string, unknown> {
  const probe = (path: string, timing: Record<string, number>) => ({ httpGet: { path, port: PORT_NAME }, timeoutSeconds: 2, ...timing });
  const memory = quantityOf(input.size.memoryBytes);
  return {
    metadata: { labels: { ...input.labels, ...input.selector } },
    spec: {
      serviceAccountName: input.serviceAccountName,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: PRE_STOP_SECONDS + DRAIN_SECONDS,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      topologySpreadConstraints: [
        spread('topology.kubernetes.io/zone', 'DoNotSchedule', input.selector),
        spread('kubernetes.io/hostname', 'ScheduleAnyway', input.selector),
      ],
      containers: [
        {
          name: 'main',
          image: input.image,
          ports: [{ name: PORT_NAME, containerPort: input.port, protocol: 'TCP' }],
          env: Object.entries(input.environment).map(([name, value]) => ({ name, value })),
          // The memory limit is the request, so that a neighbour's burst cannot get this pod killed; CPU has no limit, because throttling
          // costs latency and saves nothing.
          resources: { requests: { cpu: `${input.size.cpuMillis}m`, memory }, limits: { memory } },
          startupProbe: probe(input.livenessPath, { periodSeconds: 5, failureThreshold: 60 }),
          livenessProbe: probe(input.livenessPath, { periodSeconds: 10, failureThreshold: 6 }),
          readinessProbe: probe(input.readinessPath, { periodSeconds: 5, failureThreshold: 2 }),
          lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
          volumeMounts: [
            { name: 'tmp', mountPath: TMP_PATH },
            ...input.secrets.map(({ volumeName, mountPath }) => ({ name: volumeName, mountPath, readOnly: true })),
          ],
        },
      ],
      volumes: [
        { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
        ...input.secrets.map(({ volumeName, secretName }) => ({ name: volumeName, secret: { secretName } })),
      ],
    },
  };
}

function spread(topologyKey: string, whenUnsatisfiable: string, selector: Readonly<Record<string, string>>): Record<string, unknown> {
  return {
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable,
    // A zone whose nodes are all tainted is lost: counting it would keep the others from filling up.
    nodeTaintsPolicy: 'Honor',
    labelSelector: { matchLabels: { ...selector } },
    // Each rollout spreads by itself; the pods it replaces do not count.
    matchLabelKeys: ['pod-template-hash'],
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
