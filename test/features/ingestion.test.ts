import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, Duration, Resource, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { FeatureIngestion, type FeatureIngestionProps, FeatureIngestionSizing } from '../../lib/features/aws';
import type { IFeatureGroup } from '../../lib/features/aws/imported-feature-group';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import { KafkaCluster, ServerlessCluster, Topic } from '../../lib/streaming/aws';
import { Schema } from '../../lib/streaming/schema';
import { evaluate } from '../contract/intrinsics';
import { NO_HISTORY, threeZones } from '../contract/kafka-flavours';
import { codeOf, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const CONTEXT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  '@aws-cdk/aws-iam:minimizePolicies': true,
  ...NO_HISTORY,
};
const CLUSTER_ARN = 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1';

const avro = (...fields: unknown[]) => Schema.avro(JSON.stringify({ type: 'record', name: 'Authorized', fields }));
const CARD = { name: 'card', type: 'string' };
const AT = { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } };
const AUTHORIZED = avro(CARD, AT, { name: 'amount', type: 'double' }, { name: 'fraud', type: ['null', 'boolean'], default: null });

const FEATURES = new FeatureSchema({
  name: 'card-activity',
  entityKey: 'card_id',
  eventTime: EventTime.timestamp('authorized_at', { source: 'at' }),
  features: [
    { name: 'card_id', type: FeatureType.STRING, source: 'card' },
    { name: 'amount', type: FeatureType.FRACTIONAL },
    { name: 'fraud', type: FeatureType.INTEGRAL },
  ],
  owner: 'fraud',
  freshness: Duration.seconds(30),
});

/** A feature group as others make it. */
class Group extends Resource implements IFeatureGroup {
  public readonly featureGroupName: string;
  public readonly featureGroupArn: string;

  public readonly schema: FeatureSchema;
  public readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, props?: { schema?: FeatureSchema; encryptionKey?: kms.IKey; exists?: boolean }) {
    super(scope, id);
    const schema = props?.schema ?? FEATURES;
    this.schema = schema;
    this.encryptionKey = props?.encryptionKey;
    this.featureGroupName = schema.name;
    this.featureGroupArn = Stack.of(this).formatArn({ service: 'sagemaker', resource: 'feature-group', resourceName: schema.name });
    // CloudFormation's validator takes half a minute for thousands of features, which are not what is tested here.
    if (props?.exists) return;
    new sagemaker.CfnFeatureGroup(this, 'Resource', {
      featureGroupName: schema.name,
      recordIdentifierFeatureName: schema.entityKey,
      eventTimeFeatureName: schema.eventTime.name,
      featureDefinitions: [...schema.features, schema.eventTime].map(({ name, type }) => ({ featureName: name, featureType: type })),
      onlineStoreConfig: { EnableOnlineStore: true },
    });
  }
}

