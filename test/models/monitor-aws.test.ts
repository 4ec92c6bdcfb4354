import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Annotations, App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { FeatureType } from '../../lib/features/feature';
import { ModelInput } from '../../lib/models/model-input';
import { ModelMonitor, ModelProblem, MonitorKind, MonitorSchedule, StepCompute, StepImage } from '../../lib/models/aws';
import { evaluate } from '../contract/intrinsics';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf, codesIn, refusalOf } from '../contract/refusal';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const CONTEXT = { '@aws-cdk/core:validateAgainstDefaultRules': true, '@aws-cdk/aws-iam:minimizePolicies': true };

function newApp(allocated = true): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-monitor-')), context: CONTEXT });
  if (allocated) {
    new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  }
  return app;
}

const fields = [
  { name: 'amount', type: FeatureType.FRACTIONAL },
  { name: 'merchant', type: FeatureType.STRING },
];
const input = new ModelInput({ fields, request: fields });

const app = newApp();
const stack = new Stack(app, 'Monitors', { env: ENV });
const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'radar-monitoring');
const at = (prefix: string) => ({ bucket, prefix });
const places = { endpointName: 'radar', capture: at('capture'), reports: at('reports') };
const topic = new sns.Topic(stack, 'Alarms');
const DATA = { constraints: at('baseline/constraints.json'), statistics: at('baseline/statistics.json'), input };
const QUALITY = {
  constraints: at('baseline/quality.json'),
  groundTruth: at('labels'),
  problem: ModelProblem.BINARY_CLASSIFICATION,
  prediction: { probability: '0', probabilityThreshold: 0.8 },
  limits: [{ metric: 'auc', least: 0.9 }],
};
const BIAS = {
  config: at('clarify/bias.json'),
  constraints: at('baseline/bias.json'),
  groundTruth: at('labels'),
  prediction: { inference: '0' },
  limits: [{ metric: 'DPPL', label: 'fraud', labelValue: '1', facet: 'country', facetValue: 'IE', least: -0.1, most: 0.1 }],
};
const SHARES = {
  config: at('clarify/shap.json'),
  constraints: at('baseline/shap.json'),
  modelName: 'radar-7',
  endpointPrefix: 'radar-shap',
  label: 'label0',
  limits: [{ metric: 'merchant', most: 0.6 }],
};
const data = new ModelMonitor(stack, 'Data', {
  ...places,
  kind: MonitorKind.dataQuality(DATA),
  jobs: { encryptionKey: new kms.Key(stack, 'Key'), network: { vpc: threeZones(stack) } },
  alarms: { actions: [new SnsAction(topic)] },
});
const quality = new ModelMonitor(stack, 'Quality', {
  ...places,
  kind: MonitorKind.modelQuality({ ...QUALITY, labelDelay: Duration.days(30) }),
  schedule: MonitorSchedule.daily(4),
});
new ModelMonitor(stack, 'Bias', { ...places, kind: MonitorKind.bias(BIAS), schedule: MonitorSchedule.everyHours(6) });
new ModelMonitor(stack, 'Shares', { ...places, kind: MonitorKind.explainability(SHARES) });

let template: any;
beforeAll(() => {
  template = app.synth().getStackByName('Monitors').template;
});
const all = (type: string) => Object.entries<any>(template.Resources).filter(([, resource]) => resource.Type === type);
const one = (type: string) => all(type)[0][1].Properties;
const alarmsOf = (id: string) =>
  all('AWS::CloudWatch::Alarm')
    .filter(([name]) => name.startsWith(id))
    .map(([, { Properties }]) => Properties);
const schedule = (id: string) => all('AWS::SageMaker::MonitoringSchedule').find(([name]) => name.startsWith(id))![1].Properties;
const actionsOf = (id: string) =>
  all('AWS::IAM::Policy')
    .filter(([name]) => name.startsWith(`${id}Role`))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .flatMap(({ Action, Resource }) =>
      [Action].flat().map((action) => ({ action, resources: [Resource].flat().map((each) => evaluate(each)) })),
    );

