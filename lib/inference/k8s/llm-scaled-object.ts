import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { prometheusTrigger } from '../../workloads/k8s/prometheus-query';
import type { WaitingRequestsScalingOptions } from '../llm-scaling';

/** What the autoscaler of a model is made of. */
export interface LlmScaledObjectProps {
  readonly target: ApiObject;
  readonly labels: { [key: string]: string };
  readonly waiting: WaitingRequestsScalingOptions;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly query: string;
}

/** Waiting requests a replica at which replicas are added (vLLM production stack). */
export const WAITING_THRESHOLD = 5;
const POLLING_SECONDS = 15;
/** Seconds for which fewer replicas must have been enough before one leaves. */
export const COOLDOWN_SECONDS = 360;
/** Reads that fail before the replicas of the fallback are kept. */
export const FAILURES = 3;
const FALLBACK_REPLICAS = 2;

/** KEDA's autoscaler of a model by the requests that wait. */
export class LlmScaledObject extends ApiObject {
  constructor(scope: Construct, id: string, props: LlmScaledObjectProps) {
    const { target, waiting, minReplicas, maxReplicas, query } = props;
    const { threshold = WAITING_THRESHOLD, serverAddress } = waiting;
    const cooldown = waiting.cooldown?.toSeconds() ?? COOLDOWN_SECONDS;
    const trigger = prometheusTrigger({ serverAddress, query, threshold });
    super(scope, id, {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { labels: props.labels },
      spec: {
        scaleTargetRef: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
        minReplicaCount: minReplicas,
        maxReplicaCount: maxReplicas,
        pollingInterval: waiting.pollingInterval?.toSeconds() ?? POLLING_SECONDS,
        fallback: {
          failureThreshold: FAILURES,
          replicas: fallbackOf(waiting, minReplicas, maxReplicas),
          // Who cannot see the load does not take replicas away.
          behavior: 'currentReplicasIfHigher',
        },
        advanced: {
          restoreToOriginalReplicaCount: false,
          horizontalPodAutoscalerConfig: {
            // KEDA heeds its own cooldown only on the way to zero replicas, which a model never goes; between others this does.
            behavior: {
              scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 30 }] },
              scaleDown: { stabilizationWindowSeconds: cooldown, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
            },
          },
        },
        triggers: [{ type: trigger.type, metricType: 'AverageValue', metadata: trigger.metadata }],
      },
    });
  }
}

/** The replicas while nobody knows the load, within what is allowed. */
export function fallbackOf({ fallbackReplicas }: WaitingRequestsScalingOptions, least: number, most: number): number {
  return fallbackReplicas ?? Math.min(most, Math.max(least, FALLBACK_REPLICAS));
}
