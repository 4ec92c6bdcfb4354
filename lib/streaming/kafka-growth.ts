import type { BrokerType } from './broker-type';

/** A size as it is deployed, in the units in which MSK changes it. */
export interface DeployedSize {
  readonly type: BrokerType;
  readonly brokers: number;
  /** GiB of each volume; none on Express. */
  readonly storageGib?: number;
  /** Hours kept on the volumes; none without tiered storage. */
  readonly primaryHours?: number;
  /** MiB/s bought for each volume. */
  readonly throughput?: number;
  /** Thread settings of the broker configuration. */
  readonly threads: { readonly [setting: string]: string };
}

/** One change of a cluster: what it is, and the size once it is deployed. */
export interface GrowthStep {
  readonly change: string;
  readonly size: DeployedSize;
}

const amount = (value: number | undefined, unit: string) => (value === undefined ? 'none' : `${value} ${unit}`);

// The order: a larger type needs no partition to move and opens the throughput that can be bought; brokers come before volumes, because they
// bring volumes along; records leave for the tier once there is room for those that stay; what costs money by itself comes late; thread
// settings belong to the size that is there.
const CHANGES: readonly { readonly of: (from: DeployedSize, to: DeployedSize) => [string, Partial<DeployedSize>] }[] = [
  { of: (from, to) => [`broker type ${from.type.name} to ${to.type.name}`, { type: to.type }] },
  { of: (from, to) => [`brokers ${from.brokers} to ${to.brokers}`, { brokers: to.brokers }] },
  {
    of: (from, to) => [
      `storage of each broker ${amount(from.storageGib, 'GiB')} to ${amount(to.storageGib, 'GiB')}`,
      { storageGib: to.storageGib },
    ],
  },
  {
    of: (from, to) => [
      `primary retention ${amount(from.primaryHours, 'h')} to ${amount(to.primaryHours, 'h')}`,
      { primaryHours: to.primaryHours },
    ],
  },
  {
    of: (from, to) => [
      `bought volume throughput ${amount(from.throughput, 'MiB/s')} to ${amount(to.throughput, 'MiB/s')}`,
      { throughput: to.throughput },
    ],
  },
  { of: (_from, to) => [`thread settings to those of ${to.type.name}`, { threads: to.threads }] },
];

/** Equal to a reader: types by name, settings by content. */
function differs(from: DeployedSize, part: Partial<DeployedSize>): boolean {
  return Object.entries(part).some(([name, value]) => {
    const known = from[name as keyof DeployedSize];
    return name === 'type' ? (known as BrokerType).name !== (value as BrokerType).name : JSON.stringify(known) !== JSON.stringify(value);
  });
}

/** The changes that lead from a deployed size to another, in the order in which they can be deployed, each of one attribute. */
export function stepsBetween(from: DeployedSize, to: DeployedSize): GrowthStep[] {
  const steps: GrowthStep[] = [];
  let size = from;
  for (const { of } of CHANGES) {
    const [change, part] = of(size, to);
    if (!differs(size, part)) continue;
    size = { ...size, ...part };
    steps.push({ change, size });
  }
  return steps;
}
