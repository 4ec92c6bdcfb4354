import { ApiObject, Chart, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { Workload } from '../../workloads/k8s/workload';
import { ClientDemand, type GrantedLoad } from '../client-demand';
import { ClientCredentials } from './client-credentials';
import { CLIENT, clientLabelOf } from './client-label';
import { admitNamespace, clientListener } from './client-listener';
import type { DeliveredCredentials } from './delivered-credentials';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUserAuthentication } from './kafka-user-authentication';
import type { ISchemaRegistry } from './schema-registry';
import { portOf } from './schema-registry-rules';

/** Properties of a Kafka user. */
export interface KafkaUserProps {
  /** The cluster that knows the user. */
  readonly cluster: IKafkaCluster;
  /**
   * The workload whose pods act as this user: they get the credentials, the environment and the way to the brokers. It stands in the
   * cluster's namespace, or in another one to which `credentials` brings them.
   * @default - none: whoever mounts the secret named as the user and carries the label `millrace.io/kafka-<clusterName>: client`
   */
  readonly workload?: Workload;
  /**
   * How it proves who it is. Clusters have a listener for certificates; one for passwords is added to the cluster.
   * @default KafkaUserAuthentication.TLS
   */
  readonly authentication?: KafkaUserAuthentication;
  /**
   * How its credentials reach the namespace of its workload, or of the chart where there is none.
   * @default ClientCredentials.sameNamespace()
   */
  readonly credentials?: ClientCredentials;
}

const CLIENT_FILES = '/etc/kafka/client';
const CLUSTER_CA_FILES = '/etc/kafka/cluster-ca';

interface Acl {
  readonly resource: { readonly type: string; readonly name: string; readonly patternType: string };
  readonly operations: string[];
}

interface NamespaceInput {
  readonly of?: string;
  readonly cluster?: string;
  readonly crosses: boolean;
}

function namespaceRule(subject: string): Rule<NamespaceInput> {
  return {
    code: 'Millrace.KafkaUserNamespace',
    subject,
    value: (input) => input.of ?? 'the default namespace',
    valid: (_namespace: string, { of, cluster, crosses }) => (crosses ? !!of && !!cluster && of !== cluster : of === cluster),
    allowed: ({ cluster = 'the default namespace', crosses }) =>
      crosses
        ? `a named namespace other than the cluster's, ${cluster}: there the operator makes the secret itself`
        : `the namespace of the cluster, ${cluster}: the operator makes the secret there, and pods mount secrets of their own namespace only`,
    fix: ({ crosses }) =>
      crosses ? 'leave credentials out, or name the namespaces of both charts' : 'move the chart to that namespace, or give credentials',
  };
}

/** A Confluent cluster has all that a cluster of Strimzi has for the compiler, but nothing there reads a KafkaUser. */
function refuseConfluent(path: string, cluster: IKafkaCluster): void {
  if (!('restClassName' in cluster)) return;
  refuse(path, {
    code: 'Millrace.KafkaUserOnConfluent',
    subject: 'cluster',
    received: `'${cluster.clusterName}', which Confluent for Kubernetes runs`,
    allowed: 'a cluster of Strimzi: its operator makes the user',
    fix: 'make a ConfluentUser',
  });
}

/**
 * A client of a Strimzi cluster: a certificate or a password, ACLs for what it was granted and nothing else, and a quota where its grants
 * state a demand.
 *
 * The pods of its workload get the label `millrace.io/kafka-<clusterName>: client`, for which the listener opens. Pods that are none of our workloads
 * need that label, and the secret, from whoever makes them. For KEDA, which has no pods here, make a user without a workload in the
 * cluster's namespace and give its secret to `KafkaScalerAuthentication.tls`, or with a password to `scram` behind
 * `ClientCredentials.externalSecret()`, whose secret has the user name that Strimzi's lacks.
 *
 * @throws Millrace.KafkaUserNamespace, Millrace.KafkaUserOnConfluent, and at the end of the synth Millrace.KafkaClientDemandPartial
 */
export class KafkaUser extends Construct {
  /** The cluster that knows the user. */
  public readonly cluster: IKafkaCluster;
  /** Name of the user, and of the secret with its credentials. */
  public readonly userName: string;
  /** How it proves who it is. */
  public readonly authentication: KafkaUserAuthentication;
  private readonly acls = new Map<string, Acl>();
  private readonly demand: ClientDemand;
  private readonly workload?: Workload;
  private readonly registries = new Set<string>();

