import { ApiObject, Chart, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse, show } from '../../core/error';
import { type RetentionDecision, decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { NLB_TAGS } from '../../cost/controller-tags';
import { CostAllocation } from '../../cost/cost-allocation';
import { type IKafkaCluster as IKafkaClusterContract, KAFKA_CLUSTER_RULES, type KafkaClusterOptions } from '../kafka-cluster';
import type { KafkaMetricNames } from '../kafka-metric-names';
import { KafkaSizing } from '../kafka-sizing';
import { BrokerClass } from '../broker-type';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { StreamCatalog } from '../stream-catalog';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { brokerSettings } from './broker-settings';
import { CruiseControl } from './cruise-control';
import { CONTROLLER_SIZE, brokerSize } from './kafka-node-size';
import { kafkaClusterRules } from './kafka-cluster-rules';
import { KafkaMetrics } from './kafka-metrics';
import { KafkaNodePool } from './kafka-node-pool';
import type { KafkaQuotas } from './kafka-quotas';
import { KafkaVersion } from './kafka-version';
import type { Listener } from './listener';
import { ListenerPeers } from './listener-peers';
import { listenerRules } from './listener-rules';
import type { ListenerSurroundings } from './listener-surroundings';
import type { NamespaceClients } from './namespace-clients';
import { MAX_CLUSTER_NAME_LENGTH, strimziNameRules } from './strimzi-name-rules';
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
  /**
   * Which names its metrics have in Prometheus.
   * @default - unknown: an imported cluster
   */
  readonly metricNames?: KafkaMetricNames;
  /**
   * Whether Cruise Control runs beside it.
   * @default - unknown: an imported cluster
   */
  readonly hasCruiseControl?: boolean;
  /** Whether quotas of single users do not count, as with `KafkaQuotas.diskGuard`. @default - unknown: an imported cluster */
  readonly ignoresUserQuotas?: boolean;
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
  /**
   * Which names its metrics have in Prometheus.
   * @default - unknown
   */
  readonly metricNames?: KafkaMetricNames;
}

/** Properties of a Strimzi cluster. */
export interface KafkaClusterProps extends KafkaClusterOptions {
  /**
   * Version of Kafka, and of its metadata during an upgrade.
   * @default KafkaVersion.V4_3_1
   */
  readonly kafkaVersion?: KafkaVersion;
  /**
   * Storage class of the brokers' volumes; it should expand and delay binding.
   * @default - that of the Kubernetes cluster
   */
  readonly storageClassName?: string;
  /**
   * Listeners beside the default one, which is `tls` on port 9093 inside Kubernetes with client certificates.
   * @default - none
   */
  readonly listeners?: Listener[];
  /**
   * How metrics are exposed, which decides their names.
   * @default KafkaMetrics.strimziReporter()
   */
  readonly metrics?: KafkaMetrics;
  /**
   * Whether Cruise Control runs beside the cluster. It costs one pod of half a vCPU and 1.25 GiB or more; without it brokers that a new size
   * adds stay empty, and brokers that it drops cannot leave.
   * @default CruiseControl.enabled()
   */
  readonly cruiseControl?: CruiseControl;
  /**
   * Limits for all users.
   * @default - none: what a user may take is for its owner to state, on the `KafkaUser` or here
   */
  readonly quotas?: KafkaQuotas;
}

function serviceSuffix(namespace: string | undefined): string {
  return namespace ? `.${namespace}.svc` : '';
}

function bootstrapOf(clusterName: string, namespace: string | undefined): string {
  return `${clusterName}-kafka-bootstrap${serviceSuffix(namespace)}:${TLS_PORT}`;
}

/**
 * A Kafka cluster run by the Strimzi operator 1.x: KRaft with three controllers apart from the brokers, one TLS listener with client
 * certificates, ACLs, spread over zones, volumes kept, sized for its demand, balanced by Cruise Control when its size changes.
 *
 * The listener lets in the pods of its namespace that carry the label `millrace.io/kafka-<clusterName>: client`, from whatever chart or
 * repository they come. A `KafkaUser` puts it on its workload; give it yourself to pods that are not of our `Service`. Clients of other
 * namespaces come in by `allowFromNamespace`.
 *
 * Strimzi makes the pods as Pod Security "restricted" asks (its default since 1.2) and a PodDisruptionBudget that lets one of them go at a
 * time.
 *
 * Adopt an existing cluster by giving its `clusterName`; an apply then takes the objects over without replacing them. A name has up to 24
 * characters, or 23 from eight brokers on: Strimzi makes the names of pods of twice that, and Kubernetes takes 63.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaBrokersOnAws, Millrace.KafkaListenerInvalid
 */
