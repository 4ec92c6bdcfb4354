import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Template } from 'aws-cdk-lib/assertions';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import * as fc from 'fast-check';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import {
  ModelApproval,
  PipelineParameter,
  PipelineStep,
  StepCompute,
  StepCondition,
  StepImage,
  StepInput,
  StepValue,
  TrainingPipeline,
} from '../../lib/models/aws';
import { TrainingSizing } from '../../lib/models/training-sizing';
import { evaluate } from '../contract/intrinsics';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf, codesIn, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const CONTEXT = { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true };
const IMAGE = StepImage.fromUri('683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1');

function newApp(allocated = true): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-training-')), context: CONTEXT });
  if (allocated) {
    new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  }
  return app;
}

const app = newApp();
const stack = new Stack(app, 'Training', { env: ENV });
const data = new s3.Bucket(stack, 'Data', { encryptionKey: new kms.Key(stack, 'DataKey'), encryption: s3.BucketEncryption.KMS });
const models = s3.Bucket.fromBucketName(stack, 'Models', 'models');
const key = new kms.Key(stack, 'JobKey');
const repository = ecr.Repository.fromRepositoryName(stack, 'Repository', 'radar/train');

const margin = PipelineParameter.float('LeastAuc', 0.9);
const depth = PipelineParameter.integer('Depth', 6);
const label = PipelineParameter.string('Label', 'nightly');
const prepare = PipelineStep.processing('Prepare', {
  image: IMAGE,
  compute: StepCompute.of('ml.m7i.2xlarge', { instances: 2, volume: Size.gibibytes(100) }),
  inputs: { raw: StepInput.fromBucket(data, 'card/raw') },
  outputs: { train: { location: { bucket: data, prefix: 'card/train' } } },
});
const train = PipelineStep.training('Train', {
  image: StepImage.fromRepository(repository, '1.4.2'),
  compute: StepCompute.of('ml.g5.2xlarge'),
  inputs: { train: StepInput.fromOutput(prepare, 'train') },
  output: { bucket: models, prefix: 'radar' },
  checkpoints: { bucket: models, prefix: 'radar-checkpoints' },
  spot: true,
  maxRuntime: Duration.hours(6),
  hyperparameters: { max_depth: depth.value, objective: 'binary:logistic', label: label.value },
  metrics: { 'validation:auc': 'auc=([0-9.]+)' },
});
const evaluateModel = PipelineStep.processing('Evaluate', {
  image: IMAGE,
  compute: StepCompute.of('ml.m7i.xlarge'),
  inputs: { model: StepInput.fromModel(train) },
  outputs: { report: { location: { bucket: models, prefix: 'radar-reports' }, reports: { quality: 'evaluation.json' } } },
  networkAccess: true,
});
const register = PipelineStep.registerModel('Register', {
  modelPackageGroupName: 'radar',
  training: train,
  image: IMAGE,
  contentTypes: ['text/csv'],
  responseTypes: ['text/csv'],
});
const model = PipelineStep.createModel('Model', { training: train, image: IMAGE, environment: { THREADS: '4' } });
const predict = PipelineStep.transform('Predict', {
  model,
  input: StepInput.fromOutput(prepare, 'train'),
  output: { bucket: models, prefix: 'radar-predictions' },
  compute: StepCompute.of('ml.m7i.xlarge', { instances: 2 }),
  contentType: 'text/csv',
});
const compare = PipelineStep.processing('Compare', {
  image: IMAGE,
  compute: StepCompute.of('ml.m7i.xlarge'),
  inputs: { predictions: StepInput.fromPredictions(predict) },
  outputs: { report: { location: { bucket: models, prefix: 'radar-reports' } } },
  args: ['--depth', depth.value, `--run=${depth.value}/${label.value}`],
});
const gate = PipelineStep.condition('GoodEnough', {
  conditions: [
    StepCondition.notBelow(StepValue.fromReport(evaluateModel, 'quality', 'auc.value'), StepValue.fromParameter(margin)),
    StepCondition.atLeast(StepValue.fromMetric(train, 'validation:auc'), 0.8),
  ],
  then: [register],
  otherwise: [PipelineStep.fail('TooWeak', 'AUC below the limit')],
});
const pipeline = new TrainingPipeline(stack, 'Pipeline', {
  pipelineName: 'radar-training',
  steps: [prepare, train, evaluateModel, model, predict, compare, gate],
  parameters: [margin, depth, label],
  schedule: ScheduleExpression.cron({ hour: '3', minute: '0' }),
  network: { vpc: threeZones(stack), securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0a1b2c3d4e5f60718')] },
  encryptionKey: key,
});
const starter = new iam.Role(stack, 'Starter', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
pipeline.grants.start(starter);

const minimalStack = new Stack(app, 'Minimal', { env: ENV });
const minimalBucket = new s3.Bucket(minimalStack, 'Bucket');
const sizing = TrainingSizing.forDemand({
  benchmarks: [{ instanceType: 'c7i.xlarge', examplesPerSecond: 4000 }],
  examples: 50_000_000,
  deadline: Duration.hours(4),
});
const alone = () =>
  PipelineStep.training('Train', {
    image: IMAGE,
    compute: StepCompute.fromSizing(sizing),
    inputs: { train: StepInput.fromBucket(minimalBucket, 'train') },
    output: { bucket: minimalBucket, prefix: 'models' },
  });
new TrainingPipeline(minimalStack, 'Pipeline', { steps: [alone()] });

let template: any;
let minimal: any;
let definition: any;
const only = (from: any, type: string) => Object.values<any>(from.Resources).filter((resource) => resource.Type === type);
const named = (steps: any[], name: string) => steps.find((step) => step.Name === name);
/** The statements of the policy that belongs to a role. */
function statements(from: any, role: RegExp): any[] {
  const [id] = Object.entries<any>(from.Resources).find(([name, { Type }]) => Type === 'AWS::IAM::Role' && role.test(name))!;
  const policies = only(from, 'AWS::IAM::Policy').filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(`"${id}"`));
  return policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
}
const actionsOf = (list: any[]) => list.flatMap(({ Action }) => Action as string | string[]);

beforeAll(() => {
  const assembly = app.synth();
  template = assembly.getStackByName('Training').template;
  minimal = assembly.getStackByName('Minimal').template;
  const [{ Properties }] = only(template, 'AWS::SageMaker::Pipeline');
  definition = JSON.parse(evaluate(Properties.PipelineDefinition.PipelineDefinitionBody) as string);
});

describe('the definition', () => {
  test('has the version of the schema, the parameters and the steps, branches inside their condition', () => {
    expect(definition.Version).toBe('2020-12-01');
    expect(definition.Parameters).toEqual([
      { Name: 'LeastAuc', Type: 'Float', DefaultValue: 0.9 },
      { Name: 'Depth', Type: 'Integer', DefaultValue: 6 },
      { Name: 'Label', Type: 'String', DefaultValue: 'nightly' },
    ]);
    expect(definition.Steps.map(({ Name, Type }: any) => `${Name} ${Type}`)).toEqual([
      'Prepare Processing',
      'Train Training',
      'Evaluate Processing',
      'Model Model',
      'Predict Transform',
      'Compare Processing',
      'GoodEnough Condition',
    ]);
  });

  test('refers to what other steps made, and to parameters', () => {
    const training = named(definition.Steps, 'Train').Arguments;
    expect(training.InputDataConfig[0].DataSource.S3DataSource.S3Uri).toEqual({
      Get: "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
    });
    expect(training.HyperParameters).toEqual({
      max_depth: { 'Std:Join': { On: '', Values: [{ Get: 'Parameters.Depth' }] } },
      objective: 'binary:logistic',
      label: { Get: 'Parameters.Label' },
    });
    expect(named(definition.Steps, 'Compare').Arguments.AppSpecification.ContainerArguments).toEqual([
      '--depth',
      { 'Std:Join': { On: '', Values: [{ Get: 'Parameters.Depth' }] } },
      { 'Std:Join': { On: '', Values: ['--run=', { Get: 'Parameters.Depth' }, '/', { Get: 'Parameters.Label' }] } },
    ]);
    const evaluation = named(definition.Steps, 'Evaluate');
    expect(evaluation.Arguments.ProcessingInputs[0].S3Input.S3Uri).toEqual({ Get: 'Steps.Train.ModelArtifacts.S3ModelArtifacts' });
    expect(evaluation.PropertyFiles).toEqual([{ PropertyFileName: 'quality', OutputName: 'report', FilePath: 'evaluation.json' }]);
  });

  test('trains on spot instances with checkpoints and a wait that is no shorter than the run', () => {
    const training = named(definition.Steps, 'Train').Arguments;
    expect(training.EnableManagedSpotTraining).toBe(true);
    expect(training.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 21_600, MaxWaitTimeInSeconds: 43_200 });
    expect(training.CheckpointConfig.LocalPath).toBe('/opt/ml/checkpoints');
  });

  test('keeps what an execution writes apart from what others wrote: outputs, checkpoints and predictions', () => {
    const within = (...parts: string[]) => ({
      'Std:Join': { On: '/', Values: [parts[0], { Get: 'Execution.PipelineExecutionId' }, ...parts.slice(1)] },
    });
    expect(named(definition.Steps, 'Train').Arguments.CheckpointConfig.S3Uri).toEqual(within('s3://models/radar-checkpoints', 'Train'));
    const uriOf = (step: string) => named(definition.Steps, step).Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri;
    expect(uriOf('Evaluate')).toEqual(within('s3://models/radar-reports', 'Evaluate', 'report'));
    expect(uriOf('Compare')).toEqual(within('s3://models/radar-reports', 'Compare', 'report'));
    const { TransformOutput } = named(definition.Steps, 'Predict').Arguments;
    expect(TransformOutput.S3OutputPath).toEqual(within('s3://models/radar-predictions', 'Predict'));
  });

  test('predicts for a set of data with the model that was trained, in the network and under the key of the pipeline', () => {
    const { PrimaryContainer, VpcConfig, ...rest } = named(definition.Steps, 'Model').Arguments;
    expect(PrimaryContainer).toEqual({
      Image: IMAGE.imageUri,
      ModelDataUrl: { Get: 'Steps.Train.ModelArtifacts.S3ModelArtifacts' },
      Environment: { THREADS: '4' },
    });
    expect(VpcConfig.Subnets).toHaveLength(3);
    expect(rest.EnableNetworkIsolation).toBe(true);
    expect(rest.ExecutionRoleArn).toMatch(/PipelineRole/);
    const transform = named(definition.Steps, 'Predict').Arguments;
    expect(transform.ModelName).toEqual({ Get: 'Steps.Model.ModelName' });
    expect(transform.TransformInput).toEqual({
      DataSource: {
        S3DataSource: { S3DataType: 'S3Prefix', S3Uri: { Get: "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri" } },
      },
      ContentType: 'text/csv',
      SplitType: 'Line',
    });
    expect(transform.TransformOutput).toMatchObject({ AssembleWith: 'Line', KmsKeyId: expect.stringContaining('JobKey') });
    expect(transform.TransformResources).toEqual({
      InstanceType: 'ml.m7i.xlarge',
      InstanceCount: 2,
      VolumeKmsKeyId: expect.stringContaining('JobKey'),
    });
    const [input] = named(definition.Steps, 'Compare').Arguments.ProcessingInputs;
    expect(input.S3Input.S3Uri).toEqual({ Get: 'Steps.Predict.TransformOutput.S3OutputPath' });
  });

  test('encrypts volumes by the key, but not those of types with disks of their own, which SageMaker would refuse', () => {
    const cluster = named(definition.Steps, 'Prepare').Arguments.ProcessingResources.ClusterConfig;
    expect(cluster).toMatchObject({ InstanceType: 'ml.m7i.2xlarge', InstanceCount: 2, VolumeSizeInGB: 100 });
    expect(cluster.VolumeKmsKeyId).toContain('JobKey');
    const training = named(definition.Steps, 'Train').Arguments;
    expect(training.ResourceConfig).toEqual({ InstanceType: 'ml.g5.2xlarge', InstanceCount: 1, VolumeSizeInGB: 30 });
    expect(training.OutputDataConfig.KmsKeyId).toContain('JobKey');
  });

  test('cuts containers off from the network unless a step says otherwise, in the VPC that was given', () => {
    const training = named(definition.Steps, 'Train').Arguments;
    expect(training.EnableNetworkIsolation).toBe(true);
    expect(training.EnableInterContainerTrafficEncryption).toBe(true);
    expect(training.VpcConfig.SecurityGroupIds).toEqual(['sg-0a1b2c3d4e5f60718']);
    expect(training.VpcConfig.Subnets).toHaveLength(3);
    expect(named(definition.Steps, 'Evaluate').Arguments.NetworkConfig.EnableNetworkIsolation).toBe(false);
  });

  test('tags each job with the allocation, and the registered version with nothing, because SageMaker refuses tags there', () => {
    const tags = [
      { Key: 'team', Value: 'fraud-ml' },
      { Key: 'service', Value: 'radar' },
      { Key: 'cost-center', Value: 'CC-1042' },
      { Key: 'environment', Value: 'prod' },
    ];
    for (const step of ['Prepare', 'Train', 'Evaluate', 'Model', 'Predict'])
      expect(named(definition.Steps, step).Arguments.Tags).toEqual(tags);
    const [registration] = named(definition.Steps, 'GoodEnough').Arguments.IfSteps;
    expect(registration.Arguments.Tags).toBeUndefined();
  });

  test('registers a version that somebody has to approve, where both conditions hold, and fails where one does not', () => {
    const { Conditions, IfSteps, ElseSteps } = named(definition.Steps, 'GoodEnough').Arguments;
    expect(Conditions).toEqual([
      {
        Type: 'GreaterThanOrEqualTo',
        LeftValue: { 'Std:JsonGet': { PropertyFile: { Get: 'Steps.Evaluate.PropertyFiles.quality' }, Path: 'auc.value' } },
        RightValue: { Get: 'Parameters.LeastAuc' },
      },
      {
        Type: 'GreaterThanOrEqualTo',
        LeftValue: { Get: "Steps.Train.FinalMetricDataList['validation:auc'].Value" },
        RightValue: 0.8,
      },
    ]);
    expect(IfSteps[0].Arguments).toMatchObject({ ModelPackageGroupName: 'radar', ModelApprovalStatus: 'PendingManualApproval' });
    expect(ElseSteps).toEqual([{ Name: 'TooWeak', Type: 'Fail', Arguments: { ErrorMessage: 'AUC below the limit' } }]);
  });
});

