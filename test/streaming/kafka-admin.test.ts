import { App, Bitrate, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { Assembly, resourcesOf } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { adminUpdateRules } from '../../lib/streaming/admin-update-rules';
import type { ResolvedTopic } from '../../lib/streaming/topic-rules';
import { ClientQuota } from '../../lib/streaming/aws/client-quota';
import { KafkaAcls } from '../../lib/streaming/aws/kafka-acls';
import { type KafkaAdminTarget } from '../../lib/streaming/aws/kafka-admin';
import { KafkaCluster } from '../../lib/streaming/aws/kafka-cluster';
import { ServerlessTopic } from '../../lib/streaming/aws/serverless-topic';
import { codeOf } from '../contract/refusal';
import { threeZones } from '../contract/kafka-flavours';

const ENV = { region: 'eu-west-1', account: '111122223333' };
const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
const PAYMENTS: ResolvedTopic = { topicName: 'payments', partitions: 6, replicationFactor: 3, config: { 'retention.ms': '604800000' } };
const ARN = 'arn:aws:kafka:eu-west-1:111122223333:cluster/ml/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-s2';

function stackOf(app = new App()): Stack {
  const stack = new Stack(app, 'Streaming', { env: ENV });
  OWNER.applyTo(stack);
  return stack;
}

/** A cluster as ServerlessCluster will be: imported, with its network. */
function clusterIn(stack: Stack, options: { serverless?: boolean } = {}): KafkaAdminTarget {
  const vpc = threeZones(stack);
  const cluster = KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', {
    clusterArn: ARN,
    vpc,
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Brokers', 'sg-0a1b2c3d4e5f60718')],
  });
  return Object.assign(cluster, options);
}

const KEEP = { destroy: false };

describe('a topic that the admin function makes', () => {
  const stack = stackOf();
  const cluster = clusterIn(stack, { serverless: true });
  new ServerlessTopic(stack, 'Payments', { cluster, topic: PAYMENTS, retention: KEEP });
  new ServerlessTopic(stack, 'Scratch', { cluster, topic: { ...PAYMENTS, topicName: 'scratch' }, retention: { destroy: true } });
  const template = Template.fromStack(stack);
  const policies = (type: string) =>
    Object.values(template.findResources(type)).map(({ Properties }) => ({
      name: JSON.stringify(Properties.Roles),
      statements: Properties.PolicyDocument.Statement,
    }));

  test('is a custom resource with all of its settings, kept when it leaves', () => {
    template.hasResource('Custom::MillraceKafkaTopic', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        TopicName: 'payments',
        PartitionCount: 6,
        ReplicationFactor: 3,
        Configs: { 'retention.ms': '604800000' },
        OnDelete: 'RETAIN',
        ServiceTimeout: '600',
      },
    });
  });

  test('is deleted only where both keys were turned, and only then may be', () => {
    template.hasResource('Custom::MillraceKafkaTopic', {
      DeletionPolicy: 'Delete',
      Properties: { TopicName: 'scratch', OnDelete: 'DELETE' },
      DependsOn: Match.arrayWith([Match.stringLikeRegexp('^ScratchDeletion')]),
    });
    const deleting = policies('AWS::IAM::Policy').flatMap(({ statements }) =>
      statements.filter(({ Action }: any) => [Action].flat().includes('kafka-cluster:DeleteTopic')),
    );
    expect(deleting).toEqual([
      {
        Effect: 'Allow',
        Action: ['kafka-cluster:DeleteTopic', 'kafka-cluster:DescribeTopic'],
        Resource: 'arn:aws:kafka:eu-west-1:111122223333:topic/ml/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-s2/scratch',
      },
    ]);
  });

  test('may be made and altered by name, and no other', () => {
    expect(policies('AWS::IAM::ManagedPolicy').flatMap(({ statements }) => statements)).toEqual([
      {
        Effect: 'Allow',
        Action: [
          'kafka-cluster:AlterTopic',
          'kafka-cluster:AlterTopicDynamicConfiguration',
          'kafka-cluster:CreateTopic',
          'kafka-cluster:DescribeTopic',
          'kafka-cluster:DescribeTopicDynamicConfiguration',
        ],
        Resource: ['payments', 'scratch'].map(
          (name) => `arn:aws:kafka:eu-west-1:111122223333:topic/ml/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-s2/${name}`,
        ),
      },
    ]);
  });

  test('waits for the permission and for the way to the brokers', () => {
    template.hasResource('Custom::MillraceKafkaTopic', {
      Properties: { TopicName: 'payments' },
      DependsOn: [
        Match.stringLikeRegexp('^KafkaKafkaAdminEgress0'),
        Match.stringLikeRegexp('^KafkaKafkaAdminIngress0'),
        Match.stringLikeRegexp('^KafkaKafkaAdminTopics0'),
      ],
    });
  });

  test('has one function a cluster, which is let in by the brokers and reaches nothing else', () => {
    const functions = template.findResources('AWS::Lambda::Function', { Properties: { VpcConfig: Match.anyValue() } });
    expect(
      Object.values(functions).map(({ Properties: { Handler, Runtime, Architectures, Timeout } }) => [
        Handler,
        Runtime,
        Architectures,
        Timeout,
      ]),
    ).toEqual([['index.handler', 'nodejs24.x', ['arm64'], 300]]);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Kafka admin function',
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '255.255.255.255/32' })],
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
      DestinationSecurityGroupId: 'sg-0a1b2c3d4e5f60718',
      FromPort: 9098,
      ToPort: 9098,
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-0a1b2c3d4e5f60718', FromPort: 9098, ToPort: 9098 });
  });

  test('names no action with a wildcard', () => {
    const actions = JSON.stringify([...policies('AWS::IAM::Policy'), ...policies('AWS::IAM::ManagedPolicy')]).match(
      /"[a-z-]+:[A-Za-z*]*\*[A-Za-z*]*"/g,
    );
    expect(actions).toBeNull();
  });
});

