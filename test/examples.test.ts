import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { build as awsTopic } from '../examples/aws-topic';
import { build as kubernetesNodePool } from '../examples/kubernetes-node-pool';
import { build as kubernetesTopicAndService } from '../examples/kubernetes-topic-and-service';
import { build as kubernetesWorkerAndJobs } from '../examples/kubernetes-worker-and-jobs';
import { build as podReadsMsk } from '../examples/pod-reads-msk';
import { build as rightSizedServices } from '../examples/right-sized-services';
import { build as streamingCdcMysql } from '../examples/streaming-cdc-mysql';
import { build as streamingReplication } from '../examples/streaming-replication';
import { build as streamingTopicWithSchema } from '../examples/streaming-topic-with-schema';
import { build as tagPolicyWithExemption } from '../examples/tag-policy-with-exemption';
import { build as topicToPrediction } from '../examples/topic-to-prediction';
import { core, cost } from '../lib';

const DEFAULT_KEYS = 'team, service, cost-center, environment';
let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-examples-'));
  jest.spyOn(console, 'error').mockImplementation();
  // On this day the exemption of the last example holds.
  jest.spyOn(Date, 'now').mockReturnValue(Date.parse('2027-06-30T23:59:59Z'));
});
afterAll(() => {
  jest.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});

function coverageOf(assembly: core.Assembly, keys = cost.AllocationKeys.DEFAULT): string {
  return cost.AllocationCoverage.of(assembly, keys.required).summary;
}

function resources(assembly: core.Assembly, type: string): Record<string, any>[] {
  return assembly.stacks
    .flatMap((stack) => stack.resources)
    .filter((resource) => resource.type === type)
    .map((resource) => resource.properties);
}

function objects(assembly: core.Assembly, kind: string): any[] {
  return assembly.objects.map((object) => object.manifest).filter((manifest) => manifest.kind === kind);
}

test('every example is here', () => {
  expect(fs.readdirSync(path.join(__dirname, '../examples')).sort()).toEqual([
    'aws-topic.ts',
    'kubernetes-node-pool.ts',
    'kubernetes-topic-and-service.ts',
    'kubernetes-worker-and-jobs.ts',
    'pod-reads-msk.ts',
    'right-sized-services.generate.ts',
    'right-sized-services.ts',
    'right-sized-services.usage.json',
    'schemas',
    'streaming-cdc-mysql.ts',
    'streaming-replication.ts',
    'streaming-topic-with-schema.ts',
    'tag-policy-with-exemption.ts',
    'topic-to-prediction.contract.ts',
    'topic-to-prediction.ts',
  ]);
});

test('a topic on AWS: a sized cluster, a topic without a function behind it, and an owner for all that can be tagged', () => {
  awsTopic(path.join(folder, 'aws-topic'));
  const assembly = core.Assembly.fromDirectories({ templates: path.join(folder, 'aws-topic') });
  const [, covered, total] = /^(\d+) of (\d+) taggable resources carry all required keys \((.*)\)$/.exec(coverageOf(assembly)) ?? [];
  expect(Number(covered)).toBeGreaterThan(20);
  expect(covered).toBe(total);
  expect(resources(assembly, 'AWS::MSK::Cluster')).toMatchObject([
    { NumberOfBrokerNodes: 3, BrokerNodeGroupInfo: { InstanceType: 'express.m7g.large' } },
  ]);
  expect(resources(assembly, 'AWS::MSK::Topic')).toMatchObject([
    { TopicName: 'payments.authorized', PartitionCount: 24, ReplicationFactor: 3 },
  ]);
  expect(resources(assembly, 'AWS::Lambda::Function')).toEqual([]);
  expect(assembly.stacks[0].tags).toEqual({ team: 'streaming', service: 'kafka', 'cost-center': 'CC-1042', environment: 'prod' });
});

