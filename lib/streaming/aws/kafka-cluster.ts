import { Annotations, type CfnResource, Fn, Names, RemovalPolicy, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { show } from '../../core/error';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { BrokerClass } from '../broker-type';
import { type IKafkaCluster as IKafkaClusterContract, KAFKA_CLUSTER_RULES, type KafkaClusterOptions } from '../kafka-cluster';
import { KafkaSizing } from '../kafka-sizing';
import { KafkaUpdateRules } from '../kafka-update-rules';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { BootstrapServers } from './bootstrap-servers';
import { serverProperties } from './broker-configuration';
import { KafkaVersion } from './kafka-version';
import { Topic } from './topic';
import { TopicPrefix } from './topic-prefix';

/** Port of the IAM listener inside the VPC. */
export const IAM_PORT = 9098;
const REQUIRED_ZONES = 3;

/** An MSK cluster, made here or imported. */
export interface IKafkaCluster extends IKafkaClusterContract, ec2.IConnectable {
  /** ARN of the cluster. */
  readonly clusterArn: string;
  /** Key for data at rest, when the customer's own. */
  readonly encryptionKey?: kms.IKey;
  /** Network of the brokers, where it is known. */
  readonly vpc?: ec2.IVpc;
  /** Subnets of the brokers, where they are known; what connects from AWS services stands in them too. */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** Bootstrap servers of the IAM listener, `host:port` separated by commas; the first use creates a lookup. */
  readonly bootstrapServers: string;
}

/** What identifies an existing MSK cluster. */
export interface KafkaClusterAttributes {
  /** ARN of the cluster. */
  readonly clusterArn: string;
  /**
   * Security groups of its brokers; a grant to a client in the VPC opens them.
   * @default - none: such grants are refused
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * Key for data at rest; a grant opens it.
   * @default - the key AWS manages for MSK
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Its brokers; they decide what a topic may set.
   * @default BrokerClass.EXPRESS
   */
  readonly brokerClass?: BrokerClass;
  /**
   * Network of the brokers; connectors and replicators stand in it.
   * @default - unknown: they must be given one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * Subnets of the brokers.
   * @default - private subnets with egress of `vpc`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
}

/** Properties of an MSK cluster. */
export interface KafkaClusterProps extends KafkaClusterOptions {
  /** Network of the brokers, three zones. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the brokers, one in each of three zones. Changing them replaces the cluster.
   * @default - private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Version of Kafka.
   * @default KafkaVersion.V3_9
   */
  readonly kafkaVersion?: KafkaVersion;
  /**
   * Key for data at rest. Changing it replaces the cluster.
   * @default - the key AWS manages for MSK
   */
  readonly encryptionKey?: kms.IKey;
}

const IMPORT_RULES: Rule<KafkaClusterAttributes>[] = [
  {
    code: 'Millrace.KafkaBrokersOnKubernetes',
    subject: 'brokerClass',
    value: (attributes) => attributes.brokerClass,
    valid: (brokerClass: BrokerClass) => brokerClass === BrokerClass.EXPRESS || brokerClass === BrokerClass.STANDARD,
    allowed: 'BrokerClass.EXPRESS or STANDARD',
    fix: 'leave it out for Express, or use streaming.k8s.KafkaCluster',
  },
];

/**
 * A Kafka cluster on Amazon MSK: KRaft, three zones, IAM authentication, TLS only, private, retained, sized for its demand.
 *
 * Express brokers by default; EBS volumes with a Standard sizing. Broker logs and open monitoring are on from day one. Adopt an existing cluster with `cdk import` of the
 * child `Resource` and its `clusterName`; MSK takes one change of a cluster at a time, which the update guard checks.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaClusterZonesInvalid,
 * Millrace.KafkaVersionUnsupported, Millrace.KafkaBrokersOnKubernetes
 */
export class KafkaCluster extends Resource implements IKafkaCluster {
  /**
   * Imports an existing cluster.
   *
   * @throws Millrace.KafkaBrokersOnKubernetes
   */
  public static fromKafkaClusterAttributes(scope: Construct, id: string, attributes: KafkaClusterAttributes): IKafkaCluster {
    class Import extends Resource implements IKafkaCluster {
      public readonly clusterArn = attributes.clusterArn;
      public readonly clusterName = Fn.select(1, Fn.split('/', attributes.clusterArn));
      public readonly encryptionKey = attributes.encryptionKey;
      public readonly connections = new ec2.Connections({
        securityGroups: attributes.securityGroups ?? [],
        defaultPort: ec2.Port.tcp(IAM_PORT),
      });
      public readonly vpc = attributes.vpc;
      public readonly vpcSubnets = attributes.vpc && (attributes.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
      private lookup?: BootstrapServers;
      public get bootstrapServers(): string {
        this.lookup ??= new BootstrapServers(this, 'BootstrapServers', { clusterArn: this.clusterArn });
        return this.lookup.bootstrapServers;
      }
    }
    enforce(`${scope.node.path} fromKafkaClusterAttributes`, attributes, IMPORT_RULES);
    const cluster = new Import(scope, id);
    TopicLedger.of(cluster).brokerClass = attributes.brokerClass ?? BrokerClass.EXPRESS;
    return cluster;
  }

  /** ARN of the cluster. */
  public readonly clusterArn: string;
  /** Name of the cluster. */
  public readonly clusterName: string;
  /** Network of the brokers; the default port is the IAM listener's. */
  public readonly connections: ec2.Connections;
  /** The decided size. */
  public readonly sizing: KafkaSizing;
  /** Key for data at rest, when the customer's own. */
  public readonly encryptionKey?: kms.IKey;
  /** Network of the brokers. */
  public readonly vpc?: ec2.IVpc;
  /** Subnets of the brokers. */
  public readonly vpcSubnets?: ec2.SubnetSelection;

  private lookup?: BootstrapServers;

  constructor(scope: Construct, id: string, props: KafkaClusterProps) {
    super(scope, id);
    enforce(this.node.path, props, KAFKA_CLUSTER_RULES);
    this.sizing = props.sizing ?? KafkaSizing.forDemand(props.demand!);
    this.encryptionKey = props.encryptionKey;
    const kafkaVersion = props.kafkaVersion ?? KafkaVersion.V3_9;
    const subnets = props.vpc.selectSubnets({
      onePerAz: true,
      ...(props.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }),
    });
    this.vpc = props.vpc;
    this.vpcSubnets = { subnets: subnets.subnets };
    const { brokerType, brokers } = this.sizing;
    const clusterName = props.clusterName ?? Names.uniqueResourceName(this, { maxLength: 64, separator: '-' });
    this.checkSurroundings(clusterName, kafkaVersion, subnets);

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      // Without the construct path: a changed description replaces the group, and with it the cluster.
      description: 'Kafka brokers',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(IAM_PORT) });
    const configuration = new msk.CfnConfiguration(this, 'Configuration', {
      name: `${clusterName}-settings`,
      serverProperties: serverProperties(this.sizing),
    });
    const standard = brokerType.brokerClass === BrokerClass.STANDARD;
    const cluster = new msk.CfnCluster(this, 'Resource', {
      clusterName,
      kafkaVersion: kafkaVersion.version,
      numberOfBrokerNodes: brokers,
      brokerNodeGroupInfo: {
        instanceType: brokerType.name,
        clientSubnets: subnets.subnetIds,
        securityGroups: [securityGroup.securityGroupId],
        storageInfo: standard ? { ebsStorageInfo: { volumeSize: this.sizing.storagePerBroker!.toGibibytes() } } : undefined,
      },
      clientAuthentication: { sasl: { iam: { enabled: true } }, unauthenticated: { enabled: false } },
      encryptionInfo: {
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
        encryptionAtRest: props.encryptionKey ? { dataVolumeKmsKeyId: props.encryptionKey.keyArn } : undefined,
      },
      // The revision follows the configuration: MSK would otherwise keep running the old settings (streaming reference, 2).
      configurationInfo: { arn: configuration.attrArn, revision: configuration.attrLatestRevisionRevision },
      enhancedMonitoring: 'PER_BROKER',
      // From day one: it cannot be turned on later without a failing, drifting stack (aws/aws-cdk#17505).
      openMonitoring: { prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: true } } },
      loggingInfo: this.brokerLogs(),
      rebalancing: standard ? undefined : { status: 'ACTIVE' },
    });
    this.clusterArn = cluster.attrArn;
    this.clusterName = clusterName;
    this.retain([cluster, configuration, securityGroup], props.removalPolicy);
    recordSizing(cluster, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    TopicLedger.of(this).sizing = this.sizing;
  }

  /**
   * Bootstrap servers of the IAM listener, `host:port` separated by commas. MSK has no such attribute, so the first use creates one
   * least-privilege lookup in the cluster's stack.
   */
  public get bootstrapServers(): string {
    this.lookup ??= new BootstrapServers(this, 'BootstrapServers', { clusterArn: this.clusterArn });
    return this.lookup.bootstrapServers;
  }

  /** Declares a topic on this cluster. */
  public addTopic(id: string, options: TopicOptions): Topic {
    return new Topic(this, id, { ...options, cluster: this });
  }

  /** All topics whose names begin alike, to grant access to them. */
  public topicPrefix(prefix: string): TopicPrefix {
    return new TopicPrefix(this, prefix);
  }

  private checkSurroundings(clusterName: string, version: KafkaVersion, subnets: ec2.SelectedSubnets): void {
    const { brokerType } = this.sizing;
    enforce(this.node.path, { clusterName, version, subnets }, [
      {
        code: 'Millrace.KafkaBrokersOnKubernetes',
        subject: 'sizing',
        value: () => brokerType.name,
        valid: () => brokerType.brokerClass !== BrokerClass.KUBERNETES,
        allowed: 'Express or Standard brokers on MSK',
        fix: 'use BrokerClass.EXPRESS or STANDARD, or streaming.k8s.KafkaCluster',
      },
      {
        code: 'Millrace.KafkaClusterNameInvalid',
        subject: 'clusterName',
        value: (input) => input.clusterName,
        valid: (name: string) => /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/.test(name),
        allowed: "1-64 letters, digits or '-', beginning with a letter or digit",
        fix: 'rename it, or leave it out',
      },
      {
        code: 'Millrace.KafkaClusterZonesInvalid',
        subject: 'vpcSubnets',
        // The first synth of a looked-up Vpc sees a placeholder of two zones; refusing it would keep the lookup from ever being made.
        value: ({ subnets: { isPendingLookup, subnetIds, availabilityZones } }) =>
          isPendingLookup ? undefined : `${subnetIds.length} subnets in ${new Set(availabilityZones).size} zones`,
        valid: (selected: string) => selected === `${REQUIRED_ZONES} subnets in ${REQUIRED_ZONES} zones`,
        allowed: `one subnet in each of ${REQUIRED_ZONES} zones`,
        fix: 'give the Vpc three availabilityZones (an environment-agnostic stack has two), or select three subnets',
      },
      {
        code: 'Millrace.KafkaVersionUnsupported',
        subject: 'kafkaVersion',
        value: (input) => input.version.version,
        valid: (_value: string, input) => input.version.brokerClasses.includes(brokerType.brokerClass),
        allowed: `a version that ${show(brokerType.brokerClass)} brokers run`,
        fix: 'Express runs 3.8, 3.9 and 4.2',
      },
    ]);
  }

  private brokerLogs(): msk.CfnCluster.LoggingInfoProperty {
    const logGroup = new logs.LogGroup(this, 'BrokerLogs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    return { brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: logGroup.logGroupName } } };
  }

  /** A cluster that stays needs its network and settings: CloudFormation could not delete them from under it. */
  private retain(resources: (CfnResource | Resource)[], requested: RemovalPolicy | undefined): void {
    const decision = decideRetention(this, requested);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    for (const resource of resources) resource.applyRemovalPolicy(removalPolicyOf(decision));
  }
}
