import { ApiObject, Lazy, Yaml } from 'cdk8s';
import type { Construct } from 'constructs';
import { appliedAllocation } from '../../cost/applied-allocation';
import { GPU_ISOLATION_ANNOTATION } from '../../workloads/k8s/scheduling-fields';
import type { EndpointSizing } from '../endpoint-sizing';
import { MODEL_INPUT_RECORD_KEY } from '../model-endpoint';
import { type Rollout, RolloutKind } from '../rollout';
import type { EndpointScalingPlan } from './endpoint-scaling-plan';
import { DRAIN_SECONDS } from './predictor';
import type { RayEndpointProps } from './ray-endpoint';
import { SERVE_PORT } from './ray-names';
import { headTemplate, workerTemplate } from './ray-pods';

/** An endpoint on Ray that has been checked. */
export interface RayServiceProps {
  readonly props: RayEndpointProps;
  readonly name: string;
  readonly labels: { [key: string]: string };
  readonly serviceAccountName: string;
  readonly sizing: EndpointSizing;
  readonly plan: EndpointScalingPlan;
  readonly rollout: Rollout;
}

/** Whether traffic moves step by step to a new cluster. */
export function movesInSteps(rollout: Rollout): boolean {
  return rollout.kind === RolloutKind.CANARY || rollout.kind === RolloutKind.LINEAR;
}

/** Whether Ray's autoscaler adds workers; KubeRay steps through it, too. */
export function hasAutoscaler({ plan, rollout }: Pick<RayServiceProps, 'plan' | 'rollout'>): boolean {
  return plan.by !== 'nothing' || movesInSteps(rollout);
}

/** The RayService of an endpoint. */
export class RayService extends ApiObject {
  constructor(scope: Construct, id: string, props: RayServiceProps) {
    const { model, pods } = props.props;
    super(scope, id, {
      apiVersion: 'ray.io/v1',
      kind: 'RayService',
      metadata: {
        name: props.name,
        labels: props.labels,
        annotations: {
          ...(model.input ? { [MODEL_INPUT_RECORD_KEY]: JSON.stringify(model.input._signature) } : {}),
          ...(pods.scheduling?.gpu ? { [GPU_ISOLATION_ANNOTATION]: pods.scheduling.gpu.isolation } : {}),
        },
      },
      spec: {
        upgradeStrategy: upgradeOf(props),
        // The head runs no replica, so it takes no requests either.
        excludeHeadPodFromServeSvc: true,
        // How long the former cluster stays once the next one has its traffic.
        rayClusterDeletionDelaySeconds: movesInSteps(props.rollout) ? 60 : props.rollout.bakeSeconds,
        serveConfigV2: Yaml.stringify(serveConfig(props)),
        // KubeRay hands no label of the service on to pods, and the owner may be applied after the endpoint is made.
        rayClusterConfig: Lazy.any({ produce: () => clusterOf({ ...props, labels: { ...props.labels, ...ownerOf(scope) } }) }),
      },
    });
  }
}

function upgradeOf({ rollout, props }: RayServiceProps): object {
  if (!movesInSteps(rollout)) return { type: 'NewCluster' };
  return {
    type: 'NewClusterWithIncrementalUpgrade',
    clusterUpgradeOptions: {
      gatewayClassName: props.cluster.gatewayClassName,
      stepSizePercent: rollout.percent,
      intervalSeconds: rollout.bakeSeconds,
      // No more at a time than a step: the fewest pods beside those that serve.
      maxSurgePercent: rollout.percent,
    },
  };
}

function serveConfig({ props, name, sizing, plan }: RayServiceProps): object {
  const { gpu } = props.pods.scheduling ?? {};
  const replicas =
    plan.by === 'nothing'
      ? { num_replicas: plan.minReplicas }
      : {
          autoscaling_config: {
            min_replicas: plan.minReplicas,
            max_replicas: plan.maxReplicas,
            target_ongoing_requests: plan.target,
            upscale_delay_s: 10,
            downscale_delay_s: 300,
          },
        };
  return {
    proxy_location: 'EveryNode',
    http_options: { host: '0.0.0.0', port: SERVE_PORT },
    applications: [
      {
        name,
        route_prefix: '/',
        import_path: props.app.importPath,
        deployments: [
          {
            name: props.app.deployment,
            max_ongoing_requests: sizing.concurrencyPerReplica,
            graceful_shutdown_timeout_s: DRAIN_SECONDS,
            ...replicas,
            // All of a worker: one replica a pod, as it was sized.
            ray_actor_options: { num_cpus: coresOf(props), ...(gpu ? { num_gpus: gpu.count } : {}) },
          },
        ],
      },
    ],
  };
}

function ownerOf(scope: Construct): { [key: string]: string } {
  return appliedAllocation(scope)?.allocation.labels() ?? {};
}

/** Ray counts whole cores as KubeRay does. */
function coresOf({ pods: { size } }: RayEndpointProps): number {
  return Math.max(1, Math.floor(size.cpuMillis / 1000));
}

function clusterOf(input: RayServiceProps): object {
  const { props, name, labels, serviceAccountName, plan, rollout } = input;
  const { cluster, model } = props;
  const { size, scheduling = {} } = props.pods;
  const scales = hasAutoscaler(input);
  const pod = { endpointName: name, image: model._image!, environment: model._environment, serviceAccountName, labels };
  const { gpu, priorityClassName, tolerations } = scheduling;
  // A new cluster that grows with its share of the traffic begins with no worker.
  const minReplicas = movesInSteps(rollout) ? 0 : plan.minReplicas;
  return {
    rayVersion: cluster.rayVersion,
    enableInTreeAutoscaling: scales,
    ...(scales ? { autoscalerOptions: AUTOSCALER } : {}),
    ...(cluster.faultTolerance ? { gcsFaultToleranceOptions: faultTolerance(cluster.faultTolerance) } : {}),
    headGroupSpec: {
      rayStartParams: { 'num-cpus': '0', 'dashboard-host': '0.0.0.0' },
      template: headTemplate({ ...pod, size: cluster.headSize, scheduling: { priorityClassName, tolerations } }, scales),
    },
    workerGroupSpecs: [
      {
        groupName: 'model',
        replicas: minReplicas,
        minReplicas,
        maxReplicas: plan.maxReplicas,
        rayStartParams: { 'num-cpus': String(coresOf(props)), ...(gpu ? { 'num-gpus': String(gpu.count) } : {}) },
        template: workerTemplate({ ...pod, size, scheduling }),
      },
    ],
  };
}

const AUTOSCALER = {
  upscalingMode: 'Default',
  idleTimeoutSeconds: 300,
  resources: { requests: { cpu: '200m', memory: '512Mi' }, limits: { memory: '512Mi' } },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
  volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
};

/** The place in Redis stays KubeRay's choice, one for each cluster: a new one must not take up the state of the former. */
function faultTolerance({ redisAddress, passwordSecretName }: NonNullable<RayEndpointProps['cluster']['faultTolerance']>): object {
  return {
    redisAddress,
    ...(passwordSecretName ? { redisPassword: { valueFrom: { secretKeyRef: { name: passwordSecretName, key: 'password' } } } } : {}),
  };
}
