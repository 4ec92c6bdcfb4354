import { ApiObject, Chart, Lazy, Names } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import type { ISchemaRegistry as ISchemaRegistryContract, RegisteredSchemaOptions, SchemaRegistryOptions } from '../schema-registry';
import { schemaUpdateRules } from '../schema-update-rules';
import type { IKafkaCluster } from './kafka-cluster';
import { RegisteredSchema } from './registered-schema';
import { SCHEMA_REGISTRY_RULES } from './schema-registry-rules';
import { SchemaRegistryStorage } from './schema-registry-storage';

/** A registry with the API of Confluent's, made here or imported. */
export interface ISchemaRegistry extends ISchemaRegistryContract {
  /** Address that clients set as `schema.registry.url`. */
  readonly url: string;
  /** Labels of its pods, for the network policies of clients. @default - it is reached by address range */
  readonly podSelector?: { [key: string]: string };
  /** Namespace of its pods. @default - that of the chart */
  readonly namespace?: string;
  /** Address range in which it stands. @default - it is reached by its pods */
  readonly cidr?: string;
  /** Secret with `username` and `password` for HTTP basic authentication. @default - none: it asks for no password */
  readonly credentialsSecretName?: string;
  /** Secret with the certificate of its authority under `ca.crt`. @default - plain HTTP, or one of the public authorities */
  readonly caSecretName?: string;
  /** Image of the jobs that register schemas. */
  readonly registrationImage: string;
}

/** What identifies an existing registry with the API of Confluent's: Confluent Schema Registry, Apicurio, Redpanda, Karapace. */
export interface SchemaRegistryAttributes {
  /** Address that clients set as `schema.registry.url`, with scheme and port where it is not the scheme's own. */
  readonly url: string;
  /**
   * Labels of its pods. Give these or `cidr`.
   * @default - it is reached by `cidr`
   */
  readonly podSelector?: { [key: string]: string };
  /**
   * Namespace of its pods.
   * @default - that of the chart
   */
  readonly namespace?: string;
  /**
   * Address range in which it stands, where it is not in this Kubernetes cluster: an IPv4 range from /8 to /32.
   * @default - it is reached by `podSelector`
   */
  readonly cidr?: string;
  /**
   * Secret in the namespace of the chart with `username` and `password` for HTTP basic authentication.
   * @default - it asks for no password
   */
  readonly credentialsSecretName?: string;
  /**
   * Secret in the namespace of the chart with the certificate of its authority under `ca.crt`.
   * @default - plain HTTP, or a certificate of a public authority
   */
  readonly caSecretName?: string;
  /**
   * Image of the jobs that register schemas: it needs `sh` and `curl`.
   * @default SchemaRegistry.REGISTRATION_IMAGE
   */
  readonly registrationImage?: string;
}

/** Properties of an Apicurio registry. */
export interface SchemaRegistryProps extends SchemaRegistryOptions {
  /** Where it keeps the schemas. */
  readonly storage: SchemaRegistryStorage;
  /**
   * Name of the registry, 1-40 lower-case letters, digits or `-`. Changing it makes another one.
   * @default - from the construct path
   */
  readonly registryName?: string;
  /**
   * Pods of the registry, from 2.
   * @default 2: one may be lost or restarted
   */
  readonly replicas?: number;
  /**
   * Image of the jobs that register schemas: it needs `sh` and `curl`.
   * @default SchemaRegistry.REGISTRATION_IMAGE
   */
  readonly registrationImage?: string;
}

const MAX_NAME_LENGTH = 40;
const DEFAULT_REPLICAS = 2;
const PORT = 8080;
// The container of the operator's deployment: what is said of it here is merged into it.
const CONTAINER = 'apicurio-registry-app';
/** Label of the pods of a registry. */
const POD_LABEL = 'millrace.io/schema-registry';

const RULES: readonly Rule<SchemaRegistryProps & { readonly namespaces: readonly (string | undefined)[] }>[] = [
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'registryName',
    value: (props) => props.registryName,
    valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
    allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: the operator appends to it",
    fix: 'rename it, or leave it out',
  },
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'replicas',
    value: (props) => props.replicas,
    valid: (replicas: number) => Number.isInteger(replicas) && replicas >= 2 && replicas <= 20,
    allowed: '2-20: with one pod every restart stops the clients that do not know their schema yet',
    fix: `leave it out for ${DEFAULT_REPLICAS}`,
    tokens: 'refuse',
  },
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'storage',
    value: (props) => (props.storage._namespace === undefined ? undefined : props.namespaces[0]),
    valid: (_namespace: unknown, props) => props.namespaces[0] === props.namespaces[1],
    allowed: 'a Kafka cluster in the namespace of the chart: the pods mount the certificate that the operator makes there',
    fix: 'move the registry to the chart of the cluster, or keep the schemas in PostgreSQL',
  },
];

/**
 * An Apicurio registry, run by its operator 3.3, with the API of Confluent's registry (`/apis/ccompat/v7`): two pods spread over zones, kept
 * with its topics when it leaves the manifests. Inside of the cluster it speaks plain HTTP, without a password; the operator's network policy
 * lets in any pod, so restrict it by namespace policies where that matters.
 *
 * Adopt an existing one by giving its `registryName`; an apply takes it over.
 *
 * @throws Millrace.SchemaRegistryInvalid
 */