function newApp(): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-ingestion-test-')), context: CONTEXT });
  new CostAllocation({ team: 'fraud', service: 'features', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

function importedCluster(stack: Stack, options: { closed?: boolean; key?: kms.IKey } = {}) {
  return KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', {
    clusterArn: CLUSTER_ARN,
    encryptionKey: options.key,
    securityGroups: options.closed ? [] : [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Brokers', 'sg-0a1b2c3d4e5f60719')],
  });
}

/** Stacks of one app: clusters made here, imported and serverless; with demand and dead letters, and without. */
function world() {
  const app = newApp();
  const plain = new Stack(app, 'Plain', { env: ENV });
  const kafka = new KafkaCluster(plain, 'Kafka', { vpc: threeZones(plain), demand: { peakIngress: Bitrate.mbps(80), partitions: 120 } });
  const authorized = kafka.addTopic('Authorized', { topicName: 'payments.authorized', schema: AUTHORIZED, deadLetter: true });
  const ingestion = new FeatureIngestion(plain, 'Ingestion', {
    topic: authorized,
    cluster: kafka,
    featureGroup: new Group(plain, 'Group'),
  });

  const demanding = new Stack(app, 'Demanding', { env: ENV });
  new FeatureIngestion(demanding, 'Ingestion', {
    topic: authorized,
    cluster: kafka,
    featureGroup: new Group(demanding, 'Group', { encryptionKey: new kms.Key(demanding, 'GroupKey') }),
    groupId: 'fraud-features',
    demand: { messagesPerSecond: 20_000, messageSize: Size.bytes(600) },
    batching: { size: 1000, window: Duration.seconds(2), parallelWrites: 32 },
  });

  const imported = new Stack(app, 'Imported', { env: ENV });
  const old = importedCluster(imported);
  const failureBucket = new s3.Bucket(imported, 'Bucket', { encryptionKey: new kms.Key(imported, 'Key') });
  new FeatureIngestion(imported, 'Ingestion', {
    topic: Topic.fromTopicAttributes(imported, 'Old', { cluster: old, topicName: 'old', schema: AUTHORIZED }),
    cluster: old,
    featureGroup: new Group(imported, 'Group'),
    failureBucket,
    demand: { messagesPerSecond: 10, messageSize: Size.bytes(600) },
    confluentSchemas: { '7': AUTHORIZED },
  });

  const serverless = new Stack(app, 'Serverless', { env: ENV });
  const small = new ServerlessCluster(serverless, 'Kafka', {
    vpc: threeZones(serverless),
    demand: { peakIngress: Bitrate.mbps(8), partitions: 12 },
  });
  new FeatureIngestion(serverless, 'Ingestion', {
    topic: small.addTopic('Authorized', {
      topicName: 'authorized',
      schema: Schema.jsonSchema(
        JSON.stringify({
          type: 'object',
          properties: {
            card: { type: 'string' },
            at: { type: 'string', format: 'date-time' },
            amount: { type: 'number' },
            fraud: { type: 'boolean' },
          },
          required: ['card', 'at'],
        }),
      ),
    }),
    cluster: small,
    featureGroup: new Group(serverless, 'Group'),
  });

  const wide = new Stack(app, 'Wide', { env: ENV });
  const names = Array.from({ length: 2498 }, (_, index) => `a-feature-with-a-rather-long-name-${index}`);
  const many = new FeatureSchema({
    name: 'wide',
    entityKey: 'card',
    eventTime: EventTime.timestamp('at'),
    features: [
      { name: 'card', type: FeatureType.STRING },
      ...names.map((name) => ({ name, type: FeatureType.FRACTIONAL, source: name.replaceAll('-', '_') })),
    ],
    owner: 'fraud',
  });
  const fields = names.map((name) => ({ name: name.replaceAll('-', '_'), type: 'double' }));
  const wideKafka = importedCluster(wide);
  new FeatureIngestion(wide, 'Ingestion', {
    topic: Topic.fromTopicAttributes(wide, 'Old', { cluster: wideKafka, topicName: 'wide', schema: avro(CARD, AT, ...fields) }),
    cluster: wideKafka,
    featureGroup: new Group(wide, 'Group', { schema: many, exists: true }),
  });
  return { app, ingestion };
}

const { app, ingestion } = world();
const directory = app.synth().directory;
const assembly = Assembly.fromDirectories({ templates: directory });

function all(stackId: string, type: string): SynthesizedResource[] {
  return assembly.stacks.find(({ id }) => id === stackId)!.resources.filter((resource) => resource.type === type);
}
function under(stackId: string, type: string, part: string): SynthesizedResource {
  const found = all(stackId, type).filter(({ path: at }) => at.includes(`/${part}`));
  expect(found).toHaveLength(1);
  return found[0];
}
const source = (stackId: string) => under(stackId, 'AWS::Lambda::EventSourceMapping', 'Ingestion/').properties;
const handlerOf = (stackId: string) => under(stackId, 'AWS::Lambda::Function', 'Ingestion/').properties;

/** Statements of the function's role: actions by resource, as they come out. */
function access(stackId: string): Record<string, string[]> {
  const { Statement } = under(stackId, 'AWS::IAM::Policy', 'Ingestion/Role/DefaultPolicy').properties.PolicyDocument;
  const found: Record<string, string[]> = {};
  for (const { Action, Resource: resources } of Statement) {
    for (const each of [resources].flat()) (found[evaluate(each)] ??= []).push(...[Action].flat());
  }
  return Object.fromEntries(Object.entries(found).map(([resource, actions]) => [resource, actions.sort()]));
}

const on = (stackId: string, ending: string) => Object.entries(access(stackId)).find(([resource]) => resource.endsWith(ending))?.[1];

function mappingOf(stackId: string): any {
  const key: string = handlerOf(stackId).Code.S3Key;
  return JSON.parse(fs.readFileSync(path.join(directory, `asset.${key.replace('.zip', '')}`, 'mapping.json'), 'utf8'));
}

describe('the function', () => {
  test('has its code from the package, the newest Node on ARM, a log of its own and no network', () => {
    const { Code: _code, Role: _role, LoggingConfig, Tags: _tags, Environment, ...rest } = handlerOf('Plain');
    expect(rest).toEqual({
      Architectures: ['arm64'],
      Description: 'Ingestion of feature group card-activity',
      Handler: 'index.handler',
      MemorySize: 512,
      Runtime: 'nodejs24.x',
      Timeout: 120,
    });
    expect(LoggingConfig.LogGroup).toBeDefined();
    expect(under('Plain', 'AWS::Logs::LogGroup', 'Ingestion/Log').properties.RetentionInDays).toBe(30);
    expect(Environment.Variables).toMatchObject({ FEATURE_GROUP_NAME: 'card-activity', PARALLEL_WRITES: '16', REPORTS_ITEMS: 'false' });
    expect(handlerOf('Demanding').Environment.Variables).toMatchObject({ PARALLEL_WRITES: '32', REPORTS_ITEMS: 'true' });
  });

  test('has the mapping beside its code, with the encoding that the schema declares', () => {
    expect(mappingOf('Plain')).toEqual({
      format: 'AVRO',
      schema: AUTHORIZED.definition,
      confluentSchemas: {},
      entityKey: 'card_id',
      eventTime: { name: 'authorized_at', source: 'at', encoding: 'epochMillis' },
      features: [
        { name: 'card_id', type: 'String', source: 'card' },
        { name: 'amount', type: 'Fractional', source: 'amount' },
        { name: 'fraud', type: 'Integral', source: 'fraud' },
      ],
    });
    expect(mappingOf('Serverless')).toMatchObject({ format: 'JSON', eventTime: { encoding: 'iso8601' } });
    expect(mappingOf('Imported').confluentSchemas).toEqual({ '7': AUTHORIZED.definition });
  });

  test('takes as many features as a group may have, within the 4 KB of its environment', () => {
    expect(mappingOf('Wide').features).toHaveLength(2499);
    expect(JSON.stringify(handlerOf('Wide').Environment.Variables).length).toBeLessThan(400);
  });

  test('is the same in two syntheses, and its folder is gone from where it was made', () => {
    const before = process.env.TMPDIR;
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-scratch-'));
    process.env.TMPDIR = scratch;
    const second = world().app;
    expect(fs.readdirSync(scratch).filter((name) => !/^millrace-ingestion-test-/.test(name))).toEqual([]);
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    const again = second.synth().directory;
    for (const stack of ['Plain', 'Demanding', 'Imported', 'Serverless']) {
      const read = (folder: string) => fs.readFileSync(path.join(folder, `${stack}.template.json`), 'utf8');
      expect(read(again)).toBe(read(directory));
    }
  });
});

describe('permissions', () => {
  test('are the topic, the group, the cluster, the feature group, the log and the failures, and nothing else', () => {
    expect(access('Imported')).toEqual({
      [CLUSTER_ARN]: [
        'kafka-cluster:Connect',
        'kafka-cluster:DescribeClusterDynamicConfiguration',
        'kafka:DescribeClusterV2',
        'kafka:GetBootstrapBrokers',
      ],
      [`${CLUSTER_ARN.replace(':cluster/', ':topic/')}/old`]: ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'],
      [`${CLUSTER_ARN.replace(':cluster/', ':group/')}/features-card-activity`]: [
        'kafka-cluster:AlterGroup',
        'kafka-cluster:DescribeGroup',
      ],
      'arn:aws:sagemaker:eu-west-1:111122223333:feature-group/card-activity': ['sagemaker:DeleteRecord', 'sagemaker:PutRecord'],
      '*': [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
        'ec2:DescribeVpcs',
        'glue:GetSchemaVersion',
      ],
      [`${evaluate({ 'Fn::GetAtt': ['IngestionLog', 'Arn'] })}`.replace('IngestionLog', logicalId('Imported', 'AWS::Logs::LogGroup'))]: [
        'logs:CreateLogStream',
        'logs:PutLogEvents',
      ],
      ...failuresOf('Imported'),
    });
  });

  test('of a topic made here include its dead-letter topic and its schemas', () => {
    const actions = Object.values(access('Demanding')).flat();
    expect(actions).toEqual(expect.arrayContaining(['kafka-cluster:WriteData', 'glue:GetSchemaVersion', 'kms:Decrypt']));
    expect(Object.values(access('Serverless')).flat()).toContain('glue:GetSchemaVersion');
    expect(on('Demanding', '/payments.authorized.dlq')).toEqual([
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:ReadData',
      'kafka-cluster:WriteData',
    ]);
    expect(actions).toContain('kafka-cluster:DescribeCluster');
    expect(on('Plain', '/payments.authorized.dlq')).toEqual(['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData']);
  });

  test('stand before the event source, and so does the topic', () => {
    const { dependsOn } = dependencies('Plain');
    expect(dependsOn).toEqual(
      expect.arrayContaining([
        under('Plain', 'AWS::IAM::Policy', 'Ingestion/Role/DefaultPolicy').logicalId,
        all('Plain', 'AWS::MSK::Topic').find(({ properties }) => properties.TopicName === 'payments.authorized')!.logicalId,
      ]),
    );
  });
});

describe('the order of a deploy', () => {
  test('puts the feature group before the function, which would else write to a group or to features that are not there', () => {
    const { logicalId: handler } = under('Plain', 'AWS::Lambda::Function', 'Ingestion/');
    expect(rawResource('Plain', handler).DependsOn).toContain(logicalIdOf('Plain', 'AWS::SageMaker::FeatureGroup'));
  });

  test('puts the dead-letter topic before the event source, for Lambda looks for it', () => {
    const raw = rawResource('Demanding', under('Demanding', 'AWS::Lambda::EventSourceMapping', 'Ingestion/').logicalId);
    const dead = all('Plain', 'AWS::MSK::Topic').filter(({ properties }) => properties.TopicName === 'payments.authorized.dlq');
    expect(dead).toHaveLength(1);
    expect(raw.DependsOn).not.toContain(dead[0].logicalId);
    expect(
      app
        .synth()
        .getStackByName('Demanding')
        .dependencies.map(({ id }) => id),
    ).toContain('Plain');
  });
});

describe('the event source', () => {
  test('reads the topic from its beginning in a named group, and gives up to the bucket', () => {
    const { Tags: _tags, EventSourceArn: _arn, FunctionName: _function, DestinationConfig, ...rest } = source('Plain');
    expect(rest).toEqual({
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'features-card-activity' },
      BatchSize: 500,
      MaximumBatchingWindowInSeconds: 1,
      StartingPosition: 'TRIM_HORIZON',
      Topics: ['payments.authorized'],
    });
    expect(DestinationConfig.OnFailure.Destination['Fn::GetAtt'][0]).toBe(all('Plain', 'AWS::S3::Bucket')[0].logicalId);
    expect(ingestion.groupId).toBe('features-card-activity');
  });

  test('has pollers of its own for a demand, tries single records again, and gives up to the dead-letter topic', () => {
    expect(source('Demanding')).toMatchObject({
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'fraud-features' },
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 2,
      ProvisionedPollerConfig: { MinimumPollers: 3, MaximumPollers: 12 },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 30,
      DestinationConfig: { OnFailure: { Destination: 'kafka://payments.authorized.dlq' } },
    });
    expect(source('Imported').DestinationConfig.OnFailure.Destination['Fn::GetAtt'][1]).toBe('Arn');
    expect(under('Demanding', 'AWS::Lambda::EventSourceMapping', 'Ingestion').metadata['millrace.io/sizing'].choice).toBe(
      '3 to 12 pollers',
    );
  });

  test('has a way from the group of the brokers to itself, and by HTTPS to AWS', () => {
    const [ingress] = all('Imported', 'AWS::EC2::SecurityGroupIngress').map(({ properties }) => properties);
    expect(ingress).toMatchObject({ FromPort: 9098, ToPort: 9098, GroupId: 'sg-0a1b2c3d4e5f60719' });
    expect(ingress.SourceSecurityGroupId).toBe('sg-0a1b2c3d4e5f60719');
    const group = all('Plain', 'AWS::EC2::SecurityGroup').find(({ properties }) => properties.GroupDescription === 'Kafka brokers')!;
    expect(group.properties.SecurityGroupEgress).toEqual([
      { CidrIp: '0.0.0.0/0', Description: 'Lambda pollers to AWS services', FromPort: 443, IpProtocol: 'tcp', ToPort: 443 },
    ]);
    const itself = all('Plain', 'AWS::EC2::SecurityGroupEgress').map(({ properties }) => properties);
    expect(itself).toEqual([expect.objectContaining({ FromPort: 9098, Description: 'Lambda pollers with IAM' })]);
  });
});

