import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, CfnResource, CustomResource, NestedStack, Stack, Stage, Tags } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as eks from 'aws-cdk-lib/aws-eks';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { Assembly, type SynthesizedResource, type SynthesizedStack } from '../../lib/core/assembly';
import { AllocationCoverage } from '../../lib/cost/allocation-coverage';
import { AllocationKeys } from '../../lib/cost/allocation-keys';
import { CostAllocation, TagCarrier } from '../../lib/cost/cost-allocation';
import { effectiveTags } from '../../lib/cost/tag-update-rules';
import { renderTags, tagsIn } from '../../lib/cost/tag-spec';

const OWN = ['team', 'service', 'cost-center', 'environment'];

function allocationOf(team: string): CostAllocation {
  return new CostAllocation({ team, service: 'radar', costCenter: 'CC-1', environment: 'prod' });
}

function newApp(explicitStackTags: boolean): App {
  return new App({
    outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-tags-')),
    builtinCloudFormationValidation: false,
    context: { '@aws-cdk/core:explicitStackTags': explicitStackTags },
  } as never);
}

function synthesize(app: App): Assembly {
  return Assembly.fromDirectories({ templates: app.synth().directory });
}

function stackOf(assembly: Assembly, id: string): SynthesizedStack {
  return assembly.stacks.find((stack) => stack.id === id)!;
}

function resourceOf(stack: SynthesizedStack, type: string): SynthesizedResource {
  return stack.resources.find((resource) => resource.type === type)!;
}

