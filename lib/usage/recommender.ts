import { refuse } from '../core/error';
import { type BackTest, backTest } from './back-test';
import type { ContainerRecommender, Requests } from './container-recommender';
import { type ProfileContainer, type ProfileFile, containerOf, replicasOf } from './profile-file';
import type { Recommendation } from './recommendation';
import { POLICIES, type PolicyName } from './request-policy';
import type { UsageBlock, UsageResource } from './usage-block';
import { UsageHistogram } from './usage-histogram';
import { KEEPS_PEAKS, type WorkloadClass, policyFor } from './workload-class';

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
// A week has to be seen before anything is taken away, and two before it is trusted: most load has a weekly rhythm.
const WANTED_DAYS = 14;
const LOW_CONFIDENCE = 0.5;
// With little history: what was seen last is not the worst there is.
const FALLBACK_CPU = 1.25;
const FALLBACK_MEMORY = 1.5;
// What killed a container is expected again for five weeks: a monthly run comes back.
const KEPT_DAYS = 35;
const GPU_DAYS = 28;
const GPU_MEMORY_HEADROOM = 1.1;
// Under an autoscaler usage follows the request, so only recent usage speaks for it, and small differences say nothing.
const AUTOSCALED_DAYS = 14;
const AUTOSCALED_TOLERANCE = 0.1;

/**
 * The requests of one container of a profile.
 *
 * @throws Millrace.ProfileContainerUnknown, Millrace.UsageHistoryTooShort
 */
export function recommendContainer(file: ProfileFile, container: string, options: RecommenderOptions): Recommendation {
  const entry = containerOf(file, container);
  const { blocks } = entry;
  const workloadClass = options.workloadClass ?? (entry.workloadClass as WorkloadClass | undefined) ?? inferredClass(blocks);
  const floors = { cpu: Math.ceil(options.minCpuMillis ?? 10), memory: Math.ceil(options.minMemoryMib ?? 16) };
  const usage = { cpu: overall(blocks, 'cpu'), memory: overall(blocks, 'memory') };
  const tested = backTest(policyFor(POLICIES[options.policy], workloadClass), blocks, file, floors);
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
  const historyDays = daysWithSamples(blocks);
  const confidence = Math.min(1, historyDays / WANTED_DAYS);
  const now = requestsNow(blocks);
  const low = confidence < LOW_CONFIDENCE;
  const autoscaledAt = options.autoscaledAt ?? entry.autoscaledAt;
  const committed = committedOf(entry, options.policy, workloadClass);
  const kept = keptPeak(blocks, end, tested.recommender, workloadClass);
  const settled = low ? fallback(usage.cpu, blocks, tested.recommender, now, floors) : settle(tested, blocks, committed, autoscaledAt);
  const scaled =
    autoscaledAt && !low ? autoscaledCpu(recent(blocks, end, AUTOSCALED_DAYS), autoscaledAt, committed?.requests.cpu) : undefined;
  const requests = { cpu: Math.max(floors.cpu, scaled ?? settled.cpu), memory: Math.max(floors.memory, settled.memory, kept) };
  return {
    cpuMillis: requests.cpu,
    memoryMib: requests.memory,
    ...gpuOf(recent(blocks, end, GPU_DAYS)),
    replicas: peakReplicas(recent(blocks, end, WEEK / DAY), file),
    workloadClass,
    policy: options.policy,
    algorithm: ALGORITHM,
    asOf: new Date(end * 1000).toISOString(),
    historyDays,
    confidence: round(confidence, 2),
    model: low ? 'fallback' : modelOf(tested.recommender),
    reason: reasonOf(requests, usage.cpu, usage.memory, { historyDays, low, autoscaledAt, tested, kept }),
    expectedCpuSlack: round(slackOf(requests.cpu, usage.cpu, tested.requests.cpu, tested.cpuSlack), 4),
    expectedCpuOver: round(overOf(requests.cpu, usage.cpu, tested.requests.cpu, tested.cpuOver), 4),
    expectedMemorySlack: round(slackOf(requests.memory, usage.memory, tested.requests.memory, tested.memorySlack), 4),
    expectedMemoryOver: round(overOf(requests.memory, usage.memory, tested.requests.memory, tested.memoryOver), 4),
    ...savingOf(now, requests, averagePods(blocks, file, end), options.prices),
  };
}

/** From the committed requests, raised by what went over them since; a change has to pay for itself. */
function settle(tested: BackTest, blocks: readonly UsageBlock[], committed: Committed | undefined, autoscaledAt?: number): Requests {
  if (!committed) return tested.recommender.settle(tested.requests);
  let { memory } = committed.requests;
  for (const block of blocks) {
    const peak = tested.recommender.memoryPeakOf(block);
    if (block.start >= committed.time && peak > memory) memory = tested.recommender.memoryAbove(peak);
  }
  return tested.recommender.settle({ cpu: autoscaledAt ? tested.requests.cpu : committed.requests.cpu, memory });
}

/**
 * Memory below which nothing goes: where the container was killed, and what it reached where a kill is dear or has happened before. Above a
 * request that was raised after a kill there are no more kills to remember, only the peaks.
 */