test('a topic and a service on Kubernetes: every object is labelled, and the service may write to the topic and do nothing else', () => {
  kubernetesTopicAndService(path.join(folder, 'kubernetes'));
  const assembly = core.Assembly.fromDirectories({ manifests: path.join(folder, 'kubernetes') });
  expect(coverageOf(assembly)).toBe(`12 of 12 Kubernetes objects carry all required keys (${DEFAULT_KEYS})`);
  expect(objects(assembly, 'KafkaTopic')).toMatchObject([{ spec: { topicName: 'payments.authorized', partitions: 24 } }]);
  expect(objects(assembly, 'KafkaUser')[0].spec.authorization.acls).toEqual([
    { resource: { type: 'topic', name: 'payments.authorized', patternType: 'literal' }, operations: ['Describe', 'Write'] },
  ]);
  const { resources: size, env } = objects(assembly, 'Deployment')[0].spec.template.spec.containers[0];
  expect(size.requests).toEqual({ cpu: '500m', memory: '256Mi' });
  expect(env).toContainEqual({ name: 'KAFKA_SECURITY_PROTOCOL', value: 'SSL' });
});

test('a node pool and a quota: instance types for the declared pods, tagged, and what the team may request', () => {
  kubernetesNodePool(path.join(folder, 'nodes'));
  const assembly = core.Assembly.fromDirectories({ manifests: path.join(folder, 'nodes') });
  expect(coverageOf(assembly)).toBe(`4 of 4 Kubernetes objects carry all required keys (${DEFAULT_KEYS})`);
  expect(objects(assembly, 'EC2NodeClass')[0].spec.tags).toEqual({
    team: 'fraud-ml',
    service: 'radar',
    'cost-center': 'CC-1042',
    environment: 'prod',
  });
  const [{ metadata, spec }] = objects(assembly, 'NodePool');
  expect(JSON.parse(metadata.annotations['millrace.io/sizing']).reason).toContain('packing loss');
  expect(spec.template.spec.requirements.at(-1)).toEqual({
    key: 'karpenter.sh/capacity-type',
    operator: 'In',
    values: ['on-demand', 'spot'],
  });
  // 48 + 12 and 9 + 3 pods: 54 cores and 189 GiB, with a quarter more.
  expect(objects(assembly, 'ResourceQuota')[0].spec.hard).toMatchObject({ 'requests.cpu': '68', 'requests.memory': '237Gi', pods: '90' });
});

test('a worker and jobs on Kubernetes: scaled by the lag of its topic, a store with a volume a member, and jobs that may call it', () => {
  kubernetesWorkerAndJobs(path.join(folder, 'workers'));
  const assembly = core.Assembly.fromDirectories({ manifests: path.join(folder, 'workers') });
  expect(coverageOf(assembly)).toBe(`24 of 24 Kubernetes objects carry all required keys (${DEFAULT_KEYS})`);
  const [scaled] = objects(assembly, 'ScaledObject');
  expect(scaled.spec).toMatchObject({
    minReplicaCount: 1,
    maxReplicaCount: 12,
    triggers: [{ type: 'kafka', metadata: { topic: 'payments.authorized', consumerGroup: 'fraud-features', tls: 'enable' } }],
  });
  const [authentication] = objects(assembly, 'TriggerAuthentication');
  const users = objects(assembly, 'KafkaUser').map(({ metadata }) => metadata.name);
  expect(users).toContain(authentication.spec.secretTargetRef[1].name);
  const [store] = objects(assembly, 'StatefulSet');
  expect(store.spec.volumeClaimTemplates[0].spec.resources.requests.storage).toBe('50Gi');
  const storePolicy = objects(assembly, 'NetworkPolicy').find(({ metadata }) => metadata.name.includes('store'));
  expect(storePolicy.spec.ingress).toHaveLength(4);
  const [job] = objects(assembly, 'Job');
  expect(job.spec.podFailurePolicy.rules[1]).toMatchObject({ action: 'FailJob', onExitCodes: { values: [64] } });
  expect(objects(assembly, 'CronJob')[0].spec).toMatchObject({
    schedule: '0 3 * * *',
    timeZone: 'Europe/Amsterdam',
    concurrencyPolicy: 'Forbid',
  });
});

