import { type Violation, show } from '../../core/error';
import { type EndpointScaling, EndpointScalingKind } from '../endpoint-scaling';
import type { EndpointSizing } from '../endpoint-sizing';

/** By what an endpoint gets replicas on Kubernetes, and how many. */
export interface EndpointScalingPlan {
  readonly by: 'nothing' | 'cpu' | 'inFlight' | 'perMinute';
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Requests in flight or a minute on a replica at which there are more. */
  readonly target: number;
}

const BY = {
  [EndpointScalingKind.FIXED]: 'nothing',
  [EndpointScalingKind.CONCURRENCY]: 'inFlight',
  [EndpointScalingKind.INVOCATIONS]: 'perMinute',
} as const;

/** Fills in what follows from the sizing. */
export function planScaling(scaling: EndpointScaling, sizing: EndpointSizing, seesRequests: boolean): EndpointScalingPlan {
  const { kind, limits } = scaling;
  if (kind === EndpointScalingKind.FIXED) {
    return { by: 'nothing', minReplicas: sizing.replicas, maxReplicas: sizing.replicas, target: sizing.targetConcurrency };
  }
  const minReplicas = limits.minReplicas ?? Math.min(sizing.zones, limits.maxReplicas ?? sizing.zones);
  const maxReplicas = limits.maxReplicas ?? Math.max(minReplicas, sizing.replicas) * 2;
  // A sizing for a demand knows the rate of a replica.
  const target =
    limits.target ?? (kind === EndpointScalingKind.INVOCATIONS ? sizing.targetInvocationsPerMinute! : sizing.targetConcurrency);
  const isBlind = !seesRequests && kind === EndpointScalingKind.CONCURRENCY && limits.target === undefined;
  return { by: isBlind ? 'cpu' : BY[kind], minReplicas, maxReplicas, target };
}

/** What is wrong with a plan for an endpoint that promises a latency. */
export function scalingViolations(plan: EndpointScalingPlan, sizing: EndpointSizing): Violation[] {
  const found: Violation[] = [];
  if (plan.minReplicas < 2) {
    found.push({
      code: 'Millrace.EndpointMinReplicas',
      subject: 'scaling.minReplicas',
      received: show(plan.minReplicas),
      allowed: 'at least 2: with none or one, each node that is drained and each crash breaks the promise of a p99 until a model is loaded',
      fix: `leave it out for ${sizing.zones}, one a zone`,
    });
  }
  if (plan.by !== 'nothing' && plan.maxReplicas < sizing.replicas) {
    found.push({
      code: 'Millrace.EndpointScalingBelowDemand',
      subject: 'scaling.maxReplicas',
      received: show(plan.maxReplicas),
      allowed: `at least ${sizing.replicas}, which the demand needs: ${sizing.reason}`,
      fix: `leave it out for ${sizing.replicas * 2}, or state a smaller demand`,
    });
  }
  return found;
}
