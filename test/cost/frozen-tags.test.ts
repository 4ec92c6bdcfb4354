import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, CfnResource, NestedStack, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as msk from 'aws-cdk-lib/aws-msk';
import { Assembly, type SynthesizedResource } from '../../lib/core/assembly';
import { Baseline } from '../../lib/core/baseline';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagUpdateRules, effectiveTags, frozenTagsOf } from '../../lib/cost/tag-update-rules';

const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-frozen-'));

interface Build {
  readonly team: string;
  readonly baseline?: string;
  readonly stackTags?: Record<string, string>;
  readonly context?: Record<string, unknown>;
  /** Tags of the cluster's own. */
  readonly own?: Record<string, string>;
}

/** One stack with a Serverless cluster (a tag change replaces it), a nested one, and a launch template (a tag change rolls nodes). */
function synthesize({ team, baseline = folder(), stackTags, context, own }: Build): Assembly {
  const app = new App({
    outdir: folder(),
    builtinCloudFormationValidation: false,
    context: { 'millrace:baseline': baseline, '@aws-cdk/core:explicitStackTags': true, ...context },
  } as never);
  const stack = new Stack(app, 'Kafka', { tags: stackTags });
  const cluster = (scope: Stack, id: string) =>
    new msk.CfnServerlessCluster(scope, id, {
      clusterName: id,
      vpcConfigs: [],
      clientAuthentication: { sasl: { iam: { enabled: true } } },
    });
  const serverless = cluster(stack, 'Serverless');
  for (const [key, value] of Object.entries(own ?? {})) Tags.of(serverless).add(key, value);
  cluster(new NestedStack(stack, 'Nested'), 'InNested');
  new CfnResource(stack, 'Raw', { type: 'AWS::SageMaker::FeatureGroup', properties: { FeatureGroupName: 'x' } });
  new ec2.CfnLaunchTemplate(stack, 'Template', { launchTemplateData: {} });
  new CostAllocation({ team, service: 'kafka', costCenter: 'CC-1', environment: 'prod' }).applyTo(stack);
  return Assembly.fromDirectories({ templates: app.synth().directory });
}

const frozen = (assembly: Assembly): SynthesizedResource[] =>
  assembly.stacks.flatMap((stack) => stack.resources.filter(({ type }) => /ServerlessCluster|FeatureGroup/.test(type)));
const ownTeam = (resource: SynthesizedResource) =>
  Array.isArray(resource.properties.Tags)
    ? resource.properties.Tags.find((tag: any) => tag.Key === 'team')?.Value
    : resource.properties.Tags?.team;
const findings = (before: Assembly, after: Assembly) =>
  checkUpdate(before, after, TagUpdateRules.all()).map(({ severity, code, path: where }) => `${severity} ${code} ${where}`);

const first = synthesize({ team: 'streaming' });
const baseline = folder();
Baseline.write(baseline, first, frozenTagsOf(first));

test('a resource that a tag change would replace carries all its tags itself from the first day', () => {
  expect(frozen(first).map(ownTeam)).toEqual(['streaming', 'streaming', 'streaming']);
});

test('a changed allocation leaves the accepted tags on it and moves the rest of the stack', () => {
  const second = synthesize({ team: 'payments', baseline });
  expect(second.stacks[0].tags.team).toBe('payments');
  expect(frozen(second).map(ownTeam)).toEqual(['streaming', 'streaming', 'streaming']);
  expect(findings(first, second)).toEqual(['warning Millrace.TagRollsNodes Kafka/Template']);
});

test('the user can let the change through for one construct, which is then said and not refused', () => {
  const second = synthesize({ team: 'payments', baseline, context: { 'millrace:replaceOnTagChange': ['Kafka/Serverless'] } });
  expect(frozen(second).map(ownTeam).sort()).toEqual(['payments', 'streaming', 'streaming']);
  expect(findings(first, second)).toEqual([
    'warning Millrace.TagReplacesResource Kafka/Serverless',
    'warning Millrace.TagRollsNodes Kafka/Template',
  ]);
});

test('the user can let every change through', () => {
  const second = synthesize({ team: 'payments', baseline, context: { 'millrace:replaceOnTagChange': true } });
  expect(frozen(second).map(ownTeam)).toEqual(['payments', 'payments', 'payments']);
});

test('without a baseline the change is refused by the update rule', () => {
  expect(findings(first, synthesize({ team: 'payments' })).filter((finding) => finding.startsWith('error'))).toHaveLength(3);
});

test('a key new to the stack is refused, because CloudFormation pushes it onto the resource', () => {
  const second = synthesize({ team: 'streaming', baseline, stackTags: { audit: 'yes' } });
  expect(findings(first, second)).toEqual([
    'error Millrace.TagReplacesResource Kafka/Nested/InNested',
    'error Millrace.TagReplacesResource Kafka/Raw',
    'error Millrace.TagReplacesResource Kafka/Serverless',
  ]);
});

test('a changed value of a stack tag is kept off the resource', () => {
  const tagged = synthesize({ team: 'streaming', stackTags: { audit: 'yes' } });
  const accepted = folder();
  Baseline.write(accepted, tagged, frozenTagsOf(tagged));
  const second = synthesize({ team: 'streaming', baseline: accepted, stackTags: { audit: 'no' } });
  expect(second.stacks[0].tags.audit).toBe('no');
  expect(effectiveTags(second.stacks[0], frozen(second)[0]).audit).toBe('yes');
  expect(findings(tagged, second)).toEqual([]);
});

test('a tag that somebody adds to the resource itself is kept off it as well', () => {
  const second = synthesize({ team: 'streaming', baseline, own: { audit: 'yes' } });
  expect(frozen(second)[0].properties.Tags).not.toHaveProperty('audit');
  expect(findings(first, second)).toEqual([]);
});

test('the same input gives the same tags twice', () => {
  expect(findings(first, synthesize({ team: 'streaming', baseline }))).toEqual([]);
});
