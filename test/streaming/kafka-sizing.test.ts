import { Bitrate, Duration, Lazy, Size, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { type KafkaDemand, KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { codeOf, refusalOf } from '../contract/refusal';

const mibps = (rate: number) => Bitrate.bps(rate * 8 * 1024 * 1024);

describe('a decision', () => {
  test("the documentation's example, 45 MiB/s in and 90 out, fills three express.m7g.large; with a quarter kept free it takes the next size", () => {
    const { ingress } = BrokerType.of('express.m7g.large').limits;
    expect([(ingress! * 3) / 45 >= 1, (ingress! * 2 * 3) / 90 >= 1, (ingress! * 3) / 45 < 1.05]).toEqual([true, true, true]);
    expect(KafkaSizing.forDemand({ peakIngress: mibps(45), peakEgress: mibps(90), partitions: 100 }).choice).toBe('express.m7g.xlarge x 3');
  });

  test('of sizes within a tenth of the fewest vCPU the one with the fewest brokers is taken: 3 brokers of 96 vCPU, not 45 of 90', () => {
    const sizing = KafkaSizing.forDemand({ averageIngress: mibps(100), peakIngress: mibps(500), peakEgress: mibps(1000), partitions: 333 });
    expect(sizing).toMatchObject({ choice: 'express.m7g.8xlarge x 3', bottleneck: 'ingress', brokers: 3 });
    expect(sizing.utilisation).toEqual({ ingress: 0.8889, egress: 0.8889, partitions: 0.0278 });
    expect(sizing.alternatives.map(({ choice }) => choice)).toEqual([
      'express.m7g.large x 45',
      'express.m7g.4xlarge x 6',
      'express.m7g.2xlarge x 12',
      'kafka.m7g.xlarge x 42',
    ]);
    expect(sizing.alternatives[0].reason).toBe('90 vCPU in 45 brokers, 94 % of the chosen vCPU');
    expect(sizing.reason).toBe(
      '500.0 MiB/s in, 1000.0 MiB/s out, 999 partition replicas, 168 h retention; brokers of express.m7g.8xlarge needed by limit: ingress 3, egress 3, partitions 3',
    );
  });
});

describe('the defaults of a demand', () => {
  const demand: KafkaDemand = { peakIngress: mibps(20), partitions: 100 };

  test('every byte is read once, at the peak all the time, and kept seven days', () => {
    const spelledOut = { ...demand, peakEgress: mibps(20), averageIngress: mibps(20), retention: Duration.days(7) };
    for (const brokerClass of [BrokerClass.EXPRESS, BrokerClass.STANDARD, BrokerClass.KUBERNETES]) {
      const sizing = KafkaSizing.forDemand(demand, { brokerClass });
      expect(sizing).toEqual(KafkaSizing.forDemand(spelledOut, { brokerClass, replicationFactor: 3 }));
      expect(sizing.brokerType.brokerClass).toBe(brokerClass);
    }
    expect(KafkaSizing.forDemand(demand)).toEqual(KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.EXPRESS }));
  });

  test('storage is twice the records with their copies, shared by the brokers; Express stores by itself', () => {
    // 20 MiB/s x 604,800 s x 3 copies / 1024 x 2 = 70,875 GiB.
    const sizing = KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.STANDARD });
    expect(sizing).toMatchObject({ choice: 'kafka.m7g.large x 6', bottleneck: 'storage' });
    expect(sizing.storagePerBroker!.toGibibytes()).toBe(Math.ceil(70_875 / 6));
    expect(KafkaSizing.forDemand(demand).storagePerBroker).toBeUndefined();
  });

  test('partitions count with their copies: 1,000 leaders are 3,000 replicas, which fill three brokers of 1,000', () => {
    expect(KafkaSizing.forDemand({ peakIngress: mibps(1), partitions: 1000 }).choice).toBe('express.m7g.large x 3');
    expect(KafkaSizing.forDemand({ peakIngress: mibps(1), partitions: 1001 })).toMatchObject({ brokers: 6, bottleneck: 'partitions' });
    expect(KafkaSizing.forDemand({ peakIngress: mibps(1), partitions: 1000 }).partitionCapacity).toBe(3000);
  });

  test('a volume that is exactly full is not topped up by floating-point dust beyond what MSK allows', () => {
    const sizing = KafkaSizing.forDemand(
      { peakIngress: mibps((39 * 16_384 * 1024) / (168 * 3600 * 6)), partitions: 1, retention: Duration.hours(168) },
      { brokerClass: BrokerClass.STANDARD },
    );
    expect([sizing.choice, sizing.storagePerBroker!.toGibibytes()]).toEqual(['kafka.m7g.large x 39', 16_384]);
  });
});