describe('the job definition', () => {
  test('compares the captured data with the baseline in the container of the region and publishes the metrics', () => {
    const definition = one('AWS::SageMaker::DataQualityJobDefinition');
    expect(definition.DataQualityAppSpecification).toEqual({
      ImageUri: '468650794304.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer',
      Environment: { publish_cloudwatch_metrics: 'Enabled' },
    });
    expect(definition.DataQualityBaselineConfig).toEqual({
      ConstraintsResource: { S3Uri: 's3://radar-monitoring/baseline/constraints.json' },
      StatisticsResource: { S3Uri: 's3://radar-monitoring/baseline/statistics.json' },
    });
    expect(definition.DataQualityJobInput.EndpointInput.EndpointName).toBe('radar');
    expect(definition.DataQualityJobOutputConfig.MonitoringOutputs[0].S3Output.S3Uri).toBe('s3://radar-monitoring/reports');
    expect(definition.StoppingCondition).toEqual({ MaxRuntimeInSeconds: 3000 });
  });

  test('has no name, because every change replaces it, and carries all tags of the allocation from the first day', () => {
    const types = ['DataQuality', 'ModelQuality', 'ModelBias', 'ModelExplainability'];
    for (const type of types) {
      const definition = one(`AWS::SageMaker::${type}JobDefinition`);
      expect(definition.JobDefinitionName).toBeUndefined();
      expect(definition.Tags.map(({ Key }: any) => Key).sort()).toEqual(['cost-center', 'environment', 'service', 'team']);
    }
  });

  test('is encrypted by the key and stands in the VPC where those are given', () => {
    const definition = one('AWS::SageMaker::DataQualityJobDefinition');
    expect(evaluate(definition.JobResources.ClusterConfig.VolumeKmsKeyId)).toMatch(/^Key.*\.Arn$/);
    expect(evaluate(definition.DataQualityJobOutputConfig.KmsKeyId)).toMatch(/^Key.*\.Arn$/);
    expect(definition.NetworkConfig.EnableInterContainerTrafficEncryption).toBe(true);
    expect(definition.NetworkConfig.VpcConfig.Subnets).toHaveLength(3);
    expect(one('AWS::SageMaker::ModelQualityJobDefinition').NetworkConfig.VpcConfig).toBeUndefined();
  });

  test('looks back to where the labels are, over one interval', () => {
    const { ModelQualityJobInput: given } = one('AWS::SageMaker::ModelQualityJobDefinition');
    expect(given.GroundTruthS3Input).toEqual({ S3Uri: 's3://radar-monitoring/labels' });
    expect(given.EndpointInput).toMatchObject({
      ProbabilityAttribute: '0',
      ProbabilityThresholdAttribute: 0.8,
      StartTimeOffset: '-PT744H',
      EndTimeOffset: '-PT720H',
    });
    expect(one('AWS::SageMaker::ModelBiasJobDefinition').ModelBiasJobInput.EndpointInput.StartTimeOffset).toBeUndefined();
  });

  test('asks Clarify for bias and for what predictions follow from', () => {
    expect(one('AWS::SageMaker::ModelBiasJobDefinition').ModelBiasAppSpecification).toMatchObject({
      ImageUri: '131013547314.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-clarify-processing:1.0',
      ConfigUri: 's3://radar-monitoring/clarify/bias.json',
    });
    const { ModelExplainabilityAppSpecification: app } = one('AWS::SageMaker::ModelExplainabilityJobDefinition');
    expect(app.ConfigUri).toBe('s3://radar-monitoring/clarify/shap.json');
  });
});

test('the schedule takes the definition by the name at the end of its ARN, and is updated in place', () => {
  const { MonitoringScheduleConfig: config, MonitoringScheduleName: name } = schedule('Data');
  expect(config.MonitoringType).toBe('DataQuality');
  expect(config.ScheduleConfig).toEqual({ ScheduleExpression: 'cron(0 * ? * * *)' });
  const [definition] = all('AWS::SageMaker::DataQualityJobDefinition')[0];
  const arn = { 'Fn::GetAtt': [definition, 'JobDefinitionArn'] };
  expect(config.MonitoringJobDefinitionName).toEqual({ 'Fn::Select': [1, { 'Fn::Split': ['/', arn] }] });
  expect(name).toBe(data.monitoringScheduleName);
  expect(name.length).toBeLessThanOrEqual(63);
  expect(schedule('Quality').MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression).toBe('cron(0 4 ? * * *)');
  expect(schedule('Bias').MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression).toBe('cron(0 0/6 ? * * *)');
});

