/** How the request of one resource is chosen. Prices are relative to what the container uses, so no fleet and no unit is built in. */
export interface ResourcePolicy {
  /** Half-lives of the models, in days. */
  readonly halfLives: readonly number[];
  /** How much the model prevails whose requests were cheapest; 0 keeps all alike. */
  readonly sharpness: number;
  /** Half-life of what the models are judged on, in days. */
  readonly judgement: number;
  /** Price of being over the request all the time, in requests as large as the usage. */
  readonly overPrice: number;
  /** Saving from which the request changes, in requests as large as the usage. */
  readonly resizePrice: number;
  /** Half-life of the usage that prices are relative to, in days. */
  readonly scaleHalfLife: number;
  /** Added to that usage: below it an overrun costs no less. Millicores or MiB. */
  readonly scaleOffset: number;
  /**
   * The price of an overrun and of a resize grows with the usage to this power: both cost the users of a large container more than those of
   * a small one, but not in proportion, while what is requested and idle costs in proportion.
   */
  readonly scaleExponent: number;
  /** Usage at which the prices are what they say. Millicores or MiB. */
  readonly reference: number;
}

/** How CPU is chosen. */
export interface CpuPolicy extends ResourcePolicy {
  /** Samples over the request within a block after which it is raised at once; 0 waits for the end of the block. */
  readonly overSamples: number;
}

/** How memory is chosen: by the peaks of its days, because one sample over the limit kills. */
export interface MemoryPolicy extends ResourcePolicy {
  /** How far above a seen peak the next one is expected, as a share. */
  readonly smear: number;
  /** Price of an overrun when the request is raised after one. */
  readonly eventPrice: number;
  /** A request is raised at least by this factor after an overrun. */
  readonly bump: number;
  /** Samples of one overrun after which the request is raised once more: what it was raised to was not enough. */
  readonly repeat: number;
  /** What raising without an overrun has to save, as a multiple of the price of a resize. */
  readonly raise: number;
  /** Days after an overrun in which the request is not lowered. */
  readonly hold: number;
}

/** A policy, named for what it trades. */
export interface RequestPolicy {
  readonly name: string;
  readonly cpu: CpuPolicy;
  readonly memory: MemoryPolicy;
  /** When one resource is resized anyway, the other follows from this share of its own price. */
  readonly companion: number;
  /** What each resize of the last weeks adds to the price of the next, as a share: pods that were just restarted are left alone. */
  readonly fatigue: number;
}

/** Few changes: for requests that are committed and rolled out. */
export const STEADY: RequestPolicy = {
  name: 'steady',
  cpu: {
    halfLives: [1, 2, 4, 8, 16, 32],
    sharpness: 7,
    judgement: 30,
    overPrice: 38,
    resizePrice: 0.6,
    scaleHalfLife: 28,
    scaleOffset: 3,
    scaleExponent: 0.6,
    reference: 100,
    overSamples: 0,
  },
  memory: {
    halfLives: [2, 5, 12, 30],
    sharpness: 2.5,
    judgement: 45,
    overPrice: 6.3,
    resizePrice: 0.155,
    scaleHalfLife: 40,
    scaleOffset: 18,
    scaleExponent: 0.75,
    reference: 1024,
    smear: 0.07,
    eventPrice: 2.4,
    bump: 1.15,
    repeat: 6,
    raise: 2,
    hold: 2,
  },
  companion: 0.25,
  fatigue: 0.9,
};

/** More changes: for requests that an updater applies by itself. It also follows overruns of CPU that last an hour. */
export const RESPONSIVE: RequestPolicy = {
  name: 'responsive',
  cpu: {
    halfLives: [0.25, 1, 4],
    sharpness: 9,
    judgement: 20,
    overPrice: 33.7,
    resizePrice: 0.75,
    scaleHalfLife: 16,
    scaleOffset: 3,
    scaleExponent: 0.5,
    reference: 100,
    overSamples: 12,
  },
  memory: {
    halfLives: [2, 8, 32],
    sharpness: 7.6,
    judgement: 12,
    overPrice: 5.4,
    resizePrice: 0.2,
    scaleHalfLife: 16,
    scaleOffset: 4,
    scaleExponent: 0.645,
    reference: 1024,
    smear: 0.105,
    eventPrice: 3.3,
    bump: 1.54,
    repeat: 4,
    raise: 2,
    hold: 2,
  },
  companion: 1,
  fatigue: 0.026,
};

/** The policies by name. */
export const POLICIES = { steady: STEADY, responsive: RESPONSIVE } as const;
/** Name of a policy. */
export type PolicyName = keyof typeof POLICIES;
