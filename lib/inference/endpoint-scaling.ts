import { enforce, isPositiveInteger } from '../core/rule';

/** By what replicas are added. */
export enum EndpointScalingKind {
  /** By the requests in flight on a replica. */
  CONCURRENCY = 'concurrency',
  /** By the requests a minute on a replica. */
  INVOCATIONS = 'invocations',
  /** By nothing. */
  FIXED = 'fixed',
}

/** Within which bounds replicas are added and taken away. */
export interface EndpointScalingLimits {
  /**
   * Fewest replicas. 0 where the flavour can start from nothing; callers get errors meanwhile.
   * @default - the zones of the sizing, so that one is in each
   */
  readonly minReplicas?: number;
  /**
   * Most replicas.
   * @default - twice those of the sizing
   */
  readonly maxReplicas?: number;
  /**
   * What one replica should have: requests in flight, or requests a minute.
   * @default - from the sizing
   */
  readonly target?: number;
}

/**
 * By what an endpoint gets replicas.
 *
 * Each factory throws Millrace.EndpointScalingInvalid.
 */
export class EndpointScaling {
  /** By the requests in flight on a replica, which follows a burst within seconds. */
  public static concurrency(limits: EndpointScalingLimits = {}): EndpointScaling {
    return new EndpointScaling(EndpointScalingKind.CONCURRENCY, limits);
  }

  /** By the requests a minute on a replica, for models whose latency does not depend on what they are asked. */
  public static invocations(limits: EndpointScalingLimits = {}): EndpointScaling {
    return new EndpointScaling(EndpointScalingKind.INVOCATIONS, limits);
  }

  /** Always the replicas of the sizing. */
  public static fixed(): EndpointScaling {
    return new EndpointScaling(EndpointScalingKind.FIXED, {});
  }

  private constructor(
    /** By what replicas are added. */
    public readonly kind: EndpointScalingKind,
    /** Within which bounds. */
    public readonly limits: EndpointScalingLimits,
  ) {
    enforce(`EndpointScaling.${kind}`, limits, [
      {
        code: 'Millrace.EndpointScalingInvalid',
        subject: 'minReplicas',
        value: (input) => input.minReplicas,
        valid: (least: number) => Number.isSafeInteger(least) && least >= 0,
        allowed: 'a whole number from 0',
        fix: 'use at least 2 for a promise of latency, 3 in three zones',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.EndpointScalingInvalid',
        subject: 'maxReplicas',
        value: (input) => input.maxReplicas,
        valid: (most: number, input) => isPositiveInteger(most) && most >= (input.minReplicas ?? 1),
        allowed: 'a whole number above zero, at least minReplicas',
        fix: 'leave it out for twice the replicas of the sizing',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.EndpointScalingInvalid',
        subject: 'target',
        value: (input) => input.target,
        valid: (target: number) => Number.isFinite(target) && target > 0,
        allowed: 'a number above zero',
        fix: 'leave it out for the target of the sizing',
        tokens: 'refuse',
      },
    ]);
  }
}