describe('the role', () => {
  const ofJobs = () => statements(template, /^PipelineRole/);

  test('has no action with a wildcard, and no resource but the registry and the network whose API has none, and metrics of SageMaker', () => {
    expect(actionsOf(ofJobs()).filter((action) => action.includes('*'))).toEqual([]);
    const open = ofJobs().filter(({ Resource }) => Resource === '*');
    expect(actionsOf(open).sort()).toEqual([
      'cloudwatch:PutMetricData',
      'ec2:DescribeDhcpOptions',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcs',
      'ecr:GetAuthorizationToken',
    ]);
    const metrics = ofJobs().find(({ Action }) => Action === 'cloudwatch:PutMetricData');
    expect(metrics.Condition.StringLike['cloudwatch:namespace']).toEqual([
      '/aws/sagemaker/TrainingJobs',
      '/aws/sagemaker/ProcessingJobs',
      '/aws/sagemaker/TransformJobs',
    ]);
  });

  test('makes jobs of pipelines alone and hands itself to SageMaker alone', () => {
    const creates = ofJobs().filter((each) => actionsOf([each]).includes('sagemaker:CreateTrainingJob'));
    expect(evaluate(creates[0].Resource)).toBe('arn:aws:sagemaker:eu-west-1:111122223333:training-job/pipelines-*');
    const pass = ofJobs().find((each) => actionsOf([each]).includes('iam:PassRole'));
    expect(pass.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } });
    const models = ofJobs().find((each) => actionsOf([each]).includes('sagemaker:CreateModel'));
    expect(actionsOf([models]).sort()).toEqual(['sagemaker:AddTags', 'sagemaker:CreateModel', 'sagemaker:DescribeModel']);
    expect(evaluate(models.Resource)).toBe('arn:aws:sagemaker:eu-west-1:111122223333:model/pipelines-*');
    const transforms = ofJobs().find((each) => actionsOf([each]).includes('sagemaker:CreateTransformJob'));
    expect(evaluate(transforms.Resource)).toBe('arn:aws:sagemaker:eu-west-1:111122223333:transform-job/pipelines-*');
    const registers = ofJobs().find((each) => actionsOf([each]).includes('sagemaker:CreateModelPackage'));
    expect(registers.Resource.map((each: any) => evaluate(each))).toEqual([
      'arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/radar',
      'arn:aws:sagemaker:eu-west-1:111122223333:model-package/radar/*',
    ]);
  });

  test('registers no approved version, unless a step says so: the code of a training has this role, too', () => {
    const registrations = (from: any) =>
      statements(from, /^PipelineRole/).filter((each) => /CreateModelPackage"/.test(JSON.stringify(each)));
    const [{ Condition, Action }] = registrations(template);
    expect(Action).toBe('sagemaker:CreateModelPackage');
    expect(Condition).toEqual({ StringNotEquals: { 'sagemaker:ModelApprovalStatus': 'Approved' } });
    const other = new Stack(newApp(), 'Approving', { env: ENV });
    const bucket = s3.Bucket.fromBucketName(other, 'B', 'bucket');
    const trained = PipelineStep.training('T', { image: IMAGE, compute: StepCompute.of('ml.m7i.xlarge'), output: { bucket, prefix: 'm' } });
    const approved = PipelineStep.registerModel('R', {
      modelPackageGroupName: 'radar',
      training: trained,
      image: IMAGE,
      contentTypes: ['text/csv'],
      responseTypes: ['text/csv'],
      approval: ModelApproval.APPROVED,
    });
    new TrainingPipeline(other, 'Pipeline', { steps: [trained, approved] });
    expect(registrations(Template.fromStack(other).toJSON())[0].Condition).toBeUndefined();
  });

  test('writes below the prefixes that the steps name and nowhere else', () => {
    const writes = ofJobs().filter((each) => actionsOf([each]).includes('s3:PutObject'));
    const resources = writes.flatMap(({ Resource }) => [Resource].flat().map((each) => String(evaluate(each))));
    expect(
      resources
        .map((arn) => arn.replace(/^.*?(models|Data\w*)/, '$1'))
        .filter((arn) => arn.startsWith('models'))
        .sort(),
    ).toEqual(['models/radar-checkpoints/*', 'models/radar-predictions/*', 'models/radar-reports/*', 'models/radar/*']);
    expect(resources.filter((arn) => arn.endsWith('/card/raw/*'))).toEqual([]);
  });

  test('may be taken by SageMaker for this account alone', () => {
    const roles = Object.entries<any>(template.Resources).filter(
      ([id, { Type }]) => Type === 'AWS::IAM::Role' && id.startsWith('PipelineRole'),
    );
    expect(roles[0][1].Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'sagemaker.amazonaws.com' },
        Condition: { StringEqualsIfExists: { 'aws:SourceAccount': '111122223333' } },
      },
    ]);
  });

  test('without a network, a key or a registration, has nothing of theirs', () => {
    const actions = actionsOf(statements(minimal, /^PipelineRole/));
    expect(actions.filter((action) => /^(ec2|kms):|ModelPackage|ProcessingJob/.test(action))).toEqual([]);
  });
});

