import { ApiObject, Chart, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { Workload } from '../../workloads/k8s/workload';
import { CLIENT, clientLabelOf } from './client-label';
import type { IKafkaCluster } from './kafka-cluster';

/** Properties of a Kafka user. */
export interface KafkaUserProps {
  /** The cluster that knows the user. */
  readonly cluster: IKafkaCluster;
  /**
   * The workload whose pods act as this user: they get the certificate, the environment and the way to the brokers. It must stand in the
   * cluster's namespace, where the operator puts the secret.
   * @default - none: whoever mounts the secret named as the user and carries the label `millrace.io/kafka-<clusterName>: client`
   */
  readonly workload?: Workload;
}

const CLIENT_FILES = '/etc/kafka/client';
const CLUSTER_CA_FILES = '/etc/kafka/cluster-ca';

interface Acl {
  readonly resource: { readonly type: string; readonly name: string; readonly patternType: string };
  readonly operations: string[];
}

/**
 * A client of a Strimzi cluster: a certificate, and ACLs for what it was granted and nothing else.
 *
 * The pods of its workload get the label `millrace.io/kafka-<clusterName>: client`, for which the listener opens. Pods that are none of our workloads
 * need that label, and the secret, from whoever makes them.
 *
 * @throws Millrace.KafkaUserNamespace
 */
export class KafkaUser extends Construct {
  /** The cluster that knows the user. */
  public readonly cluster: IKafkaCluster;
  /** Name of the user, and of the secret with its certificate. */
  public readonly userName: string;
  private readonly acls = new Map<string, Acl>();

  constructor(scope: Construct, id: string, props: KafkaUserProps) {
    super(scope, id);
    this.cluster = props.cluster;
    enforce(this.node.path, { of: props.workload?.namespace ?? Chart.of(this).namespace, cluster: props.cluster.namespace }, [
      {
        code: 'Millrace.KafkaUserNamespace',
        subject: props.workload ? 'workload' : 'scope',
        value: (input) => input.of ?? 'the default namespace',
        valid: (_namespace: string, input) => input.of === input.cluster,
        allowed: `the namespace of the cluster, ${props.cluster.namespace ?? 'the default namespace'}: the operator makes the secret there, and pods mount secrets of their own namespace only`,
        fix: 'move the chart to that namespace',
      },
    ]);
    const user = new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaUser',
      metadata: { namespace: props.cluster.namespace, labels: { 'strimzi.io/cluster': props.cluster.clusterName } },
      spec: {
        authentication: { type: 'tls' },
        authorization: { type: 'simple', acls: Lazy.any({ produce: () => this.renderAcls() }) },
      },
    });
    this.userName = user.name;
    if (props.workload) this.bind(props.workload);
    requireAllocation(this);
  }

  /** Adds operations on one resource by its exact name (`literal`), or on all that begin so (`prefix`). */
  public allow(resourceType: string, name: string, patternType: string, operations: string[]): void {
    const key = `${resourceType}/${name}/${patternType}`;
    const before = this.acls.get(key)?.operations ?? [];
    const all = [...new Set([...before, ...operations])].sort();
    this.acls.set(key, { resource: { type: resourceType, name, patternType }, operations: all });
  }

  private renderAcls(): Acl[] {
    return [...this.acls.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, acl]) => acl);
  }

  private bind(workload: Workload): void {
    const [, port] = this.cluster.bootstrapServers.split(':');
    workload.mountSecret(this.userName, CLIENT_FILES);
    workload.mountSecret(`${this.cluster.clusterName}-cluster-ca-cert`, CLUSTER_CA_FILES);
    workload.addEnvironment('KAFKA_BOOTSTRAP_SERVERS', this.cluster.bootstrapServers);
    workload.addEnvironment('KAFKA_SECURITY_PROTOCOL', 'SSL');
    workload.addEnvironment('KAFKA_SSL_CA_LOCATION', `${CLUSTER_CA_FILES}/ca.crt`);
    workload.addEnvironment('KAFKA_SSL_CERTIFICATE_LOCATION', `${CLIENT_FILES}/user.crt`);
    workload.addEnvironment('KAFKA_SSL_KEY_LOCATION', `${CLIENT_FILES}/user.key`);
    workload.addPodLabel(clientLabelOf(this.cluster.clusterName), CLIENT);
    workload.allowToPods(
      { 'strimzi.io/cluster': this.cluster.clusterName, 'strimzi.io/broker-role': 'true' },
      Number(port),
      this.cluster.namespace,
    );
  }
}
