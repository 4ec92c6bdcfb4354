import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Template } from 'aws-cdk-lib/assertions';
import * as fc from 'fast-check';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { Rollout } from '../../lib/inference/rollout';
import { ComponentEndpoint, type ComponentEndpointProps, InferenceComponent, type InferenceComponentProps } from '../../lib/inference/aws';
import { instancesFor } from '../../lib/inference/aws/component-packing';
import { ModelSource } from '../../lib/models/model-source';
import { evaluate } from '../contract/intrinsics';
import { codesIn, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const IMAGE = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/embeddings:3';
const MODEL = ModelSource.container({ image: IMAGE, modelUri: 's3://models/embeddings/v3/' });
// 20/s x 0.1 s = 2 in flight; 4 at a time, 37.5 % of it with one of two zones lost: two copies.
const DEMAND = { peakRequestsPerSecond: 20, latency: Duration.millis(100), p99: Duration.seconds(1), concurrencyPerReplica: 4 };
const COMPUTE = { memory: Size.gibibytes(16), accelerators: 1 };

function newApp(): App {
  const app = new App({
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-components-')),
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  new CostAllocation({ team: 'fraud', service: 'embeddings', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}

const app = newApp();
const endpointIn = (scope: Stack, props: Partial<ComponentEndpointProps> = {}) =>
  new ComponentEndpoint(scope, 'Gpus', { instanceType: 'ml.g6.12xlarge', maxInstances: 4, endpointName: 'gpus', ...props });

const steady = new Stack(app, 'Steady', { env: ENV });
const shared = endpointIn(steady);
const embeddings = new InferenceComponent(steady, 'Embeddings', {
  endpoint: shared,
  model: MODEL,
  demand: DEMAND,
  compute: COMPUTE,
  componentName: 'embeddings',
});
embeddings.grants.invoke(new iam.Role(steady, 'Caller', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }));

const idle = new Stack(app, 'Idle', { env: ENV });
new InferenceComponent(idle, 'Embeddings', {
  endpoint: endpointIn(idle),
  model: MODEL,
  demand: { ...DEMAND, peakRequestsPerSecond: 1 },
  compute: COMPUTE,
  componentName: 'embeddings',
  scaleToZero: true,
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
const variantOf = (stackId: string) => only(stackId, 'AWS::SageMaker::EndpointConfig').properties.ProductionVariants[0];
const componentOf = (stackId: string) => only(stackId, 'AWS::SageMaker::InferenceComponent').properties;

describe('instances that components share', () => {
  test('have no model, and SageMaker adds and takes them away', () => {
    expect(variantOf('Steady')).toEqual({
      VariantName: 'AllTraffic',
      InstanceType: 'ml.g6.12xlarge',
      InitialInstanceCount: 2,
      ManagedInstanceScaling: { Status: 'ENABLED', MinInstanceCount: 2, MaxInstanceCount: 4 },
      RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
    });
    const { ExecutionRoleArn, EnableNetworkIsolation, MetricsConfig } = only('Steady', 'AWS::SageMaker::EndpointConfig').properties;
    expect(ExecutionRoleArn['Fn::GetAtt'][0]).toMatch(/^GpusRole/);
    expect([EnableNetworkIsolation, MetricsConfig]).toEqual([true, { EnableEnhancedMetrics: true }]);
  });
});

test('what is named for the instances is passed on, and everything waits for what it needs', () => {
  const scope = new Stack(newApp(), 'S', { env: ENV });
  const volume = { size: Size.gibibytes(50), encryptionKey: new kms.Key(scope, 'Key') };
  const endpoint = endpointIn(scope, { instanceType: 'ml.m7i.4xlarge', volume });
  new InferenceComponent(scope, 'C', { endpoint, model: MODEL, demand: DEMAND, compute: { memory: Size.gibibytes(8) } });
  const template = Template.fromStack(scope);
  const [configuration] = Object.values<any>(template.findResources('AWS::SageMaker::EndpointConfig'));
  expect(configuration.Properties.ProductionVariants[0].VolumeSizeInGB).toBe(50);
  expect(configuration.Properties.KmsKeyId['Fn::GetAtt'][1]).toBe('Arn');
  const policies = Object.keys(template.findResources('AWS::IAM::Policy'));
  expect(configuration.DependsOn.some((id: string) => policies.includes(id))).toBe(true);
  const [target] = Object.values<any>(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
  expect(target.DependsOn).toEqual(Object.keys(template.findResources('AWS::SageMaker::InferenceComponent')));
});

describe('a component', () => {
  test('has the copies that its demand needs, each with what it takes', () => {
    expect(componentOf('Steady')).toMatchObject({
      InferenceComponentName: 'embeddings',
      VariantName: 'AllTraffic',
      RuntimeConfig: { CopyCount: 2 },
      Specification: {
        ModelName: { 'Fn::GetAtt': [only('Steady', 'AWS::SageMaker::Model').logicalId, 'ModelName'] },
        ComputeResourceRequirements: { MinMemoryRequiredInMb: 16384, NumberOfAcceleratorDevicesRequired: 1 },
      },
    });
    expect(only('Steady', 'AWS::SageMaker::InferenceComponent').metadata['millrace.io/sizing']).toMatchObject({
      choice: '2 x 4 at a time',
    });
  });

  test('is updated in batches that its alarms roll back', () => {
    const alarms = all('Steady', 'AWS::CloudWatch::Alarm');
    expect(componentOf('Steady').DeploymentConfig).toEqual({
      AutoRollbackConfiguration: { Alarms: alarms.map(({ logicalId }) => ({ AlarmName: { Ref: logicalId } })) },
      RollingUpdatePolicy: {
        MaximumBatchSize: { Type: 'CAPACITY_PERCENT', Value: 25 },
        WaitIntervalInSeconds: 600,
        MaximumExecutionTimeoutInSeconds: 4800,
      },
    });
    expect(alarms.map(({ properties }) => [properties.AlarmName, properties.Dimensions])).toEqual(
      ['errors', 'latency'].map((each) => [`embeddings-${each}`, [{ Name: 'InferenceComponentName', Value: 'embeddings' }]]),
    );
  });

  test('reports its metrics under a namespace of its own, as its instances do', () => {
    const namespaces = all('Steady', 'AWS::IAM::Policy')
      .flatMap(({ properties }) => properties.PolicyDocument.Statement)
      .filter(({ Action }: any) => Action === 'cloudwatch:PutMetricData')
      .map(({ Condition }: any) => Condition.StringEquals['cloudwatch:namespace']);
    expect(namespaces).toEqual(
      Array.from({ length: 2 }, () => ['AWS/SageMaker', '/aws/sagemaker/Endpoints', '/aws/sagemaker/InferenceComponents']),
    );
  });

  test('scales by the requests in flight on a copy', () => {
    expect(only('Steady', 'AWS::ApplicationAutoScaling::ScalableTarget').properties).toMatchObject({
      ScalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      ResourceId: 'inference-component/embeddings',
      MinCapacity: 2,
      MaxCapacity: 4,
    });
    expect(only('Steady', 'AWS::ApplicationAutoScaling::ScalingPolicy').properties.TargetTrackingScalingPolicyConfiguration).toMatchObject({
      PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution' },
      TargetValue: 1.5,
    });
  });

  test('is asked through its endpoint, both of which are granted', () => {
    const [statement] = all('Steady', 'AWS::IAM::Policy')
      .filter(({ path: at }) => at.includes('/Caller/'))
      .flatMap(({ properties }) => properties.PolicyDocument.Statement);
    expect(statement.Action).toBe('sagemaker:InvokeEndpoint');
    expect(evaluate(statement.Resource)).toEqual([
      'arn:aws:sagemaker:eu-west-1:111122223333:inference-component/embeddings',
      `ref:${only('Steady', 'AWS::SageMaker::Endpoint').logicalId}`,
    ]);
  });

  test('scales to nothing and back with all four pieces that this takes', () => {
    expect(variantOf('Idle').ManagedInstanceScaling).toEqual({ Status: 'ENABLED', MinInstanceCount: 0, MaxInstanceCount: 4 });
    expect(only('Idle', 'AWS::ApplicationAutoScaling::ScalableTarget').properties).toMatchObject({ MinCapacity: 0, MaxCapacity: 2 });
    const policies = all('Idle', 'AWS::ApplicationAutoScaling::ScalingPolicy');
    expect(policies.map(({ properties }) => properties.PolicyType)).toEqual(['TargetTrackingScaling', 'StepScaling']);
    const alarm = all('Idle', 'AWS::CloudWatch::Alarm').find(({ properties }) => properties.MetricName === 'NoCapacityInvocationFailures')!;
    expect(alarm.properties).toMatchObject({
      Namespace: 'AWS/SageMaker',
      Dimensions: [{ Name: 'InferenceComponentName', Value: 'embeddings' }],
      AlarmActions: [{ Ref: policies[1].logicalId }],
      Statistic: 'Sum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    });
    // One copy has no batches.
    expect(componentOf('Idle').DeploymentConfig).toBeUndefined();
  });
});

describe('what is refused', () => {
  const component = (props: Partial<InferenceComponentProps>, endpoint: Partial<ComponentEndpointProps> = {}) => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    return refusalOf(
      () =>
        new InferenceComponent(scope, 'C', {
          endpoint: endpointIn(scope, endpoint),
          model: MODEL,
          demand: DEMAND,
          compute: COMPUTE,
          ...props,
        }),
    );
  };

  test.each<[string, Partial<InferenceComponentProps>, string]>([
    ['more GPUs than an instance has', { compute: { ...COMPUTE, accelerators: 5 } }, 'Millrace.InferenceComponentsDoNotFit compute'],
    [
      'more memory than an instance has',
      { compute: { ...COMPUTE, memory: Size.gibibytes(193) } },
      'Millrace.InferenceComponentsDoNotFit compute',
    ],
    ['hardly any memory', { compute: { memory: Size.mebibytes(127) } }, 'Millrace.InferenceComponentComputeInvalid compute.memory'],
    ['half a GPU', { compute: { ...COMPUTE, accelerators: 0.5 } }, 'Millrace.InferenceComponentComputeInvalid compute.accelerators'],
    ['a tenth of a processor', { compute: { ...COMPUTE, cpus: 0.1 } }, 'Millrace.InferenceComponentComputeInvalid compute.cpus'],
    ['a name with a dot', { componentName: 'a.b' }, 'Millrace.EndpointNameInvalid componentName'],
    ['a canary', { rollout: Rollout.canary() }, 'Millrace.EndpointRolloutUnsupported rollout'],
    ['batches that nothing watches', { monitoring: { alarms: false } }, 'Millrace.EndpointRolloutUnguarded rollout'],
    [
      'batches that take too long',
      { rollout: Rollout.rolling({ batchPercent: 5, bake: Duration.hours(1) }) },
      'Millrace.EndpointRolloutTooLong rollout',
    ],
    [
      'an alarm slower than a batch',
      { rollout: Rollout.rolling({ bake: Duration.minutes(2) }) },
      'Millrace.EndpointAlarmTooSlow monitoring.window',
    ],
    ['capture', { monitoring: { dataCapture: {} } }, 'Millrace.EndpointCaptureUnsupported monitoring.dataCapture'],
    [
      'no copy without a way back',
      { scaling: EndpointScaling.concurrency({ minReplicas: 0 }) },
      'Millrace.EndpointScalingUnsupported scaling.minReplicas',
    ],
    ['zero that stays', { scaleToZero: true, scaling: EndpointScaling.fixed() }, 'Millrace.EndpointScalingUnsupported scaleToZero'],
    [
      'fewer at most than it begins with',
      { scaling: EndpointScaling.concurrency({ minReplicas: 1, maxReplicas: 1 }) },
      'Millrace.EndpointScalingBounds scaling',
    ],
    ['an answer after a minute', { demand: { ...DEMAND, p99: Duration.seconds(61) } }, 'Millrace.EndpointLatencyTooLong demand.p99'],
    ['26 MB', { demand: { ...DEMAND, payload: Size.mebibytes(26) } }, 'Millrace.EndpointPayloadTooLarge demand.payload'],
    [
      'a package of the registry',
      { model: ModelSource.modelPackage({ modelPackageArn: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/fraud/3' }) },
      'Millrace.ModelSourceUnsupported model',
    ],
  ])('%s', (_what, props, expected) => expect(component(props)).toEqual([expected]));

  test('a GPU on an instance without one', () => {
    expect(component({}, { instanceType: 'ml.m7g.4xlarge' })).toEqual(['Millrace.GpuOnCpuInstance compute.accelerators']);
    expect(component({ compute: { memory: Size.gibibytes(16) } }, { instanceType: 'ml.m7g.4xlarge' })).toEqual([]);
  });

  test.each<[Partial<ComponentEndpointProps>, string]>([
    [{ instanceType: 'ml.t3.large' }, 'Millrace.EndpointScalingUnsupported instanceType'],
    [{ instanceType: 'ml.q9.large' }, 'Millrace.InstanceTypeUnknown instanceType'],
    [{ maxInstances: 0 }, 'Millrace.EndpointHostingInvalid maxInstances'],
    [{ minInstances: 5 }, 'Millrace.EndpointHostingInvalid minInstances'],
    [{ endpointName: 'a_b' }, 'Millrace.EndpointNameInvalid endpointName'],
    [{ volume: { size: Size.gibibytes(50) } }, 'Millrace.EndpointVolumeUnsupported volume'],
  ])('instances with %j', (props, expected) => {
    expect(refusalOf(() => endpointIn(new Stack(newApp(), 'S', { env: ENV }), props))).toEqual([expected]);
  });

  test('components that do not fit when all have scaled out, at the end of the synth', () => {
    const crowd = (maxInstances: number) => {
      const each = newApp();
      const scope = new Stack(each, 'S', { env: ENV });
      const endpoint = endpointIn(scope, { maxInstances });
      for (const id of ['A', 'B', 'C']) new InferenceComponent(scope, id, { endpoint, model: MODEL, demand: DEMAND, compute: COMPUTE });
      return codesIn(() => each.synth());
    };
    // Three times four copies of a GPU each, four GPUs an instance.
    expect(crowd(2)).toEqual(['Millrace.InferenceComponentsDoNotFit']);
    expect(crowd(3)).toEqual([]);
  });
});

test('packing never takes fewer instances than there must be, nor more than one for each copy', () => {
  const room = { accelerators: 8, cpus: 96, memoryMib: 1024 };
  const one = fc.record({
    copies: fc.integer({ min: 1, max: 6 }),
    resources: fc.record({
      accelerators: fc.integer({ min: 0, max: 8 }),
      cpus: fc.integer({ min: 1, max: 96 }),
      memoryMib: fc.integer({ min: 1, max: 1024 }),
    }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), (components) => {
      const copies = components.reduce((sum, each) => sum + each.copies, 0);
      const least = (['accelerators', 'cpus', 'memoryMib'] as const).map((kind) =>
        Math.ceil(components.reduce((sum, each) => sum + each.copies * each.resources[kind], 0) / room[kind]),
      );
      const needed = instancesFor(components, room);
      expect(needed).toBeGreaterThanOrEqual(Math.max(0, ...least));
      expect(needed).toBeLessThanOrEqual(copies);
    }),
  );
  expect(instancesFor([{ copies: 1, resources: { accelerators: 9, cpus: 1, memoryMib: 1 } }], room)).toBe(Infinity);
});
