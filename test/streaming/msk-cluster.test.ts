import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, CfnOutput, Duration, Size, Stack } from 'aws-cdk-lib';
import * as acmpca from 'aws-cdk-lib/aws-acmpca';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import {
  ClientAuthentication,
  KafkaCluster,
  KafkaListener,
  KafkaUser,
  KafkaVersion,
  MonitoringLevel,
  ServerlessCluster,
  VpcConnection,
} from '../../lib/streaming/aws';
import { BrokerType } from '../../lib/streaming/broker-type';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { threeZones } from '../contract/kafka-flavours';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const DEMAND = { peakIngress: Bitrate.mbps(80), partitions: 120 };
const LARGE = KafkaSizing.fixed({
  brokerType: BrokerType.of('kafka.m7g.4xlarge'),
  brokers: 3,
  storagePerBroker: Size.gibibytes(1000),
  provisionedThroughput: Bitrate.mbps((500 * 8 * 1024 * 1024) / 1e6),
  primaryRetention: Duration.hours(24),
  threadSettings: { 'num.io.threads': '16', 'num.network.threads': '8', 'num.replica.fetchers': '4' },
});
const CA_ARN = 'arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-msk-'));
const app = new App({ outdir, builtinCloudFormationValidation: false, context: { '@aws-cdk/aws-iam:minimizePolicies': true } });
new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);

const open = new Stack(app, 'Open', { env: ENV });
const vpc = threeZones(open);
const authority = acmpca.CertificateAuthority.fromCertificateAuthorityArn(open, 'Authority', CA_ARN);
const cluster = new KafkaCluster(open, 'Kafka', {
  vpc,
  sizing: LARGE,
  clusterName: 'ledger',
  kafkaVersion: KafkaVersion.V4_1,
  clientAuthentication: ClientAuthentication.iam().withMtls([authority]).withScram().withMultiVpc(),
  storage: { autoscaling: { maxSize: Size.tebibytes(4) } },
  monitoring: { level: MonitoringLevel.PER_TOPIC_PER_BROKER, logRetention: logs.RetentionDays.THREE_MONTHS },
  brokerSettings: { config: { 'message.max.bytes': '2000000', 'num.io.threads': '24' } },
});
cluster.allowAccount('444455556666');
cluster.allowAccount('777788889999');
const auditArn = 'arn:aws:iam::444455556666:role/audit';
const ledgerTopic = cluster.addTopic('Ledger', { topicName: 'ledger' });
ledgerTopic.grants.consume(iam.Role.fromRoleArn(open, 'Audit', auditArn), { groupId: 'audit' });
ledgerTopic.grants.consume(iam.Role.fromRoleArn(open, 'Own', 'arn:aws:iam::111122223333:role/own'), { groupId: 'own' });
const reports = new KafkaUser(open, 'Reports', { cluster, userName: 'reports' });
new KafkaUser(open, 'Archive', { cluster, userName: 'archive' });
const scanner = new KafkaUser(open, 'Scanner', { cluster, distinguishedName: 'CN=scanner,O=Example' });
new CfnOutput(open, 'Servers', { value: [cluster.bootstrapServers, cluster.bootstrapServersFor(KafkaListener.SCRAM)].join(';') });

