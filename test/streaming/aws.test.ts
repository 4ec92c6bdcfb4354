import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Template } from 'aws-cdk-lib/assertions';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { KafkaCluster, KafkaVersion, Topic } from '../../lib/streaming/aws';
import { serverProperties } from '../../lib/streaming/aws/broker-configuration';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { PodIdentity } from '../../lib/workloads/aws/pod-identity';
import { evaluate } from '../contract/intrinsics';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const DEMAND = { peakIngress: Bitrate.mbps(240), peakEgress: Bitrate.mbps(480), partitions: 120 };
const STANDARD = KafkaSizing.forDemand({ ...DEMAND, averageIngress: Bitrate.mbps(24) }, { brokerClass: BrokerClass.STANDARD });

function newApp(): App {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-aws-'));
  const app = new App({ outdir, builtinCloudFormationValidation: false, context: { '@aws-cdk/aws-iam:minimizePolicies': true } });
  new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

const app = newApp();

const network = new Stack(app, 'Network', { env: ENV });
const vpc = new ec2.Vpc(network, 'Vpc', { availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] });

const expressStack = new Stack(app, 'Express', { env: ENV });
const express = new KafkaCluster(expressStack, 'Kafka', { vpc, demand: DEMAND });
const topic = express.addTopic('Payments', { topicName: 'payments', config: { maxMessageBytes: Size.bytes(2_000_000) } });
const unread = new Stack(app, 'Unread', { env: ENV });
new KafkaCluster(unread, 'Kafka', { vpc, demand: DEMAND });

const standardStack = new Stack(app, 'Standard', { env: ENV });
const key = new kms.Key(standardStack, 'Key');
const standard = new KafkaCluster(standardStack, 'Kafka', {
  vpc,
  sizing: STANDARD,
  clusterName: 'ledger',
  encryptionKey: key,
  kafkaVersion: KafkaVersion.V4_1,
});
const ledger = standard.addTopic('Ledger', { topicName: 'ledger' });

