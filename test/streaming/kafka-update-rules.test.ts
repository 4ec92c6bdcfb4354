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

test('a mirror of MirrorMaker 2 keeps its place when settings change that name no topics', () => {
  const mirror = (config: object) =>
    manifests(object('KafkaMirrorMaker2', { target: { alias: 'b' }, mirrors: [{ sourceConnector: { config } }] }));
  expect(say(mirror({ 'sync.topic.acls.enabled': true }), mirror({ 'sync.topic.acls.enabled': false }))).toEqual([]);
  expect(say(mirror({}), mirror({ 'replication.policy.class': 'IdentityReplicationPolicy' }))).toEqual([
    'error Millrace.ReplicatorPositionLost',
  ]);
});

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

describe('what MSK never does', () => {
  const cluster = (properties: object) => template(resource('AWS::MSK::Cluster', properties));
  const version = (KafkaVersion: unknown) => cluster({ KafkaVersion });
  const typed = (InstanceType: unknown, more: object = {}) => cluster({ BrokerNodeGroupInfo: { InstanceType }, ...more });

  test.each([
    ['4.2.x.kraft', '3.9.x.kraft'],
    ['3.9.x.kraft', '3.8.x.kraft'],
    ['3.10.x.kraft', '3.9.x.kraft'],
    ['3.9.2.kraft', '3.9.1.kraft'],
  ])('is to go back from Kafka %s to %s; forward it goes', (from, to) => {
    expect(say(version(from), version(to))).toEqual(['error Millrace.KafkaVersionDowngrade']);
    expect(say(version(to), version(from))).toEqual([]);
  });

  test('is not asked of versions that are the same but for an open patch, or not known yet', () => {
    expect(say(version('3.9.1.kraft'), version('3.9.x.kraft'))).toEqual([]);
    expect(say(version('3.9.x.kraft'), version({ Ref: 'Version' }))).toEqual([]);
  });

  test('is to take brokers away', () => {
    const [finding, ...rest] = check(cluster({ NumberOfBrokerNodes: 6 }), cluster({ NumberOfBrokerNodes: 3 }));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ code: 'Millrace.KafkaBrokersDecrease', severity: 'error', path: 'Streaming/It', logicalId: 'It' });
  });

  test('is to turn brokers of one class into the other, which takes a new cluster and is no update to be staged', () => {
    const express = typed('express.m7g.large', { Rebalancing: { Status: 'ACTIVE' } });
    for (const [before, after] of [
      [express, typed('kafka.m7g.large')],
      [typed('kafka.m7g.large'), express],
    ]) {
      expect(say(before, after)).toEqual(['error Millrace.KafkaBrokerClassChange']);
      expect(check(before, after)[0].fix).toContain('make a new cluster beside this one and move topics and clients with a replicator');
    }
    expect(say(typed('express.m7g.large'), typed('express.m7g.xlarge'))).toEqual([]);
  });

  test('is two changes at once, for which the fix says how to stage them', () => {
    const [{ fix }] = check(cluster({}), cluster({ NumberOfBrokerNodes: 6, KafkaVersion: '4.2.x.kraft' }));
    expect(fix).toBe(
      'fix the size with KafkaSizing.fixed(…) and change one thing a deploy: broker count, then version and configuration; KafkaSizing.forDemand(demand, { current }) gives the next step of a size',
    );
  });
});

describe('brokers of a node pool', () => {
  const pool = (role: string, replicas: number) => manifests(object('KafkaNodePool', { roles: [role], replicas }));

  test('do not become fewer; controllers hold no topics', () => {
    expect(say(pool('broker', 6), pool('broker', 3))).toEqual(['error Millrace.KafkaBrokersDecrease']);
    expect([say(pool('broker', 3), pool('broker', 6)), say(pool('controller', 5), pool('controller', 3))]).toEqual([[], []]);
  });
});