test('definition and schedule are made after the role and its permissions, and the volumes are opened to the key', () => {
  const types = (dependsOn: string[]) => dependsOn.map((id) => template.Resources[id].Type);
  for (const type of ['AWS::SageMaker::DataQualityJobDefinition', 'AWS::SageMaker::MonitoringSchedule']) {
    expect(types(all(type)[0][1].DependsOn)).toEqual(expect.arrayContaining(['AWS::IAM::Policy', 'AWS::IAM::Role']));
  }
  const opened = actionsOf('Data').filter(({ action }) => action.startsWith('kms:'));
  expect(opened.map(({ action }) => action).sort()).toEqual(['kms:CreateGrant', 'kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey']);
});

describe('the alarms', () => {
  const dimensions = (alarm: any) => Object.fromEntries(alarm.Dimensions.map(({ Name, Value }: any) => [Name, Value]));

  test('stand on the drift of each field of the input, under both sets of dimensions that containers have used, and tell the topic', () => {
    const drift = alarmsOf('Data').filter(({ ComparisonOperator }) => ComparisonOperator === 'GreaterThanThreshold');
    expect(drift).toHaveLength(2);
    expect(drift[0]).toMatchObject({ Threshold: 0.1, TreatMissingData: 'ignore' });
    const queries = drift.map(({ Metrics }) => Metrics);
    for (const [index, field] of ['amount', 'merchant'].entries()) {
      const [expression, plain, byFeature] = queries[index];
      expect(expression).toMatchObject({ Expression: 'MAX([plain, byFeature])', ReturnData: true });
      for (const { MetricStat, ReturnData } of [plain, byFeature]) {
        expect(ReturnData).toBe(false);
        expect(MetricStat).toMatchObject({ Period: 3600, Stat: 'Maximum' });
        expect(MetricStat.Metric).toMatchObject({
          Namespace: 'aws/sagemaker/Endpoints/data-metrics',
          MetricName: `feature_baseline_drift_${field}`,
        });
      }
      const own = { Endpoint: 'radar', MonitoringSchedule: data.monitoringScheduleName };
      expect([plain.Id, dimensions(plain.MetricStat.Metric)]).toEqual(['plain', own]);
      expect([byFeature.Id, dimensions(byFeature.MetricStat.Metric)]).toEqual(['byFeature', { ...own, Feature: field }]);
    }
    for (const alarm of alarmsOf('Data')) expect(alarm.AlarmActions).toHaveLength(1);
  });

  test('stand on limits of the predictions, of groups and of shares, below and above', () => {
    expect(alarmsOf('Quality')[0]).toMatchObject({
      Namespace: 'aws/sagemaker/Endpoints/model-metrics',
      MetricName: 'auc',
      Statistic: 'Minimum',
      Threshold: 0.9,
      ComparisonOperator: 'LessThanThreshold',
    });
    const bias = alarmsOf('Bias').filter(({ Statistic }) => Statistic !== 'SampleCount');
    expect(bias.map(({ ComparisonOperator, Threshold }) => `${ComparisonOperator} ${Threshold}`).sort()).toEqual([
      'GreaterThanThreshold 0.1',
      'LessThanThreshold -0.1',
    ]);
    expect(bias[0].MetricName).toBe('bias_metric_DPPL');
    expect(dimensions(bias[0])).toMatchObject({
      BiasStage: 'Post-Training',
      Label: 'fraud',
      LabelValue: '1',
      Facet: 'country',
      FacetValue: 'IE',
    });
    const [shares] = alarmsOf('Shares');
    expect(shares).toMatchObject({
      Namespace: 'aws/sagemaker/Endpoints/explainability-metrics',
      MetricName: 'feature_merchant',
      Threshold: 0.6,
    });
    expect(dimensions(shares)).toMatchObject({ ExplainabilityMethod: 'KernelShap', Label: 'label0', ValueType: 'GlobalShapValues' });
  });

  test('one says that no results come any more, whatever the reason', () => {
    const silent = alarmsOf('Quality').find(({ Statistic }) => Statistic === 'SampleCount');
    expect(silent).toMatchObject({ Period: 86_400, EvaluationPeriods: 3, Threshold: 1, TreatMissingData: 'breaching' });
    expect(quality.alarms).toHaveLength(2);
    const ofData = alarmsOf('Data').find(({ TreatMissingData }) => TreatMissingData === 'breaching');
    const stats = ofData.Metrics.flatMap(({ MetricStat }: any) => MetricStat ?? []);
    expect(stats.map(({ Period, Stat }: any) => [Period, Stat])).toEqual([
      [3600, 'SampleCount'],
      [3600, 'SampleCount'],
    ]);
  });

  test('those of metrics that are given are theirs: the sum of the values that were there', () => {
    const { mathExpression } = data.metrics.completeness('amount', { period: Duration.hours(2) }).toMetricConfig();
    expect(mathExpression).toMatchObject({ period: 7200 });
    expect(mathExpression!.usingMetrics.plain.toMetricConfig().metricStat).toMatchObject({
      metricName: 'feature_non_null_amount',
      statistic: 'Sum',
    });
  });
});

