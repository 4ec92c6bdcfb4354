import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { ApiObject, App, Chart, Lazy, Testing } from 'cdk8s';
import { Cpu, Deployment, k8s } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { Baseline } from '../../lib/core/baseline';
import { App as LinearApp } from '../../lib/core/k8s/app';
import { checkUpdate } from '../../lib/core/update-rule';
import { AllocationCoverage } from '../../lib/cost/allocation-coverage';
import { AllocationKeys } from '../../lib/cost/allocation-keys';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagUpdateRules } from '../../lib/cost/tag-update-rules';

const LABELS = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1', environment: 'prod' };
const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-labels-'));

function allocationOf(team: string): CostAllocation {
  return new CostAllocation({ team, service: 'radar', costCenter: 'CC-1', environment: 'prod' });
}

const POD = { containers: [{ name: 'main', image: 'x:1' }] };

/** One object of every kind the allocation reaches into, made as an L1, an L2 and a plain ApiObject. */
function build(app: App, team: string): Chart {
  const chart = new Chart(app, 'chart', { namespace: 'fraud', labels: { of: 'chart' } });
  const named = (name: string) => ({ metadata: { name } });
  const selector = { matchLabels: { app: 'x' } };
  new Deployment(chart, 'L2', { containers: [{ image: 'x:1', resources: { cpu: { request: Cpu.millis(10) } } }] });
  new k8s.KubeDeployment(chart, 'L1', { ...named('l1'), spec: { selector, template: { metadata: { labels: { app: 'x' } }, spec: POD } } });
  const api = (id: string, apiVersion: string, kind: string, rest: object) =>
    new ApiObject(chart, id, { apiVersion, kind, ...named(id.toLowerCase()), ...rest });
  api('Late', 'apps/v1', 'DaemonSet', {
    spec: Lazy.any({ produce: () => ({ selector, template: Lazy.any({ produce: () => ({ spec: POD }) }) }) }),
  });
  api('Set', 'apps/v1', 'StatefulSet', {
    spec: {
      selector,
      serviceName: 'x',
      template: { metadata: { labels: { app: 'x' } }, spec: POD },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }],
    },
  });
  api('Once', 'batch/v1', 'Job', { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } });
  api('Nightly', 'batch/v1', 'CronJob', {
    spec: { schedule: '0 1 * * *', jobTemplate: { spec: { template: { spec: { ...POD, restartPolicy: 'Never' } } } } },
  });
  api('Fast', 'storage.k8s.io/v1', 'StorageClass', {
    provisioner: 'ebs.csi.aws.com',
    parameters: { type: 'gp3', tagSpecification_1: 'mine=kept' },
  });
  api('Bare', 'storage.k8s.io/v1', 'StorageClass', { provisioner: 'ebs.csi.eks.amazonaws.com' });
  api('Nfs', 'storage.k8s.io/v1', 'StorageClass', { provisioner: 'nfs.csi.k8s.io', parameters: { server: 'x' } });
  api('Public', 'v1', 'Service', { spec: { type: 'LoadBalancer', selector: { app: 'x' }, ports: [{ port: 80 }] } });
  new ApiObject(chart, 'Shared', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'shared',
      annotations: { 'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': 'mine=kept,team=theirs' },
    },
    spec: { type: 'LoadBalancer', selector: { app: 'x' }, ports: [{ port: 80 }] },
  });
  api('Private', 'v1', 'Service', { spec: { selector: { app: 'x' }, ports: [{ port: 80 }] } });
  api('Alb', 'networking.k8s.io/v1', 'Ingress', { spec: Lazy.any({ produce: () => ({ ingressClassName: 'alb' }) }) });
  api('Nodes', 'karpenter.k8s.aws/v1', 'EC2NodeClass', { spec: { role: 'nodes', tags: { mine: 'kept' } } });
  api('Pool', 'karpenter.sh/v1', 'NodePool', { spec: { template: { spec: {} } } });
  allocationOf(team).applyTo(chart);
  return chart;
}

const manifestOf = (manifests: any[], name: string) => manifests.find(({ metadata }) => metadata.name === name);

