import { App, Bitrate, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { KafkaCluster, KafkaVersion } from '../../lib/streaming/aws';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf } from '../contract/refusal';

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

  test.each(['3.9.x', '2.8.2.tiered', '4.2.0', '9'])("fails for the version '%s', which is no KRaft version of MSK", (version) => {
    expect(codeOf(() => KafkaVersion.of(version))).toBe('Millrace.KafkaVersionInvalid');
  });

  test('fails for a size of broker pods', () => {
    const sizing = KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers: 3 });
    expect(make({ demand: undefined, sizing })).toBe('Millrace.KafkaBrokersOnKubernetes');
  });

  test.each(['Kafka_1', 'a.b', 'k'.repeat(65)])("fails for the name '%s'", (clusterName) => {
    expect(make({ clusterName })).toBe('Millrace.KafkaClusterNameInvalid');
  });
});
