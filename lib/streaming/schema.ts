import { refuse, show } from '../core/error';
import { isToken } from '../core/token';
import { SchemaParseError, checkAvro, checkJsonSchema, checkProtobuf } from './schema-parser';
import { canonicalJson, canonicalProtobuf, compactJson, sha256 } from './schema-text';

/** The language of a schema. Values are the names of AWS Glue. */
export enum SchemaFormat {
  /** Apache Avro. */
  AVRO = 'AVRO',
  /** JSON Schema. */
  JSON_SCHEMA = 'JSON',
  /** Protocol Buffers. */
  PROTOBUF = 'PROTOBUF',
}

/** Longest definition that AWS Glue takes, in characters (AWS::Glue::SchemaVersion, SchemaDefinition). */
export const MAX_DEFINITION_LENGTH = 170_000;

interface Language {
  readonly check: (definition: string) => void;
  readonly canonical: (definition: string) => string;
  readonly compact: (definition: string) => string;
}

const LANGUAGES: Readonly<Record<SchemaFormat, Language>> = {
  [SchemaFormat.AVRO]: { check: checkAvro, canonical: canonicalJson, compact: compactJson },
  [SchemaFormat.JSON_SCHEMA]: { check: checkJsonSchema, canonical: canonicalJson, compact: compactJson },
  [SchemaFormat.PROTOBUF]: { check: checkProtobuf, canonical: canonicalProtobuf, compact: (text) => text },
};

/**
 * What the records of a topic look like: an Avro schema, a JSON Schema or a Protobuf file. It is parsed when it is made, so that what no
 * registry would take fails at synth.
 */
export class Schema {
  /**
   * An Avro schema, as JSON.
   *
   * @throws Millrace.SchemaInvalid, Millrace.SchemaTooLarge
   */
  public static avro(definition: string): Schema {
    return new Schema(SchemaFormat.AVRO, definition);
  }

  /**
   * A JSON Schema of draft-06, draft-07, 2019-09 or 2020-12, by its `$schema`; draft-07 where it names none. AWS Glue takes no draft newer
   * than draft-07.
   *
   * @throws Millrace.SchemaInvalid, Millrace.SchemaTooLarge
   */
  public static jsonSchema(definition: string): Schema {
    return new Schema(SchemaFormat.JSON_SCHEMA, definition);
  }

  /**
   * A Protobuf file, proto2 or proto3. It stands alone: of imports only the well-known types of google/protobuf are at hand.
   *
   * @throws Millrace.SchemaInvalid, Millrace.SchemaTooLarge
   */
  public static protobuf(definition: string): Schema {
    return new Schema(SchemaFormat.PROTOBUF, definition);
  }

  /** The language. */
  public readonly format: SchemaFormat;
  /** The text as a registry gets it: Avro and JSON without space between tokens, Protobuf as given. */
  public readonly definition: string;
  /** SHA-256 of the content: the same for two definitions that differ in space, in the order of JSON keys or in Protobuf comments alone. */
  public readonly fingerprint: string;

  private constructor(format: SchemaFormat, definition: string) {
    const { check, canonical, compact } = LANGUAGES[format];
    const place = `Schema.${{ AVRO: 'avro', JSON: 'jsonSchema', PROTOBUF: 'protobuf' }[format]}`;
    if (typeof definition !== 'string' || isToken(definition)) {
      refuse(place, {
        code: 'Millrace.SchemaInvalid',
        subject: 'definition',
        received: typeof definition === 'string' ? 'a value known only at deploy time (a token)' : show(definition),
        allowed: 'the text of a schema, because it is checked at synth',
        fix: "read it with fs.readFileSync(…, 'utf8')",
      });
    }
    try {
      check(definition);
    } catch (error) {
      if (!(error instanceof SchemaParseError)) throw error;
      refuse(place, {
        code: 'Millrace.SchemaInvalid',
        subject: 'definition',
        received: error.message,
        allowed: 'a schema that parses',
        fix: error.fix,
      });
    }
    this.format = format;
    this.definition = compact(definition);
    this.fingerprint = sha256(`${format}\n${canonical(definition)}`);
    // Counted as the registry gets it; space between tokens is not sent.
    if (this.definition.length > MAX_DEFINITION_LENGTH) {
      refuse(place, {
        code: 'Millrace.SchemaTooLarge',
        subject: 'definition',
        received: `${this.definition.length} characters`,
        allowed: `at most ${MAX_DEFINITION_LENGTH} (AWS Glue)`,
        fix: 'drop documentation from it, or split the topic',
      });
    }
  }
}

/** A schema of a format by name. */
export function schemaOf(format: SchemaFormat, definition: string): Schema {
  if (format === SchemaFormat.AVRO) return Schema.avro(definition);
  return format === SchemaFormat.PROTOBUF ? Schema.protobuf(definition) : Schema.jsonSchema(definition);
}
