import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as fc from 'fast-check';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { LlmContainer } from '../../lib/inference/aws/llm-container';
import { LlmEndpoint, type LlmEndpointProps } from '../../lib/inference/aws/llm-endpoint';
import { LlmAttention } from '../../lib/inference/llm-attention';
import { KvCacheType, LlmModel } from '../../lib/inference/llm-model';
import { LlmScaling } from '../../lib/inference/llm-scaling';
import { LlmSizing } from '../../lib/inference/llm-sizing';
import { Rollout } from '../../lib/inference/rollout';
import { refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const VLLM = LlmContainer.vllm('763104351884.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.18-gpu-py312');
const LMI = LlmContainer.lmi('763104351884.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.36.0-lmi18.0.0-cu128', {
  inferenceAmiVersion: 'al2-ami-sagemaker-inference-gpu-3-1',
});
const MODEL = LlmModel.LLAMA_3_1_8B.storedAt('s3://models/llama-8b/v3/');
const SIZING = LlmSizing.fixed(MODEL, { instanceType: 'g6e.xlarge', replicas: 4, contextLength: 8192, concurrencyPerReplica: 20 });
const ANSWERS = { mean: Duration.seconds(12), p99: Duration.seconds(40) };

function newApp(): App {
  const app = new App({
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-llm-')),
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  new CostAllocation({ team: 'assist', service: 'chat', costCenter: 'CC-7', environment: 'prod' }).applyTo(app);
  return app;
}

const app = newApp();
const make = (id: string, props: Partial<LlmEndpointProps> = {}, scope: App = app) =>
  new LlmEndpoint(new Stack(scope, id, { env: ENV }), 'Chat', { sizing: SIZING, container: VLLM, answerTime: ANSWERS, ...props });

const chat = make('Plain');
const role = new iam.Role(chat.stack, 'Caller', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
chat.grants.invoke(role, { streaming: true });
const latent = LlmModel.of({
  name: 'latent',
  uri: 's3://models/latent/',
  parameters: 16e9,
  layers: 27,
  attention: LlmAttention.latent({ attentionHeads: 16, latentDim: 576 }),
  maxModelLength: 32768,
  kvCacheType: KvCacheType.FP8,
});
make('Lmi', {
  container: LMI,
  endpointName: 'chat-lmi',
  sizing: LlmSizing.fixed(latent, { instanceType: 'g6.12xlarge', replicas: 3, contextLength: 8192, concurrencyPerReplica: 16 }),
  scaling: LlmScaling.concurrency({ minReplicas: 2, maxReplicas: 9 }),
  monitoring: { errorPercent: 2, window: Duration.minutes(3) },
  rollout: Rollout.linear(),
});

let resources: { [stack: string]: any[] };
let cloud: ReturnType<App['synth']>;
beforeAll(() => {
  cloud = app.synth();
  resources = {};
  for (const stack of cloud.stacks) resources[stack.id] = Object.values(stack.template.Resources);
});
const of = (stack: string, type: string): any[] => resources[stack].filter(({ Type }) => Type === `AWS::${type}`);
const only = (stack: string, type: string): any => {
  expect(of(stack, type)).toHaveLength(1);
  return of(stack, type)[0];
};

test('the container of vLLM is told everything that the sizing counted with, and finds the files as they are', () => {
  const { PrimaryContainer, EnableNetworkIsolation } = only('Plain', 'SageMaker::Model').Properties;
  expect(EnableNetworkIsolation).toBe(true);
  expect(PrimaryContainer.Environment).toEqual({
    SM_VLLM_MODEL: '/opt/ml/model',
    SM_VLLM_SERVED_MODEL_NAME: 'llama-3.1-8b-instruct',
    SM_VLLM_TENSOR_PARALLEL_SIZE: '1',
    SM_VLLM_MAX_MODEL_LEN: '8192',
    SM_VLLM_GPU_MEMORY_UTILIZATION: '0.92',
    SM_VLLM_KV_CACHE_DTYPE: 'auto',
    SM_VLLM_MAX_NUM_SEQS: '20',
  });
  expect(PrimaryContainer.ModelDataSource).toEqual({
    S3DataSource: { S3DataType: 'S3Prefix', CompressionType: 'None', S3Uri: 's3://models/llama-8b/v3/' },
  });
});

test('the container for large models has other words for some', () => {
  expect(only('Lmi', 'SageMaker::Model').Properties.PrimaryContainer.Environment).toEqual({
    HF_MODEL_ID: '/opt/ml/model',
    // Without, the model answers to the name `lmi` only.
    OPTION_SERVED_MODEL_NAME: 'latent',
    OPTION_TENSOR_PARALLEL_DEGREE: '4',
    OPTION_MAX_MODEL_LEN: '8192',
    OPTION_GPU_MEMORY_UTILIZATION: '0.92',
    OPTION_KV_CACHE_DTYPE: 'fp8',
    OPTION_MAX_ROLLING_BATCH_SIZE: '16',
  });
});

test('the instances are those of the sizing, with time to fetch and load', () => {
  const [variant] = only('Plain', 'SageMaker::EndpointConfig').Properties.ProductionVariants;
  expect(variant).toMatchObject({
    InstanceType: 'ml.g6e.xlarge',
    InitialInstanceCount: 4,
    ContainerStartupHealthCheckTimeoutInSeconds: 1800,
    ModelDataDownloadTimeoutInSeconds: 1800,
    RoutingConfig: { RoutingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
  });
  const endpoint = only('Plain', 'SageMaker::Endpoint');
  expect(endpoint.Metadata[Sizing.RECORD_KEY]).toMatchObject({ choice: SIZING.choice, reason: SIZING.reason });
  expect(chat.node.defaultChild).toBe(chat.node.findChild('Resource').node.defaultChild);
});

test('the instances have a driver that the container starts on', () => {
  const amiOf = (stack: string) =>
    only(stack, 'SageMaker::EndpointConfig').Properties.ProductionVariants.map((variant: any) => variant.InferenceAmiVersion);
  expect(amiOf('Plain')).toEqual(['al2023-ami-sagemaker-inference-gpu-4-1']);
  expect(amiOf('Lmi')).toEqual(['al2-ami-sagemaker-inference-gpu-3-1']);
});

test('a new version takes over instance by instance, and its alarms roll it back', () => {
  const { DeploymentConfig } = only('Plain', 'SageMaker::Endpoint').Properties;
  expect(DeploymentConfig.RollingUpdatePolicy.MaximumBatchSize).toEqual({ Type: 'CAPACITY_PERCENT', Value: 25 });
  expect(DeploymentConfig.BlueGreenUpdatePolicy).toBeUndefined();
  expect(DeploymentConfig.AutoRollbackConfiguration.Alarms.length).toBeGreaterThan(0);
  expect(only('Lmi', 'SageMaker::Endpoint').Properties.DeploymentConfig.BlueGreenUpdatePolicy).toBeDefined();
});

test('nothing scales unless asked; then the requests in flight do, at two thirds of what an instance serves', () => {
  expect(of('Plain', 'ApplicationAutoScaling::ScalableTarget')).toEqual([]);
  expect(only('Lmi', 'ApplicationAutoScaling::ScalableTarget').Properties).toMatchObject({ MinCapacity: 2, MaxCapacity: 9 });
  const { TargetTrackingScalingPolicyConfiguration: tracked } = only('Lmi', 'ApplicationAutoScaling::ScalingPolicy').Properties;
  expect(tracked).toMatchObject({
    TargetValue: 10,
    PredefinedMetricSpecification: { PredefinedMetricType: 'SageMakerVariantConcurrentRequestsPerModelHighResolution' },
  });
});

test('a caller may ask this endpoint, also for a stream', () => {
  const [statement] = of('Plain', 'IAM::Policy')
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Action }) => [Action].flat().includes('sagemaker:InvokeEndpointWithResponseStream'));
  expect(statement.Resource).toEqual({ Ref: expect.stringMatching(/^Chat/) });
});

test('copies of the KV cache are warned of', () => {
  const warnings = cloud.stacks.flatMap(({ messages }) => messages.map(({ entry }) => String(entry.data)));
  expect(warnings.filter((text) => text.includes('LlmKvCacheCopied'))).toEqual([
    expect.stringContaining('latent is split over 4 GPUs and has 1 KV heads: each value is kept 4 times'),
  ]);
});

test('the endpoint has the replicas of every sizing', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 1, max: 30_000 }),
      (replicas, concurrencyPerReplica, millis) => {
        const sizing = LlmSizing.fixed(MODEL, { instanceType: 'g6e.xlarge', replicas, contextLength: 8192, concurrencyPerReplica });
        const answerTime = { mean: Duration.millis(millis), p99: Duration.seconds(60) };
        const stack = new Stack(newApp(), 'Any', { env: ENV });
        const endpoint = new LlmEndpoint(stack, 'Chat', { sizing, container: VLLM, answerTime });
        expect((endpoint.node.findChild('Resource') as any).sizing.replicas).toBe(replicas);
      },
    ),
    { numRuns: 15 },
  );
});

