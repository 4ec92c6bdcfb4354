import { App, Bitrate, Size, Stack } from 'aws-cdk-lib';
import * as acmpca from 'aws-cdk-lib/aws-acmpca';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { CfnConfiguration } from 'aws-cdk-lib/aws-msk';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as fc from 'fast-check';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import {
  ClientAuthentication,
  KafkaCluster,
  type KafkaClusterProps,
  KafkaListener,
  KafkaUser,
  type KafkaUserProps,
  ServerlessCluster,
  type ServerlessClusterProps,
  VpcConnection,
} from '../../lib/streaming/aws';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { brokerSettingsRules } from '../../lib/streaming/aws/broker-settings-rules';
import { violationsOf } from '../../lib/core/rule';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf, codesIn, refusalOf } from '../contract/refusal';
import { CleanupPolicy, type TopicOptions } from '../../lib/streaming/topic';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const DEMAND = { peakIngress: Bitrate.mbps(80), partitions: 120 };
const STANDARD = KafkaSizing.fixed({ brokerType: BrokerType.of('kafka.m7g.large'), brokers: 3, storagePerBroker: Size.gibibytes(100) });
const stack = new Stack(new App(), 'Refused', { env: ENV });
const vpc = threeZones(stack);
const authority = acmpca.CertificateAuthority.fromCertificateAuthorityArn(
  stack,
  'Authority',
  'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
);
let made = 0;
const cluster = (props: Partial<KafkaClusterProps> = {}) =>
  new KafkaCluster(stack, `Kafka${made++}`, { vpc, ...(props.demand ? {} : { sizing: STANDARD }), ...props });
const express = (props: Partial<KafkaClusterProps>) => cluster({ demand: DEMAND, ...props });

describe('storage', () => {
  test('is not for Express brokers, which store by themselves', () => {
    const autoscaling = { maxSize: Size.tebibytes(1) };
    expect(refusalOf(() => express({ storage: { tiered: true, autoscaling } }))).toEqual(['Millrace.KafkaStorageOnExpress storage']);
    expect(refusalOf(() => express({ storage: {} }))).toEqual([]);
  });

  test.each([
    [Size.gibibytes(101), undefined],
    [Size.gibibytes(16_384), undefined],
    [Size.gibibytes(100), 'Millrace.KafkaStorageAutoscalingInvalid'],
    [Size.gibibytes(16_385), 'Millrace.KafkaStorageAutoscalingInvalid'],
    [Size.mebibytes(200_000), 'Millrace.KafkaStorageAutoscalingInvalid'],
  ])('of 100 GiB grows to whole GiB above that, up to what MSK has: %s', (maxSize, code) => {
    expect(codeOf(() => cluster({ storage: { autoscaling: { maxSize } } }))).toBe(code);
  });

  test.each([
    [10, undefined],
    [80, undefined],
    [9, 'Millrace.KafkaStorageAutoscalingInvalid'],
    [81, 'Millrace.KafkaStorageAutoscalingInvalid'],
  ])('grows at a share that MSK takes: %d percent', (targetUtilisation, code) => {
    expect(codeOf(() => cluster({ storage: { autoscaling: { maxSize: Size.gibibytes(200), targetUtilisation } } }))).toBe(code);
  });
});