const clients = new Stack(app, 'Clients', { env: ENV });
const clientVpc = threeZones(clients);
const code = lambda.Code.fromInline('exports.handler = async () => {};');
const worker = new lambda.Function(clients, 'Worker', {
  runtime: lambda.Runtime.NODEJS_22_X,
  handler: 'index.handler',
  code,
  vpc: clientVpc,
});
reports.grants.connect(worker);
const reader = new iam.Role(clients, 'Reader', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
reports.grants.connect(reader);

const partner = new Stack(app, 'Partner', { env: { ...ENV, account: '444455556666' } });
const partnerVpc = threeZones(partner);
const remote = KafkaCluster.fromKafkaClusterAttributes(partner, 'Kafka', {
  clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/ledger/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1',
});
const connection = new VpcConnection(partner, 'Connection', { cluster: remote, vpc: partnerVpc, listener: KafkaListener.SCRAM });
connection.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.0.0.0/16'));
new CfnOutput(partner, 'Servers', { value: connection.bootstrapServers });

const serverless = new Stack(app, 'Serverless', { env: ENV });
const calm = new ServerlessCluster(serverless, 'Kafka', { vpc: threeZones(serverless), demand: { ...DEMAND, partitions: 60 } });
new CfnOutput(serverless, 'Servers', { value: calm.bootstrapServers });

const assembly = Assembly.fromDirectories({ templates: app.synth().directory });
function all(stackId: string, type: string): SynthesizedResource[] {
  return assembly.stacks.find(({ id }) => id === stackId)!.resources.filter((resource) => resource.type === type);
}
const only = (stackId: string, type: string) => {
  const found = all(stackId, type);
  expect(found).toHaveLength(1);
  return found[0];
};
const made = () => only('Open', 'AWS::MSK::Cluster').properties;
const idOf = (stackId: string, type: string, part: string) => all(stackId, type).find(({ path: where }) => where.includes(part))!.logicalId;

describe('a cluster with every way in', () => {
  test('knows clients by IAM, by password and by certificate, and nobody without', () => {
    expect(made().ClientAuthentication).toEqual({
      Sasl: { Iam: { Enabled: true }, Scram: { Enabled: true } },
      Tls: { Enabled: true, CertificateAuthorityArnList: [CA_ARN] },
      Unauthenticated: { Enabled: false },
    });
    expect(cluster.clientAuthentication?.listeners).toEqual(['iam', 'scram', 'mtls']);
  });

  test('offers each of them to other VPCs', () => {
    expect(made().BrokerNodeGroupInfo.ConnectivityInfo).toEqual({
      VpcConnectivity: {
        ClientAuthentication: { Sasl: { Iam: { Enabled: true }, Scram: { Enabled: true } }, Tls: { Enabled: true } },
      },
    });
  });

  test('is looked up once for all of them', () => {
    const [lookup, ...rest] = all('Open', 'Custom::AWS');
    expect(rest).toEqual([]);
    expect(JSON.stringify(lookup.properties.Update)).toContain(
      '\\"outputPaths\\":[\\"BootstrapBrokerStringSaslIam\\",\\"BootstrapBrokerStringSaslScram\\",\\"BootstrapBrokerStringTls\\"]',
    );
  });

  test('lets other accounts connect, and gives them no right on a topic', () => {
    const { Policy, ClusterArn } = only('Open', 'AWS::MSK::ClusterPolicy').properties;
    const arn = { 'Fn::GetAtt': [only('Open', 'AWS::MSK::Cluster').logicalId, 'Arn'] };
    expect(ClusterArn).toEqual(arn);
    const [connect] = Policy.Statement;
    expect([connect.Effect, connect.Action, connect.Resource]).toEqual([
      'Allow',
      ['kafka:CreateVpcConnection', 'kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'],
      arn,
    ]);
    const principals = JSON.stringify(connect.Principal);
    expect([principals.includes(':iam::444455556666:root'), principals.includes(':iam::777788889999:root')]).toEqual([true, true]);
  });

  test('names a client of another account in its own policy too, as both accounts must allow it, and no client of its own account', () => {
    const [, ...granted] = only('Open', 'AWS::MSK::ClusterPolicy').properties.Policy.Statement;
    expect(granted.map((statement: any) => [statement.Principal, statement.Action])).toEqual([
      [{ AWS: auditArn }, 'kafka-cluster:Connect'],
      [{ AWS: auditArn }, ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData']],
      [{ AWS: auditArn }, ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup']],
    ]);
    expect(JSON.stringify(granted[1].Resource)).toContain('/ledger"');
  });

  test('stands among the servers of the catalogue, as a serverless one does', () => {
    const { servers, channels } = JSON.parse(fs.readFileSync(path.join(outdir, 'catalog/asyncapi.json'), 'utf8'));
    expect(servers).toMatchObject({
      ledger: { protocol: 'kafka-secure', host: '{bootstrapServers}', 'x-construct': 'Open/Kafka', 'x-owner': { team: 'streaming' } },
      [calm.clusterName]: { protocol: 'kafka-secure', 'x-construct': 'Serverless/Kafka' },
    });
    expect(channels['ledger.ledger'].servers).toEqual([{ $ref: '#/servers/ledger' }]);
  });

  test('keeps older records on the other tier, with the throughput that the size buys', () => {
    expect(made().StorageMode).toBe('TIERED');
    expect(made().BrokerNodeGroupInfo.StorageInfo).toEqual({
      EBSStorageInfo: { VolumeSize: 1000, ProvisionedThroughput: { Enabled: true, VolumeThroughput: 500 } },
    });
  });

  test('lets its volumes grow to what one would pay for, and never shrink', () => {
    expect(only('Open', 'AWS::ApplicationAutoScaling::ScalableTarget').properties).toEqual({
      ServiceNamespace: 'kafka',
      ScalableDimension: 'kafka:broker-storage:VolumeSize',
      ResourceId: { 'Fn::GetAtt': [only('Open', 'AWS::MSK::Cluster').logicalId, 'Arn'] },
      MinCapacity: 1,
      MaxCapacity: 4096,
    });
    expect(only('Open', 'AWS::ApplicationAutoScaling::ScalingPolicy').properties).toMatchObject({
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'KafkaBrokerStorageUtilization' },
        TargetValue: 60,
        DisableScaleIn: true,
      },
    });
    expect(all('Open', 'AWS::IAM::Role').filter(({ path: where }) => where.includes('StorageAutoscaling'))).toEqual([]);
  });

  test('has the settings of its size, and those it is given before them', () => {
    expect(only('Open', 'AWS::MSK::Configuration').properties.ServerProperties.trimEnd().split('\n')).toEqual([
      'allow.everyone.if.no.acl.found=false',
      'auto.create.topics.enable=false',
      'default.replication.factor=3',
      'message.max.bytes=2000000',
      'min.insync.replicas=2',
      'num.io.threads=24',
      'num.network.threads=8',
      'num.replica.fetchers=4',
      'replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'unclean.leader.election.enable=false',
    ]);
  });

  test('is watched as finely as asked', () => {
    expect(made().EnhancedMonitoring).toBe('PER_TOPIC_PER_BROKER');
    expect(only('Open', 'AWS::Logs::LogGroup').properties.RetentionInDays).toBe(90);
  });
});

describe('a user', () => {
  test('with a password has it in a retained secret under a rotated customer key, named as MSK wants', () => {
    const secrets = all('Open', 'AWS::SecretsManager::Secret');
    expect(secrets.map(({ properties }) => properties.Name)).toEqual(['AmazonMSK_ledger_reports', 'AmazonMSK_ledger_archive']);
    const key = only('Open', 'AWS::KMS::Key');
    expect(key).toMatchObject({ deletionPolicy: 'Retain', properties: { EnableKeyRotation: true } });
    for (const { properties, deletionPolicy } of secrets) {
      expect(properties.KmsKeyId).toEqual({ 'Fn::GetAtt': [key.logicalId, 'Arn'] });
      expect(deletionPolicy).toBe('Retain');
    }
    expect(secrets[0].properties.GenerateSecretString).toEqual({
      SecretStringTemplate: '{"username":"reports"}',
      GenerateStringKey: 'password',
      ExcludePunctuation: true,
      PasswordLength: 32,
    });
  });

  test('is on the one list that MSK keeps for the cluster, in an order of names', () => {
    expect(only('Open', 'AWS::MSK::BatchScramSecret').properties).toEqual({
      ClusterArn: { 'Fn::GetAtt': [only('Open', 'AWS::MSK::Cluster').logicalId, 'Arn'] },
      SecretArnList: ['Archive', 'Reports'].map((part) => ({ Ref: idOf('Open', 'AWS::SecretsManager::Secret', part) })),
    });
  });

  test('with a certificate has no secret', () => {
    expect([scanner.principal, scanner.secret]).toEqual(['User:CN=scanner,O=Example', undefined]);
  });

  test('is told apart from what IAM knows', () => {
    const elsewhere = KafkaUser.fromKafkaUserAttributes(new Stack(new App(), 'Elsewhere'), 'User', { cluster, userName: 'reports' });
    expect([reports, scanner, elsewhere, reader, undefined, 'x'].map((x) => KafkaUser.isKafkaUser(x))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(elsewhere.principal).toBe('User:reports');
  });

  test('lets a workload act as it: the secret, its key and the port of passwords, no other', () => {
    const policies = all('Clients', 'AWS::IAM::Policy').filter(({ path: where }) => /Worker|Reader/.test(where));
    for (const { properties } of policies) {
      const actions = properties.PolicyDocument.Statement.map(({ Action }: any) => Action);
      expect(actions).toEqual([['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'], 'kms:Decrypt']);
    }
    expect(policies).toHaveLength(2);
    const inward = only('Clients', 'AWS::EC2::SecurityGroupIngress').properties;
    expect([inward.IpProtocol, inward.FromPort, inward.ToPort]).toEqual(['tcp', 9096, 9096]);
  });
});

describe('a connection from another account', () => {
  test('stands in three private subnets and serves one way of logging in', () => {
    const { properties } = only('Partner', 'AWS::MSK::VpcConnection');
    expect(properties).toMatchObject({ Authentication: 'SASL_SCRAM', TargetClusterArn: remote.clusterArn });
    expect(properties.ClientSubnets).toHaveLength(3);
    expect(properties.SecurityGroups).toHaveLength(1);
  });

  test('lets clients in on the ports of the brokers', () => {
    const group = only('Partner', 'AWS::EC2::SecurityGroup').properties;
    expect(group.SecurityGroupIngress).toEqual([expect.objectContaining({ FromPort: 14001, ToPort: 14100, CidrIp: '10.0.0.0/16' })]);
  });

  test('asks for its brokers once it is there', () => {
    const [lookup] = all('Partner', 'Custom::AWS');
    expect(JSON.stringify(lookup.properties.Update)).toContain('BootstrapBrokerStringVpcConnectivitySaslScram');
    const file = assembly.stacks.find(({ id }) => id === 'Partner')!.templateFile;
    const template = JSON.parse(fs.readFileSync(path.join(outdir, path.basename(file)), 'utf8'));
    expect(template.Resources[lookup.logicalId].DependsOn).toContain(only('Partner', 'AWS::MSK::VpcConnection').logicalId);
  });
});

describe('a serverless cluster', () => {
  test('is private, retained, known by IAM alone, and carries its tags itself from the first day', () => {
    const { properties, ...rest } = only('Serverless', 'AWS::MSK::ServerlessCluster');
    expect(rest).toMatchObject({ deletionPolicy: 'Retain', updateReplacePolicy: 'Retain' });
    expect(properties.ClientAuthentication).toEqual({ Sasl: { Iam: { Enabled: true } } });
    expect(properties.VpcConfigs).toHaveLength(1);
    expect(properties.VpcConfigs[0].SubnetIds).toHaveLength(3);
    expect(properties.Tags).toMatchObject({ team: 'streaming', service: 'kafka' });
    expect(only('Serverless', 'AWS::EC2::SecurityGroup')).toMatchObject({ deletionPolicy: 'Retain' });
  });

  test('says what decided and has the verbs of a cluster', () => {
    expect([calm.sizing.choice, calm.isServerless]).toEqual(['serverless', true]);
    expect(calm.clientAuthentication?.listeners).toEqual(['iam']);
    expect(only('Serverless', 'AWS::MSK::ServerlessCluster').metadata['millrace.io/sizing']).toMatchObject({ choice: 'serverless' });
  });
});

describe('metrics', () => {
  const stack = new Stack(new App(), 'Express', { env: ENV });
  const express = new KafkaCluster(stack, 'Kafka', {
    vpc: threeZones(stack),
    demand: DEMAND,
    clusterName: 'express',
  });

  test('name the cluster, the broker and the statistic that tells the truth', () => {
    const { dimensions, metricName, namespace, statistic } = cluster.metrics.underReplicatedPartitions(2);
    expect([namespace, metricName, statistic, dimensions]).toEqual([
      'AWS/Kafka',
      'UnderReplicatedPartitions',
      'Sum',
      { 'Cluster Name': 'ledger', 'Broker ID': '2' },
    ]);
    expect(cluster.metrics.offlinePartitions().statistic).toBe('Sum');
    expect(cluster.metrics.timeLag('fraud', 'payments').dimensions).toEqual({
      'Cluster Name': 'ledger',
      'Consumer Group': 'fraud',
      Topic: 'payments',
    });
    expect(Object.keys(cluster.metrics.cpuUtilisation(1).usingMetrics)).toEqual(['user', 'system']);
  });

  const all: [name: string, standard: boolean, expressBrokers: boolean][] = [
    ['activeControllers', true, true],
    ['offlinePartitions', true, false],
    ['dataDiskUsed', true, false],
    ['storageUsed', false, true],
    ['cpuUtilisation', true, true],
    ['underReplicatedPartitions', true, false],
    ['underMinIsrPartitions', true, false],
    ['partitions', true, true],
    ['bytesIn', true, true],
    ['bytesOut', true, true],
    ['requestHandlerIdle', true, true],
    ['networkProcessorIdle', true, true],
    ['heapAfterCollection', true, false],
    ['produceThrottle', false, true],
    ['fetchThrottle', false, true],
    ['connectionCreation', true, true],
    ['tooManyIamConnections', true, true],
    ['offsetLag', true, true],
    ['timeLag', true, true],
  ];

  test.each(all)('%s is refused where the brokers never report it', (name, onStandard, onExpress) => {
    const refused = (of: KafkaCluster) => {
      try {
        (of.metrics as any)[name](1, 'topic');
        return undefined;
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const code = 'Millrace.KafkaMetricNeverReported';
    expect([refused(cluster), refused(express)]).toEqual([onStandard ? undefined : code, onExpress ? undefined : code]);
  });
});

describe('a given key and given secrets', () => {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false } as never), 'Given', { env: ENV });
  new CostAllocation({ team: 't', service: 's', costCenter: 'c', environment: 'e' }).applyTo(stack);
  const encryptionKey = new kms.Key(stack, 'Key');
  const own = new KafkaCluster(stack, 'Kafka', {
    vpc: threeZones(stack),
    demand: DEMAND,
    clientAuthentication: ClientAuthentication.iam().withScram({ encryptionKey }),
  });
  const writer = new KafkaUser(stack, 'Made', { cluster: own, userName: 'made' });
  writer.allow('topic', 'payments', 'literal', ['Describe', 'Write']);
  writer.allow('transactionalId', 'pay-', 'prefix', ['Describe', 'Write']);
  const given = [
    new secretsmanager.Secret(stack, 'New', { secretName: 'AmazonMSK_new', encryptionKey }),
    secretsmanager.Secret.fromSecretAttributes(stack, 'Old', {
      secretCompleteArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:AmazonMSK_old-AbCdEf',
      encryptionKey,
    }),
  ];
  given.forEach((secret, index) => new KafkaUser(stack, `Given${index}`, { cluster: own, userName: `given${index}`, secret }));
  const { Resources } = (stack.node.root as App).synth().getStackByName('Given').template;
  const ofType = (type: string) => Object.values<any>(Resources).filter(({ Type }) => Type === type);

  test('are used instead of new ones', () => {
    expect(ofType('AWS::KMS::Key')).toHaveLength(1);
    expect(ofType('AWS::SecretsManager::Secret')).toHaveLength(2);
    expect(ofType('AWS::MSK::BatchScramSecret')[0].Properties.SecretArnList).toHaveLength(3);
  });

  test('what a user may do is written into the access list of Kafka, in its words', () => {
    const [acls, ...rest] = ofType('Custom::MillraceKafkaAcls');
    expect(rest).toEqual([]);
    expect(
      acls.Properties.Bindings.map((line: any) => [line.Principal, line.Operation, line.ResourceType, line.PatternType, line.ResourceName]),
    ).toEqual([
      ['User:made', 'DESCRIBE', 'TOPIC', 'LITERAL', 'payments'],
      ['User:made', 'WRITE', 'TOPIC', 'LITERAL', 'payments'],
      ['User:made', 'DESCRIBE', 'TRANSACTIONAL_ID', 'PREFIXED', 'pay-'],
      ['User:made', 'WRITE', 'TRANSACTIONAL_ID', 'PREFIXED', 'pay-'],
    ]);
  });
});
