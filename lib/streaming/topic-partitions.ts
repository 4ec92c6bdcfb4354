import type { TopicDemand } from './topic-demand';

/** MiB/s that one partition carries, in and out. */
const MIB_PER_PARTITION = 10;
const LEAST = 6;

/** Partitions that carry a demand, a multiple of six. */
export function partitionsFor(demand: TopicDemand): number {
  const mib = (demand.messagesPerSecond * demand.messageSize.toBytes()) / 1024 / 1024;
  return Math.max(LEAST, Math.ceil(mib / MIB_PER_PARTITION / LEAST) * LEAST);
}