describe('settings of the brokers', () => {
  const settings = (config: Record<string, string>, acknowledgeDataLoss?: boolean) =>
    refusalOf(() => cluster({ brokerSettings: { config, acknowledgeDataLoss } })).map((refusal) => refusal.split(' ')[0]);

  test.each([
    [{ listeners: 'PLAINTEXT://:9092' }, 'Millrace.KafkaBrokerConfigUnknown'],
    [{ 'zookeeper.session.timeout.ms': '18000' }, 'Millrace.KafkaBrokerConfigUnknown'],
    [{ 'message.max.bytes': 'large' }, 'Millrace.KafkaBrokerConfigInvalid'],
    [{ 'message.max.bytes': ' 1000' }, 'Millrace.KafkaBrokerConfigInvalid'],
    [{ 'replica.lag.time.max.ms': '30001' }, 'Millrace.KafkaBrokerConfigInvalid'],
    [{ 'log.cleaner.min.cleanable.ratio': '1.5' }, 'Millrace.KafkaBrokerConfigInvalid'],
    [{ 'unclean.leader.election.enable': 'true' }, 'Millrace.KafkaUncleanElection'],
    [{ 'min.insync.replicas': '3' }, 'Millrace.KafkaBrokerMinInsyncInvalid'],
    [{ 'min.insync.replicas': '1' }, 'Millrace.KafkaBrokerMinInsyncInvalid'],
    [{ 'allow.everyone.if.no.acl.found': 'true' }, 'Millrace.KafkaOpenAccess'],
  ])('%j are refused', (config, code) => expect(settings(config as never)).toEqual([code]));

  test('that lose records take a word that they may', () => {
    expect(settings({ 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '1' }, true)).toEqual([]);
    expect(settings({ 'min.insync.replicas': '3' }, true)).toEqual(['Millrace.KafkaBrokerMinInsyncInvalid']);
    expect(settings({ 'allow.everyone.if.no.acl.found': 'true' }, true)).toEqual(['Millrace.KafkaOpenAccess']);
  });

  test('that Express manages are refused there alone', () => {
    expect(refusalOf(() => express({ brokerSettings: { config: { 'num.io.threads': '8' } } }))).toEqual([
      "Millrace.KafkaBrokerConfigOnExpress brokerSettings.config['num.io.threads']",
    ]);
    expect(settings({ 'num.io.threads': '8' })).toEqual([]);
    expect(refusalOf(() => express({ brokerSettings: { config: { 'message.max.bytes': '1000' } } }))).toEqual([]);
  });

  test('compact no topics by default on a cluster with tiered storage', () => {
    const brokerSettings = { config: { 'log.cleanup.policy': 'compact' } };
    expect(codeOf(() => cluster({ brokerSettings, storage: { tiered: true } }))).toBe('Millrace.KafkaBrokerConfigInvalid');
    expect(codeOf(() => cluster({ brokerSettings }))).toBeUndefined();
  });

  test('can be set past us where MSK knows one that we do not', () => {
    const configuration = cluster().node.findChild('Configuration') as CfnConfiguration;
    configuration.serverProperties += 'new.setting=1\n';
    expect(configuration.serverProperties).toMatch(/unclean\.leader\.election\.enable=false\nnew\.setting=1\n$/);
  });

  test('never hold more than one line, whatever is given', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const input = { brokerClass: BrokerClass.STANDARD, replicationFactor: 3, acknowledgeDataLoss: true, tiered: false };
        for (const name of ['message.max.bytes', 'log.cleanup.policy', 'log.cleaner.min.cleanable.ratio', 'auto.create.topics.enable']) {
          const config = { [name]: `${value}\nunclean.leader.election.enable=true` };
          expect(violationsOf({ ...input, config }, brokerSettingsRules(config))).not.toEqual([]);
        }
      }),
    );
  });
});

describe('a user', () => {
  const scram = cluster({ clientAuthentication: ClientAuthentication.iam().withScram() });
  const mtls = cluster({ clientAuthentication: ClientAuthentication.iam().withMtls([authority]) });
  const user = (props: Partial<KafkaUserProps>, scope: Stack = stack) =>
    refusalOf(() => new KafkaUser(scope, `User${made++}`, { cluster: scram, ...props }));

  test('has a password or a certificate, not both and not neither', () => {
    expect([user({}), user({ userName: 'a', distinguishedName: 'CN=a' })].map(([first]) => first)).toEqual([
      'Millrace.KafkaUserKindInvalid userName, distinguishedName',
      'Millrace.KafkaUserKindInvalid userName, distinguishedName',
    ]);
  });

  test('needs a cluster that knows clients in that way', () => {
    expect(user({ userName: 'a', cluster: cluster() })).toEqual(['Millrace.KafkaListenerOff cluster']);
    expect(user({ distinguishedName: 'CN=a' })).toEqual(['Millrace.KafkaListenerOff cluster']);
    expect(user({ distinguishedName: 'CN=a', cluster: mtls })).toEqual([]);
  });

  test.each(['', 'a b', 'a,b', 'User:a', 'x'.repeat(65)])("fails for the name '%s'", (userName) => {
    const codes = user({ userName });
    expect(codes[0]).toMatch(userName === '' ? /KafkaUserKindInvalid/ : /^Millrace\.KafkaUserNameInvalid userName$/);
  });

  test.each([
    ['CN=a', true],
    ['CN=reports,OU=Data,O=Example Ltd', true],
    ['O=Example,CN=a', true],
    ['CN=a, O=Example', false],
    ['User:CN=a', false],
    ['O=Example', false],
    ['a', false],
  ])("takes a distinguished name as Java writes it: '%s'", (distinguishedName, taken) => {
    const codes = user({ distinguishedName, cluster: mtls });
    expect(codes).toEqual(taken ? [] : ['Millrace.KafkaUserNameInvalid distinguishedName']);
  });

  test('with a password stands in the stack of its cluster', () => {
    const other = new Stack(stack.node.root as App, 'Other', { env: ENV });
    expect(user({ userName: 'a' }, other)).toEqual(['Millrace.KafkaUserForeignStack cluster']);
    expect(user({ distinguishedName: 'CN=a', cluster: mtls }, other)).toEqual([]);
    const imported = KafkaCluster.fromKafkaClusterAttributes(other, 'Imported', {
      clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9',
    });
    expect(user({ userName: 'a', cluster: imported }, other)).toEqual(['Millrace.KafkaUserForeignStack cluster']);
    expect(user({ distinguishedName: 'CN=a', cluster: imported }, other)).toEqual([]);
  });

  test('takes no secret that MSK would refuse', () => {
    const encryptionKey = new kms.Key(stack, 'Key');
    const secret = (props: secretsmanager.SecretProps) =>
      user({ userName: 'a', secret: new secretsmanager.Secret(stack, `Secret${made++}`, props) });
    const [name, key] = ['Millrace.KafkaSecretNameInvalid secret', 'Millrace.KafkaSecretKeyMissing secret'];
    expect(secret({ secretName: 'AmazonMSK_a', encryptionKey })).toEqual([]);
    expect(secret({ secretName: 'kafka/a', encryptionKey })).toEqual([name]);
    expect(secret({ encryptionKey })).toEqual([name]);
    expect(secret({ secretName: 'AmazonMSK_a' })).toEqual([key]);
    expect(secret({})).toEqual([name, key]);
    const imported = (secretName: string) =>
      user({ userName: 'a', secret: secretsmanager.Secret.fromSecretNameV2(stack, `Secret${made++}`, secretName) });
    expect([imported('AmazonMSK_a'), imported('a')]).toEqual([[key], [name, key]]);
  });
});

