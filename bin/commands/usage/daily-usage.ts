import { type ProfileContainer, type ProfileFile, replicasOf } from '../../../lib/usage/profile-file';
import { UsageBlock, type UsageResource } from '../../../lib/usage/usage-block';
import type { Chart, ChartLine } from './html';
import { requestNow } from './profile-files';

/** What is read off a day. */
export type Statistic = 'mean' | 'p50' | 'p95' | 'peak';
export const DAY = 86_400;

/** The days of a container from its first to its last, `undefined` where nothing was measured. */
export function dailyBlocks({ blocks }: ProfileContainer): (UsageBlock | undefined)[] {
  if (blocks.length === 0) return [];
  const first = Math.floor(blocks[0].start / DAY);
  const days: (UsageBlock | undefined)[] = Array.from({ length: Math.floor(blocks[blocks.length - 1].start / DAY) - first + 1 });
  for (const block of blocks) {
    const index = Math.floor(block.start / DAY) - first;
    (days[index] ??= new UsageBlock((first + index) * DAY)).merge(block);
  }
  return days;
}

/** A statistic of one pod; NaN where the resource was not measured. */
export function statisticOf(block: UsageBlock | undefined, resource: UsageResource, statistic: Statistic): number {
  const usage = block?.usage.get(resource);
  if (!usage || usage.histogram.count === 0) return NaN;
  if (statistic === 'peak') return usage.peak;
  // A histogram knows the upper end of a bucket; nothing was above the peak.
  return statistic === 'mean' ? usage.histogram.mean() : Math.min(usage.peak, usage.histogram.quantile(statistic === 'p50' ? 0.5 : 0.95));
}

/** Average number of running pods of a day. */
export function replicasOfDay(day: UsageBlock, { intervalSeconds }: Pick<ProfileFile, 'intervalSeconds'>): number {
  return replicasOf(day, { intervalSeconds, blockSeconds: DAY });
}

/** All blocks in one. */
export function wholeHistory({ blocks }: ProfileContainer): UsageBlock {
  const whole = new UsageBlock(blocks[0]?.start ?? 0);
  for (const block of blocks) whole.merge(block);
  return whole;
}

/** CPU and memory of a container by day, beside what it requests. */
export function usageCharts(name: string, container: ProfileContainer, recommended = container.recommendation): Chart[] {
  const days = dailyBlocks(container);
  if (days.length === 0) return [];
  const first = Math.floor(container.blocks[0].start / DAY) * DAY;
  const resources = [
    { resource: 'cpu' as const, title: `${name}: CPU of a pod, millicores`, target: recommended?.cpuMillis },
    { resource: 'memory' as const, title: `${name}: memory of a pod, MiB`, target: recommended?.memoryMib },
  ];
  return resources.map(({ resource, title, target }) => {
    const line = (label: string, role: ChartLine['role'], statistic: Statistic): ChartLine => ({
      label,
      role,
      values: days.map((day) => {
        const value = statisticOf(day, resource, statistic);
        return Number.isNaN(value) ? null : Math.round(value * 10) / 10;
      }),
    });
    const level = (label: string, role: ChartLine['role'], value: number | undefined): ChartLine[] =>
      value === undefined ? [] : [{ label, role, values: days.map(() => value) }];
    return {
      title,
      times: days.map((_, index) => first + index * DAY),
      lines: [
        line('p95', 'main', 'p95'),
        line('p50', 'second', 'p50'),
        line('peak', 'third', 'peak'),
        ...level('request', 'limit', requestNow(container, resource)),
        ...level('recommended', 'target', target),
      ],
    };
  });
}
