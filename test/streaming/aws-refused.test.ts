import { App, Bitrate, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { CfnTopic } from 'aws-cdk-lib/aws-msk';
import { KafkaCluster, KafkaVersion, Topic } from '../../lib/streaming/aws';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { threeZones } from '../contract/kafka-flavours';
import type { TopicOptions } from '../../lib/streaming/topic';
import { codeOf, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const DEMAND = { peakIngress: Bitrate.mbps(240), peakEgress: Bitrate.mbps(480), partitions: 120 };
const STANDARD = KafkaSizing.forDemand({ ...DEMAND, averageIngress: Bitrate.mbps(24) }, { brokerClass: BrokerClass.STANDARD });

describe('an MSK cluster', () => {
  const make = (props: object, stack = new Stack(new App(), 'Refused', { env: ENV })) =>
    codeOf(() => new KafkaCluster(stack, 'Kafka', { vpc: threeZones(stack), demand: DEMAND, ...props }));
  const subnets = (...zones: string[]) => {
    const stack = new Stack(new App(), 'Refused', { env: ENV });
    const attributes = (zone: string, index: number) => ({
      subnetId: `subnet-${index}`,
      availabilityZone: zone,
      routeTableId: `rtb-${index}`,
    });
    const selected = zones.map((zone, index) => ec2.Subnet.fromSubnetAttributes(stack, `Subnet${index}`, attributes(zone, index)));
    return make({ vpcSubnets: { subnets: selected } }, stack);
  };

  test('fails unless there is one subnet in each of three zones', () => {
    expect([subnets('a', 'b', 'c'), subnets('a', 'b'), subnets('a', 'b', 'c', 'c'), subnets('a', 'a', 'b')]).toEqual([
      undefined,
      'Millrace.KafkaClusterZonesInvalid',
      'Millrace.KafkaClusterZonesInvalid',
      'Millrace.KafkaClusterZonesInvalid',
    ]);
  });

  test('fails in the two zones that an environment-agnostic stack offers', () => {
    const stack = new Stack(new App(), 'Agnostic');
    expect(make({ vpc: new ec2.Vpc(stack, 'TwoZones') }, stack)).toBe('Millrace.KafkaClusterZonesInvalid');
  });

  test('passes the placeholder of a Vpc whose lookup is still to be made, so that it can be made', () => {
    const stack = new Stack(new App(), 'Lookup', { env: ENV });
    expect(make({ vpc: ec2.Vpc.fromLookup(stack, 'LookedUp', { vpcId: 'vpc-1' }) }, stack)).toBeUndefined();
  });

  test('fails for a version that the brokers do not run', () => {
    expect([KafkaVersion.V4_0, KafkaVersion.V4_1].map((kafkaVersion) => make({ kafkaVersion }))).toEqual([
      'Millrace.KafkaVersionUnsupported',
      'Millrace.KafkaVersionUnsupported',
    ]);
    const supported = [KafkaVersion.V3_8, KafkaVersion.V3_9, KafkaVersion.V4_2, KafkaVersion.of('4.4.x.kraft')];
    expect(supported.map((kafkaVersion) => make({ kafkaVersion }))).toEqual([undefined, undefined, undefined, undefined]);
    expect(make({ demand: undefined, sizing: STANDARD, kafkaVersion: KafkaVersion.V4_0 })).toBeUndefined();
  });

  test.each(['3.9.x', '2.8.2.tiered', '4.2.0', '9', '3.6.x.kraft', '2.8.x.kraft'])(
    "fails for the version '%s', which is no KRaft version of MSK",
    (version) => {
      expect(codeOf(() => KafkaVersion.of(version))).toBe('Millrace.KafkaVersionInvalid');
    },
  );

  test('knows its versions by their names too, and takes later ones on trust', () => {
    const { V3_8, V3_9, V4_0, V4_1, V4_2 } = KafkaVersion;
    for (const version of [V3_8, V3_9, V4_0, V4_1, V4_2]) expect(KafkaVersion.of(version.version)).toBe(version);
    expect(make({ kafkaVersion: KafkaVersion.of('4.0.x.kraft') })).toBe('Millrace.KafkaVersionUnsupported');
    expect(make({ kafkaVersion: KafkaVersion.of('3.7.x.kraft') })).toBe('Millrace.KafkaVersionUnsupported');
    expect(make({ demand: undefined, sizing: STANDARD, kafkaVersion: KafkaVersion.of('3.7.x.kraft') })).toBeUndefined();
    expect(KafkaVersion.of('5.0.x.kraft').brokerClasses).toEqual([BrokerClass.EXPRESS, BrokerClass.STANDARD]);
  });

  test('fails for a size of broker pods', () => {
    const sizing = KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers: 3 });
    expect(make({ demand: undefined, sizing })).toBe('Millrace.KafkaBrokersOnKubernetes');
  });

  test.each(['Kafka_1', 'a.b', 'k'.repeat(65)])("fails for the name '%s'", (clusterName) => {
    expect(make({ clusterName })).toBe('Millrace.KafkaClusterNameInvalid');
  });
});

describe('an imported MSK cluster', () => {
  const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9';
  const topic = (options: Partial<TopicOptions>, brokerClass?: BrokerClass) =>
    refusalOf(() => {
      const stack = new Stack(new App(), 'Imported', { env: ENV });
      const cluster = KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', { clusterArn, brokerClass });
      new Topic(stack, 'Topic', { cluster, topicName: 'a', ...options });
    });

  test('is taken for Express, whose topics have three copies and no in-sync replicas of their own', () => {
    for (const brokerClass of [undefined, BrokerClass.EXPRESS]) {
      expect(topic({}, brokerClass)).toEqual([]);
      expect(topic({ replicationFactor: 2 }, brokerClass)).toEqual(['Millrace.KafkaTopicReplicationInvalid replicationFactor']);
      expect(topic({ config: { minInsyncReplicas: 2 } }, brokerClass)).toEqual([
        'Millrace.KafkaTopicConfigOnExpress config.minInsyncReplicas',
      ]);
    }
    const stack = new Stack(new App(), 'Imported', { env: ENV });
    const cluster = KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', { clusterArn });
    const made = new Topic(stack, 'Topic', { cluster, topicName: 'a' });
    expect(Buffer.from((made.node.defaultChild as CfnTopic).configs!, 'base64').toString()).toBe(
      'cleanup.policy=delete\nretention.ms=604800000\n',
    );
  });

  test('may be one of Standard brokers', () => {
    expect(topic({ replicationFactor: 2, config: { minInsyncReplicas: 1 } }, BrokerClass.STANDARD)).toEqual([]);
  });

  test('fails for brokers on Kubernetes', () => {
    expect(topic({}, BrokerClass.KUBERNETES)).toEqual(['Millrace.KafkaBrokersOnKubernetes brokerClass']);
  });
});
