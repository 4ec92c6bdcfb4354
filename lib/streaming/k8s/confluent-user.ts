import { ApiObject, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { Workload } from '../../workloads/k8s/workload';
import { CLIENT, clientLabelOf } from './client-label';
import type { IConfluentCluster } from './confluent-cluster';
import { principalRule, secretNameRule } from './confluent-rules';
import { CLUSTER_LABEL, INTERNAL_PORT } from './confluent-security';

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
  private readonly roles = new Map<string, Map<string, Record<string, unknown>>>();

  constructor(scope: Construct, id: string, props: ConfluentUserProps) {
    super(scope, id);
    this.cluster = props.cluster;
    this.principal = props.principal ?? Names.toDnsLabel(this, { maxLen: LABEL_LENGTH });
    const { client } = props;
    enforce(this.node.path, { principal: this.principal }, [
      principalRule(),
      ...(client ? [secretNameRule('client.certificateSecretName', client.certificateSecretName)] : []),
    ]);
    if (client) this.bind(client);
    requireAllocation(this);
  }

  /**
   * Adds a role on one resource, by its exact name.
   *
   * @param role A role of Confluent's, for example `DeveloperRead`.
   * @param resourceType `Topic`, `Group` or `TransactionalId`.
   */
  public allow(role: string, resourceType: string, name: string): void {
    const patterns = this.roles.get(role) ?? this.addRole(role);
    patterns.set(`${resourceType}/${name}`, { name, patternType: 'LITERAL', resourceType });
  }

  private addRole(role: string): Map<string, Record<string, unknown>> {
    const patterns = new Map<string, Record<string, unknown>>();
    this.roles.set(role, patterns);
    new ApiObject(this, role, {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'ConfluentRolebinding',
      metadata: { namespace: this.cluster.namespace },
      spec: {
        principal: { type: 'user', name: this.principal },
        role,
        resourcePatterns: Lazy.any({
          produce: () => [...patterns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pattern]) => pattern),
        }),
        kafkaRestClassRef: { name: this.cluster.restClassName },
      },
    });
    return patterns;
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
