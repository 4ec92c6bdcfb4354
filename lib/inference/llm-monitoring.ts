import type { Duration } from 'aws-cdk-lib';

/** What of a language model is watched. */
export interface LlmMonitoring {
  /**
   * Whether alarms stand on errors, the time to the first token and saturation.
   * @default true
   */
  readonly alarms?: boolean;
  /**
   * Share of requests that may fail, percent, above which the alarm fires.
   * @default 1
   */
  readonly errorPercent?: number;
  /**
   * How long something has to be wrong, whole minutes from 1 to 60.
   * @default Duration.minutes(5)
   */
  readonly window?: Duration;
  /**
   * Share of the KV cache in use from which replicas are saturated, percent.
   * @default 80
   */
  readonly kvCachePercent?: number;
  /**
   * Requests waiting for a replica from which it is saturated.
   * @default 10
   */
  readonly waitingRequests?: number;
}
