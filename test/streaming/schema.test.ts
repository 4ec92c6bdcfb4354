import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as fc from 'fast-check';
import { Compatibility } from '../../lib/streaming/compatibility';
import { checksOf, confluentLevelOf } from '../../lib/streaming/compatibility-checks';
import { Schema, SchemaFormat } from '../../lib/streaming/schema';
import { forbiddenChanges } from '../../lib/streaming/schema-compatibility';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { compactJson, indentJson } from '../../lib/streaming/schema-text';
import { codeOf } from '../contract/refusal';

const avro = (...fields: object[]) =>
  Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }, ...fields] }));
const V1 = avro();
const OPTIONAL = avro({ name: 'amount', type: 'long', default: 0 });
const REQUIRED = avro({ name: 'amount', type: 'long' });
const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('a schema', () => {
  test.each<[string, () => Schema, string]>([
    ['text that is no JSON', () => Schema.avro('{"type": "record",\n  "name" "A"}'), 'no JSON at line 2, column 10: '],
    ['JSON cut off', () => Schema.avro('{"type": '), 'no JSON at its end: '],
    [
      'an unknown type of Avro',
      () => Schema.avro('{"type":"record","name":"A","fields":[{"name":"a","type":"strnig"}]}'),
      'no Avro schema: undefined type name: strnig',
    ],
    ['a record of Avro without a name', () => Schema.avro('{"type":"record","fields":[]}'), 'no Avro schema: missing name property'],
    [
      'a default of another type',
      () => Schema.avro('{"type":"record","name":"A","fields":[{"name":"a","type":"int","default":"1"}]}'),
      'incompatible field default',
    ],
    [
      'a keyword with a wrong value',
      () => Schema.jsonSchema('{"type":"strnig"}'),
      'no JSON Schema: schema is invalid: data/type must be equal',
    ],
    ['a reference to nothing', () => Schema.jsonSchema('{"$ref":"#/definitions/A"}'), "can't resolve reference #/definitions/A"],
    ['an instance in place of a schema', () => Schema.jsonSchema('[1]'), 'JSON that is neither an object nor a boolean'],
    [
      'an old draft',
      () => Schema.jsonSchema('{"$schema":"http://json-schema.org/draft-04/schema#"}'),
      "the draft 'http://json-schema.org/draft-04/schema#' of JSON Schema",
    ],
    [
      'a Protobuf number used twice',
      () => Schema.protobuf('syntax = "proto3"; message A { string a = 1; string b = 1; }'),
      'no Protobuf file: duplicate id 1 in Type A',
    ],
    ['an unknown Protobuf type', () => Schema.protobuf('syntax = "proto3"; message A { B b = 1; }'), "no such Type or Enum 'B'"],
    ['an import that is not at hand', () => Schema.protobuf('syntax = "proto3"; import "a.proto"; message A {}'), "an import of 'a.proto'"],
    [
      'a Protobuf file without a message',
      () => Schema.protobuf('syntax = "proto3"; enum A { B = 0; }'),
      'a Protobuf file without a message',
    ],
    ['nothing', () => Schema.avro(undefined as never), 'received nothing'],
    ['a token', () => Schema.avro('${Token[TOKEN.1]}'), 'a value known only at deploy time'],
  ])('refuses %s', (_what, work, text) => {
    expect(codeOf(work)).toBe('Millrace.SchemaInvalid');
    expect(messageOf(work)).toContain(text);
  });

  test('says where it is, what is allowed and how to fix it', () => {
    expect(messageOf(() => Schema.protobuf('syntax = "proto3"; enum A { B = 0; }'))).toBe(
      'Schema.protobuf: Millrace.SchemaInvalid: definition: received a Protobuf file without a message; allowed: a schema that parses; fix: define the message that the topic carries',
    );
  });

  test('is refused beyond what AWS Glue takes, counted without space', () => {
    const long = (doc: number, space: string) =>
      Schema.avro(`{"type":"enum","name":"A","symbols":["B"],${space}"doc":"${'x'.repeat(doc)}"}`);
    const rest = '{"type":"enum","name":"A","symbols":["B"],"doc":""}'.length;
    expect(long(170_000 - rest, ' '.repeat(500)).definition.length).toBe(170_000);
    expect(codeOf(() => long(170_001 - rest, ''))).toBe('Millrace.SchemaTooLarge');
  });

  test('takes the drafts of JSON Schema by their name, and draft-07 without', () => {
    for (const draft of [
      'http://json-schema.org/draft-06/schema#',
      'https://json-schema.org/draft/2019-09/schema',
      'https://json-schema.org/draft/2020-12/schema',
    ]) {
      expect(Schema.jsonSchema(JSON.stringify({ $schema: draft, type: 'string' })).format).toBe(SchemaFormat.JSON_SCHEMA);
    }
    expect(codeOf(() => Schema.jsonSchema('{"items":[true],"additionalItems":false}'))).toBeUndefined();
  });

  test('has one fingerprint whatever its space and the order of its keys, and another for other content', () => {
    const same = ['{"type":"enum","name":"A","symbols":["B"]}', '{ "name": "A",\n  "type": "enum", "symbols": [ "B" ] }'].map(
      (text) => Schema.avro(text).fingerprint,
    );
    expect(same[0]).toBe(same[1]);
    expect(Schema.avro('{"type":"enum","name":"A","symbols":["C"]}').fingerprint).not.toBe(same[0]);
    const proto = [
      'syntax="proto3";message A{string a=1;}',
      '// a\nsyntax = "proto3";\nmessage A {\n  string a = 1; /* b */\n}\n',
      'syntax="proto3";message A{string b=1;}',
    ];
    const [first, second, third] = proto.map((text) => Schema.protobuf(text).fingerprint);
    expect([first === second, first === third]).toEqual([true, false]);
    const large = ['9223372036854775806', '9223372036854775807'].map((value) => Schema.jsonSchema(`{"maximum":${value}}`));
    expect(large[0].fingerprint).not.toBe(large[1].fingerprint);
    expect(large[1].definition).toBe('{"maximum":9223372036854775807}');
  });

  test('is written with and without space as the same JSON', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(compactJson(indentJson(text))).toBe(compactJson(text));
        expect(JSON.parse(indentJson(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 200, seed: 1 },
    );
    expect(indentJson('{"a":[],"b":{"c":[1,"{ , }"]}}')).toBe(
      '{\n  "a": [],\n  "b": {\n    "c": [\n      1,\n      "{ , }"\n    ]\n  }\n}',
    );
  });
});