export class SchemaRegistry extends Construct implements ISchemaRegistry {
  /**
   * Image of the jobs that register schemas, where none is given: the image of the curl project. In a cluster that pulls from a mirror, give
   * its name there.
   */
  public static readonly REGISTRATION_IMAGE = 'docker.io/curlimages/curl:8.14.1';

  /**
   * Imports an existing registry, to register schemas in it.
   *
   * @throws Millrace.SchemaRegistryInvalid
   */
  public static fromSchemaRegistryAttributes(scope: Construct, id: string, attributes: SchemaRegistryAttributes): ImportedSchemaRegistry {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedSchemaRegistry(scope, id, attributes);
  }

  /** The registry of a cluster, made here or imported: its child `SchemaRegistry`, which the first call makes, kept in topics of the cluster. */
  public static forCluster(cluster: IConstruct): SchemaRegistry {
    const made = cluster.node.tryFindChild('SchemaRegistry');
    if (made) return made as SchemaRegistry;
    return new SchemaRegistry(cluster as Construct, 'SchemaRegistry', { storage: SchemaRegistryStorage.kafka(cluster as IKafkaCluster) });
  }

  /** Name of the ApicurioRegistry3. */
  public readonly registryName: string;
  /** Address that clients set as `schema.registry.url`. */
  public readonly url: string;
  /** Labels of its pods. */
  public readonly podSelector?: { [key: string]: string };
  /** Namespace of its pods. */
  public readonly namespace?: string;
  /** Image of the jobs that register schemas. */
  public readonly registrationImage: string;

  constructor(scope: Construct, id: string, props: SchemaRegistryProps) {
    super(scope, id);
    this.namespace = Chart.of(this).namespace;
    enforce(this.node.path, { ...props, namespaces: [this.namespace, props.storage._namespace] }, RULES);
    this.registryName = props.registryName ?? Names.toDnsLabel(this, { maxLen: MAX_NAME_LENGTH });
    this.registrationImage = props.registrationImage ?? SchemaRegistry.REGISTRATION_IMAGE;
    this.podSelector = { [POD_LABEL]: this.registryName };
    const host = `${this.registryName}-app-service${this.namespace ? `.${this.namespace}.svc` : ''}`;
    this.url = `http://${host}:${PORT}/apis/ccompat/v7`;
    const { storage, env, podLabels } = props.storage._bind(this);
    new ApiObject(this, 'Resource', {
      apiVersion: 'registry.apicur.io/v1',
      kind: 'ApicurioRegistry3',
      metadata: { name: this.registryName, annotations: retentionAnnotations(decideRetention(this, props.removalPolicy)) },
      spec: {
        app: {
          replicas: props.replicas ?? DEFAULT_REPLICAS,
          ...(env.length > 0 ? { env } : {}),
          storage,
          podTemplateSpec: {
            // The operator gives its own labels to what it makes, and none of the resource's.
            metadata: {
              labels: Lazy.any({ produce: () => ({ ...CostAllocation.of(this)?.labels(), ...podLabels, ...this.podSelector }) }),
            },
            spec: {
              securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
              topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
                maxSkew: 1,
                topologyKey,
                whenUnsatisfiable: 'ScheduleAnyway',
                labelSelector: { matchLabels: { ...this.podSelector } },
              })),
              containers: [{ name: CONTAINER, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
            },
          },
        },
        ui: { enabled: false },
      },
    });
    requireAllocation(this);
    registerUpdateRules(this, schemaUpdateRules());
  }

  /** Registers the schema of a subject. */
  public addSchema(id: string, options: RegisteredSchemaOptions): RegisteredSchema {
    return new RegisteredSchema(this, id, { ...options, registry: this });
  }
}

/**
 * A registry that exists already.
 *
 * @throws Millrace.SchemaRegistryInvalid
 */
export class ImportedSchemaRegistry extends Construct implements ISchemaRegistry {
  /** Its address. */
  public readonly registryName: string;
  /** Address that clients set as `schema.registry.url`. */
  public readonly url: string;
  /** Labels of its pods. */
  public readonly podSelector?: { [key: string]: string };
  /** Namespace of its pods. */
  public readonly namespace?: string;
  /** Address range in which it stands. */
  public readonly cidr?: string;
  /** Secret with `username` and `password`. */
  public readonly credentialsSecretName?: string;
  /** Secret with the certificate of its authority. */
  public readonly caSecretName?: string;
  /** Image of the jobs that register schemas. */
  public readonly registrationImage: string;

  constructor(scope: Construct, id: string, props: SchemaRegistryAttributes) {
    super(scope, id);
    enforce(this.node.path, props, SCHEMA_REGISTRY_RULES);
    this.url = props.url.replace(/\/+$/, '');
    this.registryName = this.url;
    this.podSelector = props.podSelector;
    this.namespace = props.namespace ?? Chart.of(this).namespace;
    this.cidr = props.cidr;
    this.credentialsSecretName = props.credentialsSecretName;
    this.caSecretName = props.caSecretName;
    this.registrationImage = props.registrationImage ?? SchemaRegistry.REGISTRATION_IMAGE;
  }

  /** Registers the schema of a subject. */
  public addSchema(id: string, options: RegisteredSchemaOptions): RegisteredSchema {
    return new RegisteredSchema(this, id, { ...options, registry: this });
  }
}
