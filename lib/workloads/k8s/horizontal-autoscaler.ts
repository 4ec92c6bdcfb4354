import type { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { makeScaledObject } from './scaled-object';
import { SCALING_BEHAVIOR } from './scaling-behavior';
import type { ResolvedScaling } from './scaling-plan';
import { makeVerticalAutoscaler } from './vertical-autoscaler';

/** The autoscalers of a deployment: one over its replicas, or none, and one over the requests of its pods when asked for. */
export function makeAutoscalers(
  scope: Construct,
  target: ApiObject,
  labels: { [key: string]: string },
  scaling: ResolvedScaling,
  bounds: { readonly cpuMillis: number; readonly memoryBytes: number; readonly hasJvmHeap: boolean },
): void {
  const { plan, minReplicas, maxReplicas, targetUtilisation } = scaling;
  if (plan.by === 'trigger') makeScaledObject(scope, target, labels, scaling, plan.trigger, plan.limits);
  if (plan.by === 'cpu') {
    new k8s.KubeHorizontalPodAutoscalerV2(scope, 'Autoscaler', {
      metadata: { labels },
      spec: {
        scaleTargetRef: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
        minReplicas,
        maxReplicas,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetUtilisation } } }],
        behavior: SCALING_BEHAVIOR,
      },
    });
  }
  const mode = plan.limits.verticalAutoscaler;
  if (mode) makeVerticalAutoscaler(scope, target, labels, { mode, scalesByCpu: plan.by === 'cpu', ...bounds });
}
