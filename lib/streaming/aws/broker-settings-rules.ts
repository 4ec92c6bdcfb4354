import type { Rule } from '../../core/rule';
import { BrokerClass } from '../broker-type';

type Check = (value: string) => boolean;

const boolean: Check = (value) => value === 'true' || value === 'false';
const wholeFrom =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    /^-?\d+$/.test(value) && Number(value) >= least && Number(value) <= most;
const positive = wholeFrom(1);
const notNegative = wholeFrom(0);
const orUnlimited = wholeFrom(-1);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value);

// What a custom configuration may set and between which values (MSK developer guide, Custom Amazon MSK configurations), without the
// settings of ZooKeeper: our clusters run KRaft. The last three of the timestamps are those of Kafka 3.6 and later.
const SETTINGS: Readonly<Record<string, Check>> = {
  'allow.everyone.if.no.acl.found': boolean,
  'auto.create.topics.enable': boolean,
  'compression.type': oneOf('gzip', 'snappy', 'lz4', 'zstd', 'uncompressed', 'producer'),
  'connections.max.idle.ms': orUnlimited,
  'default.replication.factor': positive,
  'delete.topic.enable': boolean,
  'group.initial.rebalance.delay.ms': notNegative,
  'group.max.session.timeout.ms': positive,
  'group.min.session.timeout.ms': positive,
  'leader.imbalance.per.broker.percentage': wholeFrom(0, 100),
  'log.cleaner.delete.retention.ms': notNegative,
  'log.cleaner.min.cleanable.ratio': (value) => /^(0(\.\d+)?|1(\.0+)?)$/.test(value),
  'log.cleanup.policy': oneOf('delete', 'compact', 'compact,delete', 'delete,compact'),
  'log.flush.interval.messages': positive,
  'log.flush.interval.ms': notNegative,
  'log.message.timestamp.after.max.ms': notNegative,
  'log.message.timestamp.before.max.ms': notNegative,
  'log.message.timestamp.difference.max.ms': notNegative,
  'log.message.timestamp.type': oneOf('CreateTime', 'LogAppendTime'),
  'log.retention.bytes': orUnlimited,
  'log.retention.hours': orUnlimited,
  'log.retention.minutes': orUnlimited,
  'log.retention.ms': orUnlimited,
  'log.roll.ms': positive,
  'log.segment.bytes': wholeFrom(14),
  'max.incremental.fetch.session.cache.slots': notNegative,
  'message.max.bytes': notNegative,
  'min.insync.replicas': positive,
  'num.io.threads': positive,
  'num.network.threads': positive,
  'num.partitions': positive,
  'num.recovery.threads.per.data.dir': positive,
  'num.replica.fetchers': positive,
  'offsets.retention.minutes': positive,
  'offsets.topic.replication.factor': positive,
  'replica.fetch.max.bytes': notNegative,
  'replica.fetch.response.max.bytes': notNegative,
  'replica.lag.time.max.ms': wholeFrom(10_000, 30_000),
  'replica.selector.class': oneOf('org.apache.kafka.common.replica.RackAwareReplicaSelector'),
  'replica.socket.receive.buffer.bytes': notNegative,
  'socket.receive.buffer.bytes': orUnlimited,
  'socket.request.max.bytes': positive,
  'socket.send.buffer.bytes': orUnlimited,
  'transaction.max.timeout.ms': positive,
  'transaction.state.log.min.isr': positive,
  'transaction.state.log.replication.factor': positive,
  'transactional.id.expiration.ms': positive,
  'unclean.leader.election.enable': boolean,
};

// Replication, election, threads, flushing and segments are Express' own (MSK developer guide, Express brokers read-only configurations).
const MANAGED_BY_EXPRESS = new Set([
  'default.replication.factor',
  'log.flush.interval.messages',
  'log.flush.interval.ms',
  'log.roll.ms',
  'log.segment.bytes',
  'min.insync.replicas',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'offsets.topic.replication.factor',
  'replica.fetch.response.max.bytes',
  'replica.lag.time.max.ms',
  'replica.socket.receive.buffer.bytes',
  'transaction.state.log.min.isr',
  'transaction.state.log.replication.factor',
  'unclean.leader.election.enable',
]);

