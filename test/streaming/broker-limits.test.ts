import fc from 'fast-check';
import {
  type BrokerLoad,
  DEFAULT_ASSUMPTIONS,
  type SizingAssumptions,
  brokersNeeded,
  utilisationOf,
  utilisationWithZoneLost,
  volumeGib,
} from '../../lib/streaming/broker-limits';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';

/** What AWS' algorithm assumes: volumes at their provisionable maximum, and egress of 2.5 times the ingress, all of it usable. */
const PUBLISHED: SizingAssumptions = {
  volumeThroughput: (type) => type.limits.ebs!,
  expressEgress: 2.5,
  expressEgressShare: 1,
  storageHeadroom: 2,
};

const A: BrokerLoad = {
  averageIn: 100,
  peakIn: 500,
  peakOut: 1000,
  partitionReplicas: 1000,
  retentionHours: 720,
  primaryHours: 24,
  replicationFactor: 3,
};
const B: BrokerLoad = { averageIn: 100, peakIn: 100, peakOut: 200, partitionReplicas: 900, retentionHours: 24, replicationFactor: 3 };
/** As A, with 500 MiB/s of volume throughput bought and consumers that read across zones. */
const D: BrokerLoad = { ...A, provisionedThroughput: 500 };
const D_AVERAGE_OUT = 200;
const C: BrokerLoad = { averageIn: 2, peakIn: 4, peakOut: 16, partitionReplicas: 20_000, retentionHours: 168, replicationFactor: 3 };

/** Broker type, us-east-1 $ an hour, then brokers and $ a month of the vectors A and B. */
type Row = [name: string, hourly: number, brokersA: number, monthlyA: number, brokersB: number, monthlyB: number];
const STANDARD: Row[] = [
  ['kafka.m5.large', 0.21, 108, 30668.59, 21, 11703.67],
  ['kafka.m5.xlarge', 0.42, 66, 34347.79, 12, 12163.58],
  ['kafka.m5.2xlarge', 0.84, 33, 34347.79, 6, 12163.58],
  ['kafka.m5.4xlarge', 1.68, 18, 36187.39, 6, 15842.77],
  ['kafka.m5.8xlarge', 3.36, 12, 43545.79, 6, 23201.17],
  ['kafka.m5.12xlarge', 5.04, 9, 47224.99, 6, 30559.58],
  ['kafka.m5.16xlarge', 6.72, 9, 58262.59, 6, 37917.97],
  ['kafka.m5.24xlarge', 10.08, 9, 80337.79, 6, 52634.78],
  ['kafka.m7g.large', 0.204, 102, 29302.03, 18, 11164.93],
  ['kafka.m7g.xlarge', 0.408, 54, 30195.55, 9, 11164.93],
  ['kafka.m7g.2xlarge', 0.816, 27, 30195.55, 6, 12058.45],
  ['kafka.m7g.4xlarge', 1.632, 15, 31982.59, 6, 15632.53],
  ['kafka.m7g.8xlarge', 3.264, 9, 35556.67, 6, 22780.69],
  ['kafka.m7g.12xlarge', 4.896, 9, 46278.91, 6, 29928.85],
  ['kafka.m7g.16xlarge', 6.528, 9, 57001.15, 6, 37077.01],
];
const EXPRESS: Row[] = [
  ['express.m7g.large', 0.408, 45, 44703.58, 9, 9512.59],
  ['express.m7g.xlarge', 0.816, 24, 45597.1, 6, 10406.11],
  ['express.m7g.2xlarge', 1.632, 12, 45597.1, 3, 10406.11],
  ['express.m7g.4xlarge', 3.264, 6, 45597.1, 3, 13980.19],
  ['express.m7g.8xlarge', 6.528, 3, 45597.1, 3, 21128.35],
  ['express.m7g.12xlarge', 9.792, 3, 52745.26, 3, 28276.51],
  ['express.m7g.16xlarge', 13.056, 3, 59893.42, 3, 35424.67],
];
const HOURLY = Object.fromEntries([...STANDARD, ...EXPRESS].map(([name, hourly]) => [name, hourly]));

