import { parseJson } from './schema-parser';

/** A field of a record. */
export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  readonly hasDefault: boolean;
}

/** A type of Avro with every name resolved; a record may hold itself. */
export type AvroType =
  | { readonly kind: 'primitive'; readonly name: string; readonly logical?: string }
  | { readonly kind: 'array' | 'map'; readonly item: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroNamed;

/** A type that has a name. */
export type AvroNamed = (
  | { readonly kind: 'record'; readonly fields: AvroField[] }
  | { readonly kind: 'enum'; readonly symbols: readonly string[]; readonly hasDefault: boolean }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical?: string }
) & { readonly fullName: string; readonly aliases: readonly string[] };

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);

/** Reads an Avro schema that is known to be one. */
export function parseAvro(definition: string): AvroType {
  return new AvroReader().read(parseJson(definition), '');
}

/** How messages name a type. */
export function avroTypeName(type: AvroType): string {
  switch (type.kind) {
    case 'primitive':
      return type.logical ?? type.name;
    case 'union':
      return `union of ${type.branches.map(avroTypeName).join(', ')}`;
    case 'array':
    case 'map':
      return `${type.kind} of ${avroTypeName(type.item)}`;
    default:
      return `${type.kind} ${type.fullName}`;
  }
}

class AvroReader {
  private readonly named = new Map<string, AvroNamed>();

  public read(schema: any, namespace: string): AvroType {
    if (typeof schema === 'string') return this.byName(schema, namespace);
    if (Array.isArray(schema)) return { kind: 'union', branches: schema.map((branch) => this.read(branch, namespace)) };
    switch (schema.type) {
      case 'record':
      case 'error':
      case 'enum':
      case 'fixed':
        return this.define(schema, namespace);
      case 'array':
        return { kind: 'array', item: this.read(schema.items, namespace) };
      case 'map':
        return { kind: 'map', item: this.read(schema.values, namespace) };
      default: {
        const type = this.read(schema.type, namespace);
        return type.kind === 'primitive' ? { ...type, logical: logicalOf(schema, type.name) } : type;
      }
    }
  }

  private byName(name: string, namespace: string): AvroType {
    if (PRIMITIVES.has(name)) return { kind: 'primitive', name };
    return (this.named.get(qualified(name, namespace)) ?? this.named.get(name))!;
  }

  private define(schema: any, outer: string): AvroNamed {
    const fullName = qualified(schema.name, schema.namespace ?? outer);
    const namespace = fullName.includes('.') ? fullName.slice(0, fullName.lastIndexOf('.')) : '';
    const aliases = (schema.aliases ?? []).map((alias: string) => qualified(alias, namespace));
    if (schema.type === 'enum') {
      return this.remember({ kind: 'enum', fullName, aliases, symbols: schema.symbols, hasDefault: schema.default !== undefined });
    }
    if (schema.type === 'fixed')
      return this.remember({ kind: 'fixed', fullName, aliases, size: schema.size, logical: logicalOf(schema, 'fixed') });
    const fields: AvroField[] = [];
    // Known before its fields are read: they may name it.
    const record = this.remember({ kind: 'record', fullName, aliases, fields });
    for (const field of schema.fields) {
      fields.push({
        name: field.name,
        aliases: field.aliases ?? [],
        type: this.read(field.type, namespace),
        hasDefault: field.default !== undefined,
      });
    }
    return record;
  }

  private remember(type: AvroNamed): AvroNamed {
    this.named.set(type.fullName, type);
    return type;
  }
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || !namespace ? name : `${namespace}.${name}`;
}

// Types whose logical type says how much the same number stands for (Avro specification, Logical Types). Elsewhere it is to be ignored.
const LOGICAL: Readonly<Record<string, RegExp>> = {
  int: /^(date|time-millis)$/,
  long: /^(time-micros|(local-)?timestamp-(millis|micros|nanos))$/,
  bytes: /^decimal$/,
  fixed: /^(decimal|duration|uuid)$/,
};

function logicalOf(schema: { logicalType?: string; precision?: number; scale?: number }, type: string): string | undefined {
  if (!schema.logicalType || !LOGICAL[type]?.test(schema.logicalType)) return undefined;
  return schema.logicalType === 'decimal' ? `decimal(${schema.precision}, ${schema.scale ?? 0})` : schema.logicalType;
}
