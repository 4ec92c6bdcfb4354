import { Assembly, type SynthesizedObject } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { KafkaUpdateRules } from '../../lib/streaming/kafka-update-rules';

const object = (kind: string, spec: object, apiVersion = 'platform.confluent.io/v1beta1'): SynthesizedObject => ({
  id: `${kind}.platform.confluent.io/n/x`,
  file: 'x.yaml',
  manifest: { apiVersion, kind, metadata: { name: 'x', annotations: { 'helm.sh/resource-policy': 'keep' } }, spec },
});
const assembly = (...objects: SynthesizedObject[]) => new Assembly({ stacks: [], objects });
const findings = (kind: string, before: object, after: object) =>
  checkUpdate(assembly(object(kind, before)), assembly(object(kind, after)), KafkaUpdateRules.all()).map(
    ({ severity, code }) => `${severity} ${code}`,
  );

const TOPIC = { name: 'a', partitionCount: 12, replicas: 3, configs: {} };
const CLUSTER = {
  replicas: 6,
  dataVolumeCapacity: '500Gi',
  storageClass: { name: 'gp3' },
  authorization: { type: 'rbac' },
  configOverrides: { server: ['unclean.leader.election.enable=false'] },
};

test.each([
  ['KafkaTopic', TOPIC, [{}, { partitionCount: 24 }, { configs: { 'retention.ms': '1' } }]],
  ['Kafka', CLUSTER, [{}, { replicas: 9 }, { dataVolumeCapacity: '1Ti' }, { image: {} }]],
  ['KRaftController', CLUSTER, [{}, { dataVolumeCapacity: '1Ti' }]],
  ['SchemaRegistry', { replicas: 3 }, [{ replicas: 1 }]],
])('a %s takes what its operator can do', (kind, spec, changes) => {
  expect(changes.flatMap((change) => findings(kind, spec, { ...spec, ...change }))).toEqual([]);
});

test.each([
  ['KafkaTopic', TOPIC, { partitionCount: 11 }, 'KafkaTopicPartitionsDecrease'],
  ['KafkaTopic', TOPIC, { name: 'b' }, 'KafkaTopicIdentityChange'],
  ['KafkaTopic', TOPIC, { replicas: 2 }, 'KafkaTopicIdentityChange'],
  ['KafkaTopic', TOPIC, { configs: { 'unclean.leader.election.enable': 'true' } }, 'KafkaUncleanElection'],
  ['Kafka', CLUSTER, { replicas: 3 }, 'KafkaBrokersDecrease'],
  ['Kafka', CLUSTER, { dataVolumeCapacity: '499Gi' }, 'KafkaStorageDecrease'],
  ['Kafka', CLUSTER, { storageClass: undefined }, 'KafkaStorageChange'],
  ['Kafka', CLUSTER, { configOverrides: { server: ['unclean.leader.election.enable = TRUE'] } }, 'KafkaUncleanElection'],
  ['Kafka', CLUSTER, { authorization: { type: 'simple' } }, 'ConfluentAuthorizationChange'],
  ['KRaftController', CLUSTER, { replicas: 3 }, 'KafkaBrokersDecrease'],
  ['KRaftController', CLUSTER, { dataVolumeCapacity: '10Gi' }, 'KafkaStorageDecrease'],
])('a %s of %j fails with %j: %s', (kind, spec, change, code) => {
  expect(findings(kind, spec, { ...spec, ...change })).toEqual([`error Millrace.${code}`]);
});

test('what holds data leaves with a warning while it is kept', () => {
  for (const kind of ['Kafka', 'KRaftController', 'KafkaTopic', 'Schema']) {
    const found = checkUpdate(assembly(object(kind, {})), assembly(), KafkaUpdateRules.all());
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['warning Millrace.KafkaRemoval']);
  }
});
