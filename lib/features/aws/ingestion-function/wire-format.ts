import { inflateSync } from 'zlib';
import { Rejection } from './kafka-event';

/** A value without its header, and who knows the schema it was written with. */
export interface Unframed {
  readonly payload: Buffer;
  /** Id of a version in AWS Glue. @default - not written by a serializer of Glue */
  readonly glueVersionId?: string;
  /** Id of a schema in a Confluent registry. @default - not written by a serializer of Confluent */
  readonly confluentId?: number;
}

/** AWS Glue Schema Registry, serializer library: header version, compression, id of the schema version. */
const GLUE_VERSION = 3;
const GLUE_HEADER = 18;
const PLAIN = 0;
const ZLIB = 5;
/** Confluent wire format: magic byte, id of the schema in four bytes. */
const CONFLUENT_HEADER = 5;
/** What a batch of Lambda holds, many times over: a small value that inflates to more is no record but an attack. */
const MAX_INFLATED = 64 * 1024 * 1024;

/** Takes the header off a value. A text of JSON has none: it begins with neither 0 nor 3. */
export function unframe(value: Buffer): Unframed {
  if (value.length >= GLUE_HEADER && value[0] === GLUE_VERSION && (value[1] === PLAIN || value[1] === ZLIB)) {
    const payload = value.subarray(GLUE_HEADER);
    return { payload: value[1] === ZLIB ? inflate(payload) : payload, glueVersionId: uuidOf(value.subarray(2, GLUE_HEADER)) };
  }
  if (value.length >= CONFLUENT_HEADER && value[0] === 0) {
    return { payload: value.subarray(CONFLUENT_HEADER), confluentId: value.readUInt32BE(1) };
  }
  return { payload: value };
}

function inflate(payload: Buffer): Buffer {
  try {
    return inflateSync(payload, { maxOutputLength: MAX_INFLATED });
  } catch {
    throw new Rejection('its value does not inflate');
  }
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
