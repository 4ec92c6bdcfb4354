import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { AwsSolutionsChecks } from 'cdk-nag';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { FeatureType } from '../../lib/features/feature';
import { ModelInput } from '../../lib/models/model-input';
import { ModelMonitor, MonitorKind, PipelineStep, StepCompute, StepImage, StepInput, TrainingPipeline } from '../../lib/models/aws';
import { threeZones } from '../contract/kafka-flavours';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const CONTEXT = { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true };

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-training-'));
const app = new App({ outdir, context: CONTEXT });
const plugins = [new AwsSolutionsChecks(app), new TagPolicy()];
const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
Validations.of(app).addPlugins(...plugins);
new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);

const stack = new Stack(app, 'Models', { env: ENV });
const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'radar');
const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9');
const network = { vpc: threeZones(stack) };
const training = PipelineStep.training('Train', {
  image: StepImage.fromUri('683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1'),
  compute: StepCompute.of('ml.m7i.2xlarge'),
  inputs: { train: StepInput.fromBucket(bucket, 'train') },
  output: { bucket, prefix: 'models' },
});
const image = StepImage.fromUri('683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1');
const model = PipelineStep.createModel('Model', { training, image });
const predict = PipelineStep.transform('Predict', {
  model,
  input: StepInput.fromBucket(bucket, 'train'),
  output: { bucket, prefix: 'models' },
  compute: StepCompute.of('ml.m7i.xlarge'),
  contentType: 'text/csv',
});
const register = PipelineStep.registerModel('Register', {
  modelPackageGroupName: 'radar',
  training,
  image,
  contentTypes: ['text/csv'],
  responseTypes: ['text/csv'],
});
const pipeline = new TrainingPipeline(stack, 'Pipeline', {
  steps: [training, model, predict, register],
  schedule: ScheduleExpression.rate(Duration.days(1)),
  network,
  encryptionKey,
});
pipeline.grants.start(new iam.Role(stack, 'Starter', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') }));
const fields = [{ name: 'amount', type: FeatureType.FRACTIONAL }];
new ModelMonitor(stack, 'Monitor', {
  endpointName: 'radar',
  kind: MonitorKind.dataQuality({
    constraints: { bucket, prefix: 'baseline/constraints.json' },
    statistics: { bucket, prefix: 'baseline/statistics.json' },
    input: new ModelInput({ fields, request: fields }),
  }),
  capture: { bucket, prefix: 'capture' },
  reports: { bucket, prefix: 'reports' },
  jobs: { network, encryptionKey },
});
new ModelMonitor(stack, 'Shares', {
  endpointName: 'radar',
  kind: MonitorKind.explainability({
    config: { bucket, prefix: 'clarify/shap.json' },
    constraints: { bucket, prefix: 'baseline/shap.json' },
    modelName: 'radar-7',
    endpointPrefix: 'radar-shap',
    label: 'label0',
    limits: [{ metric: 'amount', most: 0.6 }],
  }),
  capture: { bucket, prefix: 'capture' },
  reports: { bucket, prefix: 'reports' },
});

const wildcard = (resource: string, reason: string) => ({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
const sageMaker = 'arn:<AWS::Partition>:sagemaker:eu-west-1:111122223333';
Validations.of(stack).acknowledge(
  ...['train', 'models', 'capture', 'reports'].map((prefix) =>
    wildcard(`arn:<AWS::Partition>:s3:::radar/${prefix}/*`, 'files below one prefix, whose names nobody knows before'),
  ),
  wildcard(`${sageMaker}:pipeline/${pipeline.pipelineName}/execution/*`, 'executions of one pipeline, which SageMaker names'),
);

test('trainings and monitors pass the checks of AWS, of the CDK and of the tag policy, but for wildcards of the caller', () => {
  app.synth();
  for (const spy of ran) expect(spy).toHaveBeenCalled();
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  expect(
    pluginReports.flatMap((report: any) => report.violations.map((violation: any) => `${report.pluginName} ${violation.ruleName}`)),
  ).toEqual([]);
});
