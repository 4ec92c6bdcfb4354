import { Duration, Size, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { enforce } from '../../lib/core/rule';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';
import { CompressionType, MessageTimestampType, type TopicConfig } from '../../lib/streaming/topic-config';
import { topicRules } from '../../lib/streaming/topic-rules';
import { TOPIC_SETTINGS, kafkaNameOf, renderSettings } from '../../lib/streaming/topic-settings';
import type { TopicSurroundings } from '../../lib/streaming/topic-surroundings';
import { refusalOf } from '../contract/refusal';

const KUBERNETES: TopicSurroundings = { brokers: 3, express: false };
const EXPRESS: TopicSurroundings = { brokers: 3, express: true };
const SERVERLESS: TopicSurroundings = { express: false, serverless: true };

function refusedFor(options: Partial<TopicOptions>, surroundings = KUBERNETES): string[] {
  return refusalOf(() => enforce('Topic', { topicName: 'payments', ...options, surroundings }, topicRules(options.config)));
}

/** Every setting with a value that all of them take together, and what Kafka gets to read. */
const EVERY: Required<Omit<TopicConfig, 'unlimitedRetention'>> = {
  compressionGzipLevel: 6,
  compressionLz4Level: 9,
  compressionType: CompressionType.ZSTD,
  compressionZstdLevel: -7,
  deleteRetentionMs: Duration.hours(12),
  fileDeleteDelayMs: Duration.minutes(1),
  flushMessages: 10_000,
  flushMs: Duration.seconds(1),
  followerReplicationThrottledReplicas: ['*'],
  indexIntervalBytes: Size.kibibytes(4),
  leaderReplicationThrottledReplicas: ['0:1', '1:2'],
  localRetentionBytes: Size.gibibytes(1),
  localRetentionMs: Duration.hours(6),
  maxCompactionLagMs: Duration.days(7),
  maxMessageBytes: Size.mebibytes(2),
  messageTimestampAfterMaxMs: Duration.hours(1),
  messageTimestampBeforeMaxMs: Duration.days(2),
  messageTimestampType: MessageTimestampType.LOG_APPEND_TIME,
  minCleanableDirtyRatio: 0.25,
  minCompactionLagMs: Duration.millis(0),
  minInsyncReplicas: 2,
  preallocate: true,
  remoteLogCopyDisable: false,
  remoteLogDeleteOnDisable: false,
  remoteStorageEnable: true,
  retentionBytes: Size.gibibytes(100),
  segmentBytes: Size.mebibytes(256),
  segmentIndexBytes: Size.mebibytes(10),
  segmentJitterMs: Duration.minutes(5),
  segmentMs: Duration.days(1),
  uncleanLeaderElectionEnable: false,
};
const RENDERED = {
  'compression.gzip.level': '6',
  'compression.lz4.level': '9',
  'compression.type': 'zstd',
  'compression.zstd.level': '-7',
  'delete.retention.ms': '43200000',
  'file.delete.delay.ms': '60000',
  'flush.messages': '10000',
  'flush.ms': '1000',
  'follower.replication.throttled.replicas': '*',
  'index.interval.bytes': '4096',
  'leader.replication.throttled.replicas': '0:1,1:2',
  'local.retention.bytes': '1073741824',
  'local.retention.ms': '21600000',
  'max.compaction.lag.ms': '604800000',
  'max.message.bytes': '2097152',
  'message.timestamp.after.max.ms': '3600000',
  'message.timestamp.before.max.ms': '172800000',
  'message.timestamp.type': 'LogAppendTime',
  'min.cleanable.dirty.ratio': '0.25',
  'min.compaction.lag.ms': '0',
  'min.insync.replicas': '2',
  preallocate: 'true',
  'remote.log.copy.disable': 'false',
  'remote.log.delete.on.disable': 'false',
  'remote.storage.enable': 'true',
  'retention.bytes': '107374182400',
  'segment.bytes': '268435456',
  'segment.index.bytes': '10485760',
  'segment.jitter.ms': '300000',
  'segment.ms': '86400000',
  'unclean.leader.election.enable': 'false',
};

describe('settings', () => {
  test('are every one of Kafka 4.3 but the two that the topic itself has, under their names', () => {
    expect(refusedFor({ config: EVERY })).toEqual([]);
    expect(renderSettings(EVERY)).toEqual(RENDERED);
    expect(TOPIC_SETTINGS).toEqual([...Object.keys(EVERY), 'unlimitedRetention'].sort());
    expect(renderSettings({ unlimitedRetention: true })).toEqual({ 'retention.bytes': '-1', 'retention.ms': '-1' });
    expect(renderSettings({ unlimitedRetention: true, retentionBytes: Size.gibibytes(1) })).toEqual({
      'retention.bytes': '1073741824',
      'retention.ms': '-1',
    });
    expect(renderSettings({ unlimitedRetention: false, preallocate: undefined })).toEqual({});
  });

  test('have the camel case of their names', () => {
    expect(['maxMessageBytes', 'remoteLogDeleteOnDisable', 'preallocate'].map(kafkaNameOf)).toEqual([
      'max.message.bytes',
      'remote.log.delete.on.disable',
      'preallocate',
    ]);
  });

  test.each(['retentionMsec', 'numIoThreads', 'toString', '', 'max.message.bytes', 'cleanupPolicy'])(
    "fail for the name '%s', which no topic has",
    (name) => {
      expect(refusedFor({ config: { [name]: '1' } as never })).toEqual([`Millrace.KafkaTopicConfigUnknown config.${name}`]);
    },
  );

  test('fail for an unclean election, which loses records', () => {
    expect(refusedFor({ config: { uncleanLeaderElectionEnable: true } })).toEqual([
      'Millrace.KafkaTopicUncleanElection config.uncleanLeaderElectionEnable',
    ]);
  });

  test.each([
    [3, 3],
    [4, 3],
    [2, 2],
    [0, 3],
    [1.5, 3],
    [NaN, 3],
  ])('fail for %s in-sync replicas of %s', (minInsyncReplicas, replicationFactor) => {
    expect(refusedFor({ replicationFactor, config: { minInsyncReplicas } })).toEqual([
      'Millrace.KafkaTopicMinInsyncInvalid config.minInsyncReplicas',
    ]);
  });

  test('of one in-sync replica of one pass', () => {
    expect(refusedFor({ replicationFactor: 1, config: { minInsyncReplicas: 1 } })).toEqual([]);
    expect(refusedFor({ replicationFactor: 1, config: { minInsyncReplicas: 2 } })).toEqual([
      'Millrace.KafkaTopicMinInsyncInvalid config.minInsyncReplicas',
    ]);
  });

  test.each<[string, unknown]>([
    ['maxMessageBytes', Size.gibibytes(2)],
    ['maxMessageBytes', Size.kibibytes(0.3)],
    ['maxMessageBytes', 1000],
    ['maxMessageBytes', '1000\nunclean.leader.election.enable=true'],
    ['retentionBytes', Size.bytes(0)],
    ['localRetentionMs', Duration.millis(0)],
    ['segmentMs', Duration.millis(0)],
    ['segmentMs', Duration.millis(1.5)],
    ['segmentMs', Duration.days(Infinity)],
    ['segmentMs', 1000],
    ['segmentBytes', Size.bytes(13)],
    ['segmentIndexBytes', Size.bytes(3)],
    ['preallocate', 'true'],
    ['remoteStorageEnable', 1],
    ['unlimitedRetention', 'yes'],
    ['compressionType', 'brotli'],
    ['compressionGzipLevel', 0],
    ['compressionLz4Level', 18],
    ['compressionZstdLevel', 23],
    ['flushMessages', 0],
    ['flushMessages', 1e21],
    ['messageTimestampType', 'createTime'],
    ['minCleanableDirtyRatio', 1.1],
    ['minCleanableDirtyRatio', NaN],
    ['leaderReplicationThrottledReplicas', []],
    ['leaderReplicationThrottledReplicas', ['1']],
    ['followerReplicationThrottledReplicas', ['*', '1:1']],
    ['maxMessageBytes', null],
  ])('fail for %s of %p, which is not what Kafka takes', (name, value) => {
    expect(refusedFor({ config: { [name]: value } as never })).toEqual([`Millrace.KafkaTopicConfigInvalid config.${name}`]);
  });

  test('are whole numbers of milliseconds and bytes, whatever the unit in which they were given', () => {
    fc.assert(
      fc.property(fc.integer({ min: 600_000, max: 604_800_000 }), fc.integer({ min: 14, max: 2 ** 31 - 1 }), (ms, bytes) => {
        const config = { segmentMs: Duration.millis(ms), segmentBytes: Size.bytes(bytes) };
        expect(refusedFor({ config })).toEqual([]);
        expect(renderSettings(config)).toEqual({ 'segment.ms': String(ms), 'segment.bytes': String(bytes) });
      }),
    );
  });

  test.each<[string, TopicConfig]>([
    ['maxMessageBytes', { maxMessageBytes: Size.bytes(Token.asNumber({ Ref: 'Bytes' })) }],
    ['segmentMs', { segmentMs: Duration.millis(Token.asNumber({ Ref: 'Time' })) }],
    ['minCleanableDirtyRatio', { minCleanableDirtyRatio: Token.asNumber({ Ref: 'Ratio' }) }],
  ])('fail for %s known only at deploy time, which would be written as it stands', (name, config) => {
    expect(refusedFor({ config })).toEqual([`Millrace.TokenRefused config.${name}`]);
  });
});

describe('a segment', () => {
  const refused = ['Millrace.KafkaTopicRetentionBelowSegment config.segmentMs'];

  test('fails when it stays open longer than its records are to be kept', () => {
    const config = { segmentMs: Duration.days(7) };
    expect(refusedFor({ retention: Duration.days(1), config })).toEqual(refused);
    expect(refusedFor({ config: { segmentMs: Duration.days(8) } })).toEqual(refused);
    expect(refusedFor({ retention: Duration.days(7), config })).toEqual([]);
    expect(refusedFor({ retention: Duration.days(1), cleanupPolicy: CleanupPolicy.COMPACT_DELETE, config })).toEqual(refused);
  });

  test('may stay open for any time where records are not deleted', () => {
    const config = { segmentMs: Duration.days(30) };
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT, config })).toEqual([]);
    expect(refusedFor({ config: { ...config, unlimitedRetention: true } })).toEqual([]);
  });

  test('says by how long a record would outlive its retention', () => {
    const config = { segmentMs: Duration.hours(2) };
    expect(() =>
      enforce('Topic', { topicName: 'a', retention: Duration.hours(1), config, surroundings: KUBERNETES }, topicRules(config)),
    ).toThrow('3600000 + 7200000 = 10800000 ms');
  });
});