describe('what cannot be is refused', () => {
  const size = { instanceType: 'g6e.xlarge', replicas: 1, contextLength: 8192 };
  const promised = LlmSizing.fixed(MODEL, { ...size, timeToFirstToken: Duration.seconds(1) });
  test.each<[string, Partial<LlmEndpointProps>, string[]]>([
    [
      'files that isolated containers cannot fetch',
      { sizing: LlmSizing.fixed(LlmModel.LLAMA_3_1_8B, size) },
      ['Millrace.LlmEndpointInvalid model.uri'],
    ],
    [
      'a part of an instance',
      { sizing: LlmSizing.fixed(MODEL, { ...size, instanceType: 'g6.12xlarge', tensorParallel: 2 }) },
      ['Millrace.LlmEndpointInvalid sizing.sharedNodes'],
    ],
    ['several nodes', { sizing: LlmSizing.fixed(MODEL, { ...size, nodes: 2 }) }, ['Millrace.LlmEndpointInvalid sizing.nodes']],
    [
      'waiting requests',
      { scaling: LlmScaling.waitingRequests({ serverAddress: 'http://prometheus' }) },
      ['Millrace.LlmScalingInvalid scaling'],
    ],
    ['one instance beside a promise', { sizing: promised }, ['Millrace.LlmScalingInvalid scaling.minReplicas']],
    [
      'an answer that SageMaker gives up on',
      { answerTime: { mean: Duration.seconds(12), p99: Duration.seconds(61) } },
      ['Millrace.EndpointLatencyTooLong demand.p99'],
    ],
    [
      'an image of instances without GPUs',
      { container: LlmContainer.vllm(VLLM.image, { inferenceAmiVersion: 'al2-ami-sagemaker-inference-neuron-2' }) },
      ['Millrace.LlmEndpointInvalid container.inferenceAmiVersion'],
    ],
    ['an image elsewhere', { container: LlmContainer.vllm('vllm/vllm-openai:v0.18.1') }, ['Millrace.ModelSourceUnsupported model image']],
  ])('%s', (_, props, refusal) => {
    expect(refusalOf(() => make('Refused', props, newApp()))).toEqual(refusal);
  });
});