const clients = new Stack(app, 'Clients', { env: ENV });
const nodes = new ec2.SecurityGroup(clients, 'Nodes', { vpc, allowAllOutbound: false });
const pods = new PodIdentity(clients, 'Pods', {
  clusterName: 'ml',
  namespace: 'fraud',
  serviceAccountName: 'radar',
  securityGroups: [nodes],
});
ledger.grants.consume(pods, { groupId: 'fraud' });
const writer = new iam.Role(clients, 'Writer', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
ledger.grants.produce(writer);
const reader = new iam.Role(expressStack, 'Reader', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
topic.grants.consume(reader, { groupId: 'g' });
const bootstrapServers = [express.bootstrapServers, express.bootstrapServers];

const assembly = Assembly.fromDirectories({ templates: app.synth().directory });

function all(stackId: string, type: string): SynthesizedResource[] {
  return assembly.stacks.find(({ id }) => id === stackId)!.resources.filter((resource) => resource.type === type);
}
const only = (stackId: string, type: string) => {
  const found = all(stackId, type);
  expect(found).toHaveLength(1);
  return found[0];
};
const clusterOf = (stackId: string) => only(stackId, 'AWS::MSK::Cluster').properties;

describe('every cluster', () => {
  test.each(['Express', 'Standard'])('%s speaks TLS only, knows clients by IAM only and is watched from day one', (stackId) => {
    const cluster = clusterOf(stackId);
    expect(cluster.EncryptionInfo.EncryptionInTransit).toEqual({ ClientBroker: 'TLS', InCluster: true });
    expect(cluster.ClientAuthentication).toEqual({ Sasl: { Iam: { Enabled: true } }, Unauthenticated: { Enabled: false } });
    expect(cluster.EnhancedMonitoring).toBe('PER_BROKER');
    expect(cluster.OpenMonitoring.Prometheus).toEqual({ JmxExporter: { EnabledInBroker: true }, NodeExporter: { EnabledInBroker: true } });
    expect(cluster.BrokerNodeGroupInfo.ConnectivityInfo).toBeUndefined();
  });

  test.each(['Express', 'Standard'])('%s stands in three private subnets behind a security group that lets nothing out', (stackId) => {
    const { ClientSubnets, SecurityGroups } = clusterOf(stackId).BrokerNodeGroupInfo;
    expect(ClientSubnets.map((subnet: any) => /VpcPrivateSubnet\d/.exec(subnet['Fn::ImportValue'])?.[0])).toEqual([
      'VpcPrivateSubnet1',
      'VpcPrivateSubnet2',
      'VpcPrivateSubnet3',
    ]);
    const group = only(stackId, 'AWS::EC2::SecurityGroup');
    expect(SecurityGroups).toEqual([{ 'Fn::GetAtt': [group.logicalId, 'GroupId'] }]);
    expect(group.properties.SecurityGroupEgress).toEqual([expect.objectContaining({ CidrIp: '255.255.255.255/32' })]);
    expect(group.properties.SecurityGroupIngress).toBeUndefined();
  });

  test.each(['Express', 'Standard'])('%s runs the latest revision of its settings', (stackId) => {
    const { logicalId } = only(stackId, 'AWS::MSK::Configuration');
    expect(clusterOf(stackId).ConfigurationInfo).toEqual({
      Arn: { 'Fn::GetAtt': [logicalId, 'Arn'] },
      Revision: { 'Fn::GetAtt': [logicalId, 'LatestRevision.Revision'] },
    });
  });

  test.each(['Express', 'Standard'])('%s logs, for a month, to a group that outlives it', (stackId) => {
    const [group] = all(stackId, 'AWS::Logs::LogGroup');
    expect(clusterOf(stackId).LoggingInfo.BrokerLogs).toEqual({ CloudWatchLogs: { Enabled: true, LogGroup: { Ref: group.logicalId } } });
    expect(group).toMatchObject({
      deletionPolicy: 'RetainExceptOnCreate',
      updateReplacePolicy: 'Retain',
      properties: { RetentionInDays: 30 },
    });
  });

  test.each(['Express', 'Standard'])('%s and its topics are retained, and have the raw resource as default child', (stackId) => {
    for (const type of ['AWS::MSK::Cluster', 'AWS::MSK::Topic']) {
      expect(only(stackId, type)).toMatchObject({ deletionPolicy: 'Retain', updateReplacePolicy: 'Retain' });
    }
    expect([express, topic].map(({ node }) => node.defaultChild?.node.id)).toEqual(['Resource', 'Resource']);
  });

  test('gets a name of the construct path that MSK accepts, or the one it is given', () => {
    expect(clusterOf('Express').ClusterName).toMatch(/^Express-?Kafka-?[0-9A-F]{8}$/);
    expect(clusterOf('Standard').ClusterName).toBe('ledger');
    for (const stackId of ['Express', 'Standard']) {
      expect(only(stackId, 'AWS::MSK::Configuration').properties.Name).toMatch(/^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/);
    }
  });
});

describe('Express', () => {
  test('has no volumes, rebalances by itself and runs Kafka 3.9', () => {
    const cluster = clusterOf('Express');
    expect(cluster).toMatchObject({ KafkaVersion: '3.9.x.kraft', NumberOfBrokerNodes: 3, Rebalancing: { Status: 'ACTIVE' } });
    expect(cluster.BrokerNodeGroupInfo.InstanceType).toBe('express.m7g.large');
    expect([cluster.BrokerNodeGroupInfo.StorageInfo, cluster.StorageMode]).toEqual([undefined, undefined]);
    expect(cluster.EncryptionInfo.EncryptionAtRest).toBeUndefined();
  });

  test('sets only what Express lets be set', () => {
    expect(only('Express', 'AWS::MSK::Configuration').properties.ServerProperties).toBe(
      'allow.everyone.if.no.acl.found=false\nauto.create.topics.enable=false\n',
    );
  });

  test('keeps the in-sync replicas of its topics itself', () => {
    const { properties } = only('Express', 'AWS::MSK::Topic');
    expect(Buffer.from(properties.Configs, 'base64').toString('utf8')).toBe(
      'cleanup.policy=delete\nmax.message.bytes=2000000\nretention.ms=604800000\n',
    );
    expect(properties.ClusterArn).toEqual({ 'Fn::GetAtt': [only('Express', 'AWS::MSK::Cluster').logicalId, 'Arn'] });
  });
});

describe('Standard', () => {
  test('has volumes of the decided size and the key it is given', () => {
    const cluster = clusterOf('Standard');
    expect(cluster.BrokerNodeGroupInfo.InstanceType).toBe(STANDARD.brokerType.name);
    expect(cluster.BrokerNodeGroupInfo.StorageInfo).toEqual({ EBSStorageInfo: { VolumeSize: STANDARD.storagePerBroker!.toGibibytes() } });
    expect(cluster.EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId['Fn::GetAtt'][0]).toMatch(/^Key/);
    expect([cluster.Rebalancing, cluster.KafkaVersion]).toEqual([undefined, '4.1.x.kraft']);
  });

  test('keeps acknowledged records and lets consumers read in their zone', () => {
    expect(
      serverProperties(KafkaSizing.fixed({ brokerType: BrokerType.of('kafka.m7g.large'), brokers: 3 }))
        .trimEnd()
        .split('\n'),
    ).toEqual([
      'allow.everyone.if.no.acl.found=false',
      'auto.create.topics.enable=false',
      'default.replication.factor=3',
      'min.insync.replicas=2',
      'replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'unclean.leader.election.enable=false',
    ]);
  });

  test('has the same settings at every size, so that a change of size alone is one change', () => {
    const settings = BrokerType.all(BrokerClass.STANDARD).map((brokerType) =>
      serverProperties(KafkaSizing.fixed({ brokerType, brokers: 3 })),
    );
    expect(new Set(settings).size).toBe(1);
  });
});

describe('what belongs to a cluster', () => {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false } as never), 'Two');
  const vpcOfThree = new ec2.Vpc(stack, 'Vpc', { availabilityZones: ['a', 'b', 'c'] });
  const demand = { peakIngress: Bitrate.mbps(80), partitions: 60 };
  const sizing = KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.STANDARD, replicationFactor: 2 });
  const cluster = new KafkaCluster(stack, 'Kafka', { vpc: vpcOfThree, sizing, clusterName: 'two' });
  cluster.addTopic('Payments', { topicName: 'payments' });
  new CostAllocation({ team: 't', service: 's', costCenter: 'c', environment: 'e' }).applyTo(stack);
  const { Resources } = Template.fromStack(stack).toJSON();
  const ofType = (type: string) => Object.values<any>(Resources).filter((resource) => resource.Type === type);

  test('is kept with it: its settings and its security group, or the stack could not be deleted', () => {
    for (const type of ['AWS::MSK::Cluster', 'AWS::MSK::Configuration', 'AWS::EC2::SecurityGroup']) {
      expect(ofType(type).map((resource) => [type, resource.DeletionPolicy, resource.UpdateReplacePolicy])).toEqual([
        [type, 'Retain', 'Retain'],
      ]);
    }
  });

  test('does not change with the construct path, so that a cluster of a given name can be moved', () => {
    expect(ofType('AWS::EC2::SecurityGroup')[0].Properties.GroupDescription).toBe('Kafka brokers');
    expect(ofType('AWS::MSK::Configuration')[0].Properties.Name).toBe('two-settings');
  });

  test('has the replication factor that its size counts on, topics included', () => {
    const lines = ofType('AWS::MSK::Configuration')[0].Properties.ServerProperties.split('\n');
    expect(lines).toEqual(expect.arrayContaining(['default.replication.factor=2', 'min.insync.replicas=1']));
    const [{ Properties: topic }] = ofType('AWS::MSK::Topic');
    expect(topic.ReplicationFactor).toBe(2);
    expect(Buffer.from(topic.Configs, 'base64').toString()).toContain('min.insync.replicas=1\n');
  });
});

