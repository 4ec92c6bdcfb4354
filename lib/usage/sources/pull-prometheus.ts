import { refuse } from '../../core/error';
import type { ProfileFile } from '../profile-file';
import { UsageRecording, type UsageSample } from '../usage-recording';
import type { PrometheusAccess } from './prometheus-access';
import { AnswerTooLarge, PrometheusClient, type PrometheusLimits, type PrometheusSeries } from './prometheus-client';
import { type UsageSelection, containerOf, ownerQueries, usageQueries } from './prometheus-queries';
import type { UsageField } from './usage-columns';
import { type ProfileShape, profileToFill, refuseEmpty } from './usage-rows';
import { WorkloadNames } from './workload-names';

/** What to pull. A block replaces the one a profile has, so the range should cover whole blocks. */
export interface PrometheusPullOptions extends ProfileShape, UsageSelection {
  readonly access: PrometheusAccess;
  readonly limits?: PrometheusLimits;
  /** Unix seconds of the first sample, rounded up to the interval. */
  readonly from: number;
  /** Unix seconds that all samples are before. */
  readonly to: number;
  /** Longest time asked for at once. @default a day, and at most 11,000 samples of a series */
  readonly chunkSeconds?: number;
  /** Called with each remark of the server. */
  readonly onNotice?: (notice: string) => void;
}

const DAY = 86_400;
/** Prometheus refuses a query that gives more for one series. */
const MOST_POINTS = 11_000;

type Series = Map<UsageField, Float64Array>;

/** One range of time with all that was measured in it. */
interface Chunk {
  readonly start: number;
  readonly points: number;
  readonly series: Map<string, { readonly pod: string; readonly container: string; readonly fields: Series }>;
  readonly names: WorkloadNames;
}

/**
 * Pulls usage from a Prometheus-compatible API, chunk by chunk in the order of time; a chunk that is too large for the server or for an answer
 * here is halved. Memory holds one chunk.
 *
 * @throws Millrace.PrometheusUnauthorized, Millrace.PrometheusUnreachable, Millrace.PrometheusRefused, Millrace.PrometheusPartial,
 * Millrace.PrometheusAnswerTooLarge, Millrace.PrometheusAccessInvalid, Millrace.UsageInvalid, Millrace.UsageEmpty, Millrace.SigV4Missing
 */
export async function pullPrometheus(
  options: PrometheusPullOptions,
  progress?: (share: number) => void,
  signal?: AbortSignal,
): Promise<ProfileFile> {
  const { intervalSeconds: interval, access } = options;
  const from = Math.ceil(options.from / interval) * interval;
  const to = Math.ceil(options.to / interval) * interval;
  if (!(to > from)) refuseEmpty('usage pull', `from ${options.from} to ${options.to}`, 'give an end after the start');
  const scope = `usage pull, namespace ${options.namespace}`;
  const recording = new UsageRecording(profileToFill(scope, options), scope);
  const client = new PrometheusClient(access, options.limits);
  let length = Math.max(1, Math.min(Math.floor((options.chunkSeconds ?? DAY) / interval), MOST_POINTS));
  let samples = 0;
  try {
    for (let start = from; start < to;) {
      signal?.throwIfAborted();
      const points = Math.min(length, (to - start) / interval);
      try {
        const chunk = await pullChunk(client, options, start, points, signal);
        samples += record(chunk, recording, interval);
      } catch (error) {
        if (!(error instanceof AnswerTooLarge)) throw error;
        if (points === 1) refuseTooLarge(access.url, error);
        // What was too large once is not tried again.
        length = Math.ceil(points / 2);
        continue;
      }
      start += points * interval;
      progress?.((start - from) / (to - from));
    }
    for (const notice of client.notices) options.onNotice?.(notice);
  } finally {
    client.close();
  }
  const profile = withoutIdle(recording.finish());
  if (samples === 0) {
    const range = `${new Date(from * 1000).toISOString()} to ${new Date(to * 1000).toISOString()}`;
    refuseEmpty(scope, `no series from ${range}`, 'check the namespace, the matchers, the tenant and the retention of the server');
  }
  return profile;
}

