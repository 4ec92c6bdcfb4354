import type { Duration } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../core/rule';
import { BrokerClass } from './broker-type';
import type { KafkaSizing } from './kafka-sizing';
import { CleanupPolicy, type ConsumeOptions, type TopicOptions } from './topic';
import { TOPIC_CONFIG_NAMES, settingKind } from './topic-config';

/** Rules a consumer group must follow. */
export const CONSUME_RULES: readonly Rule<ConsumeOptions>[] = [
  {
    code: 'Millrace.KafkaGroupInvalid',
    subject: 'groupId',
    value: (options) => options.groupId ?? null,
    valid: (group: unknown) => typeof group === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(group),
    allowed: "1-249 letters, digits, '.', '_' or '-'; no wildcard",
    fix: 'name the one group this consumer uses',
  },
];

const DEFAULT_PARTITIONS = 6;
const DEFAULT_REPLICATION_FACTOR = 3;
const DEFAULT_RETENTION_MS = 7 * 24 * 3600 * 1000;

/** The options of a topic with every default filled in. */
export interface ResolvedTopic {
  readonly topicName: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Settings by Kafka name, sorted. */
  readonly config: { [name: string]: string };
}

/** Fills in defaults and renders the settings of a topic. */
export function resolveTopic(options: TopicOptions, surroundings: TopicSurroundings): ResolvedTopic {
  const replicationFactor = replicationFactorOf(options, surroundings);
  const config: { [name: string]: string } = {
    'cleanup.policy': options.cleanupPolicy ?? CleanupPolicy.DELETE,
    'retention.ms': String(options.retention?.toMilliseconds() ?? DEFAULT_RETENTION_MS),
    // Express brokers keep it at 2 themselves.
    ...(surroundings.express ? {} : { 'min.insync.replicas': String(Math.max(1, replicationFactor - 1)) }),
    ...options.config,
  };
  return {
    topicName: options.topicName,
    partitions: options.partitions ?? DEFAULT_PARTITIONS,
    replicationFactor,
    config: Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** What a topic must respect of its cluster. */
export interface TopicSurroundings {
  /** Brokers of the cluster. @default - unknown: an imported cluster */
  readonly brokers?: number;
  /** Copies of each partition that the size of the cluster counts on. @default - unknown: an imported cluster */
  readonly replicationFactor?: number;
  /** Whether the brokers are Express. */
  readonly express: boolean;
}

/** What a cluster tells its topics. */
export function surroundingsOf(sizing: KafkaSizing | undefined, brokerClass?: BrokerClass): TopicSurroundings {
  return {
    brokers: sizing?.brokers,
    replicationFactor: sizing?.replicationFactor,
    express: (sizing?.brokerType.brokerClass ?? brokerClass) === BrokerClass.EXPRESS,
  };
}

function replicationFactorOf(options: TopicOptions, surroundings: TopicSurroundings): number {
  return options.replicationFactor ?? surroundings.replicationFactor ?? DEFAULT_REPLICATION_FACTOR;
}

function cleanupPolicyOf(options: TopicOptions): string {
  return String(options.cleanupPolicy ?? options.config?.['cleanup.policy'] ?? CleanupPolicy.DELETE);
}

type TopicInput = TopicOptions & { readonly surroundings: TopicSurroundings };

/** The rule for a name, of a topic made here or of an imported one: a grant on `*` would open every topic. */
export const TOPIC_NAME_RULE: Rule<{ readonly topicName: string }> = {
  code: 'Millrace.KafkaTopicNameInvalid',
  subject: 'topicName',
  value: (topic) => topic.topicName ?? null,
  valid: (name: unknown) => typeof name === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..',
  allowed: "1-249 letters, digits, '.', '_' or '-', other than '.' and '..' (Kafka: Topic.validate)",
  fix: 'rename the topic',
};

/** Rules for a topic, given its cluster. */
export function topicRules(config: { [name: string]: string } = {}): Rule<TopicInput>[] {
  return [
    TOPIC_NAME_RULE,
    {
      code: 'Millrace.KafkaTopicPartitionsInvalid',
      subject: 'partitions',
      value: (topic) => topic.partitions,
      valid: isPositiveInteger,
      allowed: 'a whole number above zero',
      fix: 'leave it out for 6, or divide the expected throughput by what one consumer can read',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.KafkaTopicReplicationInvalid',
      subject: 'replicationFactor',
      value: (topic) => replicationFactorOf(topic, topic.surroundings),
      valid: (factor: number, { surroundings }) =>
        isPositiveInteger(factor) && factor <= (surroundings.brokers ?? factor) && (!surroundings.express || factor === 3),
      allowed: ({ surroundings }) =>
        surroundings.express
          ? '3 on Express brokers'
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
      fix: "for unlimited retention set config { 'retention.ms': '-1' } and leave retention out",
      tokens: 'refuse',
    },
    ...Object.keys(config).map((name): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigUnknown',
      subject: `config['${name}']`,
      value: () => name,
      valid: () => TOPIC_CONFIG_NAMES.has(name),
      allowed: `the topic settings of Kafka: ${[...TOPIC_CONFIG_NAMES].join(', ')}`,
      fix: 'correct the name; broker settings belong to the cluster',
    })),
    ...Object.keys(config).map((name): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigInvalid',
      subject: `config['${name}']`,
      value: () => config[name] ?? null,
      // A line break would smuggle in a second setting, and a token would be encoded instead of resolved.
      valid: (value: unknown) => typeof value === 'string' && /^\S(.*\S)?$/.test(value) && settingKind(name).valid(value),
      allowed: `${settingKind(name).allowed}, in one line without space around it`,
      fix: 'give the value as Kafka prints it',
      tokens: 'refuse',
    })),
    {
      code: 'Millrace.KafkaTopicUncleanElection',
      subject: "config['unclean.leader.election.enable']",
      value: (topic) => topic.config?.['unclean.leader.election.enable'],
      valid: (value: string) => value.toLowerCase() !== 'true',
      allowed: 'false: an unclean leader loses acknowledged records',
      fix: 'drop it',
    },
    {
      code: 'Millrace.KafkaTopicMinInsyncInvalid',
      subject: "config['min.insync.replicas']",
      value: (topic) => (topic.surroundings.express ? undefined : topic.config?.['min.insync.replicas']),
      valid: (value: string, topic) => {
        const factor = replicationFactorOf(topic, topic.surroundings);
        return /^[1-9]\d*$/.test(value) && (Number(value) < factor || factor === 1);
      },
      allowed: 'a whole number below the replication factor, or one lost broker stops all writes',
      fix: 'leave it out for one below the replication factor',
    },
    {
      code: 'Millrace.KafkaTopicRetentionTwice',
      subject: "config['retention.ms']",
      value: (topic) => (topic.retention && topic.config?.['retention.ms'] !== undefined ? topic.config['retention.ms'] : undefined),
      valid: () => false,
      allowed: 'retention or retention.ms, not both',
      fix: 'keep one of them',
    },
    {
      code: 'Millrace.KafkaTopicConfigTwice',
      subject: "config['cleanup.policy']",
      value: (topic) => (topic.cleanupPolicy ? topic.config?.['cleanup.policy'] : undefined),
      valid: () => false,
      allowed: 'cleanupPolicy or cleanup.policy, not both',
      fix: 'keep one of them',
      tokens: 'refuse',
    },
    ...Object.keys(config).map((name): Rule<TopicInput> => ({
      code: 'Millrace.KafkaTopicConfigOnExpress',
      subject: `config['${name}']`,
      value: (topic) => (topic.surroundings.express ? name : undefined),
      valid: () => !/^(min\.insync\.replicas$|remote\.|local\.retention\.)/.test(name),
      allowed: 'no min.insync.replicas and no settings of tiered storage: Express keeps 2 in sync and stores by itself',
      fix: 'drop it; for an imported cluster of Standard brokers give its brokerClass',
    })),
    {
      code: 'Millrace.KafkaTopicConfigInvalid',
      subject: "config['remote.storage.enable']",
      value: (topic) => (cleanupPolicyOf(topic).includes('compact') ? topic.config?.['remote.storage.enable'] : undefined),
      valid: (value: unknown) => String(value).toLowerCase() !== 'true',
      allowed: 'false on a compacted topic: Kafka keeps those on local storage only',
      fix: 'drop it, or use CleanupPolicy.DELETE',
    },
  ];
}

/** Kafka refuses a topic whose name differs from another's only in '.' and '_': their metrics would collide. */
export function metricName(topicName: string): string {
  return topicName.replace(/\./g, '_');
}
