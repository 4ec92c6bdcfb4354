import type { AnySchema } from 'ajv';
import type { Root } from 'protobufjs';
import { placeOf } from './schema-text';

/** What a definition is refused for. */
export class SchemaParseError extends Error {
  constructor(
    message: string,
    public readonly fix: string,
  ) {
    super(message);
  }
}

/** Reads JSON; says where it breaks. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    const place = position ? placeOf(text, Number(position)) : /end of JSON/.test(message) ? 'its end' : 'an unknown place';
    throw new SchemaParseError(
      `no JSON at ${place}: ${message.replace(/ \(line \d+ column \d+\)$/, '')}`,
      'correct the definition there, or read the file that holds it',
    );
  }
}

/** Refuses what is no Avro schema (Avro specification, Schema Declaration). */
export function checkAvro(definition: string): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema
  const { Type } = require('avsc') as typeof import('avsc');
  const schema = parseJson(definition);
  try {
    Type.forSchema(schema as never, { wrapUnions: true, noAnonymousTypes: true });
  } catch (error) {
    throw new SchemaParseError(`no Avro schema: ${(error as Error).message}`, 'correct the type or the default that the message names');
  }
}

const DRAFTS: readonly [pattern: RegExp, draft: string][] = [
  [/\/draft-06\/schema/, 'draft-06'],
  [/\/draft-07\/schema/, 'draft-07'],
  [/\/2019-09\/schema/, '2019-09'],
  [/\/2020-12\/schema/, '2020-12'],
];
/** The draft of a schema that names none, as Confluent's registry takes it. */
const DEFAULT_DRAFT = 'draft-07';

/** The draft of a JSON Schema: `draft-06`, `draft-07`, `2019-09` or `2020-12`. */
export function jsonSchemaDraft(definition: string): string {
  const schema = parseJson(definition);
  const named = typeof schema === 'object' && schema !== null ? (schema as { $schema?: unknown }).$schema : undefined;
  if (named === undefined) return DEFAULT_DRAFT;
  const draft = DRAFTS.find(([pattern]) => pattern.test(String(named)))?.[1];
  if (draft) return draft;
  throw new SchemaParseError(
    `the draft '${String(named)}' of JSON Schema`,
    `name one of ${DRAFTS.map(([, name]) => name).join(', ')} in $schema, or leave it out for ${DEFAULT_DRAFT}`,
  );
}

const validators = new Map<string, import('ajv').default>();

/**
 * A validator of one draft, that takes keywords it does not know as the registries do. There is one a draft, which forgets what it compiled
 * before: to make one takes longer than to check a schema.
 */
export function validatorOf(draft: string): import('ajv').default {
  const validator = validators.get(draft) ?? newValidator(draft);
  validators.set(draft, validator);
  return validator.removeSchema();
}

function newValidator(draft: string): import('ajv').default {
  const options = { strict: false, allErrors: false, logger: false, validateFormats: false } as const;
  /* eslint-disable @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema */
  if (draft === '2020-12') return new (require('ajv/dist/2020') as typeof import('ajv/dist/2020')).default(options);
  if (draft === '2019-09') return new (require('ajv/dist/2019') as typeof import('ajv/dist/2019')).default(options);
  const ajv = new (require('ajv') as typeof import('ajv')).default(options);
  if (draft === 'draft-06') ajv.addMetaSchema(require('ajv/dist/refs/json-schema-draft-06.json'));
  /* eslint-enable @typescript-eslint/no-require-imports */
  return ajv;
}

/** Refuses what is no JSON Schema of its draft, or refers to what is not in it. */
export function checkJsonSchema(definition: string): void {
  const ajv = validatorOf(jsonSchemaDraft(definition));
  const schema = parseJson(definition) as AnySchema;
  if (typeof schema !== 'boolean' && (schema === null || typeof schema !== 'object' || Array.isArray(schema))) {
    throw new SchemaParseError('JSON that is neither an object nor a boolean', 'give the schema, not an instance of it');
  }
  try {
    ajv.compile(schema);
  } catch (error) {
    throw new SchemaParseError(
      `no JSON Schema: ${(error as Error).message}`,
      'correct the keyword that the message names; put what $ref names into $defs',
    );
  }
}

/** The messages and enums of a Protobuf file, with the well-known types that it imports. */
export function parseProtobuf(definition: string): Root {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema
  const protobuf = require('protobufjs') as typeof import('protobufjs');
  const root = new protobuf.Root();
  try {
    const { imports = [], weakImports = [] } = protobuf.parse(definition, root, { keepCase: true });
    for (const name of [...imports, ...weakImports]) {
      const known = protobuf.common.get(name);
      if (!known?.nested) {
        throw new SchemaParseError(
          `an import of '${name}'`,
          'put what it defines into this file; of imports only the well-known types of google/protobuf are at hand',
        );
      }
      root.addJSON(known.nested);
    }
    root.resolveAll();
  } catch (error) {
    if (error instanceof SchemaParseError) throw error;
    throw new SchemaParseError(`no Protobuf file: ${(error as Error).message}`, 'correct what the message names');
  }
  return root;
}

/** Refuses what is no Protobuf file, or one without a message. */
export function checkProtobuf(definition: string): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema
  const { Type, Namespace } = require('protobufjs') as typeof import('protobufjs');
  const hasMessage = (namespace: import('protobufjs').NamespaceBase): boolean =>
    namespace.nestedArray.some((nested) => nested instanceof Type || (nested instanceof Namespace && hasMessage(nested)));
  if (!hasMessage(parseProtobuf(definition))) {
    throw new SchemaParseError('a Protobuf file without a message', 'define the message that the topic carries');
  }
}
