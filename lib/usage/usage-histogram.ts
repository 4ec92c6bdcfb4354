/**
 * Buckets per factor of two: schema 3 of Prometheus native histograms and scale 3 of OpenTelemetry exponential histograms. A bucket is
 * 9 % wide, and the same value falls into the same bucket in every profile, so that counts add up. Finer buckets bought nothing on the
 * development traces, shorter blocks did (decision 0014).
 */
export const BUCKETS_PER_OCTAVE = 8;
/** Slots of a histogram: one for values below 1, then those up to 2^22 units (4,194 cores, 4 TiB). */
export const SLOTS = 22 * BUCKETS_PER_OCTAVE + 1;

// Logarithms of exact powers of two differ in the last bit between engines; values next to a boundary go up everywhere.
const BOUNDARY_EPSILON = 1e-9;
// Digits of the packed form: five bits each, least significant first; the upper half of the alphabet says that more digits follow.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BASE = 32;

/** The slot of a value: 0 below 1 unit, then 8 a doubling. */
export function slotOf(value: number): number {
  if (value < 1) return 0;
  return Math.min(SLOTS - 1, 1 + Math.floor(Math.log2(value) * BUCKETS_PER_OCTAVE + BOUNDARY_EPSILON));
}

/** The value that no sample of a slot reaches. */
export function upperBound(slot: number): number {
  return Math.pow(2, slot / BUCKETS_PER_OCTAVE);
}

/** The value from which samples fall into a slot. */
export function lowerBound(slot: number): number {
  return slot === 0 ? 0 : upperBound(slot - 1);
}

/** How often a resource was used how much: counts on a fixed exponential grid, so that histograms merge in any order. */
export class UsageHistogram {
  /** Reads the packed form; `undefined` when the text is none. */
  public static unpack(text: string): UsageHistogram | undefined {
    const histogram = new UsageHistogram();
    let slot = 0;
    for (let position = 0; position < text.length;) {
      const [value, next] = readNumber(text, position);
      if (next < 0) return undefined;
      position = next;
      if (value > 0) {
        if (slot >= SLOTS) return undefined;
        histogram.counts[slot++] = value;
        histogram.total += value;
        continue;
      }
      const [zeros, after] = readNumber(text, position);
      if (after < 0) return undefined;
      slot += zeros + 1;
      position = after;
    }
    return histogram.total > 0 ? histogram : undefined;
  }

  /** Samples in each slot. */
  public readonly counts = new Uint32Array(SLOTS);
  private total = 0;

  /** Samples in all slots. */
  public get count(): number {
    return this.total;
  }

  public add(value: number, count = 1): void {
    this.addToSlot(slotOf(value), count);
  }

  public addToSlot(slot: number, count: number): void {
    this.counts[slot] += count;
    this.total += count;
  }

  public merge(other: UsageHistogram): void {
    for (let slot = 0; slot < SLOTS; slot++) this.counts[slot] += other.counts[slot];
    this.total += other.total;
  }

  /**
   * The value that at most `1 - share` of the samples exceed; inside a bucket samples are taken as evenly spread up to the peak.
   * 0 when there are none.
   */
  public quantile(share: number, peak = Infinity): number {
    if (this.total === 0) return 0;
    const wanted = share * this.total;
    let sum = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const count = this.counts[slot];
      if (count === 0 || sum + count < wanted) {
        sum += count;
        continue;
      }
      const low = lowerBound(slot);
      return low + (Math.max(low, Math.min(upperBound(slot), peak)) - low) * ((wanted - sum) / count);
    }
    return Math.min(upperBound(SLOTS - 1), peak);
  }

  /** Share of the samples above a value; inside a bucket samples are taken as evenly spread up to the peak. */
  public shareAbove(value: number, peak = Infinity): number {
    if (this.total === 0) return 0;
    let above = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const low = lowerBound(slot);
      const high = Math.max(low, Math.min(upperBound(slot), peak));
      if (low >= value) above += this.counts[slot];
      else if (high > value) above += (this.counts[slot] * (high - value)) / (high - low);
    }
    return above / this.total;
  }

  /** Mean, counting each sample at the middle of its bucket, and those below one unit as zero. */
  public mean(): number {
    let sum = 0;
    for (let slot = 1; slot < SLOTS; slot++) sum += (this.counts[slot] * (lowerBound(slot) + upperBound(slot))) / 2;
    return this.total === 0 ? 0 : sum / this.total;
  }

  /** The packed form: one character for a count below 32, two for a run of up to 32 empty slots. */
  public pack(): string {
    let text = '';
    let zeros = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const count = this.counts[slot];
      if (count === 0) {
        zeros++;
        continue;
      }
      if (zeros > 0) text += DIGITS[0] + writeNumber(zeros - 1);
      zeros = 0;
      text += writeNumber(count);
    }
    return text;
  }
}

function writeNumber(value: number): string {
  let text = '';
  let rest = value;
  for (; rest >= BASE; rest = Math.floor(rest / BASE)) text += DIGITS[BASE + (rest % BASE)];
  return text + DIGITS[rest];
}

/** The number and the position after it, which is -1 when there is no number. */
function readNumber(text: string, start: number): [number, number] {
  let value = 0;
  let scale = 1;
  for (let position = start; position < text.length; position++) {
    const digit = DIGITS.indexOf(text[position]);
    if (digit < 0 || scale > 2 ** 40) return [0, -1];
    value += (digit % BASE) * scale;
    scale *= BASE;
    if (digit < BASE) return [value, position + 1];
  }
  return [0, -1];
}
