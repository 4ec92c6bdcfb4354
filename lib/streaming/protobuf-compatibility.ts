import type { Enum, Field, MapField, NamespaceBase, OneOf, ReflectionObject, Type } from 'protobufjs';
import { type Incompatibility, fieldChange as change } from './compatibility-checks';
import { parseProtobuf } from './schema-parser';

// Which scalars read every value of another from the same bytes (Protocol Buffers, Updating A Message Type; narrower than there, because a
// value that does not fit is cut or changes its sign).
const WIDENS: Readonly<Record<string, readonly string[]>> = {
  bool: ['int32', 'int64', 'uint32', 'uint64'],
  int32: ['int64'],
  uint32: ['int64', 'uint64'],
  sint32: ['sint64'],
  string: ['bytes'],
};
const ENUM_WIDENS = ['int32', 'int64'];

/**
 * Everything in which a Protobuf reader misses or misreads what a writer wrote: fields by number, as on the wire, and what Confluent's
 * registry refuses. A field or enum value whose number stays and whose name changes counts as another one that took the number.
 */
export function protobufIncompatibilities(reader: string, writer: string): Incompatibility[] {
  const [to, from] = [reader, writer].map((definition) => new ProtobufFile(definition));
  const found: Incompatibility[] = [];
  for (const [name, written] of from.messages) {
    const read = to.messages.get(name);
    if (!read) {
      found.push(change(name, 'was removed as a message', 'is a new message, which older readers do not know', 'keep the message'));
    } else found.push(...messageChanges(name, read, written, to, from));
  }
  for (const [name, written] of from.enums) {
    const read = to.enums.get(name);
    if (read) found.push(...enumChanges(name, read, written));
  }
  return found;
}

/** The messages and enums of a file by their name without the package. */
class ProtobufFile {
  public readonly messages = new Map<string, Type>();
  public readonly enums = new Map<string, Enum>();
  private readonly protobuf: typeof import('protobufjs');

  constructor(definition: string) {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- parsers are loaded by who has a schema
    this.protobuf = require('protobufjs');
    this.visit(parseProtobuf(definition), '');
  }

  /** The name of a type without the package, by which the two files are compared. */
  public nameOf(type: ReflectionObject): string {
    return [...this.messages, ...this.enums].find(([, each]) => each === type)?.[0] ?? type.fullName;
  }

  private visit(namespace: NamespaceBase, prefix: string): void {
    for (const nested of namespace.nestedArray) {
      const name = prefix + nested.name;
      if (nested instanceof this.protobuf.Enum) this.enums.set(name, nested);
      else if (nested instanceof this.protobuf.Type) {
        // Imported types are not the user's to change.
        if (nested.fullName.startsWith('.google.protobuf.')) continue;
        this.messages.set(name, nested);
        this.visit(nested, `${name}.`);
      } else if (nested instanceof this.protobuf.Namespace) this.visit(nested, prefix);
    }
  }
}

function messageChanges(name: string, read: Type, written: Type, to: ProtobufFile, from: ProtobufFile): Incompatibility[] {
  const found: Incompatibility[] = [];
  for (const before of written.fieldsArray) {
    const path = `${name}.${before.name}`;
    const after = read.fieldsById[before.id];
    if (!after) found.push(...missingField(path, before, read));
    else found.push(...fieldChanges(path, after, before, to, from));
  }
  for (const after of read.fieldsArray) {
    if (written.fieldsById[after.id]) continue;
    const path = `${name}.${after.name}`;
    if (after.required) {
      found.push(
        change(
          path,
          'was added as a required field, and older records lack it',
          'was removed, and older readers require it',
          'make it optional',
        ),
      );
    }
    const renumbered = written.fields[after.name];
    if (renumbered) {
      found.push(
        change(
          path,
          `changed its number from ${renumbered.id} to ${after.id}, so values under the old one are not read`,
          `changed its number from ${after.id} to ${renumbered.id}, under which older readers do not look`,
          `keep number ${renumbered.id}, or take a new name with the new number and reserve the old ones`,
        ),
      );
    }
  }
  return [...found, ...read.oneofsArray.flatMap((oneof) => mergedInto(name, oneof, written))];
}

/** Fields that take a number or a name that the older schema reserves: records of a still older one may hold something else there. */
export function protobufReuses(after: string, before: string): Incompatibility[] {
  const [to, from] = [after, before].map((definition) => new ProtobufFile(definition));
  return [...to.messages].flatMap(([name, message]) => {
    const old = from.messages.get(name);
    const reused = message.fieldsArray.filter((field) => old?.isReservedId(field.id) || old?.isReservedName(field.name));
    return reused.map((field) => {
      const text = `uses number ${field.id} or a name that was reserved: records of a still older schema may hold something else there`;
      return change(`${name}.${field.name}`, text, text, 'take a number and a name that were never used');
    });
  });
}

