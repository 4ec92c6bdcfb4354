import type { PodSize } from '../../workloads/pod-size';
import { type PodScheduling, ZoneSpread } from '../../workloads/k8s/pod-scheduling';
import { podTemplate } from '../../workloads/k8s/pod-template';
import { DRAIN_SECONDS, PRE_STOP_SECONDS } from './predictor';
import { AGENT_PORT, CLUSTER_LABEL, DASHBOARD_PORT, ENDPOINT_LABEL, METRICS_PORT, NODE_TYPE, SERVE_PORT } from './ray-names';

/** What the pods of a Ray cluster are made of. */
export interface RayPodInput {
  readonly endpointName: string;
  readonly image: string;
  readonly size: PodSize;
  readonly environment: Readonly<Record<string, string>>;
  readonly serviceAccountName: string;
  readonly labels: { [key: string]: string };
  readonly scheduling: PodScheduling;
}

// Logs, and objects that spill from memory.
const TMP = { name: 'tmp', emptyDir: { sizeLimit: '10Gi' } };

/** The pod of the head, which does no work for requests. Its autoscaler calls the API server. */
export function headTemplate(input: RayPodInput, callsApiServer: boolean): object {
  const pod = rayPod(input, 'head', {
    ports: [port('gcs-server', 6379), port('dashboard', DASHBOARD_PORT), port('client', 10001), port('metrics', METRICS_PORT)],
    probes: probes(get(AGENT_PORT, '/api/local_raylet_healthz'), get(DASHBOARD_PORT, '/api/gcs_healthz')),
  });
  return { ...pod, spec: { ...pod.spec, automountServiceAccountToken: callsApiServer } };
}

/** The pod of a worker, which runs one replica of the model. */
export function workerTemplate(input: RayPodInput): object {
  return rayPod(input, 'worker', {
    ports: [port('serve', SERVE_PORT), port('metrics', METRICS_PORT)],
    // The proxy of a worker stands once a replica does.
    probes: probes(get(AGENT_PORT, '/api/local_raylet_healthz'), get(SERVE_PORT, '/-/healthz')),
  });
}

function rayPod(
  input: RayPodInput,
  node: string,
  own: { readonly ports: object[]; readonly probes: object },
): { metadata: object; spec: any } {
  const selector = { [ENDPOINT_LABEL]: input.endpointName };
  const template = podTemplate({
    image: input.image,
    size: input.size,
    environment: { RAY_USAGE_STATS_ENABLED: '0', ...input.environment },
    files: [],
    serviceAccountName: input.serviceAccountName,
    selector,
    labels: input.labels,
    preStopSeconds: PRE_STOP_SECONDS,
    drainSeconds: DRAIN_SECONDS,
    scheduling: input.scheduling,
    zoneSpread: ZoneSpread.REQUIRED,
    spreadsByRollout: false,
    // What podTemplate returns is a manifest, whose fields have no types.
  }) as any;
  const { topologySpreadConstraints, containers, volumes, ...spec } = template.spec;
  const [container] = containers;
  const spread = topologySpreadConstraints.map((constraint: object) => ({
    ...constraint,
    labelSelector: { matchLabels: { ...selector, [NODE_TYPE]: node } },
    // Each cluster spreads by itself; the one that it takes the place of does not count.
    matchLabelKeys: [CLUSTER_LABEL],
  }));
  return {
    metadata: template.metadata,
    spec: {
      ...spec,
      ...(node === 'worker' ? { topologySpreadConstraints: spread } : {}),
      containers: [{ ...container, name: `ray-${node}`, ports: own.ports, ...own.probes }],
      volumes: [TMP, ...volumes.filter(({ name }: { name: string }) => name !== TMP.name)],
    },
  };
}

function port(name: string, containerPort: number): object {
  return { name, containerPort, protocol: 'TCP' };
}

function get(onPort: number, path: string): object {
  return { httpGet: { path, port: onPort } };
}

/** At the pace of a model: it may load for ten minutes. */
function probes(liveness: object, readiness: object): object {
  const pace = { periodSeconds: 10, timeoutSeconds: 5 };
  return {
    startupProbe: { ...liveness, ...pace, failureThreshold: 60 },
    livenessProbe: { ...liveness, ...pace, failureThreshold: 10 },
    readinessProbe: { ...readiness, ...pace, periodSeconds: 5, failureThreshold: 2 },
  };
}
