import { meanOf, medianOf, type Season, seasonalProfile, seasonalSlope, seasonSets, type Seasonality, slotOf } from './seasonality';

/** How a candidate goes on: flat, with a trend that fades, or with one that does not. */
export type Trend = 'none' | 'damped' | 'linear';

/** A way to forecast that is tried on a series. */
export interface Candidate {
  readonly name: string;
  readonly trend: Trend;
  /** Taken while nothing has been compared yet: what needs least history to be of use. */
  readonly prior: boolean;
  /** One path per origin, of the length asked for; each looks only at the values before its origin. Origins ascend. */
  paths(values: readonly number[], origins: readonly number[], lengths: readonly number[]): Float64Array[];
}

/** Steps a trend of the damped kind goes on for at most: 0.9 + 0.9² + … = 9. */
const DAMPING = 0.9;
/** Errors beyond three typical ones count as three in an update (robust exponential smoothing, Gelper, Fried and Croux 2010). */
const SURPRISE_LIMIT = 3;
const SCALE_RATE = 0.1;

interface SmoothingOptions {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly damping: number;
  readonly seasons: readonly Season[];
  readonly log: boolean;
}

/** State of exponential smoothing with additive damped trend and seasons, in error-correction form. A gap leaves the state as it is. */
export class Smoothing {
  private level = NaN;
  private slope = 0;
  private typicalError = 0;
  private seen = 0;
  private readonly profiles: Float64Array[];
  private readonly visits: Uint32Array[];

  constructor(private readonly options: SmoothingOptions) {
    this.profiles = options.seasons.map(({ slots }) => new Float64Array(slots));
    this.visits = options.seasons.map(({ slots }) => new Uint32Array(slots));
  }

  public learn(step: number, observed: number): void {
    const { alpha, beta, gamma, damping, seasons } = this.options;
    const trend = this.slope * damping;
    if (Number.isNaN(observed)) {
      if (!Number.isNaN(this.level)) this.level += trend;
      this.slope = trend;
      return;
    }
    const value = this.options.log ? Math.log(observed) : observed;
    if (this.seen++ === 0) {
      this.level = value;
      return;
    }
    const raw = value - (this.level + trend + this.seasonAt(step));
    // The first errors set the scale; until then nothing is surprising.
    const limit = this.seen > 5 ? Math.max(this.typicalError * SURPRISE_LIMIT * 1.25, Number.MIN_VALUE) : Infinity;
    const error = this.typicalError === 0 ? raw : Math.max(-limit, Math.min(limit, raw));
    // The scale follows at twice the limit, so that a new level is no longer a surprise after some steps.
    const size = Math.min(Math.abs(raw), 2 * limit);
    this.typicalError += Math.max(SCALE_RATE, 1 / this.seen) * ((this.typicalError === 0 ? Math.abs(raw) : size) - this.typicalError);
    // A running mean until the rates take over: the start of the series decides nothing for long.
    const rate = Math.max(alpha, 1 / this.seen);
    this.level += trend + rate * error;
    this.slope = trend + beta * rate * error;
    seasons.forEach((season, index) => {
      const slot = slotOf(season, step);
      const visits = ++this.visits[index][slot];
      this.profiles[index][slot] += (1 - rate) * Math.max(gamma / season.stride, 1 / (visits + season.stride)) * error;
    });
  }

  public path(origin: number, length: number): Float64Array {
    const path = new Float64Array(length);
    let trend = 0;
    let weight = 1;
    for (let ahead = 0; ahead < length; ahead++) {
      weight *= this.options.damping;
      trend += this.slope * weight;
      const value = this.level + trend + this.seasonAt(origin + ahead);
      path[ahead] = this.options.log ? Math.exp(value) : value;
    }
    return path;
  }

  private seasonAt(step: number): number {
    return seasonalOf(this.profiles, this.options.seasons, step);
  }
}

function smoothing(name: string, options: SmoothingOptions, prior = false): Candidate {
  return {
    name,
    prior,
    trend: options.beta > 0 ? (options.damping < 1 ? 'damped' : 'linear') : 'none',
    paths: (values, origins, lengths) => {
      const state = new Smoothing(options);
      let learned = 0;
      return origins.map((origin, index) => {
        for (; learned < origin; learned++) state.learn(learned, values[learned]);
        return state.path(origin, lengths[index]);
      });
    },
  };
}

/** The last season again; a gap in it takes the value of the season before. Steps of 1 are the naive forecast. */
export function seasonalNaive(values: readonly number[], origin: number, period: number, length: number): Float64Array {
  const last = new Float64Array(period).fill(NaN);
  for (let slot = 0; slot < period; slot++) {
    for (let step = origin - period + slot; step >= 0 && Number.isNaN(last[slot]); step -= period) last[slot] = values[step];
  }
  if (last.some(Number.isNaN)) {
    const typical = medianOf(values.slice(0, origin));
    last.forEach((value, slot) => (last[slot] = Number.isNaN(value) ? typical : value));
  }
  const path = new Float64Array(length);
  for (let ahead = 0; ahead < length; ahead++) path[ahead] = last[ahead % period];
  return path;
}

type Path = (values: readonly number[], origin: number, length: number) => Float64Array;

function fromEachOrigin(name: string, trend: Trend, path: Path, prior = false): Candidate {
  return { name, trend, prior, paths: (values, origins, lengths) => origins.map((origin, fold) => path(values, origin, lengths[fold])) };
}