describe('bootstrap servers', () => {
  test('are looked up only when something reads them, and once', () => {
    expect(new Set(bootstrapServers).size).toBe(1);
    expect(all('Express', 'Custom::AWS')).toHaveLength(1);
    expect(all('Unread', 'Custom::AWS')).toEqual([]);
    expect(all('Unread', 'AWS::Lambda::Function')).toEqual([]);
  });

  test('take one call on the one cluster and no newer SDK than Lambda ships', () => {
    const lookup = only('Express', 'Custom::AWS').properties;
    expect(lookup.InstallLatestAwsSdk).toBe(false);
    expect(lookup.Create).toEqual(lookup.Update);
    const call = JSON.parse(evaluate(lookup.Update));
    expect(call).toMatchObject({ service: 'Kafka', action: 'getBootstrapBrokers', outputPaths: ['BootstrapBrokerStringSaslIam'] });
    const policy = all('Express', 'AWS::IAM::Policy').find(({ path: where }) => where.includes('BootstrapServers'))!;
    expect(policy.properties.PolicyDocument.Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'kafka:GetBootstrapBrokers',
        Resource: { 'Fn::GetAtt': [only('Express', 'AWS::MSK::Cluster').logicalId, 'Arn'] },
      },
    ]);
  });
});

describe('a grant', () => {
  test('to a client with security groups opens the way in and the way out, on the IAM port and no other', () => {
    const inward = all('Clients', 'AWS::EC2::SecurityGroupIngress');
    const outward = all('Clients', 'AWS::EC2::SecurityGroupEgress');
    for (const list of [inward, outward]) {
      expect(list.map(({ properties }) => [properties.IpProtocol, properties.FromPort, properties.ToPort])).toEqual([['tcp', 9098, 9098]]);
    }
    const brokers = only('Standard', 'AWS::EC2::SecurityGroup').logicalId;
    expect(JSON.stringify(inward[0].properties.GroupId)).toContain(brokers);
    expect(JSON.stringify(outward[0].properties.DestinationSecurityGroupId)).toContain(brokers);
    expect(all('Standard', 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });

  const statementsOf = (stackId: string, id: string): any[] =>
    all(stackId, 'AWS::IAM::Policy').find(({ path: where }) => where.includes(`/${id}/`))!.properties.PolicyDocument.Statement;
  const keyStatement = (stackId: string, id: string) =>
    statementsOf(stackId, id).find((statement) => JSON.stringify(statement.Action).includes('kms:'));

  test('opens the key for calls through MSK alone: decryption to readers, data keys to writers', () => {
    const viaKafka = 'kafka.eu-west-1.amazonaws.com';
    for (const [id, Action] of [
      ['Pods', 'kms:Decrypt'],
      ['Writer', ['kms:Decrypt', 'kms:GenerateDataKey']],
    ] as const) {
      const statement = keyStatement('Clients', id);
      expect([statement.Action, evaluate(statement.Condition.StringEquals['kms:ViaService'])]).toEqual([Action, viaKafka]);
      expect(Object.keys(statement.Condition)).toEqual(['StringEquals']);
    }
    expect(evaluate(keyStatement('Clients', 'Pods').Resource)).toMatch(/GetAttKey[0-9A-F]{8}Arn/);
    expect(keyStatement('Express', 'Reader')).toBeUndefined();
  });

  test('to a function outside of a VPC opens no network and does not fail', () => {
    const stack = new Stack(newApp(), 'Functions', { env: ENV });
    const cluster = new KafkaCluster(stack, 'Kafka', { vpc: threeZones(stack), demand: DEMAND });
    const { grants } = cluster.addTopic('Topic', { topicName: 'a' });
    const code = lambda.Code.fromInline('exports.handler = async () => {};');
    const mapped = new lambda.Function(stack, 'Mapped', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code });
    expect(codeOf(() => grants.consume(mapped, { groupId: 'g' }))).toBeUndefined();
    expect(cluster.connections.securityGroups[0].node.children.map(({ node }) => node.id)).toEqual(['Resource']);
  });

  test('across stacks names the cluster, topic and group by their full ARNs', () => {
    const arns = statementsOf('Clients', 'Pods').map(({ Resource }) => evaluate(Resource));
    expect(arns.filter((arn: string) => arn.includes(':kafka:'))).toEqual([
      'arn:aws:kafka:eu-west-1:111122223333:cluster/made/uuid-1',
      'arn:aws:kafka:eu-west-1:111122223333:topic/made/uuid-1/ledger',
      'arn:aws:kafka:eu-west-1:111122223333:group/made/uuid-1/fraud',
    ]);
  });
});

describe('an imported cluster', () => {
  const imported = (attributes: { securityGroups?: ec2.ISecurityGroup[] } = {}, stack = new Stack(newApp(), 'Imported', { env: ENV })) => {
    const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/1b2c';
    return Topic.fromTopicAttributes(stack, 'Topic', {
      cluster: KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', { clusterArn, ...attributes }),
      topicName: 'old',
    });
  };

  test('fails without security groups when a client has some', () => {
    const { grants, stack } = imported();
    const client = new ec2.SecurityGroup(stack, 'Client', { vpc: threeZones(stack) });
    const grantee = Object.assign(new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() }), {
      connections: client.connections,
    });
    expect(codeOf(() => grants.produce(grantee))).toBe('Millrace.KafkaClusterConnectionsUnknown');
    expect(codeOf(() => grants.consume(grantee, { groupId: 'g' }))).toBe('Millrace.KafkaClusterConnectionsUnknown');
  });

  test('opens the security groups it is given', () => {
    const stack = new Stack(newApp(), 'Imported', { env: ENV });
    const brokers = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Brokers', 'sg-0a1b2c3d4e5f60718');
    const { grants } = imported({ securityGroups: [brokers] }, stack);
    const client = new ec2.SecurityGroup(stack, 'Client', { vpc: threeZones(stack) });
    grants.produce(
      Object.assign(new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() }), { connections: client.connections }),
    );
    const { stacks } = Assembly.fromDirectories({ templates: (stack.node.root as App).synth().directory });
    const ingress = stacks[0].resources.filter(({ type }) => type === 'AWS::EC2::SecurityGroupIngress');
    expect(ingress.map(({ properties }) => [properties.GroupId, properties.FromPort])).toEqual([['sg-0a1b2c3d4e5f60718', 9098]]);
  });
});
