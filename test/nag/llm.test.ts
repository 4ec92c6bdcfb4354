import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, type IPolicyValidationPlugin, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { TagPolicy } from '../../lib/cost/tag-policy';
import { LlmContainer } from '../../lib/inference/aws/llm-container';
import { LlmEndpoint } from '../../lib/inference/aws/llm-endpoint';
import { LlmModel } from '../../lib/inference/llm-model';
import { LlmScaling } from '../../lib/inference/llm-scaling';
import { LlmSizing } from '../../lib/inference/llm-sizing';

test('a language model on SageMaker satisfies the built-in rules, cdk-nag and the tag policy', () => {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-nag-'));
  const app = new App({
    outdir,
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true },
  });
  const plugins: IPolicyValidationPlugin[] = [new AwsSolutionsChecks(app), new TagPolicy()];
  const ran = plugins.map((plugin) => jest.spyOn(plugin, 'validate'));
  Validations.of(app).addPlugins(...plugins);
  const stack = new Stack(app, 'Llm', { env: { region: 'eu-west-1', account: '111122223333' } });
  new CostAllocation({ team: 'assist', service: 'chat', costCenter: 'CC-7', environment: 'prod' }).applyTo(stack);
  const model = LlmModel.LLAMA_3_1_8B.storedAt('s3://models/llama-8b/v3/');
  const chat = new LlmEndpoint(stack, 'Chat', {
    sizing: LlmSizing.fixed(model, { instanceType: 'g6e.xlarge', replicas: 3, contextLength: 8192 }),
    container: LlmContainer.vllm('763104351884.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.18-gpu-py312'),
    answerTime: { mean: Duration.seconds(10), p99: Duration.seconds(40) },
    scaling: LlmScaling.concurrency(),
  });
  chat.grants.invoke(new iam.Role(stack, 'Caller', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') }));
  app.synth();
  for (const validate of ran) expect(validate).toHaveBeenCalled();
  const { pluginReports } = JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'));
  expect(pluginReports.flatMap(({ violations }: any) => violations.map(({ ruleName }: any) => ruleName))).toEqual([]);
});