describe('a mode', () => {
  const codes = (mode: Compatibility, proposed: Schema, ...accepted: Schema[]) =>
    forbiddenChanges(
      'payments-value',
      proposed,
      mode,
      accepted.map((schema, index) => ({ version: index + 1, schema })),
    ).map(({ code, received }) => `${code} ${/version \d/.exec(received)?.[0]}`);
  const incompatible = (...versions: number[]) => versions.map((version) => `Millrace.SchemaIncompatible version ${version}`);

  test.each<[Compatibility, [added: string[], removed: string[], againstAll: string[]]]>([
    [Compatibility.NONE, [[], [], []]],
    [Compatibility.BACKWARD, [incompatible(1), [], []]],
    [Compatibility.BACKWARD_ALL, [incompatible(1), [], incompatible(1)]],
    [Compatibility.FORWARD, [[], incompatible(1), []]],
    [Compatibility.FORWARD_ALL, [[], incompatible(1), []]],
    [Compatibility.FULL, [incompatible(1), incompatible(1), []]],
    [Compatibility.FULL_ALL, [incompatible(1), incompatible(1), incompatible(1)]],
    [
      Compatibility.DISABLED,
      [['Millrace.SchemaFrozen version 1'], ['Millrace.SchemaFrozen version 1'], ['Millrace.SchemaFrozen version 2']],
    ],
  ])('%s refuses what it names', (mode, [added, removed, againstAll]) => {
    expect(codes(mode, REQUIRED, V1)).toEqual(added);
    expect(codes(mode, V1, REQUIRED)).toEqual(removed);
    // Of version 2 it reads and is read; of version 1 it reads nothing.
    expect(codes(mode, REQUIRED, V1, avro({ name: 'amount', type: 'long', default: 1 }))).toEqual(againstAll);
    expect(codes(mode, REQUIRED)).toEqual([]);
  });

  test('knows its directions and its name in the API of Confluent', () => {
    expect(checksOf(Compatibility.FULL_ALL)).toEqual({ backward: true, forward: true, all: true });
    expect(checksOf(Compatibility.FORWARD)).toEqual({ backward: false, forward: true, all: false });
    expect(Object.values(Compatibility).map((mode) => confluentLevelOf(mode))).toEqual([
      'NONE',
      'FULL_TRANSITIVE',
      'BACKWARD',
      'BACKWARD_TRANSITIVE',
      'FORWARD',
      'FORWARD_TRANSITIVE',
      'FULL',
      'FULL_TRANSITIVE',
    ]);
  });

  test.each([Compatibility.BACKWARD, Compatibility.FORWARD, Compatibility.FULL_ALL])(
    'in mode %s takes a Protobuf field away and reserves its number, but does not take the number again',
    (mode) => {
      const protobuf = (fields: string) => Schema.protobuf(`syntax = "proto3"; message Payment { ${fields} }`);
      const removed = protobuf('string id = 1; reserved 2;');
      const forbidden = (proposed: Schema, before: Schema) => forbiddenChanges('s', proposed, mode, [{ version: 1, schema: before }]);
      expect(forbidden(removed, protobuf('string id = 1; string phone = 2;'))).toEqual([]);
      expect(forbidden(protobuf('string id = 1; string mail = 2;'), removed)).toMatchObject([
        { code: 'Millrace.SchemaIncompatible', subject: 's Payment.mail' },
      ]);
    },
  );

  test('names the field, the rule, the version and the fix', () => {
    expect(forbiddenChanges('payments-value', REQUIRED, Compatibility.BACKWARD, [{ version: 3, schema: V1 }])).toEqual([
      {
        code: 'Millrace.SchemaIncompatible',
        subject: 'payments-value amount',
        received: "BACKWARD: field 'amount' was added without a default, so older records leave it unknown (compared with version 3)",
        allowed: 'a schema whose readers read what was written with version 3',
        fix: 'give amount a default',
      },
    ]);
  });

  test('refuses another format, whatever is in it', () => {
    expect(codes(Compatibility.FORWARD, Schema.jsonSchema('{}'), V1)).toEqual(
      incompatible(1).map((text) => text.replace('version 1', 'undefined')),
    );
    expect(codes(Compatibility.NONE, Schema.jsonSchema('{}'), V1)).toEqual([]);
  });
});

