import * as fs from 'fs';
import * as path from 'path';
import { Bitrate, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Assembly } from '../../lib/core/assembly';
import * as aws from '../../lib/streaming/aws';
import * as k8s from '../../lib/streaming/k8s';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';
import { AWS, type Flavour, KUBERNETES, defaultClass } from './kafka-flavours';
import { codeOf, codesIn } from './refusal';

const DEMAND = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) };
const DESTROY_DATA = { 'millrace:destroyData': true };

const classesOf = (room: object) =>
  Object.entries(room)
    .filter(([, member]) => typeof member === 'function')
    .map(([name]) => name);

test('both flavours have the same classes; Kubernetes has a class for clients, which on AWS are any principal', () => {
  const both = ['ImportedTopic', 'KafkaCluster', 'KafkaVersion', 'ReplicationSource', 'Replicator', 'Topic', 'TopicGrants'];
  expect(classesOf(aws).sort()).toEqual(both);
  expect(classesOf(k8s).sort()).toEqual([...both, 'KafkaUser', 'SourceAuthentication'].sort());
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
      for (const name of ['addTopic', 'bootstrapServers', 'clusterName', 'sizing']) expect(name in cluster).toBe(true);
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

  test('the same options give the same topic', () => {
    const world = flavour.begin();
    const options: Required<TopicOptions> = {
      topicName: 'ledger',
      partitions: 12,
      replicationFactor: 2,
      retention: Duration.hours(36),
      cleanupPolicy: CleanupPolicy.COMPACT_DELETE,
      config: { 'max.message.bytes': '2000000' },
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
      ['a setting that Kafka does not know', { config: { nonsense: '1' } }, 'Millrace.KafkaTopicConfigUnknown'],
      ['a setting of two lines', { config: { 'segment.ms': '1\n2' } }, 'Millrace.KafkaTopicConfigInvalid'],
      ['an unclean election', { config: { 'unclean.leader.election.enable': 'true' } }, 'Millrace.KafkaTopicUncleanElection'],
      ['as many in-sync replicas as copies', { config: { 'min.insync.replicas': '3' } }, 'Millrace.KafkaTopicMinInsyncInvalid'],
      ['no retention', { retention: Duration.days(0) }, 'Millrace.KafkaTopicRetentionInvalid'],
      ['two retentions', { retention: Duration.days(1), config: { 'retention.ms': '1' } }, 'Millrace.KafkaTopicRetentionTwice'],
    ])('fails for a topic with %s', (_what, options, code) => expect(topic(options)).toBe(code));

    test('fails for an imported topic whose name would open every topic', () => {
      const world = flavour.begin();
      const attributes = { cluster: world.importedCluster('Kafka'), topicName: '*' };
      expect(codeOf(() => room.Topic.fromTopicAttributes(world.scope, 'Topic', attributes as never))).toBe(
        'Millrace.KafkaTopicNameInvalid',
      );
    });

    test('fails for a group that is a wildcard', () => {
      const world = flavour.begin();
      const kafka = world.cluster('Kafka', { sizing });
      const { grants } = kafka.addTopic('Topic', { topicName: 'a' });
      expect(codeOf(() => grants.consume(world.client('Client', kafka), { groupId: '*' }))).toBe('Millrace.KafkaGroupInvalid');
    });

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
      const topic = cluster.addTopic('Topic', { topicName: 'a', config: { 'segment.ms': '1', 'max.message.bytes': '2' } });
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
