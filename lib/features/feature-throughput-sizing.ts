import { refuse } from '../core/error';
import { type Rule, enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { FEATURE_RATE_RULES, type FeatureDemand } from './feature-demand';

/** How provisioned throughput is sized. */
export interface FeatureThroughputSizingOptions {
  /**
   * Room above the peak of the demand, in percent, 0-900: Feature Store does not scale provisioned throughput, slows down what is beyond it,
   * and adds metadata to records, some of which take a unit more for it.
   * @default 30
   */
  readonly headroom?: number;
  /**
   * Whether history is written beside what is new. It doubles the write units: records older than the newest one of their entity take more
   * (SageMaker developer guide, Throughput modes).
   * @default false
   */
  readonly backfill?: boolean;
  /**
   * Whether there is an online store to read from. Without one no read units are provisioned.
   * @default true
   */
  readonly online?: boolean;
}

/** Units that someone has decided on already. */
export interface FeatureCapacityUnits {
  /**
   * Read units: records of up to 4 KB read a second, 0-40,000.
   * @default - none, for a group without an online store
   */
  readonly readCapacityUnits?: number;
  /** Write units: kilobytes of records written a second, each record rounded up, 0-40,000. */
  readonly writeCapacityUnits: number;
}

const KIB = 1024;
/** SageMaker developer guide, Throughput modes: a read of up to 4 KB takes one unit, a write of up to 1 KB takes one unit. */
const READ_UNIT = 4 * KIB;
const WRITE_UNIT = KIB;
const BACKFILL_FACTOR = 2;
const DEFAULT_HEADROOM = 30;
const DEFAULT_RECORD = KIB;
/** SageMaker developer guide, Quotas of Feature Store: provisioned units of one group, size of a record, requests of an account (soft). */
const MAX_UNITS = 40_000;
const MAX_RECORD = 350 * KIB;
const ACCOUNT_REQUESTS = 10_000;

type Input = FeatureDemand & FeatureThroughputSizingOptions;

function bytesOf(demand: FeatureDemand): number {
  return demand.recordSize?.toBytes({ rounding: 2 }) ?? DEFAULT_RECORD;
}

const RULES: readonly Rule<Input>[] = [
  ...FEATURE_RATE_RULES,
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'demand.recordSize',
    value: (input) => input.recordSize && bytesOf(input),
    valid: (bytes: number) => bytes > 0 && bytes <= MAX_RECORD,
    allowed: 'above 0 and at most 350 KiB, the largest record of Feature Store',
    fix: 'add up the names and values of all features of an entity; split a larger group',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureThroughputInvalid',
    subject: 'throughput.headroom',
    value: (input) => input.headroom,
    valid: (headroom: number) => Number.isFinite(headroom) && headroom >= 0 && headroom <= 900,
    allowed: '0-900 percent',
    fix: 'leave it out for 30',
    tokens: 'refuse',
  },
];

const UNIT_RULES: readonly Rule<FeatureCapacityUnits>[] = (['readCapacityUnits', 'writeCapacityUnits'] as const).map((subject) => ({
  code: 'Millrace.FeatureThroughputInvalid',
  subject: `throughput.${subject}`,
  value: (units) => (subject === 'readCapacityUnits' ? units[subject] : (units[subject] ?? null)),
  valid: (units: unknown) => Number.isSafeInteger(units) && (units as number) >= 0 && (units as number) <= MAX_UNITS,
  allowed: 'a whole number, 0-40,000, which is the quota of one feature group',
  fix: 'use FeatureThroughput.onDemand() above it',
  tokens: 'refuse',
}));

/** What a demand takes in units, before it is known whether a group may have them. */
interface NeededUnits {
  readonly read: number;
  readonly write: number;
  readonly perRead: number;
  readonly perWrite: number;
}

function unitsFor(demand: FeatureDemand, factors: { read: number; write: number }): NeededUnits {
  const bytes = bytesOf(demand);
  const perRead = Math.ceil(bytes / READ_UNIT);
  const perWrite = Math.ceil(bytes / WRITE_UNIT);
  // The rest of a multiplication of floating-point numbers is no reason for a unit more.
  const up = (units: number) => Math.ceil(Number(units.toPrecision(12)));
  return {
    perRead,
    perWrite,
    read: up(demand.readsPerSecond * perRead * factors.read),
    write: up(demand.writesPerSecond * perWrite * factors.write),
  };
}

function wordsOf(read: number | undefined, write: number): string {
  return `Provisioned: ${read === undefined ? '' : `${read} read units, `}${write} write units`;
}

/**
 * The throughput of a feature group of SageMaker: on demand, or units that are provisioned for it. A unit reads a record of up to 4 KB a
 * second, or writes one of up to 1 KB; larger records take a unit for each 4 KB or 1 KB begun (SageMaker developer guide, Throughput modes).
 */