describe('for any demand', () => {
  const rate = fc.double({ min: 1e-4, max: 6000, noNaN: true });
  const demands = fc.record({
    peakIn: rate,
    averageShare: fc.double({ min: 1e-3, max: 1, noNaN: true }),
    fanout: fc.double({ min: 1e-3, max: 30, noNaN: true }),
    partitions: fc.integer({ min: 1, max: 500_000 }),
    hours: fc.double({ min: 0.01, max: 9000, noNaN: true }),
    brokerClass: fc.constantFrom(BrokerClass.EXPRESS, BrokerClass.STANDARD, BrokerClass.KUBERNETES),
    two: fc.boolean(),
  });

  test('a size within every published limit comes out, or a refusal with its code', () => {
    let refused = 0;
    fc.assert(
      fc.property(demands, ({ peakIn, averageShare, fanout, partitions, hours, brokerClass, two }) => {
        const replicationFactor = two && brokerClass !== BrokerClass.EXPRESS ? 2 : 3;
        const demand = {
          peakIngress: mibps(peakIn),
          averageIngress: mibps(peakIn * averageShare),
          peakEgress: mibps(peakIn * fanout),
          partitions,
          retention: Duration.hours(hours),
        };
        let sizing: KafkaSizing;
        try {
          sizing = KafkaSizing.forDemand(demand, { brokerClass, replicationFactor });
        } catch (error) {
          refused++;
          expect((error as { code: string }).code).toBe('Millrace.KafkaDemandDoesNotFit');
          return;
        }
        expect(sizing.brokers % 3).toBe(0);
        expect(sizing.brokers).toBeGreaterThanOrEqual(3);
        expect(sizing.brokers).toBeLessThanOrEqual(60);
        for (const share of Object.values(sizing.utilisation)) expect(share).toBeLessThanOrEqual(1);
        expect(Object.keys(sizing.utilisation)).toContain(sizing.bottleneck);
        expect(partitions * replicationFactor).toBeLessThanOrEqual(sizing.partitionCapacity);
        const gib = sizing.storagePerBroker?.toGibibytes();
        if (brokerClass === BrokerClass.EXPRESS) return expect(gib).toBeUndefined();
        expect(Number.isInteger(gib) && gib! >= 1 && gib! <= 16_384).toBe(true);
        const kept = (peakIn * averageShare * hours * 3600 * replicationFactor) / 1024;
        expect(gib! * sizing.brokers).toBeGreaterThanOrEqual(2 * kept * (1 - 1e-9));
        return undefined;
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(400);
  });

  test('the same demand gives the same size', () => {
    const decide = () =>
      JSON.stringify(KafkaSizing.forDemand({ peakIngress: mibps(77), partitions: 500 }, { brokerClass: BrokerClass.STANDARD }));
    expect(decide()).toBe(decide());
  });
});

describe('a demand that no 60 brokers carry', () => {
  test.each([
    ['ingress', { peakIngress: mibps(10_000), averageIngress: mibps(1), partitions: 1 }],
    ['egress', { peakIngress: mibps(1), peakEgress: mibps(100_000), partitions: 1 }],
    ['partitions', { peakIngress: mibps(1), partitions: 1_000_000 }],
    ['storage', { peakIngress: mibps(30), partitions: 1, retention: Duration.days(365) }],
  ])('fails for %s and says which limit', (limit, demand) => {
    const work = () => KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.STANDARD });
    expect(codeOf(work)).toBe('Millrace.KafkaDemandDoesNotFit');
    expect(work).toThrow(new RegExp(`${limit} needs \\d+.*; allowed: at most 60 brokers`));
  });
});

describe('bad input', () => {
  const good: KafkaDemand = { peakIngress: mibps(10), partitions: 10 };
  const token = () => Token.asNumber({ Ref: 'Rate' });
  const invalid = (subject: string) => `Millrace.KafkaDemandInvalid ${subject}`;

  test.each<[string, Partial<KafkaDemand>, string]>([
    ['no ingress', { peakIngress: mibps(0) }, 'demand.peakIngress'],
    ['an ingress that is not a number', { peakIngress: mibps(NaN) }, 'demand.peakIngress'],
    ['an infinite ingress', { peakIngress: mibps(Infinity) }, 'demand.peakIngress'],
    ['no average', { averageIngress: mibps(0) }, 'demand.averageIngress'],
    ['an average above the peak', { averageIngress: mibps(10.1) }, 'demand.averageIngress'],
    ['no egress', { peakEgress: mibps(0) }, 'demand.peakEgress'],
    ['no partitions', { partitions: 0 }, 'demand.partitions'],
    ['negative partitions', { partitions: -6 }, 'demand.partitions'],
    ['half a partition', { partitions: 0.5 }, 'demand.partitions'],
    ['partitions that are not a number', { partitions: NaN }, 'demand.partitions'],
    ['infinite partitions', { partitions: Infinity }, 'demand.partitions'],
    ['no retention', { retention: Duration.hours(0) }, 'demand.retention'],
    ['a retention that is not a number', { retention: Duration.hours(NaN) }, 'demand.retention'],
    ['infinite retention', { retention: Duration.days(Infinity) }, 'demand.retention'],
  ])('fails for %s', (_what, part, subject) => {
    expect(refusalOf(() => KafkaSizing.forDemand({ ...good, ...part }))).toEqual([invalid(subject)]);
  });

  test.each<[string, Partial<KafkaDemand>]>([
    ['demand.peakIngress', { peakIngress: Bitrate.bps(token()) }],
    ['demand.averageIngress', { averageIngress: Bitrate.bps(token()) }],
    ['demand.peakEgress', { peakEgress: Bitrate.bps(token()) }],
    ['demand.partitions', { partitions: Lazy.number({ produce: () => 3 }) }],
    ['demand.retention', { retention: Duration.hours(token()) }],
  ])('fails for a %s known only at deploy time', (subject, part) => {
    expect(refusalOf(() => KafkaSizing.forDemand({ ...good, ...part }))).toEqual([`Millrace.TokenRefused ${subject}`]);
  });

  test.each([
    [BrokerClass.EXPRESS, 2],
    [BrokerClass.EXPRESS, 1],
    [BrokerClass.STANDARD, 1],
    [BrokerClass.STANDARD, 4],
    [BrokerClass.KUBERNETES, 0],
    [BrokerClass.STANDARD, NaN],
  ])('fails on %s brokers with %p copies', (brokerClass, replicationFactor) => {
    expect(refusalOf(() => KafkaSizing.forDemand(good, { brokerClass, replicationFactor }))).toEqual([
      invalid('options.replicationFactor'),
    ]);
  });

  test('fails once, with everything that is wrong', () => {
    const bad = {
      peakIngress: mibps(0),
      averageIngress: mibps(NaN),
      peakEgress: Bitrate.bps(token()),
      partitions: 1.5,
      retention: Duration.days(0),
    };
    expect(refusalOf(() => KafkaSizing.forDemand(bad, { replicationFactor: 1 }))).toEqual([
      invalid('demand.peakIngress'),
      invalid('demand.averageIngress'),
      'Millrace.TokenRefused demand.peakEgress',
      invalid('demand.partitions'),
      invalid('demand.retention'),
      invalid('options.replicationFactor'),
    ]);
  });
});

describe('a size chosen by hand', () => {
  const brokerType = BrokerType.of('kafka.m7g.large');

  test('is taken as it is, with 1,000 GiB a broker and none on Express', () => {
    expect(KafkaSizing.fixed({ brokerType, brokers: 3 }).choice).toBe('kafka.m7g.large x 3 with 1000 GiB each');
    expect(KafkaSizing.fixed({ brokerType, brokers: 60, storagePerBroker: Size.tebibytes(16) }).storagePerBroker!.toGibibytes()).toBe(
      16_384,
    );
    expect(KafkaSizing.fixed({ brokerType: BrokerType.of('express.m7g.large'), brokers: 3 }).storagePerBroker).toBeUndefined();
  });

  test.each([0, -3, 1, 4, 63, 4.5, NaN, Infinity])('fails with %p brokers', (brokers) => {
    expect(refusalOf(() => KafkaSizing.fixed({ brokerType, brokers }))).toEqual(['Millrace.KafkaSizeInvalid brokers']);
  });

  test.each([Size.gibibytes(0), Size.gibibytes(16_385), Size.mebibytes(1536)])('fails with storage of %p', (storagePerBroker) => {
    expect(refusalOf(() => KafkaSizing.fixed({ brokerType, brokers: 3, storagePerBroker }))).toEqual([
      'Millrace.KafkaSizeInvalid storagePerBroker',
    ]);
  });

  test('fails with storage on Express, and with tokens, all at once', () => {
    const express = { brokerType: BrokerType.of('express.m7g.large'), brokers: 4, storagePerBroker: Size.gibibytes(100) };
    expect(refusalOf(() => KafkaSizing.fixed(express))).toEqual([
      'Millrace.KafkaSizeInvalid brokers',
      'Millrace.KafkaSizeInvalid storagePerBroker',
    ]);
    const late = { brokerType, brokers: Token.asNumber({ Ref: 'N' }), storagePerBroker: Size.gibibytes(Token.asNumber({ Ref: 'G' })) };
    expect(refusalOf(() => KafkaSizing.fixed(late))).toEqual(['Millrace.TokenRefused brokers', 'Millrace.TokenRefused storagePerBroker']);
  });
});

describe('a broker type', () => {
  test('is found by the name AWS gives it', () => {
    expect(BrokerType.of('express.m7g.2xlarge')).toMatchObject({
      brokerClass: 'express',
      limits: { vcpu: 8, partitions: 2500, ingress: 62.5 },
    });
    expect(BrokerType.of('m7g.2xlarge')).toMatchObject({
      brokerClass: 'kubernetes',
      limits: { vcpu: 8, partitions: 2000, ebs: 312.5, nic: 469 },
    });
  });

  test.each(['kafka.t3.small', 'kafka.m6i.large', 'express.m5.large', '', 'M7G.LARGE'])("fails for '%s'", (name) => {
    expect(codeOf(() => BrokerType.of(name))).toBe('Millrace.BrokerTypeUnknown');
  });

  test('fails for kafka.t3.small with the reason', () => {
    expect(() => BrokerType.of('kafka.t3.small')).toThrow('kafka.t3.small does not run KRaft');
  });
});

test('a demand of plain JavaScript without its rate or partitions, or with a bare number for a rate, fails by code', () => {
  const refused = (demand: unknown) => refusalOf(() => KafkaSizing.forDemand(demand as KafkaDemand));
  expect(refused({ partitions: 1 })).toEqual(['Millrace.KafkaDemandInvalid demand.peakIngress']);
  expect(refused({ partitions: 1, averageIngress: mibps(1) })).toEqual(['Millrace.KafkaDemandInvalid demand.peakIngress']);
  expect(refused({})).toEqual(['Millrace.KafkaDemandInvalid demand.peakIngress', 'Millrace.KafkaDemandInvalid demand.partitions']);
  expect(refused({ partitions: 1, peakIngress: 240 })).toEqual(['Millrace.KafkaDemandInvalid demand.peakIngress']);
});
