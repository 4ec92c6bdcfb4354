import * as fs from 'fs';
import * as path from 'path';
import * as zlib from 'zlib';
import type { UsageColumns } from '../../lib/usage/sources/usage-columns';

export const INTERVAL = 300;
export const DAY = 86_400;
/** Zero of the steps of the trace; it falls on the grid of the interval. */
export const EPOCH = 1372629600;
/** The days that are replayed, in whole blocks. */
export const FROM = Math.ceil(EPOCH / DAY) * DAY;
export const TO = FROM + 14 * DAY;

/** What the server had to see of one container at one time. CPU is unknown where the counter has no sample one interval before. */
export interface Observation {
  readonly time: number;
  readonly workload: string;
  readonly container: string;
  readonly pod: string;
  /** The container's own id: another one after a restart. */
  readonly id: string;
  /** Cumulative CPU seconds. */
  readonly counter: number;
  readonly cpu?: number;
  readonly memoryMib: number;
  readonly restarts: number;
  readonly oomKills: number;
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
}

/** How the time of one series of the trace went on Kubernetes. */
interface Story {
  readonly workload: string;
  readonly container: string;
  pod(time: number): string;
  readonly owner?: (pod: string) => { kind: string; name: string };
  readonly gap?: readonly [number, number];
  readonly resetAt?: number;
  readonly restartAt?: number;
}

const HALF = FROM + 7 * DAY + 5 * INTERVAL;
const fixed = (pod: string) => () => pod;
const replicaSetOf = (pod: string) => ({ kind: 'ReplicaSet', name: pod.slice(0, -6) });

/** One for each kind of trouble; what is not told here the trace brings itself: gaps, zeros and spikes. */
export const STORIES: readonly Story[] = [
  { workload: 'checkout', container: 'app', pod: fixed('checkout-5f6585d649-fnmft'), owner: replicaSetOf },
  { workload: 'checkout', container: 'app', pod: fixed('checkout-5f6585d649-x7k2p'), owner: replicaSetOf },
  { workload: 'checkout', container: 'sidecar', pod: fixed('checkout-5f6585d649-x7k2p'), owner: replicaSetOf },
  { workload: 'gaps', container: 'app', pod: fixed('gaps-7d9f8b6c5d-bcdfg'), owner: replicaSetOf, gap: [HALF, HALF + 3 * 3600] },
  {
    workload: 'single-gap',
    container: 'app',
    pod: fixed('single-gap-7d9f8b6c5d-bcdfg'),
    owner: replicaSetOf,
    gap: [HALF, HALF + INTERVAL],
  },
  { workload: 'reset', container: 'app', pod: fixed('reset-7d9f8b6c5d-bcdfg'), owner: replicaSetOf, resetAt: HALF },
  { workload: 'restarted', container: 'app', pod: fixed('restarted-7d9f8b6c5d-bcdfg'), owner: replicaSetOf, restartAt: HALF },
  {
    workload: 'renamed',
    container: 'app',
    pod: (time) => (time < HALF ? 'renamed-7d9f8b6c5d-bcdfg' : 'renamed-5f6585d649-zxwvt'),
    owner: replicaSetOf,
  },
  { workload: 'store', container: 'db', pod: fixed('store-0'), owner: () => ({ kind: 'StatefulSet', name: 'store' }) },
  { workload: 'store', container: 'db', pod: fixed('store-1'), owner: () => ({ kind: 'StatefulSet', name: 'store' }) },
  { workload: 'nightly', container: 'job', pod: fixed('nightly-22876560-b8k4x'), owner: () => ({ kind: 'Job', name: 'nightly-22876560' }) },
  // Unknown to kube-state-metrics: the name of the pod tells the workload.
  { workload: 'unowned', container: 'app', pod: fixed('unowned-7d9f8b6c5d-bcdfg') },
];

/** Replays series of the Bitbrains trace as containers. */
export function observations(traces: string): Observation[] {
  const series = readSeries(path.join(traces, 'bitbrains-rnd-dev.csv.gz'), STORIES.length);
  return STORIES.flatMap((story, index) => replay(story, index, series[index]));
}

type Row = readonly [time: number, cpu: number, memoryMib: number];

function readSeries(file: string, count: number): Row[][] {
  const series = new Map<string, Row[]>();
  for (const line of zlib.gunzipSync(fs.readFileSync(file)).toString('utf8').split('\n').slice(1)) {
    const [name, step, cpu, memory] = line.split(',');
    const time = EPOCH + Number(step) * INTERVAL;
    if (line === '' || time < FROM || time >= TO) continue;
    if (!series.has(name)) {
      if (series.size === count) break;
      series.set(name, []);
    }
    series.get(name)!.push([time, Number(cpu), Number(memory)]);
  }
  return [...series.values()];
}

function replay(story: Story, index: number, rows: readonly Row[]): Observation[] {
  const result: Observation[] = [];
  let counter = 1000 + index;
  let last: Observation | undefined;
  for (const [time, cpu, memoryMib] of rows) {
    if (story.gap && time >= story.gap[0] && time < story.gap[1]) continue;
    const restarted = story.restartAt !== undefined && time >= story.restartAt;
    const pod = story.pod(time);
    const id = `${pod}/${story.container}/${restarted ? 1 : 0}`;
    const used = (cpu / 1000) * INTERVAL;
    if (last?.id !== id || (story.resetAt === time && last.time === time - INTERVAL)) counter = last?.id === id ? used : 1000 + index;
    else counter += used;
    const known = last?.id === id && last.time === time - INTERVAL;
    const killed = restarted && last?.id !== id;
    last = {
      time,
      workload: story.workload,
      container: story.container,
      pod,
      id,
      counter,
      cpu: known ? cpu : undefined,
      memoryMib,
      restarts: restarted ? 1 : 0,
      oomKills: killed ? 1 : 0,
      owner: story.owner?.(pod),
    };
    result.push(last);
  }
  return result;
}

export const CSV_COLUMNS: UsageColumns = {
  time: { column: 'unix' },
  container: ['workload', 'container'],
  pod: 'pod',
  values: {
    cpu: { column: 'cpu_mcores', unit: 'millicores' },
    memory: { column: 'mem_mib', unit: 'MiB' },
    cpuRequest: { column: 'cpu_request', unit: 'cores' },
    memoryRequest: { column: 'mem_request', unit: 'bytes' },
    oomKills: { column: 'oom_kills', unit: 'count' },
    gpu: { column: 'gpu_pct', unit: 'percent' },
  },
};

/** The one container that has a GPU. */
export function gpuOf(observation: Observation): number | undefined {
  return observation.workload === 'nightly' ? observation.memoryMib % 101 : undefined;
}

export function csvOf(all: readonly Observation[]): string {
  const lines = all.map((one) =>
    [
      one.time,
      one.workload,
      one.container,
      one.pod,
      one.cpu ?? '',
      one.memoryMib,
      one.owner ? 0.25 : '',
      one.owner ? 512 * 1048576 : '',
      one.oomKills,
      gpuOf(one) ?? '',
    ].join(','),
  );
  return `unix,workload,container,pod,cpu_mcores,mem_mib,cpu_request,mem_request,oom_kills,gpu_pct\n${lines.join('\n')}\n`;
}
