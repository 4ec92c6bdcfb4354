import { Annotations, ArnFormat, Names, Resource, Stack } from 'aws-cdk-lib';
import * as glue from 'aws-cdk-lib/aws-glue';
import type { Construct, IConstruct } from 'constructs';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { ISchemaRegistry as ISchemaRegistryContract, RegisteredSchemaOptions, SchemaRegistryOptions } from '../schema-registry';
import { schemaUpdateRules } from '../schema-update-rules';
import { RegisteredSchema } from './registered-schema';
import { SchemaRegistryGrants } from './schema-registry-grants';

/** A Glue schema registry, made here or imported. */
export interface ISchemaRegistry extends ISchemaRegistryContract {
  /** ARN of the registry. */
  readonly registryArn: string;
}

/** What identifies an existing Glue schema registry. */
export interface SchemaRegistryAttributes {
  /** Its name. It is taken to stand in the account and region of the stack. */
  readonly registryName: string;
}

/** Properties of a Glue schema registry. */
export interface SchemaRegistryProps extends SchemaRegistryOptions {
  /**
   * Name of the registry, 1-255 letters, digits, `-`, `_`, `$`, `#` or `.`. Changing it replaces the registry, and clients that name the old
   * one find nothing.
   * @default - from the construct path
   */
  readonly registryName?: string;
}

const MAX_NAME_LENGTH = 255;

const NAME_RULES: readonly Rule<{ readonly registryName?: string }>[] = [
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'registryName',
    value: (props) => props.registryName,
    valid: (name: string) => /^[A-Za-z0-9_$#.-]{1,255}$/.test(name),
    allowed: "1-255 letters, digits, '-', '_', '$', '#' or '.' (AWS::Glue::Registry, Name)",
    fix: 'rename it, or leave it out',
  },
];

/**
 * An AWS Glue schema registry. Retained: without its schemas the records of a topic cannot be read.
 *
 * Clients find it by `registryName`, and a schema by its subject: give the Glue serializers `registry.name` and `schemaName`. Adopt an
 * existing registry with `cdk import` of the child `Resource` and its `registryName`.
 *
 * @throws Millrace.SchemaRegistryInvalid
 */
export class SchemaRegistry extends Resource implements ISchemaRegistry {
  /** Imports an existing registry, to register schemas in it and grant access to it. */
  public static fromSchemaRegistryAttributes(scope: Construct, id: string, attributes: SchemaRegistryAttributes): ImportedSchemaRegistry {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedSchemaRegistry(scope, id, attributes);
  }

  /** The registry of a cluster, made here or imported: its child `SchemaRegistry`, which the first call makes. */
  public static forCluster(cluster: IConstruct): SchemaRegistry {
    const made = cluster.node.tryFindChild('SchemaRegistry');
    // eslint-disable-next-line awscdk/require-passing-this -- the registry belongs to the cluster
    return (made as SchemaRegistry | undefined) ?? new SchemaRegistry(cluster as Construct, 'SchemaRegistry');
  }

  /** Name of the registry. */
  public readonly registryName: string;
  /** ARN of the registry. */
  public readonly registryArn: string;
  /** Access to its schemas. */
  public readonly grants: SchemaRegistryGrants;

  constructor(scope: Construct, id: string, props: SchemaRegistryProps = {}) {
    super(scope, id);
    enforce(this.node.path, props, NAME_RULES);
    this.registryName = props.registryName ?? Names.uniqueResourceName(this, { maxLength: MAX_NAME_LENGTH, separator: '-' });
    const registry = new glue.CfnRegistry(this, 'Resource', { name: this.registryName });
    this.registryArn = registry.attrArn;
    this.grants = new SchemaRegistryGrants(this);
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    registry.applyRemovalPolicy(removalPolicyOf(decision));
    requireAllocation(this);
    registerUpdateRules(this, schemaUpdateRules());
  }

  /** Registers the schema of a subject. */
  public addSchema(id: string, options: RegisteredSchemaOptions): RegisteredSchema {
    return new RegisteredSchema(this, id, { ...options, registry: this });
  }
}

/** A Glue schema registry that exists already. */
export class ImportedSchemaRegistry extends Resource implements ISchemaRegistry {
  /** Name of the registry. */
  public readonly registryName: string;
  /** ARN of the registry. */
  public readonly registryArn: string;
  /** Access to its schemas. */
  public readonly grants: SchemaRegistryGrants;

  constructor(scope: Construct, id: string, attributes: SchemaRegistryAttributes) {
    super(scope, id);
    enforce(this.node.path, attributes, NAME_RULES);
    this.registryName = attributes.registryName;
    this.registryArn = Stack.of(this).formatArn({
      service: 'glue',
      resource: 'registry',
      resourceName: this.registryName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    this.grants = new SchemaRegistryGrants(this);
  }

  /** Registers the schema of a subject. */
  public addSchema(id: string, options: RegisteredSchemaOptions): RegisteredSchema {
    return new RegisteredSchema(this, id, { ...options, registry: this });
  }
}
