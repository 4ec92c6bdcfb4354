import { Duration } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { EventTime, EventTimeEncoding } from '../../lib/features/event-time';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { FeatureSchema, type FeatureSchemaProps } from '../../lib/features/feature-schema';
import { featureSchemaRecord } from '../../lib/features/feature-schema-record';
import { fieldsOf } from '../../lib/features/schema-fields';
import { Schema } from '../../lib/streaming/schema';
import { codesOf } from '../contract/refusal';

const avro = (fields: unknown[]) => Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields }));
const PAYMENT = avro([
  { name: 'card_id', type: 'string' },
  { name: 'amount_minor', type: 'long' },
  { name: 'ratio', type: 'double' },
  { name: 'network', type: ['null', 'string'], default: null },
  { name: 'tokenized', type: 'boolean' },
  { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['CARD', 'WALLET'] } },
  { name: 'fee', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'authorized_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
]);
const FEATURES: Feature[] = [
  { name: 'card_id', type: FeatureType.STRING },
  { name: 'amount_minor', type: FeatureType.INTEGRAL },
];
const PROPS: FeatureSchemaProps = {
  name: 'card-activity',
  entityKey: 'card_id',
  eventTime: EventTime.timestamp('authorized_at'),
  features: FEATURES,
  owner: 'fraud-ml',
};
const schemaWith = (props: Partial<FeatureSchemaProps>) => new FeatureSchema({ ...PROPS, ...props });

describe('the fields of a record', () => {
  test('of Avro have the type that a feature made of them has, and say when they may be missing', () => {
    expect(fieldsOf(PAYMENT).map(({ name, type, typeName, optional, time }) => [name, type, typeName, optional, time])).toEqual([
      ['card_id', 'String', 'string', false, undefined],
      ['amount_minor', 'Integral', 'long', false, undefined],
      ['ratio', 'Fractional', 'double', false, undefined],
      ['network', 'String', 'string', true, undefined],
      ['tokenized', 'Integral', 'boolean', false, undefined],
      ['kind', 'String', 'enum Kind', false, undefined],
      ['fee', undefined, 'decimal(9, 2)', false, undefined],
      ['tags', undefined, 'array of string', false, undefined],
      ['authorized_at', 'Integral', 'timestamp-millis', false, EventTimeEncoding.EPOCH_MILLIS],
    ]);
  });

  test('of JSON Schema follow references and allOf', () => {
    const schema = Schema.jsonSchema(
      JSON.stringify({
        allOf: [{ $ref: '#/definitions/base' }],
        type: 'object',
        required: ['amount'],
        properties: { amount: { type: 'number' }, at: { type: 'string', format: 'date-time' }, lines: { type: 'array' } },
        definitions: { base: { required: ['id'], properties: { id: { type: 'string' }, count: { type: ['integer', 'null'] } } } },
      }),
    );
    expect(fieldsOf(schema).sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'amount', type: 'Fractional', typeName: 'number or integer', optional: false },
      { name: 'at', type: 'String', typeName: 'string', optional: true, time: 'iso8601' },
      { name: 'count', type: 'Integral', typeName: 'integer', optional: true },
      { name: 'id', type: 'String', typeName: 'string', optional: false },
      { name: 'lines', type: undefined, typeName: 'array', optional: true },
    ]);
  });

  test('of Protobuf are those of the first message', () => {
    const schema = Schema.protobuf(
      'syntax = "proto3"; package payments; import "google/protobuf/timestamp.proto"; enum Kind { CARD = 0; } ' +
        'message Payment { string id = 1; int64 amount = 2; optional double ratio = 3; Kind kind = 4; repeated string tags = 5; google.protobuf.Timestamp at = 6; uint64 big = 7; }',
    );
    expect(fieldsOf(schema).map(({ name, type, optional, time }) => [name, type, optional, time])).toEqual([
      ['id', 'String', false, undefined],
      ['amount', 'Integral', false, undefined],
      ['ratio', 'Fractional', true, undefined],
      ['kind', 'String', false, undefined],
      ['tags', undefined, false, undefined],
      ['at', undefined, false, 'iso8601'],
      ['big', undefined, false, undefined],
    ]);
  });

  test('of a schema that describes no record are none', () => {
    expect(fieldsOf(Schema.avro('"string"'))).toEqual([]);
    expect(fieldsOf(Schema.jsonSchema('true'))).toEqual([]);
  });
});

