import type { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { SCALING_BEHAVIOR } from './scaling-behavior';
import type { ResolvedScaling } from './scaling-plan';

/** What a horizontal autoscaler is made of. */
export interface HorizontalAutoscalerProps {
  readonly target: ApiObject;
  readonly labels: { [key: string]: string };
  readonly scaling: ResolvedScaling;
}

/** The autoscaler of Kubernetes over the replicas of a deployment, by CPU utilisation. */
export class HorizontalAutoscaler extends k8s.KubeHorizontalPodAutoscalerV2 {
  constructor(scope: Construct, id: string, props: HorizontalAutoscalerProps) {
    const { apiVersion, kind, name } = props.target;
    const { minReplicas, maxReplicas, targetUtilisation } = props.scaling;
    super(scope, id, {
      metadata: { labels: props.labels },
      spec: {
        scaleTargetRef: { apiVersion, kind, name },
        minReplicas,
        maxReplicas,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetUtilisation } } }],
        behavior: SCALING_BEHAVIOR,
      },
    });
  }
}
