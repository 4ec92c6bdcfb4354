import { Fn, Lazy, Names, RemovalPolicy, Resource } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kafkaconnect from 'aws-cdk-lib/aws-kafkaconnect';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import type { ConnectorSettings } from '../cdc-config';
import type { CdcKafkaClient } from '../cdc-options';
import { type ConnectorOptions, ConnectorState, type IConnector } from '../connector';
import type { BoundConnector } from '../connector-binding';
import { ConnectorKind } from '../connector-config';
import { connectorRules, deadLetterRetention, deadLetterTopicOf, hasOneTask, recordConnector, resolveConnector } from '../connector-rules';
import { ConnectorUpdateRules } from '../connector-update-rules';
import type { ITopic } from '../topic';
import { CleanupPolicy } from '../topic';
import { TopicLedger } from '../topic-ledger';
import type { IConnectPlugin } from './connect-plugin';
import { connectorRole, grantConverterSchemas, grantOwnTopic, grantWorkerState, grantsOf } from './connector-access';
import { ConnectorCapacity } from './connector-capacity';
import { type ConnectorNetwork, placeConnector } from './connector-network';
import type { IKafkaCluster } from './kafka-cluster';
import { Topic } from './topic';
import { SECRETS_PROVIDER, WorkerConfiguration, shortHash } from './worker-configuration';

/** Where and how the workers of a connector run. */
export interface ConnectorWorkers {
  /**
   * How many there are.
   * @default ConnectorCapacity.provisioned()
   */
  readonly capacity?: ConnectorCapacity;
  /**
   * Version of Kafka Connect: `3.7.x` or `2.7.1` (MSK Connect developer guide).
   * @default '3.7.x'
   */
  readonly connectVersion?: string;
  /**
   * Where they stand.
   * @default - in the network of the cluster
   */
  readonly network?: ConnectorNetwork;
  /**
   * Secrets to which settings refer with `Connector.secretReference`; the workers may read them. The files of the provider
   * (`msk-config-providers` of aws-samples) belong into the plugin.
   * @default - none
   */
  readonly secrets?: secretsmanager.ISecret[];
}

/** Properties of a connector on MSK Connect. */
export interface ConnectorProps extends ConnectorOptions {
  /** The cluster, made here or imported, with IAM authentication. */
  readonly cluster: IKafkaCluster;
  /** The files of the connector, of the config provider and of converters that are no part of Kafka Connect. */
  readonly plugins: IConnectPlugin[];
  /**
   * Where and how its workers run.
   * @default - one worker of one unit, in the network of the cluster
   */
  readonly workers?: ConnectorWorkers;
}

/** What stays of a connector while it is stopped. */
interface ConnectorParts {
  readonly worker: WorkerConfiguration;
  readonly subnetIds: string[];
  readonly logGroup: logs.ILogGroup;
}

/** Kafka for clients that a connector makes itself, with the role of its workers. */
export function iamClient(cluster: IKafkaCluster): CdcKafkaClient {
  return {
    bootstrapServers: cluster.bootstrapServers,
    settings: {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'AWS_MSK_IAM',
      'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
      'sasl.client.callback.handler.class': 'software.amazon.msk.auth.iam.IAMClientCallbackHandler',
    },
  };
}

/** Name of the topic for the position of a source; it outlives the connector. */
function offsetTopicName(connectorName: string): string {
  return `${connectorName}.offsets`;
}

/**
 * A connector on MSK Connect: IAM and TLS to the brokers, a role for its own topics and group alone, logs in CloudWatch for a month.
 *
 * MSK Connect names a connector once and CloudFormation replaces it for every change but that of capacity and tags. A sink is therefore named
 * `<connectorName>-<hash of its settings>`: the new one starts beside the old one, in the same consumer group, and they share the partitions until
 * the old one is gone. A source keeps its plain name, because Kafka Connect keeps the position in the log under the name; to change one, deploy it
 * with `state: STOPPED`, then with the new settings, and it goes on where it stopped. Positions of sources are in a topic of ours, which outlives
 * the connector. The update guard refuses the change in one step.
 *
 * @throws Millrace.ConnectorNameInvalid, Millrace.ConnectorClassInvalid, Millrace.ConnectorTasksInvalid, Millrace.ConnectorTopicsMissing,
 * Millrace.ConnectorDeadLetterOfSource, Millrace.ConnectorSettingReserved, Millrace.ConnectorSecretInSettings, Millrace.ConnectorAutoscaling,
 * Millrace.ConnectVersionUnsupported, Millrace.ConnectPluginMissing, Millrace.ConnectorNetworkUnknown, Millrace.ConnectorTopicForeign,
 * Millrace.TokenRefused
 */
