import { type ModelSource, ModelSourceKind } from '../../models/model-source';
import type { PodSize } from '../../workloads/pod-size';
import { HealthCheck } from '../../workloads/k8s/health-check';
import { type PodScheduling, ZoneSpread } from '../../workloads/k8s/pod-scheduling';
import { podTemplate } from '../../workloads/k8s/pod-template';
import { type EndpointServing, ServingProtocol } from './endpoint-serving';
import { SERVING_CONTAINER, SERVING_PORT, predictorLabels } from './kserve-names';

/** Seconds in which a pod that stops is taken out of the traffic. */
export const PRE_STOP_SECONDS = 15;
/** Seconds in which it finishes what is in flight. */
export const DRAIN_SECONDS = 45;

/** What the pods of a predictor are made of. */
export interface PredictorInput {
  readonly endpointName: string;
  readonly model: ModelSource;
  readonly size: PodSize;
  readonly serving: EndpointServing;
  readonly scheduling: PodScheduling;
  readonly serviceAccountName: string;
  readonly labels: { [key: string]: string };
  readonly p99Seconds: number;
}

/** The fields of a predictor that are those of a pod, with the container in the place that its model asks for. */
export function predictorPod(input: PredictorInput): Record<string, unknown> {
  const { model, serving, scheduling } = input;
  const { port = SERVING_PORT, protocol } = serving;
  const health = serving.health ?? protocolHealth(protocol, input.endpointName);
  // The files of a format are named beside the container.
  const isContainer = model.kind === ModelSourceKind.CONTAINER;
  const storage: Record<string, string> = isContainer && model._modelUri ? { STORAGE_URI: model._modelUri } : {};
  const template = podTemplate({
    image: model._image ?? '',
    port,
    size: input.size,
    environment: { ...storage, ...model._environment },
    files: [],
    serviceAccountName: input.serviceAccountName,
    selector: predictorLabels(input.endpointName),
    labels: input.labels,
    health,
    preStopSeconds: PRE_STOP_SECONDS,
    drainSeconds: serving.drain?.toSeconds() ?? DRAIN_SECONDS,
    scheduling,
    zoneSpread: ZoneSpread.REQUIRED,
    spreadsByRollout: true,
    // What podTemplate returns is a manifest, whose fields have no types.
  }) as any;
  const { containers, volumes, ...pod } = template.spec;
  const { image, volumeMounts, ...fields } = containers[0];
  // Servers for GPUs pass tensors between processes through shared memory, of which a container has 64 MiB.
  const memory = scheduling.gpu ? [{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }] : [];
  const container = {
    // KServe names the container of a runtime itself, and refuses a name here.
    ...(isContainer ? { name: SERVING_CONTAINER, image } : {}),
    ...omitName(fields),
    ...modelProbes(health, input.p99Seconds, port),
    volumeMounts: [...volumeMounts, ...(scheduling.gpu ? [{ name: 'dshm', mountPath: '/dev/shm' }] : [])],
  };
  return {
    labels: { ...input.labels },
    ...(template.metadata.annotations ? { annotations: template.metadata.annotations } : {}),
    ...pod,
    volumes: [...volumes, ...memory],
    ...(isContainer
      ? { containers: [container] }
      : {
          model: {
            modelFormat: { name: model._format },
            storageUri: model._modelUri,
            ...(model._runtime ? { runtime: model._runtime } : {}),
            ...(protocol ? { protocolVersion: protocol } : {}),
            ...container,
          },
        }),
  };
}

function omitName(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'name'));
}

function protocolHealth(protocol: ServingProtocol | undefined, name: string): HealthCheck {
  return protocol === ServingProtocol.V1
    ? HealthCheck.http({ livenessPath: '/', readinessPath: `/v1/models/${name}` })
    : HealthCheck.http({ livenessPath: '/v2/health/live', readinessPath: '/v2/health/ready' });
}

/**
 * The probes of a check, at the pace of a model: it may load for ten minutes, and a busy one answers behind a request. The port is a number, because
 * the agent of KServe asks in the place of the kubelet and knows no names.
 */
export function modelProbes(health: HealthCheck, p99Seconds: number, port: number): Record<string, unknown> {
  const timeoutSeconds = Math.max(2, Math.ceil(p99Seconds));
  const pace: Record<string, object> = {
    startupProbe: { periodSeconds: 10, failureThreshold: 60, timeoutSeconds },
    livenessProbe: { periodSeconds: 10, failureThreshold: 10, timeoutSeconds },
    readinessProbe: { periodSeconds: 5, failureThreshold: 2, timeoutSeconds },
  };
  return Object.fromEntries(
    Object.entries(health._probes()).map(([name, probe]) => {
      const { httpGet, tcpSocket, ...others } = probe as { readonly httpGet?: object; readonly tcpSocket?: object };
      const handler = { ...(httpGet ? { httpGet: { ...httpGet, port } } : {}), ...(tcpSocket ? { tcpSocket: { port } } : {}) };
      return [name, { ...handler, ...others, ...pace[name] }];
    }),
  );
}
