import type { Bitrate } from 'aws-cdk-lib';
import type { SizingAlternative } from '../core/sizing';
import type { Capacity } from './broker-limits';
import { mibps } from './kafka-demand';
import type { KafkaDemand } from './kafka-sizing';

/** The published quotas of a serverless cluster (MSK developer guide, "MSK Serverless quota"); MB are 10^6 bytes. */
export const SERVERLESS_LIMITS = {
  ingressMb: 200,
  egressMb: 400,
  partitionIngressMb: 5,
  partitionEgressMb: 10,
  partitions: 2400,
  compactedPartitions: 120,
  connections: 3000,
  consumerGroups: 500,
  messageBytes: 8 * 1024 * 1024,
} as const;

const MB_IN_MIB = 1e6 / (1024 * 1024);
/** MiB/s of MB/s. */
export const fromMb = (mb: number): number => mb * MB_IN_MIB;

/** How far a demand uses a quota, in words as well. */
export interface Share {
  readonly share: number;
  readonly used: string;
  readonly quota: string;
}

function ratesMb(demand: KafkaDemand, growth = 0): Capacity {
  const mb = (rate: Bitrate) => (mibps(rate) / MB_IN_MIB) * (1 + growth / 100);
  return { ingress: mb(demand.peakIngress), egress: mb(demand.peakEgress ?? demand.peakIngress) };
}

/** How far a demand uses each quota, its traffic spread evenly over the partitions. */
export function sharesOf(demand: KafkaDemand, growth?: number, compactedPartitions = 0): { [limit: string]: Share } {
  const { ingress, egress } = ratesMb(demand, growth);
  const { ingressMb, egressMb, partitionIngressMb, partitionEgressMb, ...limits } = SERVERLESS_LIMITS;
  const rate = (used: number, quota: number): Share => ({ share: used / quota, used: `${used.toFixed(1)} MB/s`, quota: `${quota} MB/s` });
  const count = (used: number, quota: number): Share => ({ share: used / quota, used: String(used), quota: String(quota) });
  return {
    ingress: rate(ingress, ingressMb),
    egress: rate(egress, egressMb),
    partitions: count(demand.partitions - compactedPartitions, limits.partitions),
    'compacted partitions': count(compactedPartitions, limits.compactedPartitions),
    'ingress a partition': rate(ingress / demand.partitions, partitionIngressMb),
    'egress a partition': rate(egress / demand.partitions, partitionEgressMb),
  };
}

/** Whether a quota is exceeded, floating-point dust aside. */
export const isOver = ({ share }: Share): boolean => share > 1 + 1e-9;

/** The quota used most. */
export function fullest(shares: { [limit: string]: Share }): string {
  return Object.keys(shares).reduce((first, limit) => (shares[limit].share > shares[first].share + 1e-9 ? limit : first));
}

/** Partitions that the quotas of a partition ask for. */
export function partitionsFor(demand: KafkaDemand, growth?: number): number {
  const { ingress, egress } = ratesMb(demand, growth);
  return Math.ceil(Math.max(ingress / SERVERLESS_LIMITS.partitionIngressMb, egress / SERVERLESS_LIMITS.partitionEgressMb) - 1e-9);
}

/** A serverless cluster as an alternative to brokers, where it carries a valid demand with three copies. */
export function serverlessAlternatives(demand: KafkaDemand, replicationFactor: number, growth?: number): SizingAlternative[] {
  const shares = sharesOf(demand, growth);
  if (replicationFactor !== 3 || Object.values(shares).some(isOver)) return [];
  return [
    {
      choice: 'serverless',
      bottleneck: fullest(shares),
      reason: 'no brokers to run, IAM only, paid by traffic and partitions; at most 120 compacted partitions',
    },
  ];
}
