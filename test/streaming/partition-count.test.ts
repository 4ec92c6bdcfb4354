import { Bitrate, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { PartitionCount, type PartitionDemand } from '../../lib/streaming/partition-count';
import { refusalOf } from '../contract/refusal';

const mibps = (rate: number) => Bitrate.bps(rate * 8 * 1024 * 1024);
const mb = (rate: number) => Bitrate.mbps(rate * 8);

describe('partitions for a throughput', () => {
  test('double the throughput over 10 MiB/s a partition, in whole shares of three zones', () => {
    const count = PartitionCount.forThroughput({ throughput: mibps(100) });
    expect(count).toMatchObject({ partitions: 21, choice: '21 partitions', bottleneck: 'producer throughput' });
    expect(count.utilisation).toEqual({ 'producer throughput': 0.9524, 'consumer throughput': 0.9524, consumers: 0.0476 });
    expect(count.reason).toBe(
      '200.0 MiB/s with 100 % growth over 10.0 MiB/s in and 10.0 MiB/s out of a partition, 1 consumers: producer throughput needs 20.0, rounded up to a multiple of 3',
    );
    expect(PartitionCount.forThroughput({ throughput: mibps(0.1) }).partitions).toBe(3);
  });

  test('a slow consumer decides: 60 MiB/s at 2 MiB/s a consumer are 30', () => {
    const count = PartitionCount.forThroughput({ throughput: mibps(60), consumerThroughput: mibps(2), growth: 0 });
    expect(count).toMatchObject({ partitions: 30, bottleneck: 'consumer throughput' });
  });

  test('every consumer gets as many as every other', () => {
    expect(PartitionCount.forThroughput({ throughput: mibps(1), consumers: 8 })).toMatchObject({ partitions: 24, bottleneck: 'consumers' });
    expect(PartitionCount.forThroughput({ throughput: mibps(200), consumers: 12 }).partitions).toBe(48);
  });

  test('on Serverless a partition takes 5 MB/s in and gives 10 MB/s out, whatever was measured', () => {
    const onServerless = { throughput: mb(100), serverless: true, growth: 0 };
    expect(PartitionCount.forThroughput(onServerless).partitions).toBe(21);
    expect(PartitionCount.forThroughput({ ...onServerless, producerThroughput: mb(50), consumerThroughput: mb(50) }).partitions).toBe(21);
    expect(PartitionCount.forThroughput({ ...onServerless, producerThroughput: mb(1) }).partitions).toBe(102);
  });

  test('carry any demand, divide evenly, and are no more than one round above the need', () => {
    const rate = fc.double({ min: 0.01, max: 1000, noNaN: true });
    fc.assert(
      fc.property(rate, rate, rate, fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 300 }), (t, p, c, consumers, growth) => {
        const demand = { throughput: mibps(t), producerThroughput: mibps(p), consumerThroughput: mibps(c), consumers, growth };
        const { partitions, utilisation } = PartitionCount.forThroughput(demand);
        const needed = Math.max((t * (1 + growth / 100)) / Math.min(p, c), consumers);
        expect([partitions % 3, partitions % consumers]).toEqual([0, 0]);
        expect(partitions).toBeGreaterThanOrEqual(needed - 1e-6);
        expect(partitions).toBeLessThan(Math.ceil(needed) + 3 * consumers);
        for (const share of Object.values(utilisation)) expect(share).toBeLessThanOrEqual(1);
      }),
    );
  });

  test.each<[string, Partial<PartitionDemand>, string]>([
    ['no throughput', { throughput: mibps(0) }, 'throughput'],
    ['no producer throughput', { producerThroughput: mibps(0) }, 'producerThroughput'],
    ['a consumer throughput that is not a number', { consumerThroughput: mibps(NaN) }, 'consumerThroughput'],
    ['half a consumer', { consumers: 0.5 }, 'consumers'],
    ['growth below zero', { growth: -10 }, 'growth'],
  ])('fail for %s', (_what, part, subject) => {
    expect(refusalOf(() => PartitionCount.forThroughput({ throughput: mibps(1), ...part }))).toEqual([
      `Millrace.KafkaPartitionCountInvalid ${subject}`,
    ]);
  });

  test('fail for what is known only at deploy time, and for plain JavaScript without a throughput', () => {
    expect(refusalOf(() => PartitionCount.forThroughput({ throughput: mibps(1), consumers: Token.asNumber({ Ref: 'N' }) }))).toEqual([
      'Millrace.TokenRefused consumers',
    ]);
    expect(refusalOf(() => PartitionCount.forThroughput({} as PartitionDemand))).toEqual([
      'Millrace.KafkaPartitionCountInvalid throughput',
    ]);
  });
});

describe('partitions for a replication', () => {
  test.each([
    [50, 167],
    [100, 334],
    [250, 833],
    [500, 1666],
    [1000, 3333],
  ])('of %p MB/s are the %p of AWS', (rate, partitions) => {
    expect(PartitionCount.forReplication(mb(rate)).partitions).toBe(partitions);
  });

  test('between the rows are in proportion: 75 MB/s take 251', () => {
    expect([1, 75, 999].map((rate) => PartitionCount.forReplication(mb(rate)).partitions)).toEqual([4, 251, 3330]);
    expect(PartitionCount.forReplication(mb(75)).reason).toBe(
      '75.0 MB/s over the replicated topics: AWS asks for 334 partitions at 100 MB/s',
    );
  });

  test('never get fewer with more throughput', () => {
    const rate = fc.double({ min: 0.001, max: 990, noNaN: true });
    fc.assert(
      fc.property(rate, fc.double({ min: 1, max: 1.01, noNaN: true }), (less, by) => {
        const [a, b] = [less, less * by].map((each) => PartitionCount.forReplication(mb(each)).partitions);
        expect(b).toBeGreaterThanOrEqual(a);
      }),
    );
  });

  test('end where the table ends', () => {
    expect(refusalOf(() => PartitionCount.forReplication(mb(1001)))).toEqual(['Millrace.KafkaPartitionCountInvalid throughput']);
    expect(refusalOf(() => PartitionCount.forReplication(mb(0)))).toEqual(['Millrace.KafkaPartitionCountInvalid throughput']);
  });
});