describe('the history', () => {
  let folder: string;
  beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-schemas-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  const write = (files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    }
  };
  const assess = (schema: Schema, mode = Compatibility.BACKWARD) => {
    const { versions, current, violations, notice } = new SchemaHistory(folder).assess('payments-value', schema, mode);
    return [versions.length, current, violations.map(({ code }) => code), notice?.code];
  };

  test('begins with version 1, which is to be accepted', () => {
    expect(assess(V1)).toEqual([1, 1, [], 'Millrace.SchemaNotAccepted']);
    expect(assess(V1, Compatibility.DISABLED)).toEqual([1, 1, [], 'Millrace.SchemaNotAccepted']);
  });

  test('knows an accepted version in whatever layout, adds a compatible one, and refuses others', () => {
    const history = new SchemaHistory(folder);
    expect(history.append('payments-value', { version: 1, schema: V1 })).toBe(path.join(folder, 'payments-value/1.avsc'));
    expect(fs.readFileSync(path.join(folder, 'payments-value/1.avsc'), 'utf8')).toMatch(/^\{\n {2}"type": "record",\n/);
    write({ 'payments-value/README.md': 'a note' });
    expect(assess(V1)).toEqual([1, 1, [], undefined]);
    expect(assess(OPTIONAL)).toEqual([2, 2, [], 'Millrace.SchemaNotAccepted']);
    expect(assess(REQUIRED)).toEqual([2, 2, ['Millrace.SchemaIncompatible'], 'Millrace.SchemaNotAccepted']);
    history.append('payments-value', { version: 2, schema: OPTIONAL });
    expect(assess(V1)).toEqual([2, 1, [], 'Millrace.SchemaOlderThanAccepted']);
    expect(fs.readdirSync(path.join(folder, 'payments-value')).sort()).toEqual(['1.avsc', '2.avsc', 'README.md']);
  });

  test('keeps a Protobuf file as it is written, comments included', () => {
    const text = 'syntax = "proto3";\n// who pays\nmessage A { string a = 1; }\n';
    new SchemaHistory(folder).append('a-value', { version: 1, schema: Schema.protobuf(text) });
    expect(fs.readFileSync(path.join(folder, 'a-value/1.proto'), 'utf8')).toBe(text);
  });

  test.each<[string, Record<string, string>, string]>([
    ['a version that is missing', { '1.avsc': '"string"', '3.avsc': '"long"' }, 'versions 1, 3'],
    ['a number that is there twice', { '1.avsc': '"string"', '1.json': '{}' }, 'versions 1, 1'],
    ['a file that is cut off', { '1.avsc': '{"type":' }, 'no JSON at its end'],
    ['a file of another name', { 'one.avsc': '"string"' }, 'a name that is no version number'],
  ])('names %s', (_what, files, text) => {
    write(Object.fromEntries(Object.entries(files).map(([file, content]) => [`payments-value/${file}`, content])));
    expect(codeOf(() => assess(V1))).toBe('Millrace.SchemaHistoryDamaged');
    expect(messageOf(() => assess(V1))).toContain(text);
  });
});