test('says that new customers cannot have it, until that is acknowledged', () => {
  const messages = (acknowledged: boolean) => {
    const scope = new Stack(newApp(), 'S', { env: ENV });
    const monitor = new ModelMonitor(scope, 'M', { ...places, kind: MonitorKind.dataQuality(DATA) });
    if (acknowledged) Annotations.of(monitor).acknowledgeWarning('Millrace.ModelMonitorClosed');
    return monitor.node.metadata.map(({ data: text }) => String(text)).filter((text) => text.includes('Millrace.ModelMonitorClosed'));
  };
  expect(messages(false)).toHaveLength(1);
  expect(messages(true)).toEqual([]);
});

test('jobs that merge labels share the time of an execution with those that judge', () => {
  const scope = new Stack(newApp(), 'S', { env: ENV });
  const build = (id: string, kind: MonitorKind, maxRuntime?: Duration) =>
    new ModelMonitor(scope, id, { ...places, kind, jobs: { maxRuntime } });
  build('Q', MonitorKind.modelQuality(QUALITY));
  build('B', MonitorKind.bias(BIAS));
  build('S', MonitorKind.explainability(SHARES));
  const resources = Template.fromStack(scope);
  const seconds = (type: string) =>
    Object.values(resources.findResources(`AWS::SageMaker::${type}JobDefinition`)).map(
      ({ Properties }) => Properties.StoppingCondition.MaxRuntimeInSeconds,
    );
  expect([seconds('ModelQuality'), seconds('ModelBias'), seconds('ModelExplainability')]).toEqual([[1500], [1500], [3000]]);
  expect(refusalOf(() => build('Late', MonitorKind.modelQuality(QUALITY), Duration.minutes(30)))).toEqual([
    'Millrace.ModelMonitorInvalid jobs.maxRuntime',
  ]);
  expect(refusalOf(() => build('Fine', MonitorKind.modelQuality(QUALITY), Duration.minutes(29)))).toEqual([]);
});

describe('the role', () => {
  test('reads the captured data, the baseline and the labels and writes reports alone', () => {
    const resources = (id: string, verb: string) =>
      actionsOf(id)
        .filter(({ action }) => action === verb)
        .flatMap(({ resources: arns }) => arns);
    expect(resources('Quality', 's3:PutObject')).toEqual(['arn:aws:s3:::radar-monitoring/reports/*']);
    expect(
      resources('Quality', 's3:GetObject')
        .filter((arn) => !arn.endsWith('/*'))
        .sort(),
    ).toEqual([
      'arn:aws:s3:::radar-monitoring/baseline/quality.json',
      'arn:aws:s3:::radar-monitoring/capture',
      'arn:aws:s3:::radar-monitoring/labels',
      'arn:aws:s3:::radar-monitoring/reports',
    ]);
    expect(resources('Quality', 'sagemaker:DescribeEndpoint')).toEqual(['arn:aws:sagemaker:eu-west-1:111122223333:endpoint/radar']);
  });

  test('makes endpoints for Clarify alone, under the prefix that was given', () => {
    const creates = (id: string) => actionsOf(id).filter(({ action }) => action === 'sagemaker:CreateEndpoint');
    expect(
      creates('Shares')
        .flatMap(({ resources }) => resources)
        .sort(),
    ).toEqual([
      'arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/radar-shap*',
      'arn:aws:sagemaker:eu-west-1:111122223333:endpoint/radar-shap*',
    ]);
    expect(creates('Bias')).toEqual([]);
    expect(actionsOf('Shares').filter(({ action }) => action.includes('*'))).toEqual([]);
  });
});

