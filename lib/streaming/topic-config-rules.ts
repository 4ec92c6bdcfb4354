import type { Duration, Size } from 'aws-cdk-lib';
import type { Rule } from '../core/rule';
import { isToken } from '../core/token';
import { CleanupPolicy } from './topic';
import type { TopicConfig } from './topic-config';
import { EXPRESS_SETTINGS, SERVERLESS_SETTINGS, TOPIC_SETTINGS, allowedFor, renderSetting } from './topic-settings';
import { type TopicInput, isManaged, replicationFactorOf } from './topic-surroundings';

const MIB = 1024 * 1024;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DEFAULT_RETENTION = 7 * DAY;
const SERVERLESS_MAX_MESSAGE = 8 * MIB;
const EXPRESS_LEAST_MAX_COMPACTION_LAG = 7 * DAY;
// Least values of tiered storage (MSK Developer Guide, tiered storage requirements).
const TIERED = { retention: 3 * DAY, segment: 48 * MIB, roll: 10 * MINUTE };

const millis = (duration: Duration) => duration.toMilliseconds({ integral: false });
const bytes = (size: Size) => size.toBytes({ rounding: 2 });
const subjectOf = (property: string) => `config.${property}`;

function retentionOf({ retention, config }: TopicInput): number {
  // A token is refused by a rule of its own; here it must not look short.
  if (config?.unlimitedRetention || isToken(retention)) return Infinity;
  return retention ? millis(retention) : DEFAULT_RETENTION;
}

/** A value of the right type, so that rules which compare two of them see no other. */
function known<T>(topic: TopicInput, property: keyof TopicConfig): T | undefined {
  const value = topic.config?.[property];
  return value !== undefined && renderSetting(property, value) !== undefined ? (value as T) : undefined;
}

const isTiered = (topic: TopicInput) => topic.config?.remoteStorageEnable === true;
const deletes = ({ cleanupPolicy }: TopicInput) => cleanupPolicy !== CleanupPolicy.COMPACT;

const TIERED_RULES: readonly Rule<TopicInput>[] = [
  {
    code: 'Millrace.KafkaTopicConfigInvalid',
    subject: 'config.remoteStorageEnable',
    value: (topic) => (isTiered(topic) ? String(topic.cleanupPolicy ?? CleanupPolicy.DELETE) : undefined),
    valid: (policy: string) => !policy.includes('compact'),
    allowed: 'false on a compacted topic: Kafka keeps those on local storage only',
    fix: 'drop it, or use CleanupPolicy.DELETE',
  },
  {
    code: 'Millrace.KafkaTopicTieredInvalid',
    subject: 'retention',
    value: (topic) => (isTiered(topic) ? topic.retention : undefined),
    valid: (retention: Duration) => !(millis(retention) < TIERED.retention),
    allowed: 'at least 3 days with tiered storage',
    fix: 'keep records longer, or drop remoteStorageEnable: 3 days fit the volumes',
  },
  {
    code: 'Millrace.KafkaTopicTieredInvalid',
    subject: 'config.segmentBytes',
    value: (topic) => (isTiered(topic) ? known<Size>(topic, 'segmentBytes') : undefined),
    valid: (segment: Size) => bytes(segment) >= TIERED.segment,
    allowed: 'at least 48 MiB with tiered storage',
    fix: 'leave it out for 1 GiB',
  },
  {
    code: 'Millrace.KafkaTopicTieredInvalid',
    subject: 'config.segmentMs',
    value: (topic) => (isTiered(topic) ? known<Duration>(topic, 'segmentMs') : undefined),
    valid: (roll: Duration) => millis(roll) >= TIERED.roll,
    allowed: 'at least 10 minutes with tiered storage',
    fix: 'leave it out',
  },
  {
    code: 'Millrace.KafkaTopicTieredInvalid',
    subject: 'config.localRetentionMs',
    value: (topic) => known<Duration>(topic, 'localRetentionMs'),
    valid: (local: Duration, topic) => millis(local) < retentionOf(topic),
    allowed: (topic) => `less than the retention of ${retentionOf(topic)} ms`,
    fix: 'leave it out to keep everything on the volumes as well, or shorten it',
  },
  {
    code: 'Millrace.KafkaTopicTieredInvalid',
    subject: 'config.localRetentionBytes',
    value: (topic) => (known(topic, 'retentionBytes') ? known<Size>(topic, 'localRetentionBytes') : undefined),
    valid: (local: Size, topic) => bytes(local) < bytes(topic.config!.retentionBytes!),
    allowed: 'less than retentionBytes',
    fix: 'leave it out to keep everything on the volumes as well, or lower it',
  },
];

