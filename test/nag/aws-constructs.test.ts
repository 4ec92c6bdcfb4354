import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, CfnOutput, CfnResource, Duration, type IPolicyValidationPlugin, Size, Stack, Validations } from 'aws-cdk-lib';
import * as acmpca from 'aws-cdk-lib/aws-acmpca';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import {
  ClientAuthentication,
  ConnectPlugin,
  Connector,
  ConnectorCapacity,
  KafkaCluster,
  KafkaUser,
  MySqlCdc,
  PostgresCdc,
  ReplicationSource,
  Replicator,
  SchemaRegistry,
  SelfManagedAuthentication,
  ServerlessCluster,
  Topic,
  VpcConnection,
} from '../../lib/streaming/aws';
import { ConnectorConfig } from '../../lib/streaming/connector-config';
import { ClientQuota } from '../../lib/streaming/aws/client-quota';
import { KafkaAcls } from '../../lib/streaming/aws/kafka-acls';
import { ServerlessTopic } from '../../lib/streaming/aws/serverless-topic';
import { Schema } from '../../lib/streaming/schema';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { PodIdentity } from '../../lib/workloads/aws';
import { threeZones } from '../contract/kafka-flavours';

const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
const DEMAND = { peakIngress: Bitrate.mbps(80), partitions: 120 };
const ENV = { region: 'eu-west-1', account: '111122223333' };

const CONTEXT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  '@aws-cdk/aws-iam:minimizePolicies': true,
};

/** An app under the built-in validation with default rules as errors, cdk-nag and the tag policy, and what they were given. */
function policedApp() {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-'));
  const app = new App({ outdir, context: CONTEXT });
  const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
  const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
  Validations.of(app).addPlugins(...plugins);
  return { app, outdir, ran };
}

/** `plugin rule` of everything in the report that nobody has acknowledged. */
function findings(outdir: string): string[] {
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  return pluginReports.flatMap((report: any) => report.violations.map((violation: any) => `${report.pluginName} ${violation.ruleName}`));
}

const { app, outdir, ran } = policedApp();
OWNER.applyTo(app);

const express = new Stack(app, 'Express', { env: ENV });
const kafka = new KafkaCluster(express, 'Kafka', { vpc: threeZones(express), demand: DEMAND });
const payments = kafka.addTopic('Payments', { topicName: 'payments' });

const standard = new Stack(app, 'Standard', { env: ENV });
const ledger = new KafkaCluster(standard, 'Kafka', {
  vpc: threeZones(standard),
  sizing: KafkaSizing.forDemand(DEMAND, { brokerClass: BrokerClass.STANDARD }),
  encryptionKey: new kms.Key(standard, 'Key', { enableKeyRotation: true }),
}).addTopic('Ledger', { topicName: 'ledger' });

const clients = new Stack(app, 'Clients', { env: ENV });
const nodes = ec2.SecurityGroup.fromSecurityGroupId(clients, 'Nodes', 'sg-0a1b2c3d4e5f60718');
const pods = new PodIdentity(clients, 'Pods', {
  clusterName: 'ml',
  namespace: 'fraud',
  serviceAccountName: 'radar',
  securityGroups: [nodes],
});
payments.grants.produce(pods);
ledger.grants.consume(pods, { groupId: 'fraud' });
const existing = KafkaCluster.fromKafkaClusterAttributes(clients, 'Existing', {
  clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1',
  securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(clients, 'Brokers', 'sg-0a1b2c3d4e5f60719')],
});
Topic.fromTopicAttributes(clients, 'Old', { cluster: existing, topicName: 'old' }).grants.consume(pods, { groupId: 'fraud' });
new Topic(clients, 'New', { cluster: existing, topicName: 'new' });

const lookup = new Stack(app, 'Lookup', { env: ENV });
const { bootstrapServers } = new KafkaCluster(lookup, 'Kafka', { vpc: threeZones(lookup), demand: DEMAND });
new CfnOutput(lookup, 'BootstrapServers', { value: bootstrapServers });
Validations.of(lookup).acknowledge({
  id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
  reason: "the CDK's own lookup function gets this policy from the CDK; it lets the function write its log and nothing else",
});

