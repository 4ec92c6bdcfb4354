import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Chart } from 'cdk8s';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import * as k8s from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { codeOf } from './refusal';

const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
const OPTIONS = { topicName: 'payments', schema: Schema.avro('{ "type": "record", "name": "P", "fields": [] }') };

test('a topic of an imported cluster on Kubernetes registers its schema with the registry that is named, and makes no second one', () => {
  const app = new ManifestApp({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-imported-')) });
  const chart = new Chart(app, 'payments', { namespace: 'payments' });
  OWNER.applyTo(chart);
  const cluster = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Kafka', { clusterName: 'kafka' });
  expect(codeOf(() => new k8s.Topic(chart, 'Nowhere', { ...OPTIONS, cluster }))).toBe('Millrace.SchemaRegistryUnknown');
  const schemaRegistry = k8s.SchemaRegistry.fromSchemaRegistryAttributes(chart, 'Registry', {
    url: 'http://registry.payments.svc:8080/apis/ccompat/v7',
    podSelector: { app: 'registry' },
  });
  new k8s.Topic(chart, 'Payments', { ...OPTIONS, topicName: 'other', cluster, schemaRegistry });
  const kinds = chart.toJson().map(({ kind }: any) => kind);
  expect(kinds).toContain('Job');
  expect(kinds).not.toContain('ApicurioRegistry3');
});

test('a topic of an imported cluster on AWS registers its schema with the registry that is named, and grants read it there', () => {
  const stack = new Stack(new App(), 'Payments', { env: { region: 'eu-west-1', account: '111122223333' } });
  OWNER.applyTo(stack);
  const cluster = aws.KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', {
    clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/kafka/uuid-1',
  });
  const schemaRegistry = aws.SchemaRegistry.fromSchemaRegistryAttributes(stack, 'Registry', { registryName: 'platform' });
  const topic = new aws.Topic(stack, 'Payments', { ...OPTIONS, cluster, schemaRegistry });
  topic.grants.produce(new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }));
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::Glue::Registry', 0);
  template.hasResourceProperties('AWS::Glue::Schema', { Name: 'payments-value' });
  expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).toContain(':registry/platform');
});