test('a pod that reads from MSK: one owner, one service account, one topic and one group on both sides', () => {
  podReadsMsk(path.join(folder, 'pod'));
  const assembly = core.Assembly.fromDirectories({
    templates: path.join(folder, 'pod/cdk.out'),
    manifests: path.join(folder, 'pod/cdk8s.out'),
  });
  expect(coverageOf(assembly)).toBe(
    `2 of 2 taggable resources carry all required keys (${DEFAULT_KEYS}); 6 of 6 Kubernetes objects carry all required keys (${DEFAULT_KEYS})`,
  );
  const [association] = resources(assembly, 'AWS::EKS::PodIdentityAssociation');
  expect([association.Namespace, association.ServiceAccount]).toEqual(['fraud', 'radar']);
  const { metadata, spec } = objects(assembly, 'Deployment')[0];
  expect([metadata.namespace, spec.template.spec.serviceAccountName]).toEqual(['fraud', 'radar']);
  const allowed = resources(assembly, 'AWS::IAM::Policy').flatMap((policy) =>
    policy.PolicyDocument.Statement.flatMap((statement: any) => statement.Action),
  );
  expect(allowed.sort()).toEqual([
    'kafka-cluster:AlterGroup',
    'kafka-cluster:Connect',
    'kafka-cluster:DescribeGroup',
    'kafka-cluster:DescribeTopic',
    'kafka-cluster:ReadData',
  ]);
  expect(resources(assembly, 'AWS::EC2::SecurityGroupIngress')).toMatchObject([
    { FromPort: 9098, GroupId: 'sg-0f1e2d3c4b5a69788', SourceSecurityGroupId: 'sg-0a1b2c3d4e5f60718' },
  ]);
  expect(JSON.stringify(objects(assembly, 'NetworkPolicy')[0].spec.egress)).toContain('"port":9098');
});

test('services sized by a profile: their requests are those that are committed, and an old profile is a warning that changes nothing', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation();
  rightSizedServices(path.join(folder, 'right-sized'));
  expect(warned.mock.calls.map(([, options]) => options)).toEqual(Array(3).fill({ code: 'Millrace.ProfileOld' }));
  warned.mockRestore();
  const assembly = core.Assembly.fromDirectories({ manifests: path.join(folder, 'right-sized') });
  expect(coverageOf(assembly)).toMatch(/^(\d+) of \1 Kubernetes objects carry all required keys/);
  const { containers } = JSON.parse(fs.readFileSync(path.join(__dirname, '../examples/right-sized-services.usage.json'), 'utf8'));
  const committed = (name: string) => {
    const { cpuMillis, memoryMib } = containers[`${name}/main`].recommendation;
    return { cpu: cpuMillis, memory: memoryMib };
  };
  const deployments = objects(assembly, 'Deployment').map(({ spec }) => spec);
  const requested = deployments.map(({ template }) => {
    const { cpu, memory } = template.spec.containers[0].resources.requests;
    const unit = { cpu: cpu.endsWith('m') ? 1 : 1000, memory: memory.endsWith('Mi') ? 1 : 1024 };
    return { cpu: parseInt(cpu) * unit.cpu, memory: parseInt(memory) * unit.memory };
  });
  expect(requested).toEqual(['gateway', 'ledger', 'scorer'].map(committed));
  expect(deployments.map(({ replicas }) => replicas)).toEqual([undefined, 2, 2]);
  const [, ledger, scorer] = deployments.map(({ template }) => template.spec.containers[0]);
  expect(ledger.resources.limits.memory).toBe(ledger.resources.requests.memory);
  expect(scorer.resources.limits).toEqual({ memory: '2Gi' });
  expect(ledger.env.map(({ name }: any) => name)).toContain('JAVA_TOOL_OPTIONS');
});

describe('a tag policy with an exemption', () => {
  const keys = new cost.AllocationKeys({ costCenter: 'acme.com/cost-center', required: ['data-class'] });
  const violations = (outdir: string) =>
    JSON.parse(fs.readFileSync(path.join(outdir, 'validation-report.json'), 'utf8'))
      .pluginReports.filter((report: any) => report.pluginName === 'millrace-tag-policy')
      .flatMap((report: any) => report.violations.map((violation: any) => `${violation.severity} ${violation.ruleName}`));

  test('lets the exempt stack through and shows that it does', () => {
    const outdir = path.join(folder, 'exempt');
    tagPolicyWithExemption(outdir);
    const assembly = core.Assembly.fromDirectories({ templates: outdir });
    expect(coverageOf(assembly, keys)).toBe(
      '1 of 2 taggable resources carry all required keys (team, service, acme.com/cost-center, environment, data-class)',
    );
    expect(violations(outdir)).toEqual(['info Millrace.TagExempt']);
  });

  test('refuses it from the day after', () => {
    jest.mocked(Date.now).mockReturnValue(Date.parse('2027-07-01T00:00:00Z'));
    const outdir = path.join(folder, 'expired');
    expect(() => tagPolicyWithExemption(outdir)).toThrow();
    expect(violations(outdir)).toEqual(['error Millrace.TagsMissing']);
  });
});

