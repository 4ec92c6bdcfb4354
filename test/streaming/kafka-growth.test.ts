import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import fc from 'fast-check';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { type FixedKafkaSize, type KafkaDemand, KafkaSizing, type KafkaSizingOptions } from '../../lib/streaming/kafka-sizing';
import { codeOf, refusalOf } from '../contract/refusal';

const mibps = (rate: number) => Bitrate.bps(rate * 8 * 1024 * 1024);
const fixed = (name: string, brokers: number, more: Partial<FixedKafkaSize> = {}) =>
  KafkaSizing.fixed({ brokerType: BrokerType.of(name), brokers, ...more });

/** What MSK would have to change between two sizes. */
function changes(from: KafkaSizing, to: KafkaSizing): string[] {
  const attributes = (size: KafkaSizing) => ({
    type: size.brokerType.name,
    count: size.brokers,
    storage: size.storagePerBroker?.toGibibytes(),
    tiering: size.primaryRetention?.toMilliseconds(),
    throughput: size.provisionedThroughput?.toBps(),
    threads: JSON.stringify(size.threadSettings),
  });
  const [a, b] = [attributes(from), attributes(to)];
  return Object.keys(a).filter((name) => a[name as keyof typeof a] !== b[name as keyof typeof b]);
}

/** Deploys one size after the other until nothing remains. */
function follow(demand: KafkaDemand, options: KafkaSizingOptions, from: KafkaSizing): KafkaSizing[] {
  const path = [from];
  for (;;) {
    const current = path[path.length - 1];
    const next = KafkaSizing.forDemand(demand, { ...options, current });
    if (changes(current, next).length === 0) return [...path, next];
    path.push(next);
    if (path.length > 12) throw new Error(`no end: ${path.map(({ reason }) => reason).join('\n')}`);
  }
}

