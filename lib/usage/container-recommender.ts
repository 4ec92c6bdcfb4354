import { DecayedMixture, type RequestCost } from './decayed-mixture';
import { STEP_VALUES, StepCounts } from './request-grid';
import type { RequestPolicy, ResourcePolicy } from './request-policy';
import type { UsageBlock } from './usage-block';

/** Requests of a container: CPU in whole millicores, memory in whole MiB. */
export interface Requests {
  readonly cpu: number;
  readonly memory: number;
}

/** The least a container may request. */
export interface RequestFloors {
  readonly cpu: number;
  readonly memory: number;
}

const DAY = 86_400;
// Throttled usage is taken as what it would have been without, up to this factor: beyond it nobody knows.
const MOST_THROTTLED = 2;
// Many kills in one block say that the limit was far too low, but not how far.
const MOST_BUMP = 2;
// Days after which a resize is half forgotten.
const FATIGUE_HALF_LIFE = 14;
const MOST_ROUNDS = 5;

/**
 * Chooses the requests of one container from its blocks, as they close, and from overruns, as they happen. The same steps run in the
 * benchmark, in the back-test of a profile and in `millrace usage recommend`.
 */
export class ContainerRecommender {
  /** Models of CPU. */
  public readonly cpu: DecayedMixture;
  /** Models of the daily peak of memory. */
  public readonly memory: DecayedMixture;
  private readonly cpuScale: DecayedMean;
  private readonly memoryScale: DecayedMean;
  private readonly buffer = new StepCounts();
  private readonly cpuRequestAt: (step: number) => number;
  private readonly memoryRequestAt: (step: number) => number;
  private day = -1;
  private dayPeak = 0;
  private memoryDecided = true;
  private over = 0;
  private held = 0;
  private recentResizes = 0;
  private readonly resizeDecay: number;

  constructor(
    private readonly policy: RequestPolicy,
    private readonly blockSeconds: number,
    floors: RequestFloors,
  ) {
    const { cpu, memory } = policy;
    const blockDays = blockSeconds / DAY;
    this.resizeDecay = Math.pow(2, -blockDays / FATIGUE_HALF_LIFE);
    this.cpu = new DecayedMixture(cpu.halfLives, blockDays, cpu.sharpness, cpu.judgement);
    this.memory = new DecayedMixture(memory.halfLives, 1, memory.sharpness, memory.judgement);
    this.cpuScale = new DecayedMean(Math.pow(2, -blockDays / cpu.scaleHalfLife));
    this.memoryScale = new DecayedMean(Math.pow(2, -1 / memory.scaleHalfLife));
    this.cpuRequestAt = (step) => Math.max(floors.cpu, Math.floor(STEP_VALUES[step] + 1e-9));
    this.memoryRequestAt = (step) => Math.max(floors.memory, Math.ceil(STEP_VALUES[step] - 1e-9));
  }

  /** Whether there is anything to decide on. */
  public get ready(): boolean {
    return !this.cpu.empty && !this.memory.empty;
  }

  /** Takes a block that is over. */
  public observe(block: UsageBlock): void {
    const cpu = block.usage.get('cpu');
    if (cpu && cpu.histogram.count > 0) {
      const throttled = Math.min(1 - 1 / MOST_THROTTLED, block.throttledMillis / 1000 / cpu.histogram.count);
      const counts = this.buffer.clear().spread(cpu, 1 / (1 - throttled));
      this.cpu.add(counts, this.cpuScale.known ? this.cpuCost() : undefined);
      this.cpuScale.add(counts.sum, counts.total);
      this.cpu.choose(this.cpuCost());
    }
    this.over = 0;
    this.recentResizes *= this.resizeDecay;
    const memory = block.usage.get('memory');
    if (memory && memory.histogram.count > 0) this.observePeak(Math.floor(block.start / DAY), this.memoryPeakOf(block));
    if ((block.start + this.blockSeconds) % DAY === 0) this.closeDay();
  }

  /** Highest memory of a block. What was killed for it has reached its limit, and would have gone further. */
  public memoryPeakOf(block: UsageBlock): number {
    const { peak = 0, request = 0 } = block.usage.get('memory') ?? {};
    return block.oomKills > 0 ? Math.max(peak, request) * Math.min(MOST_BUMP, Math.pow(this.policy.memory.bump, block.oomKills)) : peak;
  }

  /** The history ends here: a day that is not over counts as it is. */
  public closeHistory(): void {
    this.closeDay();
  }

