import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { Rollout } from '../../lib/inference/rollout';
import { EndpointHosting, ModelEndpoint, type ModelEndpointProps } from '../../lib/inference/aws';
import { ModelSource } from '../../lib/models/model-source';
import { evaluate } from '../contract/intrinsics';
import { refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const IMAGE = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/documents:3';
const MODEL = ModelSource.container({ image: IMAGE, modelUri: 's3://models/documents.tar.gz' });
// 10/s x 0.5 s = 5 in flight.
const DEMAND = { peakRequestsPerSecond: 10, latency: Duration.millis(500), p99: Duration.seconds(5), concurrencyPerReplica: 2 };
const SERVERLESS = EndpointHosting.serverless({ memory: Size.gibibytes(3) });

function newApp(): App {
  const app = new App({
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-queue-')),
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  new CostAllocation({ team: 'fraud', service: 'documents', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

const app = newApp();
const make = (id: string, hosting: EndpointHosting, props: Partial<ModelEndpointProps> = {}) =>
  new ModelEndpoint(new Stack(app, id, { env: ENV }), 'Documents', {
    model: MODEL,
    demand: DEMAND,
    endpointName: 'documents',
    ...props,
    hosting,
  });

make('Serverless', SERVERLESS);
make('Provisioned', EndpointHosting.serverless({ memory: Size.mebibytes(6144), maxConcurrency: 40, provisionedConcurrency: 10 }), {
  scaling: EndpointScaling.concurrency({ target: 0.6 }),
});
const queued = make('Queue', EndpointHosting.asynchronous({ instanceType: 'ml.g5.xlarge' }), {
  scaling: EndpointScaling.concurrency({ minReplicas: 0 }),
});
queued.grants.invoke(new iam.Role(queued.stack, 'Caller', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }));
const topics = new Stack(app, 'Topics', { env: ENV });
const topic = new sns.Topic(topics, 'Answers');
make(
  'Warm',
  EndpointHosting.asynchronous({ instanceType: 'ml.g5.xlarge', successTopic: topic, errorTopic: topic, maxConcurrentInvocations: 7 }),
);

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
const configOf = (stackId: string) => only(stackId, 'AWS::SageMaker::EndpointConfig').properties;
const statements = (stackId: string, at: string) =>
  all(stackId, 'AWS::IAM::Policy')
    .filter((policy) => policy.path.includes(at))
    .flatMap(({ properties }) => properties.PolicyDocument.Statement)
    .map(({ Action, Resource }: any) => ({ Action: [Action].flat(), Resource: [evaluate(Resource)].flat() }));

describe('a serverless endpoint', () => {
  test('takes what is in flight at peak and a third more, without instances, network or guardrails', () => {
    expect(configOf('Serverless')).toMatchObject({
      ProductionVariants: [
        { VariantName: 'AllTraffic', InitialVariantWeight: 1, ServerlessConfig: { MemorySizeInMB: 3072, MaxConcurrency: 7 } },
      ],
    });
    const [variant] = configOf('Serverless').ProductionVariants;
    expect(Object.keys(variant).sort()).toEqual(['InitialVariantWeight', 'ModelName', 'ServerlessConfig', 'VariantName']);
    expect(configOf('Serverless').MetricsConfig).toBeUndefined();
    expect(endpointOf('Serverless')).not.toHaveProperty('DeploymentConfig');
    expect(endpointOf('Serverless')).not.toHaveProperty('RetainAllVariantProperties');
    expect(only('Serverless', 'AWS::SageMaker::Model').properties.EnableNetworkIsolation).toBeUndefined();
    expect(all('Serverless', 'AWS::ApplicationAutoScaling::ScalableTarget')).toEqual([]);
  });

  test('is watched as a whole: no instances of a newest version report for themselves', () => {
    expect(all('Serverless', 'AWS::CloudWatch::Alarm').map(({ properties }) => properties.AlarmName)).toEqual([
      'documents-AllTraffic-errors',
      'documents-AllTraffic-latency',
    ]);
  });

  test('scales what of it is provisioned, by the share in use', () => {
    expect(configOf('Provisioned').ProductionVariants[0].ServerlessConfig).toEqual({
      MemorySizeInMB: 6144,
      MaxConcurrency: 40,
      ProvisionedConcurrency: 10,
    });
    expect(only('Provisioned', 'AWS::ApplicationAutoScaling::ScalableTarget').properties).toMatchObject({
      ScalableDimension: 'sagemaker:variant:DesiredProvisionedConcurrency',
      MinCapacity: 10,
      MaxCapacity: 40,
    });
    expect(
      only('Provisioned', 'AWS::ApplicationAutoScaling::ScalingPolicy').properties.TargetTrackingScalingPolicyConfiguration,
    ).toMatchObject({
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantProvisionedConcurrencyUtilization' },
      TargetValue: 0.6,
    });
  });
});

describe('an asynchronous endpoint', () => {
  test('keeps requests and answers in a bucket of its own', () => {
    const bucket = only('Queue', 'AWS::S3::Bucket');
    expect(bucket.deletionPolicy).toBe('Retain');
    const uri = (part: string) => ({ 'Fn::Join': ['', ['s3://', { Ref: bucket.logicalId }, `/documents/${part}/`]] });
    expect(configOf('Queue').AsyncInferenceConfig).toEqual({
      ClientConfig: { MaxConcurrentInvocationsPerInstance: 2 },
      OutputConfig: { S3OutputPath: uri('output'), S3FailurePath: uri('failure') },
    });
    const arn = `${bucket.logicalId}.Arn`;
    expect(statements('Queue', '/Documents/Role/')).toEqual(
      expect.arrayContaining([
        { Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::models/documents.tar.gz', `${arn}/documents/input/*`] },
        { Action: ['s3:PutObject'], Resource: [`${arn}/documents/failure/*`, `${arn}/documents/output/*`] },
      ]),
    );
  });

  test('scales by the requests that wait for an instance, as many as it works off in time', () => {
    // 5 s / 0.5 s = 10 rounds of 2.
    const [track] = all('Queue', 'AWS::ApplicationAutoScaling::ScalingPolicy').map(({ properties }) => properties);
    expect(track.TargetTrackingScalingPolicyConfiguration).toMatchObject({
      TargetValue: 20,
      CustomizedMetricSpecification: {
        Namespace: 'AWS/SageMaker',
        MetricName: 'ApproximateBacklogSizePerInstance',
        Dimensions: [{ Name: 'EndpointName', Value: 'documents' }],
        Statistic: 'Average',
      },
    });
    expect(only('Queue', 'AWS::ApplicationAutoScaling::ScalableTarget').properties.MinCapacity).toBe(0);
  });

  test('starts its first instance by an alarm of its own, since nothing waits for an instance that is not there', () => {
    const step = all('Queue', 'AWS::ApplicationAutoScaling::ScalingPolicy').find(
      ({ properties }) => properties.PolicyType === 'StepScaling',
    )!;
    expect(step.properties.StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    });
    const alarm = all('Queue', 'AWS::CloudWatch::Alarm').find(({ properties }) => properties.MetricName === 'HasBacklogWithoutCapacity')!;
    expect(alarm.properties).toMatchObject({
      Dimensions: [{ Name: 'EndpointName', Value: 'documents' }],
      AlarmActions: [{ Ref: step.logicalId }],
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Statistic: 'Maximum',
    });
    expect(all('Warm', 'AWS::ApplicationAutoScaling::ScalingPolicy')).toHaveLength(1);
  });

  test('begins a deploy with the instances of its size when it may have come down to none', () => {
    expect(endpointOf('Queue').RetainAllVariantProperties).toBeUndefined();
    expect(endpointOf('Warm').RetainAllVariantProperties).toBe(true);
  });

  test('is rolled back for errors and a slower model, and not for what waits', () => {
    const names = all('Queue', 'AWS::CloudWatch::Alarm').flatMap(({ properties, logicalId }) =>
      endpointOf('Queue').DeploymentConfig.AutoRollbackConfiguration.Alarms.some(({ AlarmName }: any) => AlarmName.Ref === logicalId)
        ? [properties.AlarmName]
        : [],
    );
    expect(names).toEqual(['new-errors', 'new-latency'].map((each) => `documents-AllTraffic-${each}`));
    const waiting = all('Queue', 'AWS::CloudWatch::Alarm').find(
      ({ properties }) => properties.AlarmName === 'documents-AllTraffic-latency',
    )!;
    expect(waiting.properties).toMatchObject({ MetricName: 'TotalProcessingTime', ExtendedStatistic: 'p99', Threshold: 5000 });
  });

  test('lets a caller put requests, hand them in and read answers', () => {
    const bucket = only('Queue', 'AWS::S3::Bucket').logicalId;
    const granted = statements('Queue', '/Caller/');
    expect(granted.flatMap(({ Action }) => Action).filter((action) => action.startsWith('sagemaker:'))).toEqual([
      'sagemaker:InvokeEndpointAsync',
    ]);
    const put = granted.find(({ Action }) => Action.includes('s3:PutObject'))!;
    expect(put.Resource).toEqual([`${bucket}.Arn/documents/input/*`]);
  });

  test('tells topics of answers and failures', () => {
    const { ClientConfig, OutputConfig } = configOf('Warm').AsyncInferenceConfig;
    expect(ClientConfig.MaxConcurrentInvocationsPerInstance).toBe(7);
    expect(Object.keys(OutputConfig.NotificationConfig).sort()).toEqual(['ErrorTopic', 'SuccessTopic']);
    expect(statements('Warm', '/Documents/Role/').flatMap(({ Action }) => Action)).toContain('sns:Publish');
  });
});

describe('what is refused', () => {
  const refused = (hosting: EndpointHosting, props: Partial<ModelEndpointProps> = {}) =>
    refusalOf(() => new ModelEndpoint(new Stack(newApp(), 'S', { env: ENV }), 'E', { model: MODEL, demand: DEMAND, ...props, hosting }));
  const serverless = (options: object) => refusalOf(() => EndpointHosting.serverless({ memory: Size.gibibytes(1), ...options }));
  const queue = EndpointHosting.asynchronous({ instanceType: 'ml.g5.xlarge' });
  const provisioned = EndpointHosting.serverless({ memory: Size.gibibytes(1), provisionedConcurrency: 2 });

  test.each([
    [{ memory: Size.mebibytes(1500) }, 'Millrace.EndpointHostingInvalid memory'],
    [{ memory: Size.gibibytes(7) }, 'Millrace.EndpointHostingInvalid memory'],
    [{ maxConcurrency: 201 }, 'Millrace.EndpointHostingInvalid maxConcurrency'],
    [{ maxConcurrency: 5, provisionedConcurrency: 6 }, 'Millrace.EndpointHostingInvalid provisionedConcurrency'],
    [{ variantName: 'a_b' }, 'Millrace.EndpointHostingInvalid variantName'],
  ])('serverless with %j', (options, expected) => expect(serverless(options)).toEqual([expected]));

  test.each<[string, EndpointHosting, Partial<ModelEndpointProps>, string]>([
    ['guardrails without instances', SERVERLESS, { rollout: Rollout.canary() }, 'Millrace.EndpointRolloutUnsupported rollout'],
    [
      'capture without instances',
      SERVERLESS,
      { monitoring: { dataCapture: {} } },
      'Millrace.EndpointCaptureUnsupported monitoring.dataCapture',
    ],
    [
      'scaling of nothing provisioned',
      SERVERLESS,
      { scaling: EndpointScaling.concurrency() },
      'Millrace.EndpointScalingUnsupported scaling',
    ],
    [
      'a target that is no share',
      provisioned,
      { scaling: EndpointScaling.concurrency({ target: 2 }) },
      'Millrace.EndpointScalingUnsupported scaling',
    ],
    ['invocations of a queue', queue, { scaling: EndpointScaling.invocations() }, 'Millrace.EndpointScalingUnsupported scaling'],
    [
      'files that are no archive without instances',
      SERVERLESS,
      { model: ModelSource.container({ image: IMAGE, modelUri: 's3://models/v3/' }) },
      'Millrace.ModelSourceUnsupported model modelUri',
    ],
    [
      '5 MB without instances',
      SERVERLESS,
      { demand: { ...DEMAND, payload: Size.mebibytes(5) } },
      'Millrace.EndpointPayloadTooLarge demand.payload',
    ],
    [
      '1 GiB through a queue',
      queue,
      { demand: { ...DEMAND, payload: Size.gibibytes(1) } },
      'Millrace.EndpointPayloadTooLarge demand.payload',
    ],
    ['an answer after two hours', queue, { demand: { ...DEMAND, p99: Duration.hours(2) } }, 'Millrace.EndpointLatencyTooLong demand.p99'],
    [
      'fewer at a time than are in flight',
      EndpointHosting.serverless({ memory: Size.gibibytes(1), maxConcurrency: 4 }),
      {},
      'Millrace.ServerlessConcurrencyTooLow hosting.maxConcurrency',
    ],
    [
      'more in flight than serverless takes',
      SERVERLESS,
      { demand: { ...DEMAND, peakRequestsPerSecond: 500 } },
      'Millrace.ServerlessConcurrencyTooLow hosting.maxConcurrency',
    ],
  ])('%s', (_what, hosting, props, expected) => expect(refused(hosting, props)).toEqual([expected]));

  test('more at a time than SageMaker sends an instance', () => {
    expect(refusalOf(() => EndpointHosting.asynchronous({ instanceType: 'ml.g5.xlarge', maxConcurrentInvocations: 1001 }))).toEqual([
      'Millrace.EndpointHostingInvalid maxConcurrentInvocations',
    ]);
  });

  test('no payload of the largest size that there is', () => {
    expect(refused(queue, { demand: { ...DEMAND, payload: Size.bytes(1_000_000_000) } })).toEqual([]);
    expect(refused(SERVERLESS, { demand: { ...DEMAND, payload: Size.bytes(4_000_000) } })).toEqual([]);
  });
});
