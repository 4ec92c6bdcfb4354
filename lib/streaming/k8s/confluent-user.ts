import { Names } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { Workload } from '../../workloads/k8s/workload';
import { CLIENT, clientLabelOf } from './client-label';
import type { IConfluentCluster } from './confluent-cluster';
import { REGISTRY_COMPONENT, podsOf } from './confluent-pods';
import { ConfluentRoleBindings } from './confluent-role-bindings';
import { principalRule, secretNameRule } from './confluent-rules';
import type { ConfluentSchema } from './confluent-schema';
import type { IConfluentSchemaRegistry } from './confluent-schema-registry';
import { CLUSTER_LABEL, INTERNAL_PORT, REGISTRY_PORT } from './confluent-security';

/** A workload that acts as a user of a Confluent cluster. */
export interface ConfluentClient {
  /** The workload whose pods get the certificate, the environment and the way to the brokers. */
  readonly workload: Workload;
  /**
   * Secret in the namespace of the workload with its certificate, as `tls.crt`, `tls.key` and `ca.crt`: what cert-manager writes. Its common
   * name is the principal.
   */
  readonly certificateSecretName: string;
}

/** Properties of a user of a Confluent cluster. */
export interface ConfluentUserProps {
  /** The cluster that knows the user. */
  readonly cluster: IConfluentCluster;
  /**
   * Common name of the user's certificate, which must stand first in its name.
   * @default - from the construct path
   */
  readonly principal?: string;
  /**
   * The workload that acts as this user.
   * @default - none: whoever has a certificate of that name and carries the label `millrace.io/kafka-<clusterName>: client`
   */
  readonly client?: ConfluentClient;
}

const CLIENT_FILES = '/etc/kafka/client';
const LABEL_LENGTH = 63;

/**
 * A client of a Confluent cluster, known by the common name of its certificate: role bindings for what it was granted and nothing else. The
 * operator issues no certificates for clients; cert-manager does, with the authority that signed those of the cluster.
 *
 * @throws Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
 */
export class ConfluentUser extends Construct {
  /** The cluster that knows the user. */
  public readonly cluster: IConfluentCluster;
  /** Common name of the user's certificate. */
  public readonly principal: string;
  private readonly bindings: ConfluentRoleBindings;
  private readonly workload?: Workload;
  private readonly registries = new Set<string>();

  constructor(scope: Construct, id: string, props: ConfluentUserProps) {
    super(scope, id);
    this.cluster = props.cluster;
    this.principal = props.principal ?? Names.toDnsLabel(this, { maxLen: LABEL_LENGTH });
    const { client } = props;
    enforce(this.node.path, { principal: this.principal }, [
      principalRule(),
      ...(client ? [secretNameRule('client.certificateSecretName', client.certificateSecretName)] : []),
    ]);
    this.bindings = new ConfluentRoleBindings(this, this.cluster, this.principal);
    this.workload = client?.workload;
    if (client) this.bind(client);
    requireAllocation(this);
  }

  /**
   * Adds a role on one resource, or on all whose names begin alike.
   *
   * @param role A role of Confluent's, for example `DeveloperRead`.
   * @param resourceType `Topic`, `Group` or `TransactionalId`.
   * @param prefixed Whether the name is a beginning of names; by default it is one name, exactly.
   */
  public allow(role: string, resourceType: string, name: string, prefixed: boolean = false): void {
    this.bindings.allow(role, { resourceType, name, patternType: prefixed ? 'PREFIXED' : 'LITERAL' });
  }

  /**
   * Lets the user read the versions of a schema, and its workload find and reach their registry.
   * @internal
   */
  public _readSchema({ subject, registry }: ConfluentSchema): void {
    this.bindings.allow('DeveloperRead', { resourceType: 'Subject', name: subject, patternType: 'LITERAL' }, registry);
    if (this.workload) this.reach(this.workload, registry);
  }

  private reach(workload: Workload, registry: IConfluentSchemaRegistry): void {
    if (this.registries.has(registry.url)) return;
    this.registries.add(registry.url);
    workload.addEnvironment('SCHEMA_REGISTRY_URL', registry.url);
    workload.allowToPods(podsOf(this.cluster.clusterName, REGISTRY_COMPONENT), REGISTRY_PORT, this.cluster.namespace);
  }

  private bind({ workload, certificateSecretName }: ConfluentClient): void {
    const { cluster } = this;
    workload.mountSecret(certificateSecretName, CLIENT_FILES);
    workload.addEnvironment('KAFKA_BOOTSTRAP_SERVERS', cluster.bootstrapServers);
    workload.addEnvironment('KAFKA_SECURITY_PROTOCOL', 'SSL');
    workload.addEnvironment('KAFKA_SSL_CA_LOCATION', `${CLIENT_FILES}/ca.crt`);
    workload.addEnvironment('KAFKA_SSL_CERTIFICATE_LOCATION', `${CLIENT_FILES}/tls.crt`);
    workload.addEnvironment('KAFKA_SSL_KEY_LOCATION', `${CLIENT_FILES}/tls.key`);
    workload.addPodLabel(clientLabelOf(cluster.clusterName), CLIENT);
    workload.allowToPods({ [CLUSTER_LABEL]: cluster.clusterName }, INTERNAL_PORT, cluster.namespace);
    const admits = cluster as Partial<{ allowFromNamespace(name: string): void }>;
    // An imported cluster opens for a namespace where it is made.
    if (workload.namespace && workload.namespace !== cluster.namespace) admits.allowFromNamespace?.(workload.namespace);
  }
}
