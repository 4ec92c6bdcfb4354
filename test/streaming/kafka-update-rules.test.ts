import { Assembly, type SynthesizedObject, type SynthesizedResource } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { KafkaUpdateRules } from '../../lib/streaming/kafka-update-rules';

const resource = (type: string, properties: object, logicalId = 'It'): SynthesizedResource => ({
  logicalId,
  type,
  properties,
  metadata: {},
  path: `Streaming/${logicalId}`,
});
const template = (...resources: SynthesizedResource[]) =>
  new Assembly({ stacks: [{ id: 'Streaming', templateFile: 'Streaming.template.json', tags: {}, resources }], objects: [] });
const object = (kind: string, spec: object, metadata: object = {}): SynthesizedObject => ({
  id: `${kind}.kafka.strimzi.io/n/x`,
  file: 'x.yaml',
  manifest: { kind, metadata: { name: 'x', ...metadata }, spec },
});
const manifests = (...objects: SynthesizedObject[]) => new Assembly({ stacks: [], objects });

const check = (before: Assembly, after: Assembly) => checkUpdate(before, after, KafkaUpdateRules.all());
const say = (before: Assembly, after: Assembly) => check(before, after).map(({ severity, code }) => `${severity} ${code}`);

describe('what MSK changes one at a time', () => {
  const cluster = (properties: object) => template(resource('AWS::MSK::Cluster', properties));
  const GROUPS: [group: string, change: object][] = [
    ['broker type', { BrokerNodeGroupInfo: { InstanceType: 'kafka.m7g.xlarge' } }],
    ['storage', { BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize: 2000 } } } }],
    ['storage', { StorageMode: 'TIERED' }],
    ['broker count', { NumberOfBrokerNodes: 6 }],
    ['version and configuration', { KafkaVersion: '4.2.x.kraft' }],
    ['version and configuration', { ConfigurationInfo: { Arn: 'arn', Revision: 2 } }],
    ['client authentication and encryption', { ClientAuthentication: { Sasl: {} } }],
    ['client authentication and encryption', { EncryptionInfo: { EncryptionInTransit: {} } }],
    ['monitoring and logging', { EnhancedMonitoring: 'DEFAULT' }],
    ['monitoring and logging', { OpenMonitoring: {} }],
    ['monitoring and logging', { LoggingInfo: {} }],
    ['connectivity', { BrokerNodeGroupInfo: { ConnectivityInfo: {} } }],
    ['rebalancing', { Rebalancing: { Status: 'PAUSED' } }],
  ];

  test.each(GROUPS)('%s alone passes: %j', (_group, change) => expect(say(cluster({}), cluster(change))).toEqual([]));

  test.each(GROUPS)('%s fails beside a change of tags only when something else of the cluster changes: %j', (group, change) => {
    expect(say(cluster({}), cluster({ ...change, Tags: { team: 'x' } }))).toEqual([]);
    const other = group === 'rebalancing' ? { NumberOfBrokerNodes: 6 } : { Rebalancing: { Status: 'ACTIVE' } };
    const [finding] = check(cluster({}), cluster({ ...change, ...other }));
    expect(finding).toMatchObject({
      code: 'Millrace.KafkaClusterTwoChanges',
      severity: 'error',
      path: 'Streaming/It',
      logicalId: 'It',
      templateFile: 'Streaming.template.json',
    });
    expect(finding.message).toContain(group);
  });

  test('two changes of one group pass, which one call of MSK makes', () => {
    expect(say(cluster({}), cluster({ KafkaVersion: '4.2.x.kraft', ConfigurationInfo: { Revision: 2 } }))).toEqual([]);
  });

  test('other settings in the configuration count, although the cluster names only its latest revision', () => {
    const both = (ServerProperties: string, brokers: number) =>
      template(
        resource('AWS::MSK::Configuration', { ServerProperties }, 'Settings'),
        resource('AWS::MSK::Cluster', {
          NumberOfBrokerNodes: brokers,
          ConfigurationInfo: {
            Arn: { 'Fn::GetAtt': ['Settings', 'Arn'] },
            Revision: { 'Fn::GetAtt': ['Settings', 'LatestRevision.Revision'] },
          },
        }),
      );
    expect(say(both('a=1\n', 3), both('a=2\n', 3))).toEqual([]);
    expect(say(both('a=1\n', 3), both('a=2\n', 6))).toEqual(['error Millrace.KafkaClusterTwoChanges']);
  });
});

describe('storage', () => {
  const ebs = (VolumeSize: unknown) =>
    template(resource('AWS::MSK::Cluster', { BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize } } } }));
  const pool = (...sizes: string[]) => manifests(object('KafkaNodePool', { storage: { volumes: sizes.map((size) => ({ size })) } }));

  test('only grows', () => {
    expect([say(ebs(100), ebs(101)), say(ebs(100), ebs(100)), say(pool('100Gi'), pool('200Gi'))]).toEqual([[], [], []]);
    expect(say(ebs(100), ebs(99))).toEqual(['error Millrace.KafkaStorageDecrease']);
    expect(say(pool('100Gi'), pool('99Gi'))).toEqual(['error Millrace.KafkaStorageDecrease']);
  });

  test('shrinks with any volume of a pool', () => {
    expect(say(pool('100Gi', '100Gi'), pool('200Gi', '50Gi'))).toEqual(['error Millrace.KafkaStorageDecrease']);
  });

  test('has nothing to compare on Express', () => {
    expect(say(template(resource('AWS::MSK::Cluster', {})), template(resource('AWS::MSK::Cluster', {})))).toEqual([]);
  });
});

describe('partitions', () => {
  const topic = (PartitionCount: unknown) => template(resource('AWS::MSK::Topic', { PartitionCount }));

  test('shrink with a finding that names both numbers', () => {
    const [finding] = check(topic(12), topic(6));
    expect(finding.message).toBe('partitions shrink from 12 to 6; Kafka can only add partitions, so the deploy fails');
    expect(finding).toMatchObject({ path: 'Streaming/It', logicalId: 'It', templateFile: 'Streaming.template.json' });
  });

  test('known only at deploy time are not compared', () => expect(say(topic({ Ref: 'N' }), topic(1))).toEqual([]));

  test('of a topic that is new are not compared', () => expect(say(template(), topic(1))).toEqual([]));
});

describe('a Strimzi resource that leaves', () => {
  test.each(['Kafka', 'KafkaNodePool', 'KafkaTopic'])('%s fails when a pruning deployer deletes it, and warns when it keeps it', (kind) => {
    expect(say(manifests(object(kind, {})), manifests())).toEqual(['error Millrace.KafkaRemoval']);
    const kept = object(kind, {}, { annotations: { 'helm.sh/resource-policy': 'keep' } });
    expect(say(manifests(kept), manifests())).toEqual(['warning Millrace.KafkaRemoval']);
  });

  test('without data passes', () => expect(say(manifests(object('KafkaUser', {})), manifests())).toEqual([]));
});

test.each(['topicName', 'replicas'])('a KafkaTopic whose %s changes fails, in whatever other field nothing happens', (field) => {
  const topic = (spec: object) => manifests(object('KafkaTopic', { partitions: 6, ...spec }));
  expect(say(topic({ [field]: 1 }), topic({ [field]: 2 }))).toEqual(['error Millrace.KafkaTopicIdentityChange']);
  expect(say(topic({ config: { a: 1 } }), topic({ config: { a: 2 } }))).toEqual([]);
});