describe('a deployed cluster', () => {
  const demand: KafkaDemand = { peakIngress: mibps(100), peakEgress: mibps(200), partitions: 300, retention: Duration.days(1) };

  test('grows one change at a time, type, brokers, storage, tier, throughput, threads, each said with what is left', () => {
    const big: KafkaDemand = {
      peakIngress: mibps(500),
      averageIngress: mibps(200),
      peakEgress: mibps(1000),
      partitions: 1000,
      retention: Duration.days(30),
    };
    const options = { primaryRetention: Duration.days(1), provisionedThroughput: mibps(500) };
    const path = follow(big, options, fixed('kafka.m7g.large', 3, { storagePerBroker: Size.gibibytes(500) }));
    expect(path.map(({ reason }) => /(next of .*?) towards .*?: (.*?)[,;]/.exec(reason)?.slice(1).join(': '))).toEqual([
      undefined,
      'next of 6 changes: broker type kafka.m7g.large to kafka.m7g.4xlarge',
      'next of 5 changes: brokers 3 to 18',
      'next of 4 changes: storage of each broker 500 GiB to 5625 GiB',
      'next of 3 changes: primary retention none to 24 h',
      'next of 2 changes: bought volume throughput none to 500 MiB/s',
      'next of 1 changes: thread settings to those of kafka.m7g.4xlarge',
      undefined,
    ]);
    expect(path[1].remainingChanges).toEqual([
      'brokers 3 to 18',
      'storage of each broker 500 GiB to 5625 GiB',
      'primary retention none to 24 h',
      'bought volume throughput none to 500 MiB/s',
      'thread settings to those of kafka.m7g.4xlarge',
    ]);
    expect(path[1].utilisation.ingress).toBeGreaterThan(1);
    expect(path[5].threadSettings).toEqual({});
    expect(path[6].threadSettings).toEqual({ 'num.io.threads': '16', 'num.network.threads': '8', 'num.replica.fetchers': '4' });
    expect(path[7].remainingChanges).toEqual([]);
  });

  test('is on the way as full as it then is: overfull until its throughput is bought', () => {
    const current = fixed('kafka.m7g.4xlarge', 15, { storagePerBroker: Size.gibibytes(9000) });
    const work = { ...demand, peakIngress: mibps(620), averageIngress: mibps(50), peakEgress: mibps(620) };
    const path = follow(work, { provisionedThroughput: mibps(500) }, current);
    // 620 MiB/s over 18 brokers of 250 / 6.5 x 0.5 = 19.2 MiB/s, then of twice as much.
    expect(path.slice(1, 3).map(({ choice, utilisation }) => [choice, utilisation.ingress])).toEqual([
      ['kafka.m7g.4xlarge x 18', 1.7911],
      ['kafka.m7g.4xlarge x 18', 0.8956],
    ]);
  });

  test('has a goal that does not move: what was more than a tenth above the fewest vCPU stays so on the way', () => {
    const work = { ...demand, peakIngress: mibps(1204), averageIngress: mibps(600), peakEgress: mibps(6925), partitions: 174 };
    const path = follow(work, {}, fixed('express.m7g.4xlarge', 15));
    expect(path.map(({ choice }) => choice)).toEqual([
      'express.m7g.4xlarge x 15',
      'express.m7g.8xlarge x 15',
      'express.m7g.8xlarge x 21',
      'express.m7g.8xlarge x 21',
    ]);
  });

  test('stays as it is where it carries its demand, also where a new cluster would be smaller', () => {
    const current = fixed('express.m7g.4xlarge', 3);
    const sizing = KafkaSizing.forDemand(demand, { current });
    expect(sizing).toMatchObject({ choice: 'express.m7g.4xlarge x 3', remainingChanges: [] });
    expect(KafkaSizing.forDemand(demand).choice).toBe('express.m7g.large x 9');
  });

  test('takes a larger type rather than more brokers, which needs no partition to move', () => {
    const current = fixed('express.m7g.large', 6);
    const sizing = KafkaSizing.forDemand({ ...demand, peakIngress: mibps(130) }, { current });
    expect(sizing).toMatchObject({ choice: 'express.m7g.xlarge x 6', remainingChanges: [] });
    expect(sizing.reason).toMatch(
      /^next of 1 changes towards express.m7g.xlarge x 6: broker type express.m7g.large to express.m7g.xlarge; /,
    );
  });

  test('keeps the tier it has, and gives up throughput that is no longer asked for', () => {
    const current = fixed('kafka.m7g.4xlarge', 9, {
      storagePerBroker: Size.gibibytes(9000),
      primaryRetention: Duration.hours(12),
      provisionedThroughput: mibps(300),
    });
    const path = follow({ ...demand, retention: Duration.days(7) }, {}, current);
    expect(path.slice(1).map((size, index) => changes(path[index], size))).toEqual([['throughput'], ['threads'], []]);
    expect(path[2].primaryRetention!.toHours()).toBe(12);
  });

  test('fails where it would have to change its class or its replication factor', () => {
    const current = fixed('express.m7g.large', 3);
    const to = (options: KafkaSizingOptions) => refusalOf(() => KafkaSizing.forDemand(demand, { ...options, current }));
    expect(to({ brokerClass: BrokerClass.STANDARD })).toEqual(['Millrace.KafkaSizeUnreachable options.brokerClass']);
    const standard = fixed('kafka.m7g.large', 3);
    expect(refusalOf(() => KafkaSizing.forDemand(demand, { current: standard, replicationFactor: 2 }))).toEqual([
      'Millrace.KafkaSizeUnreachable options.replicationFactor',
    ]);
  });

  test('fails where nothing it can become carries the demand', () => {
    const work = () => KafkaSizing.forDemand({ ...demand, peakIngress: mibps(50_000) }, { current: fixed('express.m7g.large', 3) });
    expect(codeOf(work)).toBe('Millrace.KafkaDemandDoesNotFit');
  });

  test('has no alternatives that it could not become', () => {
    const { alternatives } = KafkaSizing.forDemand(demand, { current: fixed('express.m7g.2xlarge', 6) });
    for (const { choice } of alternatives) {
      const [name, brokers] = choice.split(' x ');
      expect(BrokerType.of(name).limits.vcpu).toBeGreaterThanOrEqual(8);
      expect(Number(brokers)).toBeGreaterThanOrEqual(6);
    }
    expect(alternatives.length).toBeGreaterThan(0);
  });
});

