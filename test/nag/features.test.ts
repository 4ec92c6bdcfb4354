import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, type IPolicyValidationPlugin, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { FeatureGroupAlarms, FeatureStore, FeatureThroughput, OfflineStore, OnlineStore } from '../../lib/features/aws';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const schema = (name: string) =>
  new FeatureSchema({
    name,
    entityKey: 'card_id',
    eventTime: EventTime.timestamp('event_time'),
    features: [{ name: 'card_id', type: FeatureType.STRING }],
    owner: 'fraud-ml',
    freshness: Duration.minutes(2),
  });

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-features-'));
const app = new App({
  outdir,
  context: {
    '@aws-cdk/core:validateAgainstDefaultRules': true,
    '@aws-cdk/core:defaultCrossStackReferences': 'strong',
    '@aws-cdk/aws-iam:minimizePolicies': true,
  },
});
const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
Validations.of(app).addPlugins(...plugins);
new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);

const plain = new Stack(app, 'Plain', { env: ENV });
const store = new FeatureStore(plain, 'Store', { storeName: 'fraud' });
const activity = store.addFeatureGroup('CardActivity', { schema: schema('card-activity') });
new FeatureGroupAlarms(plain, 'Alarms', { featureGroup: activity, alarmOnServerErrors: true });

const keyed = new Stack(app, 'Keyed', { env: ENV });
const keyedStore = new FeatureStore(keyed, 'Store', { encryptionKey: new kms.Key(keyed, 'Key', { enableKeyRotation: true }) });
keyedStore.addFeatureGroup('Merchant', {
  schema: schema('merchant'),
  throughput: FeatureThroughput.provisioned(),
  demand: { readsPerSecond: 1000, writesPerSecond: 100, entities: 1e6 },
});
keyedStore.addFeatureGroup('Fast', { schema: schema('fast'), onlineStore: OnlineStore.inMemory(), offlineStore: OfflineStore.none() });

const given = new Stack(app, 'Given', { env: ENV });
const lake = s3.Bucket.fromBucketName(given, 'Lake', 'features-of-everyone');
const training = new FeatureStore(given, 'Store', { storeName: 'training', bucket: lake }).addFeatureGroup('Training', {
  schema: schema('training'),
  onlineStore: OnlineStore.none(),
  offlineStore: OfflineStore.glue(),
});

const clients = new Stack(app, 'Clients', { env: ENV });
const client = new iam.Role(clients, 'Client', { assumedBy: new iam.AccountRootPrincipal() });
activity.grants.read(client);
activity.grants.write(client);
training.grants.readOffline(client, { workGroupName: 'training' });
Validations.of(clients).acknowledge({
  id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::features-of-everyone/training/training/*]',
  reason: 'SageMaker names offline objects after group, time and content',
});

const { stacks } = app.synth();

test('feature stores and groups pass the built-in validation, cdk-nag and the tag policy', () => {
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  const findings = pluginReports.flatMap((report: any) => report.violations.map(({ ruleName }: any) => `${report.pluginName} ${ruleName}`));
  expect(findings).toEqual([]);
});

test('every plugin has seen every template', () => {
  for (const plugin of ran) {
    expect(plugin).toHaveBeenCalledTimes(1);
    expect(plugin.mock.calls[0][0].stackTemplates).toHaveLength(stacks.length);
  }
});

test('the templates hold every construct', () => {
  const types = stacks.flatMap(({ template }) => Object.values<any>(template.Resources).map(({ Type }) => Type));
  const count = (type: string) => types.filter((each) => each === type).length;
  expect([count('AWS::SageMaker::FeatureGroup'), count('AWS::S3::Bucket'), count('AWS::CloudWatch::Alarm')]).toEqual([4, 2, 4]);
});

test('none of them warns', () => {
  expect(stacks.flatMap(({ messages }) => messages.filter(({ level }) => level !== 'info').map(({ entry }) => entry.data))).toEqual([]);
});
