import * as fs from 'fs';
import * as path from 'path';
import { Bitrate, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { Assembly } from '../../lib/core/assembly';
import * as aws from '../../lib/streaming/aws';
import * as k8s from '../../lib/streaming/k8s';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { Compatibility } from '../../lib/streaming/compatibility';
import { Schema, SchemaFormat } from '../../lib/streaming/schema';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';
import { CleanupPolicy, type ConsumeOptions, type ProduceOptions, type TopicOptions } from '../../lib/streaming/topic';
import { AWS, type Flavour, type GrantsContract, KUBERNETES, defaultClass } from './kafka-flavours';
import { codeOf, codesIn } from './refusal';

const DEMAND = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) };
const DESTROY_DATA = { 'millrace:destroyData': true };

const classesOf = (room: object) =>
  Object.entries(room)
    .filter(([, member]) => typeof member === 'function')
    .map(([name]) => name);

test('both flavours have the same classes; Kubernetes has a class for clients, which on AWS are any principal', () => {
  const own = ['ClientCredentials', 'KafkaUser', 'RoleSession'];
  expect(
    classesOf(aws)
      .filter((name) => !own.includes(name))
      .sort(),
  ).toEqual(['ImportedTopic', 'KafkaCluster', 'KafkaVersion', 'Topic', 'TopicGrants', 'TopicPrefix']);
  expect(
    classesOf(k8s)
      .filter((name) => !own.includes(name))
      .sort(),
  ).toEqual(
    classesOf(aws)
      .filter((name) => !own.includes(name))
      .sort(),
  );
});

