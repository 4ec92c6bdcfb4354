import { ApiObject, type ApiObjectMetadata, Chart, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { BrokerClass } from '../broker-type';
import { type IKafkaCluster, KAFKA_CLUSTER_RULES, type KafkaClusterOptions } from '../kafka-cluster';
import { KafkaMetricNames } from '../kafka-metric-names';
import { KafkaSizing } from '../kafka-sizing';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { StreamCatalog } from '../stream-catalog';
import type { TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { brokerSettings } from './broker-settings';
import type { ConfluentImages } from './confluent-images';
import type { ConfluentLicense } from './confluent-license';
import { ConfluentNetwork } from './confluent-network';
import { type ConfluentPods, confluentPods } from './confluent-pods';
import { ConfluentRackAccess } from './confluent-rack-access';
import {
  INTERNAL_PORT,
  MDS_PORT,
  dependenciesOn,
  mtlsListener,
  ownCertificate,
  requiredClientCertificates,
  serviceOf,
} from './confluent-security';
import type { ConfluentSecrets } from './confluent-secrets';
import { ConfluentTopic } from './confluent-topic';
import { ConfluentTopicPrefix } from './confluent-topic-prefix';
import { confluentClusterRules, secretNameRule } from './confluent-rules';
import { kafkaClusterRules } from './kafka-cluster-rules';
import { CONTROLLER_SIZE, type KafkaNodeSize, brokerSize } from './kafka-node-size';
import type { NamespaceClients } from './namespace-clients';

/** A Kafka cluster of Confluent for Kubernetes, made here or imported. */
export interface IConfluentCluster extends IKafkaCluster {
  /** Namespace of the cluster. */
  readonly namespace: string;
  /** `host:port` for clients inside Kubernetes. */
  readonly bootstrapServers: string;
  /** Name of the KafkaRestClass through which topics and role bindings are made. */
  readonly restClassName: string;
}

/** What identifies an existing Confluent cluster. */
export interface ConfluentClusterAttributes {
  /** Name of the Kafka resource. */
  readonly clusterName: string;
  /** Its namespace. */
  readonly namespace: string;
  /**
   * Name of its KafkaRestClass.
   * @default - the name of the cluster
   */
  readonly restClassName?: string;
}

/** Properties of a Confluent cluster. */
export interface ConfluentClusterProps extends KafkaClusterOptions {
  /** Container images. */
  readonly images: ConfluentImages;
  /** Secrets with certificate and keys. */
  readonly secrets: ConfluentSecrets;
  /**
   * The licence.
   * @default - none: the trial, which ends after 30 days
   */
  readonly license?: ConfluentLicense;
  /**
   * Storage class of the volumes; it should expand, delay binding and keep its volumes (`reclaimPolicy: Retain`).
   * @default - that of the Kubernetes cluster
   */
  readonly storageClassName?: string;
  /**
   * Namespace in which Confluent for Kubernetes runs; the network policy lets it in.
   * @default - that of the chart
   */
  readonly operatorNamespace?: string;
}

/**
 * A Kafka cluster run by Confluent for Kubernetes: KRaft with three controllers apart from the brokers, every listener with TLS and client
 * certificates, access by role bindings, one broker to a node, spread over zones, sized for its demand. For teams that run Confluent Platform
 * already: it is commercial software, which stops after a trial of 30 days without a licence.
 *
 * Role bindings are the one way in which the operator can declare access, so the cluster has them from the start; a running cluster with ACLs
 * cannot be changed over (Confluent documentation, mTLS RBAC, Limitations).
 *
 * The network policy lets in the pods of its namespace that carry the label `millrace.io/kafka-<clusterName>: client`. A `ConfluentUser` puts
 * it on its workload.
 *
 * @throws Millrace.KafkaClusterSizeMissing, Millrace.KafkaClusterNameInvalid, Millrace.KafkaBrokersOnAws, Millrace.ConfluentNamespaceMissing,
 * Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
 */
export class ConfluentCluster extends Construct implements IConfluentCluster {
  /** Imports an existing cluster. */
  public static fromConfluentClusterAttributes(scope: Construct, id: string, attributes: ConfluentClusterAttributes): IConfluentCluster {
    class Import extends Construct implements IConfluentCluster {
      public readonly clusterName = attributes.clusterName;
      public readonly namespace = attributes.namespace;
      public readonly restClassName = attributes.restClassName ?? attributes.clusterName;
      public readonly bootstrapServers = `${serviceOf(attributes.clusterName, attributes.namespace)}:${INTERNAL_PORT}`;
    }
    return new Import(scope, id);
  }

  /** Name of the Kafka resource. */
  public readonly clusterName: string;
  /** Namespace of the cluster. */
  public readonly namespace: string;
  /** `host:port` for clients inside Kubernetes. */
  public readonly bootstrapServers: string;
  /** Name of the KafkaRestClass through which topics and role bindings are made. */
  public readonly restClassName: string;
  /** The decided size. */
  public readonly sizing: KafkaSizing;
  /** Which names the metrics have in Prometheus. */
  public readonly metricNames = KafkaMetricNames.CONFLUENT_JMX_EXPORTER;

  /** @internal */
  public readonly _images: ConfluentImages;
  private readonly license?: ConfluentLicense;
  private readonly mdsUrl: string;
  private readonly mdsTokenSecretName: string;
  private readonly impersonators: Set<string>;
  private readonly network: ConfluentNetwork;
  private readonly principal: string;

  constructor(scope: Construct, id: string, props: ConfluentClusterProps) {
    super(scope, id);
    enforce(this.node.path, props, KAFKA_CLUSTER_RULES);
    this.sizing = props.sizing ?? KafkaSizing.forDemand(props.demand!, { brokerClass: BrokerClass.KUBERNETES });
    this.clusterName = props.clusterName ?? Names.toDnsLabel(this, { maxLen: 40 });
    this.principal = props.secrets.principal ?? this.clusterName;
    const input = { clusterName: this.clusterName, sizing: this.sizing, namespace: Chart.of(this).namespace, principal: this.principal };
    enforce(this.node.path, input, [
      ...kafkaClusterRules(),
      ...confluentClusterRules(),
      secretNameRule('secrets.certificateSecretName', props.secrets.certificateSecretName),
      secretNameRule('secrets.mdsTokenSecretName', props.secrets.mdsTokenSecretName),
    ]);
    this.namespace = input.namespace!;
    const service = serviceOf(this.clusterName, this.namespace);
    this.bootstrapServers = `${service}:${INTERNAL_PORT}`;
    this.mdsUrl = `https://${service}:${MDS_PORT}`;
    this.mdsTokenSecretName = props.secrets.mdsTokenSecretName;
    this._images = props.images;
    this.license = props.license;
    this.restClassName = this.clusterName;
    this.impersonators = new Set([this.principal]);
    const operatorNamespace = props.operatorNamespace ?? this.namespace;
    this.network = new ConfluentNetwork(this, 'NetworkPolicy', { clusterName: this.clusterName, operatorNamespace });
    const access = new ConfluentRackAccess(this, 'RackAccess', { clusterName: this.clusterName, namespace: this.namespace });
    const annotations = retentionAnnotations(decideRetention(this, props.removalPolicy));
    this.addControllers({ name: `${this.clusterName}-controllers`, annotations }, props);
    const kafka = this.addBrokers({ name: this.clusterName, annotations }, props, access.serviceAccountName);
    this.addRestClass(props.secrets.certificateSecretName);
    recordSizing(kafka, this.sizing);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    TopicLedger.of(this).sizing = this.sizing;
    const { clusterName, bootstrapServers: host } = this;
    StreamCatalog.of(this).clusters.push({ construct: this, clusterName, protocol: 'kafka-secure', host });
  }

  /** Declares a topic on this cluster. */
  public addTopic(id: string, options: TopicOptions): ConfluentTopic {
    return new ConfluentTopic(this, id, { ...options, cluster: this });
  }

  /** All topics whose names begin alike, to grant access to them. */
  public topicPrefix(prefix: string): ConfluentTopicPrefix {
    return new ConfluentTopicPrefix(this, prefix);
  }

  /** Lets clients of another namespace connect: pods with the label of a client, or with labels of your own. */
  public allowFromNamespace(namespaceName: string, clients: NamespaceClients = {}): void {
    this.network.peers.allow(namespaceName, clients);
  }

  /** Lets the pods of a namespace, that of Prometheus, read the metrics of every pod of the cluster. */
  public allowMetricsFromNamespace(namespaceName: string): void {
    this.network.allowScrapingFrom(namespaceName);
  }

  /**
   * Lets a component act for its callers when it forwards a request to another of its pods.
   * @internal
   */
  public _allowImpersonation(principal: string): void {
    this.impersonators.add(principal);
  }

  /**
   * How Schema Registry and Connect reach the brokers and the service that knows the role bindings.
   * @internal
   */
  public _dependencies(): Record<string, unknown> {
    const { bootstrapServers, mdsUrl, mdsTokenSecretName } = this;
    return dependenciesOn({ bootstrapServers, mdsUrl, mdsTokenSecretName });
  }

  /**
   * The fields that every component of the cluster has.
   * @internal
   */
  public _common(pods: Omit<ConfluentPods, 'clusterName'>, scope: Construct, secretName: string): Record<string, unknown> {
    return {
      tls: { secretRef: secretName },
      authorization: { type: 'rbac' },
      license: this.license?._spec,
      pdb: { enabled: true, maxUnavailable: 1 },
      podTemplate: confluentPods(scope, { ...pods, clusterName: this.clusterName }),
    };
  }

  private superUsers(): Record<string, unknown> {
    return { type: 'rbac', superUsers: [`User:${this.principal}`] };
  }

  private storage(size: KafkaNodeSize, storageClassName: string | undefined): Record<string, unknown> {
    return {
      replicas: size.replicas,
      dataVolumeCapacity: `${size.storageGib}Gi`,
      storageClass: storageClassName ? { name: storageClassName } : undefined,
      image: this._images._of('server'),
      oneReplicaPerNode: true,
    };
  }

  private addControllers(metadata: ApiObjectMetadata, props: ConfluentClusterProps): void {
    const { certificateSecretName } = props.secrets;
    new ApiObject(this, 'Controllers', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'KRaftController',
      metadata,
      spec: {
        ...this._common({ component: 'controllers', ...CONTROLLER_SIZE }, this, certificateSecretName),
        ...this.storage(CONTROLLER_SIZE, props.storageClassName),
        authorization: this.superUsers(),
        listeners: { controller: mtlsListener() },
        dependencies: { mdsKafkaCluster: { bootstrapEndpoint: this.bootstrapServers, ...ownCertificate() } },
        configOverrides: { jvm: heapOf(CONTROLLER_SIZE) },
      },
    });
  }

  private addBrokers(metadata: ApiObjectMetadata, props: ConfluentClusterProps, serviceAccountName: string): ApiObject {
    const { certificateSecretName, mdsTokenSecretName } = props.secrets;
    const size = brokerSize(this.sizing);
    const pods = { component: 'brokers', ...size, instanceType: this.sizing.brokerType.name, serviceAccountName };
    return new ApiObject(this, 'Resource', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'Kafka',
      metadata,
      spec: {
        ...this._common(pods, this, certificateSecretName),
        ...this.storage(size, props.storageClassName),
        authorization: this.superUsers(),
        // The operator opens both, whether they are named or not; the network policy lets nobody come to the external one.
        listeners: { internal: mtlsListener(), external: mtlsListener() },
        rackAssignment: { nodeLabels: ['topology.kubernetes.io/zone'], availabilityZoneCount: ZONES },
        // It reports to Control Center, which is not here.
        metricReporter: { enabled: false },
        services: {
          mds: {
            tls: { enabled: true },
            tokenKeyPair: { secretRef: mdsTokenSecretName },
            provider: { mtls: requiredClientCertificates() },
            impersonation: { admins: Lazy.any({ produce: () => [...this.impersonators].sort().map((name) => `User:${name}`) }) },
          },
        },
        dependencies: {
          kafkaRest: {
            authentication: { type: 'mtls', sslClientAuthentication: true },
            tls: { enabled: true, secretRef: certificateSecretName },
          },
          kRaftController: {
            clusterRef: { name: `${this.clusterName}-controllers` },
            controllerListener: { authentication: { type: 'mtls' }, tls: { enabled: true } },
          },
        },
        configOverrides: {
          jvm: heapOf(size),
          server: Object.entries(brokerSettings(this.sizing)).map(([name, value]) => `${name}=${String(value)}`),
        },
      },
    });
  }

  private addRestClass(certificateSecretName: string): void {
    new ApiObject(this, 'RestClass', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'KafkaRestClass',
      metadata: { name: this.restClassName },
      spec: {
        kafkaClusterRef: { name: this.clusterName },
        kafkaRest: {
          endpoint: this.mdsUrl,
          authentication: { type: 'mtls', sslClientAuthentication: true },
          tls: { secretRef: certificateSecretName },
        },
      },
    });
  }
}

const ZONES = 3;

function heapOf({ heapMib }: KafkaNodeSize): string[] {
  return [`-Xms${heapMib}m`, `-Xmx${heapMib}m`];
}