  constructor(scope: Construct, id: string, props: KafkaUserProps) {
    super(scope, id);
    const { cluster, workload, credentials = ClientCredentials.sameNamespace() } = props;
    refuseConfluent(this.node.path, cluster);
    this.cluster = cluster;
    this.workload = workload;
    this.authentication = props.authentication ?? KafkaUserAuthentication.TLS;
    const namespace = workload ? workload.namespace : Chart.of(this).namespace;
    const input = { of: namespace, cluster: cluster.namespace, crosses: credentials._crossesNamespaces };
    enforce(this.node.path, input, [namespaceRule(workload ? 'workload' : 'scope')]);
    const listener = clientListener(cluster, this.authentication);
    const user = new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaUser',
      metadata: { namespace: cluster.namespace, labels: { 'strimzi.io/cluster': cluster.clusterName } },
      spec: {
        authentication: { type: this.authentication },
        authorization: { type: 'simple', acls: Lazy.any({ produce: () => this.renderAcls() }) },
        quotas: Lazy.any({ produce: () => this.renderQuotas() }),
      },
    });
    this.userName = user.name;
    this.demand = new ClientDemand(this, `demand of ${this.userName}`);
    const delivered = credentials._deliver(this, {
      userName: this.userName,
      clusterName: cluster.clusterName,
      clusterNamespace: cluster.namespace,
      namespace,
      authentication: this.authentication,
      listenerName: listener.name,
    });
    if (credentials._crossesNamespaces) admitNamespace(cluster, namespace!);
    if (workload) this.bind(workload, listener.bootstrapServers, delivered);
    requireAllocation(this);
  }

  /** Adds operations on one resource by its name, or on all whose names begin with it: `literal` or `prefix`. */
  public allow(resourceType: string, name: string, patternType: string, operations: string[]): void {
    const key = `${resourceType}/${name}/${patternType}`;
    const before = this.acls.get(key)?.operations ?? [];
    const all = [...new Set([...before, ...operations])].sort();
    this.acls.set(key, { resource: { type: resourceType, name, patternType }, operations: all });
  }

  /**
   * Counts a grant towards the quota.
   * @internal
   */
  public _load(load: GrantedLoad): void {
    if (load.demand && !load.implied && this.cluster.ignoresUserQuotas) {
      refuse(this.node.path, {
        code: 'Millrace.KafkaClientDemandUnsupported',
        subject: 'demand',
        received: `a grant with a demand on ${this.cluster.clusterName}, which has KafkaQuotas.diskGuard`,
        allowed: "a cluster with Kafka's own quotas: Strimzi's plugin takes their place, and the quota of a user would not count",
        fix: 'leave the demand out, or give the cluster KafkaQuotas.perUser or none',
      });
    }
    this.demand.add(load);
  }

  /**
   * Lets the workload find and reach a registry. It asks for no password, so that its network is all there is to open.
   * @internal
   */
  public _readSchemas({ url, podSelector, namespace, cidr }: ISchemaRegistry): void {
    if (!this.workload || this.registries.has(url)) return;
    this.registries.add(url);
    this.workload.addEnvironment('SCHEMA_REGISTRY_URL', url);
    if (podSelector) this.workload.allowToPods(podSelector, portOf(url), namespace);
    if (cidr) this.workload.allowToCidr(cidr, portOf(url));
  }

  private renderAcls(): Acl[] {
    return [...this.acls.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, acl]) => acl);
  }

  private renderQuotas(): object | undefined {
    const rates = this.demand.byteRates;
    return Object.keys(rates).length > 0 ? rates : undefined;
  }

  private bind(workload: Workload, bootstrapServers: string, { userSecretName, caSecretName, keys }: DeliveredCredentials): void {
    const [, port] = bootstrapServers.split(':');
    const caFiles = caSecretName === userSecretName ? CLIENT_FILES : CLUSTER_CA_FILES;
    workload.mountSecret(userSecretName, CLIENT_FILES);
    if (caFiles !== CLIENT_FILES) workload.mountSecret(caSecretName, caFiles);
    workload.addEnvironment('KAFKA_BOOTSTRAP_SERVERS', bootstrapServers);
    const isTls = this.authentication === KafkaUserAuthentication.TLS;
    // In this order from the first version on: another one would restart the pods.
    workload.addEnvironment('KAFKA_SECURITY_PROTOCOL', isTls ? 'SSL' : 'SASL_SSL');
    workload.addEnvironment('KAFKA_SSL_CA_LOCATION', `${caFiles}/${keys.ca}`);
    if (isTls) {
      workload.addEnvironment('KAFKA_SSL_CERTIFICATE_LOCATION', `${CLIENT_FILES}/${keys.certificate}`);
      workload.addEnvironment('KAFKA_SSL_KEY_LOCATION', `${CLIENT_FILES}/${keys.key}`);
    } else {
      workload.addEnvironment('KAFKA_SASL_MECHANISM', 'SCRAM-SHA-512');
      workload.addEnvironment('KAFKA_SASL_USERNAME', this.userName);
      // A file, because an environment variable is seen by whoever may look at the pod.
      workload.addEnvironment('KAFKA_SASL_PASSWORD_LOCATION', `${CLIENT_FILES}/${keys.password}`);
    }
    workload.addPodLabel(clientLabelOf(this.cluster.clusterName), CLIENT);
    workload.allowToPods(
      { 'strimzi.io/cluster': this.cluster.clusterName, 'strimzi.io/broker-role': 'true' },
      Number(port),
      this.cluster.namespace,
    );
  }
}
