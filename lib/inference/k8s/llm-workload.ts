import { ApiObject, Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import type { VllmVersion } from '../vllm-arguments';
import { isAtLeast, vllmArguments } from '../vllm-arguments';
import type { LlmEndpointInput } from './llm-endpoint-rules';
import { LlmModelCacheKind } from './llm-model-cache';
import { LlmLoadFormat } from './vllm-server';
import { GRACE_SECONDS, PRE_STOP_SECONDS, VLLM_PORT, type VllmPodInput, modelFilesOf, spreadOf, vllmPod } from './vllm-pod';
import { podShareOf } from './llm-pod-share';

/** What the workload of an endpoint is made of. */
export interface LlmWorkloadProps {
  readonly input: LlmEndpointInput;
  readonly labels: { [key: string]: string };
  /** Labels of those who pay; known late. */
  readonly owner: () => { readonly [key: string]: string };
  readonly podSelector: { [key: string]: string };
  readonly serviceAccountName: string;
  readonly scheduling: VllmPodInput['scheduling'];
  /** Whether an autoscaler owns the replicas. */
  readonly isScaled: boolean;
}

const DRAIN: VllmVersion = [0, 18, 0];
const MASTER_PORT = 29500;
const GIB = 1024 ** 3;
/** Label of the pods that answer, in a group of which others do not. */
export const ROLE_LABEL = 'millrace.io/llm-role';
/** Key of a group of pods, which the operator labels them with. */
const GROUP_LABEL = 'leaderworkerset.sigs.k8s.io/group-key';
/** Seconds in which a replica starts, by default. */
export const STARTUP_SECONDS = 600;

/** A Deployment of vLLM. */
export class LlmDeployment extends ApiObject {
  constructor(scope: Construct, id: string, props: LlmWorkloadProps) {
    const { input, labels, podSelector, isScaled } = props;
    const pod = podInputOf(props);
    const [maxSurge, maxUnavailable] = surgeOf(input);
    super(scope, id, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: input.endpointName, labels },
      spec: {
        ...(isScaled ? {} : { replicas: input.minReplicas }),
        selector: { matchLabels: { ...podSelector } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
        // A replica that loads is no rollout that hangs.
        progressDeadlineSeconds: pod.startupSeconds + STARTUP_SECONDS,
        revisionHistoryLimit: 5,
        template: vllmPod({ ...pod, topologySpreadConstraints: spreadOf(podSelector, props.scheduling, true) }),
      },
    });
  }
}

/** Groups of pods that hold one copy of a model together, by the native processes of vLLM: no Ray. */
export class LlmLeaderWorkerSet extends ApiObject {
  constructor(scope: Construct, id: string, props: LlmWorkloadProps) {
    const { input, labels, podSelector, isScaled, owner } = props;
    const pod = podInputOf(props);
    const [maxSurge, maxUnavailable] = surgeOf(input);
    const { nodes } = input.sizing;
    const together = [
      '--distributed-executor-backend=mp',
      `--nnodes=${nodes}`,
      '--master-addr=$(LWS_LEADER_ADDRESS)',
      `--master-port=${MASTER_PORT}`,
    ];
    const [leads, follows] = ['leader', 'worker'].map((role) => ({ ...podSelector, [ROLE_LABEL]: role }));
    const template = (role: Partial<VllmPodInput>) =>
      Lazy.any({ produce: () => vllmPod({ ...pod, labels: { ...labels, ...owner() }, ...role }) });
    super(scope, id, {
      apiVersion: 'leaderworkerset.x-k8s.io/v1',
      kind: 'LeaderWorkerSet',
      metadata: { name: input.endpointName, labels },
      spec: {
        ...(isScaled ? {} : { replicas: input.minReplicas }),
        startupPolicy: 'LeaderCreated',
        rolloutStrategy: { type: 'RollingUpdate', rollingUpdateConfiguration: { maxSurge, maxUnavailable } },
        leaderWorkerTemplate: {
          size: nodes,
          // A group that lacks a member answers nobody; one that is still waiting for a node is not begun anew.
          restartPolicy: 'RecreateGroupAfterStart',
          leaderTemplate: template({
            selector: leads,
            args: [...pod.args, ...together, '--node-rank=0'],
            topologySpreadConstraints: spreadOf(leads, props.scheduling, false),
          }),
          workerTemplate: template({
            selector: follows,
            args: [...pod.args, ...together, '--node-rank=$(LWS_WORKER_INDEX)', '--headless'],
            follows: true,
            affinity: besideItsLeader(leads),
          }),
        },
      },
    });
  }
}

/** What a leader and those who ask it need: every layer's results cross the network, which is slow between zones. */
function besideItsLeader(leader: Readonly<Record<string, string>>): object {
  return {
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { ...leader } }, matchLabelKeys: [GROUP_LABEL], topologyKey: 'topology.kubernetes.io/zone' },
      ],
    },
  };
}

function surgeOf({ pods }: LlmEndpointInput): [maxSurge: number, maxUnavailable: number] {
  return (pods.spareGpus ?? true) ? [1, 0] : [0, 1];
}

/** What the pods of both have in common. */
function podInputOf({ input, labels, podSelector, serviceAccountName, scheduling }: LlmWorkloadProps): VllmPodInput {
  const { sizing, server, modelCache } = input;
  return {
    image: server.image,
    args: [`--port=${VLLM_PORT}`, ...argumentsOf(input)],
    files: modelFilesOf(sizing.model.uri),
    share: podShareOf(sizing),
    scheduling,
    serviceAccountName,
    labels,
    selector: podSelector,
    cacheClaim: modelCache.kind === LlmModelCacheKind.PERSISTENT_VOLUME ? modelCache.claimName : undefined,
    tokenSecretName: server.tokenSecretName,
    sharedMemoryBytes: sharedMemoryOf(input),
    startupSeconds: server.startupTimeout?.toSeconds() ?? STARTUP_SECONDS,
  };
}

/** Bytes of `/dev/shm`: what KServe gives one GPU, and the production stack of vLLM several. */
export function sharedMemoryOf({ server, sizing }: LlmEndpointInput): number {
  return server.sharedMemory?.toBytes() ?? (sizing.tensorParallel > 1 ? 20 * GIB : GIB);
}

/** Arguments of `vllm serve` beside the port. */
function argumentsOf({ sizing, server, version }: LlmEndpointInput): string[] {
  const isInBucket = /^(s3|gs):/.test(sizing.model.uri);
  const loadFormat = server.loadFormat ?? (isInBucket ? LlmLoadFormat.RUNAI_STREAMER : LlmLoadFormat.AUTO);
  return [
    `--served-model-name=${sizing.model.name}`,
    ...vllmArguments(sizing).map(([name, value]) => `--${name}=${value}`),
    `--load-format=${loadFormat}`,
    ...(isAtLeast(version!, DRAIN) ? [`--shutdown-timeout=${GRACE_SECONDS - PRE_STOP_SECONDS}`] : []),
    ...(server.args ?? []),
  ];
}