export class FeatureThroughputSizing extends Sizing {
  /**
   * Provisions units for a demand.
   *
   * @throws Millrace.FeatureDemandInvalid, Millrace.FeatureThroughputInvalid, Millrace.FeatureDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: FeatureDemand, options: FeatureThroughputSizingOptions = {}): FeatureThroughputSizing {
    enforce('FeatureThroughputSizing.forDemand', { ...demand, ...options }, RULES);
    const { headroom = DEFAULT_HEADROOM, backfill = false, online = true } = options;
    const room = 1 + headroom / 100;
    const units = unitsFor(demand, { read: online ? room : 0, write: room * (backfill ? BACKFILL_FACTOR : 1) });
    const over = Object.entries({ read: units.read, write: units.write }).filter(([, count]) => count > MAX_UNITS);
    if (over.length > 0) {
      return refuse('FeatureThroughputSizing.forDemand', {
        code: 'Millrace.FeatureDemandDoesNotFit',
        subject: 'demand',
        received: over.map(([kind, count]) => `${count} ${kind} units`).join(', '),
        allowed: `${MAX_UNITS} read units and ${MAX_UNITS} write units in one feature group`,
        fix: 'use FeatureThroughput.onDemand(), or split the features over groups',
      });
    }
    const net = unitsFor(demand, { read: online ? 1 : 0, write: backfill ? BACKFILL_FACTOR : 1 });
    const share = (used: number, of: number) => (of === 0 ? 0 : used / of);
    const history = backfill ? ' x 2 for history' : '';
    return new FeatureThroughputSizing(
      {
        choice: wordsOf(online ? units.read : undefined, units.write),
        bottleneck: units.read > units.write ? 'reads' : 'writes',
        utilisation: { ...(online ? { reads: share(net.read, units.read) } : {}), writes: share(net.write, units.write) },
        alternatives: [
          { choice: 'OnDemand', bottleneck: 'requests of the account', reason: 'follows the load by itself and is billed by request' },
        ],
        reason: [
          ...(online ? [`${demand.readsPerSecond} reads/s x ${units.perRead} units`] : []),
          `${demand.writesPerSecond} writes/s x ${units.perWrite} units${history}`,
          `records of ${bytesOf(demand)} bytes`,
          `${headroom} % headroom`,
        ].join(', '),
      },
      online ? units.read : undefined,
      units.write,
    );
  }

  /**
   * Leaves the units to Feature Store, and says how much of the requests of an account the demand takes.
   *
   * @throws Millrace.FeatureDemandInvalid, Millrace.TokenRefused
   */
  public static onDemand(demand: FeatureDemand): FeatureThroughputSizing {
    enforce('FeatureThroughputSizing.onDemand', demand, RULES);
    const { perRead, perWrite } = unitsFor(demand, { read: 1, write: 1 });
    const { readsPerSecond, writesPerSecond } = demand;
    return new FeatureThroughputSizing({
      choice: 'OnDemand',
      bottleneck: readsPerSecond > writesPerSecond ? 'reads' : 'writes',
      utilisation: { reads: readsPerSecond / ACCOUNT_REQUESTS, writes: writesPerSecond / ACCOUNT_REQUESTS },
      alternatives: [],
      reason: `${readsPerSecond} reads/s x ${perRead} units and ${writesPerSecond} writes/s x ${perWrite} units are billed as they come; shares are of the ${ACCOUNT_REQUESTS} requests/s that an account has for each API by default`,
    });
  }

  /**
   * Takes units that were decided elsewhere.
   *
   * @throws Millrace.FeatureThroughputInvalid, Millrace.TokenRefused
   */
  public static fixed(units: FeatureCapacityUnits): FeatureThroughputSizing {
    enforce('FeatureThroughputSizing.fixed', units, UNIT_RULES);
    const { readCapacityUnits, writeCapacityUnits } = units;
    return new FeatureThroughputSizing(
      {
        choice: wordsOf(readCapacityUnits, writeCapacityUnits),
        bottleneck: 'fixed',
        utilisation: {},
        alternatives: [],
        reason: 'units given by the user',
      },
      readCapacityUnits,
      writeCapacityUnits,
    );
  }

  private constructor(
    decision: SizingDecision,
    /** Read units; none on demand and without an online store. */
    public readonly readCapacityUnits?: number,
    /** Write units; none on demand. */
    public readonly writeCapacityUnits?: number,
  ) {
    super(decision);
  }

  /** Whether units are provisioned. */
  public get provisioned(): boolean {
    return this.writeCapacityUnits !== undefined;
  }
}
