import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, CfnParameter, Duration, Fn, Size, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Template } from 'aws-cdk-lib/assertions';
import * as fc from 'fast-check';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { EndpointSizing } from '../../lib/inference/endpoint-sizing';
import { Rollout } from '../../lib/inference/rollout';
import { EndpointHosting, ModelEndpoint, type ModelEndpointProps, type RealTimeHostingOptions } from '../../lib/inference/aws';
import { targetInFlight } from '../../lib/inference/aws/endpoint-autoscaling';
import { deploymentConfig, executionSeconds } from '../../lib/inference/aws/endpoint-deployment';
import { capacityOf, hasLocalStorage } from '../../lib/inference/aws/instance-facts';
import { repositoryArn } from '../../lib/inference/aws/model-location';
import { ModelInput } from '../../lib/models/model-input';
import { ModelSource } from '../../lib/models/model-source';
import { evaluate } from '../contract/intrinsics';
import { threeZones } from '../contract/kafka-flavours';
import { refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const IMAGE = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraud/xgboost:7';
const DEMAND = {
  peakRequestsPerSecond: 300,
  latency: Duration.millis(20),
  p99: Duration.millis(80),
  concurrencyPerReplica: 4,
};
const FIELDS: Feature[] = [
  { name: 'amount', type: FeatureType.FRACTIONAL },
  { name: 'country', type: FeatureType.STRING },
];
const MODEL = ModelSource.container({
  image: IMAGE,
  modelUri: 's3://models/fraud/v7/',
  environment: { WORKERS: '4' },
  input: new ModelInput({ fields: FIELDS, request: FIELDS }),
});
const HOSTING = EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge' });

function newApp(): App {
  const app = new App({
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-inference-')),
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  new CostAllocation({ team: 'fraud', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

const app = newApp();
const stack = (id: string) => new Stack(app, id, { env: ENV });
/** An endpoint of a stack of its own. */
const make = (id: string, props: Partial<ModelEndpointProps> = {}) =>
  new ModelEndpoint(stack(id), 'Radar', { model: MODEL, demand: DEMAND, hosting: HOSTING, ...props });
const realTime = (options: Partial<RealTimeHostingOptions>) => EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge', ...options });

const plain = make('Plain');
plain.grants.invoke(new iam.Role(plain.stack, 'Caller', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }), {
  streaming: true,
});
make('Named', {
  endpointName: 'radar',
  rollout: Rollout.linear({ stepPercent: 50, bake: Duration.minutes(5) }),
  scaling: EndpointScaling.fixed(),
});
make('Rolling', {
  rollout: Rollout.rolling({ batchPercent: 20 }),
  scaling: EndpointScaling.invocations({ minReplicas: 2, maxReplicas: 9 }),
});
make('AtOnce', { rollout: Rollout.allAtOnce({ unguarded: true }), monitoring: { alarms: false } });

const vpcStack = stack('Vpc');
const inVpc = new ModelEndpoint(vpcStack, 'Radar', {
  model: ModelSource.container({ image: IMAGE, modelUri: 's3://models/fraud/model.tar.gz' }),
  demand: DEMAND,
  hosting: realTime({
    network: { vpc: threeZones(vpcStack) },
    volume: { size: Size.gibibytes(50), encryptionKey: new kms.Key(vpcStack, 'Key') },
    startup: { healthCheck: Duration.minutes(15), download: Duration.minutes(20) },
  }),
});

const CHALLENGER = ModelSource.container({ image: IMAGE.replace(':7', ':8') });
const variants = make('Variants', {
  hosting: realTime({
    variantName: 'champion',
    weight: 90,
    variants: [
      { variantName: 'challenger', model: CHALLENGER, weight: 10 },
      { variantName: 'dark', model: CHALLENGER, weight: 0, instanceType: 'ml.g5.xlarge', replicas: 2 },
    ],
  }),
});
make('Shadow', { hosting: realTime({ shadow: { variantName: 'shadow', model: CHALLENGER, samplePercent: 25 } }) });
make('Captured', { monitoring: { dataCapture: { percent: 30 } } });
make('CapturedThere', { monitoring: { dataCapture: { destination: 's3://captured/radar' } } });

const packaged = stack('Package');
new ModelEndpoint(packaged, 'Radar', {
  model: ModelSource.modelPackage({ modelPackageArn: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/fraud/3' }),
  demand: DEMAND,
  hosting: HOSTING,
  role: new iam.Role(packaged, 'Given', { assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com') }),
  rollbackAlarms: [cloudwatch.Alarm.fromAlarmName(packaged, 'Chargebacks', 'chargebacks')],
});

const unresolved = stack('Unresolved');
const models = new s3.Bucket(unresolved, 'Models');
new ModelEndpoint(unresolved, 'Radar', {
  model: ModelSource.container({
    image: new CfnParameter(unresolved, 'Image', { default: IMAGE }).valueAsString,
    modelUri: `s3://${models.bucketName}/v7/`,
  }),
  demand: DEMAND,
  hosting: HOSTING,
});

let assembly: Assembly;
beforeAll(() => {
  assembly = Assembly.fromDirectories({ templates: app.synth().directory });
}, 300_000);

const all = (stackId: string, type: string): SynthesizedResource[] =>
  assembly.stacks.find(({ id }) => id === stackId)!.resources.filter((resource) => resource.type === type);
function only(stackId: string, type: string): SynthesizedResource {
  const found = all(stackId, type);
  expect(found).toHaveLength(1);
  return found[0];
}
const endpointOf = (stackId: string) => only(stackId, 'AWS::SageMaker::Endpoint').properties;
const alarmOf = (stackId: string, name: string) =>
  all(stackId, 'AWS::CloudWatch::Alarm').find(({ properties }) => properties.AlarmName === name)!.logicalId;
const configOf = (stackId: string) => only(stackId, 'AWS::SageMaker::EndpointConfig').properties;
/** Statements of all policies of a stack, by action. */
const statementOf = (stackId: string, action: string) =>
  all(stackId, 'AWS::IAM::Policy')
    .flatMap(({ properties }) => properties.PolicyDocument.Statement)
    .filter((statement: any) => [statement.Action].flat().includes(action));

describe('an endpoint with nothing but a model, a demand and an instance type', () => {
  test('stands on as many instances as its demand needs with one of three zones lost', () => {
    // 300/s x 20 ms = 6 in flight; 4 at a time, half of it as the target: 3 instances, which are also one a zone.
    expect(configOf('Plain').ProductionVariants).toEqual([
      {
        VariantName: 'AllTraffic',
        ModelName: { 'Fn::GetAtt': [only('Plain', 'AWS::SageMaker::Model').logicalId, 'ModelName'] },
        InstanceType: 'ml.c7g.xlarge',
        InitialInstanceCount: 3,
        InitialVariantWeight: 1,
        RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
        ContainerStartupHealthCheckTimeoutInSeconds: 600,
      },
    ]);
    expect(only('Plain', 'AWS::SageMaker::Endpoint').metadata['millrace.io/sizing']).toMatchObject({ choice: '3 x 4 at a time' });
    expect(plain.sizing.replicas).toBe(3);
  });

  test('has a name in small letters, and neither its model nor its configuration has one', () => {
    expect(endpointOf('Plain').EndpointName).toMatch(/^plain-radar-[a-f0-9]{8}$/);
    expect(plain.endpointName).toBe(endpointOf('Plain').EndpointName);
    expect(configOf('Plain').EndpointConfigName).toBeUndefined();
    expect(only('Plain', 'AWS::SageMaker::Model').properties.ModelName).toBeUndefined();
    expect(endpointOf('Plain').EndpointConfigName).toEqual({
      'Fn::GetAtt': [only('Plain', 'AWS::SageMaker::EndpointConfig').logicalId, 'EndpointConfigName'],
    });
    expect(endpointOf('Named').EndpointName).toBe('radar');
  });

  test('runs its containers without a network, with the files of one version of the model', () => {
    expect(only('Plain', 'AWS::SageMaker::Model').properties).toMatchObject({
      EnableNetworkIsolation: true,
      PrimaryContainer: {
        Image: IMAGE,
        Environment: { WORKERS: '4' },
        ModelDataSource: { S3DataSource: { S3DataType: 'S3Prefix', CompressionType: 'None', S3Uri: 's3://models/fraud/v7/' } },
      },
    });
    expect(configOf('Plain').MetricsConfig).toEqual({ EnableEnhancedMetrics: true });
  });

  test('rolls out as a canary of 10 %, baked for ten minutes twice, with the former instances still there', () => {
    const { BlueGreenUpdatePolicy, AutoRollbackConfiguration, RollingUpdatePolicy } = endpointOf('Plain').DeploymentConfig;
    expect(BlueGreenUpdatePolicy).toEqual({
      TrafficRoutingConfiguration: {
        Type: 'CANARY',
        CanarySize: { Type: 'CAPACITY_PERCENT', Value: 10 },
        WaitIntervalInSeconds: 600,
      },
      TerminationWaitInSeconds: 600,
      MaximumExecutionTimeoutInSeconds: 3000,
    });
    expect(RollingUpdatePolicy).toBeUndefined();
    // What all versions answer together is not among them: a version that fails already would roll back the one that mends it.
    expect(AutoRollbackConfiguration.Alarms).toEqual(
      ['new-errors', 'new-latency'].map((each) => ({ AlarmName: { Ref: alarmOf('Plain', `${plain.endpointName}-AllTraffic-${each}`) } })),
    );
  });

  test('is watched for 5xx and p99, all of it and the newest version apart, each minute for three', () => {
    const name = plain.endpointName;
    const alarms = Object.fromEntries(all('Plain', 'AWS::CloudWatch::Alarm').map(({ properties }) => [properties.AlarmName, properties]));
    expect(Object.keys(alarms).sort()).toEqual(
      ['errors', 'latency', 'new-errors', 'new-latency'].map((each) => `${name}-AllTraffic-${each}`),
    );
    for (const alarm of Object.values<any>(alarms)) {
      expect(alarm).toMatchObject({
        EvaluationPeriods: 3,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      });
    }
    const dimensions = [
      { Name: 'EndpointName', Value: name },
      { Name: 'VariantName', Value: 'AllTraffic' },
    ];
    const newest = [{ Name: 'EndpointConfigName', Value: endpointOf('Plain').EndpointConfigName }, ...dimensions];
    expect(alarms[`${name}-AllTraffic-errors`]).toMatchObject({
      MetricName: 'Invocation5XXErrors',
      Namespace: 'AWS/SageMaker',
      Statistic: 'Average',
      Period: 60,
      Threshold: 0.01,
      Dimensions: dimensions,
    });
    expect(alarms[`${name}-AllTraffic-new-errors`]).toMatchObject({ Statistic: 'Average', Threshold: 0.01, Dimensions: newest });
    expect(alarms[`${name}-AllTraffic-new-latency`]).toMatchObject({
      MetricName: 'ModelLatency',
      ExtendedStatistic: 'p99',
      Threshold: 80_000,
      Dimensions: newest,
    });
    const latency = alarms[`${name}-AllTraffic-latency`];
    expect(latency.Threshold).toBe(80);
    expect(
      latency.Metrics.map(({ Expression, MetricStat }: any) => Expression ?? `${MetricStat.Metric.MetricName} ${MetricStat.Stat}`),
    ).toEqual(['(model + overhead) / 1000', 'ModelLatency p99', 'OverheadLatency p99']);
  });

  test('scales at the share of the sizing to a tenth, also when its model serves one by one', () => {
    const target = (concurrencyPerReplica: number) => targetInFlight(EndpointSizing.forDemand({ ...DEMAND, concurrencyPerReplica }));
    expect([1, 3, 19, 21, 64].map(target)).toEqual([0.5, 1.5, 9.5, 10, 32]);
  });

  test('scales by the requests in flight on an instance, and not below one a zone', () => {
    const target = only('Plain', 'AWS::ApplicationAutoScaling::ScalableTarget');
    expect(target.properties).toMatchObject({
      ServiceNamespace: 'sagemaker',
      ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      MinCapacity: 3,
      MaxCapacity: 6,
      ResourceId: {
        'Fn::Join': [
          '',
          ['endpoint/', { 'Fn::GetAtt': [only('Plain', 'AWS::SageMaker::Endpoint').logicalId, 'EndpointName'] }, '/variant/AllTraffic'],
        ],
      },
    });
    expect(target.properties.RoleARN).toBeUndefined();
    expect(only('Plain', 'AWS::ApplicationAutoScaling::ScalingPolicy').properties.TargetTrackingScalingPolicyConfiguration).toEqual({
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantConcurrentRequestsPerModelHighResolution' },
      TargetValue: 2,
      ScaleInCooldown: 300,
      ScaleOutCooldown: 60,
    });
  });

  test('keeps the instances that scaling has reached when it is deployed again, and takes weights from the code', () => {
    expect(endpointOf('Plain')).toMatchObject({
      RetainAllVariantProperties: true,
      ExcludeRetainedVariantProperties: [{ VariantPropertyType: 'DesiredWeight' }],
    });
    // Without scaling nobody but the code says how many there are.
    expect(endpointOf('Named').RetainAllVariantProperties).toBeUndefined();
    expect(all('Named', 'AWS::ApplicationAutoScaling::ScalableTarget')).toEqual([]);
  });

  test('records what the model takes', () => {
    expect(only('Plain', 'AWS::SageMaker::Endpoint').metadata['millrace.io/model-input']).toEqual(['amount:Fractional', 'country:String']);
  });

  test('may pull its image, read its files, write its log and its metrics and look at its alarms, and nothing else', () => {
    const statements = all('Plain', 'AWS::IAM::Policy')
      .filter(({ path: at }) => at.includes('/Radar/Role/'))
      .flatMap(({ properties }) => properties.PolicyDocument.Statement)
      .map(({ Action, Resource, Condition }: any) => ({ Action: [Action].flat(), Resource: [evaluate(Resource)].flat(), Condition }));
    const name = plain.endpointName;
    expect(statements).toEqual([
      {
        Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        Resource: ['', ':*'].map((end) => `arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker/Endpoints/${name}${end}`),
      },
      {
        Action: ['cloudwatch:PutMetricData'],
        Resource: ['*'],
        Condition: { StringEquals: { 'cloudwatch:namespace': ['AWS/SageMaker', '/aws/sagemaker/Endpoints'] } },
      },
      { Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
      {
        Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
        Resource: ['arn:aws:ecr:eu-west-1:111122223333:repository/fraud/xgboost'],
      },
      { Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::models/fraud/v7/*'] },
      { Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::models'], Condition: { StringLike: { 's3:prefix': 'fraud/v7/*' } } },
      {
        Action: ['cloudwatch:DescribeAlarms'],
        Resource: ['new-errors', 'new-latency'].map((each) => `arn:aws:cloudwatch:eu-west-1:111122223333:alarm:${name}-AllTraffic-${each}`),
      },
    ]);
  });

  test('is trusted to SageMaker of its own account and region alone, in the one form that SageMaker sends', () => {
    const [{ Condition, ...statement }] = all('Plain', 'AWS::IAM::Role').find(({ path: at }) => at.includes('/Radar/'))!.properties
      .AssumeRolePolicyDocument.Statement;
    expect(statement).toEqual({ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'sagemaker.amazonaws.com' } });
    expect(Object.keys(Condition)).toEqual(['ArnLike']);
    expect(evaluate(Condition.ArnLike['aws:SourceArn'])).toBe('arn:aws:sagemaker:eu-west-1:111122223333:*');
  });

  test('lets a caller ask this endpoint and no other, as a stream when that is granted', () => {
    expect(statementOf('Plain', 'sagemaker:InvokeEndpoint')).toEqual([
      {
        Action: ['sagemaker:InvokeEndpoint', 'sagemaker:InvokeEndpointWithResponseStream'],
        Effect: 'Allow',
        Resource: { Ref: only('Plain', 'AWS::SageMaker::Endpoint').logicalId },
      },
    ]);
  });
});

describe('a rollout becomes the guardrails of SageMaker', () => {
  test('in equal steps, each as long as the bake', () => {
    expect(endpointOf('Named').DeploymentConfig.BlueGreenUpdatePolicy).toEqual({
      TrafficRoutingConfiguration: { Type: 'LINEAR', LinearStepSize: { Type: 'CAPACITY_PERCENT', Value: 50 }, WaitIntervalInSeconds: 300 },
      TerminationWaitInSeconds: 300,
      MaximumExecutionTimeoutInSeconds: 2700,
    });
  });

  test('in batches on the instances that there are', () => {
    const { BlueGreenUpdatePolicy, RollingUpdatePolicy } = endpointOf('Rolling').DeploymentConfig;
    expect(BlueGreenUpdatePolicy).toBeUndefined();
    expect(RollingUpdatePolicy).toEqual({
      MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 20 },
      WaitIntervalInSeconds: 600,
      MaximumExecutionTimeoutInSeconds: 6000,
    });
  });

  test('at once, without alarms only when that was said', () => {
    expect(endpointOf('AtOnce').DeploymentConfig).toEqual({
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: 'ALL_AT_ONCE', WaitIntervalInSeconds: 0 },
        TerminationWaitInSeconds: 600,
        MaximumExecutionTimeoutInSeconds: 2400,
      },
    });
    expect(all('AtOnce', 'AWS::CloudWatch::Alarm')).toEqual([]);
  });

  test('with the alarms that were given beside its own, which its role may look at', () => {
    const { Alarms } = endpointOf('Package').DeploymentConfig.AutoRollbackConfiguration;
    expect(Alarms).toHaveLength(3);
    expect(Alarms[2]).toEqual({ AlarmName: 'chargebacks' });
    expect(evaluate(statementOf('Package', 'cloudwatch:DescribeAlarms')[0].Resource)).toContain(
      'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:chargebacks',
    );
  });

  test('never with a time that SageMaker would run out of, whatever the steps', () => {
    const rollouts = fc.record({
      kind: fc.constantFrom('canary', 'linear', 'rolling'),
      percent: fc.integer({ min: 10, max: 50 }),
      bake: fc.integer({ min: 240, max: 3600 }),
    });
    fc.assert(
      fc.property(rollouts, ({ kind, percent, bake }) => {
        const guard = { bake: Duration.seconds(bake) };
        const rollout = {
          canary: () => Rollout.canary({ ...guard, percent }),
          linear: () => Rollout.linear({ ...guard, stepPercent: percent }),
          rolling: () => Rollout.rolling({ ...guard, batchPercent: percent }),
        }[kind as 'canary']();
        const steps = kind === 'canary' ? 1 : Math.ceil(100 / percent);
        const seconds = executionSeconds(rollout, 600);
        const waits = steps * bake + (kind === 'rolling' ? 0 : bake);
        expect(seconds).toBeGreaterThanOrEqual(waits + 600);
        const config = deploymentConfig(rollout, ['a'], 600);
        const policy: any = config.rollingUpdatePolicy ?? config.blueGreenUpdatePolicy;
        expect(policy.maximumExecutionTimeoutInSeconds).toBe(seconds);
      }),
    );
  });
});

describe('scaling', () => {
  test('by invocations is held to what an instance serves a minute, with its safety factor', () => {
    // 4 at a time / 20 ms = 200/s at most, half of it is the target.
    expect(only('Rolling', 'AWS::ApplicationAutoScaling::ScalingPolicy').properties.TargetTrackingScalingPolicyConfiguration).toMatchObject(
      {
        PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantInvocationsPerInstance' },
        TargetValue: 6000,
      },
    );
    expect(only('Rolling', 'AWS::ApplicationAutoScaling::ScalableTarget').properties).toMatchObject({ MinCapacity: 2, MaxCapacity: 9 });
  });
});

describe('a network', () => {
  test('is the subnets and a group that lets nothing in or out, which the role may join and no other', () => {
    const { VpcConfig, EnableNetworkIsolation, PrimaryContainer } = only('Vpc', 'AWS::SageMaker::Model').properties;
    expect(VpcConfig.Subnets).toHaveLength(3);
    expect(EnableNetworkIsolation).toBeUndefined();
    expect(PrimaryContainer).toEqual({ Image: IMAGE, ModelDataUrl: 's3://models/fraud/model.tar.gz' });
    const group = only('Vpc', 'AWS::EC2::SecurityGroup');
    expect(group.properties.SecurityGroupEgress).toEqual([expect.objectContaining({ CidrIp: '255.255.255.255/32' })]);
    expect(VpcConfig.SecurityGroupIds).toEqual([{ 'Fn::GetAtt': [group.logicalId, 'GroupId'] }]);
    expect(inVpc.connections.securityGroups).toHaveLength(1);
    expect(statementOf('Vpc', 'ec2:CreateNetworkInterface')[0].Resource).toHaveLength(5);
  });

  test('comes with the volume, its key and the times that were asked for', () => {
    expect(configOf('Vpc').ProductionVariants[0]).toMatchObject({
      VolumeSizeInGB: 50,
      ContainerStartupHealthCheckTimeoutInSeconds: 900,
      ModelDataDownloadTimeoutInSeconds: 1200,
    });
    expect(configOf('Vpc').KmsKeyId).toEqual({ 'Fn::GetAtt': [only('Vpc', 'AWS::KMS::Key').logicalId, 'Arn'] });
  });
});

describe('several models behind one endpoint', () => {
  test('share the traffic by weight, and 0 is none', () => {
    expect(
      configOf('Variants').ProductionVariants.map((variant: any) => [
        variant.VariantName,
        variant.InitialVariantWeight,
        variant.InitialInstanceCount,
        variant.InstanceType,
      ]),
    ).toEqual([
      ['champion', 90, 3, 'ml.c7g.xlarge'],
      ['challenger', 10, 3, 'ml.c7g.xlarge'],
      ['dark', 0, 2, 'ml.g5.xlarge'],
    ]);
    expect(all('Variants', 'AWS::SageMaker::Model')).toHaveLength(3);
  });

  test('scale each for itself', () => {
    expect(
      all('Variants', 'AWS::ApplicationAutoScaling::ScalableTarget').map(({ properties }) => [
        properties.MinCapacity,
        properties.MaxCapacity,
      ]),
    ).toEqual([
      [3, 6],
      [3, 6],
      [2, 4],
    ]);
  });

  test('are each watched, and each for its newest version apart', () => {
    expect(all('Variants', 'AWS::CloudWatch::Alarm')).toHaveLength(12);
    expect(endpointOf('Variants').DeploymentConfig.AutoRollbackConfiguration.Alarms).toEqual(
      ['champion', 'challenger', 'dark'].flatMap((variant) =>
        ['new-errors', 'new-latency'].map((each) => ({
          AlarmName: { Ref: alarmOf('Variants', `${variants.endpointName}-${variant}-${each}`) },
        })),
      ),
    );
  });

  test('may be pulled by the one role', () => {
    expect(statementOf('Variants', 'ecr:BatchGetImage')[0].Resource).toEqual(
      expect.objectContaining({
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':ecr:eu-west-1:111122223333:repository/fraud/xgboost']],
      }),
    );
  });

  test('or are one and its shadow, which gets copies and is neither scaled nor watched', () => {
    const { ProductionVariants, ShadowProductionVariants } = configOf('Shadow');
    expect(ProductionVariants).toHaveLength(1);
    expect(ProductionVariants[0].InitialVariantWeight).toBe(1);
    expect(ShadowProductionVariants).toEqual([
      expect.objectContaining({ VariantName: 'shadow', InitialVariantWeight: 0.25, InitialInstanceCount: 1 }),
    ]);
    expect(all('Shadow', 'AWS::ApplicationAutoScaling::ScalableTarget')).toHaveLength(1);
    expect(all('Shadow', 'AWS::CloudWatch::Alarm')).toHaveLength(4);
  });
});

describe('captured traffic', () => {
  test('goes to a bucket of its own, which stays', () => {
    const bucket = only('Captured', 'AWS::S3::Bucket');
    expect(bucket).toMatchObject({ deletionPolicy: 'Retain', updateReplacePolicy: 'Retain' });
    expect(bucket.properties.PublicAccessBlockConfiguration.BlockPublicAcls).toBe(true);
    expect(configOf('Captured').DataCaptureConfig).toEqual({
      EnableCapture: true,
      InitialSamplingPercentage: 30,
      DestinationS3Uri: {
        'Fn::Join': ['', ['s3://', { Ref: bucket.logicalId }, `/${endpointOf('Captured').EndpointName}/`]],
      },
      CaptureOptions: [{ CaptureMode: 'Input' }, { CaptureMode: 'Output' }],
      CaptureContentTypeHeader: { CsvContentTypes: ['text/csv'], JsonContentTypes: ['application/json'] },
    });
  });

  test('or where it is told to go, and the role may write nowhere else', () => {
    expect(configOf('CapturedThere').DataCaptureConfig).toMatchObject({
      InitialSamplingPercentage: 10,
      DestinationS3Uri: 's3://captured/radar/',
    });
    expect(all('CapturedThere', 'AWS::S3::Bucket')).toEqual([]);
    expect(evaluate(statementOf('CapturedThere', 's3:PutObject')[0].Resource)).toBe('arn:aws:s3:::captured/radar/*');
    expect(configOf('Plain').DataCaptureConfig).toBeUndefined();
  });
});

describe('a model', () => {
  test('of the registry comes with the given role, which gets the rest', () => {
    expect(only('Package', 'AWS::SageMaker::Model').properties.Containers).toEqual([
      { ModelPackageName: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/fraud/3' },
    ]);
    expect(all('Package', 'AWS::IAM::Role')).toHaveLength(1);
    expect(statementOf('Package', 'logs:PutLogEvents')).toHaveLength(1);
    expect(statementOf('Package', 'ecr:GetAuthorizationToken')).toEqual([]);
  });

  test('whose image and bucket are known at deploy time only is opened to the role all the same', () => {
    const [pull] = statementOf('Unresolved', 'ecr:BatchGetImage');
    const parameter = JSON.parse(JSON.stringify(pull.Resource).replace(/\{"Ref":"Image"\}/g, JSON.stringify(IMAGE)));
    expect(evaluate(parameter)).toBe('arn:aws:ecr:eu-west-1:111122223333:repository/fraud/xgboost');
    const bucket = only('Unresolved', 'AWS::S3::Bucket').logicalId;
    expect(evaluate(statementOf('Unresolved', 's3:GetObject')[0].Resource)).toBe(`arn:aws:s3:::ref:${bucket}/v7/*`);
  });

  test('whose files a key encrypts is made after the role may use that key', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const endpoint = new ModelEndpoint(scope, 'E', { model: MODEL, demand: DEMAND, hosting: HOSTING });
    new kms.Key(scope, 'Key').grants.decrypt(endpoint.role);
    const template = Template.fromStack(scope);
    const [model] = Object.values<any>(template.findResources('AWS::SageMaker::Model'));
    const [[policyId]] = Object.entries<any>(template.findResources('AWS::IAM::Policy')).filter(([, { Properties }]) =>
      Properties.PolicyDocument.Statement.some(({ Action }: any) => Action === 'kms:Decrypt'),
    );
    expect(model.DependsOn).toContain(policyId);
  });

  test('of a role of another stack is made after a policy of its own stack', () => {
    const scope = newApp();
    const role = new iam.Role(new Stack(scope, 'Roles', { env: ENV }), 'Role', {
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com'),
    });
    const endpoints = new Stack(scope, 'Endpoints', { env: ENV });
    new ModelEndpoint(endpoints, 'E', { model: MODEL, demand: DEMAND, hosting: HOSTING, role, monitoring: { dataCapture: {} } });
    const template = Template.fromStack(endpoints);
    const [policyId] = Object.keys(template.findResources('AWS::IAM::Policy'));
    const [model] = Object.values<any>(template.findResources('AWS::SageMaker::Model'));
    expect(model.DependsOn).toEqual([policyId]);
    expect(JSON.stringify(model.Properties.ExecutionRoleArn)).toContain('Fn::ImportValue');
  });

  test('that the registry promotes follows the parameter in which the version stands', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const modelPackageArn = ssm.StringParameter.valueForStringParameter(scope, '/millrace/models/fraud/approved');
    new ModelEndpoint(scope, 'E', {
      model: ModelSource.modelPackage({ modelPackageArn }),
      demand: DEMAND,
      hosting: HOSTING,
      role: new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com') }),
    });
    const template = Template.fromStack(scope);
    const [parameter] = Object.keys(template.findParameters('*', { Default: '/millrace/models/fraud/approved' }));
    const [model] = Object.values<any>(template.findResources('AWS::SageMaker::Model'));
    expect(model.Properties.Containers).toEqual([{ ModelPackageName: { Ref: parameter } }]);
  });

  test('of a repository in China is pulled from there', () => {
    const scope = new Stack(newApp(), 'S', { env: { ...ENV, region: 'cn-north-1' } });
    const image = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/fraud/xgboost:7';
    const arn = scope.resolve(repositoryArn(new CfnParameter(scope, 'Image').valueAsString, scope.region));
    const deployed = JSON.parse(JSON.stringify(arn).replaceAll('{"Ref":"Image"}', JSON.stringify(image)));
    expect(evaluate(deployed)).toBe('arn:aws:ecr:cn-north-1:111122223333:repository/fraud/xgboost');
  });

  test('is made after the policy of its role', () => {
    const template = JSON.parse(fs.readFileSync(assembly.stacks.find(({ id }) => id === 'Plain')!.templateFile, 'utf8'));
    const model = template.Resources[only('Plain', 'AWS::SageMaker::Model').logicalId];
    expect(model.DependsOn.some((id: string) => template.Resources[id].Type === 'AWS::IAM::Policy')).toBe(true);
  });
});

describe('an imported endpoint', () => {
  test('is granted by a name that is known only at deploy time as it is', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const { endpointArn } = ModelEndpoint.fromModelEndpointAttributes(scope, 'E', { endpointName: Fn.importValue('Radar-Name') });
    expect(scope.resolve(endpointArn)['Fn::Join'][1]).toContainEqual({ 'Fn::ImportValue': 'Radar-Name' });
  });

  test('is granted by its name, in small letters', () => {
    const scope = new Stack(newApp(), 'Imported', { env: ENV });
    const imported = ModelEndpoint.fromModelEndpointAttributes(scope, 'Radar', { endpointName: 'Radar-V2' });
    expect(scope.resolve(imported.endpointArn)).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':sagemaker:eu-west-1:111122223333:endpoint/radar-v2']],
    });
    expect(imported.metrics.modelLatency().dimensions).toEqual({ EndpointName: 'Radar-V2', VariantName: 'AllTraffic' });
  });
});

describe('what is refused', () => {
  const refused = (props: Partial<ModelEndpointProps>) =>
    refusalOf(
      () => new ModelEndpoint(new Stack(newApp(), 'S', { env: ENV }), 'E', { model: MODEL, demand: DEMAND, hosting: HOSTING, ...props }),
    );
  const one = (options: Partial<RealTimeHostingOptions>) => refusalOf(() => realTime(options));
  const container = (options: object) => ModelSource.container({ image: IMAGE, ...options });

  test.each<[string, Partial<ModelEndpointProps>, string]>([
    [
      'a model by its format',
      { model: ModelSource.format({ format: 'xgboost', modelUri: 's3://a/b/' }) },
      'Millrace.ModelSourceUnsupported model',
    ],
    [
      'an image that is not in ECR',
      { model: container({ image: 'docker.io/library/x:1' }) },
      'Millrace.ModelSourceUnsupported model image',
    ],
    ['files outside S3', { model: container({ modelUri: 'gs://a/b/' }) }, 'Millrace.ModelSourceUnsupported model modelUri'],
    [
      'one file that is no archive',
      { model: container({ modelUri: 's3://a/model.bin' }) },
      'Millrace.ModelSourceUnsupported model modelUri',
    ],
    [
      'a model package without a role that may read it',
      { model: ModelSource.modelPackage({ modelPackageArn: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/fraud/3' }) },
      'Millrace.ModelPackageRoleMissing role',
    ],
    ['a name with an underscore', { endpointName: 'fraud_radar' }, 'Millrace.EndpointNameInvalid endpointName'],
    ['a payload over 25 MB', { demand: { ...DEMAND, payload: Size.mebibytes(25) } }, 'Millrace.EndpointPayloadTooLarge demand.payload'],
    ['an answer after a minute', { demand: { ...DEMAND, p99: Duration.seconds(61) } }, 'Millrace.EndpointLatencyTooLong demand.p99'],
    [
      'a canary of one instance',
      { hosting: realTime({ zones: 1 }), demand: { ...DEMAND, peakRequestsPerSecond: 1 } },
      'Millrace.EndpointRolloutUnsupported rollout',
    ],
    ['a rollout that nothing watches', { monitoring: { alarms: false } }, 'Millrace.EndpointRolloutUnguarded rollout'],
    [
      'steps that take longer than SageMaker waits',
      { rollout: Rollout.linear({ stepPercent: 10, bake: Duration.hours(1) }) },
      'Millrace.EndpointRolloutTooLong rollout',
    ],
    [
      'an alarm that fires when the former instances are gone',
      { rollout: Rollout.allAtOnce({ bake: Duration.minutes(3) }) },
      'Millrace.EndpointAlarmTooSlow monitoring.window',
    ],
    ['a name of 64 characters, hyphens among them', { endpointName: `a${'-'.repeat(62)}b` }, 'Millrace.EndpointNameInvalid endpointName'],
    [
      'an alarm that fires after the bake',
      { rollout: Rollout.canary({ bake: Duration.minutes(3) }) },
      'Millrace.EndpointAlarmTooSlow monitoring.window',
    ],
    ['guardrails on Inf1', { hosting: realTime({ instanceType: 'ml.inf1.xlarge' }) }, 'Millrace.EndpointRolloutUnsupported rollout'],
    [
      'scaling of a burstable type',
      { hosting: realTime({ instanceType: 'ml.t2.medium' }) },
      'Millrace.EndpointScalingUnsupported hosting.instanceType',
    ],
    [
      'no instance at all',
      { scaling: EndpointScaling.concurrency({ minReplicas: 0 }) },
      'Millrace.EndpointMinReplicas scaling.minReplicas',
    ],
    [
      'more at least than it begins with',
      { scaling: EndpointScaling.concurrency({ minReplicas: 4, maxReplicas: 9 }) },
      'Millrace.EndpointScalingBounds scaling',
    ],
    [
      'less at most than it begins with',
      { scaling: EndpointScaling.concurrency({ minReplicas: 1, maxReplicas: 2 }) },
      'Millrace.EndpointScalingBounds scaling',
    ],
    [
      'capture outside S3',
      { monitoring: { dataCapture: { destination: 'http://collector' } } },
      'Millrace.EndpointCaptureUnsupported monitoring.dataCapture.destination',
    ],
  ])('%s', (_what, props, expected) => expect(refused(props)).toEqual([expected]));

  test('a rolling rollout of several variants, and a shadow is one', () => {
    const rollout = Rollout.rolling();
    const second = { variantName: 'b', model: CHALLENGER };
    expect(refused({ rollout, hosting: realTime({ variants: [{ ...second, weight: 1 }] }) })).toEqual([
      'Millrace.EndpointRolloutUnsupported rollout',
    ]);
    expect(refused({ rollout, hosting: realTime({ shadow: second }) })).toEqual(['Millrace.EndpointRolloutUnsupported rollout']);
  });

  test('alarms that are slower than the bake, unless it was said that they may be', () => {
    expect(refused({ rollout: Rollout.canary({ bake: Duration.minutes(2), unguarded: true }) })).toEqual([]);
  });

  test('guardrails on Inf1 only: at once and unguarded it is deployed without them', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    new ModelEndpoint(scope, 'E', {
      model: MODEL,
      demand: DEMAND,
      hosting: realTime({ instanceType: 'ml.inf1.xlarge' }),
      rollout: Rollout.allAtOnce({ unguarded: true }),
    });
    const [endpoint] = Object.values<any>(Template.fromStack(scope).findResources('AWS::SageMaker::Endpoint'));
    expect(endpoint.Properties.DeploymentConfig).toBeUndefined();
  });

  test('alarms beyond ten, and alarms on alarms', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const imported = Array.from({ length: 9 }, (_, index) => cloudwatch.Alarm.fromAlarmName(scope, `A${index}`, `a${index}`));
    const refuse = (rollbackAlarms: cloudwatch.IAlarm[], id: string) =>
      refusalOf(() => new ModelEndpoint(scope, id, { model: MODEL, demand: DEMAND, hosting: HOSTING, rollbackAlarms }));
    expect(refuse(imported, 'E1')).toEqual(['Millrace.EndpointRollbackAlarmsInvalid rollbackAlarms']);
    expect(refuse(imported.slice(1), 'E2')).toEqual([]);
    const composite = new cloudwatch.CompositeAlarm(scope, 'C', {
      alarmRule: cloudwatch.AlarmRule.fromAlarm(imported[0], cloudwatch.AlarmState.ALARM),
    });
    expect(refuse([composite], 'E3')).toEqual(['Millrace.EndpointRollbackAlarmsInvalid rollbackAlarms']);
  });

  test('subnets of one zone', () => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const vpc = threeZones(scope);
    const network = { vpc, vpcSubnets: { subnets: [vpc.privateSubnets[0]] } };
    expect(refusalOf(() => new ModelEndpoint(scope, 'E', { model: MODEL, demand: DEMAND, hosting: realTime({ network }) }))).toEqual([
      'Millrace.EndpointZonesTooFew network.vpcSubnets',
    ]);
  });

  test.each<[string, Partial<RealTimeHostingOptions>, string]>([
    ['a type of EC2', { instanceType: 'c7g.xlarge' }, 'Millrace.EndpointHostingInvalid instanceType'],
    ['a volume over 512 GiB', { volume: { size: Size.gibibytes(513) } }, 'Millrace.EndpointHostingInvalid volume.size'],
    [
      'a size for NVMe volumes',
      { instanceType: 'ml.g5.xlarge', volume: { size: Size.gibibytes(50) } },
      'Millrace.EndpointVolumeUnsupported volume',
    ],
    ['a start of half a minute', { startup: { healthCheck: Duration.seconds(30) } }, 'Millrace.EndpointHostingInvalid startup.healthCheck'],
    ['a download of two hours', { startup: { download: Duration.hours(2) } }, 'Millrace.EndpointHostingInvalid startup.download'],
    [
      'two variants of one name',
      { variants: [{ variantName: 'AllTraffic', model: MODEL, weight: 1 }] },
      'Millrace.EndpointVariantsInvalid names of variants',
    ],
    ['weights of nothing', { weight: 0 }, 'Millrace.EndpointVariantsInvalid weight'],
    [
      'half an instance',
      { variants: [{ variantName: 'b', model: MODEL, weight: 1, replicas: 0.5 }] },
      'Millrace.EndpointVariantsInvalid replicas of variants',
    ],
    [
      'a shadow beside two variants',
      { variants: [{ variantName: 'b', model: MODEL, weight: 1 }], shadow: { variantName: 'c', model: MODEL } },
      'Millrace.EndpointShadowUnsupported shadow',
    ],
    [
      'a shadow on Inf1',
      { instanceType: 'ml.inf1.xlarge', shadow: { variantName: 'c', model: MODEL } },
      'Millrace.EndpointShadowUnsupported shadow',
    ],
    [
      'a sample of nothing',
      { shadow: { variantName: 'c', model: MODEL, samplePercent: 0 } },
      'Millrace.EndpointVariantsInvalid shadow.samplePercent',
    ],
  ])('%s', (_what, options, expected) => expect(one(options)).toEqual([expected]));
});

describe('instance types', () => {
  test.each([
    ['ml.c7g.xlarge', 4, 8, 0],
    ['ml.m5.24xlarge', 96, 384, 0],
    ['ml.r6i.large', 2, 16, 0],
    ['ml.g5.12xlarge', 48, 192, 4],
    ['ml.g6e.xlarge', 4, 32, 1],
    ['ml.p4d.24xlarge', 96, 1152, 8],
    ['ml.p5.48xlarge', 192, 2048, 8],
    ['ml.p3.2xlarge', 8, 61, 1],
    ['ml.inf2.48xlarge', 192, 768, 12],
  ])('%s has %i vCPUs, %i GiB and %i accelerators', (type, vcpus, gibibytes, accelerators) => {
    expect(capacityOf(type)).toEqual({ vcpus, memoryMib: gibibytes * 1024, accelerators });
  });

  test('that are not in the tables have no known room', () => {
    expect([capacityOf('ml.q9.xlarge'), capacityOf('ml.p4d.8xlarge'), capacityOf('ml.m5.metal')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('with NVMe volumes are told from those without', () => {
    const local = [
      'ml.m5d.large',
      'ml.m6gd.large',
      'ml.c6id.xlarge',
      'ml.r5dn.large',
      'ml.g4dn.xlarge',
      'ml.g5.xlarge',
      'ml.g6.xlarge',
      'ml.g7e.2xlarge',
      'ml.p4d.24xlarge',
      'ml.p4de.24xlarge',
      'ml.p5.48xlarge',
      'ml.trn1.2xlarge',
      'ml.p6-b200.48xlarge',
    ];
    const none = [
      'ml.m5.large',
      'ml.c7g.large',
      'ml.c6i.large',
      'ml.r7i.large',
      'ml.p3.2xlarge',
      'ml.inf1.xlarge',
      'ml.inf2.xlarge',
      'ml.t3.large',
      'ml.c6gn.large',
    ];
    expect(local.filter((type) => !hasLocalStorage(type))).toEqual([]);
    expect(none.filter(hasLocalStorage)).toEqual([]);
  });
});
