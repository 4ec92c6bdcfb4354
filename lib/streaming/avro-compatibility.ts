import { type AvroField, type AvroNamed, type AvroType, avroTypeName, parseAvro } from './avro-schema';
import type { Incompatibility } from './compatibility-checks';

// Avro specification, Schema Resolution: what the writer's type may be promoted to.
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** Everything in which a reader cannot resolve what a writer wrote, after the rules of schema resolution in the Avro specification. */
export function avroIncompatibilities(reader: string, writer: string): Incompatibility[] {
  return new Resolution().compare(parseAvro(reader), parseAvro(writer), '');
}

class Resolution {
  /** Pairs of records, reader to writers, that resolve unless something reports otherwise: a record may hold itself. */
  private open = new Map<AvroType, ReadonlySet<AvroType>>();

  public compare(reader: AvroType, writer: AvroType, path: string): Incompatibility[] {
    if (writer.kind === 'union') return this.fromUnion(reader, writer.branches, path);
    if (reader.kind === 'union') return this.toUnion(reader.branches, reader, writer, path);
    if (reader.kind === 'primitive' && writer.kind === 'primitive') return primitive(reader, writer, path);
    if (reader.kind !== writer.kind) return [typeChanged(reader, writer, path)];
    if (reader.kind === 'array') return this.compare(reader.item, (writer as typeof reader).item, `${path}[]`);
    if (reader.kind === 'map') return this.compare(reader.item, (writer as typeof reader).item, `${path}{}`);
    return this.named(reader as AvroNamed, writer as AvroNamed, path);
  }

  /** Whatever branch was written must be readable. */
  private fromUnion(reader: AvroType, branches: readonly AvroType[], path: string): Incompatibility[] {
    return branches.flatMap((branch) => {
      const found = this.compare(reader, branch, path);
      // Below a union of one meaning the field that broke says more than the branch.
      if (found.length === 0 || found.some((each) => each.path !== path)) return found;
      return [
        {
          path,
          backward: `${named(path)} no longer takes ${avroTypeName(branch)}, which was written`,
          forward: `${named(path)} now takes ${avroTypeName(branch)}, which older readers do not know`,
          fix: `keep ${avroTypeName(branch)} in the union`,
        },
      ];
    });
  }

  private toUnion(branches: readonly AvroType[], reader: AvroType, writer: AvroType, path: string): Incompatibility[] {
    const attempts = branches.map((branch) => this.attempt(branch, writer, path));
    if (attempts.some((found) => found.length === 0)) return [];
    const sameType = branches.findIndex(
      (branch) => branch.kind === writer.kind && 'fullName' in branch && sameName(branch, writer as AvroNamed),
    );
    return sameType >= 0 ? attempts[sameType] : [typeChanged(reader, writer, path)];
  }

  private named(reader: AvroNamed, writer: AvroNamed, path: string): Incompatibility[] {
    if (!sameName(reader, writer)) return [nameChanged(reader, writer, path)];
    if (reader.kind === 'fixed') return fixed(reader, writer as typeof reader, path);
    if (reader.kind === 'enum') return enumeration(reader, writer as typeof reader, path);
    if (writer.kind !== 'record') return [typeChanged(reader, writer, path)];
    const writers = this.open.get(reader) ?? new Set();
    if (writers.has(writer)) return [];
    this.open.set(reader, new Set([...writers, writer]));
    return reader.fields.flatMap((field) => this.field(field, writer.fields, path));
  }

  /** What was taken to resolve while a branch was tried is forgotten when that branch fails: it may have rested on the branch. */
  private attempt(branch: AvroType, writer: AvroType, path: string): Incompatibility[] {
    const before = new Map(this.open);
    const found = this.compare(branch, writer, path);
    if (found.length > 0) this.open = before;
    return found;
  }