const RULES: readonly Rule<TopicInput>[] = [
  {
    code: 'Millrace.KafkaTopicUncleanElection',
    subject: 'config.uncleanLeaderElectionEnable',
    value: (topic) => topic.config?.uncleanLeaderElectionEnable,
    valid: (value: boolean) => value !== true,
    allowed: 'false: an unclean leader loses acknowledged records',
    fix: 'drop it',
  },
  {
    code: 'Millrace.KafkaTopicMinInsyncInvalid',
    subject: 'config.minInsyncReplicas',
    value: (topic) => (isManaged(topic.surroundings) ? undefined : topic.config?.minInsyncReplicas),
    valid: (value: number, topic) => {
      const factor = replicationFactorOf(topic, topic.surroundings);
      return Number.isSafeInteger(value) && value >= 1 && (value < factor || (factor === 1 && value === 1));
    },
    allowed: 'a whole number below the replication factor, or one lost broker stops all writes',
    fix: 'leave it out for one below the replication factor',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaTopicRetentionTwice',
    subject: 'config.unlimitedRetention',
    value: (topic) => (topic.retention && topic.config?.unlimitedRetention ? true : undefined),
    valid: () => false,
    allowed: 'retention or unlimitedRetention, not both',
    fix: 'keep one of them',
  },
  {
    code: 'Millrace.KafkaTopicRetentionBelowSegment',
    subject: 'config.segmentMs',
    value: (topic) => (deletes(topic) ? known<Duration>(topic, 'segmentMs') : undefined),
    valid: (segment: Duration, topic) => millis(segment) <= retentionOf(topic),
    allowed: (topic) =>
      `at most the retention of ${retentionOf(topic)} ms: retention counts from the closing of a segment, so the first record of one would stay ${retentionOf(topic)} + ${millis(topic.config!.segmentMs!)} = ${retentionOf(topic) + millis(topic.config!.segmentMs!)} ms`,
    fix: 'leave it out: it then follows the retention',
  },
  {
    code: 'Millrace.KafkaTopicConfigInvalid',
    subject: 'config.maxMessageBytes',
    value: (topic) => (topic.surroundings.serverless ? known<Size>(topic, 'maxMessageBytes') : undefined),
    valid: (size: Size) => bytes(size) <= SERVERLESS_MAX_MESSAGE,
    allowed: 'at most 8 MiB on Serverless',
    fix: 'lower it, and keep large objects in S3 with their key in the message',
  },
  {
    code: 'Millrace.KafkaTopicConfigInvalid',
    subject: 'config.maxCompactionLagMs',
    value: (topic) => (topic.surroundings.express ? known<Duration>(topic, 'maxCompactionLagMs') : undefined),
    valid: (lag: Duration) => millis(lag) >= EXPRESS_LEAST_MAX_COMPACTION_LAG,
    allowed: 'at least 7 days on Express',
    fix: 'raise it, or leave it out',
  },
  ...TIERED_RULES,
];

/** Rules for the settings of a topic, given its cluster. */
export function topicConfigRules(config: TopicConfig): Rule<TopicInput>[] {
  const given = Object.keys(config).filter((property) => (config as Record<string, unknown>)[property] !== undefined);
  const known = given.filter((property) => TOPIC_SETTINGS.includes(property));
  return [
    ...given.map((property): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigUnknown',
      subject: subjectOf(property),
      value: () => property,
      valid: () => TOPIC_SETTINGS.includes(property),
      allowed: `the topic settings of Kafka in camel case: ${TOPIC_SETTINGS.join(', ')}`,
      fix: "correct the name, for example maxMessageBytes for 'max.message.bytes'; broker settings belong to the cluster",
    })),
    ...known.map((property): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigInvalid',
      subject: subjectOf(property),
      value: () => (config as Record<string, unknown>)[property],
      valid: (value: unknown) => renderSetting(property, value) !== undefined,
      allowed: allowedFor(property),
      fix: 'correct the value, or leave it out for the default',
      tokens: 'refuse',
    })),
    ...known.map((property): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigOnExpress',
      subject: subjectOf(property),
      value: ({ surroundings }) => (surroundings.express ? property : undefined),
      valid: (name: string) => EXPRESS_SETTINGS.has(name),
      allowed: `on Express ${[...EXPRESS_SETTINGS].join(', ')}: it stores, replicates and closes segments by itself`,
      fix: 'drop it; for an imported cluster of Standard brokers give its brokerClass',
    })),
    ...known.map((property): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigOnServerless',
      subject: subjectOf(property),
      value: ({ surroundings }) => (surroundings.serverless ? property : undefined),
      valid: (name: string) => SERVERLESS_SETTINGS.has(name),
      allowed: `on Serverless ${[...SERVERLESS_SETTINGS].join(', ')}`,
      fix: 'drop it, or use a cluster of Express or Standard brokers',
    })),
    ...RULES,
  ];
}