function keptPeak(blocks: readonly UsageBlock[], end: number, recommender: ContainerRecommender, workloadClass: WorkloadClass): number {
  if (!KEEPS_PEAKS[workloadClass] && !blocks.some(({ oomKills }) => oomKills > 0)) return 0;
  const peaks = recent(blocks, end, KEPT_DAYS).map((block) => recommender.memoryPeakOf(block));
  return recommender.memoryAbove(Math.max(...peaks));
}

function recent(blocks: readonly UsageBlock[], end: number, days: number): UsageBlock[] {
  return blocks.filter(({ start }) => start >= end - days * DAY);
}

/** What a replica uses on average, at the utilisation that the autoscaler holds; the committed request stays when it is near. */
function autoscaledCpu(blocks: readonly UsageBlock[], autoscaledAt: number, committed?: number): number {
  const cpu = overall(blocks, 'cpu');
  const wanted = Math.ceil(((cpu?.histogram.mean() ?? 0) * 100) / autoscaledAt);
  return committed && Math.abs(committed - wanted) <= wanted * AUTOSCALED_TOLERANCE ? committed : wanted;
}

interface Committed {
  readonly time: number;
  readonly requests: Requests;
}

interface OverallUsage {
  readonly histogram: UsageHistogram;
  readonly peak: number;
}

function inferredClass(blocks: readonly UsageBlock[]): WorkloadClass {
  return blocks.some(({ usage }) => (usage.get('gpu')?.histogram.count ?? 0) > 0) ? 'gpu' : 'service';
}

/** A committed recommendation is where the hysteresis starts, unless it was made under other prices. */
function committedOf({ recommendation }: ProfileContainer, policy: string, workloadClass: string): Committed | undefined {
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

/** Days on which there was a sample: gaps are no history, and a job that runs for minutes a day has a day of it. */
function daysWithSamples(blocks: readonly UsageBlock[]): number {
  return new Set(blocks.filter(({ samples }) => samples > 0).map(({ start }) => Math.floor(start / DAY))).size;
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
function fallback(
  cpu: OverallUsage,
  blocks: readonly UsageBlock[],
  recommender: ContainerRecommender,
  now: Requests,
  floors: Requests,
): Requests {
  const peak = blocks.reduce((highest, block) => Math.max(highest, recommender.memoryPeakOf(block)), 0);
  return {
    cpu: Math.ceil(Math.max(floors.cpu, now.cpu, cpu.histogram.quantile(0.99, cpu.peak) * FALLBACK_CPU)),
    memory: Math.ceil(Math.max(floors.memory, now.memory, peak * FALLBACK_MEMORY)),
  };
}

/** Pods of the busiest block. */
function peakReplicas(blocks: readonly UsageBlock[], file: ProfileFile): number {
  return round(
    blocks.reduce((most, block) => Math.max(most, replicasOf(block, file)), 0),
    2,
  );
}

/** Pods over the last week on average, also over the time in which none ran: what is paid for. */
function averagePods(blocks: readonly UsageBlock[], file: ProfileFile, end: number): number {
  const week = recent(blocks, end, WEEK / DAY);
  const seconds = Math.min(WEEK, end - blocks[0].start);
  return (week.reduce((sum, { samples }) => sum + samples, 0) * file.intervalSeconds) / seconds;
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
  readonly kept: number;
}

function reasonOf(requests: Requests, cpu: OverallUsage, memory: OverallUsage, context: ReasonContext): string {
  const { historyDays, low, autoscaledAt, tested, kept } = context;
  const p95 = Math.round(cpu.histogram.quantile(0.95, cpu.peak));
  const seen = `in ${historyDays} days CPU was at most ${p95}m for 95 % of the time with a peak of ${Math.ceil(cpu.peak)}m, and memory peaked at ${Math.ceil(memory.peak)} MiB`;
  if (low) {
    return `${seen}; that is too little history to take anything away, so the request is no less than now and a fallback above what was seen`;
  }
  const resizes = `${tested.resizes} ${tested.resizes === 1 ? 'resize' : 'resizes'}`;
  const cpuReason = autoscaledAt
    ? `${requests.cpu}m is what a replica used on average at ${autoscaledAt} %, because replicas carry the peaks`
    : `${requests.cpu}m costs least in the back-test`;
  const memoryReason =
    requests.memory === kept
      ? `${requests.memory} MiB is above the highest peak or kill that is kept`
      : `${requests.memory} MiB costs least there${memory.peak > requests.memory ? ', below the highest peak: the pod is killed when that comes back' : ''}`;
  return `${seen}; ${cpuReason}; ${memoryReason}; the back-test made ${resizes}`;
}

function savingOf(now: Requests, requests: Requests, pods: number, prices?: RequestPrices): { monthlySaving?: number } {
  if (!prices || now.cpu === 0 || now.memory === 0) return {};
  const cpu = ((now.cpu - requests.cpu) / 1000) * prices.cpuCoreHour;
  const memory = ((now.memory - requests.memory) / MIB_A_GIB) * prices.memoryGibHour;
  return { monthlySaving: round((cpu + memory) * HOURS_A_MONTH * pods, 2) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
