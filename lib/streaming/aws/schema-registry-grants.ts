import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { ISchemaRegistry } from './schema-registry';

/** Looking schemas up in a registry, and with `register` adding to it; `resourceArns` are those of the registry and of its schemas. */
export function grantSchemas(grantee: iam.IGrantable, resourceArns: string[], register: boolean): iam.Grant {
  const allow = (actions: string[], arns: string[]) => iam.Grant.addToPrincipal({ grantee, actions, resourceArns: arns });
  const reading = allow(['glue:GetSchema', 'glue:GetSchemaByDefinition', 'glue:ListSchemaVersions'], resourceArns).combine(
    allow(['glue:GetSchemaVersion'], ['*']),
  );
  if (!register) return reading;
  return reading.combine(allow(['glue:CreateSchema', 'glue:RegisterSchemaVersion', 'glue:PutSchemaVersionMetadata'], resourceArns));
}

/**
 * Access to the schemas of one Glue registry. Serializers look a version up by its id alone, which no ARN names: AWS takes that one action on
 * all resources or not at all (AWS Glue, identity-based policies of the Schema Registry).
 */
export class SchemaRegistryGrants {
  constructor(private readonly registry: ISchemaRegistry) {}

  /** Lets a principal look schemas up, as producers of registered schemas and consumers do. */
  public read(grantee: iam.IGrantable): iam.Grant {
    return grantSchemas(grantee, this.arnsOf(['*']), false);
  }

  /** Lets a principal look the schemas of some subjects up, and no others. */
  public readSubjects(grantee: iam.IGrantable, subjects: string[]): iam.Grant {
    return grantSchemas(grantee, this.arnsOf(subjects), false);
  }

  /**
   * Lets a principal add schemas and versions, as a migration or Kafka Connect does; services read, because their schemas are registered with
   * the stack. What is added this way is in no history and is not checked at synth.
   */
  public register(grantee: iam.IGrantable): iam.Grant {
    return grantSchemas(grantee, this.arnsOf(['*']), true);
  }

  private arnsOf(subjects: string[]): string[] {
    const schemas = subjects.map((subject) =>
      Stack.of(this.registry).formatArn({
        service: 'glue',
        resource: 'schema',
        resourceName: `${this.registry.registryName}/${subject}`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
    );
    return [this.registry.registryArn, ...schemas];
  }
}
