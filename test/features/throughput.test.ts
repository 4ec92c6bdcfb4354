import { Duration, Size } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import type { FeatureDemand } from '../../lib/features/feature-demand';
import { FeatureThroughputSizing } from '../../lib/features/feature-throughput-sizing';
import { refusalOf } from '../contract/refusal';

const demand = (readsPerSecond: number, writesPerSecond: number, recordSize?: Size): FeatureDemand => ({
  readsPerSecond,
  writesPerSecond,
  entities: 1_000_000,
  recordSize,
});
const units = (...given: Parameters<typeof FeatureThroughputSizing.forDemand>) => {
  const { readCapacityUnits, writeCapacityUnits } = FeatureThroughputSizing.forDemand(...given);
  return [readCapacityUnits, writeCapacityUnits];
};

describe('units of a demand', () => {
  // SageMaker developer guide, Throughput modes: up to 4 KB are one read unit, up to 1 KB one write unit, fractions round up.
  test.each([
    [Size.bytes(1), 1, 1],
    [Size.kibibytes(1), 1, 1],
    [Size.bytes(1025), 1, 2],
    [Size.kibibytes(4), 1, 4],
    [Size.bytes(4097), 2, 5],
    [Size.kibibytes(350), 88, 350],
  ])('of %j: a read takes %d, a write takes %d', (size, read, write) => {
    expect(units(demand(1, 1, size), { headroom: 0 })).toEqual([read, write]);
  });

  test('are those of the published rules, with headroom on top, in words that can be checked by hand', () => {
    const sizing = FeatureThroughputSizing.forDemand(demand(2000, 300, Size.kibibytes(6)));
    expect(sizing).toMatchObject({
      provisioned: true,
      readCapacityUnits: 5200,
      writeCapacityUnits: 2340,
      choice: 'Provisioned: 5200 read units, 2340 write units',
      bottleneck: 'reads',
      utilisation: { reads: 0.7692, writes: 0.7692 },
      reason: '2000 reads/s x 2 units, 300 writes/s x 6 units, records of 6144 bytes, 30 % headroom',
    });
  });

  test('write twice as much while history is filled in', () => {
    expect(units(demand(100, 100), { headroom: 0, backfill: true })).toEqual([100, 200]);
  });

  test('have no reads without an online store', () => {
    const sizing = FeatureThroughputSizing.forDemand(demand(100, 50), { headroom: 0, online: false });
    expect([sizing.readCapacityUnits, sizing.writeCapacityUnits, sizing.choice]).toEqual([undefined, 50, 'Provisioned: 50 write units']);
  });

  test('are whole where floating-point numbers are not', () => expect(units(demand(1000, 100), { headroom: 10 })).toEqual([1100, 110]));

  test('beyond the quota of a group are refused; exactly the quota is not', () => {
    expect(units(demand(40_000, 0), { headroom: 0 })).toEqual([40_000, 0]);
    expect(refusalOf(() => FeatureThroughputSizing.forDemand(demand(40_001, 0), { headroom: 0 }))).toEqual([
      'Millrace.FeatureDemandDoesNotFit demand',
    ]);
    expect(refusalOf(() => FeatureThroughputSizing.forDemand(demand(0, 40_001), { headroom: 0 }))).toEqual([
      'Millrace.FeatureDemandDoesNotFit demand',
    ]);
  });

  const rate = fc.double({ min: 0, max: 400, noNaN: true });
  const size = fc.integer({ min: 1, max: 100 * 1024 }).map((bytes) => Size.bytes(bytes));
  const headroom = fc.integer({ min: 0, max: 100 });

  test('always carry the demand, and never shrink with it', () => {
    fc.assert(
      fc.property(rate, rate, size, headroom, rate, (reads, writes, recordSize, room, more) => {
        fc.pre(writes * Math.ceil(recordSize.toBytes() / 1024) * (1 + room / 100) < 39_000 && more < 1);
        const [read, write] = units(demand(reads, writes, recordSize), { headroom: room });
        const [readMore, writeMore] = units(demand(reads + more, writes, recordSize), { headroom: room });
        expect(read! * 4096).toBeGreaterThanOrEqual(reads * recordSize.toBytes() * (1 - 1e-9));
        expect(write! * 1024).toBeGreaterThanOrEqual(writes * recordSize.toBytes() * (1 - 1e-9));
        expect([Number.isInteger(read), Number.isInteger(write), readMore! >= read!, writeMore === write]).toEqual([
          true,
          true,
          true,
          true,
        ]);
      }),
    );
  });

  test('leave the headroom that was asked for, and less than one unit a second beyond it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), headroom, (reads, room) => {
        const [read] = units(demand(reads, 0), { headroom: room });
        const wanted = reads * (1 + room / 100);
        expect(read! - wanted).toBeGreaterThan(-1e-6);
        expect(read! - wanted).toBeLessThan(1);
      }),
    );
  });

  test('take any demand that is none by its code', () => {
    fc.assert(
      fc.property(fc.constantFrom(-1, Number.NaN, Number.POSITIVE_INFINITY), (wrong) => {
        expect(refusalOf(() => FeatureThroughputSizing.forDemand(demand(wrong, wrong)))).toEqual([
          'Millrace.FeatureDemandInvalid demand.readsPerSecond',
          'Millrace.FeatureDemandInvalid demand.writesPerSecond',
        ]);
      }),
    );
  });
});

test('a record larger than any of Feature Store, and a headroom that is none, are refused', () => {
  expect(refusalOf(() => FeatureThroughputSizing.forDemand(demand(1, 1, Size.bytes(350 * 1024 + 1)), { headroom: -1 }))).toEqual([
    'Millrace.FeatureDemandInvalid demand.recordSize',
    'Millrace.FeatureThroughputInvalid throughput.headroom',
  ]);
});

test('on demand provisions nothing and says what share of the requests of an account it takes', () => {
  const sizing = FeatureThroughputSizing.onDemand({ ...demand(5000, 100), p99: Duration.millis(20) });
  expect(sizing).toMatchObject({ provisioned: false, choice: 'OnDemand', utilisation: { reads: 0.5, writes: 0.01 } });
  expect(sizing.readCapacityUnits).toBeUndefined();
});

test('fixed units are taken as they are, within the quota', () => {
  const fixed = (readCapacityUnits: number, writeCapacityUnits: number) => () =>
    FeatureThroughputSizing.fixed({ readCapacityUnits, writeCapacityUnits });
  expect(fixed(10, 0)()).toMatchObject({ readCapacityUnits: 10, writeCapacityUnits: 0, provisioned: true });
  expect(refusalOf(fixed(40_001, 0.5))).toEqual([
    'Millrace.FeatureThroughputInvalid throughput.readCapacityUnits',
    'Millrace.FeatureThroughputInvalid throughput.writeCapacityUnits',
  ]);
});
