import type { Duration } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../core/rule';
import { CleanupPolicy, type TopicOptions } from './topic';
import type { TopicDemand } from './topic-demand';
import { topicConfigRules } from './topic-config-rules';
import { TOPIC_DEMAND_RULES, type TopicShape } from './topic-load';
import { defaultPartitions } from './topic-partitions';
import { renderSettings } from './topic-settings';
import { type TopicInput, type TopicSurroundings, isManaged, replicationFactorOf } from './topic-surroundings';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Kafka's default of `segment.ms`, and ours of `retention.ms`. */
const SEVEN_DAYS = 7 * DAY;
/** What a dead-letter topic's name appends. */
export const DEAD_LETTER_SUFFIX = '.dlq';
const DEAD_LETTER_PARTITIONS = 3;
const DEAD_LETTER_RETENTION = 14 * DAY;

/** The options of a topic with every default filled in. */
export interface ResolvedTopic {
  readonly topicName: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Settings by Kafka name, sorted. */
  readonly config: { [name: string]: string };
  /** What it must carry, where it is declared. */
  readonly demand?: TopicOptions['demand'];
}

/** A topic as far as the size of its cluster goes: a compacted one keeps at most what it keeps in its retention. */
export function shapeOf({ topicName, demand, partitions, replicationFactor, config }: ResolvedTopic): TopicShape {
  const retention = Number(config['retention.ms']);
  const retentionMs = retention < 0 ? Infinity : retention;
  // A topic without tiered storage keeps everything on the volumes, and so does one that does not say how much less (Kafka: -2).
  const local = config['remote.storage.enable'] === 'true' ? Number(config['local.retention.ms'] ?? -2) : -2;
  return { topicName, demand, partitions, replicationFactor, retentionMs, ...(local < 0 ? {} : { localRetentionMs: local }) };
}

/** Fills in defaults and renders the settings of a topic. */
export function resolveTopic(options: TopicOptions, surroundings: TopicSurroundings): ResolvedTopic {
  const replicationFactor = replicationFactorOf(options, surroundings);
  const managed = isManaged(surroundings);
  const cleanupPolicy = options.cleanupPolicy ?? CleanupPolicy.DELETE;
  const retention = options.retention?.toMilliseconds() ?? SEVEN_DAYS;
  const shortLived = cleanupPolicy !== CleanupPolicy.COMPACT && retention < SEVEN_DAYS && !options.config?.unlimitedRetention;
  const config: { [name: string]: string } = {
    'cleanup.policy': cleanupPolicy,
    'retention.ms': String(retention),
    // Brokers that MSK manages keep 2 in sync and close segments by the retention themselves.
    ...(managed ? {} : { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)) }),
    ...(shortLived && !managed ? { 'segment.ms': String(segmentTime(retention)) } : {}),
    ...renderSettings(options.config),
  };
  return {
    topicName: options.topicName,
    partitions: options.partitions ?? defaultPartitions(options.demand, surroundings),
    replicationFactor,
    config: Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(options.demand ? { demand: options.demand } : {}),
  };
}

/**
 * Retention counts from the newest record of a segment, so a record outlives it by as long as its segment stays open, 7 days by default: a
 * quarter of the retention keeps that small, and 10 minutes, MSK's least for tiered storage, keep the number of files small.
 */
function segmentTime(retention: number): number {
  return Math.max(Math.min(10 * MINUTE, retention), Math.floor(retention / 4));
}

/** The dead-letter topic of a topic. */
export function deadLetterOptions(options: TopicOptions, resolved: ResolvedTopic): TopicOptions {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a contract loads no framework before it needs one
  const { Duration: Durations } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
  const { unlimitedRetention, maxMessageBytes } = options.config ?? {};
  const retention = Math.max(DEAD_LETTER_RETENTION, options.retention?.toMilliseconds() ?? 0);
  return {
    topicName: `${options.topicName}${DEAD_LETTER_SUFFIX}`,
    partitions: Math.min(DEAD_LETTER_PARTITIONS, resolved.partitions),
    replicationFactor: options.replicationFactor,
    ...(unlimitedRetention ? {} : { retention: Durations.millis(retention) }),
    // What the topic takes, its dead letters take.
    ...(unlimitedRetention || maxMessageBytes ? { config: { unlimitedRetention, maxMessageBytes } } : {}),
    removalPolicy: options.removalPolicy,
  };
}

