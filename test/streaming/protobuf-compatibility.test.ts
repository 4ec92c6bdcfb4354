import * as fc from 'fast-check';
import { Root, parse } from 'protobufjs';
import { protobufIncompatibilities } from '../../lib/streaming/protobuf-compatibility';

const file = (body: string, syntax = 'proto3') => `syntax = "${syntax}";\npackage pay.v1;\n${body}`;
const messages = (reader: string, writer: string) =>
  protobufIncompatibilities(reader, writer).map(({ path, backward }) => `${path}: ${backward}`);
const payment = (fields: string, syntax?: string) => file(`message Payment { ${fields} }`, syntax);

describe('a reader of Protobuf', () => {
  test.each<[string, string, string, string[]]>([
    ['a field added', payment('string id = 1; int64 amount = 2;'), payment('string id = 1;'), []],
    ['a field removed', payment('string id = 1; reserved 2;'), payment('string id = 1; int64 amount = 2;'), []],
    ['a wider number', payment('int64 n = 1;'), payment('int32 n = 1;'), []],
    [
      'a narrower number',
      payment('int32 n = 1;'),
      payment('int64 n = 1;'),
      ["Payment.n: field 'Payment.n' changed from int64 to int32, which reads other values from the same bytes or cuts them"],
    ],
    [
      'another encoding of the same number',
      payment('sint32 n = 1;'),
      payment('int32 n = 1;'),
      ["Payment.n: field 'Payment.n' changed from int32 to sint32, which reads other values from the same bytes or cuts them"],
    ],
    [
      'a number taken by another field',
      payment('string phone = 1;'),
      payment('string email = 1;'),
      [
        "Payment.email: field 'Payment.email' was 'email' and is 'phone' now under the same number 1, so values are read under another name",
      ],
    ],
    [
      'a field that the writer removed and reserved',
      payment('string id = 1; string phone = 2;'),
      payment('string id = 1; reserved 2;'),
      [],
    ],
    [
      'a field under another number',
      payment('string id = 2;'),
      payment('string id = 1;'),
      ["Payment.id: field 'Payment.id' changed its number from 1 to 2, so values under the old one are not read"],
    ],
    [
      'an alternative that left, under another name of the oneof',
      payment('oneof means { string card = 1; }'),
      payment('oneof by { string card = 1; string iban = 2; }'),
      ["Payment.iban: field 'Payment.iban' left the oneof by, so a record that chose it seems to have chosen nothing"],
    ],
    [
      'an enum that lost the second name of a number',
      file('message Payment { State s = 1; } enum State { NEW = 0; PAID = 1; }'),
      file('message Payment { State s = 1; } enum State { option allow_alias = true; NEW = 0; PAID = 1; SETTLED = 1; }'),
      [],
    ],
    [
      'a message where a group was',
      file('message Payment { optional Part part = 1; message Part { optional int32 a = 1; } }', 'proto2'),
      file('message Payment { optional group Part = 1 { optional int32 a = 1; } }', 'proto2'),
      [
        "Payment.part: field 'Payment.part' changed from group Payment.Part to Payment.Part, which reads other values from the same bytes or cuts them",
      ],
    ],
    ['a list of texts where one was', payment('repeated string tags = 1;'), payment('string tags = 1;'), []],
    [
      'one number where a list was',
      payment('int32 n = 1;'),
      payment('repeated int32 n = 1;'),
      ["Payment.n: field 'Payment.n' changed from repeated int32 to int32, which reads other values from the same bytes or cuts them"],
    ],
    [
      'fields that became alternatives',
      payment('oneof by { string card = 1; string iban = 2; }'),
      payment('string card = 1; string iban = 2;'),
      ["Payment.by: field 'Payment.by' makes alternatives of card, iban, which older records hold together"],
    ],
    ['one field that became an alternative', payment('oneof by { string card = 1; string iban = 2; }'), payment('string card = 1;'), []],
    [
      'an alternative that left',
      payment('oneof by { string card = 1; }'),
      payment('oneof by { string card = 1; string iban = 2; }'),
      ["Payment.iban: field 'Payment.iban' left the oneof by, so a record that chose it seems to have chosen nothing"],
    ],
    [
      'a required field',
      payment('required string id = 1; required int32 n = 2;', 'proto2'),
      payment('required string id = 1;', 'proto2'),
      ["Payment.n: field 'Payment.n' was added as a required field, and older records lack it"],
    ],
    [
      'a message that left',
      file('message A { string id = 1; }'),
      file('message A { string id = 1; } message B { string id = 1; }'),
      ["B: field 'B' was removed as a message"],
    ],
    [
      'an enum value that changed its number',
      file('enum S { NEW = 0; PAID = 2; } message A { S s = 1; }'),
      file('enum S { NEW = 0; PAID = 1; } message A { S s = 1; }'),
      ["S.PAID: field 'S.PAID' changed its number from 1 to 2"],
    ],
    [
      'an enum number taken by another value',
      file('enum S { NEW = 0; LOST = 1; } message A { S s = 1; }'),
      file('enum S { NEW = 0; PAID = 1; } message A { S s = 1; }'),
      ["S.PAID: field 'S.PAID' gave its number 1 to LOST"],
    ],
    [
      'an enum value added',
      file('enum S { NEW = 0; PAID = 1; } message A { S s = 1; }'),
      file('enum S { NEW = 0; } message A { S s = 1; }'),
      [],
    ],
    ['another package', payment('string id = 1;').replace('pay.v1', 'pay.v2'), payment('string id = 1;'), []],
    [
      'a change in a nested message',
      payment('message Line { string tax = 1; } repeated Line lines = 1;'),
      payment('message Line { int32 tax = 1; } repeated Line lines = 1;'),
      [
        "Payment.Line.tax: field 'Payment.Line.tax' changed from int32 to string, which reads other values from the same bytes or cuts them",
      ],
    ],
    [
      'another type of the values of a map',
      payment('map<string, int32> m = 1;'),
      payment('map<string, string> m = 1;'),
      [
        "Payment.m: field 'Payment.m' changed from map<string, string> to map<string, int32>, which reads other values from the same bytes or cuts them",
      ],
    ],
    [
      'a well-known type',
      'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A { google.protobuf.Timestamp at = 1; string id = 2; }',
      'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message A { google.protobuf.Timestamp at = 1; }',
      [],
    ],
    ['optional fields of proto3', payment('optional string a = 1; optional string b = 2;'), payment('string a = 1; string b = 2;'), []],
  ])('meets %s', (_what, reader, writer, expected) => {
    expect(messages(reader, writer)).toEqual(expected);
  });
});

