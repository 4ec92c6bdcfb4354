import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Size, Token } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TeamQuota, type TeamQuotaProps } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { TeamQuotaSizing } from '../../lib/workloads/team-quota-sizing';
import { codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const RADAR = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 6 });
const TRAINER = PodSize.fixed({ cpu: Cpu.units(4), memory: Size.gibibytes(16), replicas: 2 });
const OWNER = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };

const newApp = () => new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-quota-')) });
function quotaOf(props: TeamQuotaProps): { manifests: any[]; of: (kind: string, index?: number) => any; construct: TeamQuota; app: App } {
  const app = newApp();
  const construct = new TeamQuota(new Chart(app, 'fraud', { namespace: 'fraud' }), 'Quota', props);
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  app.synth();
  const manifests = Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
  return { manifests, of: (kind, index = 0) => manifests.filter((manifest) => manifest.kind === kind)[index], construct, app };
}

const plain = quotaOf({ sizes: [{ size: RADAR }] });
const full = quotaOf({
  sizes: [
    { size: RADAR, maxReplicas: 12 },
    { size: TRAINER, maxReplicas: 2, gpus: 1, volumePerReplica: Size.gibibytes(100), prioritised: false },
  ],
  growth: 50,
  containers: { defaultCpu: Cpu.millis(50), defaultMemory: Size.mebibytes(64), maxMemory: Size.gibibytes(24) },
  priority: { value: 10000, preempts: true },
});
const schemas = ClosedSchemas.load();
const whereShared = schemas ? test : test.skip;

