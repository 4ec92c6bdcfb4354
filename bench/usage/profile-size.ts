import { DEFAULT_BLOCK_SECONDS, emptyProfile, formatProfile } from '../../lib/usage/profile-file';
import { UsageBlock, roundUsage } from '../../lib/usage/usage-block';
import type { Series } from './traces';

const BLOCKS = (14 * 86_400) / DEFAULT_BLOCK_SECONDS;

/** Bytes that a container takes in a profile file, for each stretch of 14 days of a series. */
export function profileSizes({ id, times, cpu, memory }: Series): number[] {
  const blocks: UsageBlock[] = [];
  for (let i = 0; i < times.length; i++) {
    const start = Math.floor(times[i] / DEFAULT_BLOCK_SECONDS) * DEFAULT_BLOCK_SECONDS;
    let block = blocks[blocks.length - 1];
    if (block?.start !== start) blocks.push((block = new UsageBlock(start)));
    block.add('cpu', roundUsage(cpu[i]));
    block.add('memory', roundUsage(memory[i]));
  }
  const empty = formatProfile(emptyProfile('bench')).length;
  const sizes: number[] = [];
  for (let first = 0; first + BLOCKS <= blocks.length; first += BLOCKS) {
    const file = emptyProfile('bench');
    file.containers.set(id, { blocks: blocks.slice(first, first + BLOCKS) });
    sizes.push(formatProfile(file).length - empty);
  }
  return sizes;
}
