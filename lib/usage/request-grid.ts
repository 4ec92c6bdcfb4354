import type { ResourceUsage } from './usage-block';
import { BUCKETS_PER_OCTAVE, SLOTS } from './usage-histogram';

/** Requests are chosen in steps of 2.2 %: finer than the buckets of a profile, because samples are spread inside a bucket up to the peak. */
const STEPS_PER_OCTAVE = 32;
const STEPS_PER_BUCKET = STEPS_PER_OCTAVE / BUCKETS_PER_OCTAVE;
const BOUNDARY_EPSILON = 1e-9;

/** Number of steps: one for values below 1 unit, then 32 a doubling. */
export const STEPS = (SLOTS - 1) * STEPS_PER_BUCKET + 1;
/** The value that no sample of a step reaches. */
export const STEP_VALUES = Float64Array.from({ length: STEPS }, (_, step) => Math.pow(2, step / STEPS_PER_OCTAVE));

/** The step of a value. */
export function stepOf(value: number): number {
  if (value < 1) return 0;
  return Math.min(STEPS - 1, 1 + Math.floor(Math.log2(value) * STEPS_PER_OCTAVE + BOUNDARY_EPSILON));
}

/** Counts on the steps, with the range that is not zero. */
export class StepCounts {
  public readonly counts = new Float64Array(STEPS);
  public low = STEPS - 1;
  public high = 0;
  /** Sum of all counts. */
  public total = 0;
  /** Sum of counts times values. */
  public sum = 0;

  public clear(): this {
    this.counts.fill(0, Math.min(this.low, this.high), this.high + 1);
    this.low = STEPS - 1;
    this.high = 0;
    this.total = 0;
    this.sum = 0;
    return this;
  }

  public add(step: number, count: number): void {
    this.counts[step] += count;
    if (step < this.low) this.low = step;
    if (step > this.high) this.high = step;
    this.total += count;
  }

  /**
   * Spreads each bucket evenly over its steps, the highest only up to the peak. A factor above 1 stands for usage that would have been
   * higher had it not been throttled.
   */
  public spread({ histogram, peak }: ResourceUsage, factor = 1): this {
    const shift = factor > 1 ? Math.round(Math.log2(factor) * STEPS_PER_OCTAVE) : 0;
    const peakStep = stepOf(peak);
    for (let slot = 0; slot < SLOTS; slot++) {
      const count = histogram.counts[slot];
      if (count === 0) continue;
      if (slot === 0) {
        this.add(0, count);
        continue;
      }
      const first = (slot - 1) * STEPS_PER_BUCKET + 1;
      const last = Math.max(first, Math.min(first + STEPS_PER_BUCKET - 1, peakStep));
      for (let step = first; step <= last; step++) {
        const shifted = Math.min(STEPS - 1, step + shift);
        this.add(shifted, count / (last - first + 1));
        this.sum += (count / (last - first + 1)) * STEP_VALUES[shifted];
      }
    }
    return this;
  }

  /** One observation at a peak, smeared upward: the next peak is rarely exactly as high as the last. */
  public smear(peak: number, share: number): this {
    const first = stepOf(peak);
    const width = Math.round(Math.log2(1 + share) * STEPS_PER_OCTAVE);
    // A triangle: its weights 1, 1 - 1/(w+1), … sum to (w + 2) / 2.
    const total = (width + 2) / 2;
    for (let offset = 0; offset <= width; offset++) {
      this.add(Math.min(STEPS - 1, first + offset), (1 - offset / (width + 1)) / total);
    }
    this.sum += peak;
    return this;
  }
}