describe('a feature schema from a topic', () => {
  const options = { name: 'card-activity', entityKey: 'card_id', eventTime: 'authorized_at', owner: 'fraud-ml' };

  test('takes every field that can be a feature, and leaves the others out', () => {
    expect(FeatureSchema.fromTopicSchema(PAYMENT, options).features).toEqual([
      { name: 'card_id', type: 'String' },
      { name: 'amount_minor', type: 'Integral' },
      { name: 'ratio', type: 'Fractional' },
      { name: 'network', type: 'String' },
      { name: 'tokenized', type: 'Integral' },
      { name: 'kind', type: 'String' },
    ]);
  });

  test('takes the fields that are named, and always the entity key', () => {
    const { features } = FeatureSchema.fromTopicSchema(PAYMENT, { ...options, fields: ['ratio'] });
    expect(features.map(({ name }) => name)).toEqual(['card_id', 'ratio']);
  });

  test('keeps the event time in seconds since 1970', () => {
    const { eventTime } = FeatureSchema.fromTopicSchema(PAYMENT, options);
    expect([eventTime.name, eventTime.type]).toEqual(['authorized_at', 'Fractional']);
  });

  test('is refused where a named field is missing or can be no feature, naming the field and both ends', () => {
    const attempt = () => FeatureSchema.fromTopicSchema(PAYMENT, { ...options, fields: ['fee', 'velocity'] });
    expect(codesOf(attempt)).toEqual(['Millrace.FeatureFieldTypeMismatch', 'Millrace.FeatureFieldMissing']);
    expect(attempt).toThrow(/fee of feature group card-activity: received 'fee' of the topic's schema is decimal\(9, 2\)/);
    expect(attempt).toThrow(/velocity of feature group card-activity: received the topic's schema without a field 'velocity'/);
  });

  test('is refused where the event time does not say that it is one', () => {
    expect(codesOf(() => FeatureSchema.fromTopicSchema(PAYMENT, { ...options, eventTime: 'amount_minor' }))).toEqual([
      'Millrace.FeatureEventTimeUndeclared',
    ]);
  });

  test('is refused where a record may lack its entity key', () => {
    expect(codesOf(() => FeatureSchema.fromTopicSchema(PAYMENT, { ...options, entityKey: 'network' }))).toEqual([
      'Millrace.FeatureFieldOptional',
    ]);
  });
});

describe('a feature schema by hand', () => {
  test.each<[string, Partial<FeatureSchemaProps>, string]>([
    ['a name with an underscore', { name: 'card_activity' }, 'Millrace.FeatureGroupNameInvalid'],
    ['a name that ends in a dash', { name: 'card-' }, 'Millrace.FeatureGroupNameInvalid'],
    ['a name of 65 characters', { name: 'a'.repeat(65) }, 'Millrace.FeatureGroupNameInvalid'],
    ['a feature with a dot', { features: [...FEATURES, { name: 'a.b', type: FeatureType.STRING }] }, 'Millrace.FeatureNameInvalid'],
    ['a reserved feature', { features: [...FEATURES, { name: 'write_time', type: FeatureType.STRING }] }, 'Millrace.FeatureNameReserved'],
    [
      'a reserved feature in capitals',
      { features: [...FEATURES, { name: 'Is_Deleted', type: FeatureType.STRING }] },
      'Millrace.FeatureNameReserved',
    ],
    ['a reserved event time', { eventTime: EventTime.epochSeconds('write_time') }, 'Millrace.FeatureNameReserved'],
    ['a feature twice', { features: [...FEATURES, { name: 'Card_Id', type: FeatureType.STRING }] }, 'Millrace.FeatureNameTwice'],
    ['a type that does not exist', { features: [...FEATURES, { name: 'x', type: 'Float' as FeatureType }] }, 'Millrace.FeatureTypeInvalid'],
    ['an entity key that is no feature', { entityKey: 'iban' }, 'Millrace.FeatureEntityKeyMissing'],
    ['an event time among the features', { eventTime: EventTime.epochMillis('amount_minor') }, 'Millrace.FeatureEventTimeTwice'],
    ['nobody who answers for it', { owner: ' ' }, 'Millrace.FeatureOwnerInvalid'],
    ['a TTL of half a second', { ttl: Duration.millis(500) }, 'Millrace.FeatureTtlInvalid'],
    ['a freshness beyond the TTL', { ttl: Duration.hours(1), freshness: Duration.hours(2) }, 'Millrace.FeatureFreshnessInvalid'],
  ])('is refused with %s', (_case, props, code) => {
    expect(codesOf(() => schemaWith(props))).toContain(code);
  });

  test('is refused with a fraction for its entity key', () => {
    const features = [{ name: 'card_id', type: FeatureType.FRACTIONAL }];
    expect(codesOf(() => schemaWith({ features }))).toEqual(['Millrace.FeatureEntityKeyType']);
  });

  test('has at most 2,500 features with its event time', () => {
    const many = (count: number) => [
      FEATURES[0],
      ...Array.from({ length: count - 1 }, (_, index) => ({ name: `f${index}`, type: FeatureType.FRACTIONAL })),
    ];
    expect(schemaWith({ features: many(2499) }).features).toHaveLength(2499);
    expect(codesOf(() => schemaWith({ features: many(2500) }))).toEqual(['Millrace.FeatureCountInvalid']);
  });

  test('names everything that is wrong at once', () => {
    expect(codesOf(() => schemaWith({ name: '', owner: '', features: [] }))).toEqual([
      'Millrace.FeatureGroupNameInvalid',
      'Millrace.FeatureCountInvalid',
      'Millrace.FeatureEntityKeyMissing',
      'Millrace.FeatureOwnerInvalid',
    ]);
  });

  test('takes a feature from a field of another name', () => {
    const features = [FEATURES[0], { name: 'amount', source: 'amount_minor', type: FeatureType.INTEGRAL }];
    expect(() => schemaWith({ features }).requireSource(PAYMENT, 'topic payments')).not.toThrow();
    const other = [FEATURES[0], { name: 'amount', source: 'ratio', type: FeatureType.INTEGRAL }];
    expect(() => schemaWith({ features: other }).requireSource(PAYMENT, 'topic payments')).toThrow(
      /amount of feature group card-activity: received 'ratio' of topic payments is double, which is Fractional; allowed: Integral/,
    );
  });

  test.each([
    [EventTime.epochMillis('at', { source: 'authorized_at' }), []],
    [EventTime.epochSeconds('at', { source: 'ratio' }), []],
    [EventTime.iso8601('at', { source: 'network' }), ['Millrace.FeatureFieldOptional']],
    [EventTime.iso8601('at', { source: 'amount_minor' }), ['Millrace.FeatureFieldTypeMismatch']],
    [EventTime.epochMicros('at', { source: 'ratio' }), ['Millrace.FeatureFieldTypeMismatch']],
    [EventTime.timestamp('at'), ['Millrace.FeatureFieldMissing']],
  ])('checks the event time %j against the topic', (eventTime, codes) => {
    const schema = schemaWith({ eventTime });
    expect(codes.length === 0 ? [] : codesOf(() => schema.requireSource(PAYMENT, 'topic payments'))).toEqual(codes);
    if (codes.length === 0) expect(() => schema.requireSource(PAYMENT, 'topic payments')).not.toThrow();
  });

  test('is recorded with what an update can be compared with', () => {
    expect(featureSchemaRecord(schemaWith({ ttl: Duration.days(30), freshness: Duration.millis(1500) }))).toEqual({
      name: 'card-activity',
      entityKey: 'card_id',
      eventTime: 'authorized_at',
      features: [
        { name: 'card_id', type: 'String' },
        { name: 'amount_minor', type: 'Integral' },
      ],
      owner: 'fraud-ml',
      ttlSeconds: 2592000,
      freshnessSeconds: 1.5,
    });
  });

  test('from any record fits the topic that it was taken from', () => {
    const type = fc.constantFrom('string', 'int', 'long', 'float', 'double', 'boolean');
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,12}$/).filter((each) => !['key', 'at'].includes(each));
    const fields = fc.uniqueArray(fc.record({ name, type }), { selector: (field) => field.name, maxLength: 12 });
    fc.assert(
      fc.property(fields, (others) => {
        const source = avro([
          { name: 'key', type: 'string' },
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
          ...others,
        ]);
        const made = FeatureSchema.fromTopicSchema(source, { name: 'g', entityKey: 'key', eventTime: 'at', owner: 'o' });
        expect(made.features.map((feature) => feature.name)).toEqual(['key', ...others.map((field) => field.name)]);
        made.requireSource(source, 'the same');
      }),
      { numRuns: 100 },
    );
  });
});
