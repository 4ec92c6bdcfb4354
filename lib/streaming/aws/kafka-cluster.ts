import { Annotations, type CfnResource, Names, RemovalPolicy, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { BrokerClass } from '../broker-type';
import { type IKafkaCluster as IKafkaClusterContract, KAFKA_CLUSTER_RULES, type KafkaClusterOptions } from '../kafka-cluster';
import { KafkaSizing } from '../kafka-sizing';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { StreamCatalog } from '../stream-catalog';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { BootstrapServers, refuseListener } from './bootstrap-servers';
import { brokerVolumes, serverProperties } from './broker-configuration';
import type { BrokerSettings } from './broker-settings';
import { brokerSettingsRules } from './broker-settings-rules';
import { ClientAuthentication } from './client-authentication';
import { CONNECT_ACTIONS, ClusterPolicy } from './cluster-policy';
import { ImportedKafkaCluster } from './imported-kafka-cluster';
import { KafkaClusterMetrics } from './kafka-cluster-metrics';
import type { KafkaClusterAttributes } from './kafka-cluster-attributes';
import { CLUSTER_RULES } from './kafka-cluster-rules';
import { KafkaListener } from './kafka-listener';
import { LISTENERS } from './listener-facts';
import { type KafkaMonitoring, MonitoringLevel } from './kafka-monitoring';
import type { KafkaStorage } from './kafka-storage';
import { STORAGE_RULES } from './kafka-storage-rules';
import { KafkaVersion } from './kafka-version';
import { StorageAutoscaling } from './storage-autoscaling';
import { Topic } from './topic';
import { TopicPrefix } from './topic-prefix';

/** Port of the IAM listener inside the VPC. */
export const IAM_PORT = LISTENERS[KafkaListener.IAM].port;

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
  /** How it knows its clients, where that is known. */
  readonly clientAuthentication?: ClientAuthentication;
  /** Whether it is an MSK Serverless cluster, for whose topics CloudFormation has no type. */
  readonly isServerless?: boolean;
  /** Bootstrap servers of one listener, `host:port` separated by commas. */
  bootstrapServersFor(listener: KafkaListener): string;
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
  /**
   * How it knows its clients.
   * @default ClientAuthentication.iam()
   */
  readonly clientAuthentication?: ClientAuthentication;
  /**
   * How Standard brokers store records. The size of a volume and the throughput that is bought are part of `sizing`.
   * @default - volumes alone, which stay as they are sized
   */
  readonly storage?: KafkaStorage;
  /**
   * How it is watched.
   * @default - metrics of each broker, logs for a month
   */
  readonly monitoring?: KafkaMonitoring;
  /**
   * Settings of the brokers beside the safe ones.
   * @default - none
   */
  readonly brokerSettings?: BrokerSettings;
}

/**
 * A Kafka cluster on Amazon MSK: KRaft, three zones, IAM authentication, TLS only, private, retained, sized for its demand.
 *
 * Express brokers by default; EBS volumes with a Standard sizing. Broker logs and open monitoring are on from day one. Adopt an existing
 * cluster with `cdk import` of the child `Resource` and its `clusterName`; MSK takes one change at a time, which the update guard checks.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaClusterZonesInvalid,
 * Millrace.KafkaVersionUnsupported, Millrace.KafkaBrokersOnKubernetes, Millrace.KafkaStorageOnExpress, Millrace.KafkaStorageAutoscalingInvalid,
 * Millrace.KafkaBrokerConfigUnknown, Millrace.KafkaBrokerConfigOnExpress, Millrace.KafkaBrokerConfigInvalid, Millrace.KafkaUncleanElection,
 * Millrace.KafkaBrokerMinInsyncInvalid, Millrace.KafkaOpenAccess
 */
