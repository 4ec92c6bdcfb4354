import { UsageHistogram } from './usage-histogram';

/** What is measured of a container, in the unit of its histogram. */
export const USAGE_RESOURCES = ['cpu', 'memory', 'gpu', 'gpuMemory'] as const;
/** CPU in millicores, memory and GPU memory in MiB, GPU duty in thousandths of a GPU. */
export type UsageResource = (typeof USAGE_RESOURCES)[number];

/** Use of one resource in a block. */
export interface ResourceUsage {
  readonly histogram: UsageHistogram;
  /** Highest sample, in thousandths of a unit exactly. */
  peak: number;
  /** Request at that time, the highest of the block; 0 when none was set or it is not known. */
  request: number;
}

/** What a container used in one block of time, over all its pods. Blocks of the same time merge by sums and maxima, in any order. */
export class UsageBlock {
  public readonly usage = new Map<UsageResource, ResourceUsage>();
  /** Containers killed for memory. */
  public oomKills = 0;
  /** Sum over the samples of the share of CPU periods that were throttled, in thousandths. */
  public throttledMillis = 0;

  /** @param start unix seconds, a multiple of the block length */
  constructor(public readonly start: number) {}

  /** The use of a resource, made when it is not there yet. */
  public of(resource: UsageResource): ResourceUsage {
    let usage = this.usage.get(resource);
    if (!usage) this.usage.set(resource, (usage = { histogram: new UsageHistogram(), peak: 0, request: 0 }));
    return usage;
  }

  /** Adds one sample. */
  public add(resource: UsageResource, value: number): void {
    const usage = this.of(resource);
    usage.histogram.add(value);
    if (value > usage.peak) usage.peak = value;
  }

  /** Samples: one for each pod and interval. */
  public get samples(): number {
    return Math.max(0, ...[...this.usage.values()].map(({ histogram }) => histogram.count));
  }

  public merge(other: UsageBlock): void {
    for (const [resource, { histogram, peak, request }] of other.usage) {
      const usage = this.of(resource);
      usage.histogram.merge(histogram);
      usage.peak = Math.max(usage.peak, peak);
      usage.request = Math.max(usage.request, request);
    }
    this.oomKills += other.oomKills;
    this.throttledMillis += other.throttledMillis;
  }

  public clone(): UsageBlock {
    const copy = new UsageBlock(this.start);
    copy.merge(this);
    return copy;
  }
}

/** What a value is rounded to before it is counted, so that a rate from a counter and the same rate from a file are one value. */
export function roundUsage(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const FIELDS: Readonly<Record<UsageResource, string>> = { cpu: 'cpu', memory: 'mem', gpu: 'gpu', gpuMemory: 'gpumem' };

/**
 * One line: the hour it starts, then each resource as `cpu <peak> <histogram>`, then what happened, then requests as `req <cpu> <memory>`.
 * What is zero is left out.
 */
export function blockLine(block: UsageBlock): string {
  const words = [new Date(block.start * 1000).toISOString().slice(0, 13)];
  for (const resource of USAGE_RESOURCES) {
    const usage = block.usage.get(resource);
    if (usage && usage.histogram.count > 0) words.push(FIELDS[resource], String(usage.peak), usage.histogram.pack());
  }
  if (block.oomKills > 0) words.push('oom', String(block.oomKills));
  if (block.throttledMillis > 0) words.push('throttled', String(block.throttledMillis));
  const requests = USAGE_RESOURCES.map((resource) => block.usage.get(resource)?.request ?? 0);
  while (requests.length > 0 && requests[requests.length - 1] === 0) requests.pop();
  if (requests.length > 0) words.push('req', requests.join('/'));
  return words.join(' ');
}

/** Reads a line; a text is what is wrong with it. */
export function parseBlockLine(line: string): UsageBlock | string {
  const [hour, ...words] = line.split(' ');
  const start = /^\d{4}-\d{2}-\d{2}T\d{2}$/.test(hour) ? Date.parse(`${hour}:00:00Z`) / 1000 : NaN;
  if (!Number.isFinite(start)) return `'${hour}' is not an hour such as 2026-11-01T12`;
  const block = new UsageBlock(start);
  while (words.length > 0) {
    const field = words.shift() as string;
    const problem = readField(block, field, words);
    if (problem) return problem;
  }
  return block;
}

function readField(block: UsageBlock, field: string, words: string[]): string | undefined {
  const resource = USAGE_RESOURCES.find((candidate) => FIELDS[candidate] === field);
  if (resource) {
    const peak = numberOf(words.shift());
    const histogram = UsageHistogram.unpack(words.shift() ?? '');
    if (peak === undefined || !histogram) return `'${field}' needs a peak and a histogram`;
    block.usage.set(resource, { histogram, peak, request: 0 });
    return undefined;
  }
  if (field === 'req') {
    const requests = (words.shift() ?? '').split('/').map(numberOf);
    if (requests.length > USAGE_RESOURCES.length || requests.includes(undefined)) return "'req' needs up to four numbers";
    requests.forEach((request, index) => {
      if (request) block.of(USAGE_RESOURCES[index]).request = request;
    });
    return undefined;
  }
  const value = numberOf(words.shift());
  if (value === undefined || !Number.isInteger(value)) return `'${field}' needs a whole number`;
  if (field === 'oom') block.oomKills = value;
  else if (field === 'throttled') block.throttledMillis = value;
  else return `unknown field '${field}'`;
  return undefined;
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : undefined;
}
