import { Type } from 'avsc';
import * as fc from 'fast-check';
import { avroIncompatibilities } from '../../lib/streaming/avro-compatibility';

type Json = any;

const record = (fields: Json[], name = 'Payment') => ({ type: 'record', name, fields });
const messages = (reader: Json, writer: Json) =>
  avroIncompatibilities(JSON.stringify(reader), JSON.stringify(writer)).map(({ path, backward }) => `${path}: ${backward}`);
const forward = (reader: Json, writer: Json) =>
  avroIncompatibilities(JSON.stringify(reader), JSON.stringify(writer)).map((each) => each.forward);
const ID = { name: 'id', type: 'string' };

describe('a reader of Avro', () => {
  test.each<[string, Json, Json, string[]]>([
    [
      'a field added without a default',
      record([ID, { name: 'amount', type: 'long' }]),
      record([ID]),
      ["amount: field 'amount' was added without a default, so older records leave it unknown"],
    ],
    ['a field added with a default', record([ID, { name: 'amount', type: 'long', default: 0 }]), record([ID]), []],
    ['a field that is not read any more', record([ID]), record([ID, { name: 'amount', type: 'long' }]), []],
    ['a field renamed with an alias', record([{ name: 'key', aliases: ['id'], type: 'string' }]), record([ID]), []],
    [
      'a field that two of the writer could be',
      record([{ name: 'key', aliases: ['id', 'old'], type: 'string' }]),
      record([ID, { name: 'old', type: 'string' }]),
      ["key: field 'key' could be read from 'id' and 'old'"],
    ],
    [
      'a narrower number',
      record([{ name: 'n', type: 'int' }]),
      record([{ name: 'n', type: 'long' }]),
      ["n: field 'n' changed from long to int, and Avro does not promote long to int"],
    ],
    ['a wider number', record([{ name: 'n', type: 'double' }]), record([{ name: 'n', type: 'int' }]), []],
    ['bytes for a string', record([{ name: 'n', type: 'bytes' }]), record([{ name: 'n', type: 'string' }]), []],
    ['an optional field that was there always', record([{ name: 'n', type: ['null', 'long'] }]), record([{ name: 'n', type: 'int' }]), []],
    [
      'a branch taken from a union',
      record([{ name: 'n', type: ['null', 'string'] }]),
      record([{ name: 'n', type: ['null', 'string', 'boolean'] }]),
      ["n: field 'n' no longer takes boolean, which was written"],
    ],
    ['a branch added to a union', ['null', 'string', 'boolean'], ['null', 'string'], []],
    [
      'a symbol taken from an enum without a default',
      record([{ name: 's', type: { type: 'enum', name: 'State', symbols: ['NEW'] } }]),
      record([{ name: 's', type: { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] } }]),
      ["s: field 's' lost the symbol 'PAID' of enum State, which older records hold"],
    ],
    [
      'a symbol taken from an enum with a default',
      { type: 'enum', name: 'State', symbols: ['NEW'], default: 'NEW' },
      { type: 'enum', name: 'State', symbols: ['NEW', 'PAID'] },
      [],
    ],
    [
      'a fixed of another size',
      { type: 'fixed', name: 'Hash', size: 32 },
      { type: 'fixed', name: 'Hash', size: 16 },
      [': the schema changed its size from 16 to 32 bytes'],
    ],
    [
      'a record of another name',
      record([ID], 'Refund'),
      record([ID]),
      [': the schema: record Payment was renamed to Refund without an alias'],
    ],
    ['a record renamed with an alias', { ...record([ID], 'Refund'), aliases: ['Payment'] }, record([ID]), []],
    [
      'another decimal',
      record([{ name: 'a', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 4 } }]),
      record([{ name: 'a', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } }]),
      ["a: field 'a' changed from decimal(12, 2) to decimal(12, 4), as which the same bytes mean another value or none"],
    ],
    [
      'a time in another unit',
      record([{ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }]),
      record([{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }]),
      ["at: field 'at' changed from timestamp-millis to timestamp-micros, as which the same bytes mean another value or none"],
    ],
    [
      'a day read as a time',
      record([{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }]),
      record([{ name: 'at', type: { type: 'int', logicalType: 'date' } }]),
      ["at: field 'at' changed from date to timestamp-millis, as which the same bytes mean another value or none"],
    ],
    [
      'a number that is said to be a time',
      record([{ name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } }]),
      record([{ name: 'at', type: { type: 'long', logicalType: 'of-my-own' } }]),
      [],
    ],
    [
      'a field deep in arrays, maps and unions',
      record([
        {
          name: 'lines',
          type: { type: 'array', items: { type: 'map', values: ['null', record([ID, { name: 'tax', type: 'int' }], 'Line')] } },
        },
      ]),
      record([{ name: 'lines', type: { type: 'array', items: { type: 'map', values: ['null', record([ID], 'Line')] } } }]),
      ["lines[]{}.tax: field 'lines[]{}.tax' was added without a default, so older records leave it unknown"],
    ],
    [
      'a record that holds itself, once',
      record([ID, { name: 'next', type: ['null', 'Payment'], default: null }, { name: 'x', type: 'int' }]),
      record([ID, { name: 'next', type: ['null', 'Payment'], default: null }]),
      ["x: field 'x' was added without a default, so older records leave it unknown"],
    ],
    [
      'names of an enclosing namespace',
      {
        ...record([
          { name: 'a', type: { type: 'enum', name: 'E', symbols: ['A'] } },
          { name: 'b', type: 'E' },
        ]),
        namespace: 'x.y',
      },
      {
        ...record([
          { name: 'a', type: { type: 'enum', name: 'E', symbols: ['A'] } },
          { name: 'b', type: 'x.y.E' },
        ]),
        namespace: 'x.y',
      },
      [],
    ],
  ])('meets %s', (_what, reader, writer, expected) => {
    expect(messages(reader, writer)).toEqual(expected);
  });

  test('is told what the writer did, where the writer is the new schema', () => {
    expect(forward(record([ID, { name: 'amount', type: 'long' }]), record([ID]))).toEqual([
      "field 'amount' was removed, and readers of the older schema have no default for it",
    ]);
  });

  test('resolves unqualified names as the specification says; avsc asks for the full name', () => {
    const [reader, writer] = [record([ID], 'b.Payment'), record([ID], 'a.Payment')];
    expect(messages(reader, writer)).toEqual([]);
    expect(canRead(reader, writer)).toBe(false);
  });

  test('may differ in the precision of a decimal for avsc, which does not look at logical types', () => {
    const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 12, scale });
    expect([messages(decimal(4), decimal(2)).length, canRead(decimal(4), decimal(2))]).toEqual([1, true]);
  });
});