const admin = new Stack(app, 'Admin', { env: ENV });
const administered = KafkaCluster.fromKafkaClusterAttributes(admin, 'Kafka', {
  clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/admin/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1',
  vpc: threeZones(admin),
  securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(admin, 'Brokers', 'sg-0a1b2c3d4e5f60720')],
});
const event = { topicName: 'event', partitions: 6, replicationFactor: 3, config: {} };
new ServerlessTopic(admin, 'Event', { cluster: administered, topic: event, retention: { destroy: true } });
KafkaAcls.of(administered, 'User:gateway').allow({ resourceType: 'TOPIC', name: 'event', operations: ['READ'] });
new ClientQuota(admin, 'Gateway', { cluster: administered, user: 'gateway', limits: { producerRate: Bitrate.mbps(8) } });
Validations.of(admin).acknowledge({
  id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
  reason: "the CDK's own lookup function, which asks for the bootstrap servers, gets this policy from the CDK",
});
const schemas = new Stack(app, 'Schemas', { env: ENV });
const history = new SchemaHistory(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-schemas-')));
schemas.node.setContext('millrace:schemas', history.directory);
const [first, second] = ['["A"]', '["A", "B"]'].map((symbols) => Schema.avro(`{ "type": "enum", "name": "State", "symbols": ${symbols} }`));
[first, second].forEach((schema, index) => history.append('states-value', { version: index + 1, schema }));
const registry = new SchemaRegistry(schemas, 'Registry', { registryName: 'platform' });
registry.addSchema('States', { subject: 'states-value', schema: second });
registry.grants.register(new PodIdentity(schemas, 'Connect', { clusterName: 'ml', namespace: 'connect', serviceAccountName: 'connect' }));
Validations.of(schemas).acknowledge(
  {
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'glue:GetSchemaVersion looks a version up by its id, which no ARN names (AWS Glue, IAM examples for deserializers)',
  },
  {
    id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:glue:eu-west-1:111122223333:schema/platform/*]',
    reason: 'the schemas of one registry: a registrar adds some that are not known yet',
  },
);

const open = new Stack(app, 'Open', { env: ENV });
const authority = acmpca.CertificateAuthority.fromCertificateAuthorityArn(
  open,
  'Authority',
  'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
);
const everyWayIn = new KafkaCluster(open, 'Kafka', {
  vpc: threeZones(open),
  sizing: KafkaSizing.fixed({
    brokerType: BrokerType.of('kafka.m7g.4xlarge'),
    brokers: 3,
    primaryRetention: Duration.hours(24),
    provisionedThroughput: Bitrate.bps(500 * 8 * 1024 * 1024),
  }),
  clientAuthentication: ClientAuthentication.iam().withScram().withMtls([authority]).withMultiVpc(),
  storage: { autoscaling: { maxSize: Size.tebibytes(4) } },
});
everyWayIn.allowAccount('444455556666');
const reports = new KafkaUser(open, 'Reports', { cluster: everyWayIn, userName: 'reports' });
reports.grants.connect(pods);
new VpcConnection(clients, 'Connection', { cluster: everyWayIn, vpc: threeZones(clients) });

const serverless = new Stack(app, 'Serverless', { env: ENV });
new ServerlessCluster(serverless, 'Kafka', { vpc: threeZones(serverless), demand: { ...DEMAND, partitions: 60 } });

const connect = new Stack(app, 'Connect', { env: ENV });
const connected = KafkaCluster.fromKafkaClusterAttributes(connect, 'Kafka', {
  clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1',
  securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(connect, 'Brokers', 'sg-0a1b2c3d4e5f60719')],
  bootstrapServers: 'b-1.example.com:9098',
  vpc: threeZones(connect),
});
const lake = s3.Bucket.fromBucketName(connect, 'Lake', 'lake');
const plugins = [ConnectPlugin.fromBucket(connect, 'Plugin', lake, 'plugin.zip', { sha256: 'a'.repeat(64) })];
const secret = secretsmanager.Secret.fromSecretCompleteArn(
  connect,
  'Login',
  'arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/login-AbCdEf',
);
const capture = { cluster: connected, plugins, credentials: { secret }, database: { hostname: 'shop.internal' } };
new MySqlCdc(connect, 'Shop', { ...capture, connectorName: 'shop', topicPrefix: 'shop', tables: [{ table: 'shop.orders' }] });
new PostgresCdc(connect, 'Ledger', {
  ...capture,
  connectorName: 'ledger',
  topicPrefix: 'ledger',
  databaseName: 'ledger',
  tables: [{ table: 'public.accounts' }],
});
const files = new Connector(connect, 'Files', {
  connectorName: 'files',
  config: ConnectorConfig.s3Sink({ bucketName: lake.bucketName, region: 'eu-west-1' }),
  topics: [Topic.fromTopicAttributes(connect, 'Orders', { cluster: connected, topicName: 'orders' })],
  cluster: connected,
  plugins,
  workers: { capacity: ConnectorCapacity.autoscaled({ maxWorkers: 4 }) },
});
files.grantWriteTo(lake, 'raw/');
const CLUSTER_PATH = 'old/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1';
Validations.of(connect).acknowledge(
  ...['shop', 'ledger', 'files'].map((name) => ({
    id: `AwsSolutions-IAM5[Resource::arn:aws:kafka:eu-west-1:111122223333:topic/${CLUSTER_PATH}/__amazon_msk_connect_*_${name}*]`,
    reason: 'MSK Connect ends the names of the topics with the state of a connector in an id that it makes up',
  })),
  {
    id: `AwsSolutions-IAM5[Resource::arn:aws:kafka:eu-west-1:111122223333:group/${CLUSTER_PATH}/__amazon_msk_connect_*]`,
    reason: 'MSK Connect names the group of its workers itself (MSK developer guide, service execution role)',
  },
  {
    id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::lake/raw/*]',
    reason: 'a sink names its files after topic, partition and offset',
  },
);

const replication = new Stack(app, 'Replication', { env: ENV });
new Replicator(replication, 'Replicator', {
  topics: { prefixes: ['payments.'] },
  consumerGroups: { names: ['fraud'] },
  source: ReplicationSource.fromKafka({
    clusterId: 'onprem',
    bootstrapServers: 'kafka.example.com:9094',
    vpc: threeZones(replication),
    authentication: SelfManagedAuthentication.SCRAM_SHA512,
    secret: secretsmanager.Secret.fromSecretCompleteArn(
      replication,
      'Login',
      'arn:aws:secretsmanager:eu-west-1:111122223333:secret:onprem/login-AbCdEf',
    ),
  }),
  target: connected,
});
Validations.of(replication).acknowledge(
  ...[
    'topic/*__amazon_msk_replicator_*',
    'topic/mskr-offset-syncs.*',
    'topic/*.checkpoints.internal',
    'group/*__amazon_msk_replicator_*',
  ].map((name) => ({
    id: `AwsSolutions-IAM5[Resource::arn:aws:kafka:eu-west-1:111122223333:${name.replace('/', `/${CLUSTER_PATH}/`)}]`,
    reason: 'MSK Replicator makes up the names of its own topics and groups (MSK developer guide, topic replication permissions)',
  })),
  {
    id: `AwsSolutions-IAM5[Resource::arn:aws:kafka:eu-west-1:111122223333:topic/${CLUSTER_PATH}/payments.*]`,
    reason: 'the replicated topics are declared by the beginning of their names',
  },
);

const { stacks } = app.synth();

test('every construct passes the built-in validation, cdk-nag and the tag policy', () => {
  expect(findings(outdir)).toEqual([]);
});

test('every plugin has seen every template', () => {
  const ids = stacks.map(({ stackName }) => stackName).sort();
  for (const plugin of ran) {
    expect(plugin).toHaveBeenCalledTimes(1);
    expect(plugin.mock.calls[0][0].stackTemplates.map(({ stackConstructPath }) => stackConstructPath).sort()).toEqual(ids);
  }
});

test('the templates hold every construct', () => {
  const types = stacks.flatMap(({ template }) => Object.values<any>(template.Resources).map(({ Type }) => Type));
  expect(types).toEqual(
    expect.arrayContaining([
      'AWS::MSK::Cluster',
      'AWS::MSK::Topic',
      'AWS::EKS::PodIdentityAssociation',
      'AWS::IAM::Policy',
      'Custom::AWS',
      'AWS::ApplicationAutoScaling::ScalingPolicy',
      'AWS::MSK::BatchScramSecret',
      'AWS::MSK::ClusterPolicy',
      'AWS::MSK::ServerlessCluster',
      'AWS::MSK::VpcConnection',
      'Custom::MillraceKafkaAcls',
      'Custom::MillraceKafkaQuota',
      'Custom::MillraceKafkaTopic',
    ]),
  );
  expect(types.filter((type) => type.startsWith('AWS::Glue::')).sort()).toEqual([
    'AWS::Glue::Registry',
    'AWS::Glue::Schema',
    'AWS::Glue::SchemaVersion',
  ]);
});

test('no construct warns', () => {
  expect(stacks.flatMap(({ messages }) => messages.filter(({ level }) => level !== 'info').map(({ entry }) => entry.data))).toEqual([]);
});

test('fails, by each of the three, for an app that deserves it', () => {
  const bad = policedApp();
  const stack = new Stack(bad.app, 'Bad', { env: ENV });
  new sqs.CfnQueue(stack, 'Queue');
  new CfnResource(stack, 'Cluster', { type: 'AWS::MSK::Cluster', properties: { EnhancedMonitoring: 'SOME' } });
  const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  expect(() => bad.app.synth()).toThrow();
  log.mockRestore();
  const found = findings(bad.outdir);
  expect([...new Set(found.map((finding) => finding.split(' ')[0]))].sort()).toEqual([
    'AwsSolutions',
    'CloudFormation',
    'millrace-tag-policy',
  ]);
  expect(found).toContain('AwsSolutions AwsSolutions-SQS4');
});
