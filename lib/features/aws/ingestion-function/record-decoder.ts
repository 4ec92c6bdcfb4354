import { Type, types } from 'avsc';
import type { IngestionMapping } from './ingestion-mapping';
import { type KafkaRecord, Rejection } from './kafka-event';
import { unframe } from './wire-format';

/** Answers with the definition of a schema version in AWS Glue, or with nothing where there is none. Throws what may pass. */
export type FindSchema = (versionId: string) => Promise<string | undefined>;

/** Turns the value of a record into its fields. */
export type Decode = (record: KafkaRecord) => Promise<object>;

/** A decoder for the records of a topic. */
export function recordDecoder(mapping: IngestionMapping, findSchema: FindSchema): Decode {
  const decode = mapping.format === 'AVRO' ? avroDecoder(mapping, findSchema) : jsonFields;
  return async ({ value }) => {
    if (value === undefined || value === null || value === '') throw new Rejection('it has no value');
    const fields: unknown = await decode(Buffer.from(value, 'base64'));
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Rejection('its value is no record');
    return fields;
  };
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const BIG = '\u0000int64:';

/** Whole numbers beyond 2^53 keep all their digits: identifiers are such numbers. */
function jsonFields(value: Buffer): unknown {
  const text = unframe(value).payload.toString('utf8');
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? JSON.stringify(BIG + token) : token,
  );
  try {
    return JSON.parse(marked, (_, each) => (typeof each === 'string' && each.startsWith(BIG) ? BigInt(each.slice(BIG.length)) : each));
  } catch {
    throw new Rejection('its value is no JSON');
  }
}

/** Numbers of 64 bits as they are; those of JavaScript have 53. */
const LONG = types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** The type of a definition. Unions are wrapped as avsc does it where their branches look alike; those that become features have one. */
function avroType(definition: string): Type {
  return Type.forSchema(JSON.parse(definition), { registry: { long: LONG } });
}

function avroDecoder(mapping: IngestionMapping, findSchema: FindSchema): (value: Buffer) => Promise<unknown> {
  const reader = avroType(mapping.schema);
  const readers = new Map<string, Promise<(payload: Buffer) => unknown>>();

  const readerFor = async (id: string, find: () => Promise<string | undefined>) => {
    const definition = await find();
    if (definition === undefined) throw new Rejection(`nobody knows the schema ${id} it was written with`);
    try {
      const resolver = reader.createResolver(avroType(definition));
      return (payload: Buffer) => reader.fromBuffer(payload, resolver);
    } catch {
      throw new Rejection(`the schema ${id} it was written with does not lead to that of the topic`);
    }
  };
  // What a registry says of an id stays true, so an answer is kept; what went wrong on the way is asked again.
  const cached = (id: string, find: () => Promise<string | undefined>) => {
    const known = readers.get(id) ?? readerFor(id, find);
    readers.set(id, known);
    known.catch(() => readers.delete(id));
    return known;
  };

  return async (value) => {
    const { payload, glueVersionId, confluentId } = unframe(value);
    if (glueVersionId === undefined && confluentId === undefined) {
      throw new Rejection('its value names no schema: neither the header of AWS Glue nor that of Confluent');
    }
    const read = await (glueVersionId === undefined
      ? cached(`${confluentId} (Confluent)`, async () => mapping.confluentSchemas[String(confluentId)])
      : cached(glueVersionId, () => findSchema(glueVersionId)));
    try {
      return read(payload);
    } catch {
      throw new Rejection('its value is not what its schema says');
    }
  };
}
