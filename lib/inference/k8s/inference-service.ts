import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { SCALING_BEHAVIOR } from '../../workloads/k8s/scaling-behavior';
import { GPU_ISOLATION_ANNOTATION } from '../../workloads/k8s/scheduling-fields';
import type { ModelSource } from '../../models/model-source';
import { TARGET_CPU_UTILISATION } from '../../workloads/pod-size';
import { type Rollout, RolloutKind } from '../rollout';
import { type EndpointInput, candidateReplicas } from './endpoint-rules';
import { AUTOSCALER_CLASS, DEPLOYMENT_MODE, SERVING_CONTAINER } from './kserve-names';
import { predictorPod } from './predictor';

/** An endpoint that has been checked, and what its pods carry. */
export interface InferenceServiceProps extends EndpointInput {
  readonly labels: { [key: string]: string };
  readonly serviceAccountName: string;
}

/**
 * The InferenceService of an endpoint. The annotations say what the installation might else decide. KServe copies each to the pods, so one that
 * changes starts them all anew: what is only recorded stands on the Service beside it.
 */
export class InferenceService extends ApiObject {
  constructor(scope: Construct, id: string, props: InferenceServiceProps) {
    const { candidate, pods } = props.props;
    super(scope, id, {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: {
        name: props.name,
        labels: props.labels,
        annotations: {
          [DEPLOYMENT_MODE]: 'Standard',
          [AUTOSCALER_CLASS]: { nothing: 'none', cpu: 'hpa', inFlight: 'external', perMinute: 'external' }[props.plan.by],
          ...(pods.scheduling?.gpu ? { [GPU_ISOLATION_ANNOTATION]: pods.scheduling.gpu.isolation } : {}),
        },
      },
      spec: { predictor: predictorOf(props), ...(candidate ? { canary: [canaryOf(props, candidate)] } : {}) },
    });
  }
}

const CPU_SCALING = {
  metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: TARGET_CPU_UTILISATION } } }],
  behavior: SCALING_BEHAVIOR,
};

function predictorOf(input: InferenceServiceProps): object {
  const { props, plan, monitoring } = input;
  const { promotedCandidate, spareCapacity = true } = props.serving ?? {};
  // KServe takes the replicas of a candidate off those of the model, to which every call past the gateway goes.
  const minReplicas = plan.minReplicas + (props.candidate ? candidateReplicas(props.candidate, input.sizing) : 0);
  return {
    ...(promotedCandidate ? { name: promotedCandidate } : {}),
    ...podOf(input, props.model),
    minReplicas,
    maxReplicas: Math.max(plan.maxReplicas, minReplicas),
    ...(plan.by === 'cpu' ? { autoScaling: CPU_SCALING } : {}),
    deploymentStrategy: strategyOf(props.rollout, spareCapacity),
    ...(monitoring.capturePercent === undefined ? {} : { logger: { mode: 'all', url: monitoring.captureDestination } }),
  };
}

function canaryOf(input: InferenceServiceProps, candidate: NonNullable<InferenceServiceProps['props']['candidate']>): object {
  const pod = podOf(input, candidate.model);
  return {
    trafficPercent: candidate.trafficPercent ?? 0,
    predictor: {
      name: candidate.name,
      ...pod,
      // The schema asks for the name of the container here, and nowhere else.
      model: { ...(pod.model as object), name: SERVING_CONTAINER },
      // The class of the model would leave the replicas of a candidate to an autoscaler that does not know it.
      annotations: { ...(pod.annotations as object | undefined), [AUTOSCALER_CLASS]: 'none' },
      minReplicas: candidateReplicas(candidate, input.sizing),
    },
  };
}

function podOf({ props, name, labels, serviceAccountName }: InferenceServiceProps, model: ModelSource): Record<string, unknown> {
  const { pods, serving = {}, demand } = props;
  const { size, scheduling = {} } = pods;
  const p99Seconds = demand.p99.toSeconds({ integral: false });
  return predictorPod({ endpointName: name, model, size, serving, scheduling, serviceAccountName, labels, p99Seconds });
}

/** The next pod is ready before one leaves; without room for it, one leaves first. */
function strategyOf(rollout: Rollout | undefined, hasRoom: boolean): object {
  const isBatch = rollout && [RolloutKind.ROLLING, RolloutKind.ALL_AT_ONCE].includes(rollout.kind);
  const batch = isBatch ? `${rollout.percent}%` : 1;
  return {
    type: 'RollingUpdate',
    rollingUpdate: hasRoom ? { maxSurge: batch, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: batch },
  };
}
