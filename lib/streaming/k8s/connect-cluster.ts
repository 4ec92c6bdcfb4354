import type { Size } from 'aws-cdk-lib';
import { ApiObject, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import type { CdcKafkaClient } from '../cdc-options';
import { ConnectorUpdateRules } from '../connector-update-rules';
import { CleanupPolicy } from '../topic';
import { CLIENT, clientLabelOf } from './client-label';
import type { ConnectImage } from './connect-image';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUser } from './kafka-user';
import { KafkaVersion } from './kafka-version';
import { SecretReader } from './secret-reader';
import { Topic } from './topic';

/** What each worker may use. */
export interface ConnectResources {
  /**
   * vCPUs.
   * @default 1
   */
  readonly cpu?: number;
  /**
   * Memory; half of it is the heap, the rest is for buffers of clients and files.
   * @default Size.gibibytes(2)
   */
  readonly memory?: Size;
}

/** Properties of a cluster of Kafka Connect workers. */
export interface ConnectClusterProps {
  /** The Kafka cluster; the workers stand in its namespace. */
  readonly cluster: IKafkaCluster;
  /** The image of the workers, with the plugins of the connectors. */
  readonly image: ConnectImage;
  /**
   * Name of the workers: 1-40 lower-case letters, digits or `-`. The topics with the positions of all connectors follow from it: changing it begins anew.
   * @default - from the construct path
   */
  readonly clusterName?: string;
  /**
   * Workers.
   * @default 2: a lost one leaves one
   */
  readonly replicas?: number;
  /**
   * What each may use.
   * @default - 1 vCPU and 2 GiB
   */
  readonly resources?: ConnectResources;
  /**
   * Version of Kafka.
   * @default KafkaVersion.V4_3_1
   */
  readonly kafkaVersion?: KafkaVersion;
}

const DEFAULT_MEMORY_MIB = 2048;

const RULES: readonly Rule<ConnectClusterProps & { readonly name: string }>[] = [
  {
    code: 'Millrace.ConnectClusterNameInvalid',
    subject: 'clusterName',
    value: (props) => props.name,
    valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
    allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: the operator appends to it",
    fix: 'rename it, or leave it out',
  },
  {
    code: 'Millrace.ConnectClusterSizeInvalid',
    subject: 'replicas',
    value: (props) => props.replicas,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'leave it out for 2',
  },
  {
    code: 'Millrace.ConnectClusterSizeInvalid',
    subject: 'resources.cpu',
    value: (props) => props.resources?.cpu,
    valid: isPositive,
    allowed: 'a number above zero',
    fix: 'leave it out for 1',
  },
  {
    code: 'Millrace.ConnectClusterSizeInvalid',
    subject: 'resources.memory',
    value: (props) => props.resources?.memory?.toMebibytes({ rounding: 2 }),
    valid: (memory: number) => isPositiveInteger(memory) && memory >= 512,
    allowed: 'at least 512 MiB, in whole MiB',
    fix: 'leave it out for 2 GiB',
  },
];

/**
 * Workers of Kafka Connect run by Strimzi 1.x, which make the connectors declared for them: a client certificate and ACLs for their topics alone,
 * secrets by reference, spread over zones, one away at a time for maintenance. All connectors of one cluster share its user and its secrets.
 *
 * The topics with configurations, positions and states are made here and outlive the workers.
 *
 * @throws Millrace.ConnectClusterNameInvalid, Millrace.ConnectClusterSizeInvalid, Millrace.KafkaUserNamespace
 */
export class ConnectCluster extends Construct {
  /** Name of the KafkaConnect resource. */
  public readonly clusterName: string;
  /** The Kafka cluster. */
  public readonly cluster: IKafkaCluster;
  /** The user as which the workers act; whatever it is granted, every connector here has. */
  public readonly user: KafkaUser;
  private readonly secrets: SecretReader;

