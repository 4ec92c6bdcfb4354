import { ApiObject, Chart, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { SynthesisFiles } from '../../core/synthesis-file';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { targetRules } from '../replication-fit';
import { type RunbookSubject, failoverRunbook } from '../replication-runbook';
import { type IReplicator, REPLICATOR_RULES, type ReplicatorOptions, TopicNaming } from '../replicator';
import { StreamCatalog } from '../stream-catalog';
import { TopicLedger } from '../topic-ledger';
import { CLIENT, clientLabelOf } from './client-label';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUser } from './kafka-user';
import { KafkaVersion } from './kafka-version';
import { mirrorConfig } from './mirror-maker-config';
import { type MirrorEnd, allowSelection, strimziEnd } from './mirror-end';
import { mirrorOperations } from './mirror-operations';
import type { ReplicationSource } from './replication-source';

/** Properties of a MirrorMaker 2 replicator. */
export interface ReplicatorProps extends ReplicatorOptions {
  /** The cluster to read from. */
  readonly source: ReplicationSource;
  /** The Strimzi cluster to write to, in the namespace of the chart. */
  readonly target: IKafkaCluster;
  /**
   * Version of Kafka whose MirrorMaker runs.
   * @default KafkaVersion.V4_3_1
   */
  readonly kafkaVersion?: KafkaVersion;
}

interface Input {
  readonly name: string;
  readonly props: ReplicatorProps;
}

const RULES: readonly Rule<Input>[] = [
  {
    code: 'Millrace.ReplicatorNameInvalid',
    subject: 'replicatorName',
    value: (input) => input.name,
    valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
    allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: the operator appends to it",
    fix: 'rename it, or leave it out',
  },
  {
    code: 'Millrace.ReplicatorLoop',
    subject: 'bidirectional, topics.naming',
    value: ({ props }) => (props.bidirectional ? (props.topics.naming ?? TopicNaming.IDENTICAL) : undefined),
    valid: (naming: TopicNaming) => naming === TopicNaming.PREFIXED,
    allowed:
      'prefixed names where replicators run both ways: MirrorMaker 2 knows a copy by its prefix alone, and would copy it back for ever',
    fix: 'use TopicNaming.PREFIXED, or one direction at a time',
  },
];

// Two pods, so that one may go; a task copies what tens of partitions write.
const REPLICAS = 2;
const BYTES_PER_TASK = 10 * 1000 * 1000;
const MEMORY = '2Gi';
const HEAP = '1g';
const AUTO_RESTART = { enabled: true, maxRestarts: 10 };

function tasks({ demand }: ReplicatorOptions): number {
  if (!demand) return REPLICAS;
  return Math.min(demand.partitions, Math.max(REPLICAS, Math.ceil(demand.throughput.toBps() / 8 / BYTES_PER_TASK)));
}

/**
 * Copies topics, their settings and the offsets of consumer groups to a Strimzi cluster with MirrorMaker 2, from another Strimzi cluster or
 * from any Kafka that can be reached. A failover runbook with the names of this replicator is written beside the manifests, in `runbooks/`.
 *
 * Its users may read the selected topics on the source, and write the copies on the target, and nothing else. Access control lists are not
 * copied: the grants of the target decide. The internal topics begin with `__`, so that no replicator copies them.
 *
 * @throws Millrace.ReplicatorTopicsInvalid, Millrace.ReplicatorGroupsInvalid, Millrace.ReplicatorDemandInvalid, Millrace.ReplicatorNameInvalid,
 * Millrace.ReplicatorLoop, Millrace.ReplicatorAliasInvalid, Millrace.ReplicatorDoesNotFit, Millrace.KafkaUserNamespace
 */
export class Replicator extends Construct implements IReplicator {
  /** Name of the KafkaMirrorMaker2 resource. */
  public readonly replicatorName: string;

