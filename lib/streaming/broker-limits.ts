import { BrokerClass, type BrokerType } from './broker-type';

/** A demand in the units of the published limits: MiB/s, hours, partitions with their replicas. */
export interface BrokerLoad {
  readonly averageIn: number;
  readonly peakIn: number;
  readonly peakOut: number;
  readonly partitionReplicas: number;
  readonly retentionHours: number;
  /** Hours kept on the brokers' volumes. @default - the retention: no tiered storage */
  readonly primaryHours?: number;
  readonly replicationFactor: number;
  /** Volume throughput bought for each broker. @default - none: what a volume delivers by itself */
  readonly provisionedThroughput?: number;
}

/** Where the published algorithm leaves room; the defaults are ours, the published ones reproduce AWS' vectors. */
export interface SizingAssumptions {
  /** Volume throughput one can count on, MiB/s, where some is bought or none. */
  readonly volumeThroughput: (type: BrokerType, provisioned?: number) => number;
  /** Express egress for each unit of sustained ingress. */
  readonly expressEgress: number;
  /** Share of the sustained Express egress that may be used. */
  readonly expressEgressShare: number;
  /** Bytes bought for each byte stored. */
  readonly storageHeadroom: number;
}

// MSK volumes deliver at most 250 MiB/s unless throughput is bought; a gp3 volume of the EBS CSI driver 125 MiB/s.
const MSK_VOLUME_THROUGHPUT = 250;
const GP3_THROUGHPUT = 125;

/** What we count on: only the volume throughput that is bought, and the egress that the Express quotas rather than AWS' algorithm promise. */
export const DEFAULT_ASSUMPTIONS: SizingAssumptions = {
  volumeThroughput: (type, provisioned) =>
    Math.min(
      type.limits.ebs ?? Infinity,
      type.brokerClass === BrokerClass.KUBERNETES ? GP3_THROUGHPUT : (provisioned ?? MSK_VOLUME_THROUGHPUT),
    ),
  expressEgress: 2,
  expressEgressShare: 0.75,
  storageHeadroom: 2,
};

/** Brokers that each limit asks for, rounded up to whole shares of three zones; in the order in which a bottleneck is named. */
export interface BrokersNeeded {
  [limit: string]: number;
}

const ZONES = 3;
// Of three zones one may be lost: the others carry 3/2.
const LOST_ZONE = ZONES / (ZONES - 1);
const MAX_VOLUME_GIB = 16_384;
const STANDARD_SHARE = 0.5;
const EXPRESS_INGRESS_SHARE = 0.75;
// An Express broker is throttled at 1.5 times its sustained ingress and 3.75 times that in egress (MSK Express throughput throttle limits).
const EXPRESS_INGRESS_CEILING = 1.5;
const EXPRESS_EGRESS_CEILING = 3.75;

function wholeZones(brokers: number): number {
  // Guard against 3.0000000001 brokers: floating-point dust must not buy another zone's worth.
  return Math.max(ZONES, Math.ceil(Math.ceil(brokers - 1e-9) / ZONES) * ZONES);
}

/** MiB/s that may come in and go out. */
export interface Capacity {
  readonly ingress: number;
  readonly egress: number;
}

/** What one partition of an Express cluster takes in before it is throttled: 15 MB/s (MSK Express throughput throttle limits). */
export const EXPRESS_PARTITION: Capacity = { ingress: 15e6 / (1024 * 1024), egress: Infinity };

/** What decides the capacity of a broker besides its type. */
export type LoadShape = Pick<BrokerLoad, 'peakIn' | 'peakOut' | 'retentionHours' | 'primaryHours' | 'provisionedThroughput'>;

/** What one broker can take in and give out within the share that should be used, MiB/s. */
export function capacityOf(load: LoadShape, type: BrokerType, assumptions: SizingAssumptions): Capacity {
  if (type.brokerClass === BrokerClass.EXPRESS) {
    const sustained = type.limits.ingress!;
    return { ingress: sustained * EXPRESS_INGRESS_SHARE, egress: sustained * assumptions.expressEgress * assumptions.expressEgressShare };
  }
  const fanout = load.peakOut / load.peakIn;
  const staging = load.primaryHours !== undefined && load.retentionHours > load.primaryHours ? 1.5 : 0;
  // Written bytes: 1.5 ingress + 1.5 replication (lost zone) + 0.5 lagging readers + 3.0 rebalancing; sent bytes: 2.2 replication + 0.5 + 3.0.
  const storageFactor = 6.5 + staging;
  const networkFactor = fanout * LOST_ZONE + 5.7 + staging;
  const ingress =
    Math.min(assumptions.volumeThroughput(type, load.provisionedThroughput) / storageFactor, type.limits.nic! / networkFactor) *
    STANDARD_SHARE;
  return { ingress, egress: fanout * ingress };
}

/** GiB on all volumes together, headroom included. */
export function volumeGib(load: BrokerLoad, assumptions: SizingAssumptions): number {
  const hours = load.primaryHours ?? load.retentionHours;
  return ((load.averageIn * hours * 3600 * load.replicationFactor) / 1024) * assumptions.storageHeadroom;
}

/** Brokers of a type needed by each published limit (streaming reference, 14.3). */
export function brokersNeeded(load: BrokerLoad, type: BrokerType, assumptions: SizingAssumptions): BrokersNeeded {
  const capacity = capacityOf(load, type, assumptions);
  const needed: BrokersNeeded = {
    ingress: wholeZones(load.peakIn / capacity.ingress),
    egress: wholeZones(load.peakOut / capacity.egress),
    partitions: wholeZones(load.partitionReplicas / type.limits.partitions),
  };
  if (type.brokerClass !== BrokerClass.EXPRESS) needed.storage = wholeZones(volumeGib(load, assumptions) / MAX_VOLUME_GIB);
  return needed;
}

/** Share of each limit that a load uses on a number of brokers. */
export function utilisationOf(
  load: BrokerLoad,
  type: BrokerType,
  brokers: number,
  assumptions: SizingAssumptions,
): { [limit: string]: number } {
  const capacity = capacityOf(load, type, assumptions);
  const shares: { [limit: string]: number } = {
    ingress: load.peakIn / (capacity.ingress * brokers),
    egress: load.peakOut / (capacity.egress * brokers),
    partitions: load.partitionReplicas / (type.limits.partitions * brokers),
  };
  if (type.brokerClass !== BrokerClass.EXPRESS) shares.storage = volumeGib(load, assumptions) / (MAX_VOLUME_GIB * brokers);
  return shares;
}

/**
 * Share of what the brokers can do at all that a load uses while one of three zones is lost: of the throughput of volume and network on
 * Standard, rebuilding its replicas included, and of the throttle limit on Express. Replicas stay where they are, so partitions and storage are as before.
 */
export function utilisationWithZoneLost(
  load: BrokerLoad,
  type: BrokerType,
  brokers: number,
  assumptions: SizingAssumptions,
): { [limit: string]: number } {
  const shares = utilisationOf(load, type, brokers, assumptions);
  // The factors of Standard brokers count on the lost zone already.
  if (type.brokerClass !== BrokerClass.EXPRESS) {
    return { ...shares, ingress: shares.ingress * STANDARD_SHARE, egress: shares.egress * STANDARD_SHARE };
  }
  const sustained = (type.limits.ingress! * brokers) / LOST_ZONE;
  return {
    ...shares,
    ingress: load.peakIn / (sustained * EXPRESS_INGRESS_CEILING),
    egress: load.peakOut / (sustained * EXPRESS_EGRESS_CEILING),
  };
}