interface WindowOptions {
  /** Steps looked back at. */
  readonly window: number;
  readonly seasons: readonly Season[];
  readonly middle: (values: number[]) => number;
}

/** A level with a seasonal profile, both the middle of a window. */
function steadyLevel(values: readonly number[], origin: number, length: number, { window, seasons, middle }: WindowOptions): Float64Array {
  const start = Math.max(0, origin - window);
  const recent = values.slice(start, origin);
  const level = middle(recent);
  if (Number.isNaN(level)) return new Float64Array(length).fill(medianOf(values.slice(0, origin)));
  const departures = recent.map((value) => value - level);
  const profile = seasonalProfile(departures, start, seasons, middle);
  return straightPath({ level, slope: 0, profile, seasons }, origin, length);
}

interface Line {
  readonly level: number;
  readonly slope: number;
  readonly profile: readonly Float64Array[];
  readonly seasons: readonly Season[];
}

function straightPath({ level, slope, profile, seasons }: Line, origin: number, length: number): Float64Array {
  const path = new Float64Array(length);
  for (let ahead = 0; ahead < length; ahead++) path[ahead] = level + slope * ahead + seasonalOf(profile, seasons, origin + ahead);
  return path;
}

function seasonalOf(profile: readonly Float64Array[], seasons: readonly Season[], step: number): number {
  let sum = 0;
  for (let index = 0; index < seasons.length; index++) sum += profile[index][slotOf(seasons[index], step)];
  return sum;
}

interface LineOptions {
  readonly share: number;
  /** Latest departures from the line whose median moves it; 0 leaves the line where the whole window has it. */
  readonly anchor: number;
  readonly period: number;
  readonly seasons: readonly Season[];
}

/** A straight line by the median slope with a seasonal profile, through the middle of its window or through its latest values. */
function line(values: readonly number[], origin: number, length: number, { share, anchor, period, seasons }: LineOptions): Float64Array {
  const start = Math.min(Math.max(0, origin - Math.max(Math.ceil(origin * share), 3 * period)), origin);
  const recent = values.slice(start, origin);
  const slope = seasonalSlope(values, start, origin, period);
  const flat = recent.map((value, index) => value - slope * (start + index - origin));
  const level = medianOf(flat);
  if (Number.isNaN(level)) return new Float64Array(length).fill(medianOf(values.slice(0, origin)));
  const departures = flat.map((value) => value - level);
  const profile = seasonalProfile(departures, start, seasons, medianOf);
  const latest = anchor > 0 ? departures.map((value, index) => value - seasonalOf(profile, seasons, start + index)).slice(-anchor) : [];
  const moved = medianOf(latest);
  return straightPath({ level: level + (Number.isNaN(moved) ? 0 : moved), slope, profile, seasons }, origin, length);
}

/** The family that is tried, simplest first. A log scale (growth and seasons in per cent) is for series that never touch zero. */
export function candidatesFor(seasonality: Seasonality, phase: number, positive: boolean): Candidate[] {
  const { longest, daily } = seasonality;
  const sets = seasonSets(seasonality, phase);
  const base = { beta: 0, gamma: 0.1, damping: DAMPING, log: false };
  const naive = (period: number): Path => {
    return (values, origin, length) => seasonalNaive(values, origin, period, length);
  };
  const found = [fromEachOrigin('naive', 'none', naive(1), longest === 1)];
  for (const period of new Set([daily ?? longest, longest])) {
    if (period > 1) found.push(fromEachOrigin(`seasonal naive of ${period} steps`, 'none', naive(period), period === longest));
  }
  for (const { name, seasons } of sets) {
    const all = seasons === sets[sets.length - 1].seasons;
    for (const alpha of [0.05, 0.2, 0.5]) {
      found.push(smoothing(`exponential smoothing ${alpha}, ${name}`, { ...base, alpha, seasons }, longest === 1 && alpha === 0.2));
    }
    found.push(smoothing(`damped Holt-Winters, ${name}`, { ...base, alpha: 0.3, beta: 0.2, seasons }));
    if (positive)
      found.push(smoothing(`damped Holt-Winters on log scale, ${name}`, { ...base, alpha: 0.2, beta: 0.1, seasons, log: true }));
    for (const cycles of [3, 8]) {
      const window = Math.max(cycles * longest, 2 * cycles);
      const levels = { 'median level': medianOf, 'mean level': meanOf };
      for (const [kind, middle] of Object.entries(levels)) {
        const options = { window, seasons, middle };
        const steady: Path = (values, origin, length) => steadyLevel(values, origin, length, options);
        found.push(fromEachOrigin(`${kind} of ${window} steps, ${name}`, 'none', steady, all && cycles === 3 && middle === medianOf));
      }
    }
  }
  const richest = sets[sets.length > 2 ? 2 : sets.length - 1];
  for (const share of [1, 0.5]) {
    for (const anchor of [0, Math.max(3, Math.min(longest, 24))]) {
      const options = { share, anchor, period: longest, seasons: richest.seasons };
      const name = `${anchor > 0 ? 'drift' : 'line'} over ${share === 1 ? 'all' : 'half'} of the history, ${richest.name}`;
      found.push(fromEachOrigin(name, 'linear', (values, origin, length) => line(values, origin, length, options)));
    }
  }
  return found;
}