test('is made after the role and its permissions, which SageMaker checks', () => {
  const [{ DependsOn }] = only(template, 'AWS::SageMaker::Pipeline');
  expect(
    DependsOn.filter((id: string) => id.startsWith('PipelineRole'))
      .map((id: string) => template.Resources[id].Type)
      .sort(),
  ).toEqual(['AWS::IAM::Policy', 'AWS::IAM::Role']);
});

test('a transform needs the step that makes its model in the same pipeline', () => {
  const scope = new Stack(newApp(), 'Missing', { env: ENV });
  expect(refusalOf(() => new TrainingPipeline(scope, 'P', { steps: [prepare, train, predict] }))).toEqual([
    'Millrace.TrainingPipelineStepUnknown Predict',
    'Millrace.TrainingPipelineParameterUnknown parameters',
    'Millrace.TrainingPipelineParameterUnknown parameters',
  ]);
});

test('the schedule starts the pipeline with a role that can do nothing else', () => {
  const [schedule] = only(template, 'AWS::Scheduler::Schedule');
  expect(schedule.Properties.ScheduleExpression).toBe('cron(0 3 * * ? *)');
  expect(statements(template, /^PipelineScheduleRole/).map(({ Action }) => Action)).toEqual(['sagemaker:StartPipelineExecution']);
  expect(only(minimal, 'AWS::Scheduler::Schedule')).toEqual([]);
});