describe('failures', () => {
  test('are kept in a bucket of their own: private, encrypted, TLS only, for 14 days, and retained', () => {
    const [bucket] = all('Plain', 'AWS::S3::Bucket');
    expect(bucket.properties).toMatchObject({
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      LifecycleConfiguration: { Rules: [expect.objectContaining({ ExpirationInDays: 14, Status: 'Enabled' })] },
    });
    expect(rawResource('Plain', bucket.logicalId)).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    const [{ properties: policy }] = all('Plain', 'AWS::S3::BucketPolicy');
    expect(policy.PolicyDocument.Statement[0]).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  });

  test('go to the bucket that is given', () => {
    expect(all('Imported', 'AWS::S3::Bucket')).toHaveLength(1);
  });
});

describe('metrics', () => {
  test('tell freshness, what was written and rejected, and the lag', () => {
    const { metrics } = ingestion;
    expect(
      [metrics.freshness(), metrics.recordsWritten(), metrics.recordsRejected()].map((each) => each.toMetricConfig().metricStat),
    ).toEqual(
      [
        ['FeatureFreshness', 'p99'],
        ['RecordsWritten', 'Sum'],
        ['RecordsRejected', 'Sum'],
      ].map(([metricName, statistic]) =>
        expect.objectContaining({
          namespace: 'Millrace/Features',
          metricName,
          statistic,
          dimensions: [{ name: 'FeatureGroupName', value: 'card-activity' }],
        }),
      ),
    );
    expect(metrics.timeLag().toMetricConfig().metricStat).toMatchObject({ namespace: 'AWS/Kafka', metricName: 'EstimatedMaxTimeLag' });
    expect(metrics.timeLag().dimensions).toMatchObject({ 'Consumer Group': 'features-card-activity', Topic: 'payments.authorized' });
    expect([metrics.offsetLag(), metrics.errors()].map(({ namespace, metricName }) => `${namespace} ${metricName}`)).toEqual([
      'AWS/Lambda OffsetLag',
      'AWS/Lambda Errors',
    ]);
  });
});