describe('listeners', () => {
  test('of a cluster are asked for only where they are on', () => {
    expect(codeOf(() => cluster().bootstrapServersFor(KafkaListener.SCRAM))).toBe('Millrace.KafkaListenerOff');
    const imported = KafkaCluster.fromKafkaClusterAttributes(stack, 'Imported', {
      clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9',
      bootstrapServers: 'b-1:9098,b-2:9098',
    });
    expect(imported.bootstrapServers).toBe('b-1:9098,b-2:9098');
    expect(imported.node.children).toEqual([]);
    expect(codeOf(() => imported.bootstrapServersFor(KafkaListener.MTLS))).toBe('Millrace.KafkaListenerOff');
  });

  test('with certificates name who signs them', () => {
    expect(codeOf(() => ClientAuthentication.iam().withMtls([]))).toBe('Millrace.KafkaCertificateAuthoritiesMissing');
  });
});

describe('a connection', () => {
  const connect = (to: KafkaCluster, listener?: KafkaListener, vpcSubnets?: ec2.SubnetSelection) =>
    codeOf(() => new VpcConnection(stack, `Connection${made++}`, { cluster: to, vpc, listener, vpcSubnets }));
  const offered = cluster({ clientAuthentication: ClientAuthentication.iam().withMultiVpc() });

  test('needs a cluster that offers it in that way', () => {
    expect([connect(offered), connect(offered, KafkaListener.SCRAM), connect(cluster())]).toEqual([
      undefined,
      'Millrace.KafkaConnectionNotOffered',
      'Millrace.KafkaConnectionNotOffered',
    ]);
  });

  test('stands in two zones or more', () => {
    expect([1, 2].map((zones) => connect(offered, undefined, { subnets: vpc.privateSubnets.slice(0, zones) }))).toEqual([
      'Millrace.KafkaConnectionZonesInvalid',
      undefined,
    ]);
  });

  test('is announced by a warning where a policy lets others in and the cluster offers none', () => {
    const app = new App({ builtinCloudFormationValidation: false } as never);
    const alone = new Stack(app, 'Alone', { env: ENV, tags: { team: 't' } });
    const shut = new KafkaCluster(alone, 'Kafka', { vpc: threeZones(alone), demand: DEMAND });
    shut.allowAccount('444455556666');
    const messages = shut.node.metadata.map(({ data }) => String(data));
    expect(messages.filter((message) => message.includes('KafkaPolicyWithoutMultiVpc'))).toHaveLength(1);
  });
});