const SCALARS = [
  'bool',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'sfixed32',
  'fixed64',
  'float',
  'double',
  'string',
  'bytes',
];

interface FieldSpec {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly inOneof: boolean;
}

const fields = fc
  .uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 4 }),
      type: fc.constantFrom(...SCALARS, 'Kind', 'Part'),
      repeated: fc.boolean(),
      inOneof: fc.boolean(),
      // Mostly a name of its own, so that most fields of a pair are the same one.
      other: fc.constantFrom(false, false, false, false, true),
    }),
    { maxLength: 4, selector: ({ id }) => id },
  )
  .map((list) => list.map(({ other, ...rest }): FieldSpec => ({ ...rest, name: other ? `g${rest.id}` : `f${rest.id}` })));

function textOf(list: readonly FieldSpec[], part: readonly FieldSpec[]): string {
  const line = (field: FieldSpec) => `${field.type} ${field.name} = ${field.id};`;
  const plain = (each: readonly FieldSpec[]) =>
    each.filter(({ inOneof }) => !inOneof).map((field) => `${field.repeated ? 'repeated ' : ''}${line(field)}`);
  const choice = list.filter(({ inOneof }) => inOneof).map(line);
  const partFields = part.filter(({ type }) => type !== 'Part').map((field) => ({ ...field, inOneof: false }));
  return `syntax = "proto3"; enum Kind { ZERO = 0; ONE = 1; } message Part { ${plain(partFields).join(' ')} }
    message M { ${plain(list).join(' ')} ${choice.length > 0 ? `oneof o { ${choice.join(' ')} }` : ''} }`;
}

