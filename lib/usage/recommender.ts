// STAND-IN until the real recommender is merged: p95 of CPU and peak x 1.15 of memory. Nothing else belongs into this file.
import { refuse, show } from '../core/error';
import { type ProfileFile, replicasOf } from './profile-file';
import type { Recommendation } from './recommendation';
import { UsageHistogram } from './usage-histogram';

/** How a recommendation is made. */
export interface RecommenderOptions {
  readonly policy: 'steady' | 'responsive';
  /** @default - the class of the profile, else inferred */
  readonly workloadClass?: 'service' | 'batch' | 'jvm' | 'gpu';
  /** @default 10 */
  readonly minCpuMillis?: number;
  /** @default 16 */
  readonly minMemoryMib?: number;
  /**
   * Dollars.
   * @default - no saving is computed
   */
  readonly prices?: { readonly cpuCoreHour: number; readonly memoryGibHour: number };
}

/** @throws Millrace.ProfileContainerUnknown, Millrace.UsageHistoryTooShort */
export function recommendContainer(file: ProfileFile, container: string, options: RecommenderOptions): Recommendation {
  const entry = file.containers.get(container);
  if (!entry) {
    return refuse(`profile ${file.name}`, {
      code: 'Millrace.ProfileContainerUnknown',
      subject: 'container',
      received: show(container),
      allowed: [...file.containers.keys()].join(', '),
      fix: 'name one of these',
    });
  }
  const cpu = new UsageHistogram();
  const [last] = entry.blocks.slice(-1);
  for (const block of entry.blocks) if (block.usage.has('cpu')) cpu.merge(block.of('cpu').histogram);
  const peak = Math.max(0, ...entry.blocks.map((block) => block.usage.get('memory')?.peak ?? 0));
  if (!last || cpu.count === 0 || peak === 0) {
    return refuse(`profile ${file.name}`, {
      code: 'Millrace.UsageHistoryTooShort',
      subject: container,
      received: `${entry.blocks.length} blocks`,
      allowed: 'at least one block with CPU and memory',
      fix: 'pull its usage, or leave it out',
    });
  }
  const cpuMillis = Math.max(options.minCpuMillis ?? 10, Math.ceil(cpu.quantile(0.95)));
  const memoryMib = Math.max(options.minMemoryMib ?? 16, Math.ceil(peak * 1.15));
  const week = entry.blocks.slice((-7 * 86400) / file.blockSeconds);
  const replicas = Math.round((week.reduce((sum, block) => sum + replicasOf(block, file), 0) / week.length) * 100) / 100;
  const request = (resource: 'cpu' | 'memory') =>
    entry.blocks.reduce((found, block) => block.usage.get(resource)?.request || found, undefined as number | undefined);
  const [cpuNow, memoryNow] = [request('cpu'), request('memory')];
  const { prices } = options;
  const saving =
    prices && cpuNow && memoryNow
      ? (((cpuNow - cpuMillis) / 1000) * prices.cpuCoreHour + ((memoryNow - memoryMib) / 1024) * prices.memoryGibHour) * 730 * replicas
      : undefined;
  return {
    cpuMillis,
    memoryMib,
    replicas,
    workloadClass: options.workloadClass ?? entry.workloadClass ?? 'service',
    policy: options.policy,
    algorithm: 'stand-in',
    asOf: new Date((last.start + file.blockSeconds) * 1000).toISOString(),
    historyDays: (entry.blocks.length * file.blockSeconds) / 86400,
    confidence: 1,
    model: 'p95; peak + 15 %',
    reason: `95 % of samples stay below ${cpuMillis} millicores; the highest memory was ${peak} MiB`,
    expectedCpuSlack: 0.5,
    expectedCpuOver: 0.05,
    expectedMemorySlack: 0.2,
    expectedMemoryOver: 0,
    ...(saving === undefined ? {} : { monthlySaving: Math.round(saving * 100) / 100 }),
  };
}
