import { createHash } from 'crypto';
import { ApiObject, Chart, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { clusterScoped } from '../../workloads/k8s/cluster-scoped';
import { schedulingFields } from '../../workloads/k8s/scheduling-fields';
import { quantityOf } from '../../workloads/k8s/pod-template';
import { vllmArguments } from '../vllm-arguments';
import type { LlmEndpointInput } from './llm-endpoint-rules';
import type { LlmWorkloadProps } from './llm-workload';
import { sharedMemoryOf } from './llm-workload';
import { podShareOf } from './llm-pod-share';
import { COOLDOWN_SECONDS, FAILURES, fallbackOf } from './llm-scaled-object';
import {
  CONTAINER_SECURITY,
  GRACE_SECONDS,
  POD_SECURITY,
  PROBE_SECONDS,
  SERVER_CONTAINER,
  USER_NAME,
  resourcesOf,
  spreadOf,
} from './vllm-pod';
import { LlmLoadFormat } from './vllm-server';

const POLLING_SECONDS = 15;
/** By which the autoscaler of KServe knows the GPU of a variant; it leaves out those without. */
const ACCELERATOR_LABEL = 'inference.optimization/acceleratorName';
const GIB = 1024 ** 3;

/**
 * KServe's LLMInferenceService. Probes, the pause before a stop, the drain of vLLM and its writable folders come from KServe's template for
 * language models; what is given here is merged over it.
 */
export class LlmInferenceService extends ApiObject {
  constructor(scope: Construct, id: string, props: LlmWorkloadProps) {
    const { input, labels, podSelector, owner } = props;
    const { sizing, serving } = input;
    super(scope, id, {
      apiVersion: 'serving.kserve.io/v1alpha2',
      kind: 'LLMInferenceService',
      metadata: { name: input.endpointName, labels },
      spec: {
        ...(serving._kserve?.baseRefs ? { baseRefs: serving._kserve.baseRefs.map((name) => ({ name })) } : {}),
        labels: Lazy.any({
          produce: () => ({ ...labels, ...podSelector, ...(props.isScaled ? { [ACCELERATOR_LABEL]: sizing.gpuName } : {}), ...owner() }),
        }),
        model: { uri: sizing.model.uri, name: sizing.model.name },
        parallelism: { tensor: sizing.tensorParallel },
        // KServe takes one of the two.
        ...(props.isScaled ? { scaling: scalingOf(input) } : { replicas: input.minReplicas }),
        ...routerOf(input),
        template: templateOf(props),
      },
    });
  }
}

/** The files of a model on the disks of nodes. Its source cannot be changed, so another model is another object. */
export class LlmLocalModelCache extends Construct {
  constructor(scope: Construct, id: string, props: Pick<LlmWorkloadProps, 'input' | 'labels'>) {
    super(scope, id);
    const { input, labels } = props;
    const { model } = input.sizing;
    // It belongs to no namespace, and endpoints of two may have one name.
    const place = `${Chart.of(this).namespace ?? ''} ${model.uri}`;
    const hash = createHash('sha256').update(place).digest('hex').slice(0, 8);
    clusterScoped(
      new ApiObject(this, 'Resource', {
        apiVersion: 'serving.kserve.io/v1alpha1',
        kind: 'LocalModelCache',
        metadata: { name: `${input.endpointName}-${hash}`, labels },
        spec: {
          sourceModelUri: model.uri,
          modelSize: quantityOf(Math.ceil((model.weightBytes * 1.1) / GIB) * GIB),
          nodeGroups: [...input.modelCache.nodeGroups!],
        },
      }),
    );
  }
}

function scalingOf({ minReplicas, maxReplicas, scaling, sizing }: LlmEndpointInput): object {
  const cost = scaling._variantCost ?? sizing.hourlyPrice / sizing.replicas;
  return {
    minReplicas,
    maxReplicas,
    wva: {
      variantCost: cost.toFixed(4),
      keda: {
        pollingInterval: POLLING_SECONDS,
        cooldownPeriod: COOLDOWN_SECONDS,
        fallback: {
          failureThreshold: FAILURES,
          replicas: fallbackOf({ serverAddress: '' }, minReplicas, maxReplicas),
          behavior: 'currentReplicasIfHigher',
        },
      },
    },
  };
}

function routerOf({ serving }: LlmEndpointInput): object {
  const { gatewayName: name, gatewayNamespace: namespace } = serving._kserve ?? {};
  if (!name) return {};
  return { router: { gateway: { refs: [{ name, ...(namespace ? { namespace } : {}) }] }, route: {}, scheduler: {} } };
}

function templateOf({ input, podSelector, scheduling, serviceAccountName }: LlmWorkloadProps): object {
  const { server, sizing, modelCache } = input;
  const flags = [
    ...vllmArguments(sizing).map(([name, value]) => `--${name}=${value}`),
    ...(server.loadFormat === LlmLoadFormat.RUNAI_STREAMER ? [`--load-format=${server.loadFormat}`] : []),
    ...(server.args ?? []),
  ];
  return {
    serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    // The template has a user of its own in its image only; images of vLLM run as root otherwise.
    securityContext: { ...POD_SECURITY },
    ...schedulingFields(scheduling),
    topologySpreadConstraints: spreadOf(podSelector, scheduling, true),
    containers: [
      {
        name: SERVER_CONTAINER,
        image: server.image,
        // The template hands them to `vllm serve`.
        env: [
          { name: 'VLLM_ADDITIONAL_ARGS', value: flags.join(' ') },
          { name: 'VLLM_NO_USAGE_STATS', value: '1' },
          { name: 'USER', value: USER_NAME },
        ],
        resources: resourcesOf(podShareOf(sizing), modelCache.nodeGroups !== undefined),
        securityContext: { ...CONTAINER_SECURITY },
        // Where the template asks stays as it is.
        ...(server.startupTimeout
          ? { startupProbe: { periodSeconds: PROBE_SECONDS, failureThreshold: server.startupTimeout.toSeconds() / PROBE_SECONDS } }
          : {}),
      },
    ],
    volumes: [{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: quantityOf(sharedMemoryOf(input)) } }],
  };
}
