import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { Compatibility } from '../../lib/streaming/compatibility';
import * as k8s from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';
import { CleanupPolicy, type ConsumeOptions, type ProduceOptions, type TopicOptions } from '../../lib/streaming/topic';
import { synthesizedSchemas } from '../../lib/streaming/schema-record';
import { type Access, type EmittedTopic, KUBERNETES, type World, NO_HISTORY } from './kafka-flavours';
import { codeOf, codesIn } from './refusal';

const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
const SIZING = KUBERNETES.size(6, 500);
const KEEPERS = ['argocd.argoproj.io/sync-options', 'helm.sh/resource-policy', 'kustomize.toolkit.fluxcd.io/prune'];
const V1 = Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }] }));
const KEY = Schema.avro('"string"');

/** Confluent for Kubernetes as the contract sees it; that its classes have the verbs of the contract is checked by the compiler. */
const CONFLUENT = {
  name: 'Confluent',
  begin({ context = {}, owned = true }: { context?: Record<string, unknown>; owned?: boolean } = {}): World {
    const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-contract-')) });
    for (const [key, value] of Object.entries({ ...NO_HISTORY, ...context })) app.node.setContext(key, value);
    const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
    if (owned) OWNER.applyTo(chart);
    const write = () => {
      app.synth();
      return app.outdir;
    };
    return {
      app,
      scope: chart,
      cluster(id, options) {
        const cluster = new k8s.ConfluentCluster(chart, id, {
          ...options,
          images: k8s.ConfluentImages.release('8.3.0', '3.3.0'),
          secrets: { certificateSecretName: 'tls-kafka', mdsTokenSecretName: 'mds-token' },
        });
        new k8s.ConfluentSchemaRegistry(chart, `${id}Registry`, { cluster, certificateSecretName: 'tls-registry' });
        return cluster;
      },
      importedCluster: (id) => k8s.ConfluentCluster.fromConfluentClusterAttributes(chart, id, { clusterName: 'old', namespace: 'old' }),
      client: (id, cluster) => new k8s.ConfluentUser(chart, id, { cluster: cluster as k8s.ConfluentCluster }),
      write,
      synth: () => Assembly.fromDirectories({ manifests: write() }),
    };
  },
  topics: (assembly: Assembly): EmittedTopic[] =>
    ofKind(assembly, 'KafkaTopic').map(({ spec }) => ({
      name: spec.name,
      partitions: spec.partitionCount,
      replicas: spec.replicas,
      config: spec.configs,
    })),
  accessOf(assembly: Assembly, client: k8s.ConfluentUser): Access {
    const access: Access = {};
    const kinds: Record<string, string> = { Topic: 'topic', Group: 'group', TransactionalId: 'transactional-id' };
    for (const { spec } of ofKind(assembly, 'ConfluentRolebinding')) {
      if (spec.principal.name !== client.principal || spec.clustersScopeByIds) continue;
      for (const { resourceType, name, patternType } of spec.resourcePatterns) {
        const key = `${kinds[resourceType]} ${name}${patternType === 'PREFIXED' ? '*' : ''}`;
        access[key] = [...(access[key] ?? []), spec.role.replace('Developer', '')].sort();
      }
    }
    return access;
  },
};
/** Strimzi, whose ACLs say Describe beside what a role of Confluent's includes it in. */
const STRIMZI = {
  ...KUBERNETES,
  name: 'Strimzi',
  topics: (assembly: Assembly) => KUBERNETES.topics(assembly).filter(({ name }) => !/^(schema-registry|registry)/.test(name)),
  accessOf: (assembly: Assembly, client: k8s.KafkaUser): Access =>
    Object.fromEntries(
      Object.entries(KUBERNETES.accessOf(assembly, client)).map(([key, operations]) => [
        key,
        operations.filter((one) => one !== 'Describe'),
      ]),
    ),
};
const ofKind = (assembly: Assembly, ...kinds: string[]) =>
  assembly.objects.map(({ manifest }) => manifest).filter(({ kind }) => kinds.includes(kind));

