import { Duration, Size } from 'aws-cdk-lib';
import fc from 'fast-check';
import { type FeatureDemand } from '../../lib/features/feature-demand';
import { OnlineStoreKind, OnlineStoreSizing } from '../../lib/features/online-store-sizing';
import { codeOf, refusalOf } from '../contract/refusal';

const DEMAND: FeatureDemand = { readsPerSecond: 1000, writesPerSecond: 100, entities: 1_000_000 };
const REDIS = { store: OnlineStoreKind.REDIS };
const forDemand = (demand: Partial<FeatureDemand>, options = {}) => OnlineStoreSizing.forDemand({ ...DEMAND, ...demand }, options);

describe('the store', () => {
  test('is Redis below 10 ms and DynamoDB from there', () => {
    expect(forDemand({ p99: Duration.millis(9) }).store).toBe('redis');
    expect(forDemand({ p99: Duration.millis(10) }).store).toBe('dynamodb');
    expect(forDemand({}).store).toBe('dynamodb');
  });

  test('is refused below what it can do', () => {
    expect(refusalOf(() => forDemand({ p99: Duration.millis(1) }))).toEqual(['Millrace.FeatureDemandDoesNotFit p99']);
    expect(refusalOf(() => forDemand({ p99: Duration.millis(8) }, { store: OnlineStoreKind.DYNAMODB }))).toEqual([
      'Millrace.FeatureDemandDoesNotFit p99',
    ]);
    expect(codeOf(() => forDemand({ entities: 1e12 }, REDIS))).toBe('Millrace.FeatureDemandDoesNotFit');
    expect(codeOf(() => forDemand({ readsPerSecond: 80_001 }))).toBe('Millrace.FeatureDemandDoesNotFit');
    expect(codeOf(() => forDemand({ recordSize: Size.kibibytes(400) }))).toBe('Millrace.FeatureDemandDoesNotFit');
  });

  test('needs a demand that is one', () => {
    const wrong = { readsPerSecond: NaN, writesPerSecond: -1, entities: 0.5, recordSize: Size.bytes(0), p99: Duration.millis(0) };
    expect(refusalOf(() => forDemand(wrong, { replicas: 6 })).map((line) => line.split(' ')[1])).toEqual([
      'demand.readsPerSecond',
      'demand.writesPerSecond',
      'entities',
      'recordSize',
      'p99',
      'replicas',
    ]);
  });
});

describe('DynamoDB', () => {
  // DynamoDB developer guide, read and write capacity units: items of 3 KB take one unit for a strongly consistent read and half of one for an
  // eventually consistent one, 80 reads/s of them 40; an item of 512 bytes takes one unit to write, 100 writes/s of them 100; one of 1.5 KB two.
  test.each([
    [{ recordSize: Size.kibibytes(3), readsPerSecond: 80, writesPerSecond: 1 }, 40, 4],
    [{ recordSize: Size.bytes(512), readsPerSecond: 2, writesPerSecond: 100 }, 1, 100],
    [{ recordSize: Size.bytes(1408), readsPerSecond: 1, writesPerSecond: 10 }, 1, 20],
    [{ recordSize: Size.bytes(4096), readsPerSecond: 100, writesPerSecond: 0 }, 100, 0],
  ])('counts units as AWS does: %j', (demand, read, write) => {
    const { readCapacity, writeCapacity } = forDemand(demand);
    expect([readCapacity, writeCapacity]).toEqual([read, write]);
  });

  test('counts 100 bytes of index for each item', () => {
    const sizing = forDemand({ recordSize: Size.bytes(1000), entities: 1_000_000 });
    expect(sizing.storageBytes).toBe(1_000_000 * (1000 + 128 + 100));
    expect(sizing.reason).toBe(
      'p99 20 ms; an item of 1128 B takes 0.5 RCU to read (eventually consistent, 4 KB) and 2 WCU to write (1 KB): 1000 reads/s are 500 RCU, ' +
        '100 writes/s 200 WCU; 1000000 items of 1228 B with their index are 1.14 GiB',
    );
  });
});

describe('Redis', () => {
  test('has a copy of each shard, and memory for twice the records with a quarter to spare', () => {
    const sizing = forDemand({ entities: 10_000_000 }, REDIS);
    expect(sizing.choice).toBe('redis 3 x 2 nodes of cache.r7g.large');
    expect(sizing.storageBytes).toBe(10_000_000 * (2048 + 256));
    expect(sizing.bottleneck).toBe('memory');
    expect(sizing.utilisation.memory).toBeCloseTo(23.04e9 / (3 * 13.07 * 1024 ** 3 * 0.75), 3);
  });

  test('has shards for the rates, and names DynamoDB where it would do', () => {
    const sizing = forDemand({ readsPerSecond: 70_000, writesPerSecond: 20_000 }, REDIS);
    expect([sizing.shards, sizing.nodesPerShard, sizing.bottleneck]).toEqual([3, 2, 'operations']);
    // A read is one command and a write three: what is there, the values, the TTL.
    expect(sizing.utilisation.operations).toBeCloseTo((70_000 + 3 * 20_000) / 150_000, 3);
    expect(sizing.alternatives.map(({ choice }) => choice.split(' ')[0])).toContain('dynamodb');
  });

  test('grows the nodes before it has more than eight shards', () => {
    expect(forDemand({ entities: 50_000_000 }, REDIS).choice).toBe('redis 6 x 2 nodes of cache.r7g.xlarge');
    expect(forDemand({}, { ...REDIS, replicas: 0 }).choice).toBe('redis 1 x 1 nodes of cache.r7g.large');
  });
});

const demands = fc.record({
  readsPerSecond: fc.integer({ min: 0, max: 30_000 }),
  writesPerSecond: fc.integer({ min: 0, max: 5_000 }),
  entities: fc.integer({ min: 1, max: 100_000_000 }),
  bytes: fc.integer({ min: 1, max: 4096 }),
});

test.each(Object.values(OnlineStoreKind))('%s carries what it is sized for, and no more is ever smaller', (store) => {
  fc.assert(
    fc.property(demands, ({ bytes, ...demand }) => {
      const sizing = forDemand({ ...demand, recordSize: Size.bytes(bytes) }, { store });
      for (const share of Object.values(sizing.utilisation)) expect(share).toBeLessThanOrEqual(1);
      const twice = forDemand({ ...demand, entities: demand.entities * 2, recordSize: Size.bytes(bytes) }, { store });
      expect(twice.storageBytes).toBe(sizing.storageBytes * 2);
      expect((twice.readCapacity ?? 0) + (twice.shards ?? 0)).toBeGreaterThanOrEqual(0);
      expect(forDemand({ ...demand, recordSize: Size.bytes(bytes) }, { store })).toEqual(sizing);
    }),
    { numRuns: 100 },
  );
});