test('who may start it may start it, follow it and stop it', () => {
  const resources = statements(template, /^Starter/).flatMap(({ Resource }) => [Resource].flat().map((each) => evaluate(each)));
  expect(resources.sort()).toEqual([
    'arn:aws:sagemaker:eu-west-1:111122223333:pipeline/radar-training',
    'arn:aws:sagemaker:eu-west-1:111122223333:pipeline/radar-training/execution/*',
  ]);
});

test('its metrics are those of one pipeline', () => {
  const { metricStat } = pipeline.metrics.failed().toMetricConfig();
  expect(metricStat).toMatchObject({
    namespace: 'AWS/Sagemaker/ModelBuildingPipeline',
    metricName: 'ExecutionFailed',
    dimensions: [{ name: 'PipelineName', value: 'radar-training' }],
    statistic: 'Sum',
  });
});

test('a sizing decides the instances of a training and is recorded', () => {
  const [resource] = only(minimal, 'AWS::SageMaker::Pipeline');
  expect(resource.Metadata['millrace.io/sizing'].choice).toBe(`${sizing.instanceType} x ${sizing.instances}`);
  const body = JSON.parse(evaluate(resource.Properties.PipelineDefinition.PipelineDefinitionBody) as string);
  expect(body.Steps[0].Arguments.ResourceConfig.InstanceType).toBe(sizing.sageMakerInstanceType);
  expect(body.Steps[0].Arguments.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 86_400 });
});

