import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TrainingPipeline } from '../../lib/models/k8s';
import { TrainingSizing } from '../../lib/models/training-sizing';
import { GpuModel, GpuRequest, ServiceIdentity } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const OWNER = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };

function newApp(allocated = true): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-ray-')) });
  if (allocated) {
    new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  }
  return app;
}
function synth(app: App): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

const workerSize = PodSize.fixed({ cpu: Cpu.units(8), memory: Size.gibibytes(32), replicas: 2 });
const BASE = { image: 'registry.example.com/radar/train:1.4.2', entrypoint: 'python /app/train.py', workers: { size: workerSize } };

const chart = new Chart(newApp(), 'training', { namespace: 'fraud' });
const gpu = GpuRequest.whole(1, GpuModel.karpenter('l4'));
const training = new TrainingPipeline(chart, 'Radar', {
  ...BASE,
  workers: { size: workerSize, count: 4, spot: true, scheduling: { gpu } },
  checkpointUri: 's3://models/radar-checkpoints',
  execution: { deadline: Duration.hours(6), queueName: 'gpus' },
  identity: ServiceIdentity.podIdentity('radar-train'),
});
training.allowToCidr('10.0.0.0/16', 443);
training.allowOperator('kuberay-operator');
const plain = new TrainingPipeline(chart, 'Plain', BASE);
const manifests = synth(chart.node.root as App);
const all = (kind: string, from = manifests) => from.filter((manifest) => manifest.kind === kind);
const jobNamed = (pipeline: TrainingPipeline) => all('RayJob').find(({ metadata }) => metadata.name === pipeline.pipelineName);
const { spec, metadata } = jobNamed(training);
const worker = spec.rayClusterSpec.workerGroupSpecs[0];
const head = spec.rayClusterSpec.headGroupSpec;
const pods = [head.template, worker.template, spec.submitterPodTemplate];

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`every manifest is valid for KubeRay and Kubernetes${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

test('the cluster goes when the job is done, and the job ends after its deadline', () => {
  expect(spec).toMatchObject({
    entrypoint: 'python /app/train.py',
    shutdownAfterJobFinishes: true,
    ttlSecondsAfterFinished: 300,
    activeDeadlineSeconds: 21_600,
    backoffLimit: 3,
  });
  expect(jobNamed(plain).spec).toMatchObject({ activeDeadlineSeconds: 86_400, backoffLimit: 0 });
});

test('workers are as many as asked for, on spot nodes with their GPU; the head stays on nodes that are not taken away', () => {
  expect(worker).toMatchObject({ replicas: 4, minReplicas: 4, maxReplicas: 4 });
  expect(worker.template.spec.nodeSelector).toEqual({
    'karpenter.k8s.aws/instance-gpu-name': 'l4',
    'karpenter.sh/capacity-type': 'spot',
  });
  expect(worker.template.spec.containers[0].resources.limits).toEqual({ memory: '32Gi', 'nvidia.com/gpu': '1' });
  expect(head.template.spec.nodeSelector).toEqual({ 'karpenter.sh/capacity-type': 'on-demand' });
  expect(head.template.spec.containers[0].resources).toEqual({ requests: { cpu: '1000m', memory: '4Gi' }, limits: { memory: '4Gi' } });
  expect(head.template.spec.tolerations).toBeUndefined();
  expect(head.rayStartParams['num-cpus']).toBe('0');
  expect(head.template.metadata.annotations['karpenter.sh/do-not-disrupt']).toBe('true');
  expect(jobNamed(plain).spec.rayClusterSpec.workerGroupSpecs[0].template.metadata.annotations['karpenter.sh/do-not-disrupt']).toBe('true');
});

test('all pods find the checkpoints', () => {
  for (const { spec: pod } of pods) {
    expect(pod.containers[0].env).toContainEqual({ name: 'CHECKPOINT_URI', value: 's3://models/radar-checkpoints' });
  }
});

test('all pods are restricted, have an owner and the service account, and only the folder for temporary files is writable', () => {
  for (const template of pods) {
    expect(template.metadata.labels).toMatchObject(OWNER);
    expect(template.spec.serviceAccountName).toBe('radar-train');
    expect(template.spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(template.spec.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    });
    expect(template.spec.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: '20Gi' } }]);
  }
  expect(metadata.labels).toMatchObject({ ...OWNER, 'kueue.x-k8s.io/queue-name': 'gpus' });
});

test('pods reach each other, the operator reaches the dashboard, and nothing else is open that was not opened', () => {
  const policies = all('NetworkPolicy').filter(
    ({ spec: each }) => JSON.stringify(each.podSelector) === JSON.stringify({ matchLabels: training.podSelector }),
  );
  const ingress = policies.flatMap(({ spec: each }) => each.ingress ?? []);
  const peers = [{ podSelector: { matchLabels: training.podSelector } }];
  expect(ingress).toEqual([
    { from: peers },
    {
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kuberay-operator' } } }],
      ports: [{ protocol: 'TCP', port: 8265 }],
    },
  ]);
  const egress = policies.flatMap(({ spec: each }) => each.egress ?? []);
  expect(egress).toContainEqual({ to: peers });
  expect(egress).toContainEqual({ to: [{ ipBlock: { cidr: '10.0.0.0/16' } }], ports: [{ protocol: 'TCP', port: 443 }] });
});

describe('a sizing', () => {
  const sized = (instanceType: string, instances: number, cores: number, gibibytes: number, more: object = {}) => {
    const size = PodSize.fixed({ cpu: Cpu.units(cores), memory: Size.gibibytes(gibibytes), replicas: 2 });
    const workers = { size, sizing: TrainingSizing.fixed({ instanceType, instances }), ...more };
    return new TrainingPipeline(new Chart(newApp(), 'c', { namespace: 'n' }), 'T', { ...BASE, workers });
  };

  test('decides how many workers there are, on which nodes and with which GPUs, and is recorded', () => {
    const pipeline = sized('g6.12xlarge', 3, 40, 160, { scheduling: { nodeSelector: { pool: 'training' } } });
    const [job] = all('RayJob', synth(pipeline.node.root as App));
    const [group] = job.spec.rayClusterSpec.workerGroupSpecs;
    expect(group).toMatchObject({ replicas: 3, minReplicas: 3, maxReplicas: 3 });
    expect(group.template.spec.nodeSelector).toEqual({ pool: 'training', 'node.kubernetes.io/instance-type': 'g6.12xlarge' });
    expect(group.template.spec.containers[0].resources.limits['nvidia.com/gpu']).toBe('4');
    expect(job.spec.rayClusterSpec.headGroupSpec.template.spec.nodeSelector).toBeUndefined();
    expect(JSON.parse(job.metadata.annotations['millrace.io/sizing']).choice).toBe('g6.12xlarge x 3');
  });

  test('leaves no place for another count or GPU, nor for a pod that its instance does not hold or that shares it', () => {
    expect(refusalOf(() => sized('g6.12xlarge', 3, 40, 160, { count: 4, scheduling: { gpu } }))).toEqual([
      'Millrace.TrainingJobInvalid workers.sizing',
    ]);
    expect(refusalOf(() => sized('g6.12xlarge', 3, 48, 160))).toEqual(['Millrace.TrainingJobInvalid workers.size']);
    expect(refusalOf(() => sized('g6.12xlarge', 3, 40, 192))).toEqual(['Millrace.TrainingJobInvalid workers.size']);
    expect(refusalOf(() => sized('c7i.4xlarge', 3, 7, 16))).toEqual(['Millrace.TrainingJobInvalid workers.size']);
    expect(refusalOf(() => sized('c7i.4xlarge', 3, 15, 16))).toEqual([]);
  });
});

test('a changed training takes the place of the one before, which an update says; another owner is no change', () => {
  const build = (props: object, team = 'fraud-ml') => {
    const app = newApp(false);
    new CostAllocation({ team, service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
    const scope = new Chart(app, 'c', { namespace: 'n' });
    new TrainingPipeline(scope, 'T', { ...BASE, ...props });
    app.synth();
    return { assembly: Assembly.fromDirectories({ manifests: app.outdir }), rules: registeredUpdateRules(scope) };
  };
  const before = build({}).assembly;
  const findings = ({ assembly, rules }: ReturnType<typeof build>) =>
    checkUpdate(before, assembly, rules).map(({ severity, code }) => `${severity} ${code}`);
  expect(findings(build({}))).toEqual([]);
  expect(findings(build({}, 'payments'))).toEqual([]);
  expect(findings(build({ entrypoint: 'python /app/other.py' }))).toEqual(['warning Millrace.JobRunsAgain']);
});

describe('the name', () => {
  const nameOf = (props: object, change: (pipeline: TrainingPipeline) => void = () => undefined) => {
    const pipeline = new TrainingPipeline(new Chart(newApp(), 'c'), 'T', { ...BASE, ...props });
    change(pipeline);
    return pipeline.pipelineName;
  };

  test('changes with what the training does, because KubeRay does not run a changed RayJob again, and with nothing else', () => {
    const name = nameOf({});
    expect(nameOf({})).toBe(name);
    expect(nameOf({ entrypoint: 'python /app/other.py' })).not.toBe(name);
    expect(nameOf({ image: 'registry.example.com/radar/train:1.4.3' })).not.toBe(name);
    expect(nameOf({}, (pipeline) => pipeline.addEnvironment('SEED', '7'))).not.toBe(name);
    expect(nameOf({ execution: { keepFinished: Duration.hours(1) } })).toBe(name);
    expect(nameOf({ execution: { queueName: 'gpus' } })).toBe(name);
  });

  test('fits into the 47 characters of KubeRay and begins with a letter', () => {
    const long = new TrainingPipeline(new Chart(newApp(), '7'.repeat(60)), 'T'.repeat(60), BASE);
    expect(long.pipelineName.length).toBeLessThanOrEqual(47);
    expect(long.pipelineName).toMatch(/^[a-z][a-z0-9-]*[a-z0-9]$/);
  });
});

describe('what is refused', () => {
  const build = (props: object) => () => new TrainingPipeline(new Chart(newApp(), 'c'), 'T', { ...BASE, ...props });

  test('spot without checkpoints', () => {
    expect(refusalOf(build({ workers: { size: workerSize, spot: true } }))).toEqual([
      'Millrace.TrainingSpotWithoutCheckpoint checkpointUri',
    ]);
    expect(refusalOf(build({ workers: { size: workerSize, spot: true }, checkpointUri: 's3://a/b' }))).toEqual([]);
  });

  test('everything at once', () => {
    const execution = { deadline: Duration.days(29), retries: 21, keepFinished: Duration.days(2), queueName: 'No' };
    expect(
      refusalOf(build({ image: 'a:latest', entrypoint: ' ', checkpointUri: 'here', workers: { size: workerSize, count: 0 }, execution })),
    ).toEqual([
      'Millrace.TrainingJobInvalid image',
      'Millrace.TrainingJobInvalid entrypoint',
      'Millrace.TrainingJobInvalid checkpointUri',
      'Millrace.TrainingJobInvalid workers.count',
      'Millrace.TrainingJobInvalid execution.deadline',
      'Millrace.TrainingJobInvalid execution.retries',
      'Millrace.TrainingJobInvalid execution.keepFinished',
      'Millrace.TrainingJobInvalid execution.queueName',
    ]);
  });

  test('a training outside of an allocation', () => {
    const app = newApp(false);
    new TrainingPipeline(new Chart(app, 'c'), 'T', BASE);
    expect(codesIn(() => app.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });
});