test('a client with a network cannot act as a user of a cluster whose network is not known', () => {
  const known = (securityGroups?: ec2.ISecurityGroup[]) =>
    KafkaCluster.fromKafkaClusterAttributes(stack, `Imported${made++}`, {
      clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9',
      clientAuthentication: ClientAuthentication.iam().withMtls([authority]),
      securityGroups,
    });
  const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'OldBrokers', 'sg-0f1e2d3c4b5a69788');
  const client = new ec2.SecurityGroup(stack, 'Scanner', { vpc });
  const worker = { connections: client.connections, grantPrincipal: new iam.AccountPrincipal(ENV.account) };
  const connect = (securityGroups?: ec2.ISecurityGroup[]) =>
    codeOf(() =>
      new KafkaUser(stack, `User${made++}`, { cluster: known(securityGroups), distinguishedName: 'CN=a' }).grants.connect(worker),
    );
  expect([connect(), connect([group])]).toEqual(['Millrace.KafkaClusterConnectionsUnknown', undefined]);
});

test('a serverless cluster has no users of either kind, and no listener to add for them', () => {
  const calm = new ServerlessCluster(stack, 'Calm', { vpc, demand: DEMAND });
  for (const name of [{ userName: 'a' }, { distinguishedName: 'CN=a' }]) {
    expect(refusalOf(() => new KafkaUser(stack, `User${made++}`, { cluster: calm, ...name }))).toEqual([
      'Millrace.KafkaAdminOnServerless cluster',
    ]);
  }
});

describe('the topics of a serverless cluster', () => {
  /** What the synthesis of an app with these topics says. */
  const codes = (...topics: TopicOptions[]) => {
    const app = new App({ builtinCloudFormationValidation: false } as never);
    const alone = new Stack(app, 'Alone', { env: ENV });
    new CostAllocation({ team: 't', service: 's', costCenter: 'c', environment: 'prod' }).applyTo(alone);
    const topical = new ServerlessCluster(alone, 'Kafka', { vpc: threeZones(alone), demand: DEMAND });
    topics.forEach((options, index) => topical.addTopic(`Topic${index}`, options));
    return codesIn(() => app.synth());
  };
  const load = (mebibytes: number) => ({ messagesPerSecond: mebibytes * 1024, messageSize: Size.kibibytes(1) });

  test('write and read no more than its quotas together', () => {
    expect(codes({ topicName: 'a', demand: load(100) }, { topicName: 'b', demand: load(90) })).toEqual([]);
    expect(codes({ topicName: 'a', demand: load(100) }, { topicName: 'b', demand: load(91) })).toEqual([
      'Millrace.KafkaTopicDemandDoesNotFit',
    ]);
    expect(codes({ topicName: 'a', demand: { ...load(100), consumers: 4 } })).toEqual(['Millrace.KafkaTopicDemandDoesNotFit']);
  });

  test('have partitions enough for what each carries', () => {
    expect(codes({ topicName: 'a', partitions: 2, demand: load(9) })).toEqual([]);
    expect(codes({ topicName: 'a', partitions: 2, demand: load(10) })).toEqual(['Millrace.KafkaTopicDemandDoesNotFit']);
  });

  test('have no more partitions than it holds, compacted ones counted by themselves', () => {
    const compacted = (partitions: number, cleanupPolicy = CleanupPolicy.COMPACT) => ({ topicName: 'c', partitions, cleanupPolicy });
    expect(codes({ topicName: 'a', partitions: 2400 }, compacted(120))).toEqual([]);
    expect(codes({ topicName: 'a', partitions: 2401 })).toEqual(['Millrace.KafkaTopicsDoNotFit']);
    expect(codes(compacted(121))).toEqual(['Millrace.KafkaTopicsDoNotFit']);
    expect(codes(compacted(121, CleanupPolicy.COMPACT_DELETE))).toEqual(['Millrace.KafkaTopicsDoNotFit']);
  });
});

describe('a serverless cluster', () => {
  const serverless = (props: Partial<ServerlessClusterProps>) =>
    codeOf(() => new ServerlessCluster(stack, `Serverless${made++}`, { vpc, demand: DEMAND, ...props }));

  test('fails without a demand, in one zone, under a bad name and beyond the quotas', () => {
    expect(serverless({})).toBeUndefined();
    expect(serverless({ demand: undefined })).toBe('Millrace.KafkaClusterSizeMissing');
    expect(serverless({ vpcSubnets: { subnets: vpc.privateSubnets.slice(0, 1) } })).toBe('Millrace.KafkaServerlessZonesInvalid');
    expect(serverless({ clusterName: '-a' })).toBe('Millrace.KafkaClusterNameInvalid');
    expect(serverless({ demand: { ...DEMAND, peakIngress: Bitrate.mbps(1700) } })).toBe('Millrace.KafkaDemandDoesNotFit');
  });
});
