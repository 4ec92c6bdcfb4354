import type { FeatureDemand } from '../feature-demand';
import { type FeatureCapacityUnits, FeatureThroughputSizing } from '../feature-throughput-sizing';

/** How provisioned throughput follows from the demand. */
export interface ProvisionedThroughputOptions {
  /**
   * Room above the peak of the demand, in percent, 0-900: beyond its units a group slows its clients down, and it does not scale them.
   * @default 30
   */
  readonly headroom?: number;
  /**
   * Whether history is written beside what is new, which doubles the write units.
   * @default false
   */
  readonly backfill?: boolean;
}

/**
 * How a feature group is billed and limited. It can be changed in place: units go up at any time and down at most 27 times a day; a group
 * goes back to on demand once in 24 hours (SageMaker developer guide, Throughput modes).
 */
export class FeatureThroughput {
  /** Follows the load, billed by request. */
  public static onDemand(): FeatureThroughput {
    return new FeatureThroughput(false, (demand) => demand && FeatureThroughputSizing.onDemand(demand));
  }

  /** Units from the demand of the group: for steady load, which they cost less for. Not for an in-memory store. */
  public static provisioned(options: ProvisionedThroughputOptions = {}): FeatureThroughput {
    return new FeatureThroughput(true, (demand, online) => demand && FeatureThroughputSizing.forDemand(demand, { ...options, online }));
  }

  /** Units that were decided elsewhere. Not for an in-memory store. */
  public static fixed(units: FeatureCapacityUnits): FeatureThroughput {
    const sizing = FeatureThroughputSizing.fixed(units);
    return new FeatureThroughput(true, () => sizing, units);
  }

  /** @internal */
  public readonly _size: (demand: FeatureDemand | undefined, online: boolean) => FeatureThroughputSizing | undefined;

  private constructor(
    /** Whether units are provisioned. */
    public readonly isProvisioned: boolean,
    size: (demand: FeatureDemand | undefined, online: boolean) => FeatureThroughputSizing | undefined,
    /** Units that were decided elsewhere. */
    public readonly units?: FeatureCapacityUnits,
  ) {
    this._size = size;
  }
}
