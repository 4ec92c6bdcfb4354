import type { Duration } from 'aws-cdk-lib';
import { type Rule, enforce, isPositiveInteger } from '../core/rule';

/** By what a language model gets replicas. */
export enum LlmScalingKind {
  /** By the requests that wait for a replica. */
  WAITING_REQUESTS = 'waitingRequests',
  /** By the requests in flight on a replica. */
  CONCURRENCY = 'concurrency',
  /** By KServe's workload variant autoscaler. */
  WORKLOAD_VARIANT = 'workloadVariant',
  /** By nothing. */
  FIXED = 'fixed',
}

/** Between how many replicas a language model scales. */
export interface LlmScalingLimits {
  /**
   * Fewest replicas: at least 1, at least 2 where a time to the first token is promised.
   * @default - one a zone of the sizing, no more than its replicas
   */
  readonly minReplicas?: number;
  /**
   * Most replicas.
   * @default - twice those of the sizing
   */
  readonly maxReplicas?: number;
}

/** Scaling by the requests that wait. */
export interface WaitingRequestsScalingOptions extends LlmScalingLimits {
  /** Address of Prometheus, for example `http://prometheus.monitoring.svc:9090`; KEDA's operator calls it. */
  readonly serverAddress: string;
  /**
   * Waiting requests that one replica may have before it.
   * @default 5
   */
  readonly threshold?: number;
  /**
   * Replicas while Prometheus does not answer, after three failures; with more running, those stay.
   * @default 2
   */
  readonly fallbackReplicas?: number;
  /**
   * How often Prometheus is asked, whole seconds.
   * @default Duration.seconds(15)
   */
  readonly pollingInterval?: Duration;
  /**
   * How long fewer replicas must have been enough before one leaves, whole seconds, up to an hour.
   * @default Duration.seconds(360)
   */
  readonly cooldown?: Duration;
}

/** Scaling by KServe's workload variant autoscaler. */
export interface WorkloadVariantScalingOptions extends LlmScalingLimits {
  /**
   * What a replica costs beside those of other variants of the model: a number without a unit.
   * @default - the price of the sizing for a replica
   */
  readonly variantCost?: number;
}

type LimitKey = 'minReplicas' | 'maxReplicas' | 'threshold' | 'fallbackReplicas';
type ScalingInput = LlmScalingLimits &
  Partial<Pick<WaitingRequestsScalingOptions, 'serverAddress' | LimitKey | 'pollingInterval' | 'cooldown'>> & {
    readonly variantCost?: number;
  };

const CODE = 'Millrace.LlmScalingInvalid';

function whole(subject: LimitKey, fix: string): Rule<ScalingInput> {
  return {
    code: CODE,
    subject,
    value: (input) => input[subject],
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix,
    tokens: 'refuse',
  };
}

function seconds(subject: 'pollingInterval' | 'cooldown'): Rule<ScalingInput> {
  return {
    code: CODE,
    subject,
    value: (input) => input[subject],
    valid: (time: Duration) => isPositiveInteger(time.toSeconds({ integral: false })) && time.toSeconds() <= 3600,
    allowed: 'whole seconds, up to an hour',
    fix: 'use Duration.seconds(…)',
    tokens: 'refuse',
  };
}

const RULES: readonly Rule<ScalingInput>[] = [
  whole(
    'minReplicas',
    'use 2, or 1 where nothing is promised: with no replica left nobody reports what waits, callers get errors, and loading the weights takes minutes',
  ),
  {
    code: CODE,
    subject: 'maxReplicas',
    value: (input) => input.maxReplicas,
    valid: (most: number, input) => isPositiveInteger(most) && most >= (input.minReplicas ?? 1),
    allowed: 'a whole number above zero, at least minReplicas',
    fix: 'leave it out for twice the replicas of the sizing',
    tokens: 'refuse',
  },
  whole('threshold', 'leave it out for 5'),
  whole('fallbackReplicas', 'leave it out for 2'),
  seconds('pollingInterval'),
  seconds('cooldown'),
  {
    code: CODE,
    subject: 'serverAddress',
    value: (input) => input.serverAddress,
    valid: (address: string) => /^https?:\/\/[^\s/]+/.test(address),
    allowed: 'an http or https URL',
    fix: 'name the service of Prometheus, for example http://prometheus.monitoring.svc:9090',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'variantCost',
    value: (input) => input.variantCost,
    valid: (cost: number) => Number.isFinite(cost) && cost >= 0,
    allowed: 'a number from 0',
    fix: 'leave it out for the price of a replica',
    tokens: 'refuse',
  },
];

/**
 * By what a language model gets replicas. One of them: a number of replicas and an autoscaler exclude each other.
 *
 * Each factory throws Millrace.LlmScalingInvalid.
 */
export class LlmScaling {
  /** By the requests that wait for a replica (`vllm:num_requests_waiting`), with KEDA 2.17 or later; for deployments and groups of nodes. */
  public static waitingRequests(options: WaitingRequestsScalingOptions): LlmScaling {
    return new LlmScaling(LlmScalingKind.WAITING_REQUESTS, options, options);
  }

  /** By the requests in flight on a replica; on SageMaker. */
  public static concurrency(limits: LlmScalingLimits = {}): LlmScaling {
    return new LlmScaling(LlmScalingKind.CONCURRENCY, limits);
  }

  /**
   * By the workload variant autoscaler of llm-d through KEDA, which KServe makes the objects for; it is installed on its own. For an
   * LLMInferenceService.
   */
  public static workloadVariant(options: WorkloadVariantScalingOptions = {}): LlmScaling {
    return new LlmScaling(LlmScalingKind.WORKLOAD_VARIANT, options, undefined, options.variantCost);
  }

  /** Always the replicas of the sizing. */
  public static fixed(): LlmScaling {
    return new LlmScaling(LlmScalingKind.FIXED, {});
  }

  private constructor(
    /** By what. */
    public readonly kind: LlmScalingKind,
    /** Between how many. */
    public readonly limits: LlmScalingLimits,
    /** @internal */
    public readonly _waiting?: WaitingRequestsScalingOptions,
    /** @internal */
    public readonly _variantCost?: number,
  ) {
    enforce(`LlmScaling.${kind}`, { ...limits, ..._waiting, variantCost: _variantCost }, RULES);
  }
}
