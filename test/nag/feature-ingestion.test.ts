import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, type IPolicyValidationPlugin, Resource, Size, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { FeatureIngestion } from '../../lib/features/aws';
import type { IFeatureGroup } from '../../lib/features/aws/imported-feature-group';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import { KafkaCluster, Topic } from '../../lib/streaming/aws';
import { Schema } from '../../lib/streaming/schema';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { threeZones } from '../contract/kafka-flavours';

const CONTEXT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  '@aws-cdk/aws-iam:minimizePolicies': true,
};

const SCHEMA = Schema.avro('{"type":"record","name":"A","fields":[{"name":"card","type":"string"},{"name":"at","type":"long"}]}');
const FEATURES = new FeatureSchema({
  name: 'card-activity',
  entityKey: 'card',
  eventTime: EventTime.epochMillis('at'),
  features: [{ name: 'card', type: FeatureType.STRING }],
  owner: 'fraud',
});

class Group extends Resource implements IFeatureGroup {
  public readonly schema = FEATURES;
  public readonly featureGroupName = FEATURES.name;
  public readonly featureGroupArn: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.featureGroupArn = Stack.of(this).formatArn({ service: 'sagemaker', resource: 'feature-group', resourceName: FEATURES.name });
  }
}

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-'));
const app = new App({ outdir, context: CONTEXT });
const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
Validations.of(app).addPlugins(...plugins);
new CostAllocation({ team: 'fraud', service: 'features', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);

// Made here in an account that is known, with demand; imported in one that is not, with a bucket of the user's.
const history = new SchemaHistory(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-schemas-')));
history.append('payments.authorized-value', { version: 1, schema: SCHEMA });
app.node.setContext('millrace:schemas', history.directory);

const known = new Stack(app, 'Known', { env: { region: 'eu-west-1', account: '111122223333' } });
const kafka = new KafkaCluster(known, 'Kafka', { vpc: threeZones(known), demand: { peakIngress: Bitrate.mbps(80), partitions: 120 } });
new FeatureIngestion(known, 'Ingestion', {
  topic: kafka.addTopic('Authorized', { topicName: 'payments.authorized', schema: SCHEMA, deadLetter: true }),
  cluster: kafka,
  featureGroup: new Group(known, 'Group'),
  demand: { messagesPerSecond: 100, messageSize: Size.kibibytes(1) },
});

const agnostic = new Stack(app, 'Agnostic');
const old = KafkaCluster.fromKafkaClusterAttributes(agnostic, 'Kafka', {
  clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1',
  securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(agnostic, 'Brokers', 'sg-0a1b2c3d4e5f60719')],
});
new FeatureIngestion(agnostic, 'Ingestion', {
  topic: Topic.fromTopicAttributes(agnostic, 'Old', { cluster: old, topicName: 'old', schema: SCHEMA }),
  cluster: old,
  featureGroup: new Group(agnostic, 'Group'),
  failureBucket: s3.Bucket.fromBucketName(agnostic, 'Bucket', 'failures'),
});

const { stacks } = app.synth();

test('an ingestion passes the built-in validation, cdk-nag and the tag policy', () => {
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  const found = pluginReports.flatMap((report: any) =>
    report.violations.map((violation: any) => `${report.pluginName} ${violation.ruleName}`),
  );
  expect(found).toEqual([]);
  for (const plugin of ran) expect(plugin.mock.calls[0][0].stackTemplates).toHaveLength(stacks.length);
});

test('no ingestion warns', () => {
  expect(stacks.flatMap(({ messages }) => messages.filter(({ level }) => level !== 'info').map(({ entry }) => entry.data))).toEqual([]);
});
