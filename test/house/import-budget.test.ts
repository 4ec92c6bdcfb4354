import * as fs from 'fs';
import * as path from 'path';
import ts from 'typescript';
import { Sandbox } from './sandbox';

const { exports: subpaths } = JSON.parse(fs.readFileSync(path.resolve(__dirname, '../../package.json'), 'utf8'));
const entries = Object.keys(subpaths).filter((subpath) => !subpath.endsWith('.json') && subpath !== './.jsii');
const nameOf = (subpath: string) => `millrace${subpath.slice(1)}`;

/** What an entry point may load: exactly this, whatever else is installed. */
const BUDGET: Readonly<Record<string, string[]>> = {
  millrace: [],
  'millrace/core': [],
  'millrace/core/k8s': ['cdk8s', 'constructs'],
  'millrace/cost': [],
  'millrace/features': [],
  'millrace/features/aws': ['aws-cdk-lib', 'constructs'],
  'millrace/features/k8s': ['cdk8s', 'cdk8s-plus-27', 'constructs'],
  'millrace/inference': [],
  'millrace/inference/aws': ['aws-cdk-lib', 'constructs'],
  'millrace/inference/k8s': ['cdk8s', 'cdk8s-plus-27', 'constructs'],
  'millrace/models': [],
  'millrace/models/aws': ['aws-cdk-lib', 'constructs'],
  'millrace/models/k8s': ['cdk8s', 'cdk8s-plus-27', 'constructs'],
  'millrace/streaming': [],
  'millrace/streaming/aws': ['aws-cdk-lib', 'constructs'],
  'millrace/streaming/k8s': ['cdk8s', 'constructs'],
  'millrace/usage': [],
  'millrace/workloads': [],
  'millrace/workloads/aws': ['aws-cdk-lib', 'constructs'],
  'millrace/workloads/k8s': ['cdk8s', 'cdk8s-plus-27', 'constructs'],
};

let bare: Sandbox;
let aws: Sandbox;
let full: Sandbox;
beforeAll(() => {
  bare = new Sandbox([]);
  aws = new Sandbox(['aws-cdk-lib', 'constructs']);
  full = new Sandbox(['aws-cdk-lib', 'constructs', 'cdk8s', 'cdk8s-plus-27']);
});
afterAll(() => [bare, aws, full].forEach((sandbox) => sandbox?.dispose()));

describe('an entry point of the package', () => {
  test('has a budget, and every budget an entry point', () => {
    expect(entries.map(nameOf).sort()).toEqual(Object.keys(BUDGET).sort());
  });

  test.each(Object.entries(BUDGET))('%s loads these packages and no other: %j', (name, packages) => {
    expect(full.run(`report(Object.keys(require('${name}')).length > 0)`)).toEqual({ value: true, packages });
  });

  test.each(entries.map(nameOf))('%s has types under the module resolutions of TypeScript', (name) => {
    const from = path.join(full.folder, 'app.ts');
    for (const [moduleResolution, module] of [
      [ts.ModuleResolutionKind.Node10, ts.ModuleKind.CommonJS],
      [ts.ModuleResolutionKind.Node16, ts.ModuleKind.Node16],
      [ts.ModuleResolutionKind.Bundler, ts.ModuleKind.ES2022],
    ] as const) {
      const { resolvedModule } = ts.resolveModuleName(name, from, { moduleResolution, module }, ts.sys);
      const types = path.join('node_modules/millrace/dist/lib', name.replace(/^millrace\/?/, ''), 'index.d.ts');
      expect(resolvedModule && path.relative(full.folder, resolvedModule.resolvedFileName)).toBe(types);
    }
  });

  test('is listed: a path that is not exported cannot be reached', () => {
    expect(bare.run("require('millrace/dist/lib/core/rule')").error).toMatch(/^ERR_PACKAGE_PATH_NOT_EXPORTED/);
    expect(bare.run("report([require('millrace/package.json').name, typeof require.resolve('millrace/.jsii')])").value).toEqual([
      'millrace',
      'string',
    ]);
  });
});

describe('without the CDK and without cdk8s', () => {
  test('the root and the contracts of every room load', () => {
    const { value, packages } = bare.run(`
      const { core, cost, streaming, workloads } = require('millrace');
      report([core.Sizing, cost.TagPolicy, streaming.KafkaSizing, workloads.PodSize].map((type) => typeof type));
    `);
    expect(value).toEqual(['function', 'function', 'function', 'function']);
    expect(packages).toEqual([]);
  });

  test('a Kafka cluster is sized for its demand', () => {
    const { value, packages } = bare.run(`
      const { streaming } = require('millrace');
      const mbps = (rate) => ({ toBps: () => rate * 1e6 });
      const { choice, bottleneck } = streaming.KafkaSizing.forDemand({ peakIngress: mbps(240), peakEgress: mbps(480), partitions: 120 });
      report({ choice, bottleneck });
    `);
    expect(value).toEqual({ choice: 'express.m7g.large x 3', bottleneck: 'ingress' });
    expect(packages).toEqual([]);
  });

  test('an allocation is made and refused', () => {
    const { value, packages } = bare.run(`
      const { cost } = require('millrace');
      const keys = new cost.AllocationKeys({ costCenter: 'acme.com/cost-center', optional: ['product'] });
      const values = { team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod', keys };
      const codeOf = (work) => { try { work(); } catch (error) { return error.code; } };
      report([
        new cost.CostAllocation({ ...values, additional: { product: 'radar-2' } }).labels(),
        codeOf(() => new cost.CostAllocation({ ...values, team: 'fraud ml' })),
      ]);
    `);
    expect(value).toEqual([
      { team: 'fraud-ml', service: 'radar', 'acme.com/cost-center': 'CC-1042', environment: 'prod', product: 'radar-2' },
      'Millrace.CostAllocationValueInvalid',
    ]);
    expect(packages).toEqual([]);
  });

  test('finished templates are compared and measured, and only manifests need the bundled YAML parser', () => {
    const compare = (directories: string) => `
      const fs = require('fs');
      const { core, cost } = require('millrace');
      fs.mkdirSync('out', { recursive: true });
      fs.writeFileSync('out/thing.yaml', 'kind: Namespace\\nmetadata: { name: fraud }\\n');
      const assembly = core.Assembly.fromDirectories(${directories});
      report(cost.AllocationCoverage.of(assembly, cost.AllocationKeys.DEFAULT.required).summary);
    `;
    expect(bare.run(compare("{ templates: 'out' }"))).toEqual({ value: 'nothing to own', packages: [] });
    expect(bare.run(compare("{ manifests: 'out' }"))).toEqual({
      value: '0 of 1 Kubernetes objects carry all required keys (team, service, cost-center, environment)',
      packages: ['yaml'],
    });
  });

  test('the command line runs', () => {
    const { value, packages } = bare.run(`
      const printed = [];
      console.log = (text) => printed.push(text);
      process.argv = ['node', 'millrace', '--help'];
      require('./node_modules/millrace/dist/bin/millrace.js');
      report([process.exitCode, printed[0].split('\\n')[0]]);
    `);
    expect(value).toEqual([0, 'millrace <command> [options]']);
    expect(packages).toEqual(['yaml']);
  });
});

