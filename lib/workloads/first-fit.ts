/** What a pod requests, or a node has room for. */
export interface Resources {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly pods: number;
  readonly gpus: number;
}

/** Pods that are alike. */
export interface PodGroup {
  readonly need: Resources;
  readonly count: number;
}

const KEYS = ['cpuMillis', 'memoryBytes', 'gpus', 'pods'] as const;

/** How many pods of a kind fit into what is left. */
export function fitting(need: Resources, room: Resources): number {
  let count = Infinity;
  // A loop without lists: packing a large team asks millions of times.
  for (const key of KEYS) if (need[key] > 0) count = Math.min(count, Math.floor(room[key] / need[key]));
  return count;
}

/** What is left after some pods; negative where they do not fit. */
export function minus(room: Resources, need: Resources, count = 1): Resources {
  const left = (key: (typeof KEYS)[number]) => room[key] - need[key] * count;
  return { cpuMillis: left('cpuMillis'), memoryBytes: left('memoryBytes'), pods: left('pods'), gpus: left('gpus') };
}

/**
 * Nodes that first-fit-decreasing opens for pods that each fit on an empty one. Pods go by the largest share of a node that they take, then
 * by their requests, so the order in which they are given does not matter.
 */
export function firstFitDecreasing(groups: readonly PodGroup[], node: Resources): number {
  const share = ({ need }: PodGroup) => Math.max(...KEYS.map((key) => (need[key] > 0 ? need[key] / node[key] : 0)));
  const sorted = [...groups].sort(
    (a, b) => share(b) - share(a) || KEYS.map((key) => b.need[key] - a.need[key]).find((difference) => difference !== 0) || 0,
  );
  const open: Resources[] = [];
  for (const { need, count } of sorted) {
    let left = count;
    // Pods that are alike fill a node together: the same result as one at a time, in as many steps as there are nodes.
    for (let index = 0; left > 0; index += 1) {
      if (index === open.length) open.push(node);
      const placed = Math.min(left, fitting(need, open[index]));
      if (placed === 0) continue;
      open[index] = minus(open[index], need, placed);
      left -= placed;
    }
  }
  return open.length;
}