/** The same fields, some gone, added or of another type. */
const pairs = fc
  .tuple(fields, fields, fields, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 }))
  .map(([writer, other, part, dice]) => {
    const edited = writer.flatMap((field, index) => {
      if (dice[index] === 0) return [];
      const replacement = other.find(({ id }) => id === field.id);
      return dice[index] < 4 && replacement ? [replacement] : [field];
    });
    const added = other.filter(({ id }) => !writer.some((field) => field.id === id)).slice(0, dice[5] < 3 ? 1 : 0);
    const partEdited = part.filter((_, index) => dice[index + 4] > 1);
    return { reader: textOf([...edited, ...added], partEdited), writer: textOf(writer, part) };
  });

const sample = (type: string, index: number): unknown => {
  if (type === 'bool') return true;
  if (type === 'string') return ['a', 'bc'][index];
  if (type === 'bytes') return Buffer.from([1, 254].slice(0, index + 1));
  if (type === 'Kind') return 1;
  if (type === 'float' || type === 'double') return [1.5, -2][index];
  const wide = type.endsWith('64');
  if (type.startsWith('u') || type.startsWith('fixed')) return wide ? [Number.MAX_SAFE_INTEGER, 3][index] : [0xffffffff, 3][index];
  return wide ? [Number.MIN_SAFE_INTEGER, 3][index] : [-0x80000000, 3][index];
};

function valueOf(root: Root, name: string): Record<string, unknown> {
  const type = root.lookupType(name);
  const chosen = new Set(type.oneofsArray.map((oneof) => oneof.fieldsArray[0]));
  const present = type.fieldsArray.filter((field) => !field.partOf || chosen.has(field));
  return Object.fromEntries(
    present.map((field) => {
      const one = (index: number) => (field.type === 'Part' ? valueOf(root, 'Part') : sample(field.type, index));
      return [field.name, field.repeated ? [one(0), one(1)] : one(0)];
    }),
  );
}

/** Plain values that can be compared: texts as bytes, a single value as a list of one where the reader has lists. */
function comparable(value: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string') return [...Buffer.from(value)];
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(comparable);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, comparable(part)]));
  return value;
}

test('of random pairs, a reader gets back what the writer wrote in every field that both have, wherever nothing is found', () => {
  let [compatible, compared] = [0, 0];
  fc.assert(
    fc.property(pairs, ({ reader, writer }) => {
      if (messages(reader, writer).length > 0) return;
      compatible++;
      const [to, from] = [reader, writer].map((text) => parse(text, new Root(), { keepCase: true }).root.resolveAll() as Root);
      const written = valueOf(from, 'M');
      const type = from.lookupType('M');
      const bytes = type.encode(type.fromObject(written)).finish();
      const readType = to.lookupType('M');
      const read = readType.toObject(readType.decode(bytes), { longs: Number, enums: Number, arrays: true });
      for (const [name, value] of Object.entries(written)) {
        const field = readType.fields[name];
        if (!field || field.type === 'Part') continue;
        compared++;
        const expected = field.repeated && !type.fields[name].repeated ? [value] : value;
        expect([name, comparable(read[name])]).toEqual([name, comparable(expected)]);
      }
    }),
    { numRuns: 1000, seed: 21, endOnFailure: true },
  );
  expect(compatible).toBeGreaterThan(100);
  expect(compared).toBeGreaterThan(200);
});
