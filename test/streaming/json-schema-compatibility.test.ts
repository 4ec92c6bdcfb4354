import Ajv from 'ajv';
import * as fc from 'fast-check';
import { jsonSchemaIncompatibilities } from '../../lib/streaming/json-schema-compatibility';

type Json = any;

const messages = (reader: Json, writer: Json) =>
  jsonSchemaIncompatibilities(JSON.stringify(reader), JSON.stringify(writer)).map(({ path, backward }) => `${path}: ${backward}`);
const open = (properties: Json, rest: Json = {}) => ({ type: 'object', properties, ...rest });
const closed = (properties: Json, rest: Json = {}) => open(properties, { additionalProperties: false, ...rest });
const [TEXT, NUMBER, WHOLE] = ['string', 'number', 'integer'].map((type) => ({ type }));

describe('a reader of JSON Schema', () => {
  test.each<[string, Json, Json, string[]]>([
    [
      'a property added to an open content model',
      open({ id: TEXT, n: NUMBER }),
      open({ id: TEXT }),
      ["n: field 'n' was added to an open content model: older records may hold anything under that name"],
    ],
    ['a property of any type added to an open content model', open({ id: TEXT, n: true }), open({ id: TEXT }), []],
    ['a property added to a closed content model', closed({ id: TEXT, n: NUMBER }), closed({ id: TEXT }), []],
    [
      'a property taken from a closed content model',
      closed({ id: TEXT }),
      closed({ id: TEXT, n: NUMBER }),
      ["n: field 'n' was removed from a closed content model, which refuses older records that hold it"],
    ],
    ['a property taken from an open content model', open({ id: TEXT }), open({ id: TEXT, n: NUMBER }), []],
    [
      'a property that the partially open model covers',
      open({ n: NUMBER }, { additionalProperties: NUMBER }),
      open({}, { additionalProperties: WHOLE }),
      [],
    ],
    [
      'a content model that was closed',
      closed({ id: TEXT }),
      open({ id: TEXT }),
      [': the schema got a narrower content model: older records may hold properties that additionalProperties refuses now'],
    ],
    ['a content model that was opened', open({ id: TEXT }), closed({ id: TEXT }), []],
    [
      'a property that became required',
      closed({ id: TEXT }, { required: ['id'] }),
      closed({ id: TEXT }),
      ["id: field 'id' became required, and older records may lack it"],
    ],
    ['a wider type', open({ n: NUMBER }), open({ n: WHOLE }), []],
    ['a narrower type', open({ n: WHOLE }), open({ n: NUMBER }), ["n: field 'n' does not take number any more"]],
    [
      'an enum that lost a value',
      open({ s: { enum: ['new'] } }),
      open({ s: { enum: ['new', 'paid'] } }),
      [`s: field 's' does not take "paid" any more`],
    ],
    ['an enum where any text was', open({ s: { enum: ['a'] } }), open({ s: TEXT }), ["s: field 's' takes the values of enum alone now"]],
    ['an enum that got a value', open({ s: { enum: ['new', 'paid'] } }), open({ s: { enum: ['new'] } }), []],
    [
      'a bound that narrowed',
      open({ n: { type: 'integer', minimum: 1 } }),
      open({ n: { type: 'integer', minimum: 0 } }),
      ["n: field 'n' narrowed from minimum 0 to minimum 1, which older records need not keep"],
    ],
    ['a bound that widened', open({ s: { type: 'string', maxLength: 9 } }), open({ s: { type: 'string', maxLength: 5 } }), []],
    ['an alternative added', { anyOf: [TEXT, NUMBER] }, { anyOf: [TEXT] }, []],
    ['an alternative of one kind for the other', { anyOf: [TEXT, WHOLE] }, { oneOf: [TEXT, WHOLE] }, []],
    ['an alternative lost', { anyOf: [TEXT] }, { anyOf: [TEXT, WHOLE] }, [': the schema lost an alternative that older records use']],
    [
      'alternatives that overlap',
      { oneOf: [WHOLE, NUMBER] },
      WHOLE,
      [': the schema may match two alternatives of oneOf, which refuses it'],
    ],
    [
      'alternatives told apart by a constant',
      {
        oneOf: [
          closed({ kind: { const: 'a' } }, { required: ['kind'] }),
          closed({ kind: { const: 'b' }, n: NUMBER }, { required: ['kind'] }),
        ],
      },
      closed({ kind: { const: 'b' } }, { required: ['kind'] }),
      [],
    ],
    [
      'a field deep in items and references',
      {
        $ref: '#/definitions/Order',
        definitions: { Order: open({ lines: { type: 'array', items: { $ref: '#/definitions/Line' } } }), Line: closed({ a: TEXT }) },
      },
      open({ lines: { type: 'array', items: closed({ a: NUMBER }) } }),
      ["lines[].a: field 'lines[].a' does not take number, integer any more"],
    ],
    [
      'a schema that holds itself',
      { $ref: '#/definitions/N', definitions: { N: closed({ next: { $ref: '#/definitions/N' }, x: TEXT }) } },
      { $ref: '#/definitions/N', definitions: { N: closed({ next: { $ref: '#/definitions/N' } }) } },
      [],
    ],
    [
      'another draft',
      { $schema: 'https://json-schema.org/draft/2020-12/schema', ...TEXT },
      TEXT,
      [': the draft of JSON Schema changed from draft-07 to 2020-12, in which keywords mean other things'],
    ],
    [
      'a property named as a keyword',
      open({ title: TEXT }),
      open({ title: NUMBER }),
      ["title: field 'title' does not take number, integer any more"],
    ],
    ['a place in a list', { type: 'array', items: [TEXT, NUMBER] }, { type: 'array', items: [TEXT, WHOLE], maxItems: 2 }, []],
  ])('meets %s', (_what, reader, writer, expected) => {
    expect(messages(reader, writer)).toEqual(expected);
  });

  test('is told what the writer did, where the writer is the new schema', () => {
    const found = jsonSchemaIncompatibilities(JSON.stringify(closed({ id: TEXT })), JSON.stringify(closed({ id: TEXT, n: NUMBER })));
    expect(found.map(({ forward }) => forward)).toEqual(["field 'n' was added, and the closed content model of older readers refuses it"]);
  });
});

