import { Bitrate, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import type { KafkaDemand } from '../../lib/streaming/kafka-sizing';
import { ServerlessSizing } from '../../lib/streaming/serverless-sizing';
import { refusalOf } from '../contract/refusal';

/** Decimal megabytes, as AWS states the quotas. */
const mb = (rate: number) => Bitrate.mbps(rate * 8);
const demand: KafkaDemand = { peakIngress: mb(100), peakEgress: mb(300), partitions: 120 };

describe('a serverless cluster', () => {
  test('carries a demand within its quotas and says how full each is', () => {
    const sizing = ServerlessSizing.forDemand(demand, { compactedPartitions: 12 });
    expect(sizing).toMatchObject({ choice: 'serverless', bottleneck: 'egress', alternatives: [] });
    expect(sizing.utilisation).toEqual({
      ingress: 0.5,
      egress: 0.75,
      partitions: 0.045,
      'compacted partitions': 0.1,
      'ingress a partition': 0.1667,
      'egress a partition': 0.25,
    });
    expect(sizing.reason).toContain('ingress 100.0 MB/s of 200 MB/s, egress 300.0 MB/s of 400 MB/s, partitions 108 of 2400');
  });

  test('holds 2,400 leaders, 120 of compacted topics, 200 MB/s in and 400 MB/s out', () => {
    const sizing = ServerlessSizing.forDemand(demand);
    expect([sizing.partitionCapacity, sizing.compactedPartitionCapacity]).toEqual([2400, 120]);
    expect([sizing.ingressCapacity.toMbps(), sizing.egressCapacity.toMbps()]).toEqual([1600, 3200]);
  });

  test('may be filled to each quota, and no further', () => {
    const full: KafkaDemand = { peakIngress: mb(200), peakEgress: mb(400), partitions: 2400 };
    expect(ServerlessSizing.forDemand(full).utilisation).toMatchObject({ ingress: 1, egress: 1, partitions: 1 });
    const refused = ['Millrace.KafkaDemandDoesNotFit demand'];
    for (const part of [{ peakIngress: mb(200.1) }, { peakEgress: mb(400.1) }, { partitions: 2401 }]) {
      expect(refusalOf(() => ServerlessSizing.forDemand({ ...full, ...part }))).toEqual(refused);
    }
    expect(refusalOf(() => ServerlessSizing.forDemand(demand, { compactedPartitions: 121, growth: 0 }))).toEqual([
      'Millrace.KafkaDemandInvalid options.compactedPartitions',
    ]);
    expect(refusalOf(() => ServerlessSizing.forDemand(full, { compactedPartitions: 121 }))).toEqual(refused);
    expect(refusalOf(() => ServerlessSizing.forDemand(full, { growth: 1 }))).toEqual(refused);
  });

  test('with too few partitions fails with how many it takes: 5 MB/s in and 10 MB/s out of each', () => {
    const few = (part: Partial<KafkaDemand>) => () => ServerlessSizing.forDemand({ ...demand, ...part });
    expect(few({ peakEgress: mb(100), partitions: 19 })).toThrow(
      'ingress a partition 5.3 MB/s; allowed: ingress a partition 5 MB/s; fix: raise demand.partitions to 20',
    );
    expect(few({ partitions: 29 })).toThrow('raise demand.partitions to 30');
    expect(few({ partitions: 30 })).not.toThrow();
  });

  test('is decided for any demand, or refused', () => {
    const rate = fc.double({ min: 1e-3, max: 500, noNaN: true });
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 1, max: 4000 }), (ingress, egress, partitions) => {
        const fits = ingress <= 200 && egress <= 400 && partitions <= 2400 && ingress / partitions <= 5 && egress / partitions <= 10;
        const work = () => ServerlessSizing.forDemand({ peakIngress: mb(ingress), peakEgress: mb(egress), partitions });
        if (fits) expect(Math.max(...Object.values(work().utilisation))).toBeLessThanOrEqual(1);
        else expect(refusalOf(work)).toEqual(['Millrace.KafkaDemandDoesNotFit demand']);
      }),
    );
  });

  test('fails for what is no demand', () => {
    expect(refusalOf(() => ServerlessSizing.forDemand({ ...demand, partitions: 0 }, { growth: -1 }))).toEqual([
      'Millrace.KafkaDemandInvalid demand.partitions',
      'Millrace.KafkaDemandInvalid options.growth',
    ]);
    expect(refusalOf(() => ServerlessSizing.forDemand({ ...demand, partitions: Token.asNumber({ Ref: 'N' }) }))).toEqual([
      'Millrace.TokenRefused demand.partitions',
    ]);
  });
});
