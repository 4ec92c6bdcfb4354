import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, type IPolicyValidationPlugin, Size, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { ComponentEndpoint, EndpointHosting, InferenceComponent, ModelEndpoint } from '../../lib/inference/aws';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { Rollout } from '../../lib/inference/rollout';
import { ModelSource } from '../../lib/models/model-source';
import { threeZones } from '../contract/kafka-flavours';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const CONTEXT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  '@aws-cdk/aws-iam:minimizePolicies': true,
};
const MODEL = ModelSource.container({
  image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraud:7',
  modelUri: 's3://models/fraud/v7/',
});
const DEMAND = { peakRequestsPerSecond: 300, latency: Duration.millis(20), p99: Duration.millis(80), concurrencyPerReplica: 4 };

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-inference-'));
const app = new App({ outdir, context: CONTEXT });
const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
Validations.of(app).addPlugins(...plugins);
new CostAllocation({ team: 'fraud', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
const stack = (id: string) => new Stack(app, id, { env: ENV });
const caller = (scope: Stack) => new iam.Role(scope, 'Caller', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });

const realTime = stack('RealTime');
new ModelEndpoint(realTime, 'Radar', {
  model: MODEL,
  demand: DEMAND,
  hosting: EndpointHosting.realTime({
    instanceType: 'ml.c7g.xlarge',
    network: { vpc: threeZones(realTime) },
    volume: { size: Size.gibibytes(50), encryptionKey: new kms.Key(realTime, 'Key', { enableKeyRotation: true }) },
    variants: [{ variantName: 'challenger', model: MODEL, weight: 0 }],
  }),
  monitoring: { dataCapture: {} },
}).grants.invoke(caller(realTime), { streaming: true });
const shadowed = stack('Shadowed');
new ModelEndpoint(shadowed, 'Radar', {
  model: MODEL,
  demand: DEMAND,
  hosting: EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge', shadow: { variantName: 'shadow', model: MODEL } }),
  monitoring: { dataCapture: { destination: 's3://captured/radar/' } },
  rollout: Rollout.linear(),
});
const rolling = stack('Rolling');
new ModelEndpoint(rolling, 'Radar', {
  model: MODEL,
  demand: DEMAND,
  hosting: EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge' }),
  rollout: Rollout.rolling(),
});

const queue = stack('Queue');
const documents = new ModelEndpoint(queue, 'Documents', {
  model: MODEL,
  demand: DEMAND,
  hosting: EndpointHosting.asynchronous({ instanceType: 'ml.g5.xlarge' }),
  scaling: EndpointScaling.concurrency({ minReplicas: 0 }),
  endpointName: 'documents',
});
const clerk = caller(queue);
documents.grants.invoke(clerk);
const bucket = queue.getLogicalId(documents.node.findChild('Queue').node.defaultChild as any);
Validations.of(clerk).acknowledge(
  ...['input', 'output', 'failure'].map((part) => ({
    id: `AwsSolutions-IAM5[Resource::<${bucket}.Arn>/documents/${part}/*]`,
    reason: 'the requests and answers of one endpoint, whose names callers and SageMaker make up',
  })),
  ...['s3:Abort*', 's3:GetBucket*', 's3:GetObject*', 's3:List*'].map((action) => ({
    id: `AwsSolutions-IAM5[Action::${action}]`,
    reason: "the CDK's own grants of a bucket",
  })),
);

const serverless = stack('Serverless');
new ModelEndpoint(serverless, 'Rare', {
  model: ModelSource.container({ image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/rare:1' }),
  demand: { ...DEMAND, peakRequestsPerSecond: 5 },
  hosting: EndpointHosting.serverless({ memory: Size.gibibytes(2), provisionedConcurrency: 1 }),
  scaling: EndpointScaling.concurrency(),
});

const components = stack('Components');
const gpus = new ComponentEndpoint(components, 'Gpus', {
  instanceType: 'ml.g6.12xlarge',
  maxInstances: 8,
  network: { vpc: threeZones(components) },
});
new InferenceComponent(components, 'Embeddings', {
  endpoint: gpus,
  model: MODEL,
  demand: DEMAND,
  compute: { memory: Size.gibibytes(8), accelerators: 1 },
  scaleToZero: true,
}).grants.invoke(caller(components));

const { stacks } = app.synth();

test('every endpoint and component passes the built-in validation, cdk-nag and the tag policy', () => {
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  expect(
    pluginReports.flatMap((report: any) => report.violations.map((violation: any) => `${report.pluginName} ${violation.ruleName}`)),
  ).toEqual([]);
});

test('every plugin has seen every template', () => {
  for (const plugin of ran) {
    expect(plugin).toHaveBeenCalledTimes(1);
    expect(plugin.mock.calls[0][0].stackTemplates).toHaveLength(stacks.length);
  }
});

test('no construct warns', () => {
  expect(stacks.flatMap(({ messages }) => messages.filter(({ level }) => level !== 'info').map(({ entry }) => entry.data))).toEqual([]);
});