const MONTH = 730;
const PRICE = { volumeGib: 0.1, throughput: 0.08, tieredGib: 0.023, expressInGib: 0.01, expressStoredGib: 0.1, crossZoneGib: 0.02 };

const brokersOf = (load: BrokerLoad, name: string) => Math.max(...Object.values(brokersNeeded(load, BrokerType.of(name), PUBLISHED)));

/** $ a month of rack-aware consumers (streaming reference, 14.3). */
function monthlyOf(load: BrokerLoad, name: string): number {
  const gibAMonth = (load.averageIn * 3600 * MONTH) / 1024;
  const gibKept = (hours: number) => (load.averageIn * hours * 3600) / 1024;
  const brokers = brokersOf(load, name) * HOURLY[name] * MONTH;
  const crossZone = gibAMonth * (2 / 3) * PRICE.crossZoneGib;
  if (name.startsWith('express.')) {
    return brokers + gibAMonth * PRICE.expressInGib + gibKept(load.retentionHours) * PRICE.expressStoredGib + crossZone;
  }
  const tiered = gibKept(load.retentionHours - (load.primaryHours ?? load.retentionHours)) * PRICE.tieredGib;
  return brokers + volumeGib(load, PUBLISHED) * PRICE.volumeGib + tiered + crossZone;
}

const cents = (amount: number) => Number(amount.toFixed(2));

function brokersOfD(name: string): number {
  const { provisionable } = BrokerType.of(name).limits;
  // The published check of bought throughput divides the average egress by it; we do not, it never decides here.
  const bought = provisionable === undefined ? 0 : Math.ceil(D_AVERAGE_OUT / Math.min(500, BrokerType.of(name).limits.ebs!) / 3) * 3;
  return Math.max(brokersOf(D, name), bought);
}

/** $ a month of vector D by item: bought throughput, and traffic between zones of what is read as well. */
function costOfD(name: string) {
  const { ebs, provisionable } = BrokerType.of(name).limits;
  const gibAMonth = ((D.averageIn + D_AVERAGE_OUT) * 3600 * MONTH) / 1024;
  const brokers = brokersOfD(name);
  const costs = {
    brokers: brokers * HOURLY[name] * MONTH,
    volumes: volumeGib(D, PUBLISHED) * PRICE.volumeGib,
    tiered: ((D.averageIn * (D.retentionHours - D.primaryHours!) * 3600) / 1024) * PRICE.tieredGib,
    throughput: provisionable === undefined ? 0 : brokers * Math.min(500, ebs!) * PRICE.throughput,
    crossZone: gibAMonth * (2 / 3) * PRICE.crossZoneGib,
  };
  const total = Object.values(costs).reduce((sum, cost) => sum + cost, 0);
  return Object.fromEntries(Object.entries({ ...costs, total }).map(([item, cost]) => [item, cents(cost)]));
}

function cheapest(load: BrokerLoad, prefix: string): string {
  const [name] = Object.keys(HOURLY)
    .filter((candidate) => candidate.startsWith(prefix) && brokersOf(load, candidate) <= 60)
    .sort((a, b) => monthlyOf(load, a) - monthlyOf(load, b));
  return `${name} x${brokersOf(load, name)} $${monthlyOf(load, name).toFixed(2)}`;
}

/** The first of the limits that ask for the most brokers. */
function bottleneckOf(load: BrokerLoad, name: string): string {
  const needed = Object.entries(brokersNeeded(load, BrokerType.of(name), PUBLISHED));
  return needed.reduce((first, limit) => (limit[1] > first[1] ? limit : first))[0];
}

