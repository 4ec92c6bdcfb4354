import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

/** How many pods of a workload may leave at once for maintenance of nodes. */
export function makeDisruptionBudget(
  scope: Construct,
  labels: { [key: string]: string },
  podSelector: { [key: string]: string },
  maxUnavailable: k8s.IntOrString,
): void {
  new k8s.KubePodDisruptionBudget(scope, 'DisruptionBudget', {
    metadata: { labels },
    spec: {
      maxUnavailable,
      selector: { matchLabels: { ...podSelector } },
      // A pod that never becomes ready must not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
}
