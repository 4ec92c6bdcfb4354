import { ApiObject, Chart, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { BrokerClass } from '../broker-type';
import { type IKafkaCluster as IKafkaClusterContract, KAFKA_CLUSTER_RULES, type KafkaClusterOptions } from '../kafka-cluster';
import { KafkaSizing } from '../kafka-sizing';
import { KafkaUpdateRules } from '../kafka-update-rules';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { CLIENT, clientLabelOf } from './client-label';
import { KafkaNodePool } from './kafka-node-pool';
import { KafkaVersion } from './kafka-version';
import { Topic } from './topic';
import { TopicPrefix } from './topic-prefix';

/** Port of the TLS listener. */
export const TLS_PORT = 9093;

/** A Kafka cluster of the Strimzi operator, made here or imported. */
export interface IKafkaCluster extends IKafkaClusterContract {
  /** Namespace of the cluster, when the chart has one. */
  readonly namespace?: string;
  /** `host:port` of the TLS listener. */
  readonly bootstrapServers: string;
}

/** What identifies an existing Strimzi cluster. */
export interface KafkaClusterAttributes {
  /** Name of the Kafka resource. */
  readonly clusterName: string;
  /**
   * Its namespace.
   * @default - that of the chart
   */
  readonly namespace?: string;
}

/** Properties of a Strimzi cluster. */
export interface KafkaClusterProps extends KafkaClusterOptions {
  /**
   * Version of Kafka.
   * @default KafkaVersion.V4_3_1
   */
  readonly kafkaVersion?: KafkaVersion;
  /**
   * Storage class of the brokers' volumes; it should expand and delay binding.
   * @default - that of the Kubernetes cluster
   */
  readonly storageClassName?: string;
}

// Of a node's capacity the kubelet, the system and daemon sets keep a share (EKS: about 8 % of memory and 4 % of CPU on these sizes).
const POD_CPU_SHARE = 0.85;
const POD_MEMORY_SHARE = 0.8;
const NODE_MIB_PER_VCPU = 4096;
const MAX_HEAP_MIB = 6144;
const CONTROLLERS = { replicas: 3, cpuMillis: 500, memoryMib: 2048, heapMib: 1024, storageGib: 20 } as const;

function bootstrapOf(clusterName: string, namespace: string | undefined): string {
  return `${clusterName}-kafka-bootstrap${namespace ? `.${namespace}.svc` : ''}:${TLS_PORT}`;
}

/**
 * A Kafka cluster run by the Strimzi operator 1.x: KRaft with three controllers apart from the brokers, one TLS listener with client
 * certificates, ACLs, spread over zones, volumes kept, sized for its demand.
 *
 * The listener lets in the pods of its namespace that carry the label `millrace.io/kafka-<clusterName>: client`, from whatever chart or
 * repository they come. A `KafkaUser` puts it on its workload; give it yourself to pods that are not of our `Service`.
 *
 * Adopt an existing cluster by giving its `clusterName`; an apply then takes the objects over without replacing them.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaBrokersOnAws
 */
export class KafkaCluster extends Construct implements IKafkaCluster {
  /** Imports an existing cluster. */
  public static fromKafkaClusterAttributes(scope: Construct, id: string, attributes: KafkaClusterAttributes): IKafkaCluster {
    class Import extends Construct implements IKafkaCluster {
      public readonly clusterName = attributes.clusterName;
      public readonly namespace = attributes.namespace ?? Chart.of(scope).namespace;
      public readonly bootstrapServers = bootstrapOf(attributes.clusterName, this.namespace);
    }
    return new Import(scope, id);
  }

  /** Name of the Kafka resource. */
  public readonly clusterName: string;
  /** Namespace of the cluster, when the chart has one. */
  public readonly namespace?: string;
  /** `host:port` of the TLS listener. */
  public readonly bootstrapServers: string;
  /** The decided size. */
  public readonly sizing: KafkaSizing;

  constructor(scope: Construct, id: string, props: KafkaClusterProps) {
    super(scope, id);
    enforce(this.node.path, props, KAFKA_CLUSTER_RULES);
    this.sizing = props.sizing ?? KafkaSizing.forDemand(props.demand!, { brokerClass: BrokerClass.KUBERNETES });
    this.clusterName = props.clusterName ?? Names.toDnsLabel(this, { maxLen: 40 });
    this.checkSurroundings();
    this.namespace = Chart.of(this).namespace;
    this.bootstrapServers = bootstrapOf(this.clusterName, this.namespace);
    const retention = decideRetention(this, props.removalPolicy);
    const { limits } = this.sizing.brokerType;
    const memoryMib = Math.floor(limits.vcpu * NODE_MIB_PER_VCPU * POD_MEMORY_SHARE);
    const pool = { clusterName: this.clusterName, storageClassName: props.storageClassName, retention };
    new KafkaNodePool(this, 'Controllers', { ...pool, ...CONTROLLERS, poolName: `${this.clusterName}-controllers`, role: 'controller' });
    new KafkaNodePool(this, 'Brokers', {
      ...pool,
      poolName: `${this.clusterName}-brokers`,
      role: 'broker',
      instanceType: this.sizing.brokerType.name,
      replicas: this.sizing.brokers,
      cpuMillis: Math.floor(limits.vcpu * 1000 * POD_CPU_SHARE),
      memoryMib,
      heapMib: Math.min(MAX_HEAP_MIB, Math.floor(memoryMib / 4)),
      storageGib: this.sizing.storagePerBroker!.toGibibytes(),
    });
    const kafka = new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name: this.clusterName, annotations: retentionAnnotations(retention) },
      spec: {
        kafka: {
          version: (props.kafkaVersion ?? KafkaVersion.V4_3_1).version,
          listeners: [
            {
              name: 'tls',
              port: TLS_PORT,
              type: 'internal',
              tls: true,
              authentication: { type: 'tls' },
              networkPolicyPeers: [{ podSelector: { matchLabels: { [clientLabelOf(this.clusterName)]: CLIENT } } }],
            },
          ],
          authorization: { type: 'simple' },
          rack: { topologyKey: 'topology.kubernetes.io/zone' },
          config: {
            'auto.create.topics.enable': false,
            'default.replication.factor': this.sizing.replicationFactor,
            'min.insync.replicas': this.sizing.replicationFactor - 1,
            'offsets.topic.replication.factor': 3,
            'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
            'transaction.state.log.min.isr': 2,
            'transaction.state.log.replication.factor': 3,
            'unclean.leader.election.enable': false,
          },
          metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: ['.*'] } },
        },
        entityOperator: {
          topicOperator: { resources: operatorResources() },
          userOperator: { resources: operatorResources() },
        },
      },
    });
    recordSizing(kafka, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    TopicLedger.of(this).sizing = this.sizing;
  }

  /** Declares a topic on this cluster. */
  public addTopic(id: string, options: TopicOptions): Topic {
    return new Topic(this, id, { ...options, cluster: this });
  }

  /** All topics whose names begin alike, to grant access to them. */
  public topicPrefix(prefix: string): TopicPrefix {
    return new TopicPrefix(this, prefix);
  }

  private checkSurroundings(): void {
    enforce(this.node.path, { clusterName: this.clusterName, sizing: this.sizing }, [
      {
        code: 'Millrace.KafkaClusterNameInvalid',
        subject: 'clusterName',
        value: (input) => input.clusterName,
        valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
        allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: the operator appends to it",
        fix: 'rename it, or leave it out',
      },
      {
        code: 'Millrace.KafkaBrokersOnAws',
        subject: 'sizing',
        value: (input) => input.sizing.brokerType.name,
        valid: (_name: string, input) => input.sizing.brokerType.brokerClass === BrokerClass.KUBERNETES,
        allowed: 'a sizing of BrokerClass.KUBERNETES',
        fix: 'use KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.KUBERNETES }), or streaming.aws.KafkaCluster',
      },
    ]);
  }
}

function operatorResources(): Record<string, unknown> {
  return { requests: { cpu: '100m', memory: '384Mi' }, limits: { memory: '384Mi' } };
}
