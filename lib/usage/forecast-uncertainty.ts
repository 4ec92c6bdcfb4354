import { bandPosition, bandsOf, type Fold } from './forecast-model';
import { quantileOfSorted } from './seasonality';

/** How far the outcome may lie below and above what is expected. `below` is at most 0, `above` at least 0. */
export interface Spread {
  readonly below: number;
  readonly above: number;
}

/** Folds without which the back-test cannot correct the width of its own intervals. */
const FOLDS_TO_CALIBRATE = 6;
/** Bounds of that correction: a history is too short to claim more than this about its own intervals. */
const LEAST_STRETCH = 1;
const MOST_STRETCH = 2.5;
/** Errors of fewer folds than this are stretched: the worst of three is not the worst of ten. */
const FEW_FOLDS = 5;
/** Growth of the error of a step, and of a sum, beyond what is tested: at least a slow one, at most that of a wrong slope. */
const STEP_GROWTH = [0.25, 1] as const;
const SUM_GROWTH = [0.75, 1.5] as const;

/** An error of this many interval widths counts as that many in a sum. */
const SPIKE_LIMIT = 4;

interface Outcome {
  readonly error: number;
  readonly target: number;
}

/**
 * Prediction intervals from the errors that the forecast really made in the past, by horizon (split conformal prediction on rolling
 * origins). Nothing is assumed about their distribution. Where past intervals held less often than they claimed, the next ones
 * are stretched.
 */
export class Uncertainty {
  /** Share of past outcomes within the interval of their time; NaN when there are too few. */
  public readonly heldShare: number;
  private readonly spreads: Spread[];
  private readonly stretch: number;
  private readonly stepGrowth: number;
  private readonly ends: number[];

  constructor(
    private readonly values: readonly number[],
    private readonly folds: readonly Fold[],
    private readonly tested: number,
    private readonly coverage: number,
  ) {
    this.ends = bandsOf(tested);
    const ratios: Outcome[] = [];
    let held = 0;
    let checked = 0;
    // The first intervals rest on next to nothing; they would teach that intervals are too wide.
    for (const { origin, forecast } of folds.slice(FEW_FOLDS)) {
      const known = this.spreadsAt(origin);
      const stretch = this.stretchAt(ratios, origin);
      forecast.forEach((expected, ahead) => {
        const { band } = bandPosition(this.ends, ahead + 1);
        const error = values[origin + ahead] - expected;
        if (Number.isNaN(error) || band >= known.length) return;
        const { below, above } = spreadAt(known, this.ends, ahead + 1);
        const limit = error < 0 ? below : above;
        const ratio = error === 0 ? 0 : limit === 0 ? Infinity : error / limit;
        ratios.push({ error: ratio, target: origin + ahead });
        checked += 1;
        if (ratio <= stretch) held += 1;
      });
    }
    this.heldShare = checked === 0 ? NaN : held / checked;
    this.spreads = this.spreadsAt(values.length);
    this.stretch = this.stretchAt(ratios, values.length);
    this.stepGrowth = this.growthOfSteps();
  }

  /** For one step, `ahead` from 1. */
  public ofStep(ahead: number): Spread {
    const { below, above } = spreadAt(this.spreads, this.ends, Math.min(ahead, this.tested));
    const factor = this.stretch * (ahead > this.tested ? (ahead / this.tested) ** this.stepGrowth : 1);
    return { below: below * factor, above: above * factor };
  }

  /**
   * For the sum of `count` steps from `first` (0 is the first step ahead), from errors of such sums in the past: errors of neighbouring
   * steps neither cancel nor add up fully. `shift` is the median error: a sum of medians is not the median of a sum.
   */
  public ofSum(first: number, count: number): Spread & { readonly shift: number } {
    const length = Math.min(count, this.tested);
    // With a window that needs the whole tested horizon there may be one fold only: a shorter one with more folds says more.
    const usable = Math.max(1, Math.min(length, Math.floor(this.tested / 2) || 1));
    const start = Math.min(first, this.tested - usable);
    const sums = this.sumErrors(start, usable);
    const growth = this.growthOfSums(usable);
    const reach = (first + count) / (start + usable);
    const widths = (count / usable) ** growth * Math.max(1, reach / (count / usable)) ** this.stepGrowth;
    const spread = widen(sums, this.coverage, sums.length);
    // Sums that overlap say the same thing twice: what counts is how many fit into the tested past side by side.
    const span = this.values.length - this.folds[0].origin;
    const apart = Math.sqrt(1 + FEW_FOLDS / Math.max(1, span / usable));
    const stretch = widths * apart * Math.max(1, this.stretch);
    // Few folds overlap each other: their common error is rather bad luck than a habit.
    const shift = (quantileOfSorted(sums, 0.5) * (count / usable) * sums.length) / (sums.length + 2 * FEW_FOLDS);
    return { below: spread.below * stretch, above: spread.above * stretch, shift };
  }

