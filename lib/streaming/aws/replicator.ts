import { Lazy, Names, RemovalPolicy, Resource, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { SynthesisFiles } from '../../core/synthesis-file';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { REPLICATOR_PARTITION_RULES, targetRules } from '../replication-fit';
import { failoverRunbook } from '../replication-runbook';
import { type IReplicator, REPLICATOR_RULES, type ReplicatorOptions, StartingPosition, TopicNaming, patternsOf } from '../replicator';
import { StreamCatalog } from '../stream-catalog';
import { TopicLedger } from '../topic-ledger';
import { openKey } from './cluster-key';
import type { IKafkaCluster } from './kafka-cluster';
import { type ResolvedSource, mskEnd, regionOf } from './replication-end';
import type { ReplicationSource } from './replication-source';
import { replicatorStatements } from './replicator-policy';

/** Properties of an MSK Replicator. */
export interface ReplicatorProps extends ReplicatorOptions {
  /** The cluster to read from. Changing it makes a new replicator. */
  readonly source: ReplicationSource;
  /** The cluster to write to; the replicator stands in its Region. Changing it makes a new replicator. */
  readonly target: IKafkaCluster;
}

interface Ends {
  readonly name: string;
  readonly source: ResolvedSource;
  readonly target: IKafkaCluster;
  readonly targetSubnets: number;
  readonly sourceSubnets: number;
  /** Region of the stack. */
  readonly region: string;
}

const RULES: readonly Rule<Ends>[] = [
  {
    code: 'Millrace.ReplicatorNameInvalid',
    subject: 'replicatorName',
    value: (ends) => ends.name,
    valid: (name: string) => /^[0-9A-Za-z][0-9A-Za-z-]{0,127}$/.test(name),
    allowed: "1-128 letters, digits or '-', beginning with a letter or digit",
    fix: 'rename it, or leave it out',
  },
  {
    code: 'Millrace.ReplicatorRegionInvalid',
    subject: 'target',
    value: ({ target, region }) => {
      const regions = [regionOf(target), region];
      return regions.some((each) => Token.isUnresolved(each)) ? undefined : `a cluster of ${regions[0]} in a stack of ${region}`;
    },
    valid: (_shown: string, { target, region }) => regionOf(target) === region,
    allowed: 'a stack in the Region of the target: a replicator stands there',
    fix: 'make the replicator in the stack of the target',
  },
  ...(['sourceSubnets', 'targetSubnets'] as const).map((end): Rule<Ends> => ({
    code: 'Millrace.ReplicatorSubnetsTooFew',
    subject: end === 'sourceSubnets' ? 'source' : 'target',
    value: (ends) => ends[end],
    valid: (count: number) => count >= 2,
    allowed: 'two or more subnets of each cluster',
    fix: 'select the subnets in which its brokers stand',
  })),
];

const subnetCount = ({ vpcConfig }: msk.CfnReplicator.KafkaClusterProperty) =>
  (vpcConfig as msk.CfnReplicator.KafkaClusterClientVpcConfigProperty).subnetIds.length;

/**
 * Copies topics, their settings and the offsets of consumer groups to an MSK cluster, from MSK in this Region or another, or from Kafka
 * elsewhere. MSK Replicator scales by itself. A failover runbook with the names of this replicator is written beside the templates, in
 * `runbooks/`.
 *
 * Its role may read and write the selected topics and groups and no others. Access control lists are not copied: on MSK the grants of the
 * target decide. Make it in the stack of the target.
 *
 * @throws Millrace.ReplicatorTopicsInvalid, Millrace.ReplicatorGroupsInvalid, Millrace.ReplicatorDemandInvalid, Millrace.ReplicatorNameInvalid,
 * Millrace.ReplicatorRegionInvalid, Millrace.ReplicatorSourceNotOffered, Millrace.ReplicatorSubnetsTooFew, Millrace.ReplicatorPartitionsTooFew,
 * Millrace.ReplicatorDoesNotFit, Millrace.KafkaPartitionCountInvalid, Millrace.KafkaClusterNetworkUnknown
 */
export class Replicator extends Resource implements IReplicator, iam.IGrantable, ec2.IConnectable {
  /** Name of the replicator. */
  public readonly replicatorName: string;
  /** ARN of the replicator. */
  public readonly replicatorArn: string;
  /** The role it acts as; quotas on it keep the replicator from crowding out other clients. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Its network in the Region of the target. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: ReplicatorProps) {
    super(scope, id);
    enforce(this.node.path, props, REPLICATOR_RULES);
    enforce(this.node.path, props, [...REPLICATOR_PARTITION_RULES, ...targetRules(TopicLedger.of(props.target).sizing)]);
    const { target, topics, consumerGroups } = props;
    this.replicatorName = props.replicatorName ?? Names.uniqueResourceName(this, { maxLength: 64, separator: '-' });
    // The group is made after the checks, its id is needed by them.
    const securityGroupId = Lazy.string({ produce: () => this.connections.securityGroups[0].securityGroupId });
    const source = props.source._resolve(this, securityGroupId);
    const targetEnd = mskEnd(this, target, [securityGroupId]);
    const [targetSubnets, sourceSubnets] = [targetEnd, source.cluster].map(subnetCount);
    const { region } = Stack.of(this);
    enforce(this.node.path, { name: this.replicatorName, source, target, targetSubnets, sourceSubnets, region }, RULES);
    this.connections = this.connect(target, source);
    const role = this.executionRole(props, source);
    this.grantPrincipal = role;
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const replicator = new msk.CfnReplicator(this, 'Resource', {
      replicatorName: this.replicatorName,
      serviceExecutionRoleArn: role.roleArn,
      kafkaClusters: [source.cluster, targetEnd],
      replicationInfoList: [
        {
          sourceKafkaClusterArn: source.clusterArn,
          sourceKafkaClusterId: source.clusterId,
          targetKafkaClusterArn: target.clusterArn,
          // Traffic between Regions is paid by the byte; records that are compressed already stay as small.
          targetCompressionType: source.isCrossRegion ? 'ZSTD' : 'NONE',
          topicReplication: {
            topicsToReplicate: patternsOf(topics),
            topicsToExclude: topics.exclude && patternsOf({ names: topics.exclude }),
            copyTopicConfigurations: true,
            copyAccessControlListsForTopics: false,
            detectAndCopyNewTopics: true,
            startingPosition: { type: topics.startingPosition === StartingPosition.LATEST ? 'LATEST' : 'EARLIEST' },
            topicNameConfiguration: {
              type: topics.naming === TopicNaming.PREFIXED ? 'PREFIXED_WITH_SOURCE_CLUSTER_ALIAS' : 'IDENTICAL',
            },
          },
          consumerGroupReplication: {
            consumerGroupsToReplicate: consumerGroups ? patternsOf(consumerGroups) : [],
            synchroniseConsumerGroupOffsets: consumerGroups !== undefined,
            detectAndCopyNewConsumerGroups: consumerGroups !== undefined,
            // ENHANCED asks for a replicator the other way.
            consumerGroupOffsetSyncMode: props.bidirectional ? 'ENHANCED' : 'LEGACY',
          },
        },
      ],
      logDelivery: { replicatorLogDelivery: { cloudWatchLogs: { enabled: true, logGroup: logGroup.logGroupName } } },
    });
    // MSK checks the permissions while it makes the replicator.
    replicator.node.addDependency(role);
    this.replicatorArn = replicator.attrReplicatorArn;
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    this.describe(props, source);
  }

  private connect(target: IKafkaCluster, source: ResolvedSource): ec2.Connections {
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: target.vpc!,
      description: 'MSK Replicator',
      allowAllOutbound: false,
    });
    const connections = new ec2.Connections({ securityGroups: [securityGroup] });
    connections.allowToDefaultPort(target, 'target cluster');
    for (const port of source.ports) connections.allowToAnyIpv4(port, 'source cluster and its credentials');
    if (source.connections) connections.allowToDefaultPort({ connections: source.connections }, 'source cluster');
    return connections;
  }

  private executionRole(props: ReplicatorProps, source: ResolvedSource): iam.Role {
    const role = new iam.Role(this, 'Role', {
      description: 'MSK Replicator',
      assumedBy: new iam.ServicePrincipal('kafka.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    const { topics, consumerGroups, target } = props;
    for (const statement of replicatorStatements({ sourceArn: source.clusterArn, targetArn: target.clusterArn, topics, consumerGroups })) {
      role.addToPolicy(statement);
    }
    for (const secret of source.secrets) secret.grantRead(role);
    if (source.construct) openKey(role, source.construct, ['kms:Decrypt']);
    openKey(role, target, ['kms:GenerateDataKey', 'kms:Decrypt']);
    return role;
  }

  private describe(props: ReplicatorProps, source: ResolvedSource): void {
    const { target, topics } = props;
    const names = topics.names ?? [];
    // The clusters of two Regions often have one name.
    const sourceName = source.name === target.clusterName ? `${source.name}-source` : source.name;
    StreamCatalog.of(this).connectors.push({
      construct: this,
      name: this.replicatorName,
      kind: 'replicator',
      connectorClass: 'AWS::MSK::Replicator',
      reads: names.map((topicName) => ({ clusterName: sourceName, topicName })),
      writes: topics.naming === TopicNaming.PREFIXED ? [] : names.map((topicName) => ({ clusterName: target.clusterName, topicName })),
    });
    const file = `runbooks/${this.node.path.replace(/\//g, '-')}.md`;
    SynthesisFiles.of(this).add(file, () =>
      failoverRunbook({
        replicatorName: this.replicatorName,
        source: source.construct ? readable(source.construct) : source.name,
        target: readable(target),
        topics,
        consumerGroups: props.consumerGroups,
        bidirectional: props.bidirectional ?? false,
        owner: CostAllocation.of(this)?.tags(),
        healthChecks: [
          `CloudWatch namespace \`AWS/Kafka\`, dimension \`Replicator Name\` = \`${this.replicatorName}\`: \`MessageLag\` near zero, \`ReplicatorThroughput\` above zero while producers write.`,
          'On each cluster `MaxOffsetLag` of the consumer groups.',
          `\`aws kafka list-replicators --replicator-name-filter ${this.replicatorName}\` says RUNNING.`,
        ],
        stop: `Leave ${this.replicatorName} running: it copies nothing while nobody writes to the source.`,
        reverse: `Declare a Replicator with source and target exchanged, \`startingPosition: EARLIEST\` and the same naming, and deploy it in the Region of the source; MSK takes about half an hour.`,
      }),
    );
  }
}

/** A name for people: what is known only at deploy time is replaced by the construct path, and clusters of one name are told apart. */
function readable(cluster: IKafkaCluster): string {
  const name = Token.isUnresolved(cluster.clusterName) ? cluster.node.path : cluster.clusterName;
  const region = regionOf(cluster);
  return Token.isUnresolved(region) ? name : `${name} in ${region}`;
}