test('a changed baseline replaces the definition and updates the schedule in place', () => {
  const synth = (key: string) => {
    const other = newApp();
    const scope = new Stack(other, 'S', { env: ENV });
    const monitored = s3.Bucket.fromBucketName(scope, 'B', 'monitored');
    const place = (prefix: string) => ({ bucket: monitored, prefix });
    const kind = MonitorKind.dataQuality({ constraints: place(key), statistics: place('s'), input, watched: ['amount'] });
    new ModelMonitor(scope, 'M', { endpointName: 'radar', kind, capture: place('c'), reports: place('r') });
    return other.synth().getStackByName('S').template.Resources;
  };
  const [before, again, after] = [synth('a'), synth('a'), synth('b')];
  expect(again).toEqual(before);
  const changed = Object.keys(after).filter((id) => JSON.stringify(after[id]) !== JSON.stringify(before[id]));
  expect(changed.map((id) => after[id].Type).sort()).toEqual(['AWS::IAM::Policy', 'AWS::SageMaker::DataQualityJobDefinition']);
});

describe('what is refused', () => {
  let count = 0;
  const build =
    (props: object, scope = stackOf()) =>
    () =>
      new ModelMonitor(scope, `M${(count += 1)}`, { ...places, kind: MonitorKind.dataQuality(DATA), ...props });
  const stackOf = (env: object = ENV) => new Stack(newApp(), 'Refused', { env });

  test('a region for which no container is known, unless one is named', () => {
    expect(codeOf(build({}, stackOf({ region: 'mx-central-1' })))).toBe('Millrace.ModelMonitorRegionUnknown');
    expect(codeOf(build({}, stackOf({})))).toBe('Millrace.ModelMonitorRegionUnknown');
    expect(codeOf(build({}, stackOf({ region: 'eu-central-2' })))).toBeUndefined();
    const image = StepImage.fromUri('111122223333.dkr.ecr.mx-central-1.amazonaws.com/monitor:1');
    expect(codeOf(build({ jobs: { image } }, stackOf({ region: 'mx-central-1' })))).toBeUndefined();
  });

  test('jobs that are still running when the next begins, and names that are none', () => {
    expect(refusalOf(build({ jobs: { maxRuntime: Duration.hours(1) } }))).toEqual(['Millrace.ModelMonitorInvalid jobs.maxRuntime']);
    expect(codeOf(build({ jobs: { maxRuntime: Duration.hours(5) }, schedule: MonitorSchedule.daily(0) }))).toBeUndefined();
    expect(refusalOf(build({ endpointName: 'a_b', alarms: { silentAfter: 8 } }))).toEqual([
      'Millrace.ModelMonitorInvalid endpointName',
      'Millrace.ModelMonitorInvalid alarms.silentAfter',
    ]);
    expect(codeOf(build({ jobs: { compute: StepCompute.of('ml.m5.2xlarge') } }))).toBeUndefined();
  });

  test('fields that the model does not take, limits without a number, labels that come after a broken hour', () => {
    expect(codeOf(() => MonitorKind.dataQuality({ ...DATA, watched: ['colour'] }))).toBe('Millrace.ModelMonitorFeatureUnknown');
    expect(codeOf(() => MonitorKind.dataQuality({ ...DATA, driftThreshold: 0 }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorKind.modelQuality({ ...QUALITY, limits: [] }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorKind.modelQuality({ ...QUALITY, limits: [{ metric: 'auc' }] }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorKind.modelQuality({ ...QUALITY, prediction: {} }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorKind.bias({ ...BIAS, labelDelay: Duration.minutes(90) }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorKind.explainability({ ...SHARES, endpointPrefix: '*' }))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorSchedule.everyHours(5))).toBe('Millrace.ModelMonitorInvalid');
    expect(codeOf(() => MonitorSchedule.daily(24))).toBe('Millrace.ModelMonitorInvalid');
  });

  test('a monitor outside of an allocation', () => {
    const other = newApp(false);
    build({}, new Stack(other, 'S', { env: ENV }))();
    expect(codesIn(() => other.synth())).toEqual(['Millrace.CostAllocationMissing']);
  });
});