/** The settings under test, and what they stand in. */
export interface BrokerSettingsInput {
  readonly config: Readonly<Record<string, string>>;
  readonly brokerClass: BrokerClass;
  readonly replicationFactor: number;
  readonly acknowledgeDataLoss: boolean;
  readonly tiered: boolean;
}

const ESCAPE = 'a setting that MSK has added since can be set on the child Configuration (a CfnConfiguration)';

function nameRules(name: string): Rule<BrokerSettingsInput>[] {
  const subject = `brokerSettings.config['${name}']`;
  const value = (input: BrokerSettingsInput) => input.config[name];
  return [
    {
      code: 'Millrace.KafkaBrokerConfigUnknown',
      subject,
      value,
      valid: () => name in SETTINGS,
      allowed: 'a setting that a custom MSK configuration may have (MSK developer guide, Custom Amazon MSK configurations)',
      fix: name.startsWith('zookeeper.') ? 'drop it: the cluster runs KRaft' : `correct the name, or drop it; ${ESCAPE}`,
    },
    {
      code: 'Millrace.KafkaBrokerConfigOnExpress',
      subject,
      value,
      valid: (_value: string, { brokerClass }) => brokerClass !== BrokerClass.EXPRESS || !MANAGED_BY_EXPRESS.has(name),
      allowed: 'settings that Express does not manage itself',
      fix: 'drop it, or take Standard brokers',
    },
    {
      code: 'Millrace.KafkaBrokerConfigInvalid',
      subject,
      value: (input) => (name in SETTINGS ? input.config[name] : undefined),
      valid: (given: string) => SETTINGS[name](given),
      allowed: 'a value of the type and range that MSK takes',
      fix: 'give the value as Kafka prints it, without space around it',
      tokens: 'refuse',
    },
  ];
}

const SAFETY: Rule<BrokerSettingsInput>[] = [
  {
    code: 'Millrace.KafkaUncleanElection',
    subject: "brokerSettings.config['unclean.leader.election.enable']",
    value: ({ config }) => config['unclean.leader.election.enable'],
    valid: (enabled: string, input) => enabled !== 'true' || input.acknowledgeDataLoss,
    allowed: 'false: a replica that lags and becomes leader loses records which were acknowledged',
    fix: 'drop it, or set brokerSettings.acknowledgeDataLoss',
  },
  {
    code: 'Millrace.KafkaBrokerMinInsyncInvalid',
    subject: "brokerSettings.config['min.insync.replicas']",
    value: ({ config }) => config['min.insync.replicas'],
    valid: (given: string, input) => Number(given) < input.replicationFactor && (Number(given) > 1 || input.replicationFactor < 3 || input.acknowledgeDataLoss),
    allowed: ({ replicationFactor }) => `${replicationFactor - 1}: one broker may fail and no acknowledged record stands on one broker alone`,
    fix: 'leave it out; below it, set brokerSettings.acknowledgeDataLoss',
  },
  {
    code: 'Millrace.KafkaBrokerConfigInvalid',
    subject: "brokerSettings.config['log.cleanup.policy']",
    value: ({ config, tiered }) => (tiered ? config['log.cleanup.policy'] : undefined),
    valid: (policy: string) => policy === 'delete',
    allowed: 'delete on a cluster with tiered storage, which keeps no compacted topics',
    fix: 'drop it, and compact single topics with cleanupPolicy',
  },
  {
    code: 'Millrace.KafkaOpenAccess',
    subject: "brokerSettings.config['allow.everyone.if.no.acl.found']",
    value: ({ config }) => config['allow.everyone.if.no.acl.found'],
    valid: (open: string) => open !== 'true',
    allowed: 'false: otherwise every user with a password or certificate may do anything with a topic that has no ACL yet',
    fix: 'drop it and grant access with topic.grants',
  },
];

/** Rules for the settings that a user gives. */
export function brokerSettingsRules(config: Readonly<Record<string, string>>): Rule<BrokerSettingsInput>[] {
  return [...Object.keys(config).sort().flatMap(nameRules), ...SAFETY];
}
