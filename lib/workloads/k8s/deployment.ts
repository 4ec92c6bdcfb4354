import { type ApiObject, Lazy } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { makeDisruptionBudget } from './disruption-budget';
import { makeAutoscalers } from './horizontal-autoscaler';
import type { ResolvedScaling } from './scaling-plan';
import type { Workload } from './workload';

const MAX_UNAVAILABLE = '25%';

/** Spec of a Deployment whose pods are all alike. */
export function deploymentSpec(scaling: ResolvedScaling, podSelector: { [key: string]: string }, template: () => object): unknown {
  return Lazy.any({
    produce: () => ({
      // With an autoscaler no replicas: it owns them, and an apply must not set them back.
      ...(scaling.plan.by === 'nothing' ? { replicas: scaling.minReplicas } : {}),
      selector: { matchLabels: { ...podSelector } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
      revisionHistoryLimit: 5,
      template: template(),
    }),
  });
}

/** What changes the replicas of a Deployment: its autoscalers, and the limit for maintenance. */
export function makeReplicas(
  workload: Workload,
  deployment: ApiObject,
  labels: { [key: string]: string },
  scaling: ResolvedScaling,
  options: { readonly hasJvmHeap: boolean },
): void {
  const { cpuMillis, memoryBytes } = workload.sizing;
  makeAutoscalers(workload, deployment, labels, scaling, { cpuMillis, memoryBytes, ...options });
  makeDisruptionBudget(workload, labels, workload.podSelector, k8s.IntOrString.fromString(MAX_UNAVAILABLE));
}