  constructor(scope: Construct, id: string, props: ReplicatorProps) {
    super(scope, id);
    this.replicatorName = props.replicatorName ?? Names.toDnsLabel(this, { maxLen: 40 });
    enforce(this.node.path, props, REPLICATOR_RULES);
    enforce(this.node.path, props, targetRules(TopicLedger.of(props.target).sizing));
    enforce(this.node.path, { name: this.replicatorName, props }, RULES);
    const { topics, consumerGroups, target } = props;
    const source = props.source._resolve(this, topics, consumerGroups);
    const user = new KafkaUser(this, 'TargetUser', { cluster: target });
    const targetEnd = strimziEnd(target, user);
    this.checkAliases(source, targetEnd);
    const internal = internalTopics(this.replicatorName);
    this.allow(user, props, source.alias, internal);
    const mirror = mirrorConfig(topics, consumerGroups);
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaMirrorMaker2',
      // How far it has come stands in topics of the target, which stay: it may leave, and one of the same name goes on.
      metadata: { name: this.replicatorName, namespace: Chart.of(this).namespace },
      spec: {
        version: (props.kafkaVersion ?? KafkaVersion.V4_3_1).version,
        replicas: REPLICAS,
        target: {
          ...connection(targetEnd),
          groupId: this.replicatorName,
          ...internal,
          // A factor of -1 is the default of the broker.
          config: {
            'config.storage.replication.factor': -1,
            'offset.storage.replication.factor': -1,
            'status.storage.replication.factor': -1,
          },
        },
        mirrors: [
          {
            source: connection(source),
            sourceConnector: { tasksMax: tasks(props), autoRestart: AUTO_RESTART, config: mirror.source },
            ...(mirror.groupsPattern
              ? {
                  checkpointConnector: { tasksMax: 1, autoRestart: AUTO_RESTART, config: mirror.checkpoint },
                  groupsPattern: mirror.groupsPattern,
                  groupsExcludePattern: mirror.groupsExcludePattern,
                }
              : {}),
            topicsPattern: mirror.topicsPattern,
            ...(mirror.topicsExcludePattern ? { topicsExcludePattern: mirror.topicsExcludePattern } : {}),
          },
        ],
        resources: { requests: { cpu: '500m', memory: MEMORY }, limits: { memory: MEMORY } },
        jvmOptions: { '-Xms': HEAP, '-Xmx': HEAP },
        rack: { topologyKey: 'topology.kubernetes.io/zone' },
        metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: ['.*'] } },
        template: {
          pod: {
            metadata: { labels: Lazy.any({ produce: () => this.podLabels([target, source.cluster]) }) },
            topologySpreadConstraints: [this.spread('topology.kubernetes.io/zone'), this.spread('kubernetes.io/hostname')],
          },
          podDisruptionBudget: { maxUnavailable: 1 },
        },
      },
    });
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    this.describe(props, source);
  }

  /** The operator makes the pods, so the labels of the owner and those for which the listeners open travel in its template. */
  private podLabels(clusters: (IKafkaCluster | undefined)[]): Record<string, string> {
    const clients = clusters.flatMap((cluster) => (cluster ? [[clientLabelOf(cluster.clusterName), CLIENT]] : []));
    return { ...CostAllocation.of(this)?.labels(), ...Object.fromEntries(clients) };
  }

  /** Both pods in one zone would be lost with it; one that cannot be spread is better than one that does not run. */
  private spread(topologyKey: string): Record<string, unknown> {
    const matchLabels = { 'strimzi.io/cluster': this.replicatorName, 'strimzi.io/kind': 'KafkaMirrorMaker2' };
    return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels } };
  }

  /** MirrorMaker 2 tells its clusters apart by their aliases alone. */
  private checkAliases(source: MirrorEnd, target: MirrorEnd): void {
    if (source.alias !== target.alias) return;
    refuse(`${this.node.path} source`, {
      code: 'Millrace.ReplicatorAliasInvalid',
      subject: 'alias',
      received: `'${source.alias}', which is the name of the target, too`,
      allowed:
        'another alias than the clusterName of the target: MirrorMaker 2 tells clusters apart by it, and would copy a cluster onto itself',
      fix: 'give the source another alias, for example with its Region, or another source',
    });
  }

  private allow(user: KafkaUser, props: ReplicatorProps, alias: string, internal: InternalTopics): void {
    const { topics, consumerGroups } = props;
    const before = topics.naming === TopicNaming.PREFIXED ? `${alias}.` : '';
    allowSelection(user, 'topic', topics, ['Alter', 'AlterConfigs', 'Create', 'Describe', 'DescribeConfigs', 'Read', 'Write'], before);
    const own = [...Object.values(internal), `mm2-offset-syncs.${alias}.internal`, `${alias}.checkpoints.internal`];
    for (const name of own) user.allow('topic', name, 'literal', ['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write']);
    user.allow('group', this.replicatorName, 'literal', ['Describe', 'Read']);
    if (consumerGroups) allowSelection(user, 'group', consumerGroups, ['Describe', 'Read']);
  }

  private describe(props: ReplicatorProps, source: MirrorEnd): void {
    const { target, topics } = props;
    const names = topics.names ?? [];
    const before = topics.naming === TopicNaming.PREFIXED ? `${source.alias}.` : '';
    StreamCatalog.of(this).connectors.push({
      construct: this,
      name: this.replicatorName,
      kind: 'replicator',
      connectorClass: 'org.apache.kafka.connect.mirror.MirrorSourceConnector',
      reads: names.map((topicName) => ({ clusterName: source.alias, topicName })),
      writes: names.map((topicName) => ({ clusterName: target.clusterName, topicName: before + topicName })),
    });
    SynthesisFiles.of(this).add(`runbooks/${this.node.path.replace(/\//g, '-')}.md`, () =>
      failoverRunbook({
        replicatorName: this.replicatorName,
        source: source.alias,
        target: target.clusterName,
        topics,
        consumerGroups: props.consumerGroups,
        bidirectional: props.bidirectional ?? false,
        alias: source.alias,
        owner: CostAllocation.of(this)?.labels(),
        ...this.operations(props, source),
      }),
    );
  }

  /** What the runbook says of this flavour. */
  private operations(props: ReplicatorProps, source: MirrorEnd): Pick<RunbookSubject, 'healthChecks' | 'stop' | 'reverse' | 'resume'> {
    const namespace = Chart.of(this).namespace;
    return mirrorOperations({
      command: `kafkamirrormaker2 ${this.replicatorName}${namespace ? ` -n ${namespace}` : ''}`,
      replicatorName: this.replicatorName,
      source: source.alias,
      target: props.target.clusterName,
      naming: props.topics.naming ?? TopicNaming.IDENTICAL,
    });
  }
}

interface InternalTopics {
  readonly configStorageTopic: string;
  readonly offsetStorageTopic: string;
  readonly statusStorageTopic: string;
}

function internalTopics(name: string): InternalTopics {
  return { configStorageTopic: `__${name}-configs`, offsetStorageTopic: `__${name}-offsets`, statusStorageTopic: `__${name}-status` };
}

function connection({ alias, bootstrapServers, tls, authentication }: MirrorEnd): object {
  return { alias, bootstrapServers, tls, authentication };
}