whereShared(`the API server takes every manifest${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  for (const { manifests } of [plain, full]) {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
    expect(checkBeyondSchema(manifests)).toEqual([]);
  }
});

describe('the sum', () => {
  test('is the most replicas with the surge of a rollout, plus growth, rounded up to whole cores and GiB', () => {
    // Twice six replicas and three more in a rollout: 15 pods, 7.5 cores, 11.25 GiB; with a quarter more 18.75 pods, 9.4 cores, 14.1 GiB.
    const sizing = TeamQuotaSizing.forShares([{ size: RADAR }]);
    expect(sizing).toMatchObject({ cores: 10, memoryGib: 15, pods: 19, gpus: 0, volumes: 0, storageGib: 0 });
    expect(sizing.choice).toBe('10 cores, 15 GiB, 19 pods');
    expect(sizing.bottleneck).toBe('pods');
    expect(sizing.reason).toBe(
      '12 x 500m / 768 MiB, each with 25 % more pods during a rollout: 7.5 cores, 11.25 GiB, 15 pods; plus 25 % growth, rounded up to whole cores and GiB',
    );
    expect(sizing.alternatives.map(({ choice }) => choice)).toEqual(['7.5 cores, 11.25 GiB, 15 pods']);
  });

  test('counts volumes without a surge, and GPUs with one', () => {
    const sizing = TeamQuotaSizing.forShares([{ size: TRAINER, maxReplicas: 2, gpus: 1, volumePerReplica: Size.gibibytes(100) }], {
      growth: 0,
    });
    expect(sizing).toMatchObject({ cores: 12, memoryGib: 48, pods: 3, gpus: 3, volumes: 2, storageGib: 200 });
    expect(sizing.choice).toBe('12 cores, 48 GiB, 3 pods, 3 GPUs, 2 volumes of 200 GiB together');
  });

  test('is never below what the workloads take at their largest, in whatever order they come', () => {
    const share = fc
      .record({
        cpu: fc.integer({ min: 10, max: 8000 }),
        memory: fc.integer({ min: 16, max: 32768 }),
        pods: fc.integer({ min: 1, max: 300 }),
      })
      .map(({ cpu, memory, pods }) => ({
        size: PodSize.fixed({ cpu: Cpu.millis(cpu), memory: Size.mebibytes(memory) }),
        maxReplicas: pods,
      }));
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 200 }), (shares, growth) => {
        const sizing = TeamQuotaSizing.forShares(shares, { growth });
        const total = (amount: (given: (typeof shares)[number]) => number) => shares.reduce((sum, given) => sum + amount(given), 0);
        expect(sizing.cores * 1000).toBeGreaterThanOrEqual(total(({ size, maxReplicas }) => size.cpuMillis * maxReplicas * 1.25));
        expect(sizing.memoryGib * 1024 ** 3).toBeGreaterThanOrEqual(
          total(({ size, maxReplicas }) => size.memoryBytes * maxReplicas * 1.25),
        );
        expect(sizing.pods).toBeGreaterThanOrEqual(total(({ maxReplicas }) => maxReplicas * 1.25));
        for (const used of Object.values(sizing.utilisation)) expect(used).toBeLessThanOrEqual(1);
        const { cores, memoryGib, pods } = TeamQuotaSizing.forShares([...shares].reverse(), { growth });
        expect({ cores, memoryGib, pods }).toEqual({ cores: sizing.cores, memoryGib: sizing.memoryGib, pods: sizing.pods });
      }),
    );
  });
});

describe('the quota', () => {
  test('bounds requests, memory limits and pods, and forbids GPUs and volumes that nobody declared', () => {
    expect(plain.of('ResourceQuota').spec).toEqual({
      hard: {
        'requests.cpu': '10',
        'requests.memory': '15Gi',
        'limits.memory': '15Gi',
        pods: '19',
        'requests.nvidia.com/gpu': '0',
        persistentvolumeclaims: '0',
        'requests.storage': '0Gi',
      },
    });
    expect(JSON.parse(plain.of('ResourceQuota').metadata.annotations[Sizing.RECORD_KEY]).choice).toBe('10 cores, 15 GiB, 19 pods');
  });

  test('stands with its limits in the namespace of the chart and says who pays', () => {
    expect(plain.manifests.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['ResourceQuota', 'fraud'],
      ['LimitRange', 'fraud'],
    ]);
    for (const { metadata } of full.manifests) expect(metadata.labels).toMatchObject(OWNER);
  });
});

describe('a container', () => {
  test('that states nothing gets a request, and a memory limit but no CPU limit', () => {
    expect(plain.of('LimitRange').spec.limits).toEqual([
      {
        type: 'Container',
        defaultRequest: { cpu: '100m', memory: '256Mi' },
        default: { memory: '256Mi' },
        min: { cpu: '10m', memory: '16Mi' },
        max: { memory: '768Mi' },
      },
    ]);
  });

  test('has the bounds it is given', () => {
    expect(full.of('LimitRange').spec.limits[0]).toMatchObject({
      defaultRequest: { cpu: '50m', memory: '64Mi' },
      default: { memory: '64Mi' },
      max: { memory: '24Gi' },
    });
  });

  test('never gets more by default than any may have', () => {
    const size = PodSize.fixed({ cpu: Cpu.millis(10), memory: Size.mebibytes(64) });
    expect(quotaOf({ sizes: [{ size }] }).of('LimitRange').spec.limits[0]).toMatchObject({
      default: { memory: '64Mi' },
      max: { memory: '64Mi' },
    });
  });
});

describe('a priority class', () => {
  test('is made on request, for the whole cluster, and does not push others out unless told to', () => {
    expect(plain.construct.priorityClassName).toBeUndefined();
    const { metadata, value, globalDefault, preemptionPolicy } = full.of('PriorityClass');
    expect({ value, globalDefault, preemptionPolicy }).toEqual({
      value: 10000,
      globalDefault: false,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    expect(metadata.namespace).toBeUndefined();
    expect(metadata.name).toBe(full.construct.priorityClassName);
    const quiet = quotaOf({ sizes: [{ size: RADAR }], priority: { value: -5 } });
    expect(quiet.of('PriorityClass').preemptionPolicy).toBe('Never');
  });

  test('has a quota of its own over the workloads that run in it', () => {
    // The radar alone: 15 pods, 7.5 cores and 11.25 GiB with half more.
    expect(full.of('ResourceQuota', 1).spec).toEqual({
      hard: { 'requests.cpu': '12', 'requests.memory': '17Gi', 'limits.memory': '17Gi', pods: '23' },
      scopeSelector: {
        matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: [full.construct.priorityClassName] }],
      },
    });
  });

  test('that no workload runs in admits no pod', () => {
    const none = quotaOf({ sizes: [{ size: RADAR, prioritised: false }], priority: { value: 1 } });
    expect(none.of('ResourceQuota', 1).spec.hard).toEqual({ pods: '0' });
  });
});

test('a second synthesis is byte-identical', () => {
  const bytes = ({ app }: { app: App }) => fs.readFileSync(path.join(app.outdir, 'fraud.k8s.yaml'), 'utf8');
  expect(bytes(quotaOf({ sizes: [{ size: RADAR }] }))).toBe(bytes(plain));
});

test('a quota without an owner fails the synthesis', () => {
  const app = newApp();
  new TeamQuota(new Chart(app, 'fraud'), 'Quota', { sizes: [{ size: RADAR }] });
  expect(codesIn(() => app.synth())).toEqual(['Millrace.CostAllocationMissing']);
});

describe('what is refused', () => {
  const refused = (props: TeamQuotaProps) => refusalOf(() => quotaOf(props));
  const code = 'Millrace.TeamQuotaInvalid';

  test('is no share, and shares that make no sense, all together', () => {
    expect(refused({ sizes: [] })).toEqual([`${code} shares`]);
    const wrong = { size: RADAR, maxReplicas: 0, gpus: -1, volumePerReplica: Size.gibibytes(0) };
    expect(refused({ sizes: [wrong], growth: -1 })).toEqual([
      `${code} growth`,
      `${code} shares[0].maxReplicas`,
      `${code} shares[0].gpus`,
      `${code} shares[0].volumePerReplica`,
    ]);
  });

  test('is a bound that the declared pods do not keep, and a priority of the system', () => {
    const containers = { defaultCpu: Cpu.millis(1), defaultMemory: Size.gibibytes(1), maxMemory: Size.mebibytes(512) };
    expect(refused({ sizes: [{ size: RADAR }], containers, priority: { value: 1_000_000_001 } })).toEqual([
      `${code} containers.defaultCpu`,
      `${code} containers.maxMemory`,
      `${code} containers.defaultMemory`,
      `${code} priority.value`,
    ]);
  });

  test('is a size that is known only at deploy time', () => {
    const later = Size.mebibytes(Token.asNumber('later'));
    const containers = { defaultMemory: later, maxMemory: later };
    expect(refused({ sizes: [{ size: RADAR, volumePerReplica: later }] })).toEqual(['Millrace.TokenRefused shares[0].volumePerReplica']);
    expect(refused({ sizes: [{ size: RADAR }], containers })).toEqual([
      'Millrace.TokenRefused containers.maxMemory',
      'Millrace.TokenRefused containers.defaultMemory',
    ]);
  });
});
