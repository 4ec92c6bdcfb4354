import { Bitrate, Duration, Size, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { enforce } from '../../lib/core/rule';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { ServerlessSizing } from '../../lib/streaming/serverless-sizing';
import type { TopicDemand } from '../../lib/streaming/topic-demand';
import {
  TOPIC_DEMAND_RULES,
  type TopicShape,
  averageIngressOf,
  demandOfTopics,
  egressOf,
  ingressOf,
  storageOf,
  topicsFit,
} from '../../lib/streaming/topic-load';
import { defaultPartitions } from '../../lib/streaming/topic-partitions';
import { type ResolvedTopic, shapeOf } from '../../lib/streaming/topic-rules';
import { refusalOf } from '../contract/refusal';

const DAY = 24 * 3_600_000;
const kib = (messagesPerSecond: number, more: Partial<TopicDemand> = {}): TopicDemand => ({
  messagesPerSecond,
  messageSize: Size.kibibytes(1),
  ...more,
});
const topic = (topicName: string, demand?: TopicDemand, more: Partial<TopicShape> = {}): TopicShape => ({
  topicName,
  demand,
  partitions: 6,
  replicationFactor: 3,
  retentionMs: 7 * DAY,
  ...more,
});
function sizeOf(size: () => KafkaSizing): KafkaSizing | undefined {
  try {
    return size();
  } catch (error) {
    if ((error as { code?: string }).code === 'Millrace.KafkaDemandDoesNotFit') return undefined;
    throw error;
  }
}
const mibps = (rate: Bitrate) => rate.toBps() / 8 / 1024 / 1024;

describe('the demand of a topic', () => {
  test('is messages times size, read by each group, kept with its copies', () => {
    const demand = kib(4096, { consumers: 3, averageMessagesPerSecond: 1024 });
    expect([ingressOf(demand), egressOf(demand), averageIngressOf(demand)]).toEqual([4, 12, 1]);
    // 1 MiB/s x 24 h x 3 copies.
    expect(storageOf(demand, 24, 3)).toBe((86_400 * 3) / 1024);
    expect([ingressOf(kib(2048)), egressOf(kib(2048)), averageIngressOf(kib(2048))]).toEqual([2, 2, 2]);
    expect(ingressOf({ messagesPerSecond: 1, messageSize: Size.bytes(300) })).toBeCloseTo(300 / 1024 / 1024, 12);
  });

  test('has partitions by the defaults of a partition count', () => {
    expect(defaultPartitions(kib(51_200), { express: false })).toBe(12);
  });

  test.each<[Partial<Record<keyof TopicDemand, unknown>>, string]>([
    [{ messagesPerSecond: 0 }, 'messagesPerSecond'],
    [{ messagesPerSecond: undefined }, 'messagesPerSecond'],
    [{ messageSize: Size.bytes(0) }, 'messageSize'],
    [{ messageSize: 1024 }, 'messageSize'],
    [{ consumers: 0 }, 'consumers'],
    [{ consumers: 1.5 }, 'consumers'],
    [{ averageMessagesPerSecond: 101 }, 'averageMessagesPerSecond'],
    [{ averageMessagesPerSecond: 0 }, 'averageMessagesPerSecond'],
  ])('fails with %p', (part, subject) => {
    const demand = { ...kib(100), ...part } as TopicDemand;
    expect(refusalOf(() => enforce('topic', demand, TOPIC_DEMAND_RULES))).toEqual([`Millrace.KafkaTopicDemandInvalid demand.${subject}`]);
  });

  test('fails where it is known only at deploy time', () => {
    expect(refusalOf(() => enforce('topic', kib(Token.asNumber({ Ref: 'N' })), TOPIC_DEMAND_RULES))).toEqual([
      'Millrace.TokenRefused demand.messagesPerSecond',
    ]);
  });
});

describe('the demand of topics together', () => {
  test('adds up rates and partitions; who writes more weighs more in the retention', () => {
    const demand = demandOfTopics([
      topic('payments', kib(3072, { consumers: 2 }), { retentionMs: DAY }),
      topic('orders', kib(1024), { partitions: 3, retentionMs: 5 * DAY }),
      topic('unknown'),
    ]);
    expect([demand.peakIngress, demand.averageIngress!, demand.peakEgress!].map(mibps)).toEqual([4, 4, 7]);
    expect([demand.partitions, demand.retention!.toDays()]).toEqual([15, 2]);
  });

  test('gives a cluster that they fit, whatever they are', () => {
    const shapes = fc.array(
      fc.record({
        messagesPerSecond: fc.integer({ min: 1, max: 20_000 }),
        bytes: fc.integer({ min: 1, max: 10_000 }),
        consumers: fc.integer({ min: 1, max: 5 }),
        averageShare: fc.double({ min: 0.01, max: 1, noNaN: true }),
        partitions: fc.integer({ min: 15, max: 60 }),
        days: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    const brokerClasses = fc.constantFrom(BrokerClass.EXPRESS, BrokerClass.STANDARD, BrokerClass.KUBERNETES);
    fc.assert(
      fc.property(shapes, brokerClasses, (list, brokerClass) => {
        const topics = list.map(({ bytes, averageShare, messagesPerSecond, consumers, partitions, days }, index) => {
          const averageMessagesPerSecond = messagesPerSecond * averageShare;
          const demand = { messagesPerSecond, messageSize: Size.bytes(bytes), consumers, averageMessagesPerSecond };
          return topic(`topic-${index}`, demand, { partitions, retentionMs: days * DAY });
        });
        const sizing = sizeOf(() => KafkaSizing.forDemand(demandOfTopics(topics), { brokerClass }));
        // Six topics at their largest are beyond what one cluster on Kubernetes may have.
        fc.pre(sizing !== undefined);
        expect(topicsFit(sizing!, topics)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('topics on a cluster', () => {
  // Sustained 15.625 MiB/s x 3 brokers x 75 % = 35.2 MiB/s in; twice as much out.
  const express = KafkaSizing.fixed({ brokerType: BrokerType.of('express.m7g.large'), brokers: 3 });

  test('fit to the last byte, and those without a demand do not count', () => {
    expect(topicsFit(express, [topic('full', kib(36_000)), topic('unknown')])).toEqual([]);
    expect(topicsFit(express, [topic('unknown')])).toEqual([]);
    expect(topicsFit(express, [])).toEqual([]);
  });

  test('that write more than it takes fail with the sum', () => {
    expect(topicsFit(express, [topic('payments', kib(32_768)), topic('orders', kib(4000))])).toEqual([
      {
        code: 'Millrace.KafkaTopicDemandDoesNotFit',
        subject: 'demand of the topics',
        received: '32.0 (payments) + 3.9 (orders) = 35.9 MiB/s in',
        allowed: '35.2 MiB/s in: what express.m7g.large x 3 carries',
        fix: 'raise the demand of the cluster',
      },
    ]);
  });

  test('that are read more than it gives fail with the sum; of many the largest three are named', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((name, index) => topic(name, kib((5 - index) * 1024, { consumers: 5 })));
    expect(topicsFit(express, many).map(({ received, allowed }) => [received, allowed])).toEqual([
      ['25.0 (a) + 20.0 (b) + 15.0 (c) + 15.0 (2 more) = 75.0 MiB/s out', '70.3 MiB/s out: what express.m7g.large x 3 carries'],
    ]);
  });

  test('that keep more than half the volumes fail; in tiered storage only what stays on them counts', () => {
    const standard = { brokerType: BrokerType.of('kafka.m7g.large'), brokers: 3, storagePerBroker: Size.gibibytes(600) };
    // 1 MiB/s x 7 days x 3 copies = 1,771.9 GiB of the 900 that 3 x 600 GiB hold with room for a rebalance.
    const week = [topic('payments', kib(1024))];
    expect(topicsFit(KafkaSizing.fixed(standard), week).map(({ received, allowed }) => [received, allowed])).toEqual([
      ['1771.9 (payments) GiB with their copies', '900.0 GiB with their copies: what kafka.m7g.large x 3 with 600 GiB each carries'],
    ]);
    const tiered = KafkaSizing.fixed({ ...standard, primaryRetention: Duration.days(1) });
    // The tier of the cluster takes only records of topics that use it, and of those what is to leave the volumes.
    expect(topicsFit(tiered, week).map(({ fix }) => fix)).toEqual([expect.stringContaining('localRetentionMs: … } with at most 24 h')]);
    const shape = (config: { [name: string]: string }) =>
      shapeOf({ ...week[0], config: { 'retention.ms': String(7 * DAY), ...config } } as ResolvedTopic);
    const local = { 'local.retention.ms': String(DAY) };
    expect(topicsFit(tiered, [shape(local)])).toHaveLength(1);
    expect(topicsFit(tiered, [shape({ 'remote.storage.enable': 'true' })])).toHaveLength(1);
    expect(topicsFit(tiered, [shape({ 'remote.storage.enable': 'true', 'local.retention.ms': '-2' })])).toHaveLength(1);
    expect(topicsFit(tiered, [shape({ 'remote.storage.enable': 'true', ...local })])).toEqual([]);
    expect(topicsFit(KafkaSizing.fixed(standard), [topic('forever', kib(1), { retentionMs: Infinity })])).toHaveLength(1);
  });

  test('that are read often leave Standard brokers less to take in', () => {
    const standard = KafkaSizing.fixed({ brokerType: BrokerType.of('kafka.m7g.large'), brokers: 3, storagePerBroker: Size.tebibytes(16) });
    const read = (consumers: number) => topicsFit(standard, [topic('hot', kib(15_360, { consumers }), { retentionMs: DAY })]);
    expect(read(1)).toEqual([]);
    // 117 MiB/s of network / (6 x 1.5 + 5.7) x 0.5 x 3 brokers = 11.9.
    expect(read(6).map(({ allowed }) => allowed)).toEqual([
      '11.9 MiB/s in: what kafka.m7g.large x 3 with 16384 GiB each carries, each byte read 6.0 times',
      '71.6 MiB/s out: what kafka.m7g.large x 3 with 16384 GiB each carries',
    ]);
  });

  test('have by themselves partitions enough for all that read them on Serverless', () => {
    const serverless = ServerlessSizing.forDemand({ peakIngress: Bitrate.mbps(8), partitions: 10 });
    for (const consumers of [1, 5, 12]) {
      const demand = kib(20_000, { consumers });
      const partitions = defaultPartitions(demand, { express: false, serverless: true });
      expect([consumers, topicsFit(serverless, [topic('hot', demand, { partitions })])]).toEqual([consumers, []]);
    }
  });

  test('with too few partitions fail where a partition has a limit: 15 MB/s on Express, 5 MB/s in and 10 MB/s out on Serverless', () => {
    const hot = (partitions: number) => [topic('hot', kib(30_000, { consumers: 1 }), { partitions })];
    expect(topicsFit(express, hot(2)).map(({ subject, allowed, fix }) => [subject, allowed, fix])).toEqual([
      ['partitions of hot', '14.3 MiB/s in of each', 'at least 3 partitions'],
    ]);
    const serverless = ServerlessSizing.forDemand({ peakIngress: Bitrate.mbps(8), partitions: 10 });
    expect(topicsFit(serverless, hot(6)).map(({ received, allowed, fix }) => [received, allowed, fix])).toEqual([
      ['29.3 MiB/s in and 29.3 MiB/s out over 6 partitions', '4.8 MiB/s in and 9.5 MiB/s out of each', 'at least 7 partitions'],
    ]);
    expect(topicsFit(serverless, hot(7))).toEqual([]);
    expect(topicsFit(serverless, [topic('too much', kib(200_000), { partitions: 100 })]).map(({ allowed }) => allowed)).toEqual([
      '190.7 MiB/s in: what serverless carries',
    ]);
  });
});