describe('many topics', () => {
  test('are named in as many policies as their length needs, each within the limit of IAM', () => {
    const stack = stackOf();
    const cluster = clusterIn(stack);
    for (let index = 0; index < 60; index++) {
      const topicName = `${'payments.authorized'.repeat(6)}.${index}`;
      new ServerlessTopic(stack, `Topic${index}`, { cluster, topic: { ...PAYMENTS, topicName }, retention: KEEP });
    }
    const policies = Object.values(Template.fromStack(stack).findResources('AWS::IAM::ManagedPolicy'));
    const sizes = policies.map(({ Properties }) => JSON.stringify(Properties.PolicyDocument).length);
    expect(sizes).toHaveLength(4);
    expect(Math.max(...sizes)).toBeLessThan(6144);
  });

  test('are refused where one function cannot name them all', () => {
    const stack = stackOf();
    const cluster = clusterIn(stack);
    const declare = () => {
      for (let index = 0; index < 300; index++) {
        new ServerlessTopic(stack, `Topic${index}`, { cluster, topic: { ...PAYMENTS, topicName: `t${index}` }, retention: KEEP });
      }
    };
    expect(codeOf(declare)).toBe('Millrace.KafkaAdminTopicsTooMany');
  });
});

describe('access control lists and quotas', () => {
  const stack = stackOf();
  const cluster = clusterIn(stack);
  KafkaAcls.of(cluster, 'User:gateway').allow({ resourceType: 'TOPIC', name: 'payments', operations: ['WRITE', 'DESCRIBE'] });
  KafkaAcls.of(cluster, 'User:gateway').allow({ resourceType: 'TOPIC', name: 'payments', operations: ['READ', 'DESCRIBE'] });
  KafkaAcls.of(cluster, 'User:gateway').allow({ resourceType: 'GROUP', name: 'edge-', patternType: 'PREFIXED', operations: ['READ'] });
  KafkaAcls.of(cluster, 'User:CN=fraud,O=ml').allow({ resourceType: 'TOPIC', name: 'payments', operations: ['READ'] });
  new ClientQuota(stack, 'Gateway', { cluster, user: 'gateway', limits: { producerRate: Bitrate.mbps(8), requestPercentage: 50 } });
  const template = Template.fromStack(stack);

  test('are one resource a principal, with each line once', () => {
    template.resourceCountIs('Custom::MillraceKafkaAcls', 2);
    const line = {
      Principal: 'User:gateway',
      Host: '*',
      Permission: 'ALLOW',
      PatternType: 'LITERAL',
      ResourceType: 'TOPIC',
      ResourceName: 'payments',
    };
    template.hasResourceProperties('Custom::MillraceKafkaAcls', {
      Bindings: [
        { ...line, ResourceType: 'GROUP', ResourceName: 'edge-', PatternType: 'PREFIXED', Operation: 'READ' },
        { ...line, Operation: 'DESCRIBE' },
        { ...line, Operation: 'READ' },
        { ...line, Operation: 'WRITE' },
      ],
    });
  });

  test('set bytes a second by the name of the user', () => {
    template.hasResourceProperties('Custom::MillraceKafkaQuota', {
      User: 'gateway',
      Limits: { producer_byte_rate: 1_000_000, request_percentage: 50 },
    });
  });

  test('give the function what it needs of the cluster, and nothing of topics', () => {
    const actions = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Resource }: any) => Resource === ARN)
      .flatMap(({ Action }: any) => Action)
      .filter((action: string) => action.startsWith('kafka-cluster:'));
    expect(actions.sort()).toEqual([
      'kafka-cluster:AlterCluster',
      'kafka-cluster:AlterClusterDynamicConfiguration',
      'kafka-cluster:Connect',
      'kafka-cluster:DescribeCluster',
      'kafka-cluster:DescribeClusterDynamicConfiguration',
    ]);
    template.resourceCountIs('AWS::IAM::ManagedPolicy', 0);
  });
});