export class Connector extends Resource implements IConnector, iam.IGrantable, ec2.IConnectable {
  /** A reference to one key of a secret in JSON, for a setting; the workers resolve it, so that the value is in no template. */
  public static secretReference(secret: secretsmanager.ISecret, key: string): string {
    // A colon would end the name, so the provider takes the ARN in URL encoding.
    return Fn.join('', ['${', `${SECRETS_PROVIDER}:`, Fn.join('%3A', Fn.split(':', secret.secretArn, 7)), `:${key}}`]);
  }

  /** Name without hash. */
  public readonly connectorName: string;
  /** The role of its workers. */
  public readonly role: iam.IRole;
  /** The role, for grants of anything else that it reaches. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Network of its workers, for example to let them reach a database. */
  public readonly connections: ec2.Connections;
  /** Topic for records that a sink could not read. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- its grants are no part of ITopic, as those of addTopic
  public readonly deadLetterTopic?: Topic;

  constructor(scope: Construct, id: string, props: ConnectorProps) {
    super(scope, id);
    const { cluster, config, workers = {} } = props;
    this.connectorName =
      props.connectorName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-', allowedSpecialCharacters: '-' }).toLowerCase();
    const groupId = `connect-${this.connectorName}`;
    const bound = config._bind({ connectorName: this.connectorName, groupId, kafka: iamClient(cluster) });
    this.check(props, bound);

    const { subnetIds, connections } = placeConnector(this, cluster, workers.network);
    this.connections = connections;
    const role = connectorRole(this, this.connectorName);
    this.role = role;
    this.grantPrincipal = this.role;
    this.deadLetterTopic = this.makeDeadLetter(props);
    const ownTopics = this.openTopics(props, bound, groupId);
    for (const secret of workers.secrets ?? []) secret.grantRead(this.role);
    grantConverterSchemas(role, bound.settings, config.kind);

    const worker = new WorkerConfiguration(this, 'Worker', {
      connectorName: this.connectorName,
      offsetTopicName: config.kind === ConnectorKind.SOURCE ? offsetTopicName(this.connectorName) : undefined,
      secrets: (workers.secrets ?? []).length > 0,
    });
    const deadLetter = this.deadLetterTopic && {
      topicName: this.deadLetterTopic.topicName,
      replicationFactor: TopicLedger.of(cluster).surroundings.replicationFactor ?? 3,
    };
    const settings = resolveConnector(props, bound, groupId, deadLetter);
    // Also of a stopped one: what it did before it stopped is read there.
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    if (props.state !== ConnectorState.STOPPED) {
      const connector = this.makeConnector(props, settings, { worker, subnetIds, logGroup });
      connector.node.addDependency(this.role, ...ownTopics, ...props.topics);
    }
    recordConnector(this, props, this.connectorName, cluster.clusterName);
    requireAllocation(this);
    registerUpdateRules(this, ConnectorUpdateRules.all());
  }

  /** Lets a sink write files to a bucket, below a prefix; nothing is read or deleted. */
  public grantWriteTo(bucket: s3.IBucket, prefix: string = ''): iam.Grant {
    const grant = iam.Grant.addToPrincipal({
      grantee: this,
      actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts', 's3:PutObject'],
      resourceArns: [bucket.arnForObjects(`${prefix}*`)],
    });
    return bucket.encryptionKey ? grant.combine(bucket.encryptionKey.grant(this, 'kms:Decrypt', 'kms:GenerateDataKey')) : grant;
  }

  private check(props: ConnectorProps, bound: BoundConnector): void {
    enforce(this.node.path, { ...props, name: this.connectorName }, [
      ...connectorRules(bound.settings),
      {
        code: 'Millrace.ConnectorAutoscaling',
        subject: 'workers.capacity',
        value: (input) => input.workers?.capacity,
        valid: (capacity: ConnectorCapacity) => !capacity.isAutoscaled || !hasOneTask(props.config.connectorClass),
        allowed: 'provisioned capacity: Debezium follows a log with one task, and AWS supports it with one provisioned worker only',
        fix: 'leave it out, or use ConnectorCapacity.provisioned({ mcuCount })',
      },
      {
        code: 'Millrace.ConnectVersionUnsupported',
        subject: 'workers.connectVersion',
        value: (input) => input.workers?.connectVersion,
        valid: (version: string) => ['3.7.x', '2.7.1'].includes(version),
        allowed: "'3.7.x' or '2.7.1' (MSK Connect developer guide)",
        fix: 'leave it out for 3.7.x',
        tokens: 'refuse',
      },
      {
        code: 'Millrace.ConnectPluginMissing',
        subject: 'plugins',
        value: (input) => input.plugins,
        valid: (plugins: unknown[]) => plugins.length > 0,
        allowed: 'at least one plugin',
        fix: 'give the files of the connector with ConnectPlugin.fromAsset or ConnectPlugin.fromBucket',
      },
    ]);
  }

