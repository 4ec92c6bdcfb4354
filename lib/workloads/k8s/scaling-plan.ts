import { type Rule, isPositiveInteger } from '../../core/rule';
import { type PodSize, TARGET_CPU_UTILISATION } from '../pod-size';
import type { FixedScalingOptions, MetricScalingLimits, ScalingLimits } from './scaling-limits';
import { isWholeSeconds } from './workload-rules';

/** A rule about a value of a trigger, under the code of the workload that takes it. */
export interface TriggerRule {
  readonly subject: string;
  readonly value: unknown;
  readonly valid: (value: never) => boolean;
  readonly allowed: string;
  readonly fix: string;
}

/** What KEDA reads. Every value of the metadata is a string, and none of it may be a secret. */
export interface ScalingTrigger {
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Spec of the TriggerAuthentication, when the source asks who is there. */
  readonly authentication?: Readonly<Record<string, unknown>>;
  /** More replicas than this would have nothing to do. */
  readonly mostUsefulReplicas?: number;
  readonly rules: readonly TriggerRule[];
}

/** How a workload scales, before its size is known. */
export type ScalingPlan =
  | { readonly by: 'cpu'; readonly targetUtilisation?: number; readonly limits: ScalingLimits }
  | { readonly by: 'trigger'; readonly trigger: ScalingTrigger; readonly limits: MetricScalingLimits }
  | { readonly by: 'nothing'; readonly limits: FixedScalingOptions };

/** How a workload scales. */
export interface ResolvedScaling {
  readonly plan: ScalingPlan;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly targetUtilisation: number;
  readonly fallbackReplicas: number;
}

/** Fills in what follows from the size. */
export function resolveScaling(plan: ScalingPlan, size: PodSize, fewest: number): ResolvedScaling {
  if (plan.by === 'nothing') {
    const replicas = plan.limits.replicas ?? size.replicas;
    return { plan, minReplicas: replicas, maxReplicas: replicas, targetUtilisation: TARGET_CPU_UTILISATION, fallbackReplicas: replicas };
  }
  const minReplicas = plan.limits.minReplicas ?? Math.min(fewest, size.replicas);
  const useful = plan.by === 'trigger' ? (plan.trigger.mostUsefulReplicas ?? Infinity) : Infinity;
  const maxReplicas = plan.limits.maxReplicas ?? Math.min(useful, Math.max(minReplicas, size.replicas) * 2);
  return {
    plan,
    minReplicas,
    maxReplicas,
    targetUtilisation: (plan.by === 'cpu' ? plan.targetUtilisation : undefined) ?? TARGET_CPU_UTILISATION,
    fallbackReplicas: (plan.by === 'trigger' ? plan.limits.fallbackReplicas : undefined) ?? Math.min(maxReplicas, size.replicas),
  };
}

/** Rules for the scaling of a workload; only a trigger can start the first replica. */
export function scalingRules(code: string, scaling: ResolvedScaling, fewest: 0 | 1): Rule<object>[] {
  const { plan, minReplicas, maxReplicas } = scaling;
  const isFixed = plan.by === 'nothing';
  const limits: MetricScalingLimits = plan.by === 'trigger' ? plan.limits : {};
  const useful = plan.by === 'trigger' ? (plan.trigger.mostUsefulReplicas ?? Infinity) : Infinity;
  const rule = (row: TriggerRule): Rule<object> => ({ code, tokens: 'refuse', ...row, value: () => row.value });
  return [
    rule({
      subject: isFixed ? 'scaling.replicas' : 'scaling.minReplicas',
      value: minReplicas,
      valid: (least: number) => isPositiveInteger(least) || (fewest === 0 && plan.by === 'trigger' && least === 0),
      allowed: fewest === 0 && plan.by === 'trigger' ? 'a whole number; 0 lets the last replica leave' : 'a whole number above zero',
      fix: 'leave it out',
    }),
    ...(isFixed
      ? []
      : [
          rule({
            subject: 'scaling.maxReplicas',
            value: maxReplicas,
            valid: (most: number) => isPositiveInteger(most) && most >= minReplicas && most <= useful,
            allowed: `a whole number from minReplicas (${minReplicas})${Number.isFinite(useful) ? ` to the partitions of the topic (${useful}): a consumer beyond them idles` : ''}`,
            fix: 'change it, or leave it out for twice the size at peak',
          }),
        ]),
    rule({
      subject: 'scaling.targetUtilisation',
      value: scaling.targetUtilisation,
      valid: (percent: number) => Number.isInteger(percent) && percent >= 10 && percent <= 90,
      allowed: '10-90 percent: the rest carries the load while new pods start',
      fix: `leave it out for ${TARGET_CPU_UTILISATION}`,
    }),
    rule({
      subject: 'scaling.fallbackReplicas',
      value: limits.fallbackReplicas,
      valid: (replicas: number) => isPositiveInteger(replicas) && replicas >= minReplicas && replicas <= maxReplicas,
      allowed: `a whole number from minReplicas (${minReplicas}) to maxReplicas (${maxReplicas})`,
      fix: 'leave it out for the size at peak',
    }),
    ...(['pollingInterval', 'cooldown'] as const).map((name) =>
      rule({
        subject: `scaling.${name}`,
        value: limits[name],
        valid: (duration: NonNullable<MetricScalingLimits[typeof name]>) => isWholeSeconds(duration, 1, 3600),
        allowed: 'whole seconds, up to an hour',
        fix: 'use Duration.seconds(…)',
      }),
    ),
    ...(plan.by === 'trigger' ? plan.trigger.rules.map(rule) : []),
  ];
}
