import type { Duration } from 'aws-cdk-lib';

/** What of the traffic is kept for monitors and for the next training. */
export interface DataCapture {
  /**
   * Share of the requests, 1-100 percent.
   * @default 10
   */
  readonly percent?: number;
  /**
   * Where it is kept: `s3://bucket/prefix/` on SageMaker, the URL of a collector on Kubernetes.
   * @default - on SageMaker a bucket of its own; on Kubernetes it has to be named
   */
  readonly destination?: string;
}

/** What of an endpoint is watched. */
export interface EndpointMonitoring {
  /**
   * Whether alarms stand on errors and latency; a rollout is rolled back by them.
   * @default true
   */
  readonly alarms?: boolean;
  /**
   * Share of requests that may fail, percent, above which the alarm fires.
   * @default 1
   */
  readonly errorPercent?: number;
  /**
   * How long errors or latency have to be too high.
   * @default Duration.minutes(3)
   */
  readonly window?: Duration;
  /**
   * What of the traffic is kept.
   * @default - nothing
   */
  readonly dataCapture?: DataCapture;
}