const NAMES = ['a', 'b', 'ab'];
const values = fc.letrec((tie) => ({
  leaf: fc.constantFrom<Json>(null, true, false, 0, 1, 2, 1.5, 4, '', 'x', 'xy', 'xyz'),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, 'c'), tie('value'), { maxKeys: 3 }),
  ),
}));

const leafSchemas: fc.Arbitrary<Json> = fc.oneof(
  fc.boolean(),
  fc.constantFrom(TEXT, NUMBER, WHOLE, { type: 'null' }, { type: ['string', 'null'] }, { type: 'boolean' }),
  fc.uniqueArray(fc.constantFrom<Json>('x', 'xy', 1, 2, null), { minLength: 1 }).map((list) => ({ enum: list })),
  fc.constantFrom<Json>('x', 1, null).map((value) => ({ const: value })),
  fc.record(
    { minimum: fc.integer({ min: 0, max: 2 }), maximum: fc.integer({ min: 1, max: 3 }), exclusiveMinimum: fc.constantFrom(0, 1) },
    { requiredKeys: [] },
  ),
  fc.constantFrom({ multipleOf: 2 }, { multipleOf: 1 }, { multipleOf: 4, type: 'integer' }),
  fc.record(
    { type: fc.constant('string'), minLength: fc.integer({ min: 0, max: 2 }), maxLength: fc.integer({ min: 1, max: 3 }) },
    { requiredKeys: [] },
  ),
  fc.constantFrom<Json>({ pattern: '^x' }, { $ref: '#/definitions/D' }, { $ref: '#/definitions/D', maxLength: 2 }),
);

const schemas = fc.letrec((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 2, arbitrary: leafSchemas },
    {
      weight: 4,
      arbitrary: fc.record(
        {
          type: fc.constant('object'),
          properties: fc.dictionary(fc.constantFrom(...NAMES), tie('schema'), { maxKeys: 3 }),
          patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('schema'), { maxKeys: 1 }),
          additionalProperties: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, tie('schema')),
          required: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
          minProperties: fc.constantFrom(1, 2),
          propertyNames: fc.constantFrom({ maxLength: 1 }, { enum: ['a', 'b'] }, { pattern: '^a' }),
        },
        { requiredKeys: [] },
      ),
    },
    fc.record(
      {
        type: fc.constant('array'),
        items: fc.oneof(tie('schema'), fc.array(tie('schema'), { minLength: 1, maxLength: 2 })),
        additionalItems: tie('schema'),
        minItems: fc.constantFrom(1, 2),
        maxItems: fc.constantFrom(1, 2),
        uniqueItems: fc.boolean(),
      },
      { requiredKeys: ['items'] },
    ),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((oneOf) => ({ oneOf })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
    tie('schema').map((not) => ({ not })),
    fc.record({ if: tie('schema'), then: tie('schema'), else: tie('schema') }),
    tie('schema').map((contains) => ({ type: 'array', contains })),
  ),
})).schema as fc.Arbitrary<Json>;

const documents = fc
  .record({ schema: schemas, definition: schemas })
  .map(({ schema, definition }) =>
    typeof schema === 'boolean'
      ? {}
      : { ...schema, definitions: { D: JSON.parse(JSON.stringify(definition).replaceAll('"$ref"', '"$comment"')) } },
  );

/** One keyword dropped, or one replaced: as edits are. */
function editsOf(document: Json): fc.Arbitrary<Json> {
  const places: [Json[], string][] = [];
  const visit = (node: Json, path: Json[]): void => {
    if (node === null || typeof node !== 'object') return;
    for (const key of Object.keys(node)) {
      if (!Array.isArray(node) && key !== 'definitions') places.push([path, key]);
      visit(node[key], [...path, key]);
    }
  };
  visit(document, []);
  if (places.length === 0) return fc.constant(document);
  return fc.tuple(fc.constantFrom(...places), fc.option(leafSchemas)).map(([[path, key], replacement]) => {
    const copy = JSON.parse(JSON.stringify(document));
    const node = path.reduce((at, step) => at[step], copy);
    const keepsKind = ['additionalProperties', 'not', 'additionalItems', ...NAMES].includes(key);
    if (replacement !== null && keepsKind) node[key] = replacement;
    else if (key !== 'if') delete node[key];
    return copy;
  });
}

