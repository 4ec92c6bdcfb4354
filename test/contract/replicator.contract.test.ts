import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Bitrate, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Chart } from 'cdk8s';
import * as fc from 'fast-check';
import { Assembly } from '../../lib/core/assembly';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import * as k8s from '../../lib/streaming/k8s';
import { type ReplicatorOptions, StartingPosition, TopicNaming, patternsOf } from '../../lib/streaming/replicator';
import { codeOf } from './refusal';

const OWNER = new CostAllocation({ team: 'streaming', service: 'replication', costCenter: 'CC-1042', environment: 'prod' });
const ENV = { region: 'eu-west-1', account: '111122223333' };
const PLAIN: ReplicatorOptions = {
  replicatorName: 'to-ireland',
  topics: { names: ['payments.authorized'], prefixes: ['ledger.'] },
  consumerGroups: { names: ['fraud-features'] },
};
const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-replicator-'));

/** A replicator as it reaches its service, in the words of the contract. */
interface Emitted {
  readonly topics: string[];
  readonly exclude?: string[];
  readonly groups: string[];
  readonly offsets: boolean;
  readonly naming: string;
  readonly position: string;
}
interface Synthesis {
  readonly assembly: Assembly;
  readonly runbook: string;
  readonly catalog: any;
  readonly rules: ReturnType<typeof registeredUpdateRules>;
}
interface Flavour {
  readonly name: string;
  synth(options: ReplicatorOptions): Synthesis;
  emitted(assembly: Assembly): Emitted;
}

function read(out: string) {
  const books = fs.readdirSync(path.join(out, 'runbooks'));
  expect(books).toHaveLength(1);
  return {
    runbook: fs.readFileSync(path.join(out, 'runbooks', books[0]), 'utf8'),
    catalog: JSON.parse(fs.readFileSync(path.join(out, 'catalog/asyncapi.json'), 'utf8')),
  };
}

function mskCluster(scope: Stack, id: string, region: string): aws.IKafkaCluster {
  const subnets = ['1', '2', '3'].map((digit) => `subnet-0a1b2c3d4e5f6071${digit}`);
  const vpc = ec2.Vpc.fromVpcAttributes(scope, `${id}Vpc`, {
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    availabilityZones: ['a', 'b', 'c'].map((zone) => region + zone),
    privateSubnetIds: subnets,
    privateSubnetRouteTableIds: ['1', '2', '3'].map((digit) => `rtb-0a1b2c3d4e5f6071${digit}`),
  });
  return aws.KafkaCluster.fromKafkaClusterAttributes(scope, id, {
    clusterArn: `arn:aws:kafka:${region}:111122223333:cluster/${id.toLowerCase()}/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1`,
    vpc,
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(scope, `${id}Brokers`, 'sg-0a1b2c3d4e5f60719')],
  });
}