test('outside of an allocation it does not synthesize', () => {
  const other = newApp(false);
  const scope = new Stack(other, 'S', { env: ENV });
  const bucket = s3.Bucket.fromBucketName(scope, 'B', 'bucket');
  const step = PipelineStep.training('T', { image: IMAGE, compute: StepCompute.of('ml.m7i.xlarge'), output: { bucket, prefix: 'm' } });
  new TrainingPipeline(scope, 'P', { steps: [step] });
  expect(codesIn(() => other.synth())).toEqual(['Millrace.CostAllocationMissing']);
});

describe('what is refused', () => {
  const scope = new Stack(newApp(), 'Refused', { env: ENV });
  const bucket = s3.Bucket.fromBucketName(scope, 'B', 'bucket');
  const options = { image: IMAGE, compute: StepCompute.of('ml.m7i.xlarge'), output: { bucket, prefix: 'm' } };
  const training = (more: object = {}) => PipelineStep.training('T', { ...options, ...more });
  let count = 0;
  const build = (props: object) => () => new TrainingPipeline(scope, `P${(count += 1)}`, { steps: [training()], ...props });

  test('spot without checkpoints', () => {
    expect(refusalOf(() => training({ spot: true }))).toEqual(['Millrace.TrainingSpotWithoutCheckpoint checkpoints']);
    expect(codeOf(() => training({ spot: true, checkpoints: { bucket, prefix: 'c' } }))).toBeUndefined();
  });

  test('a wait that is shorter than the run, for every run and wait', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 672 }), fc.integer({ min: 1, max: 672 }), (run, wait) => {
        const spot = { spot: true, checkpoints: { bucket, prefix: 'c' }, maxRuntime: Duration.hours(run), maxWait: Duration.hours(wait) };
        expect(codeOf(() => training(spot))).toBe(wait >= run ? undefined : 'Millrace.TrainingPipelineStepInvalid');
      }),
    );
  });

  test('code from a bucket for a container without network, and instances that are slowed down', () => {
    const hyperparameters = { sagemaker_submit_directory: 's3://b/code.tar.gz' };
    expect(codeOf(() => training({ hyperparameters }))).toBe('Millrace.TrainingIsolationConflict');
    expect(codeOf(() => training({ hyperparameters, networkAccess: true }))).toBeUndefined();
    expect(refusalOf(() => training({ compute: StepCompute.of('ml.t3.large') }))).toEqual([
      'Millrace.TrainingPipelineStepInvalid compute.instanceType',
    ]);
    expect(codeOf(() => StepCompute.of('m7i.xlarge'))).toBe('Millrace.TrainingComputeInvalid');
    expect(codeOf(() => StepCompute.of('ml.m7i.xlarge', { volume: Size.mebibytes(1500) }))).toBe('Millrace.TrainingComputeInvalid');
  });

  test('two steps of one name, and steps that a step cannot see', () => {
    expect(refusalOf(build({ steps: [training(), training()] }))).toEqual(['Millrace.TrainingPipelineStepTwice T']);
    const first = training();
    const second = PipelineStep.processing('Second', {
      image: IMAGE,
      compute: StepCompute.of('ml.m7i.xlarge'),
      inputs: { model: StepInput.fromModel(first) },
      outputs: { out: { location: { bucket, prefix: 'out' } } },
    });
    expect(refusalOf(build({ steps: [second] }))).toEqual(['Millrace.TrainingPipelineStepUnknown Second']);
    const branch = PipelineStep.condition('C', {
      conditions: [StepCondition.atMost(StepValue.fromParameter(margin), 1)],
      then: [first],
    });
    expect(refusalOf(build({ steps: [branch, second], parameters: [margin] }))).toEqual(['Millrace.TrainingPipelineStepUnknown Second']);
    expect(refusalOf(build({ steps: [branch] }))).toEqual(['Millrace.TrainingPipelineParameterUnknown parameters']);
  });

  test('values that no step declares, and the model of what is no training', () => {
    const evaluation = PipelineStep.processing('E', {
      image: IMAGE,
      compute: StepCompute.of('ml.m7i.xlarge'),
      outputs: { out: { location: { bucket, prefix: 'out' } } },
    });
    const condition = (value: StepValue) => () =>
      PipelineStep.condition('C', { conditions: [StepCondition.atLeast(value, 1)], then: [training()] });
    expect(codeOf(condition(StepValue.fromReport(evaluation, 'quality', 'a')))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(condition(StepValue.fromMetric(training(), 'auc')))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(() => StepInput.fromModel(evaluation))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(() => StepInput.fromOutput(evaluation, 'other'))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(() => StepInput.fromPredictions(evaluation))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(() => StepInput.fromParameter(margin, bucket, 'p'))).toBe('Millrace.TrainingPipelineStepInvalid');
    expect(codeOf(() => StepInput.fromParameter(label, bucket, 'p'))).toBeUndefined();
    expect(refusalOf(() => PipelineStep.createModel('M', { training: evaluation, image: IMAGE, environment: { '1': '' } }))).toEqual([
      'Millrace.TrainingPipelineStepInvalid training',
      'Millrace.TrainingPipelineStepInvalid environment',
    ]);
    const transform = {
      model: evaluation,
      input: StepInput.fromBucket(bucket, 'in'),
      output: { bucket, prefix: 'out' },
      compute: StepCompute.of('ml.m7i.xlarge', { volume: Size.gibibytes(50) }),
      contentType: 'csv',
    };
    expect(refusalOf(() => PipelineStep.transform('P', transform))).toEqual([
      'Millrace.TrainingPipelineStepInvalid model',
      'Millrace.TrainingPipelineStepInvalid contentType',
      'Millrace.TrainingPipelineStepInvalid compute.volume',
    ]);
  });

  test('prefixes that would widen the access, images without a version, parameters of the wrong kind', () => {
    for (const prefix of ['', '/a', 'a/', 'a/*', 'a b']) {
      expect(codeOf(() => StepInput.fromBucket(bucket, prefix))).toBe('Millrace.TrainingLocationInvalid');
    }
    expect(codeOf(() => StepImage.fromUri('111122223333.dkr.ecr.eu-west-1.amazonaws.com/a:latest'))).toBe('Millrace.TrainingImageInvalid');
    expect(codeOf(() => StepImage.fromUri('docker.io/library/python:3.12'))).toBe('Millrace.TrainingImageInvalid');
    expect(codeOf(() => PipelineParameter.integer('Depth', 1.5))).toBe('Millrace.TrainingPipelineParameterInvalid');
  });

  test('names and numbers of steps that SageMaker does not take', () => {
    expect(refusalOf(build({ pipelineName: 'a--' }))).toEqual(['Millrace.TrainingPipelineInvalid pipelineName']);
    expect(refusalOf(build({ maxParallelSteps: 0 }))).toEqual(['Millrace.TrainingPipelineInvalid maxParallelSteps']);
    expect(refusalOf(build({ steps: [] }))).toEqual(['Millrace.TrainingPipelineStepInvalid steps']);
    expect(codeOf(() => PipelineStep.fail('two words', 'x'))).toBe('Millrace.TrainingPipelineStepInvalid');
  });
});

test('a changed definition is an update in place: nothing but the definition changes', () => {
  const synth = (maxDepth: string) => {
    const other = newApp();
    const scope = new Stack(other, 'S', { env: ENV });
    const bucket = s3.Bucket.fromBucketName(scope, 'B', 'bucket');
    const step = PipelineStep.training('T', {
      image: IMAGE,
      compute: StepCompute.of('ml.m7i.xlarge'),
      output: { bucket, prefix: 'm' },
      hyperparameters: { max_depth: maxDepth },
    });
    new TrainingPipeline(scope, 'P', { steps: [step] });
    return other.synth().getStackByName('S').template.Resources;
  };
  const [before, again, after] = [synth('6'), synth('6'), synth('8')];
  expect(again).toEqual(before);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  const changed = Object.keys(after).filter((id) => JSON.stringify(after[id]) !== JSON.stringify(before[id]));
  expect(changed.map((id) => after[id].Type)).toEqual(['AWS::SageMaker::Pipeline']);
  expect(after[changed[0]].Properties.PipelineName).toBe(before[changed[0]].Properties.PipelineName);
});