describe('tiered storage', () => {
  const tiered = { remoteStorageEnable: true };
  const invalid = (subject: string) => [`Millrace.KafkaTopicTieredInvalid ${subject}`];

  test('fails for a compacted topic', () => {
    const refused = ['Millrace.KafkaTopicConfigInvalid config.remoteStorageEnable'];
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT, config: tiered })).toEqual(refused);
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT_DELETE, config: tiered })).toEqual(refused);
    expect([refusedFor({ config: tiered }), refusedFor({ cleanupPolicy: CleanupPolicy.DELETE, config: tiered })]).toEqual([[], []]);
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT, config: { remoteStorageEnable: false } })).toEqual([]);
  });

  test('needs a retention of 3 days, segments of 48 MiB and 10 minutes, and only where it is on', () => {
    expect(refusedFor({ retention: Duration.hours(71), config: tiered })).toEqual(invalid('retention'));
    expect(refusedFor({ retention: Duration.days(3), config: tiered })).toEqual([]);
    expect(refusedFor({ config: { ...tiered, segmentBytes: Size.mebibytes(47) } })).toEqual(invalid('config.segmentBytes'));
    expect(refusedFor({ config: { ...tiered, segmentMs: Duration.minutes(9) } })).toEqual(invalid('config.segmentMs'));
    expect(
      refusedFor({ retention: Duration.hours(71), config: { segmentBytes: Size.mebibytes(47), segmentMs: Duration.minutes(9) } }),
    ).toEqual([]);
  });

  test('keeps less on the volumes than in all', () => {
    const week = { localRetentionMs: Duration.days(7) };
    expect(refusedFor({ config: { ...tiered, ...week } })).toEqual(invalid('config.localRetentionMs'));
    expect(refusedFor({ retention: Duration.days(8), config: { ...tiered, ...week } })).toEqual([]);
    expect(refusedFor({ config: { ...tiered, ...week, unlimitedRetention: true } })).toEqual([]);
    const sizes = (local: number) => ({ ...tiered, retentionBytes: Size.gibibytes(10), localRetentionBytes: Size.gibibytes(local) });
    expect(refusedFor({ config: sizes(10) })).toEqual(invalid('config.localRetentionBytes'));
    expect([refusedFor({ config: sizes(9) }), refusedFor({ config: { ...tiered, localRetentionBytes: Size.gibibytes(10) } })]).toEqual([
      [],
      [],
    ]);
  });
});