const AWS: Flavour = {
  name: 'aws',
  synth(options) {
    const app = new App({ outdir: folder(), builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Streaming', { env: ENV });
    OWNER.applyTo(stack);
    const source = aws.ReplicationSource.fromCluster(mskCluster(stack, 'Frankfurt', 'eu-central-1'));
    new aws.Replicator(stack, 'Replicator', { ...options, source, target: mskCluster(stack, 'Ireland', 'eu-west-1') });
    const out = app.synth().directory;
    return { assembly: Assembly.fromDirectories({ templates: out }), ...read(out), rules: registeredUpdateRules(app) };
  },
  emitted(assembly) {
    const [{ properties }] = assembly.stacks[0].resources.filter(({ type }) => type === 'AWS::MSK::Replicator');
    const [{ TopicReplication: topics, ConsumerGroupReplication: groups }] = properties.ReplicationInfoList;
    return {
      topics: topics.TopicsToReplicate,
      exclude: topics.TopicsToExclude,
      groups: groups.ConsumerGroupsToReplicate,
      offsets: groups.SynchroniseConsumerGroupOffsets,
      naming: topics.TopicNameConfiguration.Type === 'IDENTICAL' ? 'identical' : 'prefixed',
      position: topics.StartingPosition.Type.toLowerCase(),
    };
  },
};

const KUBERNETES: Flavour = {
  name: 'k8s',
  synth(options) {
    const app = new ManifestApp({ outdir: folder() });
    const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
    OWNER.applyTo(chart);
    const target = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Ireland', { clusterName: 'ireland' });
    const source = k8s.ReplicationSource.fromKafka({
      alias: 'frankfurt',
      bootstrapServers: 'kafka.frankfurt.example.com:9094',
      trustedCertificatesSecretName: 'frankfurt-ca',
      authentication: k8s.SourceAuthentication.tls('frankfurt-reader'),
    });
    new k8s.Replicator(chart, 'Replicator', { ...options, source, target });
    app.synth();
    return { assembly: Assembly.fromDirectories({ manifests: app.outdir }), ...read(app.outdir), rules: registeredUpdateRules(app) };
  },
  emitted(assembly) {
    const { spec } = assembly.objects.map(({ manifest }) => manifest).find(({ kind }) => kind === 'KafkaMirrorMaker2')!;
    const [mirror] = spec.mirrors;
    const { config } = mirror.sourceConnector;
    return {
      topics: mirror.topicsPattern.split('|'),
      // Its own list replaces the default of MirrorMaker 2, which must therefore be in it.
      exclude: mirror.topicsExcludePattern?.split(',').slice(3),
      groups: mirror.groupsPattern?.split('|') ?? [],
      offsets: mirror.checkpointConnector?.config['sync.group.offsets.enabled'] ?? false,
      naming: config['replication.policy.class'].endsWith('IdentityReplicationPolicy') ? 'identical' : 'prefixed',
      position: config['source.consumer.auto.offset.reset'],
    };
  },
};

describe.each([AWS, KUBERNETES])('a replicator on $name', (flavour) => {
  const plain = flavour.synth(PLAIN);

  test('copies the selected topics under their own names from the oldest record, and the offsets of the selected groups', () => {
    expect(flavour.emitted(plain.assembly)).toEqual({
      topics: ['payments\\.authorized', 'ledger\\..*'],
      exclude: undefined,
      groups: ['fraud-features'],
      offsets: true,
      naming: 'identical',
      position: 'earliest',
    });
  });

  test('does as it is told', () => {
    const { assembly } = flavour.synth({
      replicatorName: 'to-ireland',
      topics: {
        prefixes: ['payments.'],
        exclude: ['payments.raw'],
        naming: TopicNaming.PREFIXED,
        startingPosition: StartingPosition.LATEST,
      },
    });
    expect(flavour.emitted(assembly)).toEqual({
      topics: ['payments\\..*'],
      exclude: ['payments\\.raw'],
      groups: [],
      offsets: false,
      naming: 'prefixed',
      position: 'latest',
    });
  });

  test('comes with a runbook that names it, its ends, its topics and its owner', () => {
    const lines = plain.runbook.split('\n');
    expect(lines[0]).toBe('# Failover of to-ireland');
    expect(lines).toEqual(
      expect.arrayContaining([
        `- Source: frankfurt${flavour === AWS ? ' in eu-central-1' : ''}`,
        `- Target: ireland${flavour === AWS ? ' in eu-west-1' : ''}`,
        '- Topics: `payments.authorized`, `ledger.*`, copied from the oldest record',
        '- Consumer groups with translated offsets: `fraud-features`',
        '- Owner: team streaming, service replication, cost-center CC-1042, environment prod',
        `4. Point producers and consumers to ireland${flavour === AWS ? ' in eu-west-1' : ''}. Topics have the same names there.`,
      ]),
    );
    expect(plain.runbook).not.toMatch(/Token|undefined/);
  });

  test('tells a reader of prefixed topics where to look', () => {
    const { runbook } = flavour.synth({ ...PLAIN, topics: { names: ['a'], naming: TopicNaming.PREFIXED } });
    expect(runbook).toContain(flavour === AWS ? '`<source alias>.<topic>`' : '`frankfurt.<topic>`');
  });

  test('stands in the catalogue with what it reads', () => {
    const operations: any[] = Object.values(plain.catalog.operations);
    expect(operations).toContainEqual(
      expect.objectContaining({ action: 'receive', channel: { $ref: '#/channels/frankfurt.payments.authorized' } }),
    );
  });

  test.each<[string, ReplicatorOptions, string]>([
    ['no topics', { topics: {} }, 'Millrace.ReplicatorTopicsInvalid'],
    ['a regular expression', { topics: { names: ['payments.*'] } }, 'Millrace.ReplicatorTopicsInvalid'],
    ['a wildcard as a prefix', { topics: { prefixes: ['*'] } }, 'Millrace.ReplicatorTopicsInvalid'],
    ['an empty prefix', { topics: { prefixes: [''] } }, 'Millrace.ReplicatorTopicsInvalid'],
    ['a group grant without a group', { ...PLAIN, consumerGroups: {} }, 'Millrace.ReplicatorGroupsInvalid'],
    ['an illegal group', { ...PLAIN, consumerGroups: { names: ['a b'] } }, 'Millrace.ReplicatorGroupsInvalid'],
    ['an illegal name', { ...PLAIN, replicatorName: '-x' }, 'Millrace.ReplicatorNameInvalid'],
    ['a demand of nothing', { ...PLAIN, demand: { throughput: Bitrate.bps(0), partitions: 10 } }, 'Millrace.ReplicatorDemandInvalid'],
  ])('is refused for %s', (_what, options, code) => {
    expect(codeOf(() => flavour.synth(options))).toBe(code);
  });

  const findings = (after: ReplicatorOptions) =>
    checkUpdate(plain.assembly, flavour.synth(after).assembly, plain.rules).map(({ severity, code }) => `${severity} ${code}`);

  test('takes more topics and groups in place', () => {
    expect(findings(PLAIN)).toEqual([]);
    expect(findings({ ...PLAIN, topics: { ...PLAIN.topics, prefixes: ['ledger.', 'refunds.'] } })).toEqual([]);
    expect(findings({ ...PLAIN, consumerGroups: { prefixes: ['fraud-'] } })).toEqual([]);
  });

  test('fails an update after which it would not know how far it had come', () => {
    const lost = ['error Millrace.ReplicatorPositionLost'];
    expect(findings({ ...PLAIN, topics: { ...PLAIN.topics, naming: TopicNaming.PREFIXED } })).toEqual(lost);
    expect(findings({ ...PLAIN, replicatorName: 'other' })).toEqual(lost);
    if (flavour === AWS) {
      expect(findings({ ...PLAIN, topics: { ...PLAIN.topics, startingPosition: StartingPosition.LATEST } })).toEqual(lost);
    }
  });
});

test('an MSK Replicator is refused where its topics have too few partitions for its throughput, by the table of AWS', () => {
  const demand = (mbps: number, partitions: number) => ({ ...PLAIN, demand: { throughput: Bitrate.mbps(mbps * 8), partitions } });
  expect(codeOf(() => AWS.synth(demand(100, 333)))).toBe('Millrace.ReplicatorPartitionsTooFew');
  expect(() => AWS.synth(demand(100, 334))).not.toThrow();
  expect(codeOf(() => AWS.synth(demand(1001, 9999)))).toBe('Millrace.KafkaPartitionCountInvalid');
});

test('a replicator is refused where its target cannot take in what is copied', () => {
  const chart = new Chart(new ManifestApp({ outdir: folder() }), 'streaming', { namespace: 'streaming' });
  OWNER.applyTo(chart);
  const target = new k8s.KafkaCluster(chart, 'Kafka', { demand: { peakIngress: Bitrate.mbps(8), partitions: 30 } });
  const source = k8s.ReplicationSource.fromCluster(k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Old', { clusterName: 'old' }));
  const make = (id: string, mbps: number) =>
    new k8s.Replicator(chart, id, { ...PLAIN, source, target, demand: { throughput: Bitrate.mbps(mbps), partitions: 30 } });
  expect(() => make('Small', 8)).not.toThrow();
  expect(codeOf(() => make('Large', 8000))).toBe('Millrace.ReplicatorDoesNotFit');
});

test('patterns match exactly the names and prefixes they were made of', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/);
  fc.assert(
    fc.property(fc.array(name, { maxLength: 3 }), fc.array(name, { maxLength: 3 }), name, (names, prefixes, tried) => {
      const matched = patternsOf({ names, prefixes }).some((pattern) => new RegExp(`^(${pattern})$`).test(tried));
      expect(matched).toBe(names.includes(tried) || prefixes.some((prefix) => tried.startsWith(prefix)));
    }),
  );
});

describe('an MSK Replicator from a cluster of this app in another Region', () => {
  const zones = (stack: Stack) =>
    new ec2.Vpc(stack, 'Vpc', { availabilityZones: ['a', 'b', 'c'].map((zone) => `${stack.region}${zone}`), natGateways: 1 });
  const begin = (clientAuthentication?: aws.ClientAuthentication) => {
    const app = new App({ outdir: folder(), builtinCloudFormationValidation: false });
    OWNER.applyTo(app);
    const [far, near] = ['eu-central-1', 'eu-west-1'].map(
      (region) => new Stack(app, region, { env: { ...ENV, region }, crossRegionReferences: true }),
    );
    const demand = { peakIngress: Bitrate.mbps(80), partitions: 120 };
    const source = new aws.KafkaCluster(far, 'Kafka', { vpc: zones(far), demand, clientAuthentication });
    const target = new aws.KafkaCluster(near, 'Kafka', { vpc: zones(near), demand });
    const replicate = (stack: Stack) =>
      new aws.Replicator(stack, 'Replicator', { ...PLAIN, source: aws.ReplicationSource.fromCluster(source), target });
    return { app, far, near, replicate };
  };
  const open = aws.ClientAuthentication.iam().withMultiVpc();

  test('is let in by the policy of the source', () => {
    const { app, near, replicate } = begin(open);
    replicate(near);
    const { stacks } = Assembly.fromDirectories({ templates: app.synth().directory });
    const policies = stacks.flatMap(({ resources }) => resources).filter(({ type }) => type === 'AWS::MSK::ClusterPolicy');
    expect(policies.map(({ path: where, properties }) => [where, properties.Policy.Statement[0].Principal])).toEqual([
      ['eu-central-1/Kafka/Policy/Resource', { Service: 'kafka.amazonaws.com' }],
    ]);
    expect(policies[0].properties.Policy.Statement[0].Action).toEqual([
      'kafka:CreateVpcConnection',
      'kafka:DescribeClusterV2',
      'kafka:GetBootstrapBrokers',
    ]);
  });

  test('is refused where the source offers no connections, and outside of the Region of the target', () => {
    const shut = begin();
    expect(codeOf(() => shut.replicate(shut.near))).toBe('Millrace.ReplicatorSourceNotOffered');
    const misplaced = begin(open);
    expect(codeOf(() => misplaced.replicate(misplaced.far))).toBe('Millrace.ReplicatorRegionInvalid');
  });
});

describe('the role of an MSK Replicator', () => {
  const { assembly } = AWS.synth(PLAIN);
  const resources = assembly.stacks[0].resources;
  const of = (type: string) => resources.filter((resource) => resource.type === type);
  const statements: any[] = of('AWS::IAM::Policy').flatMap(({ properties }) => properties.PolicyDocument.Statement);
  const allowed = (arn: string) =>
    statements.filter(({ Resource }) => [Resource].flat().includes(arn)).flatMap(({ Action }) => [Action].flat());
  const end = (cluster: string, region: string, kind: string, name: string) =>
    `arn:aws:kafka:${region}:111122223333:${kind}/${cluster}/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1/${name}`;

  test('reads the selected topics of the source and writes them on the target', () => {
    expect(allowed(end('frankfurt', 'eu-central-1', 'topic', 'payments.authorized')).sort()).toEqual([
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:DescribeTopicDynamicConfiguration',
      'kafka-cluster:ReadData',
    ]);
    expect(allowed(end('ireland', 'eu-west-1', 'topic', 'ledger.*'))).toContain('kafka-cluster:WriteData');
    expect(allowed(end('ireland', 'eu-west-1', 'topic', 'ledger.*'))).not.toContain('kafka-cluster:DeleteTopic');
    expect(allowed(end('ireland', 'eu-west-1', 'group', 'fraud-features'))).toEqual([
      'kafka-cluster:AlterGroup',
      'kafka-cluster:DescribeGroup',
    ]);
  });

  test('opens no topic or group as a whole', () => {
    const arns: string[] = statements.flatMap(({ Resource }) => [Resource].flat()).filter((arn) => typeof arn === 'string');
    expect(arns.filter((arn) => /(topic|group)\/[^/]+\/[^/]+\/\*$/.test(arn))).toEqual([]);
  });

  test('may be taken by MSK for this account alone', () => {
    const [role] = of('AWS::IAM::Role');
    expect(role.properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'kafka.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      },
    ]);
  });

  test('has a way to the target, and to a source of another Region none, because MSK makes it', () => {
    const [{ properties }] = of('AWS::MSK::Replicator');
    expect(properties.KafkaClusters[0].VpcConfig.SecurityGroupIds).toBeUndefined();
    expect(properties.KafkaClusters[1].VpcConfig.SecurityGroupIds).toHaveLength(1);
    expect(of('AWS::EC2::SecurityGroupEgress').map((rule) => [rule.properties.Description, rule.properties.ToPort])).toEqual([
      ['target cluster', 9098],
    ]);
    expect(properties.ReplicationInfoList[0].TargetCompressionType).toBe('ZSTD');
  });
});

