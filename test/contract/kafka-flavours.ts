import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { Assembly } from '../../lib/core/assembly';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import { WARNING_ANNOTATION } from '../../lib/core/retention';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import * as k8s from '../../lib/streaming/k8s';
import type { KafkaClusterOptions } from '../../lib/streaming/kafka-cluster';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import type { ConsumeOptions, ProduceOptions, TopicOptions } from '../../lib/streaming/topic';
import { evaluate } from './intrinsics';

/** The verbs and attributes that the classes of both flavours share; that they fit is checked by the compiler. */
export interface TopicContract {
  readonly topicName: string;
  readonly grants: GrantsContract;
  readonly deadLetterTopic?: TopicContract;
}
export interface GrantsContract {
  produce(grantee: any, options?: ProduceOptions): unknown;
  consume(grantee: any, options: ConsumeOptions): unknown;
}
export interface ClusterContract extends IConstruct {
  readonly clusterName: string;
  readonly bootstrapServers: string;
  readonly sizing: KafkaSizing;
  addTopic(id: string, options: TopicOptions): TopicContract;
  topicPrefix(prefix: string): { readonly prefix: string; readonly grants: GrantsContract };
}

/** What one client may do, by resource: `topic payments` -> operations; a prefix ends in `*`. */
export type Access = Record<string, string[]>;
/** A topic as it reaches Kafka. */
export interface EmittedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly config: Record<string, string>;
}

/** An app of one flavour with one stack or chart that somebody pays for. */
export interface World {
  readonly app: IConstruct;
  readonly scope: any;
  cluster(id: string, options: KafkaClusterOptions): ClusterContract;
  importedCluster(id: string): any;
  client(id: string, cluster: IConstruct): any;
  /** Writes everything and returns the folder. */
  write(): string;
  /** Writes everything and reads it back. */
  synth(): Assembly;
}
export interface Flavour {
  readonly name: string;
  readonly room: typeof aws | typeof k8s;
  /** A size with volumes that this flavour runs. */
  size(brokers: number, gib: number): KafkaSizing;
  begin(options?: { context?: Record<string, unknown>; owned?: boolean }): World;
  topics(assembly: Assembly): EmittedTopic[];
  sizingOf(assembly: Assembly): unknown;
  accessOf(assembly: Assembly, client: any): Access;
  /** Whether each thing that holds data is kept when it leaves the app, with its kind. */
  kept(assembly: Assembly): [kind: string, kept: boolean][];
  /** Ids of the warnings of a synthesis. */
  warnings(assembly: Assembly): string[];
}

const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
/** The schemas of this repository are accepted for its reference platform, not for tests. */
export const NO_HISTORY = { 'millrace:schemas': path.join(os.tmpdir(), 'millrace-no-schemas') };
const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-contract-'));
const fixed = (name: string) => (brokers: number, gib: number) =>
  KafkaSizing.fixed({ brokerType: BrokerType.of(name), brokers, storagePerBroker: Size.gibibytes(gib) });

/** A network of three zones that exists already. */
export function threeZones(scope: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'],
    privateSubnetIds: ['subnet-0a1b2c3d4e5f60711', 'subnet-0a1b2c3d4e5f60712', 'subnet-0a1b2c3d4e5f60713'],
    privateSubnetRouteTableIds: ['rtb-0a1b2c3d4e5f60711', 'rtb-0a1b2c3d4e5f60712', 'rtb-0a1b2c3d4e5f60713'],
  });
}

const resourcesOfType = (assembly: Assembly, type: string) =>
  assembly.stacks.flatMap((stack) => stack.resources).filter((resource) => resource.type === type);
const objectsOfKind = (assembly: Assembly, ...kinds: string[]) =>
  assembly.objects.map(({ manifest }) => manifest).filter(({ kind }) => kinds.includes(kind));