/** A reader skips what it does not know, which is harmless but for required fields and alternatives of a oneof. */
function missingField(path: string, before: Field, read: Type): Incompatibility[] {
  if (before.required) {
    return [change(path, 'was removed though it is required', 'is new and required, which registries refuse', 'make it optional first')];
  }
  const oneof = realOneof(before);
  // By its fields, because its name is not on the wire.
  if (!oneof?.fieldsArray.some(({ id }) => read.fieldsById[id] && realOneof(read.fieldsById[id]))) return [];
  return [
    change(
      path,
      `left the oneof ${oneof.name}, so a record that chose it seems to have chosen nothing`,
      `is new in the oneof ${oneof.name}, so older readers see nothing chosen`,
      'keep the alternative, and stop writing it',
    ),
  ];
}

function fieldChanges(path: string, after: Field, before: Field, to: ProtobufFile, from: ProtobufFile): Incompatibility[] {
  if (after.name !== before.name) {
    const rename = (old: string, now: string) =>
      `was '${old}' and is '${now}' now under the same number ${before.id}, so values are read under another name`;
    return [
      change(
        path,
        rename(before.name, after.name),
        rename(after.name, before.name),
        `keep the name, or take a new number and reserve ${before.id}`,
      ),
    ];
  }
  if (after.required && !before.required) {
    return [
      change(
        path,
        'became required, and older records may lack it',
        'is not required any more, and older readers need it',
        'leave it as it was',
      ),
    ];
  }
  const [now, old] = [describe(after, to), describe(before, from)];
  if (now === old || widens(after, before, to, from)) return [];
  return [
    change(
      path,
      `changed from ${old} to ${now}, which reads other values from the same bytes or cuts them`,
      `changed from ${now} to ${old}, from which older readers get other values or cut ones`,
      `add a field with a number of its own, and reserve ${before.id} when the old one goes`,
    ),
  ];
}

function describe(field: Field, file: ProtobufFile): string {
  const type = field.resolvedType ? file.nameOf(field.resolvedType) : field.type;
  if (field.map) return `map<${(field as unknown as MapField).keyType}, ${type}>`;
  // The same message, but other bytes around it.
  const value = field.delimited ? `group ${type}` : type;
  return field.repeated ? `repeated ${value}` : value;
}

function widens(after: Field, before: Field, to: ProtobufFile, from: ProtobufFile): boolean {
  if (after.map || before.map) return false;
  if (before.repeated && !after.repeated) return false;
  // One value reads as a list of one where it is delimited by its length; numbers of a list are packed, those alone are not.
  if (!before.repeated && after.repeated && (isNumeric(after, to) || isNumeric(before, from))) return false;
  if (before.resolvedType || after.resolvedType) {
    const enums = [before, after].map((field) => isEnum(field));
    if (enums[0] && !after.resolvedType) return ENUM_WIDENS.includes(after.type);
    if (before.delimited !== after.delimited) return false;
    return Boolean(before.resolvedType && after.resolvedType && to.nameOf(after.resolvedType) === from.nameOf(before.resolvedType));
  }
  return after.type === before.type || (WIDENS[before.type]?.includes(after.type) ?? false);
}

function isEnum(field: Field): boolean {
  return field.resolvedType !== null && 'valuesById' in field.resolvedType;
}

function isNumeric(field: Field, _file: ProtobufFile): boolean {
  return isEnum(field) || (!field.resolvedType && field.type !== 'string' && field.type !== 'bytes');
}

/** Fields that could stand together and are alternatives now: of those that were written, the last one alone is kept. */
function mergedInto(message: string, oneof: OneOf, written: Type): Incompatibility[] {
  const before = oneof.fieldsArray.map(({ id }) => written.fieldsById[id]).filter((field) => field !== undefined);
  if (before.length < 2) return [];
  const groups = new Set(before.map((field) => realOneof(field)?.name ?? `field ${field.id}`));
  if (groups.size < 2) return [];
  const names = before.map(({ name }) => name).join(', ');
  return [
    change(
      `${message}.${oneof.name}`,
      `makes alternatives of ${names}, which older records hold together`,
      `stops making alternatives of ${names}, of which older readers keep one`,
      'leave existing fields out of the oneof, or move one alone into a new one',
    ),
  ];
}

/** The oneof of a field; `optional` in proto3 makes one of its own for each field, which says nothing. */
function realOneof(field: Field): OneOf | undefined {
  return field.partOf && field.partOf.fieldsArray.length > 0 && !field.options?.proto3_optional ? field.partOf : undefined;
}

/** Unknown numbers of an enum are kept or skipped by readers; a number that means something else is not noticed. */
function enumChanges(name: string, read: Enum, written: Enum): Incompatibility[] {
  return Object.entries(written.values).flatMap(([value, number]) => {
    const now = read.values[value];
    const holder = Object.keys(read.values).find((each) => read.values[each] === number);
    if (now === number || (now === undefined && holder === undefined)) return [];
    // A number of several names may lose one of them.
    if (now === undefined && written.values[holder!] === number) return [];
    const path = `${name}.${value}`;
    const fix = `keep ${value} = ${number}; give new values numbers of their own`;
    return now === undefined
      ? [change(path, `gave its number ${number} to ${holder}`, `took its number ${number} from ${holder}`, fix)]
      : [change(path, `changed its number from ${number} to ${now}`, `changed its number from ${now} to ${number}`, fix)];
  });
}
