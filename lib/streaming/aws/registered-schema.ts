import { Annotations, RemovalPolicy, Resource } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { Compatibility } from '../compatibility';
import { type Schema, SchemaFormat } from '../schema';
import { SchemaHistory } from '../schema-history';
import { jsonSchemaDraft } from '../schema-parser';
import { SCHEMA_RECORD_KEY, type SchemaRecord } from '../schema-record';
import {
  type IRegisteredSchema,
  REGISTERED_SCHEMA_RULES,
  type RegisteredSchemaOptions,
  claimSubject,
  reportForbidden,
} from '../schema-registry';
import { schemaUpdateRules } from '../schema-update-rules';
import type { ISchemaRegistry } from './schema-registry';

/** Properties of a schema in a Glue registry. */
export interface RegisteredSchemaProps extends RegisteredSchemaOptions {
  /** The registry, made here or imported. */
  readonly registry: ISchemaRegistry;
}

// AWS Glue developer guide, Schema Registry: JSON Schema draft-04, draft-06 and draft-07.
const DRAFTS_OF_GLUE = ['draft-06', 'draft-07'];

const HASH_LENGTH = 12;

/**
 * The schema of a subject in a Glue registry, with every accepted version of it.
 *
 * CloudFormation replaces `AWS::Glue::Schema` when its text changes, which fails because the name is taken. So that resource keeps the text
 * of version 1 for ever, each later version is an `AWS::Glue::SchemaVersion` of its own whose logical id follows from its content, and all
 * are retained. Glue registers an incompatible version as FAILURE while the deploy succeeds, hence the check at synth against the versions
 * under `schemas/`, which `millrace schema accept` writes.
 *
 * The checkpoint follows the newest version whenever the resource is updated, which a change of the mode needs.
 *
 * @throws Millrace.SchemaSubjectInvalid, Millrace.SchemaSubjectTwice, Millrace.SchemaDraftUnsupported, Millrace.SchemaHistoryDamaged, and at
 * the end of the synth Millrace.SchemaIncompatible, Millrace.SchemaFrozen
 */
export class RegisteredSchema extends Resource implements IRegisteredSchema {
  /** Subject, and name of the schema in Glue. */
  public readonly subject: string;
  /** ARN of the schema. */
  public readonly schemaArn: string;
  /** Id of the version that the app uses, as clients and tables name it. */
  public readonly schemaVersionId: string;

  constructor(scope: Construct, id: string, props: RegisteredSchemaProps) {
    super(scope, id);
    enforce(this.node.path, props, [
      ...REGISTERED_SCHEMA_RULES,
      {
        code: 'Millrace.SchemaDraftUnsupported',
        subject: 'schema',
        value: (input: RegisteredSchemaProps) =>
          input.schema.format === SchemaFormat.JSON_SCHEMA ? jsonSchemaDraft(input.schema.definition) : undefined,
        valid: (draft: string) => DRAFTS_OF_GLUE.includes(draft),
        allowed: `a JSON Schema of ${DRAFTS_OF_GLUE.join(' or ')}: AWS Glue takes no newer one`,
        fix: 'name http://json-schema.org/draft-07/schema# in $schema, with definitions in place of $defs',
      },
    ]);
    claimSubject(props.registry, this.node.path, props.subject);
    this.subject = props.subject;
    const compatibility = props.compatibility ?? Compatibility.BACKWARD;
    const assessment = SchemaHistory.of(this).assess(props.subject, props.schema, compatibility);
    const [first, ...later] = assessment.versions;
    const schema = new glue.CfnSchema(this, 'Resource', {
      name: props.subject,
      registry: { arn: props.registry.registryArn },
      dataFormat: first.schema.format,
      compatibility,
      schemaDefinition: first.schema.definition,
      checkpointVersion: { isLatest: true },
    });
    this.schemaArn = schema.attrArn;
    const resources: (glue.CfnSchema | glue.CfnSchemaVersion)[] = [schema];
    for (const version of later) {
      const resource = this.addVersion(schema, version.schema);
      // Glue numbers versions in the order of their arrival, and checks each against those before.
      resource.addDependency(resources[resources.length - 1]);
      resources.push(resource);
    }
    for (const resource of resources) resource.applyRemovalPolicy(RemovalPolicy.RETAIN);
    const current = resources[assessment.current - 1];
    this.schemaVersionId = current instanceof glue.CfnSchema ? current.attrInitialSchemaVersionId : current.attrVersionId;
    const record: SchemaRecord = { subject: props.subject, format: props.schema.format, compatibility, version: assessment.current };
    current.addMetadata(SCHEMA_RECORD_KEY, record);
    if (assessment.notice) Annotations.of(this).addWarningV2(assessment.notice.code, assessment.notice.message);
    reportForbidden(this, assessment);
    requireAllocation(this);
    registerUpdateRules(this, schemaUpdateRules());
  }

  private addVersion(schema: glue.CfnSchema, { definition, fingerprint }: Schema): glue.CfnSchemaVersion {
    return new glue.CfnSchemaVersion(this, `Version${fingerprint.slice(0, HASH_LENGTH)}`, {
      schema: { schemaArn: schema.attrArn },
      schemaDefinition: definition,
    });
  }
}
