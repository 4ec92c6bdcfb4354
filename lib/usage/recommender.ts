import { refuse, show } from '../core/error';
import { type BackTest, backTest } from './back-test';
import type { ContainerRecommender, Requests } from './container-recommender';
import { type ProfileContainer, type ProfileFile, replicasOf } from './profile-file';
import type { Recommendation } from './recommendation';
import { POLICIES, type PolicyName } from './request-policy';
import type { UsageBlock, UsageResource } from './usage-block';
import { UsageHistogram } from './usage-histogram';
import { type WorkloadClass, policyFor } from './workload-class';

/** Version of the algorithm; it is recorded with each recommendation. */
export const ALGORITHM = 'millrace-1';

/** What CPU and memory cost an hour. */
export interface RequestPrices {
  readonly cpuCoreHour: number;
  readonly memoryGibHour: number;
}

/** How a container is recommended for. */
export interface RecommenderOptions {
  readonly policy: PolicyName;
  /** @default - the class in the profile, else gpu when a GPU was measured, else service */
  readonly workloadClass?: WorkloadClass;
  /** @default 10 */
  readonly minCpuMillis?: number;
  /** @default 16 */
  readonly minMemoryMib?: number;
  /** @default - no saving is stated */
  readonly prices?: RequestPrices;
  /**
   * CPU utilisation, percent of the request, that an autoscaler holds: then the request follows from the usage of a replica, not from its
   * peaks, because more replicas carry those.
   * @default - not autoscaled on CPU
   */
  readonly autoscaledAt?: number;
}

const DAY = 86_400;
const WEEK = 7 * DAY;
const HOURS_A_MONTH = 730;
const MIB_A_GIB = 1024;
// What VPA's recommender looks back on; with less of it, bounds are wide there and the confidence is low here.
const WANTED_DAYS = 8;
const LOW_CONFIDENCE = 0.5;
// With little history: what was seen last is not the worst there is.
const FALLBACK_CPU = 1.25;
const FALLBACK_MEMORY = 1.5;
const GPU_MEMORY_HEADROOM = 1.1;

/**
 * The requests of one container of a profile.
 *
 * @throws Millrace.ProfileContainerUnknown, Millrace.UsageHistoryTooShort
 */
export function recommendContainer(file: ProfileFile, container: string, options: RecommenderOptions): Recommendation {
  const entry = containerOf(file, container);
  const { blocks } = entry;
  const workloadClass = options.workloadClass ?? (entry.workloadClass as WorkloadClass | undefined) ?? inferredClass(blocks);
  const policy = policyFor(POLICIES[options.policy], workloadClass);
  const floors = { cpu: options.minCpuMillis ?? 10, memory: options.minMemoryMib ?? 16 };
  const usage = { cpu: overall(blocks, 'cpu'), memory: overall(blocks, 'memory') };
  const tested = backTest(policy, blocks, file, floors, committedOf(entry, options.policy, workloadClass));
  if (!tested || !usage.cpu || !usage.memory) {
    return refuse(`profile ${file.name}`, {
      code: 'Millrace.UsageHistoryTooShort',
      subject: container,
      received: `${blocks.length} blocks, ${usage.cpu ? '' : 'no '}CPU and ${usage.memory ? '' : 'no '}memory samples`,
      allowed: 'at least one block with samples of CPU and of memory',
      fix: 'pull again when the container has run for a while; until then give its size by hand with PodSize.fixed',
    });
  }
  const end = blocks[blocks.length - 1].start + file.blockSeconds;
  const historyDays = covered(blocks, file);
  const confidence = Math.min(1, historyDays / WANTED_DAYS);
  const now = requestsNow(blocks);
  const low = confidence < LOW_CONFIDENCE;
  const decided = low
    ? fallback(usage.cpu, Math.max(...blocks.map((block) => tested.recommender.memoryPeakOf(block))), now, floors)
    : tested.requests;
  const autoscaledAt = options.autoscaledAt ?? entry.autoscaledAt;
  const requests = autoscaledAt
    ? { ...decided, cpu: Math.max(floors.cpu, Math.ceil((usage.cpu.histogram.mean() * 100) / autoscaledAt)) }
    : decided;
  const replicas = recentReplicas(blocks, file, end);
  return {
    cpuMillis: requests.cpu,
    memoryMib: requests.memory,
    ...gpuOf(blocks),
    replicas,
    workloadClass,
    policy: options.policy,
    algorithm: ALGORITHM,
    asOf: new Date(end * 1000).toISOString(),
    historyDays: round(historyDays, 2),
    confidence: round(confidence, 2),
    model: low ? 'fallback' : modelOf(tested.recommender),
    reason: reasonOf(requests, usage.cpu, usage.memory, { historyDays, low, autoscaledAt, tested, now }),
    expectedCpuSlack: round(slackOf(requests.cpu, usage.cpu, tested.requests.cpu, tested.cpuSlack), 4),
    expectedCpuOver: round(overOf(requests.cpu, usage.cpu, tested.requests.cpu, tested.cpuOver), 4),
    expectedMemorySlack: round(slackOf(requests.memory, usage.memory, tested.requests.memory, tested.memorySlack), 4),
    expectedMemoryOver: round(overOf(requests.memory, usage.memory, tested.requests.memory, tested.memoryOver), 4),
    ...savingOf(now, requests, replicas, options.prices),
  };
}

