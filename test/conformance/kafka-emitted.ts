import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Size } from 'aws-cdk-lib';
import { buildManifests } from '../../bin/manifests';
import { buildPlatform } from '../../bin/platform';
import { Assembly } from '../../lib/core/assembly';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import * as k8s from '../../lib/streaming/k8s';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';
import { CompressionType, MessageTimestampType } from '../../lib/streaming/topic-config';
import { TOPIC_SETTINGS, kafkaNameOf } from '../../lib/streaming/topic-settings';
import { AWS, type ClusterContract, type EmittedTopic, type Flavour, KUBERNETES } from '../contract/kafka-flavours';
import type { EmittedUser, Intent } from './kafka-access';

/** What a synthesis says about one cluster: settings for its brokers, and its topics. */
export interface EmittedCluster {
  readonly name: string;
  readonly settings: Record<string, string>;
  readonly topics: EmittedTopic[];
}

/**
 * A valid value for every topic setting, none of them Kafka's default, over topics that Kafka can have: tiered storage is not for compacted
 * topics, and a compression has one level.
 */
const EVERY_SETTING: Record<string, Omit<TopicOptions, 'topicName'>> = {
  'settings.deleted': {
    cleanupPolicy: CleanupPolicy.DELETE,
    retention: Duration.millis(604_800_001),
    config: {
      retentionBytes: Size.bytes(1_073_741_825),
      deleteRetentionMs: Duration.millis(86_400_001),
      fileDeleteDelayMs: Duration.millis(60_001),
      flushMessages: 1_000_000,
      flushMs: Duration.millis(1001),
      indexIntervalBytes: Size.bytes(4097),
      maxMessageBytes: Size.bytes(1_048_589),
      messageTimestampAfterMaxMs: Duration.millis(3_600_001),
      messageTimestampBeforeMaxMs: Duration.millis(604_800_001),
      messageTimestampType: MessageTimestampType.LOG_APPEND_TIME,
      minInsyncReplicas: 2,
      preallocate: true,
      segmentBytes: Size.bytes(1_073_741_823),
      segmentIndexBytes: Size.bytes(10_485_761),
      segmentJitterMs: Duration.millis(1001),
      segmentMs: Duration.days(7),
      uncleanLeaderElectionEnable: false,
      leaderReplicationThrottledReplicas: ['0:1', '1:2'],
      followerReplicationThrottledReplicas: ['*'],
      compressionType: CompressionType.ZSTD,
      compressionZstdLevel: 5,
    },
  },
  'settings.compacted': {
    cleanupPolicy: CleanupPolicy.COMPACT,
    config: {
      maxCompactionLagMs: Duration.days(1),
      minCompactionLagMs: Duration.millis(60_001),
      minCleanableDirtyRatio: 0.25,
      compressionType: CompressionType.LZ4,
      compressionLz4Level: 12,
    },
  },
  'settings.both': {
    cleanupPolicy: CleanupPolicy.COMPACT_DELETE,
    config: { compressionType: CompressionType.GZIP, compressionGzipLevel: 9, unlimitedRetention: true },
  },
  'settings.tiered': {
    config: {
      remoteStorageEnable: true,
      retentionBytes: Size.gibibytes(10),
      localRetentionMs: Duration.days(1),
      localRetentionBytes: Size.gibibytes(1),
    },
  },
  'settings.untiered': { config: { remoteStorageEnable: true, remoteLogCopyDisable: true, retentionBytes: Size.gibibytes(10) } },
  'settings.released': { config: { remoteStorageEnable: false, remoteLogDeleteOnDisable: true } },
};

/** Topics with every setting; a setting that none of them has is an error of this test. */
function addEverySetting(cluster: ClusterContract): void {
  const given = new Set(Object.values(EVERY_SETTING).flatMap(({ config }) => Object.keys(config ?? {})));
  const missing = TOPIC_SETTINGS.filter((name) => !given.has(name));
  if (missing.length) throw new Error(`give EVERY_SETTING a value for ${missing.join(', ')}`);
  for (const [topicName, options] of Object.entries(EVERY_SETTING)) {
    cluster.addTopic(topicName.replace('.', '-'), { topicName, partitions: 3, ...options });
  }
}

/** The names in Kafka of all settings that a topic can have. */
export function everySetting(): string[] {
  return TOPIC_SETTINGS.map((property) => (property === 'unlimitedRetention' ? 'retention.ms' : kafkaNameOf(property)));
}

/** Clusters of both kinds of MSK brokers, and the one of the reference platform. */
export function emittedByAws(): EmittedCluster[] {
  const standard = AWS.begin();
  addEverySetting(standard.cluster('Standard', { sizing: AWS.size(3, 1000) }));
  const app = new App({ outdir: folder(), context: { 'cdk:no-builtin-validation': true } });
  buildPlatform(app);
  const platform = Assembly.fromDirectories({ templates: app.synth().directory });
  return [clusterOf(AWS, 'Standard brokers', standard.synth()), clusterOf(AWS, 'Express brokers of the reference platform', platform)];
}

