import { MillraceError, type Violation, show } from '../core/error';
import type { ProfileContainer, ProfileFile } from './profile-file';
import { USAGE_RESOURCES, UsageBlock, type UsageResource, roundUsage } from './usage-block';

/** One sample of one pod. CPU in millicores, memory in MiB, GPU in thousandths of a GPU, GPU memory in MiB. */
export interface UsageSample {
  /** `workload/container`: the same for all pods of a workload. */
  readonly container: string;
  /** Tells the pods of a workload apart; two samples of one pod never have the same time. */
  readonly pod: string;
  /** Unix seconds. */
  readonly time: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly gpu?: number;
  readonly gpuMemory?: number;
  /** Highest memory since the sample before, where the source knows it. */
  readonly memoryPeak?: number;
  /** Share of the CPU periods that were throttled, from 0 to 1. */
  readonly throttled?: number;
  /** Kills for memory since the sample before. */
  readonly oomKills?: number;
  readonly cpuRequest?: number;
  readonly memoryRequest?: number;
  readonly gpuRequest?: number;
}

// The first of many equal mistakes says it all.
const MOST_VIOLATIONS = 20;

/** Writes samples into the blocks of a profile. Nothing is returned when a sample is wrong: one error names what was received. */
export class UsageRecording {
  private readonly lastTime = new Map<string, number>();
  private readonly open = new Map<string, Map<number, UsageBlock>>();
  private readonly violations: Violation[] = [];
  private violationCount = 0;

  /** @param file an empty profile, or one of other times */
  constructor(
    private readonly file: ProfileFile,
    private readonly scope: string,
  ) {}

  /** Adds a sample; those of a pod ascend in time. */
  public add(sample: UsageSample): void {
    const problem = this.problemOf(sample);
    if (problem) {
      this.violationCount++;
      if (this.violations.length < MOST_VIOLATIONS) this.violations.push(problem);
      return;
    }
    this.lastTime.set(keyOf(sample), sample.time);
    const block = this.blockAt(sample.container, sample.time);
    for (const resource of USAGE_RESOURCES) {
      const value = sample[resource];
      if (value !== undefined) block.add(resource, roundUsage(value));
    }
    this.addEvents(block, sample);
  }

  /** The block of a container that holds a time, for sources that aggregate by themselves. */
  public blockAt(container: string, time: number): UsageBlock {
    const { blockSeconds } = this.file;
    const start = Math.floor(time / blockSeconds) * blockSeconds;
    let blocks = this.open.get(container);
    if (!blocks) this.open.set(container, (blocks = new Map()));
    let block = blocks.get(start);
    if (!block) blocks.set(start, (block = new UsageBlock(start)));
    return block;
  }

  /**
   * The profile with all samples. Blocks that were recorded replace those of the same time: pulling a day again corrects it.
   *
   * @throws Millrace.UsageInvalid
   */
  public finish(): ProfileFile {
    if (this.violationCount > 0) {
      const more = this.violationCount - this.violations.length;
      const last = this.violations[this.violations.length - 1];
      if (more > 0) this.violations.push({ ...last, subject: `${last.subject} and ${more} more` });
      throw new MillraceError(this.scope, this.violations);
    }
    const containers = new Map<string, ProfileContainer>(this.file.containers);
    for (const [name, blocks] of this.open) {
      const present = containers.get(name);
      const merged = new Map([...(present?.blocks ?? []).map((block) => [block.start, block] as const), ...blocks]);
      containers.set(name, { ...present, blocks: [...merged.values()].sort((a, b) => a.start - b.start) });
    }
    return { ...this.file, containers };
  }

  private addEvents(block: UsageBlock, sample: UsageSample): void {
    if (sample.memoryPeak !== undefined) {
      const memory = block.of('memory');
      memory.peak = Math.max(memory.peak, roundUsage(sample.memoryPeak));
    }
    const requests: [UsageResource, number | undefined][] = [
      ['cpu', sample.cpuRequest],
      ['memory', sample.memoryRequest],
      ['gpu', sample.gpuRequest],
    ];
    for (const [resource, request] of requests) {
      if (request === undefined) continue;
      const usage = block.of(resource);
      usage.request = Math.max(usage.request, roundUsage(request));
    }
    block.oomKills += sample.oomKills ?? 0;
    block.throttledMillis += Math.round((sample.throttled ?? 0) * 1000);
  }