describe('is refused:', () => {
  const make = (work: (stack: Stack, cluster: KafkaAdminTarget) => unknown, options = {}) => {
    const stack = stackOf();
    return codeOf(() => work(stack, clusterIn(stack, options)));
  };
  const acl =
    (principal: string, resource = {}) =>
    (_stack: Stack, cluster: KafkaAdminTarget) =>
      KafkaAcls.of(cluster, principal).allow({ resourceType: 'TOPIC', name: 'payments', operations: ['READ'], ...resource });
  const quota = (props: object) => (stack: Stack, cluster: KafkaAdminTarget) =>
    new ClientQuota(stack, 'Quota', { cluster, limits: { requestPercentage: 10 }, ...props });

  test.each<[string, string, ReturnType<typeof acl>]>([
    ['everyone', 'Millrace.KafkaAclPrincipalInvalid', acl('User:*')],
    ['a name without its kind', 'Millrace.KafkaAclPrincipalInvalid', acl('gateway')],
    ['an IAM role, whom lists do not bind', 'Millrace.KafkaAclPrincipalInvalid', acl('User:arn:aws:sts::111122223333:assumed-role/a/b')],
    [
      'a token, which names the resource',
      'Millrace.TokenRefused',
      (stack, cluster) => KafkaAcls.of(cluster, `User:${stack.formatArn({ service: 'a', resource: 'b' })}`),
    ],
    ['every topic', 'Millrace.KafkaAclInvalid', acl('User:a', { name: '*' })],
    ['an operation that topics do not have', 'Millrace.KafkaAclInvalid', acl('User:a', { operations: ['IDEMPOTENT_WRITE'] })],
    ['every operation', 'Millrace.KafkaAclInvalid', acl('User:a', { operations: ['ALL'] })],
    ['no operation', 'Millrace.KafkaAclInvalid', acl('User:a', { operations: [] })],
    ['an unknown kind of resource', 'Millrace.KafkaAclInvalid', acl('User:a', { resourceType: 'BROKER' })],
    ['another cluster', 'Millrace.KafkaAclInvalid', acl('User:a', { resourceType: 'CLUSTER', name: 'ml', operations: ['ALTER'] })],
    ['a quota for everyone', 'Millrace.KafkaQuotaInvalid', quota({})],
    [
      'a quota for a role, which never connects as such',
      'Millrace.KafkaQuotaInvalid',
      quota({ user: 'arn:aws:iam::111122223333:role/gateway' }),
    ],
    ['a quota with the kind of the principal', 'Millrace.KafkaQuotaInvalid', quota({ user: 'User:gateway' })],
    ['a quota without limits', 'Millrace.KafkaQuotaInvalid', quota({ user: 'a', limits: {} })],
    ['a limit of nothing', 'Millrace.KafkaQuotaInvalid', quota({ user: 'a', limits: { producerRate: Bitrate.bps(0) } })],
    [
      'a second quota for the same client',
      'Millrace.KafkaQuotaTwice',
      (stack, cluster) => ['A', 'B'].map((id) => new ClientQuota(stack, id, { cluster, user: 'a', limits: { requestPercentage: 1 } })),
    ],
    [
      'a setting that Serverless decides',
      'Millrace.KafkaTopicConfigOnServerless',
      (stack, cluster) =>
        new ServerlessTopic(stack, 'T', { cluster, topic: { ...PAYMENTS, config: { 'min.insync.replicas': '2' } }, retention: KEEP }),
    ],
    [
      'a message above 8 MiB',
      'Millrace.KafkaTopicConfigOnServerless',
      (stack, cluster) =>
        new ServerlessTopic(stack, 'T', { cluster, topic: { ...PAYMENTS, config: { 'max.message.bytes': '8388609' } }, retention: KEEP }),
    ],
  ])('%s (%s)', (_name, code, work) => {
    expect(make(work)).toBe(code);
  });

  test('lists and quotas on MSK Serverless', () => {
    expect(make(acl('User:a'), { serverless: true })).toBe('Millrace.KafkaAdminOnServerless');
    expect(make(quota({ user: 'a' }), { serverless: true })).toBe('Millrace.KafkaAdminOnServerless');
  });

  test('a cluster whose network or security groups are unknown', () => {
    const stack = stackOf();
    const imported = (id: string, attributes: object) =>
      KafkaCluster.fromKafkaClusterAttributes(stack, id, { clusterArn: ARN, ...attributes });
    const group = ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0a1b2c3d4e5f60718');
    expect(codeOf(() => KafkaAcls.of(imported('A', { securityGroups: [group] }), 'User:a'))).toBe('Millrace.KafkaAdminNetworkUnknown');
    expect(codeOf(() => KafkaAcls.of(imported('B', { vpc: threeZones(stack) }), 'User:a'))).toBe('Millrace.KafkaClusterConnectionsUnknown');
  });
});

