import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { TagUpdateRules } from '../../lib/cost/tag-update-rules';
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
const cluster = (properties: object, ...more: SynthesizedResource[]) => template(resource('AWS::MSK::Cluster', properties), ...more);
const NOTHING = new Assembly({ stacks: [], objects: [] });

const check = (before: Assembly, after: Assembly) => checkUpdate(before, after, KafkaUpdateRules.all());
const say = (before: Assembly, after: Assembly) => check(before, after).map(({ severity, code }) => `${severity} ${code}`);

const offering = (scheme: string) => {
  const method = { Enabled: true };
  const ClientAuthentication = scheme === 'Tls' ? { Tls: method } : { Sasl: { [scheme]: method } };
  return { BrokerNodeGroupInfo: { ConnectivityInfo: { VpcConnectivity: { ClientAuthentication } } } };
};

describe('connections to other VPCs', () => {
  test.each(['Iam', 'Scram', 'Tls'])('with %s fail while a cluster is made, and pass as its only change later', (scheme) => {
    const finding = ['error Millrace.KafkaConnectivityAtCreation'];
    expect(say(NOTHING, cluster(offering(scheme)))).toEqual(finding);
    expect(say(template(resource('AWS::MSK::Cluster', {}, 'Other')), cluster(offering(scheme)))).toEqual(finding);
    expect(say(cluster({}), cluster(offering(scheme)))).toEqual([]);
    expect(say(cluster({}), cluster({ ...offering(scheme), NumberOfBrokerNodes: 6 }))).toEqual(['error Millrace.KafkaClusterTwoChanges']);
    expect(say(cluster(offering(scheme)), cluster({ ...offering(scheme), NumberOfBrokerNodes: 6 }))).toEqual([]);
  });

  test('that are switched off may stand in a new cluster', () => {
    const off = { BrokerNodeGroupInfo: { ConnectivityInfo: { VpcConnectivity: { ClientAuthentication: { Tls: { Enabled: false } } } } } };
    expect(say(NOTHING, cluster(off))).toEqual([]);
  });
});

describe('storage', () => {
  test('on the other tier is never turned off', () => {
    expect(say(cluster({ StorageMode: 'TIERED' }), cluster({}))).toEqual(['error Millrace.KafkaTieredStorageOff']);
    expect(say(cluster({ StorageMode: 'TIERED' }), cluster({ StorageMode: 'LOCAL' }))).toEqual(['error Millrace.KafkaTieredStorageOff']);
    expect(say(cluster({}), cluster({ StorageMode: 'TIERED' }))).toEqual([]);
  });

  test('of another mode and of another size are two changes', () => {
    const sized = (VolumeSize: number, more: object = {}) =>
      cluster({ BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize } } }, ...more });
    expect(say(sized(100), sized(200, { StorageMode: 'TIERED' }))).toEqual(['error Millrace.KafkaClusterTwoChanges']);
  });

  test('that grows by itself is to be read before it is changed here', () => {
    const target = resource(
      'AWS::ApplicationAutoScaling::ScalableTarget',
      { ServiceNamespace: 'kafka', ResourceId: { 'Fn::GetAtt': ['It', 'Arn'] } },
      'Scaling',
    );
    const sized = (VolumeSize: number, ...more: SynthesizedResource[]) =>
      cluster({ BrokerNodeGroupInfo: { StorageInfo: { EBSStorageInfo: { VolumeSize } } } }, ...more);
    expect(say(sized(100, target), sized(200, target))).toEqual(['warning Millrace.KafkaStorageAutoscaled']);
    expect(say(sized(100, target), sized(100, target))).toEqual([]);
    expect(say(sized(100), sized(200, target))).toEqual([]);
    const other = resource('AWS::ApplicationAutoScaling::ScalableTarget', { ServiceNamespace: 'kafka', ResourceId: 'arn' }, 'Scaling');
    expect(say(sized(100, other), sized(200, other))).toEqual([]);
  });
});

describe('clients that lose their way in', () => {
  const sasl = (...methods: string[]) => ({
    ClientAuthentication: { Sasl: Object.fromEntries(methods.map((method) => [method, { Enabled: true }])) },
  });
  const users = resource('AWS::MSK::BatchScramSecret', { ClusterArn: { 'Fn::GetAtt': ['It', 'Arn'] }, SecretArnList: ['a', 'b'] }, 'Users');

  test('are announced, with how many there are', () => {
    const [finding, ...rest] = check(cluster(sasl('Iam', 'Scram'), users), cluster(sasl('Iam')));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ severity: 'warning', code: 'Millrace.KafkaAuthenticationRemoved' });
    expect(finding.message).toContain('SCRAM lose the cluster, 2 users');
  });

  test('by certificate likewise; a way more is no loss', () => {
    const tls = { ClientAuthentication: { Tls: { Enabled: true } } };
    expect(say(cluster(tls), cluster({ ClientAuthentication: { Tls: { Enabled: false } } }))).toEqual([
      'warning Millrace.KafkaAuthenticationRemoved',
    ]);
    expect(say(cluster(sasl('Iam')), cluster(sasl('Iam', 'Scram')))).toEqual([]);
  });
});

