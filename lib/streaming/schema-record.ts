import type { Assembly } from '../core/assembly';
import type { Compatibility } from './compatibility';
import type { SchemaFormat } from './schema';

/** Key of the record in the metadata of a CloudFormation resource, or the annotations of a Kubernetes object. */
export const SCHEMA_RECORD_KEY = 'millrace.io/schema';

/** What a synthesis says of the schema that an app uses for a subject; the command line reads it. */
export interface SchemaRecord {
  readonly subject: string;
  readonly format: SchemaFormat;
  readonly compatibility: Compatibility;
  /** The version of the app's schema, as the history stood at synth. */
  readonly version: number;
}

/** A schema that an app uses, as it stands in a synthesis. */
export interface SynthesizedSchema extends SchemaRecord {
  readonly definition: string;
  /** Construct path of the resource or id of the object. */
  readonly path: string;
}

/** File of a version in the ConfigMap that a registration job mounts: the request that registers it. */
export function versionFileOf(version: number): string {
  return `version-${version}.json`;
}

/** File of a schema in the ConfigMap that Confluent for Kubernetes reads. */
export const CONFLUENT_SCHEMA_FILE = 'schema';

/** The schemas of a synthesis: of Glue by the resource that holds the version, of Kubernetes by the ConfigMap. */
export function synthesizedSchemas(assembly: Assembly): SynthesizedSchema[] {
  const resources = assembly.stacks
    .flatMap((stack) => stack.resources)
    .filter(({ type, metadata }) => /^AWS::Glue::Schema(Version)?$/.test(type) && metadata[SCHEMA_RECORD_KEY])
    .map(({ metadata, properties, path }) => ({ ...metadata[SCHEMA_RECORD_KEY], definition: properties.SchemaDefinition, path }));
  const objects = assembly.objects
    .filter(({ manifest }) => manifest.kind === 'ConfigMap' && manifest.metadata?.annotations?.[SCHEMA_RECORD_KEY])
    .map(({ manifest, id }) => {
      const record: SchemaRecord = JSON.parse(manifest.metadata.annotations[SCHEMA_RECORD_KEY]);
      return { ...record, definition: definitionOf(manifest.data, record), path: id };
    });
  return [...resources, ...objects];
}

/** A ConfigMap holds requests for a job that registers every version, or for the operator of Confluent's the one text under `schema`. */
function definitionOf(content: { readonly [file: string]: string }, { version }: SchemaRecord): string {
  if (content[CONFLUENT_SCHEMA_FILE] !== undefined) return content[CONFLUENT_SCHEMA_FILE];
  const { schema } = JSON.parse(content[versionFileOf(version)]) as { schema: string };
  return schema;
}
