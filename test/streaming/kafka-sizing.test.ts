import { Bitrate, Duration, Lazy, Size, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { type FixedKafkaSize, type KafkaDemand, KafkaSizing, type KafkaSizingOptions } from '../../lib/streaming/kafka-sizing';
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

describe('options of a size', () => {
  const demand: KafkaDemand = { peakIngress: mibps(100), averageIngress: mibps(50), peakEgress: mibps(200), partitions: 300 };
  const brokerClass = BrokerClass.STANDARD;

  test('with tiered storage the volumes hold the primary retention, and staging takes a share of their throughput', () => {
    const untiered = KafkaSizing.forDemand(demand, { brokerClass });
    const sizing = KafkaSizing.forDemand(demand, { brokerClass, primaryRetention: Duration.hours(12) });
    // 50 MiB/s x 43,200 s x 3 copies / 1024 x 2 = 12,656.25 GiB, of 177,188 GiB for seven days.
    expect([sizing.choice, sizing.storagePerBroker!.toGibibytes()]).toEqual(['kafka.m7g.large x 21', Math.ceil(12_656.25 / 21)]);
    expect([untiered.choice, untiered.storagePerBroker!.toGibibytes()]).toEqual(['kafka.m7g.large x 18', Math.ceil(177_187.5 / 18)]);
    expect(sizing.primaryRetention!.toHours()).toBe(12);
    expect(untiered.primaryRetention).toBeUndefined();
    expect(sizing.reason).toContain('168 h retention, 12 h of it on the volumes; ');
  });

  test('bought throughput leaves the sizes that can have it, and they carry as much more', () => {
    // 500 / 6.5 x 0.5 = 38.5 MiB/s a broker, so 300 MiB/s take 9.
    const large = { ...demand, peakIngress: mibps(300), peakEgress: mibps(300), retention: Duration.days(1) };
    const bought = KafkaSizing.forDemand(large, { brokerClass, provisionedThroughput: mibps(500) });
    expect([bought.choice, bought.bottleneck]).toEqual(['kafka.m7g.4xlarge x 9', 'ingress']);
    expect(bought.provisionedThroughput!.toBps()).toBe(mibps(500).toBps());
    expect(bought.alternatives.filter(({ choice }) => /kafka\.m\w+\.(large|xlarge|2xlarge)/.test(choice))).toEqual([]);
    expect(bought.threadSettings['num.replica.fetchers']).toBe('4');
    // Throughput can be bought for volumes of 10 GiB or more.
    const small = KafkaSizing.forDemand(
      { peakIngress: mibps(0.001), partitions: 3, retention: Duration.hours(1) },
      { brokerClass, provisionedThroughput: mibps(250) },
    );
    expect(small.storagePerBroker!.toGibibytes()).toBe(10);
    // 600 MiB/s are beyond the 593 of m5.4xlarge.
    const most = KafkaSizing.forDemand(large, { brokerClass, provisionedThroughput: mibps(600) });
    expect([most.choice, ...most.alternatives.map(({ choice }) => choice)].join()).not.toContain('m5.4xlarge');
  });

  test('growth sizes for a greater demand of the same partitions, and says so', () => {
    const grown = KafkaSizing.forDemand(demand, { growth: 50 });
    const spelledOut = KafkaSizing.forDemand({ ...demand, peakIngress: mibps(150), averageIngress: mibps(75), peakEgress: mibps(300) });
    expect([grown.choice, grown.utilisation]).toEqual([spelledOut.choice, spelledOut.utilisation]);
    expect(grown.reason).toBe(`${spelledOut.reason}, 50 % growth included`);
  });

  test('what the brokers can do with a zone lost is stated beside: three Express brokers at 89 % stay at 67 % of their throttle limit', () => {
    const sizing = KafkaSizing.forDemand({ ...demand, peakIngress: mibps(500), peakEgress: mibps(1000) });
    expect([sizing.choice, sizing.utilisation.ingress, sizing.utilisationWithZoneLost.ingress]).toEqual([
      'express.m7g.8xlarge x 3',
      0.8889,
      0.6667,
    ]);
  });

  test('the capacities are what the demand may grow to: full where the utilisation is one', () => {
    const sizing = KafkaSizing.forDemand(demand, { brokerClass });
    expect(100 / (sizing.ingressCapacity.toBps() / 8 / 1024 / 1024)).toBeCloseTo(sizing.utilisation.ingress, 3);
    expect(200 / (sizing.egressCapacity.toBps() / 8 / 1024 / 1024)).toBeCloseTo(sizing.utilisation.egress, 3);
    expect(sizing.storageCapacity!.toGibibytes()).toBe((sizing.storagePerBroker!.toGibibytes() * sizing.brokers) / 2);
    expect(KafkaSizing.forDemand(demand).storageCapacity).toBeUndefined();
    // Sustained 15.625 MiB/s x 3 brokers x 75 %.
    const fixed = KafkaSizing.fixed({ brokerType: BrokerType.of('express.m7g.large'), brokers: 3 });
    expect(fixed.ingressCapacity.toBps()).toBe(mibps(35.15625).toBps());
  });

  test('MSK Serverless is an alternative where its quotas carry the demand, and only there', () => {
    const serverless = (part: Partial<KafkaDemand>, options = {}) =>
      KafkaSizing.forDemand({ ...demand, ...part }, options).alternatives.find(({ choice }) => choice === 'serverless');
    expect(serverless({})).toMatchObject({ bottleneck: 'ingress' });
    expect(serverless({ peakIngress: mibps(191) })).toBeUndefined();
    expect(serverless({ partitions: 2401 })).toBeUndefined();
    expect(serverless({ partitions: 10 })).toBeUndefined();
    expect(serverless({}, { brokerClass, replicationFactor: 2 })).toBeUndefined();
    expect(serverless({}, { brokerClass: BrokerClass.KUBERNETES })).toBeUndefined();
  });

  const invalid = (subject: string) => [`Millrace.KafkaDemandInvalid options.${subject}`];
  test.each<[string, KafkaSizingOptions, string]>([
    ['tiered storage on Express', { primaryRetention: Duration.days(1) }, 'primaryRetention'],
    ['tiered storage on Kubernetes', { brokerClass: BrokerClass.KUBERNETES, primaryRetention: Duration.days(1) }, 'primaryRetention'],
    ['as much on the volumes as is kept', { brokerClass, primaryRetention: Duration.days(7) }, 'primaryRetention'],
    ['nothing on the volumes', { brokerClass, primaryRetention: Duration.days(0) }, 'primaryRetention'],
    ['throughput on Express', { provisionedThroughput: mibps(500) }, 'provisionedThroughput'],
    ['249 MiB/s', { brokerClass, provisionedThroughput: mibps(249) }, 'provisionedThroughput'],
    ['1,001 MiB/s', { brokerClass, provisionedThroughput: mibps(1001) }, 'provisionedThroughput'],
    ['half a MiB/s', { brokerClass, provisionedThroughput: mibps(250.5) }, 'provisionedThroughput'],
    ['growth below zero', { growth: -1 }, 'growth'],
    ['growth that is not a number', { growth: NaN }, 'growth'],
  ])('fails for %s', (_what, options, subject) => {
    expect(refusalOf(() => KafkaSizing.forDemand(demand, options))).toEqual(invalid(subject));
  });

  test('fails for tiered storage of less than three days, which MSK refuses', () => {
    const options = { brokerClass, primaryRetention: Duration.hours(12) };
    expect(refusalOf(() => KafkaSizing.forDemand({ ...demand, retention: Duration.hours(71) }, options))).toEqual(
      invalid('primaryRetention'),
    );
    expect(KafkaSizing.forDemand({ ...demand, retention: Duration.days(3) }, options).primaryRetention!.toHours()).toBe(12);
  });
});

// The table of decision 0008; broker-limits.test.ts has what AWS publishes for the same vectors.
describe("our answers to AWS' vectors", () => {
  const A: KafkaDemand = {
    averageIngress: mibps(100),
    peakIngress: mibps(500),
    peakEgress: mibps(1000),
    partitions: 333,
    retention: Duration.days(30),
  };
  const B: KafkaDemand = { peakIngress: mibps(100), peakEgress: mibps(200), partitions: 300, retention: Duration.days(1) };
  const C: KafkaDemand = { averageIngress: mibps(2), peakIngress: mibps(4), peakEgress: mibps(16), partitions: 6666 };
  const standard = { brokerClass: BrokerClass.STANDARD };
  const tiered = { ...standard, primaryRetention: Duration.days(1) };

  test.each<[string, KafkaDemand, KafkaSizingOptions, string, string]>([
    ['A on Express', A, {}, 'express.m7g.8xlarge x 3', 'ingress'],
    ['A on Standard', A, tiered, 'kafka.m7g.xlarge x 54', 'ingress'],
    ['B on Express', B, {}, 'express.m7g.large x 9', 'ingress'],
    ['B on Standard', B, standard, 'kafka.m7g.xlarge x 9', 'ingress'],
    ['C on Express', C, {}, 'express.m7g.large x 21', 'partitions'],
    ['C on Standard', C, standard, 'kafka.m7g.large x 21', 'partitions'],
    ['D', A, { ...tiered, provisionedThroughput: mibps(500) }, 'kafka.m7g.4xlarge x 18', 'ingress'],
  ])('%s', (_vector, demand, options, choice, bottleneck) => {
    expect(KafkaSizing.forDemand(demand, options)).toMatchObject({ choice, bottleneck });
  });

  test('A does not fit broker pods on 125 MiB/s volumes without tiered storage', () => {
    expect(codeOf(() => KafkaSizing.forDemand(A, { brokerClass: BrokerClass.KUBERNETES }))).toBe('Millrace.KafkaDemandDoesNotFit');
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

  test('may have tiered storage, bought throughput and two copies on Standard brokers', () => {
    const sizing = KafkaSizing.fixed({
      brokerType: BrokerType.of('kafka.m5.4xlarge'),
      brokers: 3,
      replicationFactor: 2,
      primaryRetention: Duration.minutes(100),
      provisionedThroughput: mibps(593),
    });
    expect([sizing.replicationFactor, sizing.primaryRetention!.toMinutes(), sizing.provisionedThroughput!.toBps()]).toEqual([
      2,
      100,
      mibps(593).toBps(),
    ]);
    expect(sizing.threadSettings).toEqual({});
    const own = { 'num.network.threads': '9', 'num.io.threads': '8' };
    expect(Object.keys(KafkaSizing.fixed({ brokerType, brokers: 3, threadSettings: own }).threadSettings)).toEqual([
      'num.io.threads',
      'num.network.threads',
    ]);
  });

  test.each<[string, string, Partial<FixedKafkaSize>]>([
    ['express.m7g.large', 'replicationFactor', { replicationFactor: 2 }],
    ['kafka.m7g.large', 'replicationFactor', { replicationFactor: 1 }],
    ['express.m7g.large', 'primaryRetention', { primaryRetention: Duration.days(1) }],
    ['kafka.m7g.2xlarge', 'provisionedThroughput', { provisionedThroughput: mibps(250) }],
    ['kafka.m5.4xlarge', 'provisionedThroughput', { provisionedThroughput: mibps(594) }],
    ['m7g.16xlarge', 'provisionedThroughput', { provisionedThroughput: mibps(250) }],
  ])('of %s fails with such a %s', (name, subject, part) => {
    expect(refusalOf(() => KafkaSizing.fixed({ brokerType: BrokerType.of(name), brokers: 3, ...part }))).toEqual([
      `Millrace.KafkaSizeInvalid ${subject}`,
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
