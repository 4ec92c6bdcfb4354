import { Duration, Size, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { enforce } from '../../lib/core/rule';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';
import { CONSUME_RULES } from '../../lib/streaming/access-rules';
import { TOPIC_NAME_RULE, metricName, resolveTopic, topicRules } from '../../lib/streaming/topic-rules';
import type { TopicSurroundings } from '../../lib/streaming/topic-surroundings';
import { refusalOf } from '../contract/refusal';

const KUBERNETES: TopicSurroundings = { brokers: 3, express: false };
const EXPRESS: TopicSurroundings = { brokers: 3, express: true };
const IMPORTED: TopicSurroundings = { express: false };

function refusedFor(options: Partial<TopicOptions>, surroundings = KUBERNETES): string[] {
  return refusalOf(() => enforce('Topic', { topicName: 'payments', ...options, surroundings }, topicRules(options.config)));
}

const CHARACTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-'];

describe('the name of a topic', () => {
  test.each([
    ['empty', ''],
    ['the current folder', '.'],
    ['the parent folder', '..'],
    ['250 characters', 'x'.repeat(250)],
    ['a space', 'pay ments'],
    ['a slash', 'pay/ments'],
    ['a letter beyond ASCII', 'zahlungsströme'],
    ['a line break', 'payments\n'],
    ['a wildcard', '*'],
    ['a policy variable', '${aws:username}'],
    ['missing', undefined as never],
  ])('fails when it is %s', (_what, topicName) => {
    expect(refusedFor({ topicName })).toEqual(['Millrace.KafkaTopicNameInvalid topicName']);
    expect(refusalOf(() => enforce('Topic', { topicName }, [TOPIC_NAME_RULE]))).toEqual(['Millrace.KafkaTopicNameInvalid topicName']);
  });

  test.each(['a', '...', '__consumer_offsets', 'x'.repeat(249), 'payments.authorized-v2'])("passes '%s'", (topicName) => {
    expect(refusedFor({ topicName })).toEqual([]);
  });

  test('of allowed characters passes, whatever it is, and is emitted as it is', () => {
    const names = fc.array(fc.constantFrom(...CHARACTERS), { minLength: 1, maxLength: 249 }).map((letters) => letters.join(''));
    fc.assert(
      fc.property(
        names.filter((name) => name !== '.' && name !== '..'),
        (topicName) => {
          expect(refusedFor({ topicName })).toEqual([]);
          expect(resolveTopic({ topicName }, { express: false }).topicName).toBe(topicName);
        },
      ),
    );
  });

  test('fails with any character that is not allowed, wherever it stands', () => {
    const foreign = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((letter) => !CHARACTERS.includes(letter));
    fc.assert(
      fc.property(fc.constantFrom('', 'a', 'a.b'), foreign, fc.constantFrom('', 'z'), (before, letter, after) => {
        expect(refusedFor({ topicName: `${before}${letter}${after}` })).toEqual(['Millrace.KafkaTopicNameInvalid topicName']);
      }),
    );
  });

  test("becomes a metric name in which '.' and '_' are the same", () => {
    expect([metricName('a.b_c'), metricName('a_b.c')]).toEqual(['a_b_c', 'a_b_c']);
  });
});

describe('partitions', () => {
  test.each([0, -1, 1.5, NaN, Infinity])('fail when they are %p', (partitions) => {
    expect(refusedFor({ partitions })).toEqual(['Millrace.KafkaTopicPartitionsInvalid partitions']);
  });

  test('fail when they are known only at deploy time', () => {
    expect(refusedFor({ partitions: Token.asNumber({ Ref: 'N' }) })).toEqual(['Millrace.TokenRefused partitions']);
  });
});

describe('the replication factor', () => {
  const refused = ['Millrace.KafkaTopicReplicationInvalid replicationFactor'];

  test.each([0, -3, 4, 2.5, NaN])('fails on three brokers when it is %p', (replicationFactor) => {
    expect(refusedFor({ replicationFactor })).toEqual(refused);
  });

  test.each([1, 2, 3])('passes on three brokers when it is %p', (replicationFactor) => {
    expect(refusedFor({ replicationFactor })).toEqual([]);
  });

  test('fails on Express brokers unless it is 3', () => {
    expect([1, 2, 4, 3, undefined].map((replicationFactor) => refusedFor({ replicationFactor }, { ...EXPRESS, brokers: 6 }))).toEqual([
      refused,
      refused,
      refused,
      [],
      [],
    ]);
  });

  test('may be anything on an imported cluster, whose brokers are not known', () => {
    expect(refusedFor({ replicationFactor: 7 }, IMPORTED)).toEqual([]);
  });

  test('fails when it is known only at deploy time', () => {
    expect(refusedFor({ replicationFactor: Token.asNumber({ Ref: 'N' }) })).toEqual(['Millrace.TokenRefused replicationFactor']);
  });
});

describe('retention', () => {
  test.each([Duration.days(0), Duration.hours(NaN), Duration.seconds(0.0001), Duration.days(Infinity)])(
    'fails when it is %p',
    (retention) => {
      expect(refusedFor({ retention })).toEqual(['Millrace.KafkaTopicRetentionInvalid retention']);
    },
  );

  test('fails when it is known only at deploy time', () => {
    expect(refusedFor({ retention: Duration.days(Token.asNumber({ Ref: 'N' })) })).toEqual(['Millrace.TokenRefused retention']);
  });

  test('fails when it is given twice', () => {
    expect(refusedFor({ retention: Duration.days(1), config: { unlimitedRetention: true } })).toEqual([
      'Millrace.KafkaTopicRetentionTwice config.unlimitedRetention',
    ]);
    expect(refusedFor({ config: { unlimitedRetention: true } })).toEqual([]);
  });
});

test('everything that is wrong with a topic is reported at once', () => {
  const options = {
    topicName: 'a/b',
    partitions: 0,
    replicationFactor: 9,
    retention: Duration.days(0),
    config: { nonsense: '1', uncleanLeaderElectionEnable: true, minInsyncReplicas: 9, unlimitedRetention: true } as never,
  };
  expect(refusedFor(options).map((refusal) => refusal.split(' ')[0])).toEqual([
    'Millrace.KafkaTopicNameInvalid',
    'Millrace.KafkaTopicPartitionsInvalid',
    'Millrace.KafkaTopicReplicationInvalid',
    'Millrace.KafkaTopicRetentionInvalid',
    'Millrace.KafkaTopicConfigUnknown',
    'Millrace.KafkaTopicUncleanElection',
    'Millrace.KafkaTopicMinInsyncInvalid',
    'Millrace.KafkaTopicRetentionTwice',
  ]);
});

describe('a topic with its defaults filled in', () => {
  test('has 6 partitions, 3 copies, 7 days and one in-sync replica fewer than copies', () => {
    expect(resolveTopic({ topicName: 'a' }, { express: false })).toEqual({
      topicName: 'a',
      partitions: 6,
      replicationFactor: 3,
      config: { 'cleanup.policy': 'delete', 'min.insync.replicas': '2', 'retention.ms': '604800000' },
    });
    expect(resolveTopic({ topicName: 'a', replicationFactor: 1 }, { express: false }).config['min.insync.replicas']).toBe('1');
  });

  test('leaves the in-sync replicas to brokers that manage them', () => {
    expect(resolveTopic({ topicName: 'a' }, { express: true }).config).toEqual({
      'cleanup.policy': 'delete',
      'retention.ms': '604800000',
    });
  });

  test('keeps what was asked for, with settings in order of their names', () => {
    const options = {
      topicName: 'a',
      partitions: 12,
      retention: Duration.millis(1),
      demand: { messagesPerSecond: 1, messageSize: Size.bytes(1) },
      cleanupPolicy: CleanupPolicy.COMPACT_DELETE,
      config: { maxCompactionLagMs: Duration.days(8), maxMessageBytes: Size.bytes(3) },
    };
    const { partitions, config } = resolveTopic(options, { express: true });
    expect(partitions).toBe(12);
    expect(Object.entries(config)).toEqual([
      ['cleanup.policy', 'compact,delete'],
      ['max.compaction.lag.ms', '691200000'],
      ['max.message.bytes', '3'],
      ['retention.ms', '1'],
    ]);
  });
});

describe('the time a segment stays open', () => {
  const STANDARD: TopicSurroundings = { express: false };
  const segmentOf = (options: Partial<TopicOptions>, surroundings = STANDARD) =>
    resolveTopic({ topicName: 'a', ...options }, surroundings).config['segment.ms'];

  test('is a quarter of a retention below 7 days, at least 10 minutes, and never longer than the retention', () => {
    expect(segmentOf({ retention: Duration.days(2) })).toBe('43200000');
    expect(segmentOf({ retention: Duration.minutes(30) })).toBe('600000');
    expect(segmentOf({ retention: Duration.minutes(5) })).toBe('300000');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 604_800_000 - 1 }), (ms) => {
        const segment = Number(segmentOf({ retention: Duration.millis(ms) }));
        expect(segment).toBeGreaterThan(0);
        expect(segment).toBeLessThanOrEqual(ms);
        expect(refusedFor({ retention: Duration.millis(ms), config: { segmentMs: Duration.millis(segment) } })).toEqual([]);
      }),
    );
  });

  test("is left to Kafka's 7 days where records stay at least as long, and to brokers that close segments by the retention", () => {
    expect(segmentOf({})).toBeUndefined();
    expect(segmentOf({ retention: Duration.days(8) })).toBeUndefined();
    expect(segmentOf({ config: { unlimitedRetention: true } })).toBeUndefined();
    expect(segmentOf({ retention: Duration.days(1), cleanupPolicy: CleanupPolicy.COMPACT })).toBeUndefined();
    expect(segmentOf({ retention: Duration.days(1) }, EXPRESS)).toBeUndefined();
    expect(segmentOf({ retention: Duration.days(1) }, { express: false, serverless: true })).toBeUndefined();
  });

  test('is what was asked for', () => {
    expect(segmentOf({ retention: Duration.days(2), config: { segmentMs: Duration.days(1) } })).toBe('86400000');
  });
});

describe('a consumer group', () => {
  const refused = (groupId: unknown) => refusalOf(() => enforce('grants.consume', { groupId: groupId as string }, CONSUME_RULES));

  test.each(['', '*', 'a*', 'fraud team', 'gruppe-ä', 'x'.repeat(250), 'a/b', undefined])('fails when it is %p', (groupId) => {
    expect(refused(groupId)).toEqual(['Millrace.KafkaGroupInvalid groupId']);
  });

  test('passes by its exact name, or when known only at deploy time', () => {
    expect([refused('fraud-features.v2_1'), refused(Token.asString({ Ref: 'Group' }))]).toEqual([[], []]);
  });
});
