import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

/** What a disruption budget is made of. */
export interface DisruptionBudgetProps {
  readonly labels: { [key: string]: string };
  readonly podSelector: { [key: string]: string };
  readonly maxUnavailable: k8s.IntOrString;
}

/** How many pods of a workload may leave at once for maintenance of nodes. */
export class DisruptionBudget extends k8s.KubePodDisruptionBudget {
  constructor(scope: Construct, id: string, props: DisruptionBudgetProps) {
    super(scope, id, {
      metadata: { labels: props.labels },
      spec: {
        maxUnavailable: props.maxUnavailable,
        selector: { matchLabels: { ...props.podSelector } },
        // A pod that never becomes ready must not keep a node from being drained.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    });
  }
}
