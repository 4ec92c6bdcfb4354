import type { Duration } from 'aws-cdk-lib';
import { enforce } from '../core/rule';

/** How traffic moves to a new version. */
export enum RolloutKind {
  /** A share first, then, after a time without alarm, the rest. */
  CANARY = 'canary',
  /** Equal steps, each after a time without alarm. */
  LINEAR = 'linear',
  /** Replicas are replaced batch by batch, on the capacity that there is. */
  ROLLING = 'rolling',
  /** At once. */
  ALL_AT_ONCE = 'allAtOnce',
}

/** What every rollout with steps takes. */
export interface RolloutGuard {
  /**
   * How long each step is watched before the next one. Alarms must be able to fire within it.
   * @default Duration.minutes(10)
   */
  readonly bake?: Duration;
  /**
   * Whether the rollout goes ahead although no alarm watches it. Without alarms nothing is rolled back, so it has to be said.
   * @default false
   */
  readonly unguarded?: boolean;
}

/** How a canary rolls out. */
export interface CanaryRolloutOptions extends RolloutGuard {
  /**
   * Share of the traffic or capacity that goes first, 1-50 percent.
   * @default 10
   */
  readonly percent?: number;
}

/** How a linear rollout goes. */
export interface LinearRolloutOptions extends RolloutGuard {
  /**
   * Share of each step, 10-50 percent.
   * @default 25
   */
  readonly stepPercent?: number;
}

/** How a rolling rollout goes. */
export interface RollingRolloutOptions extends RolloutGuard {
  /**
   * Share of the replicas that are replaced at a time, 5-50 percent.
   * @default 25
   */
  readonly batchPercent?: number;
}

const BAKE_SECONDS = 600;
const MAX_BAKE_SECONDS = 3600;
const RANGES: Readonly<Record<RolloutKind, readonly [least: number, most: number, fix: string]>> = {
  [RolloutKind.CANARY]: [1, 50, 'a canary of more than half is the rollout itself; use 10, or Rollout.linear'],
  [RolloutKind.LINEAR]: [10, 50, 'use 25 for four steps'],
  [RolloutKind.ROLLING]: [5, 50, 'use 25 for four batches'],
  [RolloutKind.ALL_AT_ONCE]: [100, 100, 'leave it out'],
};

/**
 * How a new version takes over. The shares and times are those of the deployment guardrails of SageMaker, and hold for both flavours.
 *
 * Each factory throws Millrace.RolloutInvalid.
 */
export class Rollout {
  /** A share first, then, after a time without alarm, the rest. */
  public static canary(options: CanaryRolloutOptions = {}): Rollout {
    return new Rollout(RolloutKind.CANARY, options.percent ?? 10, options);
  }

  /** Equal steps, each after a time without alarm. */
  public static linear(options: LinearRolloutOptions = {}): Rollout {
    return new Rollout(RolloutKind.LINEAR, options.stepPercent ?? 25, options);
  }

  /** Replicas are replaced batch by batch: for instances of which there are no two fleets. */
  public static rolling(options: RollingRolloutOptions = {}): Rollout {
    return new Rollout(RolloutKind.ROLLING, options.batchPercent ?? 25, options);
  }

  /** All traffic at once, after which the former version is kept for the time of the bake. */
  public static allAtOnce(options: RolloutGuard = {}): Rollout {
    return new Rollout(RolloutKind.ALL_AT_ONCE, 100, options);
  }

  /** How long each step is watched, in seconds. */
  public readonly bakeSeconds: number;
  /** Whether it goes ahead although no alarm watches it. */
  public readonly unguarded: boolean;

  private constructor(
    /** How traffic moves. */
    public readonly kind: RolloutKind,
    /** Share of a step, percent. */
    public readonly percent: number,
    guard: RolloutGuard,
  ) {
    const [least, most, fix] = RANGES[kind];
    const bakeSeconds = guard.bake?.toSeconds({ integral: false }) ?? BAKE_SECONDS;
    enforce(`Rollout.${kind}`, { percent, bakeSeconds }, [
      {
        code: 'Millrace.RolloutInvalid',
        subject: { canary: 'percent', linear: 'stepPercent', rolling: 'batchPercent', allAtOnce: 'percent' }[kind],
        value: (input) => input.percent,
        valid: (given: number) => Number.isInteger(given) && given >= least && given <= most,
        allowed: `a whole number of percent from ${least} to ${most}`,
        fix,
        tokens: 'refuse',
      },
      {
        code: 'Millrace.RolloutInvalid',
        subject: 'bake',
        value: (input) => input.bakeSeconds,
        valid: (given: number) => Number.isInteger(given) && given >= 60 && given <= MAX_BAKE_SECONDS,
        allowed: 'whole seconds, from a minute to an hour: an alarm needs a minute at least, and SageMaker waits no longer than an hour',
        fix: 'use ten minutes, and at least twice the period of the slowest alarm',
        tokens: 'refuse',
      },
    ]);
    this.bakeSeconds = bakeSeconds;
    this.unguarded = guard.unguarded ?? false;
  }
}
