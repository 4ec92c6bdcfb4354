import { Annotations, Names, type RemovalPolicy, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { BrokerClass } from '../broker-type';
import type { KafkaDemand } from '../kafka-sizing';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { ServerlessSizing } from '../serverless-sizing';
import { StreamCatalog } from '../stream-catalog';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { BootstrapServers, refuseListener } from './bootstrap-servers';
import { ClientAuthentication } from './client-authentication';
import type { IKafkaCluster } from './kafka-cluster';
import { CLUSTER_NAME_RULE } from './kafka-cluster-rules';
import { KafkaListener } from './kafka-listener';
import { LISTENERS } from './listener-facts';
import { Topic } from './topic';
import { TopicPrefix } from './topic-prefix';

/** Properties of an MSK Serverless cluster. */
export interface ServerlessClusterProps {
  /** Network of its clients. Changing it replaces the cluster. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets in which clients reach it, in at least two zones. Changing them replaces the cluster.
   * @default - private subnets with egress, one a zone
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Name of the cluster. Changing it replaces the cluster.
   * @default - from the construct path
   */
  readonly clusterName?: string;
  /**
   * What the cluster must carry; it must stay within the quotas of MSK Serverless. Give this or `sizing`.
   * @default - `sizing` is given
   */
  readonly demand?: KafkaDemand;
  /**
   * A demand that was checked already. Give this or `demand`.
   * @default - checked from `demand`
   */
  readonly sizing?: ServerlessSizing;
  /**
   * What becomes of the data when the cluster leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * A Kafka cluster without brokers on Amazon MSK Serverless: for traffic that comes and goes, within its quotas. IAM authentication only,
 * encrypted under a key of AWS, private, retained.
 *
 * MSK replaces it for any change, of its tags too: the first ones stay, see decision 0005. It has no settings of brokers, no broker logs and
 * no metrics of brokers.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaServerlessZonesInvalid, Millrace.KafkaDemandDoesNotFit
 */
export class ServerlessCluster extends Resource implements IKafkaCluster {
  /** ARN of the cluster. */
  public readonly clusterArn: string;
  /** Name of the cluster. */
  public readonly clusterName: string;
  /** Its network; the default port is the IAM listener's. */
  public readonly connections: ec2.Connections;
  /** The checked demand. */
  public readonly sizing: ServerlessSizing;
  /** Network of its clients. */
  public readonly vpc?: ec2.IVpc;
  /** Subnets in which clients reach it. */
  public readonly vpcSubnets?: ec2.SubnetSelection;
  /** How it knows its clients: IAM alone. */
  public readonly clientAuthentication?: ClientAuthentication;
  /** True: CloudFormation has no type for its topics. */
  public readonly isServerless?: boolean;
  private lookup?: BootstrapServers;

  constructor(scope: Construct, id: string, props: ServerlessClusterProps) {
    super(scope, id);
    const subnets = props.vpc.selectSubnets({
      onePerAz: true,
      ...(props.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }),
    });
    const clusterName = props.clusterName ?? Names.uniqueResourceName(this, { maxLength: 64, separator: '-' });
    enforce(this.node.path, { clusterName, subnets }, [
      {
        code: 'Millrace.KafkaClusterSizeMissing',
        subject: 'demand, sizing',
        value: () => [props.demand && 'demand', props.sizing && 'sizing'].filter(Boolean),
        valid: (given: string[]) => given.length === 1,
        allowed: 'either a demand or a sizing',
        fix: 'state the demand: beyond the quotas of MSK Serverless clients are slowed down',
      },
      CLUSTER_NAME_RULE,
      {
        code: 'Millrace.KafkaServerlessZonesInvalid',
        subject: 'vpcSubnets',
        value: (input) => (input.subnets.isPendingLookup ? undefined : new Set(input.subnets.availabilityZones).size),
        valid: (zones: number) => zones >= 2,
        allowed: 'subnets in at least two zones',
        fix: 'give the Vpc two availabilityZones or more, or select subnets',
      },
    ]);
    this.sizing = props.sizing ?? ServerlessSizing.forDemand(props.demand!);
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      // Without the construct path: a changed description replaces the group, and with it the cluster.
      description: 'Kafka cluster',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({
      securityGroups: [securityGroup],
      defaultPort: ec2.Port.tcp(LISTENERS[KafkaListener.IAM].port),
    });
    const cluster = new msk.CfnServerlessCluster(this, 'Resource', {
      clusterName,
      vpcConfigs: [{ subnetIds: subnets.subnetIds, securityGroups: [securityGroup.securityGroupId] }],
      clientAuthentication: { sasl: { iam: { enabled: true } } },
    });
    this.clusterArn = cluster.attrArn;
    this.clusterName = clusterName;
    this.vpc = props.vpc;
    this.vpcSubnets = { subnets: subnets.subnets };
    this.clientAuthentication = ClientAuthentication.iam();
    this.isServerless = true;
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    for (const resource of [cluster, securityGroup]) resource.applyRemovalPolicy(removalPolicyOf(decision));
    recordSizing(cluster, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    const ledger = TopicLedger.of(this);
    ledger.serverless = this.sizing;
    // Like Express it has three copies, and keeps the in-sync ones itself.
    ledger.brokerClass = BrokerClass.EXPRESS;
    StreamCatalog.of(this).clusters.push({ construct: this, clusterName, protocol: 'kafka-secure' });
  }

  /** Bootstrap servers of the IAM listener, `host:port` separated by commas; the first use creates one least-privilege lookup. */
  public get bootstrapServers(): string {
    return this.bootstrapServersFor(KafkaListener.IAM);
  }

  /**
   * Bootstrap servers of the IAM listener, the only one.
   *
   * @throws Millrace.KafkaListenerOff
   */
  public bootstrapServersFor(listener: KafkaListener): string {
    if (listener !== KafkaListener.IAM) return refuseListener(this.node.path, listener, [KafkaListener.IAM]);
    this.lookup ??= new BootstrapServers(this, 'BootstrapServers', { clusterArn: this.clusterArn });
    return this.lookup.bootstrapServers;
  }

  /** Declares a topic on this cluster. */
  public addTopic(id: string, options: TopicOptions): Topic {
    return new Topic(this, id, { ...options, cluster: this });
  }

  /**
   * All topics whose names begin alike, to grant access to them.
   *
   * @throws Millrace.KafkaPrefixInvalid
   */
  public topicPrefix(prefix: string): TopicPrefix {
    return new TopicPrefix(this, prefix);
  }
}