describe.each([
  ['off', false],
  ['on', true],
])('an allocation of a whole stack, with explicitStackTags %s', (_name, flag) => {
  const app = newApp(flag);
  Tags.of(app).add('team', 'organisation');
  Tags.of(app).add('tool', 'cdk');
  const owned = new Stack(app, 'Owned');
  new sns.Topic(owned, 'Topic');
  const inner = new Construct(owned, 'Inner');
  new sns.Topic(inner, 'Topic');
  new CfnResource(inner, 'Raw', { type: 'AWS::SQS::Queue' });
  new CfnResource(owned, 'RawOfStack', { type: 'AWS::SQS::Queue' });
  const nested = new NestedStack(owned, 'Nested');
  new sns.Topic(nested, 'Topic');
  new sns.Topic(new Stack(app, 'Sibling'), 'Topic');
  const staged = new Stack(new Stage(app, 'Prod'), 'Staged');
  new sns.Topic(staged, 'Topic');
  allocationOf('fraud-ml').applyTo(owned);
  allocationOf('inner-team').applyTo(inner);
  allocationOf('nested-team').applyTo(nested);
  allocationOf('staged-team').applyTo(staged.node.scope as Stage);
  const assembly = synthesize(app);
  const stack = stackOf(assembly, 'Owned');
  const topics = stack.resources.filter((resource) => resource.type === 'AWS::SNS::Topic');

  test('is carried by the stack, over what the organisation put on the app', () => {
    expect(stack.tags).toMatchObject({ team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1', environment: 'prod' });
  });

  test('costs no byte on a resource', () => {
    const own = tagsIn(topics[0].properties.Tags);
    expect(OWN.filter((key) => key in own)).toEqual([]);
  });

  test('loses to a nearer allocation inside the stack, also on a raw resource', () => {
    expect(effectiveTags(stack, topics[1])).toMatchObject({ team: 'inner-team', service: 'radar' });
    const raws = stack.resources.filter((resource) => resource.type === 'AWS::SQS::Queue');
    expect(raws.map((raw) => effectiveTags(stack, raw).team).sort()).toEqual(['fraud-ml', 'inner-team']);
  });

  test('loses to a nearer allocation of a nested stack', () => {
    const inNested = assembly.stacks.find((candidate) => candidate.id.startsWith('Owned/'))!;
    expect(effectiveTags(inNested, resourceOf(inNested, 'AWS::SNS::Topic')).team).toBe('nested-team');
  });

  test('reaches every stack of a stage', () => {
    const prod = assembly.stacks.find((candidate) => candidate.id.includes('Staged'))!;
    expect(effectiveTags(prod, resourceOf(prod, 'AWS::SNS::Topic')).team).toBe('staged-team');
  });

  test('touches neither siblings nor tags that are not ours', () => {
    const sibling = stackOf(assembly, 'Sibling');
    expect(effectiveTags(sibling, sibling.resources[0])).toEqual({ team: 'organisation', tool: 'cdk' });
    expect(effectiveTags(stack, topics[0]).tool).toBe('cdk');
  });
});

describe('what Tags.of misses', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Gaps', { env: { region: 'eu-west-1' } });
  const vpc = new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: true });
  new ec2.LaunchTemplate(stack, 'Template', { spotOptions: {} });
  new ec2.CfnLaunchTemplate(stack, 'RawTemplate', {
    launchTemplateData: {
      instanceType: 'm7g.large',
      tagSpecifications: [
        {
          resourceType: 'instance',
          tags: [
            { key: 'mine', value: 'kept' },
            { key: 'team', value: 'replaced' },
          ],
        },
        { resourceType: 'elastic-gpu', tags: [{ key: 'a', value: 'b' }] },
      ],
    },
  });
  new ec2.Instance(stack, 'Instance', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    instanceType: new ec2.InstanceType('m7g.large'),
    machineImage: ec2.MachineImage.genericLinux({ 'eu-west-1': 'ami-0123456789abcdef0' }),
  });
  const cluster = new ecs.Cluster(stack, 'Cluster', { vpc });
  const task = new ecs.FargateTaskDefinition(stack, 'Task');
  task.addContainer('main', { image: ecs.ContainerImage.fromRegistry('x') });
  new ecs.FargateService(stack, 'Service', { cluster, taskDefinition: task });
  new dynamodb.TableV2(stack, 'Table', {
    partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
    replicas: [{ region: 'us-east-1' }],
  });
  new dynamodb.CfnGlobalTable(stack, 'RawTable', {
    attributeDefinitions: [{ attributeName: 'id', attributeType: 'S' }],
    keySchema: [{ attributeName: 'id', keyType: 'HASH' }],
    replicas: [{ region: 'eu-west-1', tags: [{ key: 'mine', value: 'kept' }] }],
  });
  new s3.Bucket(stack, 'Bucket', { autoDeleteObjects: true, removalPolicy: 'destroy' as never });
  new autoscaling.AutoScalingGroup(stack, 'Group', {
    vpc,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    launchTemplate: new ec2.LaunchTemplate(stack, 'GroupTemplate', {
      instanceType: new ec2.InstanceType('m7g.large'),
      machineImage: ec2.MachineImage.genericLinux({ 'eu-west-1': 'ami-0123456789abcdef0' }),
    }),
  });
  allocationOf('fraud-ml').applyTo(stack);
  const assembly = synthesize(app);
  const gaps = stackOf(assembly, 'Gaps');
  const find = (type: string) => gaps.resources.filter((resource) => resource.type === type);

  test('launch templates tag instances, volumes and network interfaces, and the spot request only when there is one', () => {
    const [l2, l1] = find('AWS::EC2::LaunchTemplate').map((resource) => resource.properties.LaunchTemplateData.TagSpecifications);
    const types = (specifications: any[]) => specifications.map((specification) => specification.ResourceType);
    expect(types(l2)).toEqual(['instance', 'volume', 'network-interface', 'spot-instances-request']);
    expect(types(l1)).toEqual(['instance', 'volume', 'network-interface', 'elastic-gpu']);
    for (const specification of [...l2, ...l1.slice(0, 3)])
      expect(tagsIn(specification.Tags)).toMatchObject({ team: 'fraud-ml', service: 'radar' });
    expect(tagsIn(l1[0].Tags)).toMatchObject({ mine: 'kept' });
    expect(tagsIn(l1[3].Tags)).toEqual({ a: 'b' });
  });

  test('instances tag their volumes, ECS services their tasks', () => {
    expect(find('AWS::EC2::Instance')[0].properties.PropagateTagsToVolumeOnCreation).toBe(true);
    expect(find('AWS::ECS::Service')[0].properties.PropagateTags).toBe('SERVICE');
  });

  test('every replica of a global table is tagged, L2 and L1, and keeps its own tags', () => {
    const replicas = find('AWS::DynamoDB::GlobalTable').map((resource) =>
      resource.properties.Replicas.map((replica: any) => tagsIn(replica.Tags)),
    );
    expect(replicas.flat()).toHaveLength(3);
    for (const tags of replicas.flat()) expect(tags).toMatchObject({ team: 'fraud-ml', 'cost-center': 'CC-1' });
    expect(replicas[1][0].mine).toBe('kept');
  });

  test('the helpers of custom resources are owned through the stack', () => {
    const helpers = gaps.resources.filter(
      (resource) => /CustomResourceProvider/.test(resource.logicalId) && resource.type === 'AWS::Lambda::Function',
    );
    expect(helpers).toHaveLength(2);
    for (const helper of helpers) expect(effectiveTags(gaps, helper)).toMatchObject({ team: 'fraud-ml' });
  });

  test('leaves nothing taggable without an owner', () => {
    const coverage = AllocationCoverage.of(assembly, AllocationKeys.DEFAULT.required);
    expect(coverage.uncovered).toEqual([]);
    expect(coverage.summary).toBe(
      `${coverage.taggable} of ${coverage.taggable} taggable resources carry all required keys (team, service, cost-center, environment)`,
    );
  });
});

