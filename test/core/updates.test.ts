import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, CfnResource, Fn, NestedStack, RemovalPolicy, Stack, Stage, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { Assembly, objectId } from '../../lib/core/assembly';
import { Baseline } from '../../lib/core/baseline';
import { App as LinearApp } from '../../lib/core/k8s/app';
import { decideRetention, removalPolicyOf, retentionAnnotations } from '../../lib/core/retention';
import { Sizing, recordSizing } from '../../lib/core/sizing';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { UpdateGuard } from '../../lib/core/update-guard';
import { FindingSeverity, checkUpdate, registerUpdateRules, registeredUpdateRules } from '../../lib/core/update-rule';

const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-updates-'));

interface Contents {
  readonly bucketName?: string;
  readonly table?: Record<string, unknown>;
  readonly removalPolicy?: RemovalPolicy;
  readonly without?: 'bucket' | 'stack';
}

function buildApp(contents: Contents, outdir = folder(), context: Record<string, unknown> = {}): App {
  const app = new App({ outdir, builtinCloudFormationValidation: false, context } as never);
  const stack = new Stack(app, 'Data');
  new CfnResource(stack, 'Topic', { type: 'AWS::SNS::Topic', properties: { TopicName: contents.bucketName } });
  if (contents.without === 'stack') return app;
  const store = new Stack(app, 'Store');
  new CfnResource(store, 'Table', { type: 'AWS::DynamoDB::Table', properties: contents.table ?? {} });
  if (contents.without !== 'bucket') {
    new s3.Bucket(store, 'Bucket', { bucketName: contents.bucketName, removalPolicy: contents.removalPolicy });
  }
  new s3.Bucket(new NestedStack(store, 'Nested'), 'Inner', { bucketName: contents.bucketName });
  return app;
}

function synthesize(contents: Contents): Assembly {
  return Assembly.fromDirectories({ templates: buildApp(contents).synth().directory });
}

const say = (before: Assembly, after: Assembly) =>
  checkUpdate(before, after, StatefulUpdateRules.all()).map(({ severity, code, path: where }) => `${severity} ${code} ${where}`);