describe.each([
  ['stock cdk8s', App],
  ['our linear app', LinearApp],
])('on %s, an allocation of a chart', (_name, AppClass) => {
  const manifests = Testing.synth(build(new AppClass() as App, 'fraud-ml'));
  const at = (name: string, where: string) => where.split('.').reduce((part: any, key) => part?.[key], manifestOf(manifests, name));

  test('labels every object and keeps the labels that are there', () => {
    for (const manifest of manifests) expect(manifest.metadata.labels).toMatchObject({ ...LABELS, of: 'chart' });
  });

  test.each([
    ['l1', 'spec.template.metadata.labels', { app: 'x', ...LABELS }],
    ['late', 'spec.template.metadata.labels', LABELS],
    ['set', 'spec.template.metadata.labels', { app: 'x', ...LABELS }],
    ['set', 'spec.volumeClaimTemplates.0.metadata', { name: 'data', labels: LABELS }],
    ['once', 'spec.template.metadata.labels', LABELS],
    ['nightly', 'spec.jobTemplate.metadata.labels', LABELS],
    ['nightly', 'spec.jobTemplate.spec.template.metadata.labels', LABELS],
    ['pool', 'spec.template.metadata.labels', LABELS],
    ['nodes', 'spec.tags', { mine: 'kept', ...LABELS }],
  ])('reaches %s %s', (name, where, expected) => expect(at(name, where)).toEqual(expected));

  test('never touches selectors', () => {
    for (const name of ['l1', 'late', 'set']) expect(at(name, 'spec.selector')).toEqual({ matchLabels: { app: 'x' } });
    const l2 = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name !== 'l1');
    expect(Object.keys(l2.spec.selector.matchLabels)).toEqual(['cdk8s.io/metadata.addr']);
    expect(l2.spec.template.metadata.labels).toMatchObject(LABELS);
  });

  test('tags the volumes of EBS storage classes and no others', () => {
    expect(at('fast', 'parameters')).toEqual({
      type: 'gp3',
      tagSpecification_1: 'mine=kept',
      tagSpecification_2: 'team=fraud-ml',
      tagSpecification_3: 'service=radar',
      tagSpecification_4: 'cost-center=CC-1',
      tagSpecification_5: 'environment=prod',
    });
    expect(Object.keys(at('bare', 'parameters'))).toHaveLength(4);
    expect(at('nfs', 'parameters')).toEqual({ server: 'x' });
  });

  test('tags the load balancers that controllers make', () => {
    const pairs = 'team=fraud-ml,service=radar,cost-center=CC-1,environment=prod';
    expect(at('public', 'metadata.annotations')).toEqual({
      'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': pairs,
    });
    expect(Object.values(at('shared', 'metadata.annotations'))).toEqual([
      'mine=kept,team=theirs,service=radar,cost-center=CC-1,environment=prod',
    ]);
    expect(at('private', 'metadata.annotations')).toBeUndefined();
    expect(at('alb', 'metadata.annotations')).toEqual({ 'alb.ingress.kubernetes.io/tags': pairs });
  });
});

test('the nearest allocation wins, and neither siblings nor the parent are touched', () => {
  const app = new App();
  const [owned, sibling] = [new Chart(app, 'owned'), new Chart(app, 'sibling')];
  const object = (scope: Chart, id: string) =>
    new ApiObject(scope, id, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: id.toLowerCase() } });
  object(owned, 'Outer');
  const inner = object(owned, 'Inner');
  object(sibling, 'Other');
  allocationOf('fraud-ml').applyTo(owned);
  allocationOf('inner-team').applyTo(inner);
  expect(Testing.synth(owned).map(({ metadata }: any) => metadata.labels.team)).toEqual(['fraud-ml', 'inner-team']);
  expect(Testing.synth(sibling)[0].metadata.labels).toBeUndefined();
});

test('fails where a workload selects its pods by a label that the allocation sets otherwise', () => {
  const synthesize = (service: string) => {
    const chart = new Chart(new App(), 'chart');
    const labels = { service };
    new ApiObject(chart, 'Api', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
    });
    allocationOf('fraud-ml').applyTo(chart);
    return Testing.synth(chart);
  };
  expect(() => synthesize('radar-api')).toThrow(
    /Millrace\.AllocationLabelSelected: spec\.selector\.matchLabels\['service'\]: received 'radar-api'/,
  );
  expect(synthesize('radar')).toHaveLength(1);
});

test('an allocation of the whole app reaches every chart', () => {
  const app = new App();
  const chart = new Chart(app, 'chart');
  new ApiObject(chart, 'Object', { apiVersion: 'v1', kind: 'ConfigMap' });
  allocationOf('platform').applyTo(app);
  expect(Testing.synth(chart)[0].metadata.labels.team).toBe('platform');
});