/** The rule for a name, of a topic made here or of an imported one: a grant on `*` would open every topic. */
export const TOPIC_NAME_RULE: Rule<{ readonly topicName: string }> = {
  code: 'Millrace.KafkaTopicNameInvalid',
  subject: 'topicName',
  value: (topic) => topic.topicName ?? null,
  valid: (name: unknown) => typeof name === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..',
  allowed: "1-249 letters, digits, '.', '_' or '-', other than '.' and '..' (Kafka: Topic.validate)",
  fix: 'rename the topic',
};

const RULES: readonly Rule<TopicInput>[] = [
  TOPIC_NAME_RULE,
  {
    code: 'Millrace.KafkaTopicNameInvalid',
    subject: 'deadLetter',
    value: (topic) => (topic.deadLetter ? topic.topicName : undefined),
    valid: (name: string) => typeof name !== 'string' || name.length > 249 || name.length + DEAD_LETTER_SUFFIX.length <= 249,
    allowed: `a topic name of at most ${249 - DEAD_LETTER_SUFFIX.length} characters, to which '${DEAD_LETTER_SUFFIX}' is appended`,
    fix: 'shorten the name of the topic',
  },
  {
    code: 'Millrace.KafkaTopicPartitionsInvalid',
    subject: 'partitions',
    value: (topic) => topic.partitions,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'leave it out for the partitions of the demand, or for 6',
    tokens: 'refuse',
  },
  ...TOPIC_DEMAND_RULES.map((rule): Rule<TopicInput> => ({
    ...(rule as Rule<TopicDemand> & { allowed: string; fix: string }),
    value: ({ demand }) => demand && rule.value(demand),
    valid: (value, { demand }) => rule.valid(value, demand!),
  })),
  {
    code: 'Millrace.KafkaTopicReplicationInvalid',
    subject: 'replicationFactor',
    value: (topic) => replicationFactorOf(topic, topic.surroundings),
    valid: (factor: number, { surroundings }) =>
      isPositiveInteger(factor) && factor <= (surroundings.brokers ?? factor) && (!isManaged(surroundings) || factor === 3),
    allowed: ({ surroundings }) =>
      isManaged(surroundings)
        ? `3 on ${surroundings.express ? 'Express' : 'Serverless'} brokers`
        : `a whole number from 1 to the number of brokers (${surroundings.brokers ?? 'unknown'})`,
    fix: 'leave it out for 3',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaTopicRetentionInvalid',
    subject: 'retention',
    value: (topic) => topic.retention,
    valid: (retention: Duration) => isPositiveInteger(retention.toMilliseconds({ integral: false })),
    allowed: 'a duration above zero, in whole milliseconds',
    fix: 'for unlimited retention set config: { unlimitedRetention: true } and leave retention out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaChangelogDeletes',
    subject: 'cleanupPolicy',
    value: ({ topicName, cleanupPolicy }) =>
      typeof topicName === 'string' && topicName.endsWith('-changelog') ? (cleanupPolicy ?? CleanupPolicy.DELETE) : undefined,
    valid: (policy: CleanupPolicy) => policy === CleanupPolicy.COMPACT,
    allowed: 'compact alone for a changelog: whatever else deletes the newest record of a key that was not written for the retention',
    fix: 'set cleanupPolicy: CleanupPolicy.COMPACT, or give a topic that is no changelog another name',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaCompatibilityWithoutSchema',
    subject: 'compatibility',
    value: (topic) => (topic.schema || topic.keySchema ? undefined : topic.compatibility),
    valid: () => false,
    allowed: 'a compatibility together with a schema or keySchema',
    fix: 'give the schema, or leave compatibility out',
  },
];

/** Rules for a topic, given its cluster. */
export function topicRules(config: TopicOptions['config'] = {}): Rule<TopicInput>[] {
  return [...RULES, ...topicConfigRules(config)];
}

/** Kafka refuses a topic whose name differs from another's only in '.' and '_': their metrics would collide. */
export function metricName(topicName: string): string {
  return topicName.replace(/\./g, '_');
}
