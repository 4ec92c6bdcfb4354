import { Duration, Size, Token } from 'aws-cdk-lib';
import type { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import {
  type ContainerOptions,
  GpuModel,
  GpuRequest,
  JvmHeap,
  type PodScheduling,
  Service,
  ServiceIdentity,
  type ServiceProps,
  TaintEffect,
  ZoneSpread,
} from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { refusalOf } from '../contract/refusal';
import { IMAGE, SIZE, manifestOf, manifestsOf, newChart } from './synthesis';

const make = (chart: Chart, props: Partial<ServiceProps> = {}) => new Service(chart, 'Radar', { image: IMAGE, size: SIZE, ...props });
const of = (kind: string, props: Partial<ServiceProps>) => manifestOf(kind, (chart) => make(chart, props));
const podOf = (scheduling: PodScheduling) => of('Deployment', { scheduling }).spec.template.spec;
const refused = (props: Partial<ServiceProps>) => refusalOf(() => make(newChart(), props));

describe('a container', () => {
  test('runs what it is told, and has as long to finish as it is given, after its sleep', () => {
    const container = { command: ['/bin/serve'], args: ['--fast'], drain: Duration.minutes(2) };
    const { containers, terminationGracePeriodSeconds } = of('Deployment', { container }).spec.template.spec;
    expect(containers[0]).toMatchObject({ command: ['/bin/serve'], args: ['--fast'], lifecycle: { preStop: { sleep: { seconds: 15 } } } });
    expect(terminationGracePeriodSeconds).toBe(15 + 120);
  });
});

describe('the heap of a JVM', () => {
  const sized = (mebibytes: number) => PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(mebibytes) });
  const optionsOf = (mebibytes: number, container: ContainerOptions) =>
    of('Deployment', { size: sized(mebibytes), container }).spec.template.spec.containers[0].env.find(
      ({ name }: any) => name === 'JAVA_TOOL_OPTIONS',
    )?.value;

  test.each([
    [512, '50.0', 128],
    [768, '66.6', 128],
    [1024, '75.0', 128],
    [4096, '75.0', 512],
  ])('of %i MiB is %s %%, with a quarter and at least 256 MiB for the rest, half of it for direct buffers', (memory, percent, direct) => {
    expect(optionsOf(memory, { jvmHeap: JvmHeap.fromMemory() })).toBe(
      `-XX:InitialRAMPercentage=${percent} -XX:MaxRAMPercentage=${percent} -XX:MaxDirectMemorySize=${direct}m -XX:+ExitOnOutOfMemoryError`,
    );
  });

  // The JVM takes its percentages of the limit.
  test.each([
    [1024, 2048, '37.5', 768],
    [512, 1024, '25.0', 256],
    [575, 800, '39.8', 319],
  ])(
    'of %i MiB with a limit of %i MiB is %s %% of the limit, so that %i MiB of heap fit into the request',
    (memory, limit, percent, heap) => {
      const size = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(memory), memoryLimit: Size.mebibytes(limit) });
      const [{ env }] = of('Deployment', { size, container: { jvmHeap: JvmHeap.fromMemory() } }).spec.template.spec.containers;
      const { value } = env.find(({ name }: any) => name === 'JAVA_TOOL_OPTIONS');
      expect(value).toContain(`-XX:InitialRAMPercentage=${percent} -XX:MaxRAMPercentage=${percent} -XX:MaxDirectMemorySize=128m `);
      expect((Number(percent) / 100) * limit).toBeLessThanOrEqual(heap);
      expect(heap).toBeLessThanOrEqual(memory - 256);
    },
  );

  test('is the share it is given', () => {
    expect(optionsOf(1024, { jvmHeap: JvmHeap.percent(40) })).toMatch(/MaxRAMPercentage=40.0 -XX:MaxDirectMemorySize=307m/);
  });

  test('goes before the options of the user, and is left alone where nobody asks', () => {
    const environment = { JAVA_TOOL_OPTIONS: '-XX:+UseZGC' };
    expect(optionsOf(1024, { environment, jvmHeap: JvmHeap.fromMemory() })).toMatch(/ExitOnOutOfMemoryError -XX:\+UseZGC$/);
    expect(optionsOf(1024, { environment: { JAVA_TOOL_OPTIONS: '-Xmx512m' } })).toBe('-Xmx512m');
    expect(optionsOf(1024, {})).toBeUndefined();
  });

  test.each([
    ['JAVA_TOOL_OPTIONS', '-Xmx512m'],
    ['JDK_JAVA_OPTIONS', '-ea -XX:MaxRAMPercentage=80'],
    ['_JAVA_OPTIONS', '-XX:MaxHeapSize=1g'],
  ])('is refused beside %s=%s, at once or later', (name, value) => {
    const jvmHeap = JvmHeap.fromMemory();
    const code = [`Millrace.ServiceInvalid environment.${name}`];
    expect(refused({ container: { jvmHeap, environment: { [name]: value } } })).toEqual(code);
    const service = make(newChart(), { container: { jvmHeap } });
    expect(refusalOf(() => service.addEnvironment(name, value))).toEqual(code);
    expect(refusalOf(() => service.addEnvironment('OTHER', value))).toEqual([]);
  });

  test('is refused in less than 512 MiB, and beyond 80 %', () => {
    expect(refused({ size: sized(511), container: { jvmHeap: JvmHeap.fromMemory() } })).toEqual([
      'Millrace.ServiceInvalid container.jvmHeap',
    ]);
    for (const percent of [9, 81, NaN]) expect(refusalOf(() => JvmHeap.percent(percent))).toEqual(['Millrace.JvmHeapInvalid percent']);
  });
});

