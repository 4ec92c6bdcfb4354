/**
 * A port of the recommender of the Vertical Pod Autoscaler (efficiency.md, section 1.1), for the benchmark and the parity test: what it
 * recommends for a container fed by samples. Millicores, bytes, seconds. It is no part of the library.
 */
const DAY = 86_400;
const MIB = 1024 * 1024;
const GROWTH = 1.05;
const EPSILON = 0.001 * 0.1;
const HALF_LIFE = DAY;
// Weights double every half-life; before they overflow, all are scaled down.
const MOST_HALF_LIVES = 100;
const CPU_SAMPLE_WEIGHT = 0.1;
const MARGIN = 0.15;
const MEMORY_WINDOW = DAY;
const OOM_BUMP = 1.2;
const OOM_LEAST_BUMP = 100 * MIB;
const MIN_CPU_MILLIS = 25;
const MIN_MEMORY = 250 * MIB;
const SAMPLES_OF_FULL_CONFIDENCE = 1440;

/** Lower bound, target and upper bound. */
export interface Bounds {
  readonly lower: number;
  readonly target: number;
  readonly upper: number;
}

/** Exponential buckets whose samples weigh twice as much a half-life later. */
class DecayingHistogram {
  private readonly weights: Float64Array;
  private total = 0;
  private first: number;
  private last = 0;
  private reference = 0;

  constructor(
    private readonly firstBucket: number,
    max: number,
  ) {
    this.weights = new Float64Array(Math.ceil(Math.log((max * (GROWTH - 1)) / firstBucket + 1) / Math.log(GROWTH)) + 1);
    this.first = this.weights.length - 1;
  }

  public add(value: number, weight: number, time: number): void {
    const scaled = weight * this.factor(time);
    const bucket = this.bucketOf(value);
    this.weights[bucket] += scaled;
    this.total += scaled;
    if (this.weights[bucket] < EPSILON) return;
    this.first = Math.min(this.first, bucket);
    this.last = Math.max(this.last, bucket);
  }

  public subtract(value: number, weight: number, time: number): void {
    const scaled = weight * this.factor(time);
    const bucket = this.bucketOf(value);
    const without = (x: number) => (x - scaled < EPSILON ? 0 : x - scaled);
    this.total = without(this.total);
    this.weights[bucket] = without(this.weights[bucket]);
    this.narrow();
  }

  /** The end of the bucket that holds the percentile; the start of the last one. */
  public percentile(share: number): number {
    if (this.weights[this.first] < EPSILON) return 0;
    const wanted = share * this.total;
    let sum = 0;
    let bucket = this.first;
    for (; bucket < this.last; bucket++) {
      sum += this.weights[bucket];
      if (sum >= wanted) break;
    }
    return this.startOf(bucket < this.weights.length - 1 ? bucket + 1 : bucket);
  }

  private bucketOf(value: number): number {
    if (value < this.firstBucket) return 0;
    return Math.min(this.weights.length - 1, Math.trunc(Math.log((value * (GROWTH - 1)) / this.firstBucket + 1) / Math.log(GROWTH)));
  }

  private startOf(bucket: number): number {
    return bucket === 0 ? 0 : (this.firstBucket * (Math.pow(GROWTH, bucket) - 1)) / (GROWTH - 1);
  }

  private factor(time: number): number {
    if (time > this.reference + HALF_LIFE * MOST_HALF_LIVES) this.shift(Math.round(time / HALF_LIFE) * HALF_LIFE);
    return Math.pow(2, (time - this.reference) / HALF_LIFE);
  }

  private shift(reference: number): void {
    const scale = Math.pow(2, Math.floor((this.reference - reference) / HALF_LIFE + 0.5));
    for (let bucket = this.first; bucket <= this.last; bucket++) this.weights[bucket] *= scale;
    this.total *= scale;
    this.reference = reference;
    this.narrow();
  }

  private narrow(): void {
    while (this.weights[this.first] < EPSILON && this.first < this.weights.length - 1) this.first++;
    while (this.weights[this.last] < EPSILON && this.last > 0) this.last--;
  }
}

/** The recommender of one container. */
export class VpaRecommender {
  private readonly cpu = new DecayingHistogram(0.01, 1000);
  private readonly memory = new DecayingHistogram(1e7, 1e12);
  private firstSample: number | undefined;
  private lastSample = 0;
  private samples = 0;
  private lastMemorySample = 0;
  private windowEnd = 0;
  private windowPeak = 0;
  private windowOom = 0;

  public addCpu(time: number, cores: number): void {
    this.cpu.add(cores, CPU_SAMPLE_WEIGHT, time);
    this.firstSample ??= time;
    this.lastSample = time;
    this.samples++;
  }

  /** One peak a window counts, stamped at the window's end; a higher one takes its place. */
  public addMemory(time: number, bytes: number, oom = false): void {
    if (!oom && time < this.lastMemorySample) return;
    this.lastMemorySample = time;
    this.windowEnd ||= time;
    if (time < this.windowEnd) {
      const peak = Math.max(this.windowPeak, this.windowOom);
      if (peak === 0 || bytes <= peak) return;
      this.memory.subtract(peak, 1, this.windowEnd);
    } else {
      this.windowEnd += (Math.floor((time - this.windowEnd) / MEMORY_WINDOW) + 1) * MEMORY_WINDOW;
      this.windowPeak = 0;
      this.windowOom = 0;
    }
    this.memory.add(bytes, 1, this.windowEnd);
    if (oom) this.windowOom = bytes;
    else this.windowPeak = bytes;
  }

  public addOom(time: number, requestBytes: number): void {
    const used = Math.max(requestBytes, this.windowPeak);
    this.addMemory(time, Math.max(used + OOM_LEAST_BUMP, used * OOM_BUMP), true);
  }

  /** CPU in millicores and memory in bytes, both with the pod minimum. */
  public recommendation(): { readonly cpu: Bounds; readonly memory: Bounds } {
    const days = (this.lastSample - (this.firstSample ?? 0)) / DAY;
    const confidence = Math.min(days, this.samples / SAMPLES_OF_FULL_CONFIDENCE);
    const lowerFactor = Math.pow(1 + 0.001 / confidence, -2);
    const upperFactor = 1 + 1 / confidence;
    const bounds = (percentile: (share: number) => number, minimum: number): Bounds => {
      const at = (share: number, factor: number) => Math.max(minimum, withMargin(percentile(share), factor));
      return { lower: at(0.5, lowerFactor), target: at(0.9, 1), upper: at(0.95, upperFactor) };
    };
    return {
      cpu: bounds((share) => this.cpu.percentile(share) * 1000, MIN_CPU_MILLIS),
      memory: bounds((share) => this.memory.percentile(share), MIN_MEMORY),
    };
  }
}

/** Truncated after each step, as the Go code's integers are. */
function withMargin(value: number, factor: number): number {
  const usage = Math.trunc(value);
  return Math.trunc((usage + Math.trunc(usage * MARGIN)) * factor);
}
