import type { Duration, Size } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';

/** What an endpoint must serve. */
export interface EndpointDemand {
  /** Requests a second at peak, over all replicas. */
  readonly peakRequestsPerSecond: number;
  /** Mean time that a replica takes for a request while it serves `concurrencyPerReplica` of them, as a load test shows it. */
  readonly latency: Duration;
  /** Time that 99 of 100 requests may take: the promise to callers, on which alarms and rollbacks stand. */
  readonly p99: Duration;
  /** Requests that one replica serves at a time before its latency grows: the knee of a load test. 1 for a model that serves one by one. */
  readonly concurrencyPerReplica: number;
  /**
   * Size of the largest request or response.
   * @default Size.kibibytes(64)
   */
  readonly payload?: Size;
}

function millisOf(duration: Duration): number {
  return duration.toMilliseconds({ integral: false });
}

/** What every demand keeps to. */
export const ENDPOINT_DEMAND_RULES: readonly Rule<EndpointDemand>[] = [
  {
    code: 'Millrace.EndpointDemandInvalid',
    subject: 'demand.peakRequestsPerSecond',
    value: (demand) => demand.peakRequestsPerSecond ?? null,
    valid: (rate: unknown) => isPositive(rate as number),
    allowed: 'a number above zero',
    fix: 'take the peak of the service that calls it',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointDemandInvalid',
    subject: 'demand.latency',
    value: (demand) => demand.latency ?? null,
    valid: (latency: Duration | null) => latency !== null && isPositive(millisOf(latency)),
    allowed: 'a time above zero',
    fix: 'measure it with a load test at the concurrency that you state',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointDemandInvalid',
    subject: 'demand.p99',
    value: (demand) => demand.p99 ?? null,
    valid: (p99: Duration | null, { latency }) => p99 !== null && (!latency || millisOf(p99) >= millisOf(latency)),
    allowed: 'at least the mean latency',
    fix: 'state the time that callers can wait; if the mean is above it, use a faster instance or fewer requests at a time',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointDemandInvalid',
    subject: 'demand.concurrencyPerReplica',
    value: (demand) => demand.concurrencyPerReplica ?? null,
    valid: (concurrency: unknown) => isPositiveInteger(concurrency as number) && (concurrency as number) <= 1024,
    allowed: 'a whole number from 1 to 1024',
    fix: 'raise the load on one replica until its latency grows, and take the concurrency before that',
    tokens: 'refuse',
  },
];