/** A Strimzi cluster with every setting, and that of the reference platform. */
export function emittedByKubernetes(): EmittedCluster[] {
  const world = KUBERNETES.begin();
  addEverySetting(world.cluster('Kafka', { sizing: KUBERNETES.size(3, 1000) }));
  return [clusterOf(KUBERNETES, 'Strimzi', world.synth()), clusterOf(KUBERNETES, 'Strimzi of the reference platform', platformManifests())];
}

/**
 * Users with grants of every kind, as their owner means them and as they are emitted. The topics and groups that nobody was granted look like
 * those that somebody was.
 */
export function emittedUsers(): { readonly intents: Intent[]; readonly users: EmittedUser[]; readonly topics: EmittedTopic[] } {
  const world = KUBERNETES.begin();
  const listeners = [k8s.Listener.scram()];
  const cluster = new k8s.KafkaCluster(world.scope, 'Kafka', { sizing: KUBERNETES.size(3, 1000), listeners });
  const topic = (topicName: string, options: Partial<TopicOptions> = {}) =>
    cluster.addTopic(topicName.replace(/\./g, '-'), { topicName, partitions: 1, ...options });
  const orders = topic('orders.placed');
  const refunds = topic('refunds');
  const ledger = topic('ledger');
  const returns = topic('returns', { deadLetter: true });
  for (const bystander of ['orders.placed2', 'orders', 'ledger-audit']) topic(bystander);
  const intents: Intent[] = [];
  const user = (id: string, intent: Omit<Intent, 'userName'>, grant: (client: k8s.KafkaUser) => void, options: Authentication = {}) => {
    const client = new k8s.KafkaUser(world.scope, id, { cluster, ...options });
    grant(client);
    intents.push({ userName: client.userName, ...intent });
  };
  user('Writer', { produce: ['orders.placed'] }, (client) => orders.grants.produce(client));
  user('Reader', { consume: [['orders.placed', 'fraud-features']] }, (client) =>
    orders.grants.consume(client, { groupId: 'fraud-features' }),
  );
  user(
    'Mover',
    { produce: ['refunds'], consume: [['orders.placed', 'refunds']] },
    (client) => {
      orders.grants.consume(client, { groupId: 'refunds', demand: RATE });
      refunds.grants.produce(client, { demand: RATE });
    },
    PASSWORD,
  );
  user('Returner', { produce: ['returns.dlq'], consume: [['returns', 'returns']] }, (client) => {
    returns.grants.consume(client, { groupId: 'returns', demand: RATE });
  });
  user('Booker', { produce: ['ledger'], transact: ['ledger-1'] }, (client) => {
    ledger.grants.produce(client, { transactionalId: 'ledger-1' });
  });
  user('Streamer', { produce: ['ledger'], transact: ['ledger-app-*'] }, (client) => {
    ledger.grants.produce(client, { transactionalIdPrefix: 'ledger-app-' });
  });
  user('Auditor', { consume: [['ledger*', 'audit-*']] }, (client) => {
    cluster.topicPrefix('ledger').grants.consume(client, { groupPrefix: 'audit-' });
  });
  user('Idle', {}, () => undefined, PASSWORD);
  const assembly = world.synth();
  return { intents, users: usersOf(assembly), topics: KUBERNETES.topics(assembly) };
}

type Authentication = Pick<k8s.KafkaUserProps, 'authentication'>;
const PASSWORD: Authentication = { authentication: k8s.KafkaUserAuthentication.SCRAM_SHA_512 };
const RATE = { messagesPerSecond: 2000, messageSize: Size.kibibytes(1) };

function clusterOf(flavour: Flavour, name: string, assembly: Assembly): EmittedCluster {
  const settings = flavour === AWS ? mskSettings(assembly) : strimziSettings(assembly);
  return { name, settings, topics: flavour.topics(assembly) };
}

function mskSettings(assembly: Assembly): Record<string, string> {
  const resources = assembly.stacks.flatMap((stack) => stack.resources);
  const text: string = resources.find(({ type }) => type === 'AWS::MSK::Configuration')!.properties.ServerProperties;
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** The settings of the brokers of a Strimzi cluster. */
export function strimziSettings(assembly: Assembly): Record<string, string> {
  const { spec } = assembly.objects.map(({ manifest }) => manifest).find(({ kind }) => kind === 'Kafka')!;
  return Object.fromEntries(Object.entries(spec.kafka.config).map(([name, value]) => [name, String(value)]));
}

/** The users of a synthesis. */
export function usersOf(assembly: Assembly): EmittedUser[] {
  const users = assembly.objects.map(({ manifest }) => manifest).filter(({ kind }) => kind === 'KafkaUser');
  return users.map(({ metadata, spec }) => ({
    name: metadata.name,
    cluster: metadata.labels['strimzi.io/cluster'],
    authentication: spec.authentication.type,
    acls: spec.authorization.acls ?? [],
    quotas: spec.quotas,
  }));
}

function platformManifests(): Assembly {
  const app = new ManifestApp({ outdir: folder() });
  buildManifests(app);
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir });
}

function folder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-emitted-'));
}