interface OverallUsage {
  readonly histogram: UsageHistogram;
  readonly peak: number;
}

function containerOf(file: ProfileFile, container: string): ProfileContainer {
  return (
    file.containers.get(container) ??
    refuse(`profile ${file.name}`, {
      code: 'Millrace.ProfileContainerUnknown',
      subject: 'container',
      received: show(container),
      allowed: [...file.containers.keys()].sort().join(', ') || 'none: the profile is empty',
      fix: 'name one of these, or pull the usage of this container first',
    })
  );
}

function inferredClass(blocks: readonly UsageBlock[]): WorkloadClass {
  return blocks.some(({ usage }) => (usage.get('gpu')?.histogram.count ?? 0) > 0) ? 'gpu' : 'service';
}

/** A committed recommendation is where the hysteresis starts, unless it was made under other prices. */
function committedOf({ recommendation }: ProfileContainer, policy: string, workloadClass: string) {
  if (!recommendation || recommendation.policy !== policy || recommendation.workloadClass !== workloadClass) return undefined;
  const { asOf, cpuMillis, memoryMib } = recommendation;
  return { time: Date.parse(asOf) / 1000, requests: { cpu: cpuMillis, memory: memoryMib } };
}

function overall(blocks: readonly UsageBlock[], resource: UsageResource): OverallUsage | undefined {
  const histogram = new UsageHistogram();
  let peak = 0;
  for (const block of blocks) {
    const usage = block.usage.get(resource);
    if (!usage) continue;
    histogram.merge(usage.histogram);
    peak = Math.max(peak, usage.peak);
  }
  return histogram.count > 0 ? { histogram, peak } : undefined;
}

/** Days with samples: gaps are no history. */
function covered(blocks: readonly UsageBlock[], file: ProfileFile): number {
  const days = blocks.reduce((sum, block) => sum + Math.min(1, replicasOf(block, file)) * file.blockSeconds, 0) / DAY;
  return Number(days.toFixed(6));
}

/** The requests last seen; 0 where none was measured. */
function requestsNow(blocks: readonly UsageBlock[]): Requests {
  const last = (resource: UsageResource) =>
    [...blocks]
      .reverse()
      .find(({ usage }) => (usage.get(resource)?.request ?? 0) > 0)
      ?.usage.get(resource)?.request ?? 0;
  return { cpu: last('cpu'), memory: last('memory') };
}