describe('an assembly read from disk', () => {
  const assembly = synthesize({});

  test('lists stacks with nested ones after their parent, and construct paths from the CDK', () => {
    const [data, store, nested] = assembly.stacks;
    expect([data.id, store.id]).toEqual(['Data', 'Store']);
    expect(nested.id).toMatch(/^Store\/NestedNestedStack/);
    expect(store.resources.map((resource) => resource.path)).toContain('Store/Bucket/Resource');
    expect(nested.resources.map((resource) => resource.path)).toEqual(['Store/Nested/Inner/Resource']);
  });

  test('is empty where there is no folder', () => {
    const empty = Assembly.fromDirectories({ templates: '/nowhere', manifests: '/nowhere' });
    expect([empty.stacks, empty.objects]).toEqual([[], []]);
  });

  test('names Kubernetes objects by kind, group, namespace and name', () => {
    expect(objectId({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a', namespace: 'n' } })).toBe('Deployment.apps/n/a');
    expect(objectId({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } })).toBe('Service//a');
  });
});

describe('an update of templates', () => {
  const before = synthesize({ bucketName: 'aaa', table: { KeySchema: [{ AttributeName: 'id' }], BillingMode: 'PROVISIONED' } });

  test('without a change has no finding', () => {
    expect(
      say(before, synthesize({ bucketName: 'aaa', table: { BillingMode: 'PROVISIONED', KeySchema: [{ AttributeName: 'id' }] } })),
    ).toEqual([]);
  });

  test('fails when a property would replace a resource with data, in nested stacks too, and not for one without data', () => {
    const after = synthesize({ bucketName: 'bbb', table: { KeySchema: [{ AttributeName: 'key' }] } });
    expect(say(before, after)).toEqual([
      'error Millrace.StatefulReplacement Store/Bucket/Resource',
      'error Millrace.StatefulReplacement Store/Nested/Inner/Resource',
      'error Millrace.StatefulReplacement Store/Table',
    ]);
    const [finding] = checkUpdate(before, after, StatefulUpdateRules.all());
    expect(finding.message).toBe('AWS::S3::Bucket BucketName changes from "aaa" to "bbb", which replaces the resource and starts empty');
    expect(finding.logicalId).toMatch(/^Bucket/);
  });

  test('fails when a resource with data refers to one that is replaced, through any number of steps', () => {
    const kafka = (description: string): Assembly => {
      const app = new App({ outdir: folder(), builtinCloudFormationValidation: false } as never);
      const stack = new Stack(app, 'Kafka');
      const group = new CfnResource(stack, 'Group', { type: 'AWS::EC2::SecurityGroup', properties: { GroupDescription: description } });
      const cluster = new CfnResource(stack, 'Cluster', {
        type: 'AWS::MSK::Cluster',
        properties: { ClusterName: 'a', BrokerNodeGroupInfo: { SecurityGroups: [group.getAtt('GroupId')] } },
      });
      new CfnResource(stack, 'Topic', { type: 'AWS::MSK::Topic', properties: { TopicName: 't', ClusterArn: Fn.sub('${Cluster.Arn}') } });
      new CfnResource(stack, 'Other', {
        type: 'AWS::MSK::Topic',
        properties: { TopicName: 'o', ClusterArn: 'arn', PartitionCount: cluster.ref },
      });
      return Assembly.fromDirectories({ templates: app.synth().directory });
    };
    expect(say(kafka('Brokers'), kafka('Brokers'))).toEqual([]);
    const [cluster, topic, ...rest] = checkUpdate(kafka('Brokers'), kafka('Brokers of A'), StatefulUpdateRules.all());
    expect([cluster.path, topic.path, rest]).toEqual(['Kafka/Cluster', 'Kafka/Topic', []]);
    expect(cluster.message).toBe(
      'AWS::MSK::Cluster BrokerNodeGroupInfo.SecurityGroups refers to Kafka/Group, where AWS::EC2::SecurityGroup GroupDescription changes from ' +
        '"Brokers" to "Brokers of A", which replaces the resource and starts empty',
    );
  });

  test('fails when a resource with data would be deleted, and only warns when it is retained', () => {
    expect(say(before, synthesize({ bucketName: 'aaa', table: before.stacks[1].resources[0].properties, without: 'bucket' }))).toEqual([
      'warning Millrace.StatefulRemoval Store/Bucket/Resource',
    ]);
    const destroyed = synthesize({ removalPolicy: RemovalPolicy.DESTROY });
    expect(say(destroyed, synthesize({ without: 'bucket' }))).toEqual(['error Millrace.StatefulRemoval Store/Bucket/Resource']);
  });

  const single = (stackId: string, resources: object[]) =>
    new Assembly({ stacks: [{ id: stackId, templateFile: 't', tags: {}, resources: resources as never }], objects: [] });
  const table = (logicalId: string, policies: object = { deletionPolicy: 'Retain', updateReplacePolicy: 'Retain' }) => ({
    logicalId,
    type: 'AWS::DynamoDB::Table',
    properties: {},
    metadata: {},
    path: `S/${logicalId}`,
    ...policies,
  });

  test('fails when a retained resource leaves while one of its type is new: a renamed construct or stack', () => {
    const [construct, ...rest] = checkUpdate(single('S', [table('Old')]), single('S', [table('New')]), StatefulUpdateRules.all());
    expect([construct.severity, construct.code, construct.path, rest]).toEqual(['error', 'Millrace.StatefulRemoval', 'S/Old', []]);
    expect(construct.message).toBe(
      'AWS::DynamoDB::Table Old leaves the template while S/New of the same type is new: after a rename that is a new, empty one beside the one ' +
        'that AWS keeps, unmanaged and billed',
    );
    expect(say(single('S', [table('Old')]), single('Renamed', [table('Old')]))).toEqual(['error Millrace.StatefulRemoval S/Old']);
    expect(say(single('S', [table('Old'), table('New')]), single('S', [table('New')]))).toEqual(['warning Millrace.StatefulRemoval S/Old']);
  });

  test('warns when a resource with data is no longer retained', () => {
    const retained = single('S', [table('T')]);
    const [finding, ...rest] = checkUpdate(retained, single('S', [table('T', { deletionPolicy: 'Delete' })]), StatefulUpdateRules.all());
    expect([finding.severity, finding.code, finding.path, finding.logicalId, rest]).toEqual([
      'warning',
      'Millrace.RetentionWeakened',
      'S/T',
      'T',
      [],
    ]);
    expect(finding.message).toBe(
      'AWS::DynamoDB::Table T: DeletionPolicy goes from Retain to Delete and UpdateReplacePolicy goes from Retain to nothing; ' +
        'a later removal or replacement deletes its data',
    );
    expect(say(single('S', [table('T', {})]), retained)).toEqual([]);
    const other = { deletionPolicy: 'RetainExceptOnCreate', updateReplacePolicy: 'Snapshot' };
    expect(say(retained, single('S', [table('T', other)]))).toEqual([]);
  });

  test('fails when a resource in a nested stack refers to a replaced one of its parent, through any number of parameters', () => {
    const kafka = (description: string): Assembly => {
      const app = new App({ outdir: folder(), builtinCloudFormationValidation: false } as never);
      const stack = new Stack(app, 'Kafka');
      const group = new CfnResource(stack, 'Group', { type: 'AWS::EC2::SecurityGroup', properties: { GroupDescription: description } });
      const inner = new NestedStack(new NestedStack(stack, 'Outer'), 'Inner');
      const securityGroups = [group.getAtt('GroupId')];
      new CfnResource(inner, 'Cluster', {
        type: 'AWS::MSK::Cluster',
        properties: { BrokerNodeGroupInfo: { SecurityGroups: securityGroups } },
      });
      return Assembly.fromDirectories({ templates: app.synth().directory });
    };
    expect(say(kafka('Brokers'), kafka('Brokers'))).toEqual([]);
    const [cluster, ...rest] = checkUpdate(kafka('Brokers'), kafka('Brokers of A'), StatefulUpdateRules.all());
    expect([cluster.code, cluster.path, rest]).toEqual(['Millrace.StatefulReplacement', 'Kafka/Outer/Inner/Cluster', []]);
    expect(cluster.message).toContain('BrokerNodeGroupInfo.SecurityGroups refers to Kafka/Group, where AWS::EC2::SecurityGroup');
  });

  test('says so when a whole stack leaves', () => {
    const findings = checkUpdate(before, synthesize({ without: 'stack' }), StatefulUpdateRules.all());
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning', 'warning']);
    expect(findings[0].message).toContain('leaves the template together with its stack');
  });
});

describe('an update of manifests', () => {
  const object = (kind: string, spec: object, rest: object = {}) => ({
    id: `${kind}/n/x`,
    file: 'x.yaml',
    manifest: { kind, metadata: { name: 'x', namespace: 'n' }, spec, ...rest },
  });
  const assembly = (...objects: ReturnType<typeof object>[]) => new Assembly({ stacks: [], objects });

  test.each([
    ['Deployment', { selector: { a: 1 } }, { selector: { a: 2 } }],
    ['StatefulSet', { volumeClaimTemplates: [1] }, { volumeClaimTemplates: [2] }],
    ['Job', { template: { a: 1 } }, { template: { a: 2 } }],
    ['PersistentVolumeClaim', { storageClassName: 'a' }, { storageClassName: 'b' }],
  ])('fails when an immutable field of a %s changes', (kind, old, young) => {
    expect(say(assembly(object(kind, old)), assembly(object(kind, young)))).toEqual([
      `error Millrace.KubernetesImmutableField ${kind}/n/x`,
    ]);
  });

  test('fails when the parameters of a StorageClass change', () => {
    const before = assembly(object('StorageClass', {}, { parameters: { type: 'gp3' } }));
    expect(say(before, assembly(object('StorageClass', {}, { parameters: { type: 'io2' } })))).toHaveLength(1);
  });

  test('lets mutable fields change', () => {
    expect(say(assembly(object('Deployment', { replicas: 1 })), assembly(object('Deployment', { replicas: 2 })))).toEqual([]);
  });

  test('fails when a claim leaves, and only warns when deployers are told to keep it', () => {
    const keep = { metadata: { name: 'x', annotations: { 'helm.sh/resource-policy': 'keep' } } };
    expect(say(assembly(object('PersistentVolumeClaim', {})), assembly())).toEqual([
      'error Millrace.KubernetesStatefulRemoval PersistentVolumeClaim/n/x',
    ]);
    expect(say(assembly(object('PersistentVolumeClaim', {}, keep)), assembly())).toEqual([
      'warning Millrace.KubernetesStatefulRemoval PersistentVolumeClaim/n/x',
    ]);
    expect(say(assembly(object('ConfigMap', {})), assembly())).toEqual([]);
  });
});

describe('one chart for each environment, with the same objects', () => {
  const claim = (file: string, storageClassName: string, annotations = {}, name = 'x') => ({
    id: `PersistentVolumeClaim/n/${name}`,
    file,
    manifest: { kind: 'PersistentVolumeClaim', metadata: { name, annotations }, spec: { storageClassName } },
  });
  const assembly = (...objects: ReturnType<typeof claim>[]) => new Assembly({ stacks: [], objects });
  const immutable = 'error Millrace.KubernetesImmutableField PersistentVolumeClaim/n/x';
  const removal = 'Millrace.KubernetesStatefulRemoval PersistentVolumeClaim/n/x';

  test('is compared file by file', () => {
    const before = assembly(claim('dev.yaml', 'a'), claim('prod.yaml', 'b'));
    expect(say(before, before)).toEqual([]);
    expect(say(before, assembly(claim('dev.yaml', 'a'), claim('prod.yaml', 'c')))).toEqual([immutable]);
    expect(say(before, assembly(claim('dev.yaml', 'c'), claim('prod.yaml', 'b')))).toEqual([immutable]);
    expect(say(before, assembly(claim('dev.yaml', 'a')))).toEqual([`error ${removal}`]);
  });

  test('is the same when cdk8s numbers its files in another order', () => {
    const before = assembly(claim('0000-dev.k8s.yaml', 'a'), claim('0001-prod.k8s.yaml', 'b'));
    expect(say(before, assembly(claim('0000-prod.k8s.yaml', 'b'), claim('0001-dev.k8s.yaml', 'a')))).toEqual([]);
  });

  test('is found in another file where the object is the only one of its id, and not guessed otherwise', () => {
    expect(say(assembly(claim('a.yaml', 'a')), assembly(claim('b.yaml', 'c')))).toEqual([immutable]);
    const before = assembly(claim('dev.yaml', 'a'), claim('prod.yaml', 'b'));
    expect(say(before, assembly(claim('dev.yaml', 'a'), claim('live.yaml', 'b')))).toEqual([`error ${removal}`]);
  });

  test('fails when a kept object leaves while one of its kind is new: a rename', () => {
    const keep = { 'helm.sh/resource-policy': 'keep' };
    expect(say(assembly(claim('a.yaml', 'a', keep)), assembly(claim('a.yaml', 'a', keep, 'y')))).toEqual([`error ${removal}`]);
    expect(say(assembly(claim('a.yaml', 'a', keep)), assembly())).toEqual([`warning ${removal}`]);
  });
});

describe('a baseline', () => {
  test('is read as it was written, stack tags and frozen tags included', () => {
    const directory = path.join(folder(), 'baseline');
    const manifests = folder();
    fs.writeFileSync(path.join(manifests, 'a.k8s.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n');
    const templates = buildApp({ bucketName: 'aaa' }).synth().directory;
    const assembly = Assembly.fromDirectories({ templates, manifests });
    Baseline.write(directory, assembly, { 'Store/X': { team: 'a' } }, manifests);
    const baseline = Baseline.read(directory)!;
    expect(baseline.frozenTags).toEqual({ 'Store/X': { team: 'a' } });
    expect(baseline.assembly.objects.map(({ id }) => id)).toEqual(['ConfigMap//a']);
    expect(say(baseline.assembly, assembly)).toEqual([]);
    expect(baseline.assembly.stacks.map(({ id }) => id)).toEqual(assembly.stacks.map(({ id }) => id));
  });

  const accepted = (directory: string): string => {
    const manifests = folder();
    fs.writeFileSync(path.join(manifests, 'a.k8s.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n');
    const assembly = Assembly.fromDirectories({ templates: buildApp({}).synth().directory, manifests });
    Baseline.write(directory, assembly, {}, manifests);
    return directory;
  };

  test('is written again where its folder is named with a slash at the end', () => {
    const parent = folder();
    accepted(`${parent}/base/`);
    accepted(`${parent}/base/`);
    expect(fs.readdirSync(parent)).toEqual(['base']);
    expect(fs.readdirSync(path.join(parent, 'base')).sort()).toEqual(['baseline.json', 'manifests', 'templates']);
    expect(Baseline.read(`${parent}/base/`)!.assembly.objects).toHaveLength(1);
  });

  test.each([
    ['a template is gone', 'templates/Data.template.json', undefined],
    ['a template is cut off', 'templates/Data.template.json', '{ "Resour'],
    ['its index is cut off', 'baseline.json', '{ "format": 1, "sta'],
    ['its index lists no stacks', 'baseline.json', '{ "format": 1 }'],
    ['a file of manifests is gone', 'manifests/a.k8s.yaml', undefined],
  ])('is damaged when %s', (_what, file, content) => {
    const directory = accepted(path.join(folder(), 'base'));
    if (content === undefined) fs.rmSync(path.join(directory, file));
    else fs.writeFileSync(path.join(directory, file), content);
    expect(() => Baseline.read(directory)).toThrow(
      expect.objectContaining({
        code: 'Millrace.BaselineDamaged',
        violations: [expect.objectContaining({ subject: path.normalize(file) })],
      }),
    );
  });

  test('of an earlier version, which lists no manifests, is still read', () => {
    const directory = accepted(path.join(folder(), 'base'));
    const file = path.join(directory, 'baseline.json');
    const { manifests, ...index } = JSON.parse(fs.readFileSync(file, 'utf8'));
    expect([manifests, index.format]).toEqual([['a.k8s.yaml'], 1]);
    fs.writeFileSync(file, JSON.stringify(index));
    expect(Baseline.read(directory)!.assembly.objects.map(({ id }) => id)).toEqual(['ConfigMap//a']);
  });

  test('is never written over a folder that holds something else', () => {
    const directory = folder();
    fs.writeFileSync(path.join(directory, 'precious.txt'), 'x');
    const write = () => Baseline.write(directory, new Assembly({ stacks: [], objects: [] }), {});
    expect(write).toThrow(expect.objectContaining({ code: 'Millrace.BaselineFolderForeign' }));
    expect(fs.readdirSync(directory)).toEqual(['precious.txt']);
  });

  test('that does not exist is none, and one of another format is refused', () => {
    expect(Baseline.read('/nowhere')).toBeUndefined();
    const directory = folder();
    fs.writeFileSync(path.join(directory, 'baseline.json'), '{"format": 99}');
    expect(() => Baseline.read(directory)).toThrow(expect.objectContaining({ code: 'Millrace.BaselineFormatUnknown' }));
  });
});

describe('the update guard at synth', () => {
  const accepted = path.join(folder(), 'baseline');
  Baseline.write(accepted, synthesize({ bucketName: 'aaa' }), {});

  function guarded(contents: Contents, baseline: string): { refused: boolean; codes: string[] } {
    const outdir = folder();
    const app = buildApp(contents, outdir, { 'millrace:baseline': baseline });
    Validations.of(app).addPlugins(new UpdateGuard());
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    let refused = false;
    try {
      app.synth();
    } catch {
      refused = true;
    }
    log.mockRestore();
    const reports = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8')).pluginReports;
    const own = reports.find((report: any) => report.pluginName === 'millrace-update-guard');
    return { refused, codes: (own?.violations ?? []).map((violation: any) => `${violation.severity} ${violation.ruleName}`) };
  }

  test('refuses a silent replacement, in a nested stack too', () => {
    expect(guarded({ bucketName: 'bbb' }, accepted)).toEqual({
      refused: true,
      codes: ['error Millrace.StatefulReplacement', 'error Millrace.StatefulReplacement'],
    });
  });

  test('lets through an unchanged app, and one that loses nothing with a warning', () => {
    expect(guarded({ bucketName: 'aaa' }, accepted)).toEqual({ refused: false, codes: [] });
    expect(guarded({ bucketName: 'aaa', without: 'bucket' }, accepted)).toEqual({
      refused: false,
      codes: ['warning Millrace.StatefulRemoval'],
    });
  });

  test('of a stage compares the stacks of that stage and lets the others be', () => {
    const platform = (name: string, guard?: UpdateGuard) => {
      const app = new App({ outdir: folder(), builtinCloudFormationValidation: false } as never);
      for (const id of ['Dev', 'Prod']) {
        const stage = new Stage(app, id);
        const properties = { BucketName: id === 'Dev' ? 'dev' : name };
        new CfnResource(new Stack(stage, 'Store'), 'Bucket', { type: 'AWS::S3::Bucket', properties });
        if (id === 'Prod' && guard) Validations.of(stage).addPlugins(guard);
      }
      return app.synth().directory;
    };
    const baseline = path.join(folder(), 'baseline');
    Baseline.write(baseline, Assembly.fromDirectories({ templates: platform('a') }), {});
    const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(() => platform('a', new UpdateGuard({ baseline }))).not.toThrow();
    expect(() => platform('b', new UpdateGuard({ baseline }))).toThrow();
    log.mockRestore();
  });

  test('says that there is no baseline yet, as a warning', () => {
    expect(guarded({}, '/nowhere')).toEqual({ refused: false, codes: ['warning Millrace.BaselineMissing'] });
  });

  test('runs the rules that the constructs of the app registered, each once', () => {
    const app = new App();
    const rule = { id: 'Rule', check: () => [] };
    registerUpdateRules(new Construct(app, 'A'), [rule]);
    registerUpdateRules(new Construct(app, 'B'), [rule]);
    expect(registeredUpdateRules(app)).toEqual([rule]);
    expect(registeredUpdateRules(new App())).toEqual([]);
  });
});

test('our cdk8s app refuses an update of manifests that loses data, and leaves them to be looked at', () => {
  const accepted = path.join(folder(), 'baseline');
  const synthesize = (claim: boolean, outdir = folder()): string => {
    const app = new LinearApp({ outdir, updateGuard: new UpdateGuard({ baseline: accepted }) });
    const chart = new Chart(app, 'chart');
    new ApiObject(chart, 'Settings', { apiVersion: 'v1', kind: 'ConfigMap' });
    if (claim) new ApiObject(chart, 'Claim', { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } });
    app.synth();
    return outdir;
  };
  const manifests = synthesize(true);
  Baseline.write(accepted, Assembly.fromDirectories({ manifests }), {}, manifests);
  expect(() => synthesize(true)).not.toThrow();
  expect(() => synthesize(false)).toThrow(expect.objectContaining({ code: 'Millrace.KubernetesStatefulRemoval' }));
  fs.writeFileSync(path.join(manifests, 'stale.k8s.yaml'), fs.readFileSync(path.join(manifests, 'chart.k8s.yaml')));
  expect(() => synthesize(false, manifests)).toThrow(expect.objectContaining({ code: 'Millrace.KubernetesStatefulRemoval' }));
});

test('findings come errors first, then by path, whatever the order of the rules', () => {
  const finding = (severity: FindingSeverity, where: string) => ({ code: 'C', severity, path: where, message: '', fix: '' });
  const rule = (id: string, ...findings: ReturnType<typeof finding>[]) => ({ id, check: () => findings });
  const none = new Assembly({ stacks: [], objects: [] });
  const rules = [
    rule('a', finding(FindingSeverity.WARNING, 'a'), finding(FindingSeverity.ERROR, 'z')),
    rule('b', finding(FindingSeverity.ERROR, 'b')),
  ];
  for (const order of [rules, [...rules].reverse()]) {
    expect(checkUpdate(none, none, order).map(({ path: where }) => where)).toEqual(['b', 'z', 'a']);
  }
});

describe('the two-key rule', () => {
  const scope = (value?: unknown) => new Construct(new App({ context: value === undefined ? {} : { 'millrace:destroyData': value } }), 'X');

  test.each([
    [undefined, undefined, false, false],
    [RemovalPolicy.RETAIN, true, false, false],
    [RemovalPolicy.DESTROY, undefined, false, true],
    [RemovalPolicy.DESTROY, false, false, true],
    [RemovalPolicy.DESTROY, 'yes', false, true],
    [RemovalPolicy.DESTROY, true, true, false],
    [RemovalPolicy.DESTROY, 'true', true, false],
  ])('removalPolicy %p with context %p destroys: %p, warns: %p', (requested, context, destroy, warns) => {
    const decision = decideRetention(scope(context), requested);
    expect([decision.destroy, decision.warning !== undefined]).toEqual([destroy, warns]);
    expect(removalPolicyOf(decision)).toBe(destroy ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN);
  });

  test('keeps objects from being pruned by Argo CD, Flux and Helm, and carries the warning', () => {
    expect(retentionAnnotations({ destroy: true })).toBeUndefined();
    expect(retentionAnnotations({ destroy: false, warning: 'w' })).toEqual({
      'argocd.argoproj.io/sync-options': 'Delete=false,Prune=false',
      'helm.sh/resource-policy': 'keep',
      'kustomize.toolkit.fluxcd.io/prune': 'disabled',
      'millrace.io/warning': 'Millrace.DestroyNeedsTwoKeys: w',
    });
  });
});

test('a sizing is recorded as metadata on AWS and as an annotation on Kubernetes, with rounded shares', () => {
  class Fixed extends Sizing {
    constructor() {
      super({ choice: 'one', bottleneck: 'cpu', utilisation: { cpu: 1 / 3 }, alternatives: [], reason: 'because' });
    }
  }
  const recorded: Record<string, unknown> = {};
  const write = (key: string, value: unknown) => void (recorded[key] = value);
  const expected = { choice: 'one', bottleneck: 'cpu', utilisation: { cpu: 0.3333 }, alternatives: [], reason: 'because' };
  recordSizing({ addMetadata: write }, new Fixed());
  expect(recorded).toEqual({ 'millrace.io/sizing': expected });
  recordSizing({ metadata: { addAnnotation: write } }, new Fixed());
  expect(JSON.parse(recorded['millrace.io/sizing'] as string)).toEqual(expected);
});
