import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { ISchemaRegistry, RegisteredSchemaOptions } from '../schema-registry';
import type { ConfluentCluster, IConfluentCluster } from './confluent-cluster';
import { componentName, componentRules } from './confluent-component';
import { REGISTRY_COMPONENT } from './confluent-pods';
import { principalRule, secretNameRule } from './confluent-rules';
import { ConfluentSchema } from './confluent-schema';
import { REGISTRY_PORT, requiredClientCertificates, serviceOf } from './confluent-security';

/** A Schema Registry of Confluent for Kubernetes, made here or imported. */
export interface IConfluentSchemaRegistry extends ISchemaRegistry {
  /** The cluster that holds its schemas. */
  readonly cluster: IConfluentCluster;
  /** Where clients reach it. */
  readonly url: string;
  /** Name of its resource, and common name of its certificate. */
  readonly principal: string;
  /** Secret with its certificate, which the operator shows when it registers schemas. */
  readonly certificateSecretName: string;
  /** Its id in role bindings. */
  readonly schemaRegistryId: string;
}

/** What identifies an existing Schema Registry. */
export interface ConfluentSchemaRegistryAttributes {
  /** The cluster that holds its schemas. */
  readonly cluster: IConfluentCluster;
  /** Secret with its certificate, in the namespace of the cluster. */
  readonly certificateSecretName: string;
  /**
   * Name of the SchemaRegistry resource, and common name of its certificate.
   * @default - `<clusterName>-registry`
   */
  readonly principal?: string;
}

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

const POD = { component: REGISTRY_COMPONENT, cpuMillis: 500, memoryMib: 1024 } as const;
const DEFAULT_REPLICAS = 2;

const registries = new WeakMap<IConfluentCluster, IConfluentSchemaRegistry>();

/**
 * Confluent Schema Registry of a Confluent cluster, with TLS, client certificates and role bindings. The topics of the cluster that are declared
 * after it register their schemas here; with several registries, in the first one.
 *
 * @throws Millrace.ConfluentComponentInvalid, Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
 */
export class ConfluentSchemaRegistry extends Construct implements IConfluentSchemaRegistry {
  /**
   * Imports an existing registry: the topics of its cluster that are declared afterwards register their schemas there.
   *
   * @throws Millrace.ConfluentPrincipalInvalid, Millrace.ConfluentSecretInvalid
   */
  public static fromConfluentSchemaRegistryAttributes(
    scope: Construct,
    id: string,
    attributes: ConfluentSchemaRegistryAttributes,
  ): IConfluentSchemaRegistry {
    const { cluster, certificateSecretName } = attributes;
    const place = placeOf(cluster, attributes.principal ?? componentName(cluster, 'registry'));
    class Import extends Construct implements IConfluentSchemaRegistry {
      public readonly cluster = cluster;
      public readonly certificateSecretName = certificateSecretName;
      public readonly principal = place.principal;
      public readonly schemaRegistryId = place.schemaRegistryId;
      public readonly url = place.url;
      public readonly registryName = place.url;
    }
    const registry = new Import(scope, id);
    enforce(registry.node.path, place, [principalRule(), secretNameRule('certificateSecretName', certificateSecretName)]);
    claim(registry);
    return registry;
  }

  /**
   * The registry that the schemas of a cluster's topics go to.
   * @internal
   */
  public static _of(cluster: IConfluentCluster): IConfluentSchemaRegistry | undefined {
    return registries.get(cluster);
  }

  /** The cluster that holds its schemas. */
  public readonly cluster: IConfluentCluster;
  /** Where clients reach it. */
  public readonly url: string;
  /** Address of the registry. */
  public readonly registryName: string;
  /** Name of its resource, and common name of its certificate. */
  public readonly principal: string;
  /** Secret with its certificate, which the operator shows when it registers schemas. */
  public readonly certificateSecretName: string;
  /** Its id in role bindings. */
  public readonly schemaRegistryId: string;

  constructor(scope: Construct, id: string, props: ConfluentSchemaRegistryProps) {
    super(scope, id);
    const { cluster, certificateSecretName } = props;
    const principal = props.principal ?? componentName(cluster, 'registry');
    const replicas = props.replicas ?? DEFAULT_REPLICAS;
    enforce(this.node.path, { principal, replicas, cluster, scope: this }, componentRules(certificateSecretName));
    const { url, schemaRegistryId } = placeOf(cluster, principal);
    this.cluster = cluster;
    this.url = url;
    this.registryName = url;
    this.principal = principal;
    this.certificateSecretName = certificateSecretName;
    this.schemaRegistryId = schemaRegistryId;
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
    claim(this);
    requireAllocation(this);
  }

  /** Registers the schema of a subject that no topic of the cluster registers. */
  public addSchema(id: string, options: RegisteredSchemaOptions): ConfluentSchema {
    return new ConfluentSchema(this, id, { ...options, registry: this });
  }
}

/** The registry of its cluster, where it has none yet. */
function claim(registry: IConfluentSchemaRegistry): void {
  if (!registries.has(registry.cluster)) registries.set(registry.cluster, registry);
}

/** The operator makes the id of a registry of its name and namespace (CFK examples, role bindings of Schema Registry). */
function placeOf(cluster: IConfluentCluster, principal: string) {
  return {
    principal,
    url: `https://${serviceOf(principal, cluster.namespace)}:${REGISTRY_PORT}`,
    schemaRegistryId: `id_${principal}_${cluster.namespace}`,
  };
}