describe.each([STRIMZI, CONFLUENT])('the one declaration on $name', (flavour) => {
  const world = flavour.begin();
  const cluster = world.cluster('Kafka', { sizing: SIZING, clusterName: 'main' });
  const payments = cluster.addTopic('Payments', {
    topicName: 'payments.authorized',
    demand: { messagesPerSecond: 400, messageSize: Size.kibibytes(1), consumers: 3 },
    retention: Duration.days(7),
    schema: V1,
    keySchema: KEY,
    compatibility: Compatibility.FULL_ALL,
    deadLetter: true,
  });
  const [gateway, fraudJob, streams, auditor, nobody] = ['Gateway', 'Fraud', 'Streams', 'Auditor', 'Nobody'].map((id) =>
    world.client(id, cluster),
  );
  for (const _ of [1, 2]) {
    payments.grants.produce(gateway);
    payments.grants.consume(fraudJob, { groupId: 'fraud-features' });
  }
  payments.grants.produce(streams, { transactionalIdPrefix: 'enricher-' });
  payments.grants.produce(streams, { transactionalId: 'enricher' });
  payments.grants.consume(streams, { groupPrefix: 'enricher' });
  cluster.topicPrefix('payments.').grants.consume(auditor, { groupId: 'audit' });
  const assembly = world.synth();

  test('makes the topic and one for its dead letters, with the same settings', () => {
    const [topic, deadLetters] = flavour
      .topics(assembly)
      .filter(({ name }) => name.startsWith('payments'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(topic).toEqual({
      name: 'payments.authorized',
      partitions: 6,
      replicas: 3,
      config: { 'cleanup.policy': 'delete', 'min.insync.replicas': '2', 'retention.ms': '604800000' },
    });
    expect(deadLetters).toEqual({
      name: 'payments.authorized.dlq',
      partitions: 3,
      replicas: 3,
      config: { 'cleanup.policy': 'delete', 'min.insync.replicas': '2', 'retention.ms': '1209600000' },
    });
    expect(payments.deadLetterTopic?.topicName).toBe('payments.authorized.dlq');
  });

  test('lets every client do what it was granted and nothing else', () => {
    const of = (client: any) => flavour.accessOf(assembly, client);
    expect(of(gateway)).toEqual({ 'topic payments.authorized': ['Write'] });
    expect(of(fraudJob)).toEqual({
      'topic payments.authorized': ['Read'],
      'group fraud-features': ['Read'],
      'topic payments.authorized.dlq': ['Write'],
    });
    expect(of(streams)).toEqual({
      'topic payments.authorized': ['Read', 'Write'],
      'topic payments.authorized.dlq': ['Write'],
      'transactional-id enricher-*': ['Write'],
      'transactional-id enricher': ['Write'],
      'group enricher*': ['Read'],
    });
    expect(of(auditor)).toEqual({ 'topic payments.*': ['Read'], 'group audit': ['Read'] });
    expect(of(nobody)).toEqual({});
  });

  test('registers both schemas, where the command line finds them', () => {
    expect(
      synthesizedSchemas(assembly).map(({ subject, compatibility, version, definition }) => [subject, compatibility, version, definition]),
    ).toEqual(
      expect.arrayContaining([
        ['payments.authorized-value', 'FULL_ALL', 1, V1.definition],
        ['payments.authorized-key', 'FULL_ALL', 1, KEY.definition],
      ]),
    );
    expect(synthesizedSchemas(assembly)).toHaveLength(2);
  });

  test('keeps what holds data when it leaves the app', () => {
    const stored = ofKind(assembly, 'Kafka', 'KRaftController', 'KafkaTopic', 'Schema');
    expect(stored.length).toBeGreaterThanOrEqual(3);
    for (const { metadata } of stored) expect(KEEPERS.filter((key) => !metadata.annotations?.[key])).toEqual([]);
  });

  test('stands in the catalogue, every grant once', () => {
    const { topics, accesses } = StreamCatalog.of(world.app);
    const topic = topics.find(({ topicName }) => topicName === 'payments.authorized');
    expect(topic).toMatchObject({ schema: V1, keySchema: KEY, compatibility: 'FULL_ALL', deadLetterTopicName: 'payments.authorized.dlq' });
    const of = (client: unknown) =>
      accesses
        .filter((access) => access.client === client)
        .map(({ action, topicName, isPrefix, groupId }) => [action, topicName, isPrefix ?? false, groupId].join(' ').trim());
    expect(of(gateway)).toEqual(['send payments.authorized false']);
    expect(of(fraudJob)).toEqual(['receive payments.authorized false fraud-features', 'send payments.authorized.dlq false']);
    expect(of(auditor)).toEqual(['receive payments. true audit']);
    expect(accesses.filter(({ client }) => client === streams).map(({ transactionalId }) => transactionalId)).toEqual([
      'enricher-',
      'enricher',
      undefined,
      undefined,
    ]);
  });
});

describe.each([STRIMZI, CONFLUENT])('refused on $name', (flavour) => {
  const begin = () => {
    const world = flavour.begin();
    const cluster = world.cluster('Kafka', { sizing: SIZING, clusterName: 'main' });
    return { world, cluster };
  };

  test.each<[string, Partial<TopicOptions>, string]>([
    ['a name with a space', { topicName: 'a b' }, 'Millrace.KafkaTopicNameInvalid'],
    ['no partitions', { partitions: 0 }, 'Millrace.KafkaTopicPartitionsInvalid'],
    ['more copies than brokers', { replicationFactor: 7 }, 'Millrace.KafkaTopicReplicationInvalid'],
    ['an unclean election', { config: { uncleanLeaderElectionEnable: true } }, 'Millrace.KafkaTopicUncleanElection'],
    ['as many in-sync replicas as copies', { config: { minInsyncReplicas: 3 } }, 'Millrace.KafkaTopicMinInsyncInvalid'],
    ['a changelog that deletes', { topicName: 'a-changelog', cleanupPolicy: CleanupPolicy.DELETE }, 'Millrace.KafkaChangelogDeletes'],
    ['a compatibility of nothing', { compatibility: Compatibility.FULL }, 'Millrace.KafkaCompatibilityWithoutSchema'],
    ['a demand of no messages', { demand: { messagesPerSecond: 0, messageSize: Size.bytes(1) } }, 'Millrace.KafkaTopicDemandInvalid'],
    ['no room for the name of its dead letters', { topicName: 'x'.repeat(246), deadLetter: true }, 'Millrace.KafkaTopicNameInvalid'],
  ])('is a topic with %s', (_what, options, code) => {
    expect(codeOf(() => begin().cluster.addTopic('Topic', { topicName: 'a', ...options }))).toBe(code);
  });

  test.each<[string, ConsumeOptions, string]>([
    ['no group', {}, 'Millrace.KafkaGroupInvalid'],
    ['a group that is a wildcard', { groupId: '*' }, 'Millrace.KafkaGroupInvalid'],
    ['an empty prefix', { groupPrefix: '' }, 'Millrace.KafkaGroupInvalid'],
    ['a group and a prefix', { groupId: 'a', groupPrefix: 'a' }, 'Millrace.KafkaGroupInvalid'],
    [
      'a demand of nothing',
      { groupId: 'a', demand: { messagesPerSecond: NaN, messageSize: Size.bytes(1) } },
      'Millrace.KafkaClientDemandInvalid',
    ],
  ])('is a consumer with %s', (_what, options, code) => {
    const { world, cluster } = begin();
    const { grants } = cluster.addTopic('Topic', { topicName: 'a' });
    expect(codeOf(() => grants.consume(world.client('Client', cluster), options))).toBe(code);
  });

  test.each<[string, ProduceOptions, string]>([
    ['a transactional id that is a wildcard', { transactionalId: '*' }, 'Millrace.KafkaTransactionalIdInvalid'],
    ['an empty prefix', { transactionalIdPrefix: '' }, 'Millrace.KafkaTransactionalIdInvalid'],
    ['an id and a prefix', { transactionalId: 'a', transactionalIdPrefix: 'a' }, 'Millrace.KafkaTransactionalIdInvalid'],
  ])('is a producer with %s', (_what, options, code) => {
    const { world, cluster } = begin();
    const { grants } = cluster.addTopic('Topic', { topicName: 'a' });
    expect(codeOf(() => grants.produce(world.client('Client', cluster), options))).toBe(code);
  });

  test.each(['', '*', 'payments.*', undefined as never])('is the prefix %p', (prefix) => {
    expect(codeOf(() => begin().cluster.topicPrefix(prefix))).toBe('Millrace.KafkaPrefixInvalid');
  });

  test('are topics that do not fit together, and anything that nobody pays for', () => {
    const { world, cluster } = begin();
    cluster.addTopic('One', { topicName: 'pay.in', partitions: 2001 });
    cluster.addTopic('Two', { topicName: 'pay_in' });
    expect(codesIn(() => world.synth())).toEqual(['Millrace.KafkaTopicNameCollision', 'Millrace.KafkaTopicsDoNotFit']);
    const unowned = flavour.begin({ owned: false });
    unowned.cluster('Kafka', { sizing: SIZING });
    expect(codesIn(() => unowned.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });

  test('is to destroy data with one key alone', () => {
    const annotations = (context?: Record<string, unknown>) => {
      const world = flavour.begin({ context });
      world.cluster('Kafka', { sizing: SIZING }).addTopic('Topic', { topicName: 'a', removalPolicy: RemovalPolicy.DESTROY });
      return ofKind(world.synth(), 'KafkaTopic')[0].metadata.annotations ?? {};
    };
    expect(annotations()['millrace.io/warning']).toContain('Millrace.DestroyNeedsTwoKeys');
    expect(annotations()['helm.sh/resource-policy']).toBe('keep');
    expect(annotations({ 'millrace:destroyData': true })['helm.sh/resource-policy']).toBeUndefined();
  });
});

test('a user of one operator is none of the other', () => {
  const world = CONFLUENT.begin();
  const cluster = world.cluster('Kafka', { sizing: SIZING }) as k8s.ConfluentCluster;
  expect(codeOf(() => new k8s.KafkaUser(world.scope, 'User', { cluster }))).toBe('Millrace.KafkaUserOnConfluent');
  const imported = world.importedCluster('Old');
  expect(codeOf(() => new k8s.KafkaUser(world.scope, 'Other', { cluster: imported }))).toBe('Millrace.KafkaUserOnConfluent');
});

test('topics and grants on an imported Confluent cluster name what exists', () => {
  const world = CONFLUENT.begin();
  const cluster = world.importedCluster('Kafka');
  const client = world.client('Client', cluster);
  k8s.ConfluentTopic.fromConfluentTopicAttributes(world.scope, 'Old', { cluster, topicName: 'old.topic' }).grants.produce(client, {
    transactionalId: 't',
  });
  new k8s.ConfluentTopic(world.scope, 'New', { cluster, topicName: 'new.topic', deadLetter: true }).grants.consume(client, {
    groupId: 'g',
  });
  new k8s.ConfluentTopicPrefix(cluster, 'log.').grants.produce(client);
  expect(Object.keys(CONFLUENT.accessOf(world.synth(), client)).sort()).toEqual([
    'group g',
    'topic log.*',
    'topic new.topic',
    'topic new.topic.dlq',
    'topic old.topic',
    'transactional-id t',
  ]);
  expect(codeOf(() => new k8s.ConfluentTopicPrefix(cluster, '*'))).toBe('Millrace.KafkaPrefixInvalid');
});

test('two syntheses of the same input are the same bytes', () => {
  const write = () => {
    const world = CONFLUENT.begin();
    const cluster = world.cluster('Kafka', { sizing: SIZING });
    const topic = cluster.addTopic('Topic', { topicName: 'a', schema: V1, keySchema: KEY, deadLetter: true });
    topic.grants.consume(world.client('Client', cluster), { groupId: 'g' });
    const dir = world.write();
    return fs
      .readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, fs.readFileSync(path.join(entry.parentPath, entry.name), 'utf8')]);
  };
  expect(write()).toEqual(write());
});
