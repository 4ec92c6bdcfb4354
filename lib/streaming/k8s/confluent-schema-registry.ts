import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { ConfluentCluster } from './confluent-cluster';
import { componentName, componentRules } from './confluent-component';
import { REGISTRY_PORT, requiredClientCertificates } from './confluent-security';

/** Properties of a Schema Registry. */
export interface ConfluentSchemaRegistryProps {
  /** The cluster that holds its schemas. */
  readonly cluster: ConfluentCluster;
  /**
   * Secret with its certificate, as `fullchain.pem`, `privkey.pem` and `cacerts.pem`, in the namespace of the cluster. Its common name is the
   * `principal`.
   */
  readonly certificateSecretName: string;
  /**
   * Common name of the certificate, and name of the resource.
   * @default - `<clusterName>-registry`
   */
  readonly principal?: string;
  /**
   * Number of pods: one leads, the others take over and serve reads.
   * @default 2
   */
  readonly replicas?: number;
}

const POD = { component: 'registry', cpuMillis: 500, memoryMib: 1024 } as const;
const DEFAULT_REPLICAS = 2;

/**
 * Confluent Schema Registry of a Confluent cluster, with TLS, client certificates and role bindings.
 *
 * @throws Millrace.ConfluentComponentInvalid, Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
 */
export class ConfluentSchemaRegistry extends Construct {
  /** Where clients reach it. */
  public readonly url: string;

  constructor(scope: Construct, id: string, props: ConfluentSchemaRegistryProps) {
    super(scope, id);
    const { cluster, certificateSecretName } = props;
    const principal = props.principal ?? componentName(cluster, 'registry');
    const replicas = props.replicas ?? DEFAULT_REPLICAS;
    enforce(this.node.path, { principal, replicas, cluster, scope: this }, componentRules(certificateSecretName));
    this.url = `https://${principal}.${cluster.namespace}.svc.cluster.local:${REGISTRY_PORT}`;
    cluster._allowImpersonation(principal);
    new ApiObject(this, 'Resource', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'SchemaRegistry',
      metadata: { name: principal },
      spec: {
        ...cluster._common(POD, this, certificateSecretName),
        replicas,
        image: cluster._images._of('schemaRegistry'),
        authorization: { type: 'rbac', kafkaRestClassRef: { name: cluster.restClassName } },
        authentication: { type: 'mtls', mtls: requiredClientCertificates() },
        internalTopicReplicatorFactor: 3,
        dependencies: cluster._dependencies(),
      },
    });
    requireAllocation(this);
  }
}
