import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as fc from 'fast-check';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { Baseline } from '../../lib/core/baseline';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagUpdateRules, frozenTagsOf } from '../../lib/cost/tag-update-rules';
import {
  FeatureGroup,
  FeatureGroupAlarms,
  FeatureOperation,
  FeatureStore,
  type FeatureGroupStoreOptions,
  FeatureThroughput,
  OfflineStore,
  OnlineStore,
} from '../../lib/features/aws';
import { ttlDuration } from '../../lib/features/aws/feature-group-configuration';
import { EventTime } from '../../lib/features/event-time';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { FeatureSchema, type FeatureSchemaProps } from '../../lib/features/feature-schema';
import { FeatureUpdateRules } from '../../lib/features/feature-update-rules';
import { codesIn, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const FEATURES: Feature[] = [
  { name: 'card_id', type: FeatureType.STRING },
  { name: 'payments_1h', type: FeatureType.INTEGRAL },
  { name: 'amount_avg', type: FeatureType.FRACTIONAL },
];
const schema = (more: Partial<FeatureSchemaProps> = {}) =>
  new FeatureSchema({
    name: 'card-activity',
    entityKey: 'card_id',
    eventTime: EventTime.timestamp('event_time'),
    features: FEATURES,
    owner: 'fraud-ml',
    ...more,
  });
const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-features-'));

function newApp(team = 'fraud-ml', context: object = {}): App {
  const app = new App({
    outdir: folder(),
    context: {
      '@aws-cdk/core:validateAgainstDefaultRules': true,
      '@aws-cdk/core:defaultCrossStackReferences': 'strong',
      '@aws-cdk/aws-iam:minimizePolicies': true,
      ...context,
    },
  });
  new CostAllocation({ team, service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}
const newStack = () => new Stack(newApp(), 'Features', { env: ENV });

const app = newApp();
const plain = new Stack(app, 'Plain', { env: ENV });
const store = new FeatureStore(plain, 'Store', { storeName: 'fraud' });
const activity = store.addFeatureGroup('CardActivity', { schema: schema({ ttl: Duration.days(14), freshness: Duration.seconds(90) }) });
const alarms = new FeatureGroupAlarms(plain, 'Alarms', { featureGroup: activity });
alarms.addAlarmAction({ bind: () => ({ alarmActionArn: 'arn:aws:sns:eu-west-1:111122223333:fraud' }) });

const keyed = new Stack(app, 'Keyed', { env: ENV });
const key = kms.Key.fromKeyArn(keyed, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9');
const keyedStore = new FeatureStore(keyed, 'Store', { encryptionKey: key });
const merchant = keyedStore.addFeatureGroup('Merchant', {
  schema: schema({ name: 'merchant' }),
  throughput: FeatureThroughput.provisioned({ headroom: 50 }),
  demand: { readsPerSecond: 1000, writesPerSecond: 100, entities: 1e6, recordSize: Size.kibibytes(2) },
});
keyedStore.addFeatureGroup('Fast', {
  schema: schema({ name: 'fast' }),
  onlineStore: OnlineStore.inMemory({
    encryptionKey: kms.Key.fromKeyArn(keyed, 'Own', 'arn:aws:kms:eu-west-1:111122223333:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a'),
  }),
  offlineStore: OfflineStore.none(),
});
keyedStore.addFeatureGroup('Training', {
  schema: schema({ name: 'training' }),
  onlineStore: OnlineStore.none(),
  offlineStore: OfflineStore.glue(),
  throughput: FeatureThroughput.fixed({ writeCapacityUnits: 25 }),
  removalPolicy: RemovalPolicy.DESTROY,
});

const clients = new Stack(app, 'Clients', { env: ENV });
const role = (id: string) => new iam.Role(clients, id, { assumedBy: new iam.AccountRootPrincipal() });
activity.grants.read(role('Reader'));
activity.grants.write(role('Writer'));
activity.grants.readOffline(role('Trainer'), { workGroupName: 'training' });
merchant.grants.read(role('KeyedReader'));
merchant.grants.write(role('KeyedWriter'));
merchant.grants.readOffline(role('KeyedTrainer'));
const imported = FeatureGroup.fromFeatureGroupAttributes(clients, 'Imported', { schema: schema({ name: 'Old-Group' }) });
imported.grants.read(role('OldReader'));
const importedStore = FeatureStore.fromFeatureStoreAttributes(clients, 'ImportedStore', {
  storeName: 'shared',
  bucket: s3.Bucket.fromBucketName(clients, 'SharedBucket', 'shared-features'),
  offlineRole: iam.Role.fromRoleArn(clients, 'SharedRole', 'arn:aws:iam::111122223333:role/shared'),
});
new FeatureGroup(clients, 'InShared', { schema: schema({ name: 'in-shared' }), featureStore: importedStore });

const assembly = Assembly.fromDirectories({ templates: app.synth().directory });
const stackOf = (id: string) => assembly.stacks.find((stack) => stack.id === id)!.resources;
const groupOf = (id: string, stack = 'Keyed') =>
  stackOf(stack).find(({ type, path: where }) => type === 'AWS::SageMaker::FeatureGroup' && where.endsWith(`${id}/Resource`))!;
const oneOf = (type: string, stack = 'Plain') => stackOf(stack).find((resource) => resource.type === type)!;

/** ARNs as one string each, references in `<>`. */
function text(value: any): string {
  if (typeof value === 'string') return value;
  if (value.Ref) return `<${value.Ref}>`;
  if (value['Fn::GetAtt']) return `<${value['Fn::GetAtt'].join('.')}>`;
  if (value['Fn::Join']) return value['Fn::Join'][1].map(text).join(value['Fn::Join'][0]);
  if (value['Fn::ImportValue'])
    return `<${text(value['Fn::ImportValue']).replace(/^Plain:ExportsOutputFnGetAtt|^Keyed:ExportsOutputFnGetAtt|Arn[0-9A-F]*$/g, '')}>`;
  return JSON.stringify(value);
}
/** `actions on resources [if condition]` of every statement for a role. */
function statements(id: string, stack = 'Clients'): string[] {
  const policy = stackOf(stack).find(({ type, path: where }) => type === 'AWS::IAM::Policy' && where.includes(`/${id}/`))!;
  return policy.properties.PolicyDocument.Statement.map(({ Action, Resource, Condition }: any) => {
    const condition = Condition
      ? ` if ${JSON.stringify(Condition, (_, value) => (value?.['Fn::Join'] || value?.['Fn::Select'] ? text(value) : value))}`
      : '';
    return `${[Action].flat().join(' ')} on ${[Resource].flat().map(text).join(' ')}${condition}`;
  });
}

describe('a feature group', () => {
  test('is spelled as CloudFormation wants it, with standard online and Iceberg offline stores', () => {
    const { properties } = groupOf('CardActivity', 'Plain');
    const { Tags, ...rest } = properties;
    expect(Tags.map((tag: any) => tag.Key).sort()).toEqual(['cost-center', 'environment', 'service', 'team']);
    const bucket = oneOf('AWS::S3::Bucket').logicalId;
    expect(rest).toEqual({
      FeatureGroupName: 'card-activity',
      RecordIdentifierFeatureName: 'card_id',
      EventTimeFeatureName: 'event_time',
      FeatureDefinitions: [
        { FeatureName: 'event_time', FeatureType: 'Fractional' },
        { FeatureName: 'card_id', FeatureType: 'String' },
        { FeatureName: 'payments_1h', FeatureType: 'Integral' },
        { FeatureName: 'amount_avg', FeatureType: 'Fractional' },
      ],
      OnlineStoreConfig: { EnableOnlineStore: true, StorageType: 'Standard', TtlDuration: { Unit: 'Weeks', Value: 2 } },
      OfflineStoreConfig: {
        S3StorageConfig: { S3Uri: { 'Fn::Join': ['', ['s3://', { Ref: bucket }, '/fraud/card-activity']] } },
        TableFormat: 'Iceberg',
        DisableGlueTableCreation: false,
      },
      RoleArn: { 'Fn::GetAtt': [oneOf('AWS::IAM::Role').logicalId, 'Arn'] },
      ThroughputConfig: { ThroughputMode: 'OnDemand' },
    });
  });

  test('is retained, keeps its contract in its metadata, and waits for the whole role', () => {
    const group = groupOf('CardActivity', 'Plain');
    expect([group.deletionPolicy, group.updateReplacePolicy]).toEqual(['Retain', 'Retain']);
    expect(group.metadata['millrace.io/feature-schema']).toEqual({
      name: 'card-activity',
      entityKey: 'card_id',
      eventTime: 'event_time',
      features: FEATURES,
      owner: 'fraud-ml',
      ttlSeconds: 1_209_600,
      freshnessSeconds: 90,
    });
    const template = JSON.parse(fs.readFileSync(path.join(app.outdir, 'Plain.template.json'), 'utf8'));
    const waits = template.Resources[group.logicalId].DependsOn;
    expect(waits).toEqual(
      stackOf('Plain')
        .filter(({ type }) => type === 'AWS::IAM::Role' || type === 'AWS::IAM::Policy')
        .map(({ logicalId }) => logicalId)
        .sort(),
    );
  });

  test('has the key of its store online and offline, or one of its own online', () => {
    const ours = { KmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9' };
    expect(groupOf('Merchant').properties.OnlineStoreConfig.SecurityConfig).toEqual(ours);
    expect(groupOf('Merchant').properties.OfflineStoreConfig.S3StorageConfig).toMatchObject(ours);
    const { OnlineStoreConfig, OfflineStoreConfig, RoleArn } = groupOf('Fast').properties;
    expect(OnlineStoreConfig).toEqual({
      EnableOnlineStore: true,
      StorageType: 'InMemory',
      SecurityConfig: { KmsKeyId: 'arn:aws:kms:eu-west-1:111122223333:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a' },
    });
    expect([OfflineStoreConfig, RoleArn]).toEqual([undefined, undefined]);
  });

  test('for training alone has no online store, and no read units', () => {
    const { OnlineStoreConfig, OfflineStoreConfig, ThroughputConfig } = groupOf('Training').properties;
    expect(OnlineStoreConfig).toBeUndefined();
    expect(OfflineStoreConfig.TableFormat).toBe('Glue');
    expect(ThroughputConfig).toEqual({ ThroughputMode: 'Provisioned', ProvisionedWriteCapacityUnits: 25 });
  });

  test('has the units that its demand takes, with the reason in its metadata', () => {
    const { properties, metadata } = groupOf('Merchant');
    expect(properties.ThroughputConfig).toEqual({
      ThroughputMode: 'Provisioned',
      ProvisionedReadCapacityUnits: 1500,
      ProvisionedWriteCapacityUnits: 300,
    });
    expect(metadata['millrace.io/sizing']).toMatchObject({
      choice: 'Provisioned: 1500 read units, 300 write units',
      reason: '1000 reads/s x 1 units, 100 writes/s x 2 units, records of 2048 bytes, 50 % headroom',
    });
    expect(merchant.sizing?.readCapacityUnits).toBe(1500);
  });

  test('is kept although it is to be destroyed, until the second key is turned', () => {
    expect(groupOf('Training').deletionPolicy).toBe('Retain');
    const stack = new Stack(newApp('fraud-ml', { 'millrace:destroyData': true }), 'Features');
    const gone = new FeatureStore(stack, 'Store', { removalPolicy: RemovalPolicy.DESTROY });
    gone.addFeatureGroup('Group', { schema: schema(), removalPolicy: RemovalPolicy.DESTROY });
    const { Resources } = JSON.parse(JSON.stringify((stack.node.root as App).synth().getStackByName('Features').template));
    const policies = Object.values<any>(Resources).filter(({ Type }) => /FeatureGroup|S3::Bucket$/.test(Type));
    expect(policies.map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(['Delete', 'Delete']);
  });
});

test('a ttl is a whole number of the largest unit that is exact', () => {
  expect([3600, 90, 60 * 60 * 24 * 7, 60 * 60 * 36, 59].map((seconds) => ttlDuration(Duration.seconds(seconds)))).toEqual([
    { Unit: 'Hours', Value: 1 },
    { Unit: 'Seconds', Value: 90 },
    { Unit: 'Weeks', Value: 1 },
    { Unit: 'Hours', Value: 36 },
    { Unit: 'Seconds', Value: 59 },
  ]);
  const length = { Seconds: 1, Minutes: 60, Hours: 3600, Days: 86_400, Weeks: 604_800 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seconds) => {
      const { Unit, Value } = ttlDuration(Duration.seconds(seconds));
      expect(Value * length[Unit]).toBe(seconds);
    }),
  );
});

describe('a feature store', () => {
  test('keeps offline data in a private, versioned, encrypted bucket', () => {
    const { properties, deletionPolicy } = oneOf('AWS::S3::Bucket');
    expect(deletionPolicy).toBe('Retain');
    expect(properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(Object.values(properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    expect(JSON.stringify(properties.BucketEncryption)).toContain('"AES256"');
    expect(JSON.stringify(oneOf('AWS::S3::BucketPolicy').properties)).toContain('"aws:SecureTransport":"false"');
    const withKey = JSON.stringify(oneOf('AWS::S3::Bucket', 'Keyed').properties.BucketEncryption);
    expect(withKey).toContain('"BucketKeyEnabled":true');
    expect(withKey).toContain('key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9');
  });

  test('lets SageMaker do for the offline store what it must, on its prefix and its tables alone', () => {
    const bucket = `<${oneOf('AWS::S3::Bucket').logicalId}.Arn>`;
    const glue = 'arn:<AWS::Partition>:glue:eu-west-1:111122223333';
    expect(statements('OfflineRole', 'Plain')).toEqual([
      `s3:GetBucketAcl on ${bucket}`,
      `s3:PutObject s3:PutObjectAcl on ${bucket}/fraud/*`,
      `s3:GetObject on ${bucket}/fraud/*/metadata/*`,
      `glue:GetTable glue:UpdateTable on ${glue}:catalog ${glue}:database/sagemaker_featurestore ${glue}:table/sagemaker_featurestore/card_activity_??????????`,
    ]);
    expect(statements('OfflineRole', 'Keyed')).toContain(
      'kms:Decrypt kms:GenerateDataKey on arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
    );
    expect(oneOf('AWS::IAM::Role').properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'sagemaker.amazonaws.com' },
        Condition: { StringEqualsIfExists: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
  });

  test('has a name from its path that S3 and Feast take', () => {
    expect(keyedStore.storeName).toMatch(/^[a-z][a-z0-9_]{0,62}$/);
  });

  test('that is imported takes groups, whose table its role may then write', () => {
    const { properties } = groupOf('InShared', 'Clients');
    expect(properties.OfflineStoreConfig.S3StorageConfig.S3Uri).toBe('s3://shared-features/shared/in-shared');
    expect(statements('SharedRole')[0]).toContain('table/sagemaker_featurestore/in_shared_??????????');
  });

  test.each(['Fraud', '1fraud', 'a-b', '', 'a'.repeat(64)])('is refused the name %j', (storeName) => {
    expect(refusalOf(() => new FeatureStore(newStack(), 'Store', { storeName }))).toEqual(['Millrace.FeatureStoreNameInvalid storeName']);
  });

  test('is refused logs of a bucket that it does not make', () => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Mine', 'mine');
    expect(refusalOf(() => new FeatureStore(stack, 'Store', { bucket, accessLogs: bucket }))).toEqual([
      'Millrace.FeatureStoreAccessLogs accessLogs',
    ]);
  });
});

describe('a grant', () => {
  const arn = 'arn:<AWS::Partition>:sagemaker:eu-west-1:111122223333:feature-group';

  test('to read opens the online records of one group', () => {
    expect(statements('Reader')).toEqual([`sagemaker:BatchGetRecord sagemaker:GetRecord on ${arn}/card-activity`]);
  });

  test('to write opens writing and deleting records of one group', () => {
    expect(statements('Writer')).toEqual([`sagemaker:DeleteRecord sagemaker:PutRecord on ${arn}/card-activity`]);
  });

  test.each(['KeyedReader', 'KeyedWriter'])('opens the key through SageMaker alone: %s', (id) => {
    expect(statements(id)[0]).toMatch(
      /^kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key\/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 if \{"StringEquals":\{"kms:ViaService":"sagemaker\.(eu-west-1|\{.*\})\.amazonaws\.com"\}\}$/,
    );
  });

  test('to read history opens one table, its objects, and the workgroup that is named', () => {
    const glue = 'arn:<AWS::Partition>:glue:eu-west-1:111122223333';
    const found = statements('Trainer');
    expect(found).toHaveLength(6);
    expect(found[0]).toMatch(/^s3:GetObject on <.*Store.*Bucket.*>\/fraud\/card-activity\/\*$/);
    expect(found[1]).toMatch(/^s3:ListBucket on <.*> if \{"StringLike":\{"s3:prefix":"fraud\/card-activity\/\*"\}\}$/);
    expect(found[2]).toMatch(/^s3:GetBucketLocation on <.*>$/);
    expect(found[3]).toBe(
      `glue:GetDatabase glue:GetPartition glue:GetPartitions glue:GetTable on ${glue}:catalog ${glue}:database/sagemaker_featurestore ${glue}:table/sagemaker_featurestore/card_activity_??????????`,
    );
    expect(found[4]).toMatch(/^athena:\S+( athena:\S+)* on arn:<AWS::Partition>:athena:eu-west-1:111122223333:workgroup\/training$/);
    expect(found[5]).toBe(`glue:CreateDatabase glue:GetDatabase on ${glue}:catalog ${glue}:database/default`);
    const withKey = statements('KeyedTrainer');
    expect(withKey[0]).toMatch(/^kms:Decrypt on .*key\/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 if .*"s3\./);
    expect(withKey.filter((line) => line.includes('athena'))).toEqual([]);
  });

  test('means the name of a group in both of its spellings', () => {
    expect(statements('OldReader')).toEqual([`sagemaker:BatchGetRecord sagemaker:GetRecord on ${arn}/Old-Group ${arn}/old-group`]);
  });

  test('of what a group does not have is refused', () => {
    const stack = newStack();
    const featureStore = new FeatureStore(stack, 'Store');
    const grantee = new iam.AccountRootPrincipal();
    const offline = featureStore.addFeatureGroup('Offline', { schema: schema(), onlineStore: OnlineStore.none() });
    const online = featureStore.addFeatureGroup('Online', { schema: schema({ name: 'b' }), offlineStore: OfflineStore.none() });
    expect(refusalOf(() => offline.grants.read(grantee))).toEqual(['Millrace.FeatureGroupNotOnline grantee']);
    expect(refusalOf(() => online.grants.readOffline(grantee))).toEqual(['Millrace.FeatureGroupNotOffline grantee']);
    expect(refusalOf(() => imported.grants.readOffline(grantee))).toEqual(['Millrace.FeatureGroupNotOffline grantee']);
  });
});

describe('what SageMaker would refuse at deploy is refused at synth', () => {
  const make = (options: Omit<FeatureGroupStoreOptions, 'schema'>, more: Partial<FeatureSchemaProps> = {}) =>
    refusalOf(() => new FeatureStore(newStack(), 'Store').addFeatureGroup('Group', { schema: schema(more), ...options }));
  const [inMemory, none] = [OnlineStore.inMemory(), OfflineStore.none()];
  const demand = { readsPerSecond: 1, writesPerSecond: 1, entities: 1 };

  test.each<[what: string, options: Omit<FeatureGroupStoreOptions, 'schema'>, refused: string[]]>([
    ['an in-memory store with history', { onlineStore: inMemory }, ['Millrace.FeatureInMemoryOffline offlineStore']],
    [
      'an in-memory store with units',
      { onlineStore: inMemory, offlineStore: none, demand, throughput: FeatureThroughput.provisioned() },
      ['Millrace.FeatureInMemoryProvisioned throughput'],
    ],
    [
      'no store at all',
      { onlineStore: OnlineStore.none(), offlineStore: none },
      ['Millrace.FeatureGroupWithoutStore onlineStore, offlineStore'],
    ],
    [
      'units of reading without an online store',
      { onlineStore: OnlineStore.none(), throughput: FeatureThroughput.fixed({ readCapacityUnits: 1, writeCapacityUnits: 1 }) },
      ['Millrace.FeatureThroughputInvalid throughput.readCapacityUnits'],
    ],
    [
      'no units of reading with one',
      { throughput: FeatureThroughput.fixed({ writeCapacityUnits: 1 }) },
      ['Millrace.FeatureThroughputInvalid throughput.readCapacityUnits'],
    ],
    ['units without a demand', { throughput: FeatureThroughput.provisioned() }, ['Millrace.FeatureThroughputDemandMissing demand']],
    ['a demand that is none', { demand: { ...demand, writesPerSecond: -1 } }, ['Millrace.FeatureDemandInvalid demand.writesPerSecond']],
    [
      'a demand beyond the quota',
      { demand: { ...demand, readsPerSecond: 1e6 }, throughput: FeatureThroughput.provisioned() },
      ['Millrace.FeatureDemandDoesNotFit demand'],
    ],
  ])('%s', (_what, options, refused) => expect(make(options)).toEqual(refused));

  test('a ttl without an online store', () => {
    expect(make({ onlineStore: OnlineStore.none() }, { ttl: Duration.days(1) })).toEqual([
      'Millrace.FeatureTtlWithoutOnlineStore schema.ttl',
    ]);
  });

  test('everything at once, in one error', () => {
    expect(make({ onlineStore: inMemory, demand, throughput: FeatureThroughput.provisioned() })).toEqual([
      'Millrace.FeatureInMemoryOffline offlineStore',
      'Millrace.FeatureInMemoryProvisioned throughput',
    ]);
  });

  test('a group that nobody pays for', () => {
    const bare = new App({ outdir: folder() });
    const stack = new Stack(bare, 'Bare');
    new FeatureStore(stack, 'Store').addFeatureGroup('Group', { schema: schema() });
    expect(codesIn(() => bare.synth())).toContain('Millrace.CostAllocationMissing');
  });
});

test('a latency that takes memory is a warning on a standard store', () => {
  const warnings = (options: Partial<FeatureGroupStoreOptions>) => {
    const stack = newStack();
    const demand = { readsPerSecond: 1, writesPerSecond: 1, entities: 1, p99: Duration.millis(5) };
    new FeatureStore(stack, 'Store').addFeatureGroup('Group', { schema: schema(), demand, ...options });
    const { messages } = (stack.node.root as App).synth().getStackByName('Features');
    return messages.filter(({ level }) => level === 'warning').map(({ entry }) => /Millrace\.\w+/.exec(String(entry.data))?.[0]);
  };
  expect(warnings({})).toEqual(['Millrace.FeatureLatencyTakesMemory']);
  expect(warnings({ onlineStore: OnlineStore.inMemory(), offlineStore: OfflineStore.none() })).toEqual([]);
});

describe('the alarms of a feature group', () => {
  const alarm = (id: string) =>
    stackOf('Plain').find(({ type, path: where }) => type === 'AWS::CloudWatch::Alarm' && where.includes(`/${id}/`))!.properties;

  test('go off for records that are older than promised', () => {
    expect(alarm('Freshness')).toMatchObject({
      Namespace: 'Millrace/Features',
      MetricName: 'FeatureFreshness',
      Dimensions: [{ Name: 'FeatureGroupName', Value: 'card-activity' }],
      ExtendedStatistic: 'p99',
      Threshold: 90_000,
      ComparisonOperator: 'GreaterThanThreshold',
      Period: 60,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
      TreatMissingData: 'notBreaching',
      AlarmActions: ['arn:aws:sns:eu-west-1:111122223333:fraud'],
    });
  });

  test('go off for a source that has stopped, after 15 minutes at the earliest', () => {
    expect(alarm('Silence')).toMatchObject({
      MetricName: 'RecordsWritten',
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  test('go off for a rejected record', () => {
    expect(alarm('RejectedRecords')).toMatchObject({
      MetricName: 'RecordsRejected',
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
  });

  const made = (options: object, more: Partial<FeatureSchemaProps> = {}) => {
    const stack = newStack();
    const featureGroup = new FeatureStore(stack, 'Store').addFeatureGroup('Group', { schema: schema(more) });
    return new FeatureGroupAlarms(stack, 'Alarms', { featureGroup, ...options });
  };

  test('are there for what is promised and asked for', () => {
    const names = (options: object) => made(options).alarms.map(({ node }) => node.id);
    expect(names({})).toEqual(['Silence', 'RejectedRecords']);
    expect(names({ alarmOnSilence: false, alarmOnServerErrors: true })).toEqual(['RejectedRecords', 'ServerErrors']);
  });

  test.each([
    [{}, {}, 12],
    [{}, { freshness: Duration.minutes(61) }, 13],
    [{}, { freshness: Duration.days(3) }, 288],
    [{ silence: Duration.minutes(5) }, {}, 1],
    [{ silence: Duration.hours(24) }, { freshness: Duration.seconds(1) }, 288],
  ])('wait for as many periods as the silence takes: %j %j', (options, more, periods) => {
    const silence = made(options, more).silence!.node.defaultChild as cloudwatch.CfnAlarm;
    expect(silence.evaluationPeriods).toBe(periods);
  });

  test.each([
    [{ silence: Duration.minutes(4) }, 'silence'],
    [{ silence: Duration.hours(25) }, 'silence'],
    [{ silence: Duration.minutes(10), alarmOnSilence: false }, 'silence'],
    [{ rejectedRecords: -1 }, 'rejectedRecords'],
  ])('are refused %j', (options, subject) => {
    expect(refusalOf(() => made(options))).toEqual([`Millrace.FeatureAlarmInvalid ${subject}`]);
  });
});

test('metrics of SageMaker have the names, dimensions and statistics of its developer guide', () => {
  const { metrics } = activity;
  expect(metrics.latency(FeatureOperation.GET_RECORD)).toMatchObject({
    metricName: 'Latency',
    statistic: 'p99',
    dimensions: { FeatureGroupName: 'card-activity', OperationName: 'GetRecord' },
  });
  const names = [
    metrics.invocations(FeatureOperation.GET_RECORD),
    metrics.clientErrors(FeatureOperation.PUT_RECORD),
    metrics.serverErrors(FeatureOperation.PUT_RECORD),
    metrics.throttledRequests(FeatureOperation.DELETE_RECORD),
    metrics.consumedRequestUnits(FeatureOperation.GET_RECORD),
    metrics.consumedRequestUnits(FeatureOperation.PUT_RECORD),
    metrics.consumedCapacityUnits(FeatureOperation.GET_RECORD),
    metrics.consumedCapacityUnits(FeatureOperation.DELETE_RECORD),
  ].map(({ metricName, statistic }) => `${metricName} ${statistic}`);
  expect(names).toEqual([
    'Invocations Sum',
    'Operation4XXErrors Sum',
    'Operation5XXErrors Sum',
    'ThrottledRequests Sum',
    'ConsumedReadRequestsUnits Sum',
    'ConsumedWriteRequestsUnits Sum',
    'ConsumedReadCapacityUnits Sum',
    'ConsumedWriteCapacityUnits Sum',
  ]);
});

describe('an update', () => {
  interface Build {
    readonly team?: string;
    readonly baseline?: string;
    readonly schema?: Partial<FeatureSchemaProps>;
    readonly group?: Partial<FeatureGroupStoreOptions>;
    readonly outdir?: string;
  }
  function synthesize({ team, baseline = folder(), schema: more, group }: Build = {}): Assembly {
    const after = newApp(team, { 'millrace:baseline': baseline });
    const stack = new Stack(after, 'Features', { env: ENV });
    new FeatureStore(stack, 'Store', { storeName: 'fraud' }).addFeatureGroup('Group', { schema: schema(more), ...group });
    expect(registeredUpdateRules(after).map(({ id }) => id)).toContain('Millrace.FeatureDropped');
    return Assembly.fromDirectories({ templates: after.synth().directory });
  }
  const first = synthesize();
  const groupIn = (of: Assembly): SynthesizedResource =>
    of.stacks.flatMap(({ resources }) => resources).find(({ type }) => type === 'AWS::SageMaker::FeatureGroup')!;
  const rules = [...FeatureUpdateRules.all(), ...StatefulUpdateRules.all(), ...TagUpdateRules.all()];
  const found = (build: Build) => checkUpdate(first, synthesize(build), rules).map(({ severity, code }) => `${severity} ${code}`);
  const text_ = { name: 'country', type: FeatureType.STRING };

  test('of nothing changes nothing', () => {
    expect(JSON.stringify(groupIn(synthesize()))).toBe(JSON.stringify(groupIn(first)));
    expect(found({})).toEqual([]);
  });

  test('that adds features keeps all definitions in their places and passes', () => {
    const definitions = groupIn(synthesize({ schema: { features: [...FEATURES, text_] } })).properties.FeatureDefinitions;
    expect(definitions).toEqual([...groupIn(first).properties.FeatureDefinitions, { FeatureName: 'country', FeatureType: 'String' }]);
    expect(found({ schema: { features: [...FEATURES, text_] } })).toEqual([]);
  });

  test('of throughput, owner and promise passes', () => {
    const throughput = FeatureThroughput.fixed({ readCapacityUnits: 5, writeCapacityUnits: 5 });
    expect(found({ schema: { owner: 'payments', freshness: Duration.minutes(1) }, group: { throughput } })).toEqual([]);
  });

  test.each<[what: string, build: Build, refused: string[]]>([
    ['drops a feature', { schema: { features: FEATURES.slice(0, 2) } }, ['error Millrace.FeatureDropped']],
    ['puts a new feature first', { schema: { features: [text_, ...FEATURES] } }, ['error Millrace.FeatureReordered']],
    [
      'retypes a feature',
      { schema: { features: [FEATURES[0], { ...FEATURES[1], type: FeatureType.STRING }, FEATURES[2]] } },
      ['error Millrace.FeatureRetyped'],
    ],
    ['sets a ttl', { schema: { ttl: Duration.days(1) } }, ['error Millrace.FeatureTtlReplaces', 'error Millrace.StatefulReplacement']],
    ['changes the offline store', { group: { offlineStore: OfflineStore.glue() } }, ['error Millrace.StatefulReplacement']],
    ['changes the online store', { group: { onlineStore: OnlineStore.none() } }, ['error Millrace.StatefulReplacement']],
    ['renames the group', { schema: { name: 'cards' } }, ['error Millrace.StatefulReplacement']],
    [
      'changes the event time',
      { schema: { eventTime: EventTime.epochMillis('happened_at') } },
      ['error Millrace.FeatureEventTimeChanged', 'error Millrace.StatefulReplacement'],
    ],
  ])('that %s is refused', (_what, build, refused) => expect(found(build)).toEqual(refused));

  test('of who pays leaves the tags of the group as they were accepted, and moves the rest', () => {
    const baseline = folder();
    Baseline.write(baseline, first, frozenTagsOf(first));
    const second = synthesize({ team: 'payments', baseline });
    expect(groupIn(second).properties.Tags).toEqual(groupIn(first).properties.Tags);
    expect(groupIn(second).properties.Tags).toContainEqual({ Key: 'team', Value: 'fraud-ml' });
    const others = JSON.stringify(
      second.stacks.map(({ tags, resources }) => [tags, resources.filter(({ type }) => type === 'AWS::S3::Bucket')]),
    );
    expect(others).toContain('payments');
    expect(checkUpdate(first, second, rules)).toEqual([]);
  });
});
