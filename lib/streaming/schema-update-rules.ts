import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { objectChanges, pairedResources, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { SCHEMA_RECORD_KEY, type SchemaRecord } from './schema-record';

const SCHEMA = 'AWS::Glue::Schema';
const SCHEMA_VERSION = 'AWS::Glue::SchemaVersion';

/** A version that leaves: records that were written with it can be read only while the registry holds it. */
class SchemaVersionDroppedRule implements IUpdateRule {
  public readonly id = 'Millrace.SchemaVersionDropped';

  public check(before: Assembly, after: Assembly): Finding[] {
    const kept = (stack: SynthesizedStack, resource: SynthesizedResource) =>
      // By what it says, too: a version may move to another construct or stack.
      after.stacks.some((each) =>
        each.resources.some(
          (other) =>
            (each.id === stack.id && other.logicalId === resource.logicalId) ||
            (/^AWS::Glue::Schema(Version)?$/.test(other.type) &&
              other.properties.SchemaDefinition === resource.properties.SchemaDefinition),
        ),
      );
    return before.stacks.flatMap((stack) =>
      stack.resources
        .filter((resource) => resource.type === SCHEMA_VERSION && !kept(stack, resource))
        .map((resource) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: resource.path,
          message: `a schema version leaves the template${resource.deletionPolicy === 'Retain' ? ' and stays in the registry unmanaged' : ' and is deleted from the registry'}; records written with it are read only while the registry holds it, and version numbers of later ones move`,
          fix: 'restore its file under schemas/<subject> from version control',
        })),
    );
  }
}

/** The text of an AWS::Glue::Schema, or of a version, that changes under its logical id: CloudFormation replaces it, and the name is taken. */
class SchemaDefinitionEditedRule implements IUpdateRule {
  public readonly id = 'Millrace.SchemaDefinitionEdited';

  public check(before: Assembly, after: Assembly): Finding[] {
    return [SCHEMA, SCHEMA_VERSION].flatMap((type) =>
      pairedResources(before, after, type)
        .filter((pair) => !sameDefinition(pair.before.properties.SchemaDefinition, pair.after.properties.SchemaDefinition))
        .map((pair) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.path,
          message:
            type === SCHEMA
              ? 'the definition of version 1 changes; CloudFormation replaces the schema, which fails because its name is taken'
              : 'the definition of a registered version changes; CloudFormation replaces it by a new version, and the old one stays',
          fix: 'restore version 1 under schemas/<subject> from version control; a changed schema becomes the next version by itself',
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        })),
    );
  }
}

/** A subject that is not checked any more, on both sides. */
class SchemaCompatibilityLoosenedRule implements IUpdateRule {
  public readonly id = 'Millrace.SchemaCompatibilityLoosened';

  public check(before: Assembly, after: Assembly): Finding[] {
    const finding = (path: string, from: unknown, place: Pick<Finding, 'templateFile' | 'logicalId'>): Finding => ({
      code: this.id,
      severity: FindingSeverity.WARNING,
      path,
      message: `compatibility goes from ${String(from)} to NONE; from now on any change of the schema is registered, and readers may fail on it`,
      fix: 'set the mode back once the change that needed it is out',
      ...place,
    });
    const resources = pairedResources(before, after, SCHEMA)
      .filter((pair) => pair.after.properties.Compatibility === 'NONE' && pair.before.properties.Compatibility !== 'NONE')
      .map((pair) =>
        finding(pair.after.path, pair.before.properties.Compatibility, {
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        }),
      );
    // The ConfigMap of a subject has a name by its content, so subjects are paired and not objects.
    const { added, removed, pairs } = objectChanges(before, after);
    const old = new Map([...removed, ...pairs.map((pair) => pair.before)].flatMap((object) => recordOf(object.manifest)));
    const objects = [...added, ...pairs.map((pair) => pair.after)].flatMap((object) =>
      recordOf(object.manifest)
        .filter(([key, mode]) => mode === 'NONE' && old.has(key) && old.get(key) !== 'NONE')
        .map(([key]) => finding(object.id, old.get(key), {})),
    );
    return [...resources, ...objects];
  }
}

/** Namespace and subject of a ConfigMap with a schema, and its mode. */
function recordOf(manifest: { [name: string]: any }): [key: string, mode: string][] {
  const text: string | undefined = manifest.kind === 'ConfigMap' ? manifest.metadata?.annotations?.[SCHEMA_RECORD_KEY] : undefined;
  if (!text) return [];
  const { subject, compatibility } = JSON.parse(text) as SchemaRecord;
  return [[`${manifest.metadata.namespace ?? ''}/${subject}`, compatibility]];
}

/** Equal as text; CloudFormation compares nothing else, but a template of a user may hold an intrinsic. */
function sameDefinition(before: unknown, after: unknown): boolean {
  return sameJson(before, after);
}

/** The update rules for schemas, both flavours. */
export function schemaUpdateRules(): IUpdateRule[] {
  return [new SchemaVersionDroppedRule(), new SchemaDefinitionEditedRule(), new SchemaCompatibilityLoosenedRule()];
}