describe('an update', () => {
  const topic = (properties: object, policy = 'Retain') => ({
    Type: 'Custom::MillraceKafkaTopic',
    DeletionPolicy: policy,
    UpdateReplacePolicy: policy,
    Properties: { TopicName: 'payments', PartitionCount: 12, ReplicationFactor: 3, Configs: { 'cleanup.policy': 'delete' }, ...properties },
  });
  const assembly = (Resources: Record<string, object>) =>
    new Assembly({ stacks: [{ id: 'Streaming', templateFile: 't.json', tags: {}, resources: resourcesOf({ Resources }) }], objects: [] });
  const codes = (after: Record<string, object>) =>
    checkUpdate(assembly({ Payments: topic({}) }), assembly(after), [...adminUpdateRules(), ...StatefulUpdateRules.all()]).map(
      ({ severity, code }) => `${severity} ${code}`,
    );

  test.each<[string, Record<string, object>, string[]]>([
    ['of nothing', { Payments: topic({}) }, []],
    ['of retention', { Payments: topic({ Configs: { 'cleanup.policy': 'delete', 'retention.ms': '1' } }) }, []],
    ['that grows it', { Payments: topic({ PartitionCount: 24 }) }, []],
    ['that shrinks it', { Payments: topic({ PartitionCount: 6 }) }, ['error Millrace.KafkaTopicPartitionsDecrease']],
    ['of its name', { Payments: topic({ TopicName: 'paid' }) }, ['error Millrace.KafkaTopicIdentityChange']],
    ['of its replication factor', { Payments: topic({ ReplicationFactor: 2 }) }, ['error Millrace.KafkaTopicIdentityChange']],
    [
      'of its cleanup policy',
      { Payments: topic({ Configs: { 'cleanup.policy': 'compact' } }) },
      ['error Millrace.KafkaTopicCleanupChange'],
    ],
    ['that keeps it no longer', { Payments: topic({}, 'Delete') }, ['warning Millrace.RetentionWeakened']],
    ['that removes it', {}, ['warning Millrace.StatefulRemoval']],
  ])('%s is found', (_name, after, expected) => {
    expect(codes(after)).toEqual(expected);
  });
});
