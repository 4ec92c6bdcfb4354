import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { buildManifests } from '../../bin/manifests';
import { buildPlatform } from '../../bin/platform';
import { Assembly } from '../../lib/core/assembly';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import type * as k8s from '../../lib/streaming/k8s';
import { TOPIC_CONFIG_NAMES } from '../../lib/streaming/topic-config';
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
const EVERY_SETTING: Record<string, Record<string, string>> = {
  'settings.deleted': {
    'cleanup.policy': 'delete',
    'retention.ms': '604800001',
    'retention.bytes': '1073741825',
    'delete.retention.ms': '86400001',
    'file.delete.delay.ms': '60001',
    'flush.messages': '1000000',
    'flush.ms': '1001',
    'index.interval.bytes': '4097',
    'max.message.bytes': '1048589',
    'message.timestamp.after.max.ms': '3600001',
    'message.timestamp.before.max.ms': '604800001',
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': '2',
    preallocate: 'true',
    'segment.bytes': '1073741823',
    'segment.index.bytes': '10485761',
    'segment.jitter.ms': '1001',
    'segment.ms': '604800000',
    'unclean.leader.election.enable': 'false',
    'leader.replication.throttled.replicas': '0:1,1:2',
    'follower.replication.throttled.replicas': '*',
    'compression.type': 'zstd',
    'compression.zstd.level': '5',
  },
  'settings.compacted': {
    'cleanup.policy': 'compact',
    'max.compaction.lag.ms': '86400000',
    'min.compaction.lag.ms': '60001',
    'min.cleanable.dirty.ratio': '0.25',
    'compression.type': 'lz4',
    'compression.lz4.level': '12',
  },
  'settings.both': { 'cleanup.policy': 'compact,delete', 'compression.type': 'gzip', 'compression.gzip.level': '9' },
  'settings.tiered': {
    'remote.storage.enable': 'true',
    'retention.ms': '604800000',
    'retention.bytes': '10737418240',
    'local.retention.ms': '86400000',
    'local.retention.bytes': '1073741824',
  },
  // Kafka keeps as much on the brokers as at all once nothing more is copied, and insists that it is said.
  'settings.untiered': {
    'remote.storage.enable': 'true',
    'remote.log.copy.disable': 'true',
    'retention.ms': '604800000',
    'local.retention.ms': '-2',
  },
  'settings.released': { 'remote.storage.enable': 'false', 'remote.log.delete.on.disable': 'true' },
};

/** Topics with every setting; a setting that none of them has is an error of this test. */
function addEverySetting(cluster: ClusterContract): void {
  const given = new Set(Object.values(EVERY_SETTING).flatMap((config) => Object.keys(config)));
  const missing = [...TOPIC_CONFIG_NAMES].filter((name) => !given.has(name));
  if (missing.length) throw new Error(`give EVERY_SETTING a value for ${missing.join(', ')}`);
  for (const [topicName, config] of Object.entries(EVERY_SETTING)) {
    cluster.addTopic(topicName.replace('.', '-'), { topicName, partitions: 3, config });
  }
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
  const cluster = world.cluster('Kafka', { sizing: KUBERNETES.size(3, 1000) });
  const topic = (topicName: string) => cluster.addTopic(topicName.replace(/\./g, '-'), { topicName, partitions: 1 });
  const orders = topic('orders.placed');
  const refunds = topic('refunds');
  const ledger = topic('ledger');
  for (const bystander of ['orders.placed2', 'orders', 'ledger-audit']) topic(bystander);
  const intents: Intent[] = [];
  const user = (id: string, intent: Omit<Intent, 'userName'>, grant: (client: k8s.KafkaUser) => void) => {
    const client: k8s.KafkaUser = world.client(id, cluster);
    grant(client);
    intents.push({ userName: client.userName, ...intent });
  };
  user('Writer', { produce: ['orders.placed'] }, (client) => orders.grants.produce(client));
  user('Reader', { consume: [['orders.placed', 'fraud-features']] }, (client) =>
    orders.grants.consume(client, { groupId: 'fraud-features' }),
  );
  user('Mover', { produce: ['refunds'], consume: [['orders.placed', 'refunds']] }, (client) => {
    orders.grants.consume(client, { groupId: 'refunds' });
    refunds.grants.produce(client);
  });
  user('Booker', { produce: ['ledger'], transact: ['ledger-1'] }, (client) => {
    ledger.grants.produce(client);
    // SEAM: `ledger.grants.produce(client, { transactionalId: 'ledger-1' })` once the grant takes one.
    client.allow('transactionalId', 'ledger-1', ['Describe', 'Write']);
  });
  user('Idle', {}, () => undefined);
  const assembly = world.synth();
  return { intents, users: usersOf(assembly), topics: KUBERNETES.topics(assembly) };
}

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

function strimziSettings(assembly: Assembly): Record<string, string> {
  const { spec } = assembly.objects.map(({ manifest }) => manifest).find(({ kind }) => kind === 'Kafka')!;
  return Object.fromEntries(Object.entries(spec.kafka.config).map(([name, value]) => [name, String(value)]));
}

function usersOf(assembly: Assembly): EmittedUser[] {
  const users = assembly.objects.map(({ manifest }) => manifest).filter(({ kind }) => kind === 'KafkaUser');
  return users.map(({ metadata, spec }) => ({
    name: metadata.name,
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