async function pullChunk(
  client: PrometheusClient,
  options: PrometheusPullOptions,
  start: number,
  points: number,
  signal?: AbortSignal,
): Promise<Chunk> {
  const interval = options.intervalSeconds;
  const end = start + (points - 1) * interval;
  const chunk: Chunk = { start, points, series: new Map(), names: new WorkloadNames() };
  for (const { field, query, toSample } of usageQueries(options, interval)) {
    if (chunk.series.size === 0 && (field === 'memoryPeak' || field === 'throttled')) continue;
    for (const series of await client.queryRange(query, start, end, interval, signal)) place(chunk, interval, field, series, toSample);
    // Nothing runs here, and nothing was killed before its first sample: who owns what, and what was requested, does not matter.
    if (field === 'oomKills' && chunk.series.size === 0) return chunk;
  }
  const owners = ownerQueries(options, points * interval, interval);
  const ask = (query: string) => client.query(query, end, signal);
  for (const { metric } of await ask(owners.pods)) chunk.names.addPod(metric.pod, ownerOf(metric));
  for (const { metric } of await ask(owners.replicaSets))
    chunk.names.addOwner({ kind: 'ReplicaSet', name: metric.replicaset }, ownerOf(metric));
  for (const { metric } of await ask(owners.jobs)) chunk.names.addOwner({ kind: 'Job', name: metric.job_name }, ownerOf(metric));
  return chunk;
}

function ownerOf(metric: Readonly<Record<string, string>>) {
  return { kind: metric.owner_kind ?? '', name: metric.owner_name ?? '' };
}

function place(
  chunk: Chunk,
  interval: number,
  field: UsageField,
  { metric, values }: PrometheusSeries,
  toSample: (value: number) => number,
) {
  const { pod, container } = containerOf(metric);
  if (!pod || !container) return;
  const key = `${pod}\0${container}`;
  let entry = chunk.series.get(key);
  if (!entry) chunk.series.set(key, (entry = { pod, container, fields: new Map() }));
  let numbers = entry.fields.get(field);
  if (!numbers) entry.fields.set(field, (numbers = new Float64Array(chunk.points).fill(NaN)));
  for (const [time, text] of values) {
    const index = Math.round((time - chunk.start) / interval);
    // NaN is how Prometheus says that there is no value; infinity is a value, and a wrong one.
    if (index < 0 || index >= chunk.points || text === 'NaN') continue;
    const value = toSample(Number(text.replace('Inf', 'Infinity')));
    numbers[index] = Number.isNaN(numbers[index]) ? value : Math.max(numbers[index], value);
  }
}

const MEASURED: readonly UsageField[] = ['cpu', 'memory', 'gpu', 'gpuMemory'];
/** What is known of a container that no sample was taken of: one in back-off, or one that was killed before its first sample. */
const UNMEASURED: readonly UsageField[] = ['oomKills', 'cpuRequest', 'memoryRequest', 'gpuRequest'];

/** Records the samples and the kills of a chunk and says at how many times there were any. */
function record(chunk: Chunk, recording: UsageRecording, interval: number): number {
  let samples = 0;
  for (const { pod, container, fields } of chunk.series.values()) {
    const name = `${chunk.names.workloadOf(pod)}/${container}`;
    for (let index = 0; index < chunk.points; index++) {
      const sample: Partial<Record<UsageField, number>> = {};
      for (const [field, numbers] of fields) {
        if (!Number.isNaN(numbers[index])) sample[field] = numbers[index];
      }
      const measured = MEASURED.some((field) => sample[field] !== undefined);
      const known = measured ? sample : pick(sample, UNMEASURED);
      if (Object.keys(known).length === 0) continue;
      recording.add({ ...known, container: name, pod, time: chunk.start + index * interval } satisfies UsageSample);
      if (measured || known.oomKills) samples++;
    }
  }
  return samples;
}

function pick(sample: Partial<Record<UsageField, number>>, fields: readonly UsageField[]): Partial<Record<UsageField, number>> {
  return Object.fromEntries(fields.filter((field) => sample[field] !== undefined).map((field) => [field, sample[field]]));
}

/**
 * Leaves out blocks that hold nothing but requests: a pod that has ended or was never scheduled keeps its requests for days, and would be
 * taken for one that runs.
 */
function withoutIdle(profile: ProfileFile): ProfileFile {
  const containers = [...profile.containers].flatMap(([name, container]) => {
    const blocks = container.blocks.filter(({ samples, oomKills }) => samples > 0 || oomKills > 0);
    return blocks.length === 0 && container.blocks.length > 0 ? [] : [[name, { ...container, blocks }] as const];
  });
  return { ...profile, containers: new Map(containers) };
}

function refuseTooLarge(url: string, error: Error): never {
  return refuse('usage pull', {
    code: 'Millrace.PrometheusAnswerTooLarge',
    subject: new URL(url).origin,
    received: `${error.message}, for one step`,
    allowed: 'answers that the server gives and that fit the limit here',
    fix: 'narrow the matchers to one cluster, raise the limits of the server, or aggregate where the samples are with millrace usage pull --sql',
  });
}
