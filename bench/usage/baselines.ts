import { type Policy, type Requested, quantile } from './replay';
import { type Provisioned, type Series, bytesOf } from './traces';
import { VpaRecommender } from './vpa';

const DAY = 86_400;
const WEEK = 7 * DAY;
const MIB = bytesOf(1);

/** Makes a policy for a series. */
export type PolicyOf = (series: Series, provisioned: Provisioned) => Policy;

const asProvisioned: PolicyOf = (_, provisioned) => ({ decide: () => provisioned });

/** VPA with its updater: outside of the bounds, or 12 hours old and changed by 10 % in sum, or after an OOM (efficiency.md, section 2.4). */
const vpa: PolicyOf = () => {
  const recommender = new VpaRecommender();
  let appliedAt = 0;
  let evicted = false;
  return {
    observe(time, cpu, memory) {
      recommender.addCpu(time, cpu / 1000);
      recommender.addMemory(time, bytesOf(memory));
    },
    memoryOver(time, current, sample) {
      if (sample > 0) return;
      recommender.addOom(time, bytesOf(current.memory));
      evicted = true;
    },
    decide(time, _, current) {
      const { cpu, memory } = recommender.recommendation();
      const next = { cpu: cpu.target, memory: memory.target / MIB };
      if (current && !evicted) {
        const inside =
          current.cpu >= cpu.lower &&
          current.cpu <= cpu.upper &&
          current.memory >= memory.lower / MIB &&
          current.memory <= memory.upper / MIB;
        const change = Math.abs(next.cpu - current.cpu) / current.cpu + Math.abs(next.memory - current.memory) / current.memory;
        if (inside && !(time - appliedAt >= DAY / 2 && change >= 0.1)) return current;
      }
      evicted = false;
      appliedAt = time;
      return next;
    },
  };
};

/** KRR "simple": p95 of CPU, highest memory and 15 %, of the samples from `first` to before `index`. */
function krr({ cpu, memory }: Series, first: number, index: number): Requested {
  let peak = -Infinity;
  for (let i = first; i < index; i++) peak = Math.max(peak, memory[i]);
  return { cpu: Math.max(quantile(cpu.subarray(first, index), 0.95), 10), memory: Math.max(peak * 1.15, 100) };
}

const krrWeekly: PolicyOf = (series) => {
  let appliedAt = 0;
  return {
    decide(time, index, current) {
      if (current && time - appliedAt < WEEK) return current;
      appliedAt = time;
      let first = index;
      while (first > 0 && series.times[first - 1] >= time - 14 * DAY) first--;
      return krr(series, first, index);
    },
  };
};

const krrOnce: PolicyOf = (series) => ({ decide: (_, index, current) => current ?? krr(series, 0, index) });

/** Knows the future: each day of the trace gets exactly that day's peak. */
const dailyOracle: PolicyOf = ({ times, cpu, memory }) => {
  const dayOf = (time: number) => Math.floor(time / DAY);
  let day = -1;
  return {
    decide(time, index, current) {
      if (current && dayOf(time) === day) return current;
      day = dayOf(time);
      const peak = { cpu: 10, memory: 1 };
      for (let i = index; i < times.length && dayOf(times[i]) === day; i++) {
        peak.cpu = Math.max(peak.cpu, cpu[i]);
        peak.memory = Math.max(peak.memory, memory[i]);
      }
      return peak;
    },
  };
};

/**
 * Knows the future: each stretch of nine days gets the whole millicores that cost least, with being over all the time as dear as `price`
 * requests of the size of the usage; memory its peak. What a policy with as few changes could reach at best, and on small series what whole
 * millicores leave.
 */
const foresight =
  (price: number): PolicyOf =>
  ({ times, cpu, memory }) => {
    const stretchOf = (time: number) => Math.floor(time / (9 * DAY));
    let stretch = -1;
    return {
      decide(time, index, current) {
        if (current && stretchOf(time) === stretch) return current;
        stretch = stretchOf(time);
        let end = index;
        let peak = 1;
        for (; end < times.length && stretchOf(times[end]) === stretch; end++) peak = Math.max(peak, memory[end]);
        return { cpu: cheapest(cpu.slice(index, end).sort(), price), memory: peak };
      },
    };
  };

function cheapest(sorted: Float64Array, price: number): number {
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  let best = 1;
  let least = Infinity;
  for (let i = 0; i < sorted.length; i++) {
    if (i + 1 < sorted.length && sorted[i + 1] === sorted[i]) continue;
    const request = Math.max(1, sorted[i]);
    const cost = request / Math.max(mean, 0.3) + (price * (sorted.length - 1 - i)) / sorted.length;
    if (cost >= least) continue;
    least = cost;
    best = request;
  }
  return best;
}

/** What ours is compared with. */
export const BASELINES = {
  provisioned: asProvisioned,
  'VPA default': vpa,
  'KRR weekly': krrWeekly,
  'KRR once': krrOnce,
  'daily oracle': dailyOracle,
  'foresight of 9 days': foresight(26),
  'foresight of 9 days, overruns cheap': foresight(4),
} satisfies Record<string, PolicyOf>;