  constructor(scope: Construct, id: string, props: ConnectClusterProps) {
    super(scope, id);
    const { cluster } = props;
    this.cluster = cluster;
    this.clusterName = props.clusterName ?? Names.toDnsLabel(this, { maxLen: 40 });
    enforce(this.node.path, { ...props, name: this.clusterName }, RULES);
    this.user = new KafkaUser(this, 'User', { cluster });
    this.secrets = new SecretReader(this, 'Secrets', { serviceAccountName: `${this.clusterName}-connect`, namespace: cluster.namespace });
    const state = (topicId: string, partitions: number) => this.makeStateTopic(topicId, partitions);
    this.user.allow('group', this.clusterName, 'literal', ['Describe', 'Read']);
    const memoryMib = props.resources?.memory?.toMebibytes() ?? DEFAULT_MEMORY_MIB;
    const heap = `${Math.floor(memoryMib / 2)}m`;
    const labels = () => CostAllocation.of(this)?.labels() ?? {};
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaConnect',
      metadata: {
        name: this.clusterName,
        namespace: cluster.namespace,
        annotations: { 'strimzi.io/use-connector-resources': 'true' },
      },
      spec: {
        version: (props.kafkaVersion ?? KafkaVersion.V4_3_1).version,
        replicas: props.replicas ?? 2,
        bootstrapServers: cluster.bootstrapServers,
        groupId: this.clusterName,
        // Partitions are those that Kafka Connect gives them by default.
        configStorageTopic: state('configs', 1),
        offsetStorageTopic: state('offsets', 25),
        statusStorageTopic: state('status', 5),
        tls: { trustedCertificates: [{ secretName: `${cluster.clusterName}-cluster-ca-cert`, pattern: '*.crt' }] },
        authentication: {
          type: 'tls',
          certificateAndKey: { secretName: this.user.userName, certificate: 'user.crt', key: 'user.key' },
        },
        config: {
          'config.providers': SecretReader.PROVIDER,
          [`config.providers.${SecretReader.PROVIDER}.class`]: 'io.strimzi.kafka.KubernetesSecretConfigProvider',
          // The broker's, in case a topic of theirs is gone.
          'config.storage.replication.factor': -1,
          'offset.storage.replication.factor': -1,
          'status.storage.replication.factor': -1,
          'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
          'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
        },
        resources: {
          requests: { cpu: `${Math.ceil((props.resources?.cpu ?? 1) * 1000)}m`, memory: `${memoryMib}Mi` },
          limits: { memory: `${memoryMib}Mi` },
        },
        jvmOptions: { '-Xms': heap, '-Xmx': heap },
        rack: { topologyKey: 'topology.kubernetes.io/zone' },
        metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: ['.*'] } },
        template: {
          podDisruptionBudget: { maxUnavailable: 1 },
          pod: {
            metadata: { labels: Lazy.any({ produce: () => ({ ...labels(), [clientLabelOf(cluster.clusterName)]: CLIENT }) }) },
            topologySpreadConstraints: [this.spread('topology.kubernetes.io/zone'), this.spread('kubernetes.io/hostname')],
          },
          buildPod: props.image._render().build ? { metadata: { labels: Lazy.any({ produce: labels }) } } : undefined,
        },
        ...props.image._render(),
      },
    });
    requireAllocation(this);
    registerUpdateRules(this, ConnectorUpdateRules.all());
  }

  /** A reference to one key of a secret in this namespace, for a setting; the workers resolve it and may read this secret. */
  public secretReference(secretName: string, key: string): string {
    return this.secrets.reference(secretName, key);
  }

  /** @internal Kafka for clients that a connector makes itself, with the certificate of the workers. */
  public _client(): CdcKafkaClient {
    return {
      bootstrapServers: this.cluster.bootstrapServers,
      settings: {
        'security.protocol': 'SSL',
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': this.secretReference(`${this.cluster.clusterName}-cluster-ca-cert`, 'ca.crt'),
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': this.secretReference(this.user.userName, 'user.crt'),
        'ssl.keystore.key': this.secretReference(this.user.userName, 'user.key'),
      },
    };
  }

  private makeStateTopic(ending: string, partitions: number): string {
    const topicName = `${this.clusterName}.connect-${ending}`;
    const id = `${ending[0].toUpperCase()}${ending.slice(1)}`;
    new Topic(this, id, { cluster: this.cluster, topicName, partitions, cleanupPolicy: CleanupPolicy.COMPACT });
    this.user.allow('topic', topicName, 'literal', ['Describe', 'DescribeConfigs', 'Read', 'Write']);
    return topicName;
  }

  private spread(topologyKey: string): Record<string, unknown> {
    const matchLabels = { 'strimzi.io/cluster': this.clusterName, 'strimzi.io/kind': 'KafkaConnect' };
    // Workers hold no data: one that cannot be spread is better than one that does not run.
    return { maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels } };
  }
}
