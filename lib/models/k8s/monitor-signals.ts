import type { Duration } from 'aws-cdk-lib';

/** What part of the training's values fell below a bound of a histogram, and above the bound before it. */
export interface BaselineBucket {
  /**
   * Upper bound, as the histogram of the server has it (`le`).
   * @default - the last: everything above
   */
  readonly upTo?: number;
  /** Share of the values of the training, 0-1; all shares together are 1. */
  readonly share: number;
}

/** A distribution that must stay as it was in the training: of predictions, or of a feature that the server measures. */
export interface DriftSignal {
  /** Its name in alerts, a word: `score`. */
  readonly name: string;
  /** The histogram that the server exposes, without `_bucket`: `radar_prediction_score`. */
  readonly histogram: string;
  /** Shares of the training by bucket, bounds rising, the last without a bound; at least two. */
  readonly baseline: BaselineBucket[];
  /**
   * Population stability index above which the alert fires. Below 0.1 is usually taken as stable and above 0.25 as shifted (Siddiqi, Credit
   * Risk Scorecards).
   * @default 0.2
   */
  readonly threshold?: number;
  /**
   * Stretch that is compared, whole minutes, 10 minutes-30 days.
   * @default Duration.hours(6)
   */
  readonly window?: Duration;
  /**
   * Values that the stretch must hold; fewer say nothing.
   * @default 1000
   */
  readonly minSamples?: number;
}

/** Requests and those that failed, as counters of the server. */
export interface RequestSignal {
  /** Counter of all requests: `http_requests_total`. */
  readonly total: string;
  /** Counter of those that failed. It may be the same metric with `errorLabels`. */
  readonly errors: string;
  /**
   * Labels of failed requests, as regular expressions: `{ code: '5..' }`.
   * @default - none: each one that the counter counts failed
   */
  readonly errorLabels?: { [label: string]: string };
  /**
   * Percent of the requests that may fail over five minutes, above 0, at most 100.
   * @default 1
   */
  readonly errorPercent?: number;
}