test('replication to another Region: one selection on both flavours, and a runbook each', () => {
  streamingReplication(path.join(folder, 'replication'));
  const out = (flavour: string) => path.join(folder, 'replication', flavour);
  const assembly = core.Assembly.fromDirectories({ templates: out('cdk.out'), manifests: out('cdk8s.out') });
  const [
    {
      ReplicationInfoList: [msk],
    },
  ] = resources(assembly, 'AWS::MSK::Replicator');
  expect(msk).toMatchObject({
    TopicReplication: { TopicsToReplicate: ['payments\\..*'], TopicNameConfiguration: { Type: 'IDENTICAL' } },
    ConsumerGroupReplication: { ConsumerGroupsToReplicate: ['fraud-features', 'ledger'], SynchroniseConsumerGroupOffsets: true },
  });
  const [
    {
      spec: {
        mirrors: [mirror],
      },
    },
  ] = objects(assembly, 'KafkaMirrorMaker2');
  expect(mirror).toMatchObject({ topicsPattern: 'payments\\..*', groupsPattern: 'fraud-features|ledger' });
  for (const flavour of ['cdk.out', 'cdk8s.out']) {
    const [runbook] = fs.readdirSync(path.join(out(flavour), 'runbooks'));
    expect(fs.readFileSync(path.join(out(flavour), 'runbooks', runbook), 'utf8')).toContain('# Failover of payments-to-ireland');
  }
});

test('a topic with a schema: one declaration on both flavours, an accepted schema, dead letters, and grants of that topic and group alone', () => {
  streamingTopicWithSchema(path.join(folder, 'schema'));
  const out = (flavour: string) => path.join(folder, 'schema', flavour);
  const assembly = core.Assembly.fromDirectories({ templates: out('cdk.out'), manifests: out('cdk8s.out') });
  const names = ['payments.authorized', 'payments.authorized.dlq'];
  expect(resources(assembly, 'AWS::MSK::Topic').map(({ TopicName }) => TopicName)).toEqual(names);
  expect(objects(assembly, 'KafkaTopic').map(({ spec }) => spec.topicName)).toEqual(expect.arrayContaining(names));
  expect(resources(assembly, 'AWS::Glue::Schema')).toMatchObject([
    { Name: 'payments.authorized-value', Compatibility: 'BACKWARD', DataFormat: 'AVRO' },
  ]);
  const [request] = objects(assembly, 'ConfigMap').filter(({ data }) => data['register.sh']);
  expect(JSON.parse(JSON.parse(request.data['version-1.json']).schema).name).toBe('Payment');
  const actions = resources(assembly, 'AWS::IAM::Policy')
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .flatMap(({ Action }) => Action);
  expect(actions).toEqual(expect.arrayContaining(['kafka-cluster:WriteData', 'kafka-cluster:ReadData', 'kafka-cluster:AlterGroup']));
  const warnings = objects(assembly, 'ConfigMap').filter(({ metadata }) => metadata.annotations?.['millrace.io/warning']);
  expect(warnings).toEqual([]);
  for (const flavour of ['cdk.out', 'cdk8s.out']) {
    const { channels } = JSON.parse(fs.readFileSync(path.join(out(flavour), 'catalog/asyncapi.json'), 'utf8'));
    const payments = Object.values<any>(channels).find(({ address }) => address === 'payments.authorized');
    expect(payments.messages.value.payload.schema.name).toBe('Payment');
    expect(payments['x-owner'].team).toBe('payments');
  }
});

