import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, type IPolicyValidationPlugin, Stack, Validations } from 'aws-cdk-lib';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { MlflowRegistry, ModelRegistry, Promotion, PromotionReceiver } from '../../lib/models/aws';
import { PodIdentity } from '../../lib/workloads/aws';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const PROD = { region: 'eu-west-1', account: '444455556666' };

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-models-'));
const app = new App({
  outdir,
  context: {
    '@aws-cdk/core:validateAgainstDefaultRules': true,
    '@aws-cdk/core:defaultCrossStackReferences': 'strong',
    '@aws-cdk/aws-iam:minimizePolicies': true,
  },
});
const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
Validations.of(app).addPlugins(...plugins);
new CostAllocation({ team: 'fraud-ml', service: 'card-fraud', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);

const models = new Stack(app, 'Models', { env: ENV });
const accessLogsBucket = s3.Bucket.fromBucketName(models, 'Logs', 'access-logs');
const encryptionKey = new kms.Key(models, 'Key', { enableKeyRotation: true });
const registry = new ModelRegistry(models, 'Registry', { registryName: 'card-fraud', artifacts: { encryptionKey, accessLogsBucket } });
registry.shareWithAccount(PROD.account);
const pods = new PodIdentity(models, 'Pods', { clusterName: 'ml', namespace: 'fraud', serviceAccountName: 'approver' });
registry.grants.approve(pods);
registry.grants.deploy(pods);

const next = new Stack(app, 'Next', { env: PROD });
const imported = ModelRegistry.fromModelRegistryAttributes(next, 'Registry', { registryArn: registryArn() });
const receiver = new PromotionReceiver(next, 'Receiver', { registry: imported });
receiver.onPromoted('Deploy', { target: new targets.CodeBuildProject(codebuild.Project.fromProjectName(next, 'Project', 'deploy')) });
const promotion = new Promotion(models, 'Promotion', { registry, to: receiver.eventBus });

const here = new Stack(app, 'Here', { env: ENV });
new PromotionReceiver(here, 'Receiver', { registry });

const mlflow = new Stack(app, 'Mlflow', { env: ENV });
const logs = s3.Bucket.fromBucketName(mlflow, 'Logs', 'access-logs');
const research = new MlflowRegistry(mlflow, 'Mlflow', { registersInSageMaker: true, artifacts: { accessLogsBucket: logs } });
research.grants.openPages(new PodIdentity(mlflow, 'Pods', { clusterName: 'ml', namespace: 'fraud', serviceAccountName: 'trainer' }));

function registryArn(): string {
  return `arn:aws:sagemaker:${ENV.region}:${ENV.account}:model-package-group/card-fraud`;
}

for (const [stack, made, id] of [
  [models, registry, 'the files of the versions'],
  [mlflow, research, 'the files of runs and models'],
] as const) {
  const bucket = made.artifactBucket!.node.defaultChild as s3.CfnBucket;
  Validations.of(stack).acknowledge({ id: `AwsSolutions-IAM5[Resource::<${stack.getLogicalId(bucket)}.Arn>/*]`, reason: id });
}
Validations.of(models).acknowledge({
  id: 'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sagemaker:eu-west-1:111122223333:model-package/card-fraud/*]',
  reason: 'the versions of one registry, which are numbers that are not known yet',
});

const { stacks } = app.synth();

/** `plugin rule` of everything in the report that nobody has acknowledged. */
function findings(): string[] {
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  return pluginReports.flatMap((report: any) =>
    report.violations.map(
      (violation: any) =>
        `${report.pluginName} ${violation.ruleName} ${violation.violatingConstructs.map((each: any) => each.constructPath).join()}`,
    ),
  );
}

test('every construct of the registry passes the built-in validation, cdk-nag and the tag policy', () => {
  expect(findings()).toEqual([]);
});

test('every plugin has seen every template', () => {
  for (const plugin of ran) expect(plugin.mock.calls.flatMap(([{ stackTemplates }]) => stackTemplates)).toHaveLength(stacks.length);
  expect(promotion.undelivered).toBeDefined();
});
