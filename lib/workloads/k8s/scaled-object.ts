import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { SCALING_BEHAVIOR } from './scaling-behavior';
import type { MetricScalingLimits } from './scaling-limits';
import type { ResolvedScaling, ScalingTrigger } from './scaling-plan';

const POLLING_SECONDS = 15;
const COOLDOWN_SECONDS = 300;
const FAILURES = 3;

/** What a ScaledObject is made of. */
export interface ScaledObjectProps {
  /** What is scaled; an operator may have made it. */
  readonly target: Pick<ApiObject, 'apiVersion' | 'kind' | 'name'>;
  readonly labels: { [key: string]: string };
  readonly scaling: ResolvedScaling;
  readonly trigger: ScalingTrigger;
  readonly limits: MetricScalingLimits;
  /** @default - the source asks nobody who it is */
  readonly authentication?: ApiObject;
}

/** KEDA's autoscaler of a deployment by one trigger. It keeps an HPA of its own; there must be no second one. */
export class ScaledObject extends ApiObject {
  constructor(scope: Construct, id: string, props: ScaledObjectProps) {
    const { target, scaling, trigger, limits, authentication } = props;
    super(scope, id, {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { labels: props.labels },
      spec: {
        scaleTargetRef: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
        minReplicaCount: scaling.minReplicas,
        maxReplicaCount: scaling.maxReplicas,
        pollingInterval: limits.pollingInterval?.toSeconds() ?? POLLING_SECONDS,
        // KEDA heeds it only on the way to zero replicas.
        ...(scaling.minReplicas === 0 ? { cooldownPeriod: limits.cooldown?.toSeconds() ?? COOLDOWN_SECONDS } : {}),
        fallback: {
          failureThreshold: FAILURES,
          replicas: scaling.fallbackReplicas,
          // Who cannot see the load does not take replicas away.
          behavior: 'currentReplicasIfHigher',
        },
        advanced: {
          // Without the autoscaler the replicas stay as they are; KEDA would go back to those from before its time.
          restoreToOriginalReplicaCount: false,
          horizontalPodAutoscalerConfig: { behavior: SCALING_BEHAVIOR },
        },
        triggers: [
          {
            type: trigger.type,
            // The fallback works for no other type.
            metricType: 'AverageValue',
            metadata: trigger.metadata,
            ...(authentication ? { authenticationRef: { name: authentication.name } } : {}),
          },
        ],
      },
    });
  }
}

/** What a TriggerAuthentication is made of. */
export interface TriggerAuthenticationProps {
  readonly labels: { [key: string]: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** How KEDA proves to a source who it is. */
export class TriggerAuthentication extends ApiObject {
  constructor(scope: Construct, id: string, props: TriggerAuthenticationProps) {
    const { labels, spec } = props;
    super(scope, id, { apiVersion: 'keda.sh/v1alpha1', kind: 'TriggerAuthentication', metadata: { labels }, spec });
  }
}