export const AWS: Flavour = {
  name: 'aws',
  room: aws,
  size: fixed('kafka.m7g.large'),
  begin({ context, owned = true } = {}): World {
    const app = new App({ outdir: folder(), context: { ...NO_HISTORY, ...context }, builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1', account: '111122223333' } });
    if (owned) OWNER.applyTo(stack);
    const vpc = threeZones(stack);
    return {
      app,
      scope: stack,
      cluster: (id, options): ClusterContract => new aws.KafkaCluster(stack, id, { ...options, vpc }),
      importedCluster: (id) =>
        aws.KafkaCluster.fromKafkaClusterAttributes(stack, id, {
          clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9',
        }),
      client: (id) => new iam.Role(stack, id, { roleName: id, assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com') }),
      write: () => app.synth().directory,
      synth: () => Assembly.fromDirectories({ templates: app.synth().directory }),
    };
  },
  topics: (assembly) =>
    resourcesOfType(assembly, 'AWS::MSK::Topic').map(({ properties }) => ({
      name: properties.TopicName,
      partitions: properties.PartitionCount,
      replicas: properties.ReplicationFactor,
      config: Object.fromEntries(
        Buffer.from(properties.Configs, 'base64')
          .toString('utf8')
          .trimEnd()
          .split('\n')
          .map((line) => line.split('=')),
      ),
    })),
  sizingOf: (assembly) => resourcesOfType(assembly, 'AWS::MSK::Cluster')[0].metadata[Sizing.RECORD_KEY],
  accessOf(assembly, client: iam.Role) {
    const roleId = Stack.of(client).getLogicalId(client.node.defaultChild as iam.CfnRole);
    const statements = resourcesOfType(assembly, 'AWS::IAM::Policy')
      .filter(({ properties }) => properties.Roles.some((role: any) => role.Ref === roleId))
      .flatMap(({ properties }) => properties.PolicyDocument.Statement);
    const access: Access = {};
    for (const { Action, Resource } of statements) {
      // What a client may do with the registry of schemas is not what it may do with Kafka.
      if ([Action].flat().every((action: string) => /^glue:Get|^glue:ListSchemaVersions$/.test(action))) continue;
      for (const arn of [Resource].flat().map(evaluate)) {
        const [, kind, rest] = /^arn:aws:kafka:eu-west-1:111122223333:(cluster|topic|group|transactional-id)\/(.+)$/.exec(arn)!;
        const [, , name] = rest.split('/');
        const key = name ? `${kind} ${name}` : kind;
        access[key] = [...new Set([...(access[key] ?? []), ...[Action].flat()])].sort();
      }
    }
    return access;
  },
  kept: (assembly) =>
    ['AWS::MSK::Cluster', 'AWS::MSK::Topic'].flatMap((type) =>
      resourcesOfType(assembly, type).map(({ deletionPolicy, updateReplacePolicy }): [string, boolean] => [
        type,
        deletionPolicy === 'Retain' && updateReplacePolicy === 'Retain',
      ]),
    ),
  warnings(assembly) {
    const { artifacts } = JSON.parse(fs.readFileSync(path.join(path.dirname(assembly.stacks[0].templateFile), 'manifest.json'), 'utf8'));
    const file = path.join(path.dirname(assembly.stacks[0].templateFile), artifacts.Streaming.additionalMetadataFile ?? 'none');
    const metadata: any[][] = Object.values({
      ...artifacts.Streaming.metadata,
      ...(fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}),
    });
    const warnings = metadata.flat().filter((entry) => entry.type === 'aws:cdk:warning');
    return warnings.map((entry) => /\[ack: (.+)\]/.exec(entry.data)?.[1] ?? entry.data);
  },
};

export const KUBERNETES: Flavour = {
  name: 'k8s',
  room: k8s,
  size: fixed('m7g.large'),
  begin({ context, owned = true } = {}): World {
    const app = new ManifestApp({ outdir: folder() });
    for (const [key, value] of Object.entries({ ...NO_HISTORY, ...context })) app.node.setContext(key, value);
    const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
    if (owned) OWNER.applyTo(chart);
    const write = () => {
      app.synth();
      return app.outdir;
    };
    return {
      app,
      scope: chart,
      cluster: (id, options): ClusterContract => new k8s.KafkaCluster(chart, id, options),
      importedCluster: (id) => k8s.KafkaCluster.fromKafkaClusterAttributes(chart, id, { clusterName: 'old' }),
      client: (id, cluster) => new k8s.KafkaUser(chart, id, { cluster: cluster as k8s.KafkaCluster }),
      write,
      synth: () => Assembly.fromDirectories({ manifests: write() }),
    };
  },
  topics: (assembly) =>
    objectsOfKind(assembly, 'KafkaTopic').map(({ spec }) => ({
      name: spec.topicName,
      partitions: spec.partitions,
      replicas: spec.replicas,
      config: spec.config,
    })),
  sizingOf: (assembly) => JSON.parse(objectsOfKind(assembly, 'Kafka')[0].metadata.annotations[Sizing.RECORD_KEY]),
  accessOf(assembly, client: k8s.KafkaUser) {
    const user = objectsOfKind(assembly, 'KafkaUser').find(({ metadata }) => metadata.name === client.userName)!;
    const acls: any[] = user.spec.authorization.acls;
    const kinds: Record<string, string> = { transactionalId: 'transactional-id' };
    const ends: Record<string, string> = { literal: '', prefix: '*' };
    return Object.fromEntries(
      acls.map(({ resource: { type, name, patternType }, operations }) => [
        `${kinds[type] ?? type} ${name}${ends[patternType]}`,
        operations,
      ]),
    );
  },
  kept: (assembly) =>
    objectsOfKind(assembly, 'Kafka', 'KafkaNodePool', 'KafkaTopic').map(({ kind, metadata: { annotations = {} }, spec }) => {
      const deleters = ['argocd.argoproj.io/sync-options', 'helm.sh/resource-policy', 'kustomize.toolkit.fluxcd.io/prune'];
      const claimsStay = (spec.storage?.volumes ?? []).every((volume: any) => volume.deleteClaim === false);
      return [kind, deleters.every((key) => annotations[key]) && claimsStay];
    }),
  warnings: (assembly) =>
    assembly.objects.flatMap(({ manifest }) => {
      const warning: string | undefined = manifest.metadata.annotations?.[WARNING_ANNOTATION];
      return warning ? [warning.split(': ')[0]] : [];
    }),
};

/** A sizing of the flavour's own default class, for a demand. */
export function defaultClass(flavour: Flavour): BrokerClass {
  return flavour === AWS ? BrokerClass.EXPRESS : BrokerClass.KUBERNETES;
}