describe.each([AWS, KUBERNETES])('Kafka on $name', (flavour: Flavour) => {
  const { room } = flavour;

  describe('a cluster with a topic', () => {
    const world = flavour.begin();
    const cluster = world.cluster('Kafka', { demand: DEMAND });
    const topic = cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });
    cluster.addTopic('Refunds', { topicName: 'payments.refunded' });
    const [writer, reader, both, none] = ['Writer', 'Reader', 'Both', 'None'].map((id) => world.client(id, cluster));
    topic.grants.produce(writer);
    topic.grants.consume(reader, { groupId: 'fraud-features' });
    topic.grants.produce(both);
    topic.grants.consume(both, { groupId: 'fraud-features' });
    topic.grants.produce(both);
    const assembly = world.synth();

    test('has the verbs and attributes of the contract', () => {
      for (const name of ['addTopic', 'bootstrapServers', 'clusterName', 'sizing', 'topicPrefix']) expect(name in cluster).toBe(true);
      for (const name of ['topicName', 'grants']) expect(name in topic).toBe(true);
      for (const name of ['produce', 'consume']) expect(name in topic.grants).toBe(true);
      expect([typeof room.KafkaCluster.fromKafkaClusterAttributes, typeof room.Topic.fromTopicAttributes]).toEqual([
        'function',
        'function',
      ]);
      expect([typeof room.KafkaVersion.of, typeof cluster.bootstrapServers, typeof cluster.clusterName]).toEqual([
        'function',
        'string',
        'string',
      ]);
      expect(cluster.node.defaultChild).toBeDefined();
    });

    test('is sized for the demand and says so where reports read it', () => {
      const sizing = KafkaSizing.forDemand(DEMAND, { brokerClass: defaultClass(flavour) });
      expect(cluster.sizing).toEqual(sizing);
      const { choice, bottleneck, utilisation, alternatives, reason } = sizing;
      expect(flavour.sizingOf(assembly)).toEqual({ choice, bottleneck, utilisation, alternatives, reason });
    });

    test('emits the topics under their names', () => {
      expect(flavour.topics(assembly).map(({ name, partitions, replicas }) => [name, partitions, replicas])).toEqual([
        ['payments.authorized', 24, 3],
        ['payments.refunded', 6, 3],
      ]);
    });

    const write = flavour === AWS ? ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'] : ['Describe', 'Write'];
    const read = flavour === AWS ? ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'] : ['Describe', 'Read'];
    const group = flavour === AWS ? ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'] : ['Read'];
    const connect = flavour === AWS ? { cluster: ['kafka-cluster:Connect'] } : {};
    const produce = flavour === AWS ? { cluster: ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'] } : {};

    test('lets a producer write to the one topic and do nothing else', () => {
      expect(flavour.accessOf(assembly, writer)).toEqual({ ...produce, 'topic payments.authorized': write });
    });

    test('lets a consumer read the one topic in the one group and do nothing else', () => {
      expect(flavour.accessOf(assembly, reader)).toEqual({
        ...connect,
        'topic payments.authorized': read,
        'group fraud-features': group,
      });
    });

    test('adds grants up', () => {
      const access = flavour.accessOf(assembly, both);
      expect(Object.keys(access).sort()).toEqual([...Object.keys(produce), 'group fraud-features', 'topic payments.authorized'].sort());
      expect([...new Set(access['topic payments.authorized'])].sort()).toEqual([...new Set([...read, ...write])].sort());
    });

    test('gives a client without a grant nothing', () => {
      expect(flavour.accessOf(assembly, none)).toEqual({});
    });

    test('emits no wildcard for a client', () => {
      const clients = [
        ...assembly.stacks.flatMap((stack) => stack.resources).filter(({ type }) => type === 'AWS::IAM::Policy'),
        ...assembly.objects.filter(({ manifest }) => manifest.kind === 'KafkaUser'),
      ];
      expect(clients.length).toBeGreaterThanOrEqual(3);
      expect(JSON.stringify(clients)).not.toContain('*');
    });
  });

  describe('the one declaration', () => {
    const AVRO = JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }] });
    const world = flavour.begin();
    const cluster = world.cluster('Kafka', { demand: DEMAND });
    const payments = cluster.addTopic('Payments', {
      topicName: 'payments.authorized',
      demand: { messagesPerSecond: 4000, messageSize: Size.kibibytes(1), consumers: 3 },
      retention: Duration.days(7),
      schema: Schema.avro(AVRO),
      compatibility: Compatibility.BACKWARD,
      deadLetter: true,
    });
    const [gateway, fraudJob, streams, auditor] = ['Gateway', 'FraudJob', 'Streams', 'Auditor'].map((id) => world.client(id, cluster));
    payments.grants.produce(gateway);
    payments.grants.consume(fraudJob, { groupId: 'fraud-features' });
    payments.grants.produce(streams, { transactionalIdPrefix: 'enricher-' });
    payments.grants.produce(streams, { transactionalId: 'enricher' });
    payments.grants.consume(streams, { groupPrefix: 'enricher' });
    cluster.topicPrefix('payments.').grants.consume(auditor, { groupId: 'audit' });
    const assembly = world.synth();
    const onAws = flavour === AWS;
    const words = (kafka: string[], iam: string[]) => (onAws ? iam.map((action) => `kafka-cluster:${action}`) : kafka);
    const write = words(['Describe', 'Write'], ['DescribeTopic', 'WriteData']);
    const read = words(['Describe', 'Read'], ['DescribeTopic', 'ReadData']);
    const group = words(['Read'], ['AlterGroup', 'DescribeGroup']);
    const transact = words(['Describe', 'Write'], ['AlterTransactionalId', 'DescribeTransactionalId']);
    const connect = onAws ? { cluster: ['kafka-cluster:Connect'] } : {};
    const produce = onAws ? { cluster: ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'] } : {};

    test('makes the topic with a second one for dead letters: 3 partitions, 14 days, as many copies', () => {
      const [topic, deadLetters, ...others] = flavour.topics(assembly).sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(others).toEqual([]);
      expect([topic.name, topic.replicas, topic.config['retention.ms']]).toEqual(['payments.authorized', 3, '604800000']);
      expect(topic.partitions % 3).toBe(0);
      expect([deadLetters.name, deadLetters.partitions, deadLetters.replicas]).toEqual(['payments.authorized.dlq', 3, 3]);
      expect([deadLetters.config['retention.ms'], deadLetters.config['cleanup.policy']]).toEqual(['1209600000', 'delete']);
      expect(payments.deadLetterTopic?.topicName).toBe('payments.authorized.dlq');
      expect(flavour.kept(assembly).filter(([, kept]) => !kept)).toEqual([]);
    });

    test('lets the producer write and the consumer read and write dead letters, and neither anything else', () => {
      expect(flavour.accessOf(assembly, gateway)).toEqual({ ...produce, 'topic payments.authorized': write });
      expect(flavour.accessOf(assembly, fraudJob)).toEqual({
        ...produce,
        'topic payments.authorized': read,
        'group fraud-features': group,
        'topic payments.authorized.dlq': write,
      });
    });

    test('lets a transactional client have its ids and groups, and those that begin alike', () => {
      expect(flavour.accessOf(assembly, streams)).toEqual({
        ...produce,
        'topic payments.authorized': [...new Set([...read, ...write])].sort(),
        'topic payments.authorized.dlq': write,
        'transactional-id enricher-*': transact,
        'transactional-id enricher': transact,
        'group enricher*': group,
      });
    });

    test('lets a client read all topics whose names begin alike', () => {
      expect(flavour.accessOf(assembly, auditor)).toEqual({ ...connect, 'topic payments.*': read, 'group audit': group });
      expect(cluster.topicPrefix('payments.').prefix).toBe('payments.');
    });

    test('stands in the catalogue: topics with their schema, and who reads and writes what', () => {
      const { topics, accesses } = StreamCatalog.of(world.app);
      expect(
        topics.map(({ topicName, schema, compatibility, deadLetterTopicName }) => [
          topicName,
          schema?.format,
          compatibility,
          deadLetterTopicName,
        ]),
      ).toEqual([
        ['payments.authorized.dlq', undefined, undefined, undefined],
        ['payments.authorized', SchemaFormat.AVRO, Compatibility.BACKWARD, 'payments.authorized.dlq'],
      ]);
      const of = (client: unknown) =>
        accesses.filter((access) => access.client === client).map(({ action, topicName }) => `${action} ${topicName}`);
      expect([of(gateway), of(fraudJob), of(auditor)]).toEqual([
        ['send payments.authorized'],
        ['receive payments.authorized', 'send payments.authorized.dlq'],
        ['receive payments.'],
      ]);
      expect(accesses.filter(({ client }) => client === streams)).toHaveLength(4);
      expect(accesses.find(({ client }) => client === auditor)).toMatchObject({
        isPrefix: true,
        groupId: 'audit',
        clusterName: cluster.clusterName,
      });
    });

    test('that is made twice in the same way grants nothing more', () => {
      const grantTwice = (times: number) => {
        const other = flavour.begin();
        const kafka = other.cluster('Kafka', { sizing: flavour.size(3, 100) });
        const topic = kafka.addTopic('Topic', { topicName: 'a', deadLetter: true });
        const client = other.client('Client', kafka);
        for (let i = 0; i < times; i += 1) {
          topic.grants.produce(client, { transactionalId: 't' });
          topic.grants.consume(client, { groupId: 'g' });
        }
        const written = other.synth();
        const policies = written.stacks.flatMap((stack) => stack.resources).filter(({ type }) => type === 'AWS::IAM::Policy');
        return [
          policies.map(({ properties }) => properties),
          flavour.accessOf(written, client),
          StreamCatalog.of(other.app).accesses.length,
        ];
      };
      expect(grantTwice(2)).toEqual(grantTwice(1));
    });
  });

  describe('a dead-letter topic', () => {
    const deadLetters = (options: Partial<TopicOptions>) => {
      const world = flavour.begin();
      world.cluster('Kafka', { sizing: flavour.size(6, 500) }).addTopic('Topic', { topicName: 'a', deadLetter: true, ...options });
      return flavour.topics(world.synth()).find(({ name }) => name === 'a.dlq')!;
    };

    test('has no more partitions than its topic, and keeps records no shorter', () => {
      expect(deadLetters({ partitions: 2 }).partitions).toBe(2);
      expect(deadLetters({ partitions: 48 }).partitions).toBe(3);
      expect(deadLetters({ retention: Duration.days(30) }).config['retention.ms']).toBe('2592000000');
      expect(deadLetters({ config: { unlimitedRetention: true } }).config['retention.ms']).toBe('-1');
    });

    test('takes what its topic takes, in as many copies, and deletes even where the topic is compacted', () => {
      const { replicas, config } = deadLetters({
        replicationFactor: 2,
        cleanupPolicy: CleanupPolicy.COMPACT,
        config: { maxMessageBytes: Size.mebibytes(4), preallocate: true },
      });
      expect(replicas).toBe(2);
      expect(config).toEqual({
        'cleanup.policy': 'delete',
        'max.message.bytes': '4194304',
        'min.insync.replicas': '1',
        'retention.ms': '1209600000',
      });
    });

    test('is none unless it is asked for', () => {
      const cluster = flavour.begin().cluster('Kafka', { sizing: flavour.size(3, 500) });
      expect(cluster.addTopic('One', { topicName: 'one', deadLetter: false }).deadLetterTopic).toBeUndefined();
      expect(cluster.addTopic('Two', { topicName: 'two' }).deadLetterTopic).toBeUndefined();
    });

    test('can be read again by a grant of its own', () => {
      const world = flavour.begin();
      const cluster = world.cluster('Kafka', { sizing: flavour.size(3, 500) });
      const client = world.client('Client', cluster);
      cluster.addTopic('Topic', { topicName: 'a', deadLetter: true }).deadLetterTopic!.grants.consume(client, { groupId: 'replay' });
      expect(Object.keys(flavour.accessOf(world.synth(), client)).filter((resource) => resource !== 'cluster')).toEqual(
        flavour === AWS ? ['topic a.dlq', 'group replay'] : ['group replay', 'topic a.dlq'],
      );
    });
  });

  test('the same options give the same topic', () => {
    const world = flavour.begin();
    const options: Required<Omit<TopicOptions, 'demand' | 'schema' | 'keySchema' | 'compatibility' | 'deadLetter'>> = {
      topicName: 'ledger',
      partitions: 12,
      replicationFactor: 2,
      retention: Duration.hours(36),
      cleanupPolicy: CleanupPolicy.COMPACT_DELETE,
      config: { maxMessageBytes: Size.bytes(2_000_000) },
      removalPolicy: RemovalPolicy.RETAIN,
    };
    world
      .cluster('Kafka', { clusterName: 'ledger', sizing: flavour.size(3, 500), removalPolicy: RemovalPolicy.RETAIN })
      .addTopic('Ledger', options);
    expect(flavour.topics(world.synth())).toEqual([
      {
        name: 'ledger',
        partitions: 12,
        replicas: 2,
        config: {
          'cleanup.policy': 'compact,delete',
          'max.message.bytes': '2000000',
          'min.insync.replicas': '1',
          'retention.ms': '129600000',
          // A quarter of 36 hours.
          'segment.ms': '32400000',
        },
      },
    ]);
  });

  test('topics and grants on an imported cluster name what exists', () => {
    const world = flavour.begin();
    const cluster = world.importedCluster('Kafka');
    const client = world.client('Client', cluster);
    expect(cluster.clusterName).toBe('old');
    room.Topic.fromTopicAttributes(world.scope, 'Old', { cluster, topicName: 'old.topic' }).grants.produce(client);
    new room.Topic(world.scope, 'New', { cluster, topicName: 'new.topic' }).grants.consume(client, { groupId: 'g' });
    const assembly = world.synth();
    expect(flavour.topics(assembly).map(({ name }) => name)).toEqual(['new.topic']);
    expect(
      Object.keys(flavour.accessOf(assembly, client))
        .filter((resource) => resource !== 'cluster')
        .sort(),
    ).toEqual(['group g', 'topic new.topic', 'topic old.topic']);
  });

  describe('refused at construction', () => {
    const sizing = flavour.size(3, 100);
    const cluster = (options: object) => codeOf(() => flavour.begin().cluster('Kafka', options));
    const topic = (options: Partial<TopicOptions>) =>
      codeOf(() =>
        flavour
          .begin()
          .cluster('Kafka', { sizing })
          .addTopic('Topic', { topicName: 'a', ...options }),
      );

    test.each([
      ['neither demand nor sizing', {}, 'Millrace.KafkaClusterSizeMissing'],
      ['both demand and sizing', { demand: DEMAND, sizing }, 'Millrace.KafkaClusterSizeMissing'],
      ['a name that begins with a dash', { sizing, clusterName: '-kafka' }, 'Millrace.KafkaClusterNameInvalid'],
      ['a name with a space', { sizing, clusterName: 'my kafka' }, 'Millrace.KafkaClusterNameInvalid'],
      ['a name of 65 characters', { sizing, clusterName: 'k'.repeat(65) }, 'Millrace.KafkaClusterNameInvalid'],
      ['an empty name', { sizing, clusterName: '' }, 'Millrace.KafkaClusterNameInvalid'],
      ['a demand of nothing', { demand: { ...DEMAND, peakIngress: Bitrate.mbps(0) } }, 'Millrace.KafkaDemandInvalid'],
      ['a demand beyond any cluster', { demand: { ...DEMAND, partitions: 10_000_000 } }, 'Millrace.KafkaDemandDoesNotFit'],
    ])('fails for a cluster with %s', (_what, options, code) => expect(cluster(options)).toBe(code));

    test.each<[string, Partial<TopicOptions>, string]>([
      ['a name with a space', { topicName: 'a b' }, 'Millrace.KafkaTopicNameInvalid'],
      ['no partitions', { partitions: 0 }, 'Millrace.KafkaTopicPartitionsInvalid'],
      ['more copies than brokers', { replicationFactor: 4 }, 'Millrace.KafkaTopicReplicationInvalid'],
      ['a setting that Kafka does not know', { config: { nonsense: '1' } as never }, 'Millrace.KafkaTopicConfigUnknown'],
      ['a setting that is no time', { config: { segmentMs: Duration.millis(0.5) } }, 'Millrace.KafkaTopicConfigInvalid'],
      ['an unclean election', { config: { uncleanLeaderElectionEnable: true } }, 'Millrace.KafkaTopicUncleanElection'],
      ['as many in-sync replicas as copies', { config: { minInsyncReplicas: 3 } }, 'Millrace.KafkaTopicMinInsyncInvalid'],
      ['no retention', { retention: Duration.days(0) }, 'Millrace.KafkaTopicRetentionInvalid'],
      [
        'a changelog that deletes',
        { topicName: 'store-changelog', cleanupPolicy: CleanupPolicy.COMPACT_DELETE },
        'Millrace.KafkaChangelogDeletes',
      ],
      ['a changelog without a policy', { topicName: 'store-changelog' }, 'Millrace.KafkaChangelogDeletes'],
      [
        'a segment open longer than the retention',
        { retention: Duration.hours(1), config: { segmentMs: Duration.hours(2) } },
        'Millrace.KafkaTopicRetentionBelowSegment',
      ],
      [
        'tiered storage of two days',
        { retention: Duration.days(2), config: { remoteStorageEnable: true } },
        'Millrace.KafkaTopicTieredInvalid',
      ],
      ['a compatibility of nothing', { compatibility: Compatibility.FULL }, 'Millrace.KafkaCompatibilityWithoutSchema'],
      ['a demand of no messages', { demand: { messagesPerSecond: 0, messageSize: Size.kibibytes(1) } }, 'Millrace.KafkaTopicDemandInvalid'],
      ['a demand of no bytes', { demand: { messagesPerSecond: 1, messageSize: Size.bytes(0) } }, 'Millrace.KafkaTopicDemandInvalid'],
      ['a name that leaves no room for dead letters', { topicName: 'x'.repeat(246), deadLetter: true }, 'Millrace.KafkaTopicNameInvalid'],
      ['two retentions', { retention: Duration.days(1), config: { unlimitedRetention: true } }, 'Millrace.KafkaTopicRetentionTwice'],
    ])('fails for a topic with %s', (_what, options, code) => expect(topic(options)).toBe(code));

    test('fails for an imported topic whose name would open every topic', () => {
      const world = flavour.begin();
      const attributes = { cluster: world.importedCluster('Kafka'), topicName: '*' };
      expect(codeOf(() => room.Topic.fromTopicAttributes(world.scope, 'Topic', attributes as never))).toBe(
        'Millrace.KafkaTopicNameInvalid',
      );
    });

    const granted = (work: (grants: GrantsContract, client: unknown) => void) => {
      const world = flavour.begin();
      const kafka = world.cluster('Kafka', { sizing });
      const { grants } = kafka.addTopic('Topic', { topicName: 'a' });
      return codeOf(() => work(grants, world.client('Client', kafka)));
    };

    test.each<[string, ConsumeOptions, string]>([
      ['a group that is a wildcard', { groupId: '*' }, 'Millrace.KafkaGroupInvalid'],
      ['no group', {}, 'Millrace.KafkaGroupInvalid'],
      ['an empty prefix of groups', { groupPrefix: '' }, 'Millrace.KafkaGroupInvalid'],
      ['a prefix of groups that is a wildcard', { groupPrefix: 'a*' }, 'Millrace.KafkaGroupInvalid'],
      ['a group and a prefix', { groupId: 'a', groupPrefix: 'a' }, 'Millrace.KafkaGroupInvalid'],
      [
        'a demand of nothing',
        { groupId: 'a', demand: { messagesPerSecond: NaN, messageSize: Size.bytes(1) } },
        'Millrace.KafkaClientDemandInvalid',
      ],
    ])('fails for a consumer with %s', (_what, options, code) => {
      expect(granted((grants, client) => grants.consume(client, options))).toBe(code);
    });

    test.each<[string, ProduceOptions, string]>([
      ['a transactional id that is a wildcard', { transactionalId: '*' }, 'Millrace.KafkaTransactionalIdInvalid'],
      ['an empty prefix of transactional ids', { transactionalIdPrefix: '' }, 'Millrace.KafkaTransactionalIdInvalid'],
      ['an id and a prefix', { transactionalId: 'a', transactionalIdPrefix: 'a' }, 'Millrace.KafkaTransactionalIdInvalid'],
      ['a demand of nothing', { demand: { messagesPerSecond: 1, messageSize: Size.bytes(0) } }, 'Millrace.KafkaClientDemandInvalid'],
    ])('fails for a producer with %s', (_what, options, code) => {
      expect(granted((grants, client) => grants.produce(client, options))).toBe(code);
    });

    test.each(['', '*', 'payments.*', 'pay ments', undefined as never])(
      'fails for the prefix %p, also of an imported cluster',
      (prefix) => {
        expect(codeOf(() => flavour.begin().cluster('Kafka', { sizing }).topicPrefix(prefix))).toBe('Millrace.KafkaPrefixInvalid');
        expect(codeOf(() => new room.TopicPrefix(flavour.begin().importedCluster('Kafka'), prefix))).toBe('Millrace.KafkaPrefixInvalid');
      },
    );

    test.each(['latest', '', '4', 'v4.3.1'])("fails for the Kafka version '%s'", (version) => {
      expect(codeOf(() => room.KafkaVersion.of(version))).toBe('Millrace.KafkaVersionInvalid');
    });
  });

  describe('refused at synthesis', () => {
    test('fails outside of any cost allocation', () => {
      const world = flavour.begin({ owned: false });
      world.cluster('Kafka', { demand: DEMAND });
      expect(codesIn(() => world.synth())).toEqual(['Millrace.CostAllocationMissing']);
    });

    test('fails for an unowned topic on an imported cluster', () => {
      const world = flavour.begin({ owned: false });
      new room.Topic(world.scope, 'Topic', { cluster: world.importedCluster('Kafka'), topicName: 'a' });
      expect(codesIn(() => world.synth())).toEqual(['Millrace.CostAllocationMissing']);
    });

    test("fails for two topics whose names differ only in '.' and '_', on an imported cluster too", () => {
      for (const make of ['made', 'imported']) {
        const world = flavour.begin();
        const cluster = make === 'made' ? world.cluster('Kafka', { demand: DEMAND }) : world.importedCluster('Kafka');
        new room.Topic(world.scope, 'One', { cluster, topicName: 'pay.in' } as never);
        new room.Topic(world.scope, 'Two', { cluster, topicName: 'pay_in' } as never);
        expect(codesIn(() => world.synth())).toEqual(['Millrace.KafkaTopicNameCollision']);
      }
    });

    test('fails for topics with more replicas than the cluster should hold: 3 brokers of 1,000', () => {
      const fits = (partitions: number) => {
        const world = flavour.begin();
        const cluster = world.cluster('Kafka', { sizing: flavour.size(3, 100) });
        cluster.addTopic('One', { topicName: 'one', partitions: 600 });
        cluster.addTopic('Two', { topicName: 'two', partitions });
        return codesIn(() => world.synth());
      };
      expect([fits(400), fits(401)]).toEqual([[], ['Millrace.KafkaTopicsDoNotFit']]);
    });
  });

  describe('data', () => {
    const synth = (removalPolicy?: RemovalPolicy, context?: Record<string, unknown>): Assembly => {
      const world = flavour.begin({ context });
      world.cluster('Kafka', { sizing: flavour.size(3, 100), removalPolicy }).addTopic('Topic', { topicName: 'a', removalPolicy });
      return world.synth();
    };
    const outcome = (assembly: Assembly) => [new Set(flavour.kept(assembly).map(([, kept]) => kept)), new Set(flavour.warnings(assembly))];
    const KEPT = new Set([true]);

    test('is looked for in everything that holds some', () => {
      const kinds = flavour === AWS ? ['AWS::MSK::Cluster', 'AWS::MSK::Topic'] : ['Kafka', 'KafkaNodePool', 'KafkaNodePool', 'KafkaTopic'];
      expect(
        flavour
          .kept(synth())
          .map(([kind]) => kind)
          .sort(),
      ).toEqual(kinds);
    });

    test('is kept by default', () => expect(outcome(synth())).toEqual([KEPT, new Set()]));

    test('is kept, with a warning, when only the construct says DESTROY', () => {
      expect(outcome(synth(RemovalPolicy.DESTROY))).toEqual([KEPT, new Set(['Millrace.DestroyNeedsTwoKeys'])]);
      expect(outcome(synth(RemovalPolicy.DESTROY, { 'millrace:destroyData': 'yes' }))[0]).toEqual(KEPT);
    });

    test('is kept when only the context says so', () => expect(outcome(synth(undefined, DESTROY_DATA))).toEqual([KEPT, new Set()]));

    test('is destroyed with both keys', () => {
      expect(outcome(synth(RemovalPolicy.DESTROY, DESTROY_DATA))).toEqual([new Set([false]), new Set()]);
    });
  });

  test('two syntheses of the same input are the same bytes', () => {
    const write = () => {
      const world = flavour.begin();
      const cluster = world.cluster('Kafka', { demand: DEMAND });
      const topic = cluster.addTopic('Topic', {
        topicName: 'a',
        config: { maxMessageBytes: Size.bytes(2) },
        deadLetter: true,
      });
      topic.grants.consume(world.client('Client', cluster), { groupId: 'g' });
      const dir = world.write();
      return Object.fromEntries(
        fs
          .readdirSync(dir, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => [
            path.relative(dir, path.join(entry.parentPath, entry.name)),
            fs.readFileSync(path.join(entry.parentPath, entry.name), 'utf8'),
          ]),
      );
    };
    const [first, second] = [1, 2].map(write);
    expect(second).toEqual(first);
  });
});