test('capture of a MySQL database: the same tables on both flavours, one task, no password in a template, and a reader of one table', () => {
  streamingCdcMysql(path.join(folder, 'cdc'));
  const out = (flavour: string) => path.join(folder, 'cdc', flavour);
  const assembly = core.Assembly.fromDirectories({ templates: out('cdk.out'), manifests: out('cdk8s.out') });
  const [{ ConnectorConfiguration: msk, Capacity }] = resources(assembly, 'AWS::KafkaConnect::Connector');
  const [{ spec: strimzi }] = objects(assembly, 'KafkaConnector');
  expect(Capacity).toEqual({ ProvisionedCapacity: { McuCount: 1, WorkerCount: 1 } });
  for (const config of [msk, { ...strimzi.config, 'tasks.max': String(strimzi.tasksMax), 'connector.class': strimzi.class }]) {
    expect(config).toMatchObject({
      'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
      'tasks.max': '1',
      'table.include.list': 'ledger[.]accounts,ledger[.]entries',
      'topic.prefix': 'ledger',
    });
    expect(JSON.stringify(config['database.password'])).toMatch(/\$\{secret/);
  }
  expect(msk['database.server.id']).toBe(strimzi.config['database.server.id']);
  const topics = ['ledger.ledger.accounts', 'ledger.ledger.entries'];
  expect(resources(assembly, 'AWS::MSK::Topic').map(({ TopicName }) => TopicName)).toEqual(expect.arrayContaining(topics));
  expect(objects(assembly, 'KafkaTopic').map(({ spec }) => spec.topicName)).toEqual(expect.arrayContaining(topics));
});

test('from a topic to a prediction: one schema makes the topic, the features and the input of the model, on both flavours', () => {
  const outdir = path.join(folder, 'prediction');
  topicToPrediction(outdir);
  const templates = core.Assembly.fromDirectories({ templates: path.join(outdir, 'cdk.out') });
  const manifests = core.Assembly.fromDirectories({ manifests: path.join(outdir, 'cdk8s.out') });
  for (const assembly of [templates, manifests]) {
    const [, covered, total] = /^(\d+) of (\d+) /.exec(coverageOf(assembly)) ?? [];
    expect(Number(covered)).toBeGreaterThan(20);
    expect(covered).toBe(total);
  }
  const FIELDS = ['cardId', 'payments1h', 'amountMinor1h', 'declineShare24h', 'lastCountry'];

  const [topic] = resources(templates, 'AWS::MSK::Topic').filter(({ TopicName }) => !TopicName.endsWith('.dlq'));
  const [group] = resources(templates, 'AWS::SageMaker::FeatureGroup');
  expect([topic.TopicName, group.FeatureGroupName]).toEqual(['features.card-activity', 'card-activity']);
  expect(group.FeatureDefinitions.map((feature: any) => feature.FeatureName)).toEqual(['updatedAt', ...FIELDS]);
  expect(resources(templates, 'AWS::Lambda::EventSourceMapping')).toMatchObject([{ Topics: ['features.card-activity'] }]);
  const [endpoint] = resources(templates, 'AWS::SageMaker::Endpoint');
  expect(endpoint.DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration).toEqual({
    Type: 'CANARY',
    CanarySize: { Type: 'CAPACITY_PERCENT', Value: 10 },
    WaitIntervalInSeconds: 600,
  });

  const [, push] = objects(manifests, 'Deployment')
    .map(({ metadata }) => metadata.name as string)
    .sort();
  expect(push).toMatch(/^prediction-push/);
  const [view] = objects(manifests, 'ConfigMap').filter(({ metadata }) => metadata.annotations?.['millrace.io/feature-schema']);
  expect(JSON.parse(view.metadata.annotations['millrace.io/feature-schema']).features.map(({ name }: any) => name)).toEqual(FIELDS);
  const [service] = objects(manifests, 'InferenceService');
  expect(service.spec.canary).toMatchObject([{ trafficPercent: 10 }]);
  const [record] = objects(manifests, 'Service').flatMap(({ metadata }) => metadata.annotations?.['millrace.io/model-input'] ?? []);
  expect(JSON.parse(record)).toEqual([
    'payments1h:Integral',
    'amountMinor1h:Integral',
    'declineShare24h:Fractional',
    'amountMinor:Integral',
  ]);
});