test('carried by resources too, every taggable resource and custom-resource helper has the tags in the bare template', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Bare');
  new s3.Bucket(stack, 'Bucket', { autoDeleteObjects: true, removalPolicy: 'destroy' as never });
  new CfnResource(stack, 'Map', { type: 'AWS::MSK::VpcConnection', properties: { Tags: { mine: 'kept' } } });
  allocationOf('fraud-ml').applyTo(stack, { carrier: TagCarrier.RESOURCES });
  const bare = stackOf(synthesize(app), 'Bare');
  const withoutStackTags = { ...bare, tags: {} };
  for (const resource of bare.resources.filter(({ type }) => /Bucket$|Function$|Role$|VpcConnection$/.test(type))) {
    expect([resource.logicalId, effectiveTags(withoutStackTags, resource).team]).toEqual([resource.logicalId, 'fraud-ml']);
  }
  expect(resourceOf(bare, 'AWS::MSK::VpcConnection').properties.Tags).toEqual({
    'cost-center': 'CC-1',
    environment: 'prod',
    mine: 'kept',
    service: 'radar',
    team: 'fraud-ml',
  });
  expect(bare.tags.team).toBe('fraud-ml');
});

test('tags with an intrinsic as key stay, and a property that is an intrinsic as a whole is left alone and reported', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Intrinsic');
  const key = { 'Fn::Join': ['', ['kubernetes.io/cluster/', { Ref: 'AWS::StackName' }]] };
  const owned = { Key: key, Value: 'owned' };
  const whole = { 'Fn::If': ['Tagged', [], { Ref: 'AWS::NoValue' }] };
  const template = (id: string, TagSpecifications: unknown) =>
    new CfnResource(stack, id, { type: 'AWS::EC2::LaunchTemplate', properties: { LaunchTemplateData: { TagSpecifications } } });
  template('Listed', [{ ResourceType: 'instance', Tags: [owned] }]);
  template('Whole', whole);
  allocationOf('fraud-ml').applyTo(stack);
  const assembly = synthesize(app);
  const [listed, other] = stackOf(assembly, 'Intrinsic').resources.map(
    (resource) => resource.properties.LaunchTemplateData.TagSpecifications,
  );
  expect(listed[0].Tags).toEqual([owned, ...(renderTags(allocationOf('fraud-ml').tags(), 'standard') as object[])]);
  expect(other).toEqual(whole);
  expect(AllocationCoverage.of(assembly, AllocationKeys.DEFAULT.required).uncovered.map(({ path: where }) => where)).toEqual([
    'Intrinsic/Whole',
    'Intrinsic/Whole',
  ]);
});

