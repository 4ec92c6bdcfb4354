import type { Series } from './traces';

const WARM_UP = 8 * 86_400;

/** Requests, CPU in millicores and memory in MiB. */
export interface Requested {
  readonly cpu: number;
  readonly memory: number;
}

/** A way to choose requests, made anew for each series. */
export interface Policy {
  /** The request for sample `index`, before it is seen. */
  decide(time: number, index: number, current: Requested | undefined): Requested;
  /** Takes a sample that is past, also during the warm-up. */
  observe?(time: number, cpu: number, memory: number): void;
  /** A sample with memory over the request, as it happens, and how many of its episode came before; before `observe`. */
  memoryOver?(time: number, current: Requested, sample: number): void;
  /** A sample with CPU over the request, as it happens; before `observe`. */
  cpuOver?(time: number, current: Requested): void;
}

/** What a replay of one series counted. */
export interface Replayed {
  readonly id: string;
  samples: number;
  cpuRequested: number;
  cpuUsed: number;
  cpuOver: number;
  memoryRequested: number;
  memoryUsed: number;
  memoryOver: number;
  episodes: number;
  resizes: number;
  /** Over all samples, the warm-up included. */
  meanCpu: number;
}

/** Replays one series as efficiency.md, section 2.1, defines: the first 8 days warm up, the first request is no resize. */
export function replay(policy: Policy, series: Series): Replayed {
  const { id, times, cpu, memory } = series;
  const r: Replayed = {
    id,
    samples: 0,
    cpuRequested: 0,
    cpuUsed: 0,
    cpuOver: 0,
    memoryRequested: 0,
    memoryUsed: 0,
    memoryOver: 0,
    episodes: 0,
    resizes: 0,
    meanCpu: 0,
  };
  let current: Requested | undefined;
  let episode = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i];
    r.meanCpu += cpu[i] / times.length;
    if (time - times[0] >= WARM_UP) {
      const next = policy.decide(time, i, current);
      if (!current || next.cpu !== current.cpu || next.memory !== current.memory) {
        if (current) r.resizes++;
        current = next;
      }
      r.samples++;
      r.cpuRequested += current.cpu;
      r.cpuUsed += Math.min(cpu[i], current.cpu);
      r.memoryRequested += current.memory;
      r.memoryUsed += Math.min(memory[i], current.memory);
      if (cpu[i] > current.cpu) {
        r.cpuOver++;
        policy.cpuOver?.(time, current);
      }
      if (memory[i] > current.memory) {
        r.memoryOver++;
        if (episode === 0) r.episodes++;
        policy.memoryOver?.(time, current, episode);
        episode++;
      } else {
        episode = 0;
      }
    }
    policy.observe?.(time, cpu[i], memory[i]);
  }
  return r;
}

/** The columns of the table. */
export interface Summary {
  readonly series: number;
  readonly samples: number;
  readonly cpuSlack: number;
  readonly cpuSlackMedian: number;
  /** Median over the third of the series with the lowest mean CPU. */
  readonly cpuSlackSmallThird: number;
  readonly cpuOver: number;
  readonly memorySlack: number;
  readonly memorySlackMedian: number;
  readonly memoryOver: number;
  readonly episodes: number;
  readonly resizes: number;
}

/** Linear interpolation between ranks. */
export function quantile(values: readonly number[] | Float64Array, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = share * (sorted.length - 1);
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (rank - low);
}

export function summarise(results: readonly Replayed[]): Summary {
  const sum = (pick: (r: Replayed) => number) => results.reduce((total, r) => total + pick(r), 0);
  const cpuSlack = (r: Replayed) => 1 - r.cpuUsed / r.cpuRequested;
  const small = [...results].sort((a, b) => a.meanCpu - b.meanCpu).slice(0, Math.max(1, Math.round(results.length / 3)));
  const samples = sum((r) => r.samples);
  return {
    series: results.length,
    samples,
    cpuSlack: 1 - sum((r) => r.cpuUsed) / sum((r) => r.cpuRequested),
    cpuSlackMedian: quantile(results.map(cpuSlack), 0.5),
    cpuSlackSmallThird: quantile(small.map(cpuSlack), 0.5),
    cpuOver: sum((r) => r.cpuOver) / samples,
    memorySlack: 1 - sum((r) => r.memoryUsed) / sum((r) => r.memoryRequested),
    memorySlackMedian: quantile(
      results.map((r) => 1 - r.memoryUsed / r.memoryRequested),
      0.5,
    ),
    memoryOver: sum((r) => r.memoryOver) / samples,
    episodes: sum((r) => r.episodes),
    resizes: sum((r) => r.resizes) / results.length,
  };
}
