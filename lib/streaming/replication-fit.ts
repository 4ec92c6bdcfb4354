import type { Rule } from '../core/rule';
import type { KafkaSizing } from './kafka-sizing';
import { PartitionCount } from './partition-count';
import type { ReplicatorOptions } from './replicator';

const MB = 1_000_000;
const MIB = 1024 * 1024;

/** Rules for what MSK Replicator can carry with the partitions there are (MSK developer guide, "Sizing and partitions"). */
export const REPLICATOR_PARTITION_RULES: readonly Rule<ReplicatorOptions>[] = [
  {
    code: 'Millrace.ReplicatorPartitionsTooFew',
    subject: 'demand.partitions',
    value: (options) => options.demand?.partitions,
    valid: (partitions: number, { demand }) => partitions >= PartitionCount.forReplication(demand!.throughput).partitions,
    allowed: ({ demand }) => {
      const { partitions } = PartitionCount.forReplication(demand!.throughput);
      return `${partitions} or more for ${(demand!.throughput.toBps() / 8 / MB).toFixed(1)} MB/s, by the table of AWS`;
    },
    fix: 'add partitions to the replicated topics, on both clusters',
  },
];

/** Rules for a target whose size is known: what is copied is written there, beside everything else. */
export function targetRules(sizing: KafkaSizing | undefined): Rule<ReplicatorOptions>[] {
  if (!sizing) return [];
  const most = sizing._capacityAt(1).ingress;
  return [
    {
      code: 'Millrace.ReplicatorDoesNotFit',
      subject: 'demand.throughput',
      value: (options) => options.demand && Number((options.demand.throughput.toBps() / 8 / MIB).toFixed(1)),
      valid: (mib: number) => mib <= most,
      allowed: `${most.toFixed(1)} MiB/s, which ${sizing.choice} of the target take in with room for a lost zone`,
      fix: 'size the target for what is copied and what its own producers write together',
    },
  ];
}