describe('a GPU', () => {
  test.each<[string, GpuRequest, string, string]>([
    ['whole', GpuRequest.whole(2), 'nvidia.com/gpu', 'exclusive: the GPU is not shared'],
    ['partitioned', GpuRequest.mig('1g.10gb', 2), 'nvidia.com/mig-1g.10gb', 'partition: own memory, own compute units, faults stay inside'],
    ['shared in time', GpuRequest.timeSlice(), 'nvidia.com/gpu.shared', 'none: no memory or fault isolation'],
  ])('that is %s is requested and limited alike, tolerated, and says what keeps pods apart', (_how, gpu, resource, isolation) => {
    const { metadata, spec } = of('Deployment', { scheduling: { gpu } });
    const { requests, limits } = spec.template.spec.containers[0].resources;
    expect([requests[resource], limits[resource]]).toEqual([String(gpu.count), String(gpu.count)]);
    expect(spec.template.spec.tolerations).toEqual([{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
    expect(metadata.annotations['millrace.io/gpu-isolation']).toBe(isolation);
    expect(spec.template.metadata.annotations['millrace.io/gpu-isolation']).toBe(isolation);
  });

  test('of a model stands on nodes that have it', () => {
    expect(podOf({ gpu: GpuRequest.whole(1, GpuModel.product('NVIDIA-L4')) }).nodeSelector).toEqual({
      'nvidia.com/gpu.product': 'NVIDIA-L4',
    });
    expect(podOf({ gpu: GpuRequest.whole(1, GpuModel.karpenter('l4')), nodeSelector: { pool: 'gpu' } }).nodeSelector).toEqual({
      'karpenter.k8s.aws/instance-gpu-name': 'l4',
      pool: 'gpu',
    });
    expect('nodeSelector' in podOf({ gpu: GpuRequest.whole(1) })).toBe(false);
  });

  test.each([
    ['count', () => GpuRequest.whole(0)],
    ['count', () => GpuRequest.whole(17)],
    ['count', () => GpuRequest.mig('1g.10gb', 1.5)],
    ['profile', () => GpuRequest.mig('8g.10gb', 1)],
    ['profile', () => GpuRequest.mig('mig-1g.10gb', 1)],
    ['name', () => GpuModel.product('NVIDIA L4')],
    ['name', () => GpuModel.karpenter('')],
  ])('is refused for a wrong %s', (subject, work) => expect(refusalOf(work)).toEqual([`Millrace.GpuRequestInvalid ${subject}`]));
});

describe('scheduling', () => {
  test('follows what it is given', () => {
    const pod = podOf({
      tolerations: [{ key: 'dedicated', value: 'ml', effect: TaintEffect.NO_SCHEDULE }, { key: 'spot' }],
      zoneSpread: ZoneSpread.PREFERRED,
      priorityClassName: 'high',
    });
    expect(pod.tolerations).toEqual([
      { key: 'dedicated', operator: 'Equal', value: 'ml', effect: 'NoSchedule' },
      { key: 'spot', operator: 'Exists' },
    ]);
    expect(pod.topologySpreadConstraints[0]).toMatchObject({
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'ScheduleAnyway',
    });
    expect(pod.priorityClassName).toBe('high');
  });

  test.each<[PodScheduling, string]>([
    [{ nodeSelector: { 'a b': 'c' } }, 'nodeSelector'],
    [{ nodeSelector: { a: 'b c' } }, 'nodeSelector'],
    [{ tolerations: [{ key: '' }] }, 'tolerations'],
    [{ tolerations: [{ key: 'a', value: 'b c' }] }, 'tolerations'],
    [{ priorityClassName: 'High' }, 'priorityClassName'],
  ])('fails for %p', (scheduling, subject) => {
    expect(refused({ scheduling })).toEqual([`Millrace.ServiceInvalid scheduling.${subject}`]);
  });
});

describe('an identity by IRSA', () => {
  const ARN = 'arn:aws:iam::123456789012:role/pods/radar';

  test('is a role on the service account, at the STS endpoint of the region, and no token of the API server', () => {
    const { metadata, automountServiceAccountToken } = of('ServiceAccount', { identity: ServiceIdentity.irsa('radar', ARN) });
    expect(metadata.annotations).toEqual({
      'eks.amazonaws.com/role-arn': ARN,
      'eks.amazonaws.com/sts-regional-endpoints': 'true',
    });
    expect(automountServiceAccountToken).toBe(false);
    const { egress } = of('NetworkPolicy', { identity: ServiceIdentity.irsa('radar', ARN) }).spec;
    expect(JSON.stringify(egress)).not.toContain('169.254.170.23');
  });

  test.each(['radar', 'arn:aws:iam::1234:role/radar', 'arn:aws:iam::123456789012:user/radar', `${ARN} `])(
    "fails for the ARN '%s'",
    (arn) => {
      expect(refusalOf(() => ServiceIdentity.irsa('radar', arn))).toEqual(['Millrace.RoleArnInvalid roleArn']);
    },
  );

  test('fails for an ARN known only at deploy time, which the other app cannot know', () => {
    expect(refusalOf(() => ServiceIdentity.irsa('radar', Token.asString({ Ref: 'Role' })))).toEqual(['Millrace.TokenRefused roleArn']);
  });

  test('fails for a service account that has another role already, and is shared where the role is the same', () => {
    const chart = newChart();
    const add = (id: string, identity: ServiceIdentity) => new Service(chart, id, { image: IMAGE, size: SIZE, identity });
    add('One', ServiceIdentity.irsa('radar', ARN));
    expect(refusalOf(() => add('Two', ServiceIdentity.irsa('radar', ARN)))).toEqual([]);
    expect(refusalOf(() => add('Three', ServiceIdentity.serviceAccount('radar')))).toEqual(['Millrace.ServiceInvalid identity']);
    const accounts = manifestsOf((own) => {
      for (const id of ['One', 'Two']) new Service(own, id, { image: IMAGE, size: SIZE, identity: ServiceIdentity.irsa('radar', ARN) });
    }).filter(({ kind }) => kind === 'ServiceAccount');
    expect(accounts).toHaveLength(1);
  });
});
