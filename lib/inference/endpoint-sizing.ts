import { refuse } from '../core/error';
import { enforce, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { ENDPOINT_DEMAND_RULES, type EndpointDemand } from './endpoint-demand';

/** How an endpoint is sized. */
export interface EndpointSizingOptions {
  /**
   * Zones that the replicas stand in, 1-6. With more than one, the others carry the peak when one is lost.
   * @default 3
   */
  readonly zones?: number;
  /**
   * What is kept free for bursts that are shorter than a new replica takes to start: 1 is nothing, at most 4. With three zones the default
   * makes half of what a replica can do the target, which is where AWS says to begin (SageMaker developer guide, load testing).
   * @default 4/3
   */
  readonly headroom?: number;
}

/** A number of replicas chosen by hand. */
export interface FixedEndpointSize {
  /** Replicas at peak. */
  readonly replicas: number;
  /** Requests that one replica serves at a time before its latency grows. */
  readonly concurrencyPerReplica: number;
}

const ZONES = 3;
const HEADROOM = 4 / 3;
const MAX_REPLICAS = 1000;

/**
 * How many replicas an endpoint needs. By Little's law `rate x latency` requests are in flight at peak; they are spread over replicas so that
 * each has `1 / (headroom x zones / (zones - 1))` of its concurrency, and never fewer replicas than zones.
 */
export class EndpointSizing extends Sizing {
  /**
   * The replicas for a demand.
   *
   * @throws Millrace.EndpointDemandInvalid, Millrace.EndpointSizingOptionsInvalid, Millrace.EndpointDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: EndpointDemand, options: EndpointSizingOptions = {}): EndpointSizing {
    enforce('EndpointSizing.forDemand', demand, ENDPOINT_DEMAND_RULES);
    const { zones = ZONES, headroom = HEADROOM } = options;
    enforce('EndpointSizing.forDemand', { zones, headroom }, [
      {
        code: 'Millrace.EndpointSizingOptionsInvalid',
        subject: 'zones',
        value: (input) => input.zones,
        valid: (given: number) => isPositiveInteger(given) && given <= 6,
        allowed: 'a whole number from 1 to 6',
        fix: 'leave it out for 3',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.EndpointSizingOptionsInvalid',
        subject: 'headroom',
        value: (input) => input.headroom,
        valid: (given: number) => Number.isFinite(given) && given >= 1 && given <= 4,
        allowed: 'a number from 1 (nothing kept free) to 4',
        fix: 'leave it out for 4/3',
        tokens: 'refuse',
      },
    ]);
    const { peakRequestsPerSecond: rate, concurrencyPerReplica: concurrency } = demand;
    const seconds = demand.latency.toMilliseconds({ integral: false }) / 1000;
    const inFlight = rate * seconds;
    const lostZone = zones > 1 ? zones / (zones - 1) : 1;
    const target = 1 / (headroom * lostZone);
    const forLoad = replicasFor(inFlight * headroom, concurrency, lostZone);
    const replicas = Math.max(zones, forLoad);
    if (replicas > MAX_REPLICAS) refuseDemand(demand, inFlight, replicas);
    const share = inFlight / (replicas * concurrency * target);
    return new EndpointSizing(replicas, zones, concurrency, target, concurrency / seconds, {
      bottleneck: forLoad >= zones ? 'concurrency' : 'availability',
      utilisation: { concurrency: share },
      alternatives: zones > 2 ? [fewerZones(inFlight, concurrency, headroom, zones - 1)] : [],
      reason:
        `${rate} requests/s x ${Number((seconds * 1000).toFixed(3))} ms = ${Number(inFlight.toFixed(2))} in flight; ` +
        `at ${Number((target * 100).toFixed(1))} % of ${concurrency} a replica (headroom ${Number(headroom.toFixed(2))}, one of ${zones} zones lost) that is ${forLoad} replicas` +
        (forLoad < zones ? `, and one a zone is ${zones}` : ''),
    });
  }

  /**
   * A number of replicas decided elsewhere.
   *
   * @throws Millrace.EndpointSizingOptionsInvalid, Millrace.TokenRefused
   */
  public static fixed(size: FixedEndpointSize): EndpointSizing {
    enforce('EndpointSizing.fixed', size, [
      {
        code: 'Millrace.EndpointSizingOptionsInvalid',
        subject: 'replicas, concurrencyPerReplica',
        value: (input) => [input.replicas, input.concurrencyPerReplica],
        valid: (given: number[]) => given.every(isPositiveInteger) && given[0] <= MAX_REPLICAS,
        allowed: `whole numbers above zero, at most ${MAX_REPLICAS} replicas`,
        fix: 'state both, or give a demand',
        tokens: 'refuse',
      },
    ]);
    const { replicas, concurrencyPerReplica } = size;
    return new EndpointSizing(replicas, Math.min(replicas, ZONES), concurrencyPerReplica, 0.5, undefined, {
      bottleneck: 'chosen by hand',
      utilisation: {},
      alternatives: [],
      reason: 'the size was given, not derived from a demand',
    });
  }

  /**
   * Replicas that a sizing of another kind decided, with a zone lost, and the targets that follow for them.
   * @internal
   */
  public static _given(replicas: number, zones: number, demand: EndpointDemand): EndpointSizing {
    const { concurrencyPerReplica: concurrency, latency } = demand;
    const target = zones > 1 ? (zones - 1) / zones : 1;
    const most = concurrency / (latency.toMilliseconds({ integral: false }) / 1000);
    return new EndpointSizing(replicas, zones, concurrency, target, most, {
      bottleneck: 'decided elsewhere',
      utilisation: {},
      alternatives: [],
      reason: `${replicas} replicas were decided by a sizing of another kind`,
    });
  }

  private constructor(
    /** Replicas at peak. */
    public readonly replicas: number,
    /** Zones that they stand in. */
    public readonly zones: number,
    /** Requests that one replica serves at a time before its latency grows. */
    public readonly concurrencyPerReplica: number,
    /** Share of that concurrency at which replicas are added, 0 to 1. */
    public readonly targetUtilisation: number,
    /** Requests a second that one replica serves at most: concurrency / latency. */
    public readonly requestsPerSecondPerReplica: number | undefined,
    decision: Omit<SizingDecision, 'choice'>,
  ) {
    super({ choice: `${replicas} x ${concurrencyPerReplica} at a time`, ...decision });
  }

  /** Requests in flight on a replica at which replicas are added. */
  public get targetConcurrency(): number {
    return Math.max(1, Math.floor(this.concurrencyPerReplica * this.targetUtilisation));
  }

  /**
   * Requests a minute on a replica at which replicas are added: `most a second x target x 60` (SageMaker developer guide, load testing, with
   * the target as its safety factor).
   */
  public get targetInvocationsPerMinute(): number | undefined {
    const { requestsPerSecondPerReplica: most } = this;
    return most === undefined ? undefined : Math.max(1, Math.floor(most * this.targetUtilisation * 60));
  }
}

/** Whole replicas first: those that do not divide by the zones stand unevenly, and the zone that is lost may be the fullest. */
function replicasFor(inFlight: number, concurrency: number, lostZone: number): number {
  // A millionth less, so that 6.000000000000001 replicas are six.
  return Math.ceil(Math.ceil(inFlight / concurrency - 1e-6) * lostZone - 1e-6);
}

function fewerZones(inFlight: number, concurrency: number, headroom: number, zones: number) {
  const lostZone = zones > 1 ? zones / (zones - 1) : 1;
  const replicas = Math.max(zones, replicasFor(inFlight * headroom, concurrency, lostZone));
  return {
    choice: `${replicas} x ${concurrency} at a time in ${zones} zones`,
    bottleneck: 'concurrency',
    reason: `a lost zone takes 1/${zones} of the replicas along`,
  };
}

function refuseDemand(demand: EndpointDemand, inFlight: number, replicas: number): never {
  return refuse('EndpointSizing.forDemand', {
    code: 'Millrace.EndpointDemandDoesNotFit',
    subject: 'demand',
    received: `${demand.peakRequestsPerSecond} requests/s, ${Number(inFlight.toFixed(1))} in flight: ${replicas} replicas with ${demand.concurrencyPerReplica} at a time`,
    allowed: `at most ${MAX_REPLICAS} replicas`,
    fix: 'check latency and concurrency, use a larger instance, or split the endpoint by tenant',
  });
}