  private field(field: AvroField, written: readonly AvroField[], path: string): Incompatibility[] {
    const below = path ? `${path}.${field.name}` : field.name;
    const sources = written.filter(({ name }) => name === field.name || field.aliases.includes(name));
    if (sources.length > 1) {
      const names = sources.map(({ name }) => `'${name}'`).join(' and ');
      const text = `${named(below)} could be read from ${names}`;
      return [{ path: below, backward: text, forward: text, fix: 'drop the alias that names a field of its own' }];
    }
    if (sources.length === 1) return this.compare(field.type, sources[0].type, below);
    if (field.hasDefault) return [];
    return [
      {
        path: below,
        backward: `${named(below)} was added without a default, so older records leave it unknown`,
        forward: `${named(below)} was removed, and readers of the older schema have no default for it`,
        fix: `give ${below} a default`,
      },
    ];
  }
}

/** Unqualified names match (Avro specification, Schema Resolution); a reader's alias names the writer in full. */
function sameName(reader: AvroNamed, writer: AvroNamed): boolean {
  return simpleName(reader.fullName) === simpleName(writer.fullName) || reader.aliases.includes(writer.fullName);
}

function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

function named(path: string): string {
  return path ? `field '${path}'` : 'the schema';
}

function primitive(
  reader: Extract<AvroType, { kind: 'primitive' }>,
  writer: Extract<AvroType, { kind: 'primitive' }>,
  path: string,
): Incompatibility[] {
  if (reader.name !== writer.name && !PROMOTIONS[writer.name]?.includes(reader.name)) return [typeChanged(reader, writer, path)];
  return reader.logical && writer.logical && reader.logical !== writer.logical
    ? [logicalChanged(reader.logical, writer.logical, path)]
    : [];
}

function fixed(
  reader: Extract<AvroNamed, { kind: 'fixed' }>,
  writer: Extract<AvroNamed, { kind: 'fixed' }>,
  path: string,
): Incompatibility[] {
  if (reader.size === writer.size) {
    return reader.logical && writer.logical && reader.logical !== writer.logical
      ? [logicalChanged(reader.logical, writer.logical, path)]
      : [];
  }
  return [
    {
      path,
      backward: `${named(path)} changed its size from ${writer.size} to ${reader.size} bytes`,
      forward: `${named(path)} changed its size from ${reader.size} to ${writer.size} bytes`,
      fix: 'add a field of the new size beside it',
    },
  ];
}

function enumeration(
  reader: Extract<AvroNamed, { kind: 'enum' }>,
  writer: Extract<AvroNamed, { kind: 'enum' }>,
  path: string,
): Incompatibility[] {
  const unknown = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (unknown.length === 0 || reader.hasDefault) return [];
  const symbols = `${unknown.length === 1 ? 'symbol' : 'symbols'} ${unknown.map((symbol) => `'${symbol}'`).join(', ')}`;
  return [
    {
      path,
      backward: `${named(path)} lost the ${symbols} of enum ${reader.fullName}, which older records hold`,
      forward: `${named(path)} got the ${symbols} of enum ${reader.fullName}, which older readers do not know`,
      fix: `give the enum ${reader.fullName} a default before its symbols change`,
    },
  ];
}

function typeChanged(reader: AvroType, writer: AvroType, path: string): Incompatibility {
  const [to, from] = [avroTypeName(reader), avroTypeName(writer)];
  return {
    path,
    backward: `${named(path)} changed from ${from} to ${to}, and Avro does not promote ${from} to ${to}`,
    forward: `${named(path)} changed from ${to} to ${from}, and Avro does not promote ${from} to ${to} for older readers`,
    fix: 'add a field of the new type beside it, with a default',
  };
}

function logicalChanged(to: string, from: string, path: string): Incompatibility {
  return {
    path,
    backward: `${named(path)} changed from ${from} to ${to}, as which the same bytes mean another value or none`,
    forward: `${named(path)} changed from ${to} to ${from}, from which older readers read another value or none`,
    fix: 'add a field of the new type beside it, with a default',
  };
}

function nameChanged(reader: AvroNamed, writer: AvroNamed, path: string): Incompatibility {
  const rename = (from: AvroNamed, to: AvroNamed) => `${named(path)}: ${from.kind} ${from.fullName} was renamed to ${to.fullName}`;
  return {
    path,
    backward: `${rename(writer, reader)} without an alias`,
    forward: `${rename(reader, writer)}, which older readers do not know`,
    fix: `keep the name, or list "${writer.fullName}" in the aliases of ${reader.fullName}`,
  };
}
