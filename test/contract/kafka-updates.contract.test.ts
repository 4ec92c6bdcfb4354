import { RemovalPolicy, Size } from 'aws-cdk-lib';
import type { Assembly } from '../../lib/core/assembly';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import type { TopicOptions } from '../../lib/streaming/topic';
import { AWS, type Flavour, KUBERNETES } from './kafka-flavours';

const DESTROY_DATA = { 'millrace:destroyData': true };

describe.each([AWS, KUBERNETES])('an update of Kafka on $name', (flavour: Flavour) => {
  interface Variant extends Partial<TopicOptions> {
    readonly size?: [brokers: number, gib: number];
    readonly brokerType?: string;
    readonly topics?: boolean;
    readonly destroy?: boolean;
  }
  const rules = () => {
    const world = flavour.begin();
    world.cluster('Kafka', { sizing: flavour.size(3, 1000) });
    return [...StatefulUpdateRules.all(), ...registeredUpdateRules(world.app)];
  };
  const synth = ({ size = [3, 1000], brokerType, topics = true, destroy, ...topic }: Variant): Assembly => {
    const world = flavour.begin({ context: destroy ? DESTROY_DATA : undefined });
    const removalPolicy = destroy ? RemovalPolicy.DESTROY : undefined;
    const sizing = brokerType
      ? KafkaSizing.fixed({ brokerType: BrokerType.of(brokerType), brokers: size[0], storagePerBroker: Size.gibibytes(size[1]) })
      : flavour.size(...size);
    const cluster = world.cluster('Kafka', { clusterName: 'kafka', sizing, removalPolicy });
    if (topics) cluster.addTopic('Topic', { topicName: 'a', partitions: 12, removalPolicy, ...topic });
    return world.synth();
  };
  const findings = (before: Variant, after: Variant) =>
    checkUpdate(synth(before), synth(after), rules()).map(({ severity, code }) => `${severity} ${code}`);
  const onAws = flavour === AWS;

  test('that changes nothing has no finding', () => expect(findings({}, {})).toEqual([]));

  test('that adds partitions, storage or brokers one at a time has no finding', () => {
    expect([findings({}, { partitions: 24 }), findings({}, { size: [3, 2000] }), findings({}, { size: [6, 1000] })]).toEqual([[], [], []]);
  });

  test('fails when partitions shrink', () => {
    expect(findings({}, { partitions: 11 })).toEqual(['error Millrace.KafkaTopicPartitionsDecrease']);
  });

  test('fails when the name or the replication factor of a topic changes', () => {
    const identity = onAws ? ['error Millrace.StatefulReplacement'] : ['error Millrace.KafkaTopicIdentityChange'];
    expect(findings({}, { topicName: 'b' })).toEqual(identity);
    expect(findings({ config: { minInsyncReplicas: 1 } }, { replicationFactor: 2 })).toEqual(identity);
  });

  test('fails when storage shrinks', () => {
    expect([...new Set(findings({}, { size: [3, 999] }))]).toEqual(['error Millrace.KafkaStorageDecrease']);
  });

  test('warns when a kept topic leaves, and fails when its data goes with it', () => {
    const code = onAws ? 'Millrace.StatefulRemoval' : 'Millrace.KafkaRemoval';
    expect(findings({}, { topics: false })).toEqual([`warning ${code}`]);
    expect(findings({ destroy: true }, { destroy: true, topics: false })).toEqual([`error ${code}`]);
  });

  test('of two things at once fails on MSK, which takes one change of a cluster at a time', () => {
    const expected = onAws ? ['error Millrace.KafkaClusterTwoChanges'] : [];
    const prefix = onAws ? 'kafka.' : '';
    expect(findings({}, { size: [6, 2000] })).toEqual(expected);
    expect(findings({ brokerType: `${prefix}m7g.2xlarge` }, { brokerType: `${prefix}m7g.4xlarge`, size: [6, 1000] })).toEqual(expected);
  });

  test('of the broker type alone has no finding, at whatever size', () => {
    const prefix = onAws ? 'kafka.' : '';
    expect(findings({ brokerType: `${prefix}m7g.large` }, { brokerType: `${prefix}m7g.2xlarge` })).toEqual([]);
    expect(findings({ brokerType: `${prefix}m7g.2xlarge` }, { brokerType: `${prefix}m7g.4xlarge` })).toEqual([]);
  });

  test('fails when brokers leave', () => {
    expect(findings({ size: [6, 1000] }, { size: [3, 1000] })).toEqual(['error Millrace.KafkaBrokersDecrease']);
  });
});
