import { Lazy } from 'cdk8s';
import type { ResolvedScaling } from './scaling-plan';

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