describe('the users of MirrorMaker 2', () => {
  const { assembly } = KUBERNETES.synth(PLAIN);
  const objects = assembly.objects.map(({ manifest }) => manifest);

  test('write what was selected and the topics of MirrorMaker itself, and nothing else', () => {
    const [user] = objects.filter(({ kind }) => kind === 'KafkaUser');
    const acls: any[] = user.spec.authorization.acls;
    expect(acls.map(({ resource }) => `${resource.type} ${resource.patternType} ${resource.name}`)).toEqual([
      'group literal fraud-features',
      'group literal to-ireland',
      'topic literal __to-ireland-configs',
      'topic literal __to-ireland-offsets',
      'topic literal __to-ireland-status',
      'topic literal frankfurt.checkpoints.internal',
      'topic prefix ledger.',
      'topic literal mm2-offset-syncs.frankfurt.internal',
      'topic literal payments.authorized',
    ]);
  });

  test('are let in by the listener of the target', () => {
    const mirror = objects.find(({ kind }) => kind === 'KafkaMirrorMaker2')!;
    expect(mirror.spec.template.pod.metadata.labels).toMatchObject({ 'millrace.io/kafka-ireland': 'client', team: 'streaming' });
  });

  test('run in pods that stand apart, and leave with the manifests: how far they are stands in topics', () => {
    const { metadata, spec } = objects.find(({ kind }) => kind === 'KafkaMirrorMaker2')!;
    expect(metadata.annotations).toBeUndefined();
    const labels = { 'strimzi.io/cluster': 'to-ireland', 'strimzi.io/kind': 'KafkaMirrorMaker2' };
    expect(spec.template.pod.topologySpreadConstraints).toEqual(
      ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labels },
      })),
    );
  });

  test('leave out what MirrorMaker 2 leaves out, and no group or topic that was selected', () => {
    const options = { topics: { prefixes: ['orders.'], exclude: ['orders.raw'] }, consumerGroups: { names: ['connect-lake'] } };
    const [mirror] = KUBERNETES.synth(options).assembly.objects.find(({ manifest }) => manifest.kind === 'KafkaMirrorMaker2')!.manifest.spec
      .mirrors;
    const leavesOut = (patterns: string, name: string) => patterns.split(',').some((pattern) => new RegExp(`^(${pattern})$`).test(name));
    expect(['connect-lake', '__own', 'console-consumer-7'].map((name) => leavesOut(mirror.groupsExcludePattern, name))).toEqual([
      false,
      true,
      true,
    ]);
    const topics = ['orders.internal', 'orders.raw', 'mm2-offset-syncs.a.internal', '__consumer_offsets'];
    expect(topics.map((name) => leavesOut(mirror.topicsExcludePattern, name))).toEqual([false, true, true, true]);
  });

  test('are refused between clusters of one name, which MirrorMaker 2 takes for one', () => {
    const chart = new Chart(new ManifestApp({ outdir: folder() }), 'streaming', { namespace: 'streaming' });
    OWNER.applyTo(chart);
    const target = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Kafka', { clusterName: 'payments' });
    const far = { alias: 'payments', bootstrapServers: 'far:9094', authentication: k8s.SourceAuthentication.tls('reader') };
    for (const source of [k8s.ReplicationSource.fromCluster(target), k8s.ReplicationSource.fromKafka(far)]) {
      expect(codeOf(() => new k8s.Replicator(chart, `To${source.constructor.name}`, { ...PLAIN, source, target }))).toBe(
        'Millrace.ReplicatorAliasInvalid',
      );
    }
  });

  test('have a runbook that never fills a topic twice: MirrorMaker 2 does not know what it copied', () => {
    const identical = KUBERNETES.synth(PLAIN).runbook;
    const stop = `kubectl patch kafkamirrormaker2 to-ireland -n streaming --type json -p '[{"op":"add","path":"/spec/mirrors/0/sourceConnector/state","value":"stopped"}]'`;
    expect(identical.split(stop)).toHaveLength(3);
    expect(identical).toContain('delete the replicated topics there');
    expect(identical).toContain('delete the replicated topics on ireland and give the replicator another `replicatorName`');
    const prefixed = KUBERNETES.synth({ ...PLAIN, topics: { names: ['a'], naming: TopicNaming.PREFIXED } }).runbook;
    expect(prefixed).toContain('Its copies arrive as `ireland.<topic>`');
    expect(prefixed).toContain('Remove the replicator the other way, and see that to-ireland copies again.');
    expect(prefixed).not.toContain('delete the replicated topics');
  });

  test('are refused in both directions under identical names, which would copy records for ever', () => {
    expect(codeOf(() => KUBERNETES.synth({ ...PLAIN, bidirectional: true }))).toBe('Millrace.ReplicatorLoop');
  });
});