/** Nothing is taken away on little evidence: not below the request now, and with room above all that was seen. */
function fallback(cpu: OverallUsage, memoryPeak: number, now: Requests, floors: Requests): Requests {
  return {
    cpu: Math.ceil(Math.max(floors.cpu, now.cpu, cpu.histogram.quantile(0.99, cpu.peak) * FALLBACK_CPU)),
    memory: Math.ceil(Math.max(floors.memory, now.memory, memoryPeak * FALLBACK_MEMORY)),
  };
}

function recentReplicas(blocks: readonly UsageBlock[], file: ProfileFile, end: number): number {
  const recent = blocks.filter(({ start, samples }) => start >= end - WEEK && samples > 0);
  return round(recent.reduce((sum, block) => sum + replicasOf(block, file), 0) / Math.max(1, recent.length), 2);
}

function gpuOf(blocks: readonly UsageBlock[]): { gpuMillis?: number; gpuMemoryMib?: number } {
  const gpu = overall(blocks, 'gpu');
  const memory = overall(blocks, 'gpuMemory');
  return {
    ...(gpu ? { gpuMillis: Math.max(1, Math.ceil(gpu.histogram.quantile(0.99, gpu.peak))) } : {}),
    ...(memory ? { gpuMemoryMib: Math.max(1, Math.ceil(memory.peak * GPU_MEMORY_HEADROOM)) } : {}),
  };
}

/** The back-test speaks for the requests it made; for others the whole history does. */
function slackOf(request: number, usage: OverallUsage, tested: number, expected: number): number {
  return request === tested ? expected : Math.max(0, 1 - usage.histogram.mean() / request);
}

function overOf(request: number, usage: OverallUsage, tested: number, expected: number): number {
  return request === tested ? expected : usage.histogram.shareAbove(request, usage.peak);
}

function modelOf({ cpu, memory }: ContainerRecommender): string {
  const describe = (mixture: ContainerRecommender['cpu']) =>
    mixture
      .weights()
      .map((weight, model) => ({ weight, days: mixture.halfLives[model] }))
      .sort((a, b) => b.weight - a.weight || a.days - b.days)
      .slice(0, 2)
      .map(({ weight, days }) => `${days} d (${Math.round(weight * 100)} %)`)
      .join(', ');
  return `CPU half-lives ${describe(cpu)}; memory peaks ${describe(memory)}`;
}

interface ReasonContext {
  readonly historyDays: number;
  readonly low: boolean;
  readonly autoscaledAt?: number;
  readonly tested: BackTest;
  readonly now: Requests;
}

function reasonOf(requests: Requests, cpu: OverallUsage, memory: OverallUsage, context: ReasonContext): string {
  const days = `${round(context.historyDays, 1)} days`;
  const p95 = Math.round(cpu.histogram.quantile(0.95, cpu.peak));
  const seen = `in ${days} CPU was at most ${p95}m for 95 % of the time with a peak of ${Math.ceil(cpu.peak)}m, and memory peaked at ${Math.ceil(memory.peak)} MiB`;
  if (context.low) {
    return `${seen}; that is too little history to take anything away, so the request is no less than now and a fallback above what was seen`;
  }
  const scaled = context.autoscaledAt
    ? `; CPU is what a replica used on average at ${context.autoscaledAt} %, because replicas carry the peaks`
    : '';
  return `${seen}; ${requests.cpu}m and ${requests.memory} MiB cost least in the back-test, with ${context.tested.resizes} resizes${scaled}`;
}

function savingOf(now: Requests, requests: Requests, replicas: number, prices?: RequestPrices): { monthlySaving?: number } {
  if (!prices || now.cpu === 0 || now.memory === 0) return {};
  const cpu = ((now.cpu - requests.cpu) / 1000) * prices.cpuCoreHour;
  const memory = ((now.memory - requests.memory) / MIB_A_GIB) * prices.memoryGibHour;
  return { monthlySaving: round((cpu + memory) * HOURS_A_MONTH * replicas, 2) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