describe('tiered storage that is being left', () => {
  test('says that the volumes keep as much as the retention, and refuses less', () => {
    expect(renderSettings({ remoteLogCopyDisable: true })).toEqual({
      'local.retention.bytes': '-2',
      'local.retention.ms': '-2',
      'remote.log.copy.disable': 'true',
    });
    const config = { remoteStorageEnable: true, remoteLogCopyDisable: true, localRetentionMs: Duration.days(1) };
    expect(refusedFor({ config })).toEqual(['Millrace.KafkaTopicTieredInvalid config.remoteLogCopyDisable']);
    expect(refusedFor({ config: { ...config, remoteLogCopyDisable: false } })).toEqual([]);
    const sizes = { retentionBytes: Size.gibibytes(10), localRetentionBytes: Size.gibibytes(1) };
    const leaving = { remoteStorageEnable: true, remoteLogCopyDisable: true, ...sizes };
    expect(refusedFor({ config: leaving })).toEqual(['Millrace.KafkaTopicTieredInvalid config.remoteLogCopyDisable']);
    expect(refusedFor({ config: { ...leaving, localRetentionBytes: undefined } })).toEqual([]);
  });
});

describe('brokers that MSK manages', () => {
  const settings = Object.keys(EVERY) as (keyof typeof EVERY)[];
  const refusedOn = (surroundings: TopicSurroundings, code: string) =>
    settings.filter((name) => {
      const refused = refusedFor({ config: { [name]: EVERY[name] } }, surroundings);
      expect([[], [`${code} config.${name}`]]).toContainEqual(refused);
      return refused.length === 0;
    });

  test('of Express take the settings that are documented for them', () => {
    expect(refusedOn(EXPRESS, 'Millrace.KafkaTopicConfigOnExpress')).toEqual([
      'compressionType',
      'deleteRetentionMs',
      'maxCompactionLagMs',
      'maxMessageBytes',
      'messageTimestampAfterMaxMs',
      'messageTimestampBeforeMaxMs',
      'messageTimestampType',
      'minCompactionLagMs',
      'retentionBytes',
    ]);
    expect(refusedFor({ config: { unlimitedRetention: true } }, EXPRESS)).toEqual([]);
    expect(refusedFor({ config: { maxCompactionLagMs: Duration.days(6) } }, EXPRESS)).toEqual([
      'Millrace.KafkaTopicConfigInvalid config.maxCompactionLagMs',
    ]);
    expect(refusedFor({ config: { maxCompactionLagMs: Duration.days(6) } })).toEqual([]);
  });

  test('of Serverless take fewer still, and messages of up to 8 MiB', () => {
    expect(refusedOn(SERVERLESS, 'Millrace.KafkaTopicConfigOnServerless')).toEqual([
      'compressionType',
      'maxMessageBytes',
      'messageTimestampType',
      'retentionBytes',
    ]);
    expect(refusedFor({ config: { maxMessageBytes: Size.mebibytes(8) } }, SERVERLESS)).toEqual([]);
    expect(refusedFor({ config: { maxMessageBytes: Size.mebibytes(9) } }, SERVERLESS)).toEqual([
      'Millrace.KafkaTopicConfigInvalid config.maxMessageBytes',
    ]);
    expect(refusedFor({ replicationFactor: 2 }, SERVERLESS)).toEqual(['Millrace.KafkaTopicReplicationInvalid replicationFactor']);
  });
});
