import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { NodeImage, NodePool, type NodePoolProps, NodeTaint } from '../../lib/workloads/k8s';
import { NodeArchitecture } from '../../lib/workloads/node-architecture';
import { NodeCapacity } from '../../lib/workloads/node-capacity';
import { PodDensity } from '../../lib/workloads/pod-density';
import { PodSize } from '../../lib/workloads/pod-size';
import { codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const SIZE = PodSize.fixed({ cpu: Cpu.millis(2000), memory: Size.gibibytes(4), replicas: 9 });
const OWNER = { team: 'fraud-ml', service: 'nodes', 'cost-center': 'CC-1042', environment: 'prod' };
const NODE_CLASS = { clusterName: 'ml', role: 'ml-nodes', image: NodeImage.al2023('v20260810') };

const newApp = () => new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nodes-')) });
function synth(app: App): any[] {
  new CostAllocation({ team: 'fraud-ml', service: 'nodes', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

/** Synthesizes one pool. */
function poolOf(props: Partial<NodePoolProps> = {}): { pool: any; nodeClass: any; manifests: any[]; construct: NodePool; app: App } {
  const app = newApp();
  const chart = new Chart(app, 'nodes', { namespace: 'karpenter' });
  const construct = new NodePool(chart, 'General', { workloads: [{ size: SIZE }], nodeClass: NODE_CLASS, ...props });
  const manifests = synth(app);
  const of = (kind: string) => manifests.find((manifest) => manifest.kind === kind);
  return { pool: of('NodePool'), nodeClass: of('EC2NodeClass'), manifests, construct, app };
}

const general = poolOf();
const everything = poolOf({
  packing: { capacity: NodeCapacity.MIXED, architecture: NodeArchitecture.ANY, podDensity: PodDensity.PREFIX_DELEGATION },
  nodeClass: { ...NODE_CLASS, image: NodeImage.bottlerocket('v1.49.0'), volumeSize: Size.gibibytes(80), detailedMonitoring: true },
  disruption: {
    consolidateAfter: Duration.seconds(90),
    maxNodesPercent: 20,
    quietWindows: [{ schedule: '0 8 * * mon-fri', duration: Duration.hours(10) }],
    expireAfter: Duration.days(7),
    terminationGracePeriod: Duration.minutes(90),
  },
  scheduling: { labels: { 'acme.com/tier': 'batch' }, taints: [NodeTaint.noExecute('acme.com/batch')], weight: 10 },
  growth: 100,
});
const gpus = poolOf({ workloads: [{ size: PodSize.fixed({ cpu: Cpu.units(4), memory: Size.gibibytes(16) }), gpus: 1 }] });
const schemas = ClosedSchemas.load();
const whereShared = schemas ? test : test.skip;

whereShared(`the API server takes every manifest${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  for (const { manifests } of [general, everything, gpus]) {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
    expect(checkBeyondSchema(manifests)).toEqual([]);
  }
});

test('a pool is two objects of the cluster, in no namespace though the chart has one', () => {
  expect(general.manifests.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
    ['EC2NodeClass', undefined],
    ['NodePool', undefined],
  ]);
  expect(general.pool.spec.template.spec.nodeClassRef).toEqual({
    group: 'karpenter.k8s.aws',
    kind: 'EC2NodeClass',
    name: general.construct.nodeClassName,
  });
  expect(general.construct.nodeSelector).toEqual({ 'karpenter.sh/nodepool': general.pool.metadata.name });
});

test('instances, volumes and nodes say who pays', () => {
  expect(general.nodeClass.spec.tags).toEqual(OWNER);
  expect(general.pool.spec.template.metadata.labels).toEqual(OWNER);
  expect(everything.pool.spec.template.metadata.labels).toEqual({ ...OWNER, 'acme.com/tier': 'batch' });
});

test('a pool without an owner fails the synthesis', () => {
  const app = newApp();
  new NodePool(new Chart(app, 'nodes'), 'General', { workloads: [{ size: SIZE }], nodeClass: NODE_CLASS });
  expect(codesIn(() => app.synth())).toEqual(['Millrace.CostAllocationMissing']);
});

describe('requirements', () => {
  test('are the families and sizes of the packing, on demand', () => {
    expect(general.pool.spec.template.spec.requirements).toEqual([
      { key: 'karpenter.k8s.aws/instance-family', operator: 'In', values: ['c6a', 'c6i', 'c7i', 'c8i'] },
      { key: 'karpenter.k8s.aws/instance-size', operator: 'In', values: ['2xlarge', '4xlarge', 'xlarge'] },
      { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
      { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] },
      { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['on-demand'] },
    ]);
  });

  test('admit spot and both architectures where the pool does', () => {
    const { requirements } = everything.pool.spec.template.spec;
    expect(requirements.slice(2).map(({ values }: any) => values)).toEqual([['amd64', 'arm64'], ['linux'], ['on-demand', 'spot']]);
  });

  test('stand beside the reason for them', () => {
    const record = JSON.parse(general.pool.metadata.annotations[Sizing.RECORD_KEY]);
    expect(record.choice).toBe('3 x c6a.2xlarge');
    expect(record.reason).toContain('packing loss: 21.7 % of the CPU and 11.6 % of the memory');
    expect(record).toEqual(JSON.parse(JSON.stringify({ ...record, ...pick(general.construct.sizing) })));
  });

  const pick = ({ choice, bottleneck, utilisation, alternatives, reason }: Sizing) => ({
    choice,
    bottleneck,
    utilisation,
    alternatives,
    reason,
  });
});

describe('limits', () => {
  test('are half as much again as the nodes take on the chosen type that takes most', () => {
    // Three nodes of 16 vCPU and 32 GiB on 4xlarge, or nine of 4 vCPU and 8 GiB on xlarge.
    expect(general.construct.sizing.vcpus).toBe(48);
    expect(general.pool.spec.limits).toEqual({ cpu: '72', memory: '144Gi' });
  });

  test('count GPUs too', () => {
    // Three nodes of one GPU each; on none of the chosen sizes more.
    expect(gpus.pool.spec.limits['nvidia.com/gpu']).toBe('5');
  });
});

describe('nodes are replaced', () => {
  test('a tenth at a time, after five quiet minutes, after 30 days, and within a day', () => {
    expect(general.pool.spec.disruption).toEqual({
      consolidationPolicy: 'WhenEmptyOrUnderutilized',
      consolidateAfter: '5m',
      budgets: [{ nodes: '10%' }],
    });
    const { expireAfter, terminationGracePeriod } = general.pool.spec.template.spec;
    expect({ expireAfter, terminationGracePeriod }).toEqual({ expireAfter: '720h', terminationGracePeriod: '24h' });
  });

  test('as they are set to, and not at all in a quiet window', () => {
    expect(everything.pool.spec.disruption).toEqual({
      consolidationPolicy: 'WhenEmptyOrUnderutilized',
      consolidateAfter: '90s',
      budgets: [{ nodes: '20%' }, { nodes: '0', schedule: '0 8 * * mon-fri', duration: '600m' }],
    });
    const { expireAfter, terminationGracePeriod } = everything.pool.spec.template.spec;
    expect({ expireAfter, terminationGracePeriod }).toEqual({ expireAfter: '168h', terminationGracePeriod: '90m' });
  });
});

describe('the node class', () => {
  test('pins the image, finds subnets by the cluster, encrypts, and keeps the credentials of the node from pods', () => {
    const discovery = [{ tags: { 'karpenter.sh/discovery': 'ml' } }];
    expect(general.nodeClass.spec).toEqual({
      role: 'ml-nodes',
      amiSelectorTerms: [{ alias: 'al2023@v20260810' }],
      subnetSelectorTerms: discovery,
      securityGroupSelectorTerms: discovery,
      metadataOptions: { httpEndpoint: 'enabled', httpProtocolIPv6: 'disabled', httpPutResponseHopLimit: 1, httpTokens: 'required' },
      blockDeviceMappings: [
        { deviceName: '/dev/xvda', ebs: { volumeType: 'gp3', volumeSize: '50Gi', encrypted: true, deleteOnTermination: true } },
      ],
      detailedMonitoring: false,
      tags: OWNER,
    });
  });

  test('has the two volumes of Bottlerocket, and one number of pods where prefixes allow it', () => {
    const { blockDeviceMappings, kubelet, detailedMonitoring } = everything.nodeClass.spec;
    expect(blockDeviceMappings.map(({ deviceName, ebs }: any) => [deviceName, ebs.volumeSize, ebs.encrypted])).toEqual([
      ['/dev/xvda', '4Gi', true],
      ['/dev/xvdb', '80Gi', true],
    ]);
    expect({ kubelet, detailedMonitoring }).toEqual({ kubelet: { maxPods: 110 }, detailedMonitoring: true });
  });

  test('keeps pods without a toleration off GPU nodes, which have room for large images', () => {
    expect(gpus.pool.spec.template.spec.taints).toEqual([{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }]);
    expect(gpus.nodeClass.spec.blockDeviceMappings[0].ebs.volumeSize).toBe('200Gi');
    expect(everything.pool.spec.template.spec.taints).toEqual([{ key: 'acme.com/batch', effect: 'NoExecute' }]);
    expect(everything.pool.spec.weight).toBe(10);
  });
});

test('a second synthesis is byte-identical', () => {
  const bytes = ({ app }: { app: App }) => fs.readFileSync(path.join(app.outdir, 'nodes.k8s.yaml'), 'utf8');
  expect(bytes(poolOf())).toBe(bytes(general));
});

describe('what is refused', () => {
  const refused = (props: Partial<NodePoolProps>) => refusalOf(() => poolOf(props));
  const code = 'Millrace.NodePoolInvalid';

  test('is an image that AWS may exchange', () => {
    for (const image of [NodeImage.al2023('latest'), NodeImage.al2023('2026'), NodeImage.bottlerocket('latest')]) {
      expect(refused({ nodeClass: { ...NODE_CLASS, image } })).toEqual([`${code} nodeClass.image`]);
    }
  });

  test('is told all together', () => {
    expect(
      refused({
        nodeClass: { ...NODE_CLASS, clusterName: 'a/b', role: 'arn:aws:iam::111122223333:role/nodes', volumeSize: Size.gibibytes(8) },
        disruption: {
          consolidateAfter: Duration.millis(1),
          expireAfter: Duration.minutes(5),
          terminationGracePeriod: Duration.seconds(5),
          maxNodesPercent: 0,
          quietWindows: [{ schedule: '@daily', duration: Duration.seconds(30) }],
        },
        scheduling: {
          labels: { 'karpenter.sh/nodepool': 'x', tier: '-' },
          taints: [NodeTaint.preferNoSchedule('a b', 'c d')],
          weight: 101,
        },
        growth: -1,
      }),
    ).toEqual(
      [
        'nodeClass.clusterName',
        'nodeClass.role',
        'nodeClass.volumeSize',
        'disruption.consolidateAfter',
        'disruption.expireAfter',
        'disruption.terminationGracePeriod',
        'disruption.maxNodesPercent',
        'scheduling.weight',
        'growth',
        'disruption.quietWindows[0].schedule',
        'disruption.quietWindows[0].duration',
        'scheduling.labels',
        "scheduling.labels['tier']",
        'scheduling.taints[0].key',
        'scheduling.taints[0].value',
      ].map((subject) => `${code} ${subject}`),
    );
  });

  test('is what cannot be packed', () => {
    expect(refused({ workloads: [] })).toEqual(['Millrace.NodePackingInvalid workloads']);
  });
});
