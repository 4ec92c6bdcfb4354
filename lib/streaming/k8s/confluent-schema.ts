import type { RemovalPolicy } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { WARNING_ANNOTATION, decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { Compatibility } from '../compatibility';
import { confluentLevelOf } from '../compatibility-checks';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { SchemaFormat } from '../schema';
import { SchemaHistory } from '../schema-history';
import { CONFLUENT_SCHEMA_FILE, SCHEMA_RECORD_KEY, type SchemaRecord } from '../schema-record';
import {
  type IRegisteredSchema,
  REGISTERED_SCHEMA_RULES,
  type RegisteredSchemaOptions,
  claimSubject,
  reportForbidden,
} from '../schema-registry';
import { ConfluentRoleBindings } from './confluent-role-bindings';
import type { IConfluentSchemaRegistry } from './confluent-schema-registry';

/** Properties of a schema in a Schema Registry of Confluent for Kubernetes. */
export interface ConfluentSchemaProps extends RegisteredSchemaOptions {
  /** The registry, made here or imported. */
  readonly registry: IConfluentSchemaRegistry;
  /**
   * What becomes of the subject when the schema leaves the app. DESTROY also needs the context key `millrace:destroyData`; without its schema
   * the records of a topic cannot be read.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

const FORMATS = { [SchemaFormat.AVRO]: 'avro', [SchemaFormat.JSON_SCHEMA]: 'json', [SchemaFormat.PROTOBUF]: 'protobuf' };

/**
 * The schema of a subject in a Schema Registry of Confluent for Kubernetes: a ConfigMap with its text and the object from which the operator
 * registers it, as the owner of this one subject, with the certificate of the registry. A changed text becomes the next version. Kept by Argo CD,
 * Flux and Helm when it leaves the manifests, because the operator deletes the subject with its object.
 *
 * The operator knows the present text only: a registry that starts empty gets that one version and not the accepted ones before it, so that its
 * numbers differ from those of the history. It does not take over subjects that somebody else has registered (Confluent documentation, Manage
 * Schemas).
 *
 * Glue's mode DISABLED has no counterpart: the check at synth refuses the second version, and the subject is set to FULL_TRANSITIVE.
 *
 * @throws Millrace.SchemaSubjectInvalid, Millrace.SchemaSubjectTwice, Millrace.SchemaHistoryDamaged, and at the end of the synth
 * Millrace.SchemaIncompatible, Millrace.SchemaFrozen
 */
export class ConfluentSchema extends Construct implements IRegisteredSchema {
  /** Subject. */
  public readonly subject: string;
  /** The registry that holds it. */
  public readonly registry: IConfluentSchemaRegistry;

  constructor(scope: Construct, id: string, props: ConfluentSchemaProps) {
    super(scope, id);
    const { subject, registry, schema, compatibility = Compatibility.BACKWARD } = props;
    enforce(this.node.path, props, REGISTERED_SCHEMA_RULES);
    claimSubject(registry, this.node.path, subject);
    this.subject = subject;
    this.registry = registry;
    const assessment = SchemaHistory.of(this).assess(subject, schema, compatibility);
    const { current, notice, versions } = assessment;
    const { namespace } = registry.cluster;
    const record: SchemaRecord = { subject, format: schema.format, compatibility, version: current };
    const kept = retentionAnnotations(decideRetention(this, props.removalPolicy));
    const content = new ApiObject(this, 'Content', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        namespace,
        annotations: {
          ...kept,
          [SCHEMA_RECORD_KEY]: JSON.stringify(record),
          ...(notice ? { [WARNING_ANNOTATION]: `${notice.code}: ${notice.message}` } : {}),
        },
      },
      data: { [CONFLUENT_SCHEMA_FILE]: versions.find(({ version }) => version === current)!.schema.definition },
    });
    new ApiObject(this, 'Resource', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'Schema',
      metadata: { namespace, annotations: kept },
      spec: {
        name: subject,
        data: { configRef: content.name, format: FORMATS[schema.format] },
        compatibilityLevel: confluentLevelOf(compatibility),
        schemaRegistryRest: {
          endpoint: registry.url,
          authentication: { type: 'mtls', sslClientAuthentication: true },
          tls: { secretRef: registry.certificateSecretName },
        },
      },
    });
    // Not even a super user of the brokers may register a schema without a binding (Confluent documentation, Manage Schemas).
    const bindings = new ConfluentRoleBindings(this, registry.cluster, registry.principal);
    bindings.allow('ResourceOwner', { resourceType: 'Subject', name: subject, patternType: 'LITERAL' }, registry);
    reportForbidden(this, assessment);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
  }
}