describe("AWS' published vectors", () => {
  test.each([...STANDARD, ...EXPRESS])('%s', (name, _hourly, brokersA, monthlyA, brokersB, monthlyB) => {
    expect([brokersOf(A, name), brokersOf(B, name)]).toEqual([brokersA, brokersB]);
    expect(cents(monthlyOf(A, name))).toBe(monthlyA);
    expect(cents(monthlyOf(B, name))).toBe(monthlyB);
  });

  test('every size of broker is in the table', () => {
    const known = [BrokerClass.STANDARD, BrokerClass.EXPRESS].flatMap((brokerClass) => BrokerType.all(brokerClass).map(({ name }) => name));
    expect(known).toEqual(Object.keys(HOURLY));
  });

  test('A: the cheapest size of each family within 60 brokers', () => {
    expect(cheapest(A, 'kafka.m5')).toBe('kafka.m5.2xlarge x33 $34347.79');
    expect(cheapest(A, 'kafka.m7g')).toBe('kafka.m7g.xlarge x54 $30195.55');
    expect(cheapest(A, 'express')).toBe('express.m7g.large x45 $44703.58');
    expect(`${brokersOf(A, 'express.m7g.8xlarge')} $${monthlyOf(A, 'express.m7g.8xlarge').toFixed(2)}`).toBe('3 $45597.10');
  });

  test('B: the cheapest size of each family; large volumes are bound by storage', () => {
    expect(cheapest(B, 'kafka.m5')).toBe('kafka.m5.large x21 $11703.67');
    expect(brokersOf(B, 'kafka.m7g.large')).toBe(18);
    expect(monthlyOf(B, 'kafka.m7g.large').toFixed(2)).toBe('11164.93');
    expect(cheapest(B, 'express')).toBe('express.m7g.large x9 $9512.59');
    const storage = STANDARD.map(([name]) => name).filter((name) => bottleneckOf(B, name) === 'storage');
    expect(storage).toEqual(STANDARD.map(([name]) => name).filter((name) => !/(\.large|\.xlarge|\.2xlarge)$/.test(name)));
  });

  test('C: the cheapest size of each family, all bound by partitions', () => {
    expect(cheapest(C, 'kafka.m5')).toBe('kafka.m5.large x21 $3996.49');
    expect(cheapest(C, 'kafka.m7g')).toBe('kafka.m7g.large x21 $3904.51');
    expect(cheapest(C, 'express')).toBe('express.m7g.large x21 $6492.53');
    const picks = ['kafka.m5.large', 'kafka.m7g.large', 'express.m7g.large'];
    expect(picks.map((name) => bottleneckOf(C, name))).toEqual(['partitions', 'partitions', 'partitions']);
  });
});

describe("AWS' published vector D, with bought throughput", () => {
  test('m5.4xlarge x 18 costs what is published, item by item', () => {
    expect(brokersOfD('kafka.m5.4xlarge')).toBe(18);
    expect(costOfD('kafka.m5.4xlarge')).toEqual({
      brokers: 22_075.2,
      volumes: 5062.5,
      tiered: 5627.81,
      throughput: 720,
      crossZone: 10_265.63,
      total: 43_751.14,
    });
  });

  test('by the formula of the vector no size of m5 from 4xlarge on, which alone can have the throughput, is cheaper', () => {
    const sizes = ['4xlarge', '8xlarge', '12xlarge', '16xlarge', '24xlarge'].map((size) => `kafka.m5.${size}`);
    expect([...sizes].sort((a, b) => costOfD(a).total - costOfD(b).total)[0]).toBe('kafka.m5.4xlarge');
  });

  test('throughput can be bought from 4xlarge on, up to what the volumes deliver, in whole MiB/s', () => {
    const sizes = BrokerType.all(BrokerClass.STANDARD).filter(({ limits }) => limits.provisionable !== undefined);
    expect(sizes.map(({ name, limits }) => `${name} ${limits.provisionable}`)).toEqual([
      'kafka.m5.4xlarge 593',
      'kafka.m5.8xlarge 850',
      'kafka.m5.12xlarge 1000',
      'kafka.m5.16xlarge 1000',
      'kafka.m5.24xlarge 1000',
      'kafka.m7g.4xlarge 625',
      'kafka.m7g.8xlarge 1000',
      'kafka.m7g.12xlarge 1000',
      'kafka.m7g.16xlarge 1000',
    ]);
    const others = [...BrokerType.all(BrokerClass.EXPRESS), ...BrokerType.all(BrokerClass.KUBERNETES)];
    expect(others.filter(({ limits }) => limits.provisionable !== undefined)).toEqual([]);
  });
});