/** A type of Avro whose names are distinct, and a change of one of its parts. */
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'];
const DEFAULTS: Record<string, Json> = { null: null, boolean: true, int: 1, long: 2, float: 1, double: 2, string: 's', bytes: 'b' };
const primitive = fc.constantFrom(...PRIMITIVES);
const symbols = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D'), { minLength: 1, maxLength: 4 });

// Few names, so that independent schemas of a pair meet often.
function typeOfDepth(depth: number): fc.Arbitrary<Json> {
  const enumeration = fc.record({ symbols, withDefault: fc.boolean() }).map(({ symbols: list, withDefault }) => ({
    type: 'enum',
    name: `E${depth}`,
    symbols: list,
    ...(withDefault ? { default: list[0] } : {}),
  }));
  const fixed = fc.constantFrom(2, 4).map((size) => ({ type: 'fixed', name: `F${depth}`, size }));
  if (depth === 0) return fc.oneof({ weight: 4, arbitrary: primitive }, enumeration, fixed);
  const inner = typeOfDepth(depth - 1);
  const union = fc
    .uniqueArray(fc.oneof({ weight: 3, arbitrary: primitive }, inner), { minLength: 1, maxLength: 3, selector: kindOf })
    .map((branches) => branches.filter((branch) => !Array.isArray(branch)))
    .filter((branches) => branches.length > 0);
  const fields = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      type: fc.oneof(inner, union),
      alias: fc.option(fc.constantFrom('b', 'd')),
      withDefault: fc.boolean(),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  );
  const aRecord = fields.map((list) => ({
    type: 'record',
    name: `R${depth}`,
    fields: list.map(({ name, type, alias, withDefault }, index) => ({
      name,
      type: renamed(type, `${depth}${index}`),
      ...(alias && alias !== name ? { aliases: [alias] } : {}),
      ...(withDefault && defaultOf(type) !== undefined ? { default: defaultOf(type) } : {}),
    })),
  }));
  return fc.oneof(
    { weight: 3, arbitrary: aRecord },
    inner,
    inner.map((items) => ({ type: 'array', items })),
    inner.map((values) => ({ type: 'map', values })),
    union,
  );
}

function kindOf(type: Json): string {
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return 'union';
  return type.name ?? type.type;
}

/** A name may be defined once in a schema. */
function renamed(type: Json, suffix: string): Json {
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return type.map((branch) => renamed(branch, suffix));
  if (type.type === 'array') return { ...type, items: renamed(type.items, suffix) };
  if (type.type === 'map') return { ...type, values: renamed(type.values, suffix) };
  const fields = type.fields?.map((field: Json) => ({ ...field, type: renamed(field.type, suffix) }));
  return { ...type, name: `${type.name}_${suffix}`, ...(fields ? { fields } : {}) };
}

