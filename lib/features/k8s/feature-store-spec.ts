import { quantityOf } from '../../workloads/k8s/pod-template';
import { TARGET_CPU_UTILISATION } from '../../workloads/pod-size';
import type { FeastSecretOptions } from './feast-secret';
import { FEAST_IMAGE, POOL_VARIABLE, TTL_VARIABLE, mostReplicasOf, workersOf } from './feast-pool';
import type { FeatureStoreProps } from './feature-store';

/** What is known of a store when its FeatureStore is written. */
export interface StoreFacts {
  readonly project: string;
  readonly podSelector: { readonly [key: string]: string };
  readonly poolSize?: number;
  /** Seconds after which Redis may delete an entity; 0 is never. @default - the store is no Redis */
  readonly keyTtlSeconds?: number;
  /** Labels of the allocation. The operator gives none of them to its pods, so that they stand there as annotations. */
  readonly labels?: { readonly [key: string]: string };
  /** Whether clients read history, for which the offline and the registry server run. */
  readonly servesHistory: boolean;
}

const REGISTRY_TTL_SECONDS = 300;
const WORKER_CONNECTIONS = 1000;
const MAX_REQUESTS = 10_000;
const JITTER_SHARE = 20;
// The servers of history answer few, large requests.
const SIDE_SERVER = { requests: { cpu: '250m', memory: '1Gi' }, limits: { memory: '1Gi' } };

/** The spec of a FeatureStore. */
export function featureStoreSpec(props: FeatureStoreProps, facts: StoreFacts): object {
  const { server, onlineStore, offlineStore, registry } = props;
  const image = server.image ?? FEAST_IMAGE;
  const maxRequests = server.maxRequests ?? MAX_REQUESTS;
  const { cpuMillis, memoryBytes, memoryLimitBytes, replicas } = server.size;
  const env = [
    ...(facts.poolSize === undefined ? [] : [{ name: POOL_VARIABLE, value: String(facts.poolSize) }]),
    ...(facts.keyTtlSeconds === undefined ? [] : [{ name: TTL_VARIABLE, value: String(facts.keyTtlSeconds) }]),
  ];
  const variables = env.length > 0 ? { env } : {};
  // One file of settings is for all containers of the pod, and each of them checks all of it.
  const side = { image, ...variables, resources: SIDE_SERVER };
  return {
    feastProject: facts.project,
    // Without it the operator puts Feast's demo into the project.
    feastProjectDir: { init: { minimal: true } },
    ...(server.maxReplicas ? {} : { replicas }),
    // The operator makes a suspended job in any case, whose own commands would drop every definition.
    cronJob: { suspend: true, schedule: '@yearly', containerConfigs: { commands: [MATERIALIZE] } },
    services: {
      // Every pod that starts would apply an empty folder. The job of the groups does it instead.
      runFeastApplyOnInit: false,
      initImage: image,
      ...(facts.labels ? { podAnnotations: { ...facts.labels } } : {}),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      // One pod more, because each brings connections to the stores.
      deploymentStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      podDisruptionBudgets: { maxUnavailable: 1 },
      topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: { ...facts.podSelector } },
      })),
      ...(server.maxReplicas ? { scaling: { autoscaling: autoscaling(replicas, mostReplicasOf(server)) } } : {}),
      onlineStore: {
        persistence: { store: storeOf(onlineStore.storeType, onlineStore._settings) },
        server: {
          image,
          metrics: true,
          ...variables,
          resources: {
            requests: { cpu: `${cpuMillis}m`, memory: quantityOf(memoryBytes) },
            limits: { memory: quantityOf(memoryLimitBytes) },
          },
          workerConfigs: {
            workers: workersOf(server),
            workerConnections: server.workerConnections ?? WORKER_CONNECTIONS,
            maxRequests,
            maxRequestsJitter: Math.floor(maxRequests / JITTER_SHARE),
            registryTTLSeconds: REGISTRY_TTL_SECONDS,
          },
        },
      },
      ...(offlineStore
        ? {
            offlineStore: {
              persistence: { store: storeOf(offlineStore.storeType, offlineStore._settings) },
              ...(facts.servesHistory ? { server: side } : {}),
            },
          }
        : {}),
      registry: { local: { persistence: registry._persistence(), ...(facts.servesHistory ? { server: { ...side, grpc: true } } : {}) } },
    },
  };
}

const MATERIALIZE = "feast materialize-incremental $(date -u +'%Y-%m-%dT%H:%M:%S')";

function storeOf(type: string, { secretName, secretKey }: FeastSecretOptions): object {
  return { type, secretRef: { name: secretName }, ...(secretKey ? { secretKeyName: secretKey } : {}) };
}

function autoscaling(minReplicas: number, maxReplicas: number): object {
  const target = { type: 'Utilization', averageUtilization: TARGET_CPU_UTILISATION };
  return { minReplicas, maxReplicas, metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] };
}