  private makeDeadLetter(props: ConnectorProps): Topic | undefined {
    const topicName = deadLetterTopicOf(props, this.connectorName);
    if (topicName === undefined) return undefined;
    return new Topic(this, 'DeadLetter', { cluster: props.cluster, topicName, partitions: 3, retention: deadLetterRetention(props) });
  }

  /** Access to all topics, and the topics that the connector needs for itself. */
  private openTopics(props: ConnectorProps, bound: BoundConnector, groupId: string): ITopic[] {
    const { cluster, config, topics } = props;
    const own = (id: string, topicName: string, cleanupPolicy: CleanupPolicy) =>
      new Topic(this, id, { cluster, topicName, partitions: 1, cleanupPolicy });
    const made: Topic[] = [];
    grantWorkerState(this, cluster, this.connectorName);
    if (config.kind === ConnectorKind.SOURCE) {
      for (const topic of topics) grantsOf(this, topic).produce(this);
      made.push(own('Offsets', offsetTopicName(this.connectorName), CleanupPolicy.COMPACT));
    } else {
      for (const topic of topics) grantsOf(this, topic).consume(this, { groupId });
    }
    for (const { topicName } of made) grantOwnTopic(this, cluster, topicName);
    if (bound.controlTopic !== undefined) {
      const control = own('Control', bound.controlTopic, CleanupPolicy.DELETE);
      made.push(control);
      control.grants.produce(this, { transactionalIdPrefix: bound.transactionalIds });
      control.grants.consume(this, { groupPrefix: bound.controlGroups });
      control.grants.consume(this, { groupId: bound.coordinatorGroup });
    }
    this.deadLetterTopic?.grants.produce(this);
    return this.deadLetterTopic ? [...made, this.deadLetterTopic] : made;
  }

  private makeConnector(props: ConnectorProps, settings: ConnectorSettings, { worker, subnetIds, logGroup }: ConnectorParts) {
    const { cluster, config, plugins, workers = {} } = props;
    const replacing = {
      connectorConfiguration: { 'connector.class': config.connectorClass, 'tasks.max': String(props.tasksMax ?? 1), ...settings },
      kafkaCluster: {
        apacheKafkaCluster: {
          bootstrapServers: cluster.bootstrapServers,
          vpc: { securityGroups: this.connections.securityGroups.map((group) => group.securityGroupId), subnets: subnetIds },
        },
      },
      kafkaClusterClientAuthentication: { authenticationType: 'IAM' },
      kafkaClusterEncryptionInTransit: { encryptionType: 'TLS' },
      kafkaConnectVersion: workers.connectVersion ?? '3.7.x',
      logDelivery: { workerLogDelivery: { cloudWatchLogs: { enabled: true, logGroup: logGroup.logGroupName } } },
      plugins: plugins.map((plugin) => ({ customPlugin: { customPluginArn: plugin.pluginArn, revision: plugin.pluginRevision } })),
      serviceExecutionRoleArn: this.role.roleArn,
      workerConfiguration: { workerConfigurationArn: worker.arn, revision: worker.revision },
    };
    // Behind the ARN of a plugin or worker configuration is content that the template does not show at this place.
    const contents = [
      worker.settings,
      ...plugins.map((plugin) => (plugin.node.defaultChild as kafkaconnect.CfnCustomPlugin | undefined)?.name),
    ];
    const hashed = Lazy.string({ produce: () => `${this.connectorName}-${shortHash(this, [replacing, contents])}` });
    return new kafkaconnect.CfnConnector(this, 'Resource', {
      connectorName: config.kind === ConnectorKind.SINK ? hashed : this.connectorName,
      capacity: (workers.capacity ?? ConnectorCapacity.provisioned())._render(),
      ...replacing,
    });
  }
}