test('an app knows one rule an id', () => {
  const ids = KafkaUpdateRules.all().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

describe('storage', () => {
  const ebs = (VolumeSize: unknown) =>
    template(resource('AWS::MSK::Cluster', { BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize } } } }));
  const pool = (...volumes: object[]) => manifests(object('KafkaNodePool', { storage: { type: 'jbod', volumes } }));
  const DECREASE = ['error Millrace.KafkaStorageDecrease'];
  const CHANGE = ['error Millrace.KafkaStorageChange'];

  test('of MSK only grows', () => {
    expect([say(ebs(100), ebs(101)), say(ebs(100), ebs(100)), say(ebs(100), ebs({ Ref: 'Size' }))]).toEqual([[], [], []]);
    expect(say(ebs(100), ebs(99))).toEqual(DECREASE);
    expect(check(ebs(100), ebs(99))[0].fix).toContain(
      'KafkaSizing.fixed(…) and keep storagePerBroker at 100 GiB, changing one thing a deploy',
    );
  });

  test.each([
    ['100Gi', '99Gi', DECREASE],
    ['1Ti', '1023Gi', DECREASE],
    ['1Ti', '2000Gi', []],
    ['1T', '1Ti', []],
    ['1Ti', '1T', DECREASE],
    ['100Gi', '100G', DECREASE],
    ['1024Mi', '1Gi', []],
    ['1.5Gi', '1024Mi', DECREASE],
    ['1e12', '1T', []],
    ['2e12', '1T', DECREASE],
    ['2048', '1Ki', DECREASE],
    ['what', '1Gi', []],
  ])('of a node pool may go from %s to %s: %j', (from, to, found) => {
    expect(say(pool({ id: 0, size: from }), pool({ id: 0, size: to }))).toEqual(found);
  });

  test('of a node pool is compared volume by volume, by id', () => {
    const [small, large] = [
      { id: 0, size: '100Gi' },
      { id: 1, size: '500Gi' },
    ];
    expect(say(pool(small, large), pool(large, small))).toEqual([]);
    expect(say(pool(small), pool(small, large))).toEqual([]);
    expect(say(pool(small, large), pool(small, { id: 1, size: '50Gi' }))).toEqual(DECREASE);
    expect(say(pool(small, large), pool(large))).toEqual(DECREASE);
    expect(check(pool(small, large), pool(large))[0].message).toBe('volume 0 of 100Gi leaves, and the replicas on it');
    const single = manifests(object('KafkaNodePool', { storage: { type: 'persistent-claim', size: '200Gi' } }));
    expect([say(pool(small), single), say(single, pool(small)), say(single, manifests(object('KafkaNodePool', {})))]).toEqual([
      [],
      DECREASE,
      DECREASE,
    ]);
  });

  test('of a node pool never becomes ephemeral and keeps its class', () => {
    const claim = { id: 0, size: '1Gi', type: 'persistent-claim' };
    expect(say(pool(claim), pool({ ...claim, type: 'ephemeral' }))).toEqual(CHANGE);
    expect(say(pool({ ...claim, type: 'ephemeral' }), pool(claim))).toEqual([]);
    expect(say(pool({ ...claim, class: 'gp2' }), pool({ ...claim, class: 'gp3' }))).toEqual(CHANGE);
    expect(say(pool(claim), pool({ ...claim, class: 'gp3' }))).toEqual(CHANGE);
  });

  test('of a node pool whose claims are no longer kept is a warning', () => {
    const volume = (deleteClaim?: boolean) => pool({ id: 0, size: '1Gi', deleteClaim });
    expect(say(volume(false), volume(true))).toEqual(['warning Millrace.KafkaClaimDeletion']);
    expect([say(volume(), volume(true)), say(volume(true), volume(true)), say(volume(true), volume(false))]).toEqual([
      ['warning Millrace.KafkaClaimDeletion'],
      [],
      [],
    ]);
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