function defaultOf(type: Json): Json {
  if (typeof type === 'string') return DEFAULTS[type];
  if (Array.isArray(type)) return defaultOf(type[0]);
  if (type.type === 'array') return [];
  if (type.type === 'map') return {};
  if (type.type === 'enum') return type.symbols[0];
  return undefined;
}

/** A schema near another one, as edits are. */
function editsOf(schema: Json): fc.Arbitrary<Json> {
  return fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 80, maxLength: 80 }).map((dice) => {
    let thrown = 0;
    const next = () => dice[thrown++ % dice.length];
    const edit = (type: Json): Json => {
      if (typeof type === 'string') return next() === 0 ? PRIMITIVES[next() % PRIMITIVES.length] : type;
      if (Array.isArray(type)) {
        const kept = type.filter(() => next() > 1).map(edit);
        const extra = PRIMITIVES[next() % PRIMITIVES.length];
        const list = next() === 0 && !kept.includes(extra) ? [...kept, extra] : kept;
        return [...new Map(list.map((branch: Json) => [kindOf(branch), branch])).values()];
      }
      if (type.type === 'array') return { ...type, items: edit(type.items) };
      if (type.type === 'map') return { ...type, values: edit(type.values) };
      if (type.type === 'fixed') return next() === 0 ? { ...type, size: 4 } : type;
      if (type.type === 'enum') {
        const list = type.symbols.filter((_: string, index: number) => index === 0 || next() > 2);
        return { ...type, symbols: next() === 0 ? [...list, 'Z'] : list };
      }
      const fields = type.fields
        .filter(() => next() > 1)
        .map((field: Json) => {
          const edited = edit(field.type);
          const same = JSON.stringify(edited) === JSON.stringify(field.type);
          const { default: before, ...rest } = field;
          return { ...rest, type: edited, ...(same && before !== undefined ? { default: before } : {}) };
        });
      const extra = next() < 3 ? [{ name: 'z', type: 'int', ...(next() < 8 ? { default: 1 } : {}) }] : [];
      return { ...type, fields: [...fields, ...extra] };
    };
    return edit(schema);
  });
}

const OPTIONS = { wrapUnions: true } as const;

function parses(schema: Json): boolean {
  try {
    Type.forSchema(schema, OPTIONS);
    return true;
  } catch {
    return false;
  }
}

function canRead(reader: Json, writer: Json): boolean {
  try {
    Type.forSchema(reader, OPTIONS).createResolver(Type.forSchema(writer, OPTIONS));
    return true;
  } catch {
    return false;
  }
}

const pairs = typeOfDepth(3)
  .chain((writer) => fc.oneof({ weight: 3, arbitrary: editsOf(writer) }, typeOfDepth(3)).map((reader): [Json, Json] => [reader, writer]))
  .filter(([reader, writer]) => parses(reader) && parses(writer));

describe('of random pairs of schemas', () => {
  test('avsc reads with the reader what the writer wrote, wherever nothing is found', () => {
    let compatible = 0;
    fc.assert(
      fc.property(pairs, ([reader, writer]) => {
        if (messages(reader, writer).length > 0) return;
        compatible++;
        const [to, from] = [reader, writer].map((schema) => Type.forSchema(schema, OPTIONS));
        const resolver = to.createResolver(from);
        for (let round = 0; round < 3; round++) {
          const read = to.fromBuffer(from.toBuffer(from.random()), resolver);
          expect(to.isValid(read)).toBe(true);
        }
      }),
      { numRuns: 500, seed: 4 },
    );
    expect(compatible).toBeGreaterThan(80);
  });

  test('something is found, wherever avsc cannot resolve them', () => {
    let refused = 0;
    fc.assert(
      fc.property(pairs, ([reader, writer]) => {
        if (canRead(reader, writer)) return;
        refused++;
        expect(messages(reader, writer)).not.toEqual([]);
      }),
      { numRuns: 500, seed: 5 },
    );
    expect(refused).toBeGreaterThan(80);
  });

  test('nothing is found, wherever avsc resolves them', () => {
    fc.assert(
      fc.property(pairs, ([reader, writer]) => {
        if (canRead(reader, writer)) expect(messages(reader, writer)).toEqual([]);
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  test('every schema reads itself', () => {
    fc.assert(
      fc.property(typeOfDepth(3).filter(parses), (schema) => {
        expect(messages(schema, schema)).toEqual([]);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