describe('settings', () => {
  const configured = (ServerProperties: string, more: object = {}) =>
    template(
      resource('AWS::MSK::Configuration', { ServerProperties, ...more }, 'Settings'),
      resource('AWS::MSK::Cluster', { ConfigurationInfo: { Arn: { 'Fn::GetAtt': ['Settings', 'Arn'] } } }),
    );

  test('that let a lagging replica lead are an error when they come', () => {
    const [on, off] = [configured('unclean.leader.election.enable=true\n'), configured('unclean.leader.election.enable=false\n')];
    expect(say(off, on)).toEqual(['error Millrace.KafkaUncleanElectionOn']);
    expect(say(configured('a=1\n'), configured(' unclean.leader.election.enable = true \n'))).toEqual([
      'error Millrace.KafkaUncleanElectionOn',
    ]);
    expect([say(on, on), say(on, off)]).toEqual([[], []]);
  });

  test('that name versions of Kafka are an error when they come', () => {
    const [listed, open] = [configured('', { KafkaVersionsList: ['3.9.x'] }), configured('')];
    expect(say(open, listed)).toEqual(['error Millrace.KafkaVersionsListSet']);
    expect(say(NOTHING, listed)).toEqual(['error Millrace.KafkaVersionsListSet']);
    expect([say(listed, listed), say(listed, open)]).toEqual([[], []]);
  });
});

describe('what MSK does not make', () => {
  const typed = (InstanceType: string, KafkaVersion: string) => cluster({ BrokerNodeGroupInfo: { InstanceType }, KafkaVersion });

  test('is burstable brokers with KRaft', () => {
    const found = ['3.9.x.kraft', '4.1.x', '3.9.x', '3.6.0'].map((version) => say(NOTHING, typed('kafka.t3.small', version)));
    expect(found).toEqual([['error Millrace.KafkaBurstableBrokers'], ['error Millrace.KafkaBurstableBrokers'], [], []]);
    expect(say(NOTHING, typed('kafka.m7g.large', '3.9.x.kraft'))).toEqual([]);
  });

  test('is a serverless cluster of a provisioned one, or back', () => {
    const serverless = template(resource('AWS::MSK::ServerlessCluster', {}));
    expect(say(cluster({}), serverless)).toEqual(['error Millrace.KafkaClusterKindChange']);
    expect(say(serverless, cluster({}))).toEqual(['error Millrace.KafkaClusterKindChange']);
    expect(say(serverless, serverless)).toEqual([]);
  });

  test('is a serverless cluster with other tags in place: they would replace it', () => {
    const tagged = (team: string) => template(resource('AWS::MSK::ServerlessCluster', { Tags: { team } }));
    const found = checkUpdate(tagged('a'), tagged('b'), TagUpdateRules.all());
    expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['error Millrace.TagReplacesResource']);
  });
});

describe('an alarm', () => {
  const DIMENSIONS = [{ Name: 'Cluster Name', Value: 'main' }];
  const alarm = (MetricName: string, more: object = {}) =>
    resource('AWS::CloudWatch::Alarm', { Namespace: 'AWS/Kafka', MetricName, Statistic: 'Sum', Dimensions: DIMENSIONS, ...more }, 'Alarm');
  const brokers = (InstanceType: string) => resource('AWS::MSK::Cluster', { ClusterName: 'main', BrokerNodeGroupInfo: { InstanceType } });
  const express = brokers('express.m7g.large');
  const DEAD = ['error Millrace.KafkaAlarmDead'];

  test.each([
    'UnderReplicatedPartitions',
    'OfflinePartitionsCount',
    'KafkaDataLogsDiskUsed',
    'HeapMemoryAfterGC',
    'BurstBalance',
    'VolumeQueueLength',
    'BwInAllowanceExceeded',
    'BwOutAllowanceExceeded',
  ])('on %s of Express brokers never rings', (metric) => {
    expect(say(NOTHING, template(express, alarm(metric)))).toEqual(DEAD);
    expect(say(NOTHING, template(brokers('kafka.m7g.large'), alarm(metric)))).toEqual([]);
    expect(say(NOTHING, template(alarm(metric)))).toEqual([]);
  });

  test.each(['ConsumerLag', 'RecordLag', 'EstimatedMaximumLag'])('on %s, which is no metric of MSK, never rings', (metric) => {
    expect(say(NOTHING, template(alarm(metric)))).toEqual(DEAD);
    expect(say(NOTHING, template(alarm(metric, { Namespace: 'Mine' })))).toEqual([]);
  });

  test.each(['GlobalPartitionCount', 'OfflinePartitionsCount', 'PreferredReplicaImbalanceCount'])(
    'that averages %s reads a fraction',
    (metric) => {
      expect(say(NOTHING, template(alarm(metric, { Statistic: 'Average' })))).toEqual(['error Millrace.KafkaAlarmAverage']);
      expect(say(NOTHING, template(alarm(metric, { Statistic: 'Maximum' })))).toEqual([]);
    },
  );

  test('on an expression is read as well', () => {
    const stat = (MetricName: string, Stat: string) => ({
      MetricStat: { Stat, Metric: { Namespace: 'AWS/Kafka', MetricName, Dimensions: DIMENSIONS } },
    });
    const expression = resource(
      'AWS::CloudWatch::Alarm',
      { Metrics: [{ Expression: 'a + b' }, stat('HeapMemoryAfterGC', 'Average'), stat('GlobalTopicCount', 'Average')] },
      'Alarm',
    );
    expect(say(NOTHING, template(express, expression))).toEqual(['error Millrace.KafkaAlarmAverage', 'error Millrace.KafkaAlarmDead']);
  });

  test('that was there before is a warning, until it changes', () => {
    const [before, changed] = [template(express, alarm('BurstBalance')), template(express, alarm('BurstBalance', { Threshold: 2 }))];
    expect(say(before, before)).toEqual(['warning Millrace.KafkaAlarmDead']);
    expect(say(before, changed)).toEqual(DEAD);
  });
});