  private problemOf(sample: UsageSample): Violation | undefined {
    const where = sampleName(sample.container, sample.pod, sample.time);
    if (!isUnixTime(sample.time)) return timeProblem(where, sample.time);
    const last = this.lastTime.get(keyOf(sample));
    if (last !== undefined && sample.time <= last) {
      return sample.time === last
        ? duplicateProblem(where)
        : usageInvalid(
            where,
            `a sample after one of ${timeText(last)}`,
            'samples of a pod in ascending order',
            'sort the source by pod and time',
          );
    }
    for (const [field, value] of Object.entries(sample)) {
      if (typeof value !== 'number' || field === 'time') continue;
      const problem = valueProblem(where, field, value);
      if (problem) return problem;
    }
    return undefined;
  }
}

/** How a sample is named in an error. */
export function sampleName(container: string, pod: string, time: number): string {
  return `${container}, pod ${pod}, ${timeText(time)}`;
}

/** Two samples of a pod at one time. */
export function duplicateProblem(where: string): Violation {
  return usageInvalid(
    where,
    'a second sample at the same time',
    'one sample of a pod at a time',
    'remove duplicates, or name the column that tells pods apart',
  );
}

/** A time that is none. */
export function timeProblem(where: string, time: number): Violation {
  return usageInvalid(where, `time ${show(time)}`, 'unix seconds', 'give the unit of the time column: seconds, not milliseconds');
}

/** What is wrong with a value. */
export function valueProblem(where: string, field: string, value: number): Violation | undefined {
  if (!Number.isFinite(value) || value < 0) {
    return usageInvalid(where, `${field} ${value}`, 'a finite number from 0', 'leave the value empty where nothing was measured');
  }
  const limit = USAGE_LIMITS[field];
  return limit && value > limit.most ? usageInvalid(where, `${field} ${value}`, limit.allowed, limit.fix) : undefined;
}

function usageInvalid(subject: string, received: string, allowed: string, fix: string): Violation {
  return { code: 'Millrace.UsageInvalid', subject, received, allowed, fix };
}

/** Latest time taken for unix seconds; milliseconds are beyond. */
export const LATEST_TIME = 1e10;

function isUnixTime(time: number): boolean {
  return Number.isFinite(time) && time >= 0 && time <= LATEST_TIME;
}

const CPU_LIMIT = { most: 4_000_000, allowed: 'at most 4,000,000 millicores', fix: 'give the unit of the column: millicores or cores' };
const MEMORY_LIMIT = { most: 4_194_304, allowed: 'at most 4 TiB, in MiB', fix: 'give the unit of the column: bytes or MiB' };
/** More than any container has: such a value is in another unit. */
export const USAGE_LIMITS: Readonly<Record<string, { most: number; allowed: string; fix: string }>> = {
  cpu: CPU_LIMIT,
  cpuRequest: CPU_LIMIT,
  memory: MEMORY_LIMIT,
  memoryPeak: MEMORY_LIMIT,
  memoryRequest: MEMORY_LIMIT,
  gpuMemory: MEMORY_LIMIT,
  gpu: { most: 64_000, allowed: 'at most 64,000 thousandths of a GPU', fix: 'give thousandths: 1000 is one GPU fully busy' },
  throttled: { most: 1, allowed: 'a share from 0 to 1', fix: 'divide throttled periods by periods' },
};

function keyOf(sample: UsageSample): string {
  return `${sample.container}\0${sample.pod}`;
}

function timeText(time: number): string {
  return Number.isFinite(time) && Math.abs(time) < 8.64e12 ? new Date(time * 1000).toISOString() : String(time);
}