describe('without cdk8s', () => {
  const MISSING = 'Millrace.Cdk8sMissing: Millrace.Cdk8sMissing: the Kubernetes flavour needs the optional peers cdk8s and cdk8s-plus-27';

  test.each([
    "require('millrace').core.k8s",
    "require('millrace').features.k8s",
    "require('millrace').inference.k8s",
    "require('millrace').models.k8s",
    "require('millrace').streaming.k8s",
    "require('millrace').workloads.k8s",
    "require('millrace/streaming/k8s')",
    "require('millrace/workloads').k8s",
  ])('%s says which packages to install', (expression) => {
    const { error } = aws.run(`report(typeof ${expression})`);
    expect(error).toContain(MISSING);
    expect(error).toContain('fix: npm install cdk8s cdk8s-plus-27');
  });

  test('the AWS side synthesizes an owned stack', () => {
    const { value, packages } = aws.run(`
      const { App, Bitrate, Stack, Validations } = require('aws-cdk-lib');
      const ec2 = require('aws-cdk-lib/aws-ec2');
      const { core, cost, streaming, workloads } = require('millrace');
      const app = new App({ outdir: 'cdk.out' });
      Validations.of(app).addPlugins(new cost.TagPolicy());
      const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1' } });
      new cost.CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(stack);
      const vpc = new ec2.Vpc(stack, 'Vpc', { availabilityZones: ['a', 'b', 'c'].map((zone) => 'eu-west-1' + zone) });
      const cluster = new streaming.aws.KafkaCluster(stack, 'Kafka', {
        vpc, demand: { peakIngress: Bitrate.mbps(80), partitions: 24 },
      });
      const topic = cluster.addTopic('Payments', { topicName: 'payments' });
      const pods = new workloads.aws.PodIdentity(stack, 'Pods', { clusterName: 'ml', namespace: 'fraud', serviceAccountName: 'radar' });
      topic.grants.consume(pods, { groupId: 'radar' });
      app.synth();
      const { stacks } = core.Assembly.fromDirectories({ templates: 'cdk.out' });
      report({ tags: stacks[0].tags, types: stacks[0].resources.map(({ type }) => type).filter((type) => /MSK|PodIdentity/.test(type)).sort() });
    `);
    expect(value).toEqual({
      tags: { team: 'streaming', service: 'kafka', 'cost-center': 'CC-1042', environment: 'prod' },
      types: ['AWS::EKS::PodIdentityAssociation', 'AWS::MSK::Cluster', 'AWS::MSK::Configuration', 'AWS::MSK::Topic'],
    });
    // The first is a dependency of the CDK.
    expect(packages).toEqual(['@aws-cdk/cloud-assembly-schema', 'aws-cdk-lib', 'constructs']);
  });
});

describe('an ESM program', () => {
  test('imports rooms by name from the root, which loads neither framework', () => {
    const { value, packages } = full.run(
      "import { core, cost, streaming, workloads } from 'millrace'; report([core.Sizing, cost.CostAllocation, streaming.KafkaSizing, workloads.PodSize].map((type) => type.name));",
      'module',
    );
    expect(value).toEqual(['Sizing', 'CostAllocation', 'KafkaSizing', 'PodSize']);
    expect(packages).toEqual([]);
  });

  test('imports classes by name from the flavours', () => {
    const { value, packages } = full.run(
      "import { KafkaCluster } from 'millrace/streaming/k8s'; import { PodIdentity } from 'millrace/workloads/aws'; report([KafkaCluster.name, PodIdentity.name]);",
      'module',
    );
    expect(value).toEqual(['KafkaCluster', 'PodIdentity']);
    expect(packages).toEqual(['aws-cdk-lib', 'cdk8s', 'constructs']);
  });

  test('imports the AWS flavour of a room without cdk8s', () => {
    const { value, packages } = aws.run(
      "import { aws, k8s } from 'millrace/streaming'; report([aws.KafkaCluster.name, typeof k8s]);",
      'module',
    );
    expect(value).toEqual(['KafkaCluster', 'undefined']);
    expect(packages).toEqual(['aws-cdk-lib', 'constructs']);
  });
});