const pairs = documents.chain((writer) =>
  fc.oneof({ weight: 3, arbitrary: editsOf(writer) }, documents).map((reader): [Json, Json] => [reader, writer]),
);

// One for all: to make one takes longer than to compile a schema.
const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });

function validatorOf(schema: Json) {
  return ajv.removeSchema().compile(schema);
}

function compiles(...all: Json[]): boolean {
  try {
    all.forEach((schema) => validatorOf(schema));
    return true;
  } catch {
    return false;
  }
}

describe('a name of another place in the document', () => {
  const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
  const closed = (a: Json, rest: Json) => ({ type: 'object', additionalProperties: false, properties: { a }, ...rest });
  test.each<[string, (type: string) => Json]>([
    ['a pointer beside other keywords', (type) => closed({ $ref: '#/definitions/x', maxLength: 4 }, { definitions: { x: { type } } })],
    ['an anchor', (type) => closed({ $ref: '#x' }, { $schema: DRAFT, $defs: { x: { $anchor: 'x', type } } })],
    ['an anchor of draft-07', (type) => closed({ $ref: '#x' }, { definitions: { x: { $id: '#x', type } } })],
    ['a dynamic anchor', (type) => closed({ $dynamicRef: '#x' }, { $schema: DRAFT, $defs: { x: { $dynamicAnchor: 'x', type } } })],
    ['an address', (type) => closed({ $ref: 'https://x.test/x' }, { definitions: { x: { $id: 'https://x.test/x', type } } })],
    [
      'a pointer within a part that has an address',
      (type) =>
        closed(
          { $id: 'https://x.test/b', definitions: { x: { type } }, properties: { q: { $ref: '#/definitions/x' } } },
          { definitions: { x: { type: 'string' } } },
        ),
    ],
    ['a dependency', (type) => ({ dependencies: { a: { $ref: '#/definitions/x' } }, definitions: { x: { maxProperties: type.length } } })],
  ])('counts by what stands there: %s', (_name, document) => {
    expect(messages(document('integer'), document('string'))).not.toEqual([]);
    expect(messages(document('string'), document('string'))).toEqual([]);
  });

  test('counts from the whole document, where it is the whole', () => {
    const writer = { properties: { a: { const: { b: {} } }, z: true }, required: ['z'] };
    expect(messages({ properties: { a: { properties: { b: { $ref: '#' } } } }, required: ['z'] }, writer)).not.toEqual([]);
  });
});

test('alternatives within alternatives are compared in seconds', () => {
  const nested = (depth: number, leaf: Json): Json =>
    depth === 0
      ? leaf
      : {
          anyOf: ['a', 'b'].map((kind) => ({
            type: 'object',
            properties: { kind: { const: kind }, x: nested(depth - 1, leaf) },
            required: ['kind'],
            additionalProperties: false,
          })),
        };
  const start = process.cpuUsage();
  expect(messages(nested(3, { type: ['string', 'null'] }), nested(3, { type: 'string' }))).toEqual([]);
  expect(messages(nested(3, { type: 'string' }), nested(3, { type: ['string', 'null'] }))).not.toEqual([]);
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(5000);
});

test.each<[string, Json]>([
  ['minLength', { type: 'string', minLength: 0 }],
  ['minItems', { type: 'array', minItems: 0 }],
  ['uniqueItems', { type: 'array', uniqueItems: false }],
])('a %s that everything keeps may be added', (_name, reader) => {
  expect(messages(reader, { type: reader.type })).toEqual([]);
});

describe('of random pairs of schemas', () => {
  test('what is valid for the writer is valid for the reader, wherever nothing is found', () => {
    let [compatible, valid] = [0, 0];
    fc.assert(
      fc.property(pairs, fc.array(values.value, { minLength: 20, maxLength: 40 }), ([reader, writer], instances) => {
        fc.pre(compiles(reader, writer));
        if (messages(reader, writer).length > 0) return;
        compatible++;
        const [to, from] = [validatorOf(reader), validatorOf(writer)];
        for (const instance of instances) {
          if (!from(instance)) continue;
          valid++;
          expect([instance, to(instance)]).toEqual([instance, true]);
        }
      }),
      { numRuns: 200, seed: 11, endOnFailure: true },
    );
    expect(compatible).toBeGreaterThan(40);
    expect(valid).toBeGreaterThan(150);
  });

  test('every schema reads itself', () => {
    fc.assert(
      fc.property(documents, (schema) => {
        fc.pre(compiles(schema));
        expect(messages(schema, schema)).toEqual([]);
      }),
      { numRuns: 60, seed: 12 },
    );
  });
});