test('an edit of a StorageClass by its owner is not undone: only its tags are frozen', () => {
  const synthesize = (type: string, team: string, baseline: string): { assembly: Assembly; directory: string } => {
    const directory = folder();
    const app = new App({ outdir: directory });
    app.node.setContext('millrace:baseline', baseline);
    const chart = new Chart(app, 'chart');
    new ApiObject(chart, 'Fast', {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      provisioner: 'ebs.csi.aws.com',
      parameters: { type },
    });
    allocationOf(team).applyTo(chart);
    app.synth();
    return { assembly: Assembly.fromDirectories({ manifests: directory }), directory };
  };
  const baseline = folder();
  const first = synthesize('gp3', 'streaming', baseline);
  Baseline.write(baseline, first.assembly, {}, first.directory);
  expect(synthesize('io2', 'payments', baseline).assembly.objects[0].manifest.parameters).toMatchObject({
    type: 'io2',
    tagSpecification_1: 'team=streaming',
  });
});

describe('what the API server will not change', () => {
  const synthesize = (team: string, baseline: string): { assembly: Assembly; directory: string } => {
    const directory = folder();
    const app = new App({ outdir: directory });
    app.node.setContext('millrace:baseline', baseline);
    build(app, team);
    app.synth();
    return { assembly: Assembly.fromDirectories({ manifests: directory }), directory };
  };
  const baseline = folder();
  const first = synthesize('streaming', baseline);
  Baseline.write(baseline, first.assembly, {}, first.directory);
  const second = synthesize('payments', baseline).assembly;
  const object = (name: string) => second.objects.find(({ manifest }) => manifest.metadata.name === name)!.manifest;

  test('keeps the accepted labels on job templates, volume claims and storage classes', () => {
    expect(object('once').spec.template.metadata.labels.team).toBe('streaming');
    expect(object('set').spec.volumeClaimTemplates[0].metadata.labels.team).toBe('streaming');
    expect(object('fast').parameters.tagSpecification_2).toBe('team=streaming');
  });

  test('moves what can be moved', () => {
    expect(object('once').metadata.labels.team).toBe('payments');
    expect(object('set').spec.template.metadata.labels.team).toBe('payments');
    expect(object('nightly').spec.jobTemplate.spec.template.metadata.labels.team).toBe('payments');
  });

  test('says that changed node tags and labels roll nodes', () => {
    const found = checkUpdate(first.assembly, second, TagUpdateRules.all());
    expect(found.map(({ severity, code, path: where }) => `${severity} ${code} ${where}`)).toEqual([
      'warning Millrace.TagRollsNodes EC2NodeClass.karpenter.k8s.aws/fraud/nodes',
      'warning Millrace.TagRollsNodes NodePool.karpenter.sh/fraud/pool',
    ]);
  });
});

test('coverage looks at what carries the cost of volumes, nodes and load balancers', () => {
  const object = (kind: string, rest: object) => ({
    id: `${kind}//x`,
    file: 'x.yaml',
    manifest: { kind, metadata: { name: 'x', labels: LABELS }, ...rest },
  });
  const annotations = { 'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': 'team=a,service=b,cost-center=c' };
  const assembly = new Assembly({
    stacks: [],
    objects: [
      object('StorageClass', { provisioner: 'ebs.csi.aws.com', parameters: { type: 'gp3' } }),
      object('StorageClass', { provisioner: 'nfs.csi.k8s.io' }),
      object('EC2NodeClass', { spec: { tags: { team: 'a' } } }),
      object('Service', { spec: { type: 'LoadBalancer' }, metadata: { name: 'x', labels: LABELS, annotations } }),
    ],
  });
  expect(AllocationCoverage.of(assembly, AllocationKeys.DEFAULT.required).uncovered.map(({ problem }) => problem)).toEqual([
    'required keys are missing on its volumes (parameters.tagSpecification_N): team, service, cost-center, environment',
    'required keys are missing on its nodes (spec.tags): service, cost-center, environment',
    'required keys are missing on its load balancer (service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags): environment',
  ]);
});

test('coverage counts objects and their pods, and sees keys beyond the first fifty labels', () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`a${String(index).padStart(2, '0')}`, 'x']));
  const deployment = (name: string, podLabels: object) => ({
    id: `Deployment.apps//${name}`,
    file: 'x.yaml',
    manifest: { kind: 'Deployment', metadata: { name, labels: LABELS }, spec: { template: { metadata: { labels: podLabels } } } },
  });
  const assembly = new Assembly({
    stacks: [],
    objects: [deployment('good', LABELS), deployment('bare', {}), deployment('crowded', { ...LABELS, ...many })],
  });
  const coverage = AllocationCoverage.of(assembly, AllocationKeys.DEFAULT.required);
  expect(coverage.summary).toBe('1 of 3 Kubernetes objects carry all required keys (team, service, cost-center, environment)');
  expect(coverage.uncovered.map(({ code, path: where }) => `${code} ${where}`)).toEqual([
    'Millrace.LabelsMissing Deployment.apps//bare',
    'Millrace.LabelsBeyondFifty Deployment.apps//crowded',
  ]);
});