  /** The requests after the last block: decided until nothing changes, so that deciding again on the same history changes nothing. */
  public settle(current: Requests): Requests {
    const resizes = this.recentResizes;
    let requests = current;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.memoryDecided = false;
      const next = this.decide(requests);
      this.recentResizes = resizes;
      if (next.cpu === requests.cpu && next.memory === requests.memory) break;
      requests = next;
    }
    return requests;
  }

  /** The memory to request after a block reached this much. */
  public memoryAbove(seen: number): number {
    return Math.ceil(seen * (1 + this.policy.memory.smear));
  }

  /** The requests from now on; without current ones the cheapest, else the current ones unless a change pays. */
  public decide(current?: Requests): Requests {
    const cpu = this.cpu.best(this.cpuCost(), current?.cpu);
    const memory = this.memory.best(this.memoryCost(), current?.memory);
    if (!current) return { cpu: cpu.request, memory: memory.request };
    const patience = 1 + this.policy.fatigue * this.recentResizes;
    const cpuGain = (cpu.currentCost - cpu.cost) / (this.policy.cpu.resizePrice * patience);
    const memoryGain = this.memoryDecided
      ? 0
      : (memory.currentCost - memory.cost) / (this.memoryPrice(memory.request, current.memory) * patience);
    this.memoryDecided = true;
    if (cpuGain <= 1 && memoryGain <= 1) return current;
    return this.resized({
      cpu: cpuGain > this.policy.companion ? cpu.request : current.cpu,
      memory: memoryGain > this.policy.companion ? memory.request : current.memory,
    });
  }

  /**
   * An overrun of memory: the request is raised at once, to where past peaks above it were.
   *
   * @param sample how many samples without a break were over before this one
   * @param seen what it is known to have reached
   */
  public memoryOver(current: Requests, sample = 0, seen = 0): Requests {
    if (sample % this.policy.memory.repeat !== 0) return current;
    const least = Math.ceil(current.memory * this.policy.memory.bump);
    this.held = this.policy.memory.hold;
    const known = this.memory.bestAbove(current.memory, { ...this.memoryCost(), overPrice: this.policy.memory.eventPrice });
    // The pods restart anyway.
    const cpu = this.cpu.best(this.cpuCost(), current.cpu);
    const cpuGain = (cpu.currentCost - cpu.cost) / this.policy.cpu.resizePrice;
    return this.resized({
      cpu: cpuGain > this.policy.companion ? cpu.request : current.cpu,
      memory: Math.max(least, known ?? 0, this.memoryAbove(seen)),
    });
  }

  /** A sample of CPU over the request: after enough of them in a block the request is raised. */
  public cpuOver(current: Requests): Requests {
    this.over++;
    const { overSamples } = this.policy.cpu;
    if (overSamples === 0 || this.over < overSamples) return current;
    this.over = 0;
    const known = this.cpu.bestAbove(current.cpu, this.cpuCost());
    return this.resized({ cpu: Math.max(known ?? 0, current.cpu + 1), memory: current.memory });
  }

  private observePeak(day: number, peak: number): void {
    if (day !== this.day) {
      this.closeDay();
      this.day = day;
    }
    this.dayPeak = Math.max(this.dayPeak, peak);
  }

  private resized(requests: Requests): Requests {
    this.recentResizes++;
    return requests;
  }

  private memoryPrice(request: number, current: number): number {
    const { resizePrice, raise } = this.policy.memory;
    if (request > current) return resizePrice * raise;
    return this.held > 0 ? Infinity : resizePrice;
  }

  private closeDay(): void {
    if (this.dayPeak > 0) {
      this.held--;
      this.memory.add(
        this.buffer.clear().smear(this.dayPeak, this.policy.memory.smear),
        this.memoryScale.known ? this.memoryCost() : undefined,
      );
      this.memoryScale.add(this.dayPeak, 1);
      this.memory.choose(this.memoryCost());
      this.memoryDecided = false;
    }
    this.dayPeak = 0;
  }

  private cpuCost(): RequestCost {
    return costOf(this.policy.cpu, this.cpuScale.mean, this.cpuRequestAt);
  }

  private memoryCost(): RequestCost {
    return costOf(this.policy.memory, this.memoryScale.mean, this.memoryRequestAt);
  }
}

function costOf(
  { scaleOffset, scaleExponent, reference, overPrice }: ResourcePolicy,
  usage: number,
  requestAt: (step: number) => number,
): RequestCost {
  const scale = Math.pow(usage + scaleOffset, scaleExponent) * Math.pow(reference, 1 - scaleExponent);
  return { scale, overPrice, requestAt };
}

/** A mean that forgets. */
class DecayedMean {
  private sum = 0;
  private weight = 0;

  constructor(private readonly decay: number) {}

  public get known(): boolean {
    return this.weight > 0;
  }

  public get mean(): number {
    return this.weight === 0 ? 0 : this.sum / this.weight;
  }

  public add(sum: number, weight: number): void {
    this.sum = this.sum * this.decay + sum;
    this.weight = this.weight * this.decay + weight;
  }
}