  private sumErrors(start: number, length: number): Float64Array {
    const sums: number[] = [];
    // One spike stands in every fold that looks at it; taken whole it would be expected in each period to come.
    const limits = Array.from({ length }, (_, index) => {
      const { below, above } = spreadAt(this.spreads, this.ends, start + index + 1);
      return SPIKE_LIMIT * (above - below);
    });
    for (const { origin, forecast } of this.folds) {
      if (forecast.length < start + length) continue;
      let sum = 0;
      let known = 0;
      for (let ahead = start; ahead < start + length; ahead++) {
        const error = this.values[origin + ahead] - forecast[ahead];
        if (Number.isNaN(error)) continue;
        const limit = limits[ahead - start];
        sum += limit > 0 ? Math.max(-limit, Math.min(limit, error)) : error;
        known += 1;
      }
      if (known > 0) sums.push((sum * length) / known);
    }
    return Float64Array.from(sums).sort();
  }

  private growthOfSums(length: number): number {
    // Over a factor of four where there is one: over two it is mostly noise.
    const shorter = Math.floor(length / (length >= 4 ? 4 : 2));
    if (shorter < 1) return 1;
    const size = (steps: number) => quantileOfSorted(this.sumErrors(0, steps).map(Math.abs).sort(), 0.5);
    return growth(size(shorter), size(length), length / shorter, SUM_GROWTH);
  }

  private growthOfSteps(): number {
    if (this.spreads.length < 3) return 0.5;
    const width = (band: number) => this.spreads[band].above - this.spreads[band].below;
    const last = this.spreads.length - 1;
    return growth(width(last - 2), width(last), this.ends[last] / this.ends[last - 2], STEP_GROWTH);
  }

  /** Spread by band from errors whose outcome was known at the step `now`, never narrower for a longer look ahead. */
  private spreadsAt(now: number): Spread[] {
    const spreads: Spread[] = [];
    for (const [band, end] of this.ends.entries()) {
      const errors: number[] = [];
      let folds = 0;
      for (const { origin, forecast } of this.folds) {
        const before = errors.length;
        for (let ahead = band === 0 ? 0 : this.ends[band - 1]; ahead < Math.min(end, forecast.length, now - origin); ahead++) {
          const error = this.values[origin + ahead] - forecast[ahead];
          if (!Number.isNaN(error)) errors.push(error);
        }
        if (errors.length > before) folds += 1;
      }
      const narrower = spreads[band - 1] ?? { below: 0, above: 0 };
      if (folds === 0 && band === 0) return [];
      const { below, above } = widen(Float64Array.from(errors).sort(), this.coverage, folds);
      spreads.push({ below: Math.min(narrower.below, below), above: Math.max(narrower.above, above) });
    }
    return spreads;
  }

  /** What past intervals should have been multiplied with to hold as often as they claimed (adaptive conformal inference). */
  private stretchAt(ratios: readonly Outcome[], now: number): number {
    const known = ratios.filter(({ target }) => target < now).map(({ error }) => error);
    if (this.folds.filter(({ origin }) => origin < now).length < FOLDS_TO_CALIBRATE || known.length < 2 * FOLDS_TO_CALIBRATE) return 1;
    const needed = Float64Array.from(known).sort()[Math.min(known.length - 1, Math.ceil(this.coverage * known.length) - 1)];
    return Math.min(Math.max(needed, LEAST_STRETCH), MOST_STRETCH);
  }
}

function growth(shorter: number, longer: number, ratio: number, [least, most]: readonly [number, number]): number {
  const found = shorter > 0 && longer > 0 ? Math.log(longer / shorter) / Math.log(ratio) : least;
  return Math.min(Math.max(found, least), most);
}

function spreadAt(spreads: readonly Spread[], ends: readonly number[], ahead: number): Spread {
  if (spreads.length === 0) return { below: 0, above: 0 };
  const { band, next } = bandPosition(ends, ahead);
  const lower = spreads[Math.min(band, spreads.length - 1)];
  const upper = spreads[Math.min(band + 1, spreads.length - 1)];
  return { below: lower.below + (upper.below - lower.below) * next, above: lower.above + (upper.above - lower.above) * next };
}

/** Quantiles of sorted errors at both ends, with the correction for a finite number of folds; of few folds the worst error, stretched, both ways. */
function widen(sorted: Float64Array, coverage: number, folds: number): Spread {
  if (sorted.length === 0) return { below: 0, above: 0 };
  if (folds < FEW_FOLDS) {
    const worst = Math.max(Math.abs(sorted[0]), Math.abs(sorted[sorted.length - 1])) * Math.sqrt(FEW_FOLDS / folds);
    return { below: -worst, above: worst };
  }
  const tail = ((1 - coverage) / 2) * (1 - 1 / folds);
  const [below, above] = [quantileOfSorted(sorted, tail), quantileOfSorted(sorted, 1 - tail)];
  return { below: Math.min(0, below), above: Math.max(0, above) };
}