test('the limits are the published ones: vCPU, partitions, then volume and network, or ingress, in MiB/s', () => {
  const limits = Object.values(BrokerClass).flatMap((brokerClass) =>
    BrokerType.all(brokerClass).map(({ name, limits: { vcpu, partitions, ebs, nic, ingress } }) =>
      [name, vcpu, partitions, ...(ingress ? [ingress] : [ebs, nic])].join(' '),
    ),
  );
  const nodes = [
    'm7g.large 2 1000 78.75 117',
    'm7g.xlarge 4 1000 156.25 234',
    'm7g.2xlarge 8 2000 312.5 469',
    'm7g.4xlarge 16 4000 625 937',
    'm7g.8xlarge 32 4000 1000 1875',
    'm7g.12xlarge 48 4000 1000 2812',
    'm7g.16xlarge 64 4000 1000 3750',
  ];
  expect(limits).toEqual([
    'express.m7g.large 2 1000 15.625',
    'express.m7g.xlarge 4 1000 31.25',
    'express.m7g.2xlarge 8 2500 62.5',
    'express.m7g.4xlarge 16 6000 125',
    'express.m7g.8xlarge 32 12000 250',
    'express.m7g.12xlarge 48 16000 375',
    'express.m7g.16xlarge 64 20000 500',
    'kafka.m5.large 2 1000 81 96',
    'kafka.m5.xlarge 4 1000 144 160',
    'kafka.m5.2xlarge 8 2000 250 320',
    'kafka.m5.4xlarge 16 4000 593.75 640',
    'kafka.m5.8xlarge 32 4000 850 1280',
    'kafka.m5.12xlarge 48 4000 1000 1536',
    'kafka.m5.16xlarge 64 4000 1000 2560',
    'kafka.m5.24xlarge 96 4000 1000 3200',
    ...nodes.map((node) => `kafka.${node}`),
    ...nodes,
  ]);
});

describe('where our defaults differ from the published algorithm', () => {
  const ours = (load: BrokerLoad, name: string) => brokersNeeded(load, BrokerType.of(name), DEFAULT_ASSUMPTIONS);

  test('a volume delivers 250 MiB/s unless more is bought, so large Standard brokers need more company', () => {
    // Of 250 MiB/s half is used: 250 / (6.5 + 1.5) x 0.5 = 15.6 MiB/s a broker, 500 / 15.6 = 32, so 33 brokers where AWS says 15 and 9.
    expect([brokersOf(A, 'kafka.m7g.4xlarge'), brokersOf(A, 'kafka.m7g.8xlarge')]).toEqual([15, 9]);
    expect([ours(A, 'kafka.m7g.4xlarge').ingress, ours(A, 'kafka.m7g.8xlarge').ingress]).toEqual([33, 33]);
    expect(ours(A, 'kafka.m7g.xlarge').ingress).toBe(brokersOf(A, 'kafka.m7g.xlarge'));
  });

  test('D: 500 MiB/s bought are 500 MiB/s, not the most the size could have: 18 brokers of m5.4xlarge here too, 33 without them', () => {
    // Of 500 MiB/s half is used: 500 / 8 x 0.5 = 31.25 MiB/s a broker, 500 / 31.25 = 16, so 18; of 250 MiB/s 33.
    expect(ours(D, 'kafka.m5.4xlarge').ingress).toBe(18);
    expect(ours(A, 'kafka.m5.4xlarge').ingress).toBe(33);
    // 8xlarge could have 850 MiB/s, which the published algorithm counts on; with 500 bought it is 18 brokers, not 12.
    expect([brokersOf(D, 'kafka.m5.8xlarge'), ours(D, 'kafka.m5.8xlarge').ingress]).toEqual([12, 18]);
    expect('throughput' in ours(D, 'kafka.m5.4xlarge')).toBe(false);
  });

  test('a gp3 volume of a broker pod delivers 125 MiB/s', () => {
    expect(DEFAULT_ASSUMPTIONS.volumeThroughput(BrokerType.of('m7g.8xlarge'))).toBe(125);
    expect(DEFAULT_ASSUMPTIONS.volumeThroughput(BrokerType.of('m7g.large'))).toBe(78.75);
  });

  test('an Express broker sends twice what it takes in, three quarters of it usable', () => {
    // 300 / (62.5 x 2 x 0.75) = 3.2, so 6; published: 300 / (62.5 x 2.5) = 1.9, so 3.
    const load = { ...B, averageIn: 10, peakIn: 10, peakOut: 300 };
    expect(ours(load, 'express.m7g.2xlarge').egress).toBe(6);
    expect(brokersNeeded(load, BrokerType.of('express.m7g.2xlarge'), PUBLISHED).egress).toBe(3);
  });
});