describe('pollers', () => {
  const sized = (messagesPerSecond: number, bytes: number, parallel = 16) =>
    FeatureIngestionSizing.forDemand({ messagesPerSecond, messageSize: Size.bytes(bytes) }, parallel);

  test('follow from bytes or from writes, whichever takes more', () => {
    expect(sized(10, 100)).toMatchObject({ minimumPollers: 1, maximumPollers: 4 });
    // 30 MB/s at 5 MB/s each.
    expect(sized(3_000, 10_000)).toMatchObject({
      minimumPollers: 6,
      bottleneck: 'throughput',
      utilisation: { throughput: 1, writes: 0.125 },
    });
    // 5 invocations with 16 writes of 20 ms are 4,000 writes a second.
    expect(sized(10_000, 100)).toMatchObject({
      minimumPollers: 3,
      bottleneck: 'writes',
      utilisation: { throughput: 0.0667, writes: 0.8333 },
    });
  });
});

describe('refusals', () => {
  const made = (props: Partial<FeatureIngestionProps> & { schema?: Schema; closed?: boolean; features?: FeatureSchema }) => () => {
    const stack = new Stack(newApp(), 'Stack', { env: ENV });
    const cluster = importedCluster(stack, props);
    const { schema, closed: _closed, features, ...rest } = props;
    const topic = Topic.fromTopicAttributes(stack, 'Old', { cluster, topicName: 'old', schema });
    return new FeatureIngestion(stack, 'Ingestion', {
      topic,
      cluster,
      featureGroup: new Group(stack, 'Group', { schema: features }),
      ...rest,
    });
  };

  test('of a topic that cannot be read', () => {
    expect(refusalOf(made({}))).toEqual(['Millrace.FeatureIngestionSchemaUnknown topic.schema']);
    const protobuf = Schema.protobuf('syntax = "proto3"; message Authorized { string card = 1; }');
    expect(refusalOf(made({ schema: protobuf }))).toEqual(['Millrace.FeatureIngestionFormatUnsupported topic.schema']);
    expect(codeOf(made({ schema: AUTHORIZED, closed: true }))).toBe('Millrace.KafkaClusterConnectionsUnknown');
    expect(codeOf(made({ schema: AUTHORIZED, groupId: 'fraud *' }))).toBe('Millrace.KafkaGroupInvalid');
    expect(refusalOf(made({ schema: AUTHORIZED, groupId: 'g'.repeat(201) }))).toEqual(['Millrace.KafkaGroupInvalid groupId']);
  });

  test('of schemas of Confluent that no record can name', () => {
    const code = 'Millrace.FeatureIngestionFormatUnsupported confluentSchemas';
    expect(refusalOf(made({ schema: AUTHORIZED, confluentSchemas: { seven: AUTHORIZED } }))).toEqual([code]);
    expect(refusalOf(made({ schema: AUTHORIZED, confluentSchemas: { '7': Schema.jsonSchema('{"type":"object"}') } }))).toEqual([code]);
  });

  test('of a field that changed, with both ends named', () => {
    const work = made({ schema: avro(CARD, AT, { name: 'amount', type: 'string' }) });
    expect(refusalOf(work)).toEqual([
      'Millrace.FeatureFieldTypeMismatch amount of feature group card-activity',
      'Millrace.FeatureFieldMissing fraud of feature group card-activity',
    ]);
    expect(work).toThrow("'amount' of topic old is string, which is String");
  });

  test('of a consumer group in which another ingestion reads from the same cluster', () => {
    const stack = new Stack(newApp(), 'Stack', { env: ENV });
    const cluster = importedCluster(stack);
    const ingest = (id: string, groupId?: string) => () => {
      const topic = Topic.fromTopicAttributes(stack, `Topic${id}`, { cluster, topicName: id, schema: AUTHORIZED });
      return new FeatureIngestion(stack, id, { topic, cluster, featureGroup: new Group(stack, `Group${id}`, { exists: true }), groupId });
    };
    expect(refusalOf(ingest('First'))).toEqual([]);
    expect(refusalOf(ingest('Second'))).toEqual(['Millrace.FeatureIngestionGroupTwice groupId']);
    expect(refusalOf(ingest('Third', 'third'))).toEqual([]);
    const again = KafkaCluster.fromKafkaClusterAttributes(stack, 'Again', {
      clusterArn: CLUSTER_ARN,
      securityGroups: cluster.connections.securityGroups,
    });
    const topic = Topic.fromTopicAttributes(stack, 'Other', { cluster: again, topicName: 'other', schema: AUTHORIZED });
    const featureGroup = new Group(stack, 'Other group', { exists: true });
    const sameArn = () => new FeatureIngestion(stack, 'Fourth', { topic, cluster: again, featureGroup, groupId: 'third' });
    expect(refusalOf(sameArn)).toEqual(['Millrace.FeatureIngestionGroupTwice groupId']);
  });

  test('of batching and demand that Lambda or the promise does not take', () => {
    const refused = (batching: FeatureIngestionProps['batching']) => refusalOf(made({ schema: AUTHORIZED, batching }));
    const at = (subject: string) => [`Millrace.FeatureIngestionBatchingInvalid batching.${subject}`];
    expect(refused({ size: 10_001 })).toEqual(at('size'));
    expect(refused({ size: 0 })).toEqual(at('size'));
    expect(refused({ window: Duration.millis(500) })).toEqual(at('window'));
    expect(refused({ window: Duration.seconds(30) })).toEqual(at('window'));
    expect(refused({ window: Duration.seconds(29) })).toEqual([]);
    expect(refused({ parallelWrites: 51 })).toEqual(at('parallelWrites'));
    const demand = (messagesPerSecond: number) =>
      refusalOf(made({ schema: AUTHORIZED, demand: { messagesPerSecond, messageSize: Size.kibibytes(1) } }));
    expect(demand(0)).toEqual(['Millrace.FeatureIngestionDemandInvalid demand.messagesPerSecond']);
    expect(demand(800_000)).toEqual([]);
    expect(demand(1_100_000)).toEqual(['Millrace.FeatureIngestionDemandInvalid demand']);
  });
});

function logicalIdOf(stackId: string, type: string): string {
  const [{ logicalId: logical }] = all(stackId, type);
  return logical;
}
function rawResource(stackId: string, logical: string): any {
  return JSON.parse(fs.readFileSync(path.join(directory, `${stackId}.template.json`), 'utf8')).Resources[logical];
}
function dependencies(stackId: string): { dependsOn: string[] } {
  const { logicalId: logical } = under(stackId, 'AWS::Lambda::EventSourceMapping', 'Ingestion/');
  return { dependsOn: rawResource(stackId, logical).DependsOn };
}
function logicalId(stackId: string, type: string): string {
  return under(stackId, type, 'Ingestion/').logicalId;
}
function failuresOf(stackId: string): Record<string, string[]> {
  const bucket = evaluate({ 'Fn::GetAtt': [all(stackId, 'AWS::S3::Bucket')[0].logicalId, 'Arn'] });
  const key = evaluate({ 'Fn::GetAtt': [all(stackId, 'AWS::KMS::Key')[0].logicalId, 'Arn'] });
  return {
    [bucket]: ['s3:ListBucket'],
    [`${bucket}/*`]: ['s3:PutObject'],
    [key]: ['kms:GenerateDataKey'],
  };
}
