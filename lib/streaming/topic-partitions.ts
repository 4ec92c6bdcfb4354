import { PartitionCount } from './partition-count';
import type { TopicDemand } from './topic-demand';
import { egressOf, ingressOf } from './topic-load';
import type { TopicSurroundings } from './topic-surroundings';

/** Without a demand: divides evenly over three zones and over 1, 2, 3 or 6 consumers. A small demand does not make it less. */
const LEAST = 6;
const BITS_PER_MIB = 8 * 1024 * 1024;

/** Partitions of a topic that does not say how many, by its demand where it has one. */
export function defaultPartitions(demand: TopicDemand | undefined, { serverless }: TopicSurroundings): number {
  if (!demand) return LEAST;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a contract loads no framework before it needs one
  const { Bitrate } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
  const of = (rate: number) => PartitionCount.forThroughput({ throughput: Bitrate.bps(rate * BITS_PER_MIB), serverless }).partitions;
  // Serverless limits what a partition gives out, too: twice what it takes in, to all groups together.
  const egress = serverless ? of(egressOf(demand) / 2) : LEAST;
  return Math.max(LEAST, of(ingressOf(demand)), egress);
}