describe('with one of three zones lost', () => {
  const lost = (load: BrokerLoad, name: string, brokers: number) =>
    utilisationWithZoneLost(load, BrokerType.of(name), brokers, DEFAULT_ASSUMPTIONS);

  test('Express brokers are measured by the throttle limit, 1.5 times the sustained ingress: the others take over and are not throttled', () => {
    // 500 / (250 x 1.5 x 2 brokers) = 0.667 and 1,000 / (250 x 3.75 x 2 brokers) = 0.533.
    const shares = lost({ ...A, primaryHours: undefined }, 'express.m7g.8xlarge', 3);
    expect([shares.ingress.toFixed(3), shares.egress.toFixed(3)]).toEqual(['0.667', '0.533']);
  });

  test('Standard brokers are measured by volume and network, rebuilding included: half of them is kept for it', () => {
    // 100 MiB/s x 6.5 written bytes / (78.75 x 18 brokers) = 0.459.
    expect(lost(B, 'kafka.m7g.large', 18).ingress.toFixed(3)).toBe('0.459');
  });
});

const rate = fc.double({ min: 1e-4, max: 6000, noNaN: true });

test('more of anything never takes fewer brokers of a type, and the brokers needed are never overfull', () => {
  const loads = fc.record({
    averageIn: rate,
    peakIn: rate,
    peakOut: rate,
    partitionReplicas: fc.integer({ min: 1, max: 90_000 }),
    retentionHours: rate,
  });
  const types = Object.values(BrokerClass).flatMap((brokerClass) => BrokerType.all(brokerClass));
  const fields = fc.constantFrom<keyof BrokerLoad>('averageIn', 'peakIn', 'peakOut', 'partitionReplicas', 'retentionHours');
  const factor = fc.double({ min: 1, max: 4, noNaN: true });
  fc.assert(
    fc.property(loads, fields, factor, (load, field, by) => {
      const less: BrokerLoad = { ...load, replicationFactor: 3 };
      const more: BrokerLoad = { ...less, [field]: less[field]! * by };
      for (const type of types) {
        const before = brokersNeeded(less, type, DEFAULT_ASSUMPTIONS);
        const after = brokersNeeded(more, type, DEFAULT_ASSUMPTIONS);
        for (const limit of Object.keys(before)) expect(after[limit]).toBeGreaterThanOrEqual(before[limit]);
        const brokers = Math.max(...Object.values(before));
        for (const share of Object.values(utilisationOf(less, type, brokers, DEFAULT_ASSUMPTIONS)))
          expect(share).toBeLessThanOrEqual(1 + 1e-9);
      }
    }),
    { numRuns: 100 },
  );
});
