import { Token } from 'aws-cdk-lib';
import { enforce } from '../../lib/core/rule';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';
import { TOPIC_CONFIG_NAMES } from '../../lib/streaming/topic-config';
import { type TopicSurroundings, topicRules } from '../../lib/streaming/topic-rules';
import { refusalOf } from '../contract/refusal';

const KUBERNETES: TopicSurroundings = { brokers: 3, express: false };
const EXPRESS: TopicSurroundings = { brokers: 3, express: true };

function refusedFor(options: Partial<TopicOptions>, surroundings = KUBERNETES): string[] {
  return refusalOf(() => enforce('Topic', { topicName: 'payments', ...options, surroundings }, topicRules(options.config)));
}

describe('settings', () => {
  test.each(['retention.msec', 'num.io.threads', 'toString', ''])("fail for the name '%s', which no topic has", (name) => {
    expect(refusedFor({ config: { [name]: '1' } })).toEqual([`Millrace.KafkaTopicConfigUnknown config['${name}']`]);
  });

  test.each(['true', 'TRUE', 'True'])("fail for an unclean election of '%s', which Kafka reads in any case", (value) => {
    expect(refusedFor({ config: { 'unclean.leader.election.enable': value } })).toEqual([
      "Millrace.KafkaTopicUncleanElection config['unclean.leader.election.enable']",
    ]);
  });

  test('may say that there is no unclean election', () => {
    expect(refusedFor({ config: { 'unclean.leader.election.enable': 'false' } })).toEqual([]);
  });

  test.each([
    ['3', 3],
    ['4', 3],
    ['2', 2],
    ['0', 3],
    ['1.5', 3],
    ['two', 3],
  ])('fail for %s in-sync replicas of %s', (value, replicationFactor) => {
    expect(refusedFor({ replicationFactor, config: { 'min.insync.replicas': value } })).toEqual([
      "Millrace.KafkaTopicMinInsyncInvalid config['min.insync.replicas']",
    ]);
  });

  test('of one in-sync replica of one pass', () => {
    expect(refusedFor({ replicationFactor: 1, config: { 'min.insync.replicas': '1' } })).toEqual([]);
  });

  test.each([
    ['a second setting behind a line break', '1\nunclean.leader.election.enable=true'],
    ['a carriage return', '1\r'],
    ['space around it', ' 1 '],
    ['nothing', ''],
    ['no text', 1 as never],
  ])('fail for a value that is %s', (_what, value) => {
    expect(refusedFor({ config: { 'max.message.bytes': value } })).toEqual([
      "Millrace.KafkaTopicConfigInvalid config['max.message.bytes']",
    ]);
  });

  test('fail for a value known only at deploy time, which would be encoded as it stands', () => {
    expect(refusedFor({ config: { 'max.message.bytes': Token.asString({ Ref: 'Bytes' }) } })).toEqual([
      "Millrace.TokenRefused config['max.message.bytes']",
    ]);
  });

  test('are known by every name of the published list', () => {
    expect(TOPIC_CONFIG_NAMES.size).toBe(33);
    const OTHERS: Record<string, string> = {
      'cleanup.policy': 'delete',
      'compression.type': 'zstd',
      'message.timestamp.type': 'LogAppendTime',
      'min.insync.replicas': '2',
      'segment.bytes': '1048576',
      'segment.index.bytes': '1024',
      ...Object.fromEntries(
        ['preallocate', 'remote.log.copy.disable', 'remote.log.delete.on.disable', 'remote.storage.enable'].map((name) => [name, 'true']),
      ),
      'unclean.leader.election.enable': 'false',
    };
    const config = Object.fromEntries([...TOPIC_CONFIG_NAMES].map((name) => [name, OTHERS[name] ?? '1']));
    expect(refusedFor({ config })).toEqual([]);
  });

  test.each([
    ['max.message.bytes', 'large'],
    ['max.message.bytes', '1.5'],
    ['max.message.bytes', '-1'],
    ['max.message.bytes', '2147483648'],
    ['retention.ms', '-2'],
    ['retention.ms', '9223372036854775808'],
    ['retention.bytes', '1e9'],
    ['local.retention.ms', '-3'],
    ['segment.ms', '0'],
    ['preallocate', 'yes'],
    ['remote.storage.enable', '1'],
    ['cleanup.policy', 'compacted'],
    ['cleanup.policy', 'compact;delete'],
    ['compression.type', 'brotli'],
    ['compression.gzip.level', '0'],
    ['compression.lz4.level', '18'],
    ['message.timestamp.type', 'createTime'],
    ['min.cleanable.dirty.ratio', '1.1'],
  ])('fail for %s of %s, which is not what Kafka takes', (name, value) => {
    expect(refusedFor({ config: { [name]: value } })).toEqual([`Millrace.KafkaTopicConfigInvalid config['${name}']`]);
  });

  test.each([
    ['retention.ms', '-1'],
    ['retention.bytes', '-1'],
    ['retention.ms', '9223372036854775807'],
    ['local.retention.bytes', '-2'],
    ['cleanup.policy', 'delete, compact'],
    ['compression.gzip.level', '-1'],
    ['compression.zstd.level', '-7'],
    ['preallocate', 'TRUE'],
    ['min.cleanable.dirty.ratio', '0.5'],
    ['follower.replication.throttled.replicas', '*'],
  ])('may have %s of %s', (name, value) => expect(refusedFor({ config: { [name]: value } })).toEqual([]));

  test('fail for a cleanup policy that is given twice', () => {
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.DELETE, config: { 'cleanup.policy': 'delete' } })).toEqual([
      "Millrace.KafkaTopicConfigTwice config['cleanup.policy']",
    ]);
  });

  test.each(['min.insync.replicas', 'remote.storage.enable', 'local.retention.ms', 'local.retention.bytes'])(
    'fail for %s on Express, which manages it',
    (name) => {
      const config = { [name]: name === 'remote.storage.enable' ? 'false' : '2' };
      expect(refusedFor({ config }, EXPRESS)).toEqual([`Millrace.KafkaTopicConfigOnExpress config['${name}']`]);
      expect(refusedFor({ config })).toEqual([]);
    },
  );

  test('fail for tiered storage of a compacted topic, however the policy is given', () => {
    const tiered = { 'remote.storage.enable': 'true' };
    const refused = ["Millrace.KafkaTopicConfigInvalid config['remote.storage.enable']"];
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT, config: tiered })).toEqual(refused);
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT_DELETE, config: tiered })).toEqual(refused);
    expect(refusedFor({ config: { ...tiered, 'cleanup.policy': 'compact' } })).toEqual(refused);
    expect([refusedFor({ config: tiered }), refusedFor({ cleanupPolicy: CleanupPolicy.DELETE, config: tiered })]).toEqual([[], []]);
    expect(refusedFor({ cleanupPolicy: CleanupPolicy.COMPACT, config: { 'remote.storage.enable': 'false' } })).toEqual([]);
  });
});