test('from any size to any demand the steps end at a size that carries it; each changes one thing, and nothing shrinks', () => {
  const starts = fc.record({
    brokerType: fc.constantFrom(
      ...[BrokerClass.EXPRESS, BrokerClass.STANDARD, BrokerClass.KUBERNETES].flatMap((each) => BrokerType.all(each)),
    ),
    brokers: fc.integer({ min: 1, max: 20 }).map((zones) => zones * 3),
    gib: fc.integer({ min: 1, max: 16_384 }),
    settings: fc.constantFrom<{ [setting: string]: string } | undefined>(undefined, {}, { 'num.io.threads': '8' }),
  });
  const goals = fc.record({
    peakIn: fc.double({ min: 0.01, max: 3000, noNaN: true }),
    averageShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
    fanout: fc.double({ min: 0.1, max: 10, noNaN: true }),
    partitions: fc.integer({ min: 1, max: 100_000 }),
    hours: fc.double({ min: 73, max: 2000, noNaN: true }),
    primaryHours: fc.option(fc.double({ min: 0.1, max: 72, noNaN: true })),
    throughput: fc.option(fc.integer({ min: 250, max: 1000 })),
    growth: fc.constantFrom(undefined, 50),
  });
  let followed = 0;
  fc.assert(
    fc.property(starts, goals, (start, goal) => {
      const { brokerClass } = start.brokerType;
      const standard = brokerClass === BrokerClass.STANDARD;
      const from = KafkaSizing.fixed({
        brokerType: start.brokerType,
        brokers: start.brokers,
        storagePerBroker: brokerClass === BrokerClass.EXPRESS ? undefined : Size.gibibytes(start.gib),
        threadSettings: start.settings,
      });
      const demand = {
        peakIngress: mibps(goal.peakIn),
        averageIngress: mibps(goal.peakIn * goal.averageShare),
        peakEgress: mibps(goal.peakIn * goal.fanout),
        partitions: goal.partitions,
        retention: Duration.hours(goal.hours),
      };
      const options = {
        growth: goal.growth,
        primaryRetention: standard && goal.primaryHours !== null ? Duration.hours(goal.primaryHours) : undefined,
        provisionedThroughput: standard && goal.throughput !== null ? mibps(goal.throughput) : undefined,
      };
      let path: KafkaSizing[];
      try {
        path = follow(demand, options, from);
      } catch (error) {
        if ((error as { code?: string }).code !== 'Millrace.KafkaDemandDoesNotFit') throw error;
        return;
      }
      followed++;
      const end = path[path.length - 1];
      expect(end.remainingChanges).toEqual([]);
      for (const share of Object.values(end.utilisation)) expect(share).toBeLessThanOrEqual(1);
      const gib = end.storagePerBroker?.toGibibytes();
      if (gib !== undefined) {
        const hours = Math.min(goal.hours, options.primaryRetention ? goal.primaryHours! : Infinity);
        const kept = (goal.peakIn * goal.averageShare * (1 + (goal.growth ?? 0) / 100) * hours * 3600 * 3) / 1024;
        expect(gib * end.brokers).toBeGreaterThanOrEqual(2 * kept * (1 - 1e-6));
      }
      const deploys = path.slice(1, -1);
      deploys.forEach((size, index) => {
        const before = path[index];
        expect(changes(before, size)).toHaveLength(1);
        expect(size.brokers).toBeGreaterThanOrEqual(before.brokers);
        expect(size.brokerType.limits.vcpu).toBeGreaterThanOrEqual(before.brokerType.limits.vcpu);
        expect(size.storagePerBroker?.toGibibytes() ?? 0).toBeGreaterThanOrEqual(before.storagePerBroker?.toGibibytes() ?? 0);
        // What was said to remain is what then happens.
        expect(size.remainingChanges).toHaveLength(deploys.length - index - 1);
      });
    }),
    { numRuns: 400 },
  );
  expect(followed).toBeGreaterThan(150);
});

test('no step towards more takes throughput away', () => {
  const mib = (rate: number) => Bitrate.bps(rate * 8 * 1024 * 1024);
  const demand = (factor: number) => ({
    peakIngress: mib(49 * factor),
    averageIngress: mib(30 * factor),
    peakEgress: mib(238 * factor),
    partitions: 58,
    retention: Duration.hours(23),
  });
  const before = KafkaSizing.forDemand(demand(1), { brokerClass: BrokerClass.STANDARD });
  const after = KafkaSizing.forDemand(demand(1.5), { current: before });
  expect([before, after].map(({ choice }) => choice)).toEqual(['kafka.m7g.2xlarge x 3', 'kafka.m7g.2xlarge x 6']);
  expect(after.ingressCapacity.toBps()).toBeGreaterThan(before.ingressCapacity.toBps());
});