test('a global table whose key stands in another stack keeps its reference', () => {
  const app = newApp(true);
  const key = new kms.Key(new Stack(app, 'Keys', { env: { region: 'eu-west-1' } }), 'Key');
  const stack = new Stack(app, 'Tables', { env: { region: 'eu-west-1' } });
  new dynamodb.TableV2(stack, 'Table', {
    partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
    encryption: dynamodb.TableEncryptionV2.customerManagedKey(key),
  });
  allocationOf('fraud-ml').applyTo(stack);
  const [replica] = resourceOf(stackOf(synthesize(app), 'Tables'), 'AWS::DynamoDB::GlobalTable').properties.Replicas;
  expect(JSON.stringify(replica.SSESpecification)).toContain('Fn::ImportValue');
  expect(tagsIn(replica.Tags)).toMatchObject({ team: 'fraud-ml' });
});

test('what a resource starts without tags is reported: volumes of launch configurations, instances, jobs', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Starts');
  new CfnResource(stack, 'Old', {
    type: 'AWS::AutoScaling::AutoScalingGroup',
    properties: { LaunchConfigurationName: 'x', Tags: [{ Key: 'team', Value: 'a', PropagateAtLaunch: false }] },
  });
  new CfnResource(stack, 'Job', { type: 'AWS::Batch::JobDefinition', properties: { Type: 'container' } });
  allocationOf('fraud-ml').applyTo(stack);
  const { uncovered } = AllocationCoverage.of(synthesize(app), AllocationKeys.DEFAULT.required);
  expect(uncovered.map(({ problem }) => problem)).toEqual([
    'its volumes carry no tags, because launch configurations cannot have any',
    'its instances lack team',
    'its jobs carry no tags',
  ]);
});

test('carried by resources, a tag that a user insists on by its priority stays', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Insisted');
  Tags.of(new sns.Topic(stack, 'Topic')).add('team', 'mine', { priority: 300 });
  allocationOf('fraud-ml').applyTo(stack, { carrier: TagCarrier.RESOURCES });
  const insisted = stackOf(synthesize(app), 'Insisted');
  expect(effectiveTags(insisted, resourceOf(insisted, 'AWS::SNS::Topic')).team).toBe('mine');
});

test('fleets and node groups of others are reported with the fix and not changed', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Others');
  new eks.CfnNodegroup(stack, 'Nodes', { clusterName: 'ml', nodeRole: 'arn:aws:iam::111111111111:role/x', subnets: ['subnet-1'] });
  new ec2.CfnSpotFleet(stack, 'Spot', {
    spotFleetRequestConfigData: { iamFleetRole: 'r', targetCapacity: 1, launchSpecifications: [{ imageId: 'ami-1' }] },
  });
  new ec2.CfnEC2Fleet(stack, 'Fleet', { launchTemplateConfigs: [], targetCapacitySpecification: { totalTargetCapacity: 1 } });
  allocationOf('fraud-ml').applyTo(stack);
  const assembly = synthesize(app);
  const others = stackOf(assembly, 'Others');
  expect(resourceOf(others, 'AWS::EKS::Nodegroup').properties).not.toHaveProperty('LaunchTemplate');
  expect(resourceOf(others, 'AWS::EC2::EC2Fleet').properties).not.toHaveProperty('TagSpecifications');
  const uncovered = AllocationCoverage.of(assembly, AllocationKeys.DEFAULT.required).uncovered.map(({ type, code }) => `${type} ${code}`);
  expect([...new Set(uncovered)].sort()).toEqual([
    'AWS::EC2::EC2Fleet Millrace.TagsMissing',
    'AWS::EC2::SpotFleet Millrace.TagsMissing',
    'AWS::EC2::SpotFleet Millrace.TagsNotPropagated',
    'AWS::EKS::Nodegroup Millrace.TagsNotPropagated',
  ]);
});

test('a custom resource is attributed through the function behind its service token', () => {
  const app = newApp(true);
  const stack = new Stack(app, 'Custom');
  new CustomResource(stack, 'Resource', {
    serviceToken: 'arn:aws:lambda:eu-west-1:111111111111:function:x',
    resourceType: 'Custom::Thing',
  });
  allocationOf('fraud-ml').applyTo(stack);
  expect(AllocationCoverage.of(synthesize(app), AllocationKeys.DEFAULT.required).untaggable).toEqual([
    { type: 'Custom::Thing', path: 'Custom/Resource/Default', route: 'billed with the function behind its service token' },
  ]);
});
