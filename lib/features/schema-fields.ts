import { type AvroType, avroTypeName, parseAvro } from '../streaming/avro-schema';
import { flatten, at, rootNode, typesOf, type Conjunction } from '../streaming/json-schema-node';
import { type Schema, SchemaFormat } from '../streaming/schema';
import { parseProtobuf } from '../streaming/schema-parser';
import { EventTimeEncoding } from './event-time';
import { FeatureType } from './feature';

/** A field of the records of a topic, as far as features go. */
export interface SchemaField {
  readonly name: string;
  /** The type of a feature made of it. @default - none: it has to be computed first */
  readonly type?: FeatureType;
  /** Its type in the words of its language. */
  readonly typeName: string;
  /** Whether a record may lack it. */
  readonly optional: boolean;
  /** How it writes a time. @default - its schema does not say that it is one */
  readonly time?: EventTimeEncoding;
}

/** The fields of the records that a schema describes; nothing for a schema that describes no record. */
export function fieldsOf(schema: Schema): SchemaField[] {
  switch (schema.format) {
    case SchemaFormat.AVRO:
      return avroFields(parseAvro(schema.definition));
    case SchemaFormat.JSON_SCHEMA:
      return jsonFields([rootNode(schema.definition)]);
    case SchemaFormat.PROTOBUF:
      return protobufFields(schema.definition);
  }
}

const AVRO_TYPES: Readonly<Record<string, FeatureType>> = {
  boolean: FeatureType.INTEGRAL,
  int: FeatureType.INTEGRAL,
  long: FeatureType.INTEGRAL,
  float: FeatureType.FRACTIONAL,
  double: FeatureType.FRACTIONAL,
  string: FeatureType.STRING,
};
const AVRO_TIMES: Readonly<Record<string, EventTimeEncoding>> = {
  'timestamp-millis': EventTimeEncoding.EPOCH_MILLIS,
  'timestamp-micros': EventTimeEncoding.EPOCH_MICROS,
};

function avroFields(record: AvroType): SchemaField[] {
  if (record.kind !== 'record') return [];
  return record.fields.map(({ name, type }) => {
    const branches = type.kind === 'union' ? type.branches : [type];
    const values = branches.filter((branch) => !(branch.kind === 'primitive' && branch.name === 'null'));
    const [value] = values;
    const optional = values.length < branches.length;
    const field = { name, typeName: values.length === 1 ? avroTypeName(value) : avroTypeName(type), optional };
    if (values.length !== 1) return field;
    if (value.kind === 'enum') return { ...field, type: FeatureType.STRING };
    if (value.kind !== 'primitive') return field;
    return { ...field, type: AVRO_TYPES[value.name], time: AVRO_TIMES[value.logical ?? ''] };
  });
}

function jsonFields(nodes: Conjunction): SchemaField[] {
  const parts = flatten(nodes);
  const required = new Set(parts.flatMap(({ schema }) => schema.required ?? []));
  const names = new Set(parts.flatMap(({ schema }) => Object.keys(schema.properties ?? {})));
  return [...names].map((name) => {
    const values = flatten(
      parts.filter(({ schema }) => Object.hasOwn(schema.properties ?? {}, name)).map((part) => at(part, part.schema.properties[name])),
    );
    const types = [...typesOf(values)].filter((type) => type !== 'null');
    const isTime = values.some(({ schema }) => schema.format === 'date-time');
    return {
      name,
      typeName: types.length > 3 ? 'any' : types.join(' or '),
      optional: !required.has(name) || typesOf(values).has('null'),
      type: jsonType(types),
      ...(isTime ? { time: EventTimeEncoding.ISO_8601 } : {}),
    };
  });
}

function jsonType(types: readonly string[]): FeatureType | undefined {
  const only = (...allowed: string[]) => types.length > 0 && types.every((type) => allowed.includes(type));
  if (only('integer') || only('boolean')) return FeatureType.INTEGRAL;
  if (only('integer', 'number')) return FeatureType.FRACTIONAL;
  return only('string') ? FeatureType.STRING : undefined;
}

const PROTOBUF_TYPES: Readonly<Record<string, FeatureType>> = {
  bool: FeatureType.INTEGRAL,
  double: FeatureType.FRACTIONAL,
  float: FeatureType.FRACTIONAL,
  string: FeatureType.STRING,
  ...Object.fromEntries(
    ['int32', 'int64', 'uint32', 'sint32', 'sint64', 'fixed32', 'sfixed32', 'sfixed64'].map((name) => [name, FeatureType.INTEGRAL]),
  ),
};

/** The first message of the file, which is what serializers name without an index. */
function protobufFields(definition: string): SchemaField[] {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema
  const { Enum, Type } = require('protobufjs') as typeof import('protobufjs');
  const firstMessage = (namespace: import('protobufjs').NamespaceBase): import('protobufjs').Type | undefined => {
    for (const nested of namespace.nestedArray) {
      if (nested instanceof Type) return nested;
      const inside = 'nestedArray' in nested && !nested.fullName.startsWith('.google.') ? firstMessage(nested as never) : undefined;
      if (inside) return inside;
    }
    return undefined;
  };
  const message = firstMessage(parseProtobuf(definition));
  return (message?.fieldsArray ?? []).map((field) => {
    const isTime = field.resolvedType?.fullName === '.google.protobuf.Timestamp';
    const type = field.resolvedType instanceof Enum ? FeatureType.STRING : PROTOBUF_TYPES[field.type];
    return {
      name: field.name,
      typeName: field.repeated || field.map ? `repeated ${field.type}` : field.type,
      optional: field.optional && field.hasPresence && !isTime,
      ...(field.repeated || field.map ? {} : { type: isTime ? undefined : type }),
      ...(isTime ? { time: EventTimeEncoding.ISO_8601 } : {}),
    };
  });
}
