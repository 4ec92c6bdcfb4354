import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, CfnResource, NestedStack, Stack, Stage, Validations } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy, type TagPolicyProps } from '../../lib/cost/tag-policy';

const RADAR = new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' });

interface Outcome {
  readonly refused: boolean;
  readonly codes: string[];
  readonly paths: string[];
}

/** Synthesizes an app under the policy and reads what the CDK wrote down. */
function underPolicy(build: (app: App) => void, props?: TagPolicyProps): Outcome {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-policy-'));
  const app = new App({ outdir, builtinCloudFormationValidation: false } as never);
  Validations.of(app).addPlugins(new TagPolicy(props));
  build(app);
  let refused = false;
  const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  try {
    app.synth();
  } catch {
    refused = true;
  }
  log.mockRestore();
  // The CDK writes down a plugin only when it has something to say.
  const report = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8')).pluginReports.find(
    (candidate: any) => candidate.pluginName === 'millrace-tag-policy',
  ) ?? { violations: [] };
  return {
    refused,
    codes: report.violations.map((violation: any) => violation.ruleName),
    paths: report.violations.flatMap((violation: any) => violation.violatingConstructs.map((construct: any) => construct.constructPath)),
  };
}

test('passes an app in which everything has an owner', () => {
  const outcome = underPolicy((app) => {
    const stack = new Stack(app, 'Owned');
    new sns.Topic(stack, 'Topic');
    new sns.CfnTopicPolicy(stack, 'Policy', { policyDocument: {}, topics: [] });
    RADAR.applyTo(stack);
  });
  expect(outcome).toEqual({ refused: false, codes: [], paths: [] });
});

test("fails for anyone's resource without an owner, in nested stacks too, with its construct path", () => {
  const outcome = underPolicy((app) => {
    const stack = new Stack(app, 'Foreign');
    new CfnResource(stack, 'Raw', { type: 'AWS::SQS::Queue' });
    new sns.Topic(new NestedStack(stack, 'Nested'), 'Topic');
  });
  expect(outcome.refused).toBe(true);
  // The nested stack itself is a taggable resource as well.
  expect(outcome.codes).toEqual(['Millrace.TagsMissing', 'Millrace.TagsMissing', 'Millrace.TagsMissing']);
  expect(outcome.paths).toEqual(expect.arrayContaining(['Foreign/Raw', 'Foreign/Nested/Topic/Resource']));
});

test('fails once for each resource, also where stacks stand beside stages', () => {
  const outcome = underPolicy((app) => {
    new sns.Topic(new Stack(app, 'Root'), 'Topic');
    new sns.Topic(new Stack(new Stage(app, 'Prod'), 'Staged'), 'Topic');
  });
  expect(outcome.paths).toEqual(['Prod/Staged/Topic/Resource', 'Root/Topic/Resource']);
});

test('names the keys that are missing when some are there', () => {
  const app = new App({
    builtinCloudFormationValidation: false,
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-policy-')),
  } as never);
  const stack = new Stack(app, 'Some', { tags: { team: 'fraud-ml', service: 'radar' } });
  new sns.Topic(stack, 'Topic');
  const templatePath = path.join(app.synth().directory, 'Some.template.json');
  const report = new TagPolicy().validate({
    appConstruct: app,
    templatePaths: [],
    stackTemplates: [{ templatePath, stackConstructPath: 'Some' }],
  } as never);
  expect(report.success).toBe(false);
  expect(report.violations[0].description).toBe(
    'AWS::SNS::Topic Some/Topic/Resource: required tag keys are missing: cost-center, environment',
  );
  expect(report.violations[0].fix).toBe('new cost.CostAllocation({ … }).applyTo its stack or a construct above it');
});

describe('an exemption', () => {
  const unowned = (app: App) => void new sns.Topic(new Stack(app, 'Legacy'), 'Topic');
  const reason = 'owner is decided in FIN-311';

  afterEach(() => jest.useRealTimers());

  test.each([['Legacy/Topic/Resource'], ['Legacy/*'], ['AWS::SNS::Topic']])(
    'for %s lets the resource pass until its last day and says so',
    (resource) => {
      jest.useFakeTimers({ now: new Date('2026-12-31T23:59:59Z') });
      expect(underPolicy(unowned, { exemptions: [{ resource, reason, expires: '2026-12-31' }] })).toMatchObject({
        refused: false,
        codes: ['Millrace.TagExempt'],
      });
    },
  );

  test('fails again from the day after', () => {
    jest.useFakeTimers({ now: new Date('2027-01-01T00:00:00Z') });
    const outcome = underPolicy(unowned, { exemptions: [{ resource: 'Legacy/*', reason, expires: '2026-12-31' }] });
    expect(outcome).toMatchObject({ refused: true, codes: ['Millrace.TagsMissing'] });
  });

  test('for something else changes nothing', () => {
    expect(underPolicy(unowned, { exemptions: [{ resource: 'Legac/*', reason, expires: '2999-12-31' }] }).refused).toBe(true);
  });

  test.each([
    ['no reason', { reason: ' ', expires: '2026-12-31' }, 'exemptions[0].reason'],
    ['no date', { reason, expires: 'next year' }, 'exemptions[0].expires'],
    ['a day that does not exist', { reason, expires: '2026-02-30' }, 'exemptions[0].expires'],
  ])('fails with %s', (_why, rest, subject) => {
    try {
      new TagPolicy({ exemptions: [{ resource: 'Legacy/*', ...rest }] });
      throw new Error('accepted');
    } catch (error) {
      expect((error as any).violations).toEqual([expect.objectContaining({ code: 'Millrace.TagExemptionInvalid', subject })]);
    }
  });
});
