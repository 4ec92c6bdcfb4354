import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { PodSize } from '../../workloads/pod-size';
import type { ConfluentCluster } from './confluent-cluster';
import { componentName, componentRules } from './confluent-component';
import type { ConfluentSchemaRegistry } from './confluent-schema-registry';
import { CONNECT_PORT, requiredClientCertificates } from './confluent-security';

/** Properties of Connect workers. */
export interface ConfluentConnectProps {
  /** The cluster they read and write. */
  readonly cluster: ConfluentCluster;
  /** Size and number of the workers. */
  readonly size: PodSize;
  /**
   * Secret with their certificate, as `fullchain.pem`, `privkey.pem` and `cacerts.pem`, in the namespace of the cluster. Its common name is
   * the `principal`.
   */
  readonly certificateSecretName: string;
  /**
   * Common name of the certificate, and name of the resource.
   * @default - `<clusterName>-connect`
   */
  readonly principal?: string;
  /**
   * Where converters find schemas.
   * @default - none
   */
  readonly schemaRegistry?: ConfluentSchemaRegistry;
}

const MIB = 1024 * 1024;

/**
 * Kafka Connect workers of a Confluent cluster, with TLS, client certificates and role bindings. Plugins come with the image:
 * `ConfluentImages.custom`.
 *
 * @throws Millrace.ConfluentComponentInvalid, Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
 */
export class ConfluentConnect extends Construct {
  /** Where its REST interface is. */
  public readonly url: string;
  /** Name of the Connect resource, to which connectors refer. */
  public readonly connectName: string;

  constructor(scope: Construct, id: string, props: ConfluentConnectProps) {
    super(scope, id);
    const { cluster, size, certificateSecretName } = props;
    const principal = props.principal ?? componentName(cluster, 'connect');
    enforce(this.node.path, { principal, replicas: size.replicas, cluster, scope: this }, componentRules(certificateSecretName));
    this.connectName = principal;
    this.url = `https://${principal}.${cluster.namespace}.svc.cluster.local:${CONNECT_PORT}`;
    cluster._allowImpersonation(principal);
    const pods = { component: 'connect', cpuMillis: size.cpuMillis, memoryMib: Math.ceil(size.memoryBytes / MIB) };
    const registry = props.schemaRegistry && {
      schemaRegistry: {
        url: props.schemaRegistry.url,
        authentication: { type: 'mtls', sslClientAuthentication: true },
        tls: { enabled: true },
      },
    };
    new ApiObject(this, 'Resource', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'Connect',
      metadata: { name: principal },
      spec: {
        ...cluster._common(pods, this, certificateSecretName),
        replicas: size.replicas,
        image: cluster._images._of('connect'),
        authorization: { type: 'rbac', kafkaRestClassRef: { name: cluster.restClassName } },
        authentication: { type: 'mtls', mtls: requiredClientCertificates() },
        internalTopicReplicationFactor: 3,
        dependencies: { ...cluster._dependencies(), ...registry },
      },
    });
    requireAllocation(this);
  }
}