export class KafkaCluster extends Construct implements IKafkaCluster {
  /** Imports an existing cluster. */
  public static fromKafkaClusterAttributes(scope: Construct, id: string, attributes: KafkaClusterAttributes): IKafkaCluster {
    class Import extends Construct implements IKafkaCluster {
      public readonly clusterName = attributes.clusterName;
      public readonly namespace = attributes.namespace ?? Chart.of(scope).namespace;
      public readonly bootstrapServers = bootstrapOf(attributes.clusterName, this.namespace);
      public readonly metricNames = attributes.metricNames;
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
  /** Which names the metrics have in Prometheus. */
  public readonly metricNames?: KafkaMetricNames;
  /** Whether Cruise Control runs beside the cluster. */
  public readonly hasCruiseControl?: boolean;
  /** Whether quotas of single users do not count. */
  public readonly ignoresUserQuotas?: boolean;

  private readonly listeners: readonly Listener[];
  private readonly peers: ListenerPeers;

  constructor(scope: Construct, id: string, props: KafkaClusterProps) {
    super(scope, id);
    enforce(this.node.path, props, [...KAFKA_CLUSTER_RULES, ...listenerRules(props.listeners ?? [])]);
    this.sizing = props.sizing ?? KafkaSizing.forDemand(props.demand!, { brokerClass: BrokerClass.KUBERNETES });
    this.clusterName = props.clusterName ?? Names.toDnsLabel(this, { maxLen: MAX_CLUSTER_NAME_LENGTH });
    this.listeners = props.listeners ?? [];
    const named = { clusterName: this.clusterName, sizing: this.sizing };
    enforce(this.node.path, named, [...kafkaClusterRules(), ...strimziNameRules(this.listeners)]);
    this.namespace = Chart.of(this).namespace;
    this.bootstrapServers = bootstrapOf(this.clusterName, this.namespace);
    this.peers = new ListenerPeers(this.clusterName);
    const metrics = props.metrics ?? KafkaMetrics.strimziReporter();
    const cruiseControl = props.cruiseControl ?? CruiseControl.enabled();
    this.metricNames = metrics.metricNames;
    this.hasCruiseControl = cruiseControl._isEnabled;
    this.ignoresUserQuotas = props.quotas?._ignoresUsers;
    const retention = decideRetention(this, props.removalPolicy);
    this.addNodePools(retention, props.storageClassName);
    const kafka = new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'Kafka',
      metadata: { name: this.clusterName, annotations: retentionAnnotations(retention) },
      spec: {
        kafka: this.kafkaSpec(props.kafkaVersion ?? KafkaVersion.V4_3_1, metrics, props.quotas),
        entityOperator: {
          topicOperator: { resources: operatorResources() },
          userOperator: { resources: operatorResources() },
        },
        cruiseControl: this.addCruiseControl(cruiseControl),
      },
    });
    const podMonitor = metrics._podMonitor(this.clusterName);
    if (podMonitor) new ApiObject(this, 'PodMonitor', podMonitor);
    recordSizing(kafka, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    TopicLedger.of(this).sizing = this.sizing;
    const { clusterName, bootstrapServers: host } = this;
    StreamCatalog.of(this).clusters.push({ construct: this, clusterName, protocol: 'kafka-secure', host });
  }

  /** Declares a topic on this cluster. */
  public addTopic(id: string, options: TopicOptions): Topic {
    return new Topic(this, id, { ...options, cluster: this });
  }

  /** All topics whose names begin alike, to grant access to them. */
  public topicPrefix(prefix: string): TopicPrefix {
    return new TopicPrefix(this, prefix);
  }

  /**
   * Lets clients of another namespace connect to the listeners inside Kubernetes: pods with the label of a client, or with labels of your
   * own for pods that somebody else makes. For KEDA's operator, which reads the lag: `allowFromNamespace('keda', { podLabels: { app:
   * 'keda-operator' } })`.
   */
  public allowFromNamespace(namespaceName: string, clients: NamespaceClients = {}): void {
    this.peers.allow(namespaceName, clients);
  }

  /**
   * `host:port` of one of `listeners`, for clients that use it.
   *
   * @throws Millrace.KafkaListenerInvalid for a listener that the cluster does not have, or whose address is known only once it is deployed
   */
  public bootstrapServersOf(listenerName: string): string {
    const listener = this.listeners.find(({ name }) => name === listenerName);
    const bootstrap = listenerName === 'tls' ? this.bootstrapServers : listener?._bootstrap(this.surroundings);
    if (bootstrap) return bootstrap;
    const known = [{ name: 'tls' }, ...this.listeners.filter((one) => one._bootstrap(this.surroundings))].map(({ name }) => name);
    return refuse(`${this.node.path} bootstrapServersOf`, {
      code: 'Millrace.KafkaListenerInvalid',
      subject: 'listenerName',
      received: show(listenerName),
      allowed: `a listener whose address is known before the deployment: ${known.join(', ')}`,
      fix: listener ? 'read status.listeners of the Kafka resource once it is deployed' : 'use one of them',
    });
  }

  private get surroundings(): ListenerSurroundings {
    return {
      clusterName: this.clusterName,
      serviceSuffix: serviceSuffix(this.namespace),
      peers: () => this.peers.render(),
      tags: () => {
        const labels = Object.entries(CostAllocation.of(this)?.labels() ?? {});
        return { [NLB_TAGS]: labels.map(([key, value]) => `${key}=${value}`).join(',') };
      },
    };
  }

  private addNodePools(retention: RetentionDecision, storageClassName: string | undefined): void {
    const pool = { clusterName: this.clusterName, storageClassName, retention };
    new KafkaNodePool(this, 'Controllers', {
      ...pool,
      ...CONTROLLER_SIZE,
      poolName: `${this.clusterName}-controllers`,
      role: 'controller',
    });
    new KafkaNodePool(this, 'Brokers', {
      ...pool,
      ...brokerSize(this.sizing),
      poolName: `${this.clusterName}-brokers`,
      role: 'broker',
      instanceType: this.sizing.brokerType.name,
    });
  }

  private kafkaSpec(version: KafkaVersion, metrics: KafkaMetrics, quotas: KafkaQuotas | undefined): Record<string, unknown> {
    return {
      version: version.version,
      metadataVersion: version.metadataVersion,
      listeners: Lazy.any({ produce: () => this.renderListeners() }),
      authorization: { type: 'simple' },
      rack: { topologyKey: 'topology.kubernetes.io/zone' },
      config: brokerSettings(this.sizing),
      metricsConfig: metrics._config,
      quotas: quotas?._render(this.sizing),
    };
  }

  private renderListeners(): Record<string, unknown>[] {
    const tls = {
      name: 'tls',
      port: TLS_PORT,
      type: 'internal',
      tls: true,
      authentication: { type: 'tls' },
      networkPolicyPeers: this.peers.render(),
    };
    return [tls, ...this.listeners.map((listener) => listener._render(this.surroundings))];
  }

  /** The operator copies the template for every change of the brokers. */
  private addCruiseControl(cruiseControl: CruiseControl): Record<string, unknown> | undefined {
    if (!cruiseControl._isEnabled) return undefined;
    const templateName = `${this.clusterName}-scaling`;
    if (cruiseControl._rebalances) {
      new ApiObject(this, 'ScalingTemplate', {
        apiVersion: 'kafka.strimzi.io/v1',
        kind: 'KafkaRebalance',
        metadata: {
          name: templateName,
          labels: { 'strimzi.io/cluster': this.clusterName },
          annotations: { 'strimzi.io/rebalance-template': 'true' },
        },
        spec: { replicationThrottle: cruiseControl._throttle(this.sizing) },
      });
    }
    return cruiseControl._spec(this.sizing, brokerSize(this.sizing).cpuMillis, templateName);
  }
}

function operatorResources(): Record<string, unknown> {
  return { requests: { cpu: '100m', memory: '384Mi' }, limits: { memory: '384Mi' } };
}