export class KafkaCluster extends Resource implements IKafkaCluster {
  /**
   * Imports an existing cluster.
   *
   * @throws Millrace.KafkaBrokersOnKubernetes
   */
  public static fromKafkaClusterAttributes(scope: Construct, id: string, attributes: KafkaClusterAttributes): IKafkaCluster {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedKafkaCluster(scope, id, attributes);
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

  /** How it knows its clients. */
  public readonly clientAuthentication?: ClientAuthentication;
  /** @internal */
  public readonly _removalPolicy: RemovalPolicy;

  private lookup?: BootstrapServers;
  private policy?: ClusterPolicy;

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
    enforce(this.node.path, { clusterName, version: kafkaVersion, subnets, sizing: this.sizing }, CLUSTER_RULES);
    const authentication = props.clientAuthentication ?? ClientAuthentication.iam();
    this.clientAuthentication = authentication;
    const storage = this.checkedStorage(props.storage);
    const config = this.checkedSettings(props.brokerSettings, storage);

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      // Without the construct path: a changed description replaces the group, and with it the cluster.
      description: 'Kafka brokers',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(IAM_PORT) });
    const configuration = new msk.CfnConfiguration(this, 'Configuration', {
      name: `${clusterName}-settings`,
      serverProperties: serverProperties(this.sizing, { ...this.sizing.threadSettings, ...config }),
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
        connectivityInfo: authentication._renderConnectivity(),
        storageInfo: standard ? { ebsStorageInfo: brokerVolumes(this.sizing) } : undefined,
      },
      storageMode: storage.tiered ? 'TIERED' : undefined,
      clientAuthentication: authentication._render(),
      encryptionInfo: {
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
        encryptionAtRest: props.encryptionKey ? { dataVolumeKmsKeyId: props.encryptionKey.keyArn } : undefined,
      },
      // The revision follows the configuration: MSK would otherwise keep running the old settings (streaming reference, 2).
      configurationInfo: { arn: configuration.attrArn, revision: configuration.attrLatestRevisionRevision },
      enhancedMonitoring: props.monitoring?.level ?? MonitoringLevel.PER_BROKER,
      // From day one: it cannot be turned on later without a failing, drifting stack (aws/aws-cdk#17505).
      openMonitoring: { prometheus: { jmxExporter: { enabledInBroker: true }, nodeExporter: { enabledInBroker: true } } },
      loggingInfo: this.brokerLogs(props.monitoring?.logRetention),
      rebalancing: standard ? undefined : { status: 'ACTIVE' },
    });
    this.clusterArn = cluster.attrArn;
    this.clusterName = clusterName;
    this._removalPolicy = this.retain([cluster, configuration, securityGroup], props.removalPolicy);
    if (storage.autoscaling) new StorageAutoscaling(this, 'StorageAutoscaling', { clusterArn: this.clusterArn, ...storage.autoscaling });
    recordSizing(cluster, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    TopicLedger.of(this).sizing = this.sizing;
    StreamCatalog.of(this).clusters.push({ construct: this, clusterName, protocol: 'kafka-secure' });
  }

  /**
   * Bootstrap servers of the IAM listener, `host:port` separated by commas. MSK has no such attribute, so the first use creates one
   * least-privilege lookup in the cluster's stack.
   */
  public get bootstrapServers(): string {
    return this.bootstrapServersFor(KafkaListener.IAM);
  }

  /**
   * Bootstrap servers of one listener, from the same lookup.
   *
   * @throws Millrace.KafkaListenerOff
   */
  public bootstrapServersFor(listener: KafkaListener): string {
    const { listeners } = this.clientAuthentication!;
    if (!listeners.includes(listener)) return refuseListener(this.node.path, listener, listeners);
    this.lookup ??= new BootstrapServers(this, 'BootstrapServers', { clusterArn: this.clusterArn, listeners });
    return this.lookup.of(listener);
  }

  /** Metrics for alarms and dashboards. */
  public get metrics(): KafkaClusterMetrics {
    return new KafkaClusterMetrics(this.clusterName, this.sizing);
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

  /**
   * Lets another account make connections to this cluster: its administrators hand that on. What its clients may do with topics is granted
   * apart, to their principals.
   */
  public allowAccount(account: string): void {
    this.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.AccountPrincipal(account)],
        actions: CONNECT_ACTIONS,
        resources: [this.clusterArn],
      }),
    );
  }

  /** Adds a statement to the resource policy of the cluster; the first one makes the policy. MSK wants `withMultiVpc()` before it. */
  public addToResourcePolicy(statement: iam.PolicyStatement): void {
    if (!this.policy) {
      this.policy = new ClusterPolicy(this, 'Policy', { clusterArn: this.clusterArn });
      if (!this.clientAuthentication!.multiVpc) {
        Annotations.of(this).addWarningV2(
          'Millrace.KafkaPolicyWithoutMultiVpc',
          'the cluster has a resource policy and offers no connections to other VPCs: received clientAuthentication without withMultiVpc(); allowed: both together; fix: add withMultiVpc() in a deploy of its own',
        );
      }
    }
    this.policy.document.addStatements(statement);
  }

  private checkedStorage(requested: KafkaStorage | undefined): KafkaStorage {
    const storage = { ...requested, tiered: requested?.tiered === true || this.sizing.primaryRetention !== undefined };
    enforce(this.node.path, { storage, volumeGib: this.sizing.storagePerBroker?.toGibibytes() }, STORAGE_RULES);
    return storage;
  }

  private checkedSettings(settings: BrokerSettings | undefined, { tiered = false }: KafkaStorage): { [name: string]: string } {
    const config = settings?.config ?? {};
    const { brokerType, replicationFactor } = this.sizing;
    const { brokerClass } = brokerType;
    const acknowledgeDataLoss = settings?.acknowledgeDataLoss ?? false;
    enforce(this.node.path, { config, brokerClass, replicationFactor, acknowledgeDataLoss, tiered }, brokerSettingsRules(config));
    return config;
  }

  private brokerLogs(retention = logs.RetentionDays.ONE_MONTH): msk.CfnCluster.LoggingInfoProperty {
    const removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const logGroup = new logs.LogGroup(this, 'BrokerLogs', { retention, removalPolicy });
    return { brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: logGroup.logGroupName } } };
  }

  /** A cluster that stays needs its network and settings: CloudFormation could not delete them from under it. */
  private retain(resources: (CfnResource | Resource)[], requested: RemovalPolicy | undefined): RemovalPolicy {
    const decision = decideRetention(this, requested);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    for (const resource of resources) resource.applyRemovalPolicy(removalPolicyOf(decision));
    return removalPolicyOf(decision);
  }
}
