import { deflateSync } from 'zlib';
import { Type } from 'avsc';
import fc from 'fast-check';
import { type FeatureValue, mapRecord, millisOf, secondsOf, textOf } from '../../lib/features/aws/ingestion-function/feature-values';
import { ingestionHandler } from '../../lib/features/aws/ingestion-function/ingestion-handler';
import type { IngestionMapping } from '../../lib/features/aws/ingestion-function/ingestion-mapping';
import type { KafkaBatchResponse, KafkaRecord } from '../../lib/features/aws/ingestion-function/kafka-event';
import { metricLines } from '../../lib/features/aws/ingestion-function/metric-lines';

const NOW = Date.parse('2026-11-21T13:00:00.000Z');
const VERSION_1 = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
const VERSION_2 = '1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a';

const FIELDS_1 = [
  { name: 'card', type: 'string' },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'amount', type: 'float' },
];
const FIELDS_2 = [
  { name: 'card', type: 'string' },
  { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  { name: 'amount', type: 'double' },
  { name: 'count', type: ['null', 'long'], default: null },
  { name: 'fraud', type: 'boolean', default: false },
  { name: 'channel', type: { type: 'enum', name: 'Channel', symbols: ['POS', 'WEB'] }, default: 'POS' },
];
const schemaOf = (fields: unknown) => ({ type: 'record', name: 'Authorized', namespace: 'payments', fields });
const OLD = Type.forSchema(schemaOf(FIELDS_1) as never);
const NEW = Type.forSchema(schemaOf(FIELDS_2) as never);

const AVRO: IngestionMapping = {
  format: 'AVRO',
  schema: JSON.stringify(schemaOf(FIELDS_2)),
  confluentSchemas: { '7': JSON.stringify(schemaOf(FIELDS_1)) },
  entityKey: 'card_id',
  eventTime: { name: 'authorized_at', source: 'at', encoding: 'epochMillis' },
  features: [
    { name: 'card_id', type: 'String', source: 'card' },
    { name: 'amount', type: 'Fractional', source: 'amount' },
    { name: 'count', type: 'Integral', source: 'count' },
    { name: 'fraud', type: 'Integral', source: 'fraud' },
    { name: 'channel', type: 'String', source: 'channel' },
  ],
};
const JSON_MAPPING: IngestionMapping = { ...AVRO, format: 'JSON', schema: '{}', confluentSchemas: {} };

const glue = (versionId: string, payload: Buffer, zlib = false) =>
  Buffer.concat([Buffer.from([3, zlib ? 5 : 0]), Buffer.from(versionId.replaceAll('-', ''), 'hex'), zlib ? deflateSync(payload) : payload]);
const confluent = (id: number, payload: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), payload]);
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
/** A long as Avro writes it: zigzag, seven bits a byte (Avro specification, Binary Encoding). */
function longOf(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
const event = (card: string, at = NOW - 2000) => ({ card, at, amount: 12.5 });

/** Surroundings that remember what they were asked, with a clock that only sleeping moves. */
class Fake {
  public readonly written: FeatureValue[][] = [];
  public readonly kept: Record<string, string> = {};
  public readonly lines: any[] = [];
  public readonly looked: string[] = [];
  public readonly slept: number[] = [];
  public readonly schemas: Record<string, string | undefined> = {
    [VERSION_1]: JSON.stringify(schemaOf(FIELDS_1)),
    [VERSION_2]: JSON.stringify(schemaOf(FIELDS_2)),
  };
  /** Answers with the error that the n-th write of a record meets, if any. */
  public putFails: (values: readonly FeatureValue[], attempt: number) => Error | undefined = () => undefined;
  public keepFails?: Error;
  public findFails?: Error;
  public findTakes = 0;
  public atOnce = 0;
  public mostAtOnce = 0;
  public clock = NOW;
  private readonly attempts = new Map<string, number>();
  public readonly handle;

  constructor(mapping: IngestionMapping, reportsItems = true) {
    this.handle = ingestionHandler({
      mapping,
      featureGroupName: 'card-activity',
      reportsItems,
      parallelWrites: 4,
      putRecord: (values) => this.put(values),
      findSchema: async (id) => {
        this.looked.push(id);
        this.clock += this.findTakes;
        if (this.findFails) throw this.findFails;
        return this.schemas[id];
      },
      keep: async (name, body) => {
        if (this.keepFails) throw this.keepFails;
        this.kept[name] = body;
      },
      sleep: async (milliseconds) => {
        this.slept.push(milliseconds);
        this.clock += milliseconds;
      },
      now: () => this.clock,
      random: () => 0.5,
      print: (line) => void this.lines.push(JSON.parse(line)),
    });
  }

  public run(...values: (Buffer | null)[]): Promise<KafkaBatchResponse> {
    return this.runRecords(
      values.map((value, index) => ({ topic: 'payments', partition: 0, offset: 100 + index, value: value && value.toString('base64') })),
    );
  }

  public runRecords(records: KafkaRecord[]): Promise<KafkaBatchResponse> {
    const partitions: Record<string, KafkaRecord[]> = {};
    for (const record of records) (partitions[`${record.topic}-${record.partition}`] ??= []).push(record);
    return this.handle({ records: partitions }, { getRemainingTimeInMillis: () => NOW + 120_000 - this.clock });
  }

  public get records(): Record<string, string>[] {
    return this.written.map((values) => Object.fromEntries(values.map(({ FeatureName, ValueAsString }) => [FeatureName, ValueAsString])));
  }

  public get metrics(): any[] {
    return this.lines.filter((line) => line._aws);
  }

  public get reasons(): string[] {
    return Object.values(this.kept).flatMap((body) =>
      body
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).reason),
    );
  }

  private async put(values: readonly FeatureValue[]): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    this.atOnce--;
    const key = JSON.stringify(values);
    const attempt = (this.attempts.get(key) ?? 0) + 1;
    this.attempts.set(key, attempt);
    const error = this.putFails(values, attempt);
    if (error) throw error;
    this.written.push([...values]);
  }
}

const serviceError = (name: string, httpStatusCode?: number) =>
  Object.assign(new Error('holds 4111-1111'), { name, $metadata: { httpStatusCode } });
const THROTTLED = serviceError('ThrottlingException', 400);
const isOf = (values: readonly FeatureValue[], card: string) => values.some(({ ValueAsString }) => ValueAsString === card);

describe('what records look like on the wire', () => {
  test('Avro with the header of AWS Glue is read with the version it was written with, plain or compressed', async () => {
    const fake = new Fake(AVRO);
    const recent = { ...event('c2'), count: 9_007_199_254, fraud: true, channel: 'WEB' };
    expect(await fake.run(glue(VERSION_1, OLD.toBuffer(event('c1'))), glue(VERSION_2, NEW.toBuffer(recent), true))).toEqual({
      batchItemFailures: [],
    });
    expect(fake.records).toEqual([
      { card_id: 'c1', amount: '12.5', fraud: '0', channel: 'POS', authorized_at: '1795265998.000' },
      { card_id: 'c2', amount: '12.5', count: '9007199254', fraud: '1', channel: 'WEB', authorized_at: '1795265998.000' },
    ]);
  });

  test('each version is looked up once, and again only when that went wrong', async () => {
    const fake = new Fake(AVRO);
    fake.findFails = serviceError('ThrottlingException', 400);
    const values = [1, 2, 3].map((card) => glue(VERSION_1, OLD.toBuffer(event(`c${card}`))));
    expect((await fake.run(...values)).batchItemFailures).toHaveLength(3);
    fake.findFails = undefined;
    fake.looked.length = 0;
    await fake.run(...values);
    await fake.run(...values);
    expect(fake.looked).toEqual([VERSION_1]);
    expect(fake.kept).toEqual({});
  });

  test('Avro with the header of Confluent is read with the schemas that were named', async () => {
    const fake = new Fake(AVRO);
    await fake.run(confluent(7, OLD.toBuffer(event('c1'))), confluent(8, OLD.toBuffer(event('c2'))));
    expect(fake.records.map(({ card_id }) => card_id)).toEqual(['c1']);
    expect(fake.reasons).toEqual(['nobody knows the schema 8 (Confluent) it was written with']);
    expect(fake.looked).toEqual([]);
  });

  test('JSON is read with any header and with none', async () => {
    const fake = new Fake(JSON_MAPPING);
    await fake.run(json(event('c1')), glue(VERSION_1, json(event('c2')), true), confluent(1, json(event('c3'))));
    expect(fake.records.map(({ card_id }) => card_id)).toEqual(['c1', 'c2', 'c3']);
  });

  test('whole numbers of 64 bits keep all their digits, of Avro and of JSON', async () => {
    const big = '9223372036854775807';
    const fake = new Fake(JSON_MAPPING);
    await fake.run(
      Buffer.from(`{"card":"1234567890123456789","at":${NOW},"amount":0.12345678901234567,"count":${big}}`),
      Buffer.from(`{"card":"c","at":${NOW},"count":9223372036854775808}`),
    );
    expect(fake.records).toEqual([
      { card_id: '1234567890123456789', amount: '0.12345678901234566', count: big, authorized_at: '1795266000.000' },
    ]);
    expect(fake.reasons).toEqual(['count is a whole number, and the feature count is Integral']);
  });

  test('every whole number of 64 bits comes through Avro', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), async (count) => {
        const fake = new Fake(AVRO);
        const before = NEW.toBuffer({ ...event('c1'), count: null, fraud: false, channel: 'POS' });
        // The null stands before the last two bytes; the long takes its place.
        await fake.run(glue(VERSION_2, Buffer.concat([before.subarray(0, -3), Buffer.from([2]), longOf(count), before.subarray(-2)])));
        expect(fake.records.map((record) => record.count)).toEqual([String(count)]);
      }),
      { examples: [[2n ** 63n - 1n], [-(2n ** 63n)], [0n]] },
    );
  });

  test.each([
    ['a tombstone', null, 'it has no value'],
    [
      'Avro without a header',
      OLD.toBuffer(event('card-1')),
      'its value names no schema: neither the header of AWS Glue nor that of Confluent',
    ],
    [
      'an unknown version',
      glue('ffffffff-4e5f-6071-8293-a4b5c6d7e8f9', OLD.toBuffer(event('c'))),
      'nobody knows the schema ffffffff-4e5f-6071-8293-a4b5c6d7e8f9 it was written with',
    ],
    ['half a value', glue(VERSION_1, OLD.toBuffer(event('c')).subarray(0, 5)), 'its value is not what its schema says'],
    [
      'a value with something behind it',
      glue(VERSION_1, Buffer.concat([OLD.toBuffer(event('c')), Buffer.from([1])])),
      'its value is not what its schema says',
    ],
    ['what does not inflate', Buffer.concat([Buffer.from([3, 5]), Buffer.alloc(16), Buffer.from('no zlib')]), 'its value does not inflate'],
  ])('%s is rejected and blocks nothing', async (_, value, reason) => {
    const fake = new Fake(AVRO);
    expect(await fake.run(value, glue(VERSION_1, OLD.toBuffer(event('good'))))).toEqual({ batchItemFailures: [] });
    expect(fake.records.map(({ card_id }) => card_id)).toEqual(['good']);
    expect(fake.reasons).toEqual([reason]);
  });

  test('a small value that inflates to more than any batch holds is rejected', async () => {
    const fake = new Fake(AVRO);
    await fake.run(glue(VERSION_1, Buffer.alloc(64 * 1024 * 1024 + 1), true));
    expect(fake.reasons).toEqual(['its value does not inflate']);
  });

  test('a version that leads nowhere is rejected', async () => {
    const fake = new Fake(AVRO);
    fake.schemas[VERSION_1] = '"string"';
    await fake.run(glue(VERSION_1, Buffer.from([2, 65])));
    expect(fake.reasons).toEqual([`the schema ${VERSION_1} it was written with does not lead to that of the topic`]);
  });
});

describe('what becomes of fields', () => {
  const mapped = (fields: object, mapping = JSON_MAPPING) =>
    Object.fromEntries(mapRecord(fields, mapping, NOW).values.map(({ FeatureName, ValueAsString }) => [FeatureName, ValueAsString]));

  test('a missing value, a null and what is no number leave their feature out', () => {
    const missing = { card: 'c', at: NOW, amount: NaN, count: null };
    expect(mapped(missing)).toEqual({ card_id: 'c', authorized_at: '1795266000.000' });
  });

  test.each([
    [{ at: NOW }, 'the entity key card_id is missing or empty'],
    [{ card: '', at: NOW }, 'the entity key card_id is missing or empty'],
    [{ card: 'c' }, 'at is no time of epochMillis'],
    [{ card: 'c', at: 'yesterday' }, 'at is no time of epochMillis'],
    [{ card: 'c', at: -1 }, 'at is before 1970 or after 9999'],
    [{ card: 'c', at: NOW * 1000 }, 'at is before 1970 or after 9999'],
    [{ card: 'c', at: NOW + 86_400_001 }, 'at is more than a day ahead: it would hide all later records of its entity'],
    [{ card: 'c', at: NOW, count: 1.5 }, 'count is a fraction, and the feature count is Integral'],
    [{ card: 'c', at: NOW, amount: '1' }, 'amount is a value of type string, and the feature amount is Fractional'],
    [{ card: 5, at: NOW }, 'card is a whole number out of range, and the feature card_id is String'],
    [{ card: 'c', at: NOW, channel: ['x'] }, 'channel is a list, and the feature channel is String'],
  ])('%j is rejected', (fields, reason) => {
    expect(() => mapped(fields)).toThrow(reason);
  });

  test('a field is not taken from what every object inherits', () => {
    const mapping = { ...JSON_MAPPING, features: [...JSON_MAPPING.features, { name: 'f', type: 'String', source: 'constructor' }] };
    expect(mapped({ card: 'c', at: NOW }, mapping)).not.toHaveProperty('f');
  });

  test('times of every encoding are the same moment, in seconds with milliseconds', () => {
    const millis = Date.parse('2026-11-21T13:00:00.123Z');
    const written: [string, unknown][] = [
      ['epochMillis', millis],
      ['epochMillis', BigInt(millis)],
      ['epochMicros', BigInt(millis) * 1000n + 999n],
      ['epochSeconds', millis / 1000],
      ['iso8601', '2026-11-21T13:00:00.123Z'],
      ['iso8601', '2026-11-21t14:00:00.1239+01:00'],
    ];
    expect(written.map(([encoding, value]) => secondsOf(millisOf(encoding, 'at', value)))).toEqual(Array(6).fill('1795266000.123'));
    expect(() => millisOf('iso8601', 'at', '2026-11-21T13:00:00')).toThrow('at is no time of iso8601');
  });

  test('every value comes back from its text', () => {
    const of = (type: string, value: unknown) => textOf({ name: 'f', type, source: 'f' }, value)!;
    fc.assert(
      fc.property(
        fc.string(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        fc.boolean(),
        fc.integer({ min: 0, max: 253_402_300_799_999 }),
        (text, long, double, flag, millis) => {
          expect(of('String', text)).toBe(text);
          expect(BigInt(of('Integral', long))).toBe(long);
          expect(Number(of('Fractional', double)) + 0).toBe(double === 0 ? 0 : double);
          expect(of('Integral', flag)).toBe(flag ? '1' : '0');
          const seconds = secondsOf(millisOf('epochMillis', 'at', millis));
          expect(seconds).toMatch(/^\d+\.\d{3}$/);
          expect(Number(seconds.replace('.', ''))).toBe(millis);
          expect(millisOf('epochSeconds', 'at', Number(seconds))).toBe(millis);
        },
      ),
    );
  });

  test('every record that its schema allows comes through Avro and the header of Glue', async () => {
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    const record = fc.record({
      card: text,
      at: fc.integer({ min: 0, max: NOW }),
      amount: fc.double({ noNaN: true, noDefaultInfinity: true }),
      // The writer of the tests has numbers of 53 bits, one of which is the sign.
      count: fc.option(fc.integer({ min: -(2 ** 52), max: 2 ** 52 })),
      fraud: fc.boolean(),
      channel: fc.constantFrom('POS', 'WEB'),
    });
    await fc.assert(
      fc.asyncProperty(record, fc.boolean(), async (fields, zlib) => {
        const fake = new Fake(AVRO);
        await fake.run(glue(VERSION_2, NEW.toBuffer(fields), zlib));
        const [{ card_id, amount, count, fraud, channel, authorized_at }] = fake.records;
        expect(card_id).toBe(fields.card);
        expect(Number(amount) + 0).toBe(fields.amount + 0);
        expect(count).toBe(fields.count === null ? undefined : String(fields.count));
        expect([fraud, channel]).toEqual([fields.fraud ? '1' : '0', fields.channel]);
        expect(Number(authorized_at.replace('.', ''))).toBe(fields.at);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what goes wrong', () => {
  test('what SageMaker throttles is tried again with growing, spread delays, and written', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = (_, attempt) => (attempt < 4 ? THROTTLED : undefined);
    expect(await fake.run(json(event('c1')))).toEqual({ batchItemFailures: [] });
    expect(fake.slept).toEqual([50, 100, 200]);
    expect(fake.records).toHaveLength(1);
  });

  test('no delay is longer than five seconds, and trying ends in time to answer', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = () => serviceError('ServiceUnavailable', 503);
    const { batchItemFailures } = await fake.run(json(event('c1')));
    expect(batchItemFailures).toEqual([{ itemIdentifier: { partition: 'payments-0', offset: 100 } }]);
    expect(Math.max(...fake.slept)).toBe(2500);
    expect(fake.clock - NOW).toBeGreaterThan(100_000);
    expect(fake.clock - NOW).toBeLessThanOrEqual(105_000);
  });

  test('what there is no time for is left for the next invocation, not begun', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = () => void (fake.clock += 30_000);
    const { batchItemFailures } = await fake.run(...[1, 2, 3, 4, 5, 6].map((count) => json({ ...event('hot'), count })));
    expect(fake.records.map(({ count }) => count)).toEqual(['1', '2', '3', '4']);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset)).toEqual([104, 105]);
    expect(fake.lines.map(({ message }) => message)).toContain('2 records are to be tried again: OutOfTime');
  });

  test('a lost connection and a missing permission are tried again for as long as there is time, and reject no record', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = (values, attempt) => {
      if (isOf(values, 'lost')) return attempt === 1 ? Object.assign(new Error('reset'), { name: 'TimeoutError' }) : undefined;
      return serviceError('AccessForbidden', 403);
    };
    const { batchItemFailures } = await fake.run(json(event('lost')), json(event('forbidden')));
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset)).toEqual([101]);
    expect(fake.records.map(({ card_id }) => card_id)).toEqual(['lost']);
    expect(fake.clock - NOW).toBeGreaterThan(100_000);
    expect(fake.kept).toEqual({});
  });

  test('a group that SageMaker does not find is not the fault of the record, although it is called a ValidationError', async () => {
    const fake = new Fake(JSON_MAPPING);
    const notFound = Object.assign(serviceError('ValidationError', 400), {
      message: "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name card-activity",
    });
    fake.putFails = (_, attempt) => (attempt < 3 ? notFound : undefined);
    expect(await fake.run(json(event('c1')))).toEqual({ batchItemFailures: [] });
    expect(fake.records).toHaveLength(1);
    expect(fake.reasons).toEqual([]);
  });

  test('a schema that the registry does not answer for is asked for again, and leaves the other records time to be written', async () => {
    const fake = new Fake(AVRO);
    fake.findFails = serviceError('AccessDeniedException', 400);
    const waiting = glue(VERSION_1, OLD.toBuffer(event('waits')));
    const { batchItemFailures } = await fake.run(waiting, confluent(7, OLD.toBuffer(event('goes'))));
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset)).toEqual([100]);
    expect(fake.records.map(({ card_id }) => card_id)).toEqual(['goes']);
    expect(fake.looked.length).toBeGreaterThan(10);
    expect(fake.clock - NOW).toBeLessThanOrEqual(52_500);
  });

  test('a registry that takes its time with every record leaves the rest for the next invocation', async () => {
    const fake = new Fake(AVRO);
    fake.findFails = serviceError('TimeoutError');
    fake.findTakes = 40_000;
    const values = Array.from({ length: 20 }, (_, card) => glue(VERSION_1, OLD.toBuffer(event(`c${card}`))));
    expect((await fake.run(...values)).batchItemFailures).toHaveLength(20);
    expect(fake.looked.length).toBeLessThanOrEqual(3);
  });

  test('what SageMaker refuses is kept with its reason, and not tried again', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = (values) => (isOf(values, 'bad') ? serviceError('ValidationError', 400) : undefined);
    expect(await fake.run(json(event('bad')), json(event('good')))).toEqual({ batchItemFailures: [] });
    expect(fake.slept).toEqual([]);
    expect(fake.reasons).toEqual(['SageMaker refused it: ValidationError']);
  });

  test('rejected records are kept whole, one object for each partition of a batch, under a name that a repetition repeats', async () => {
    const fake = new Fake(JSON_MAPPING);
    const bad = (partition: number, offset: number): KafkaRecord => ({
      topic: 'payments',
      partition,
      offset,
      key: 'a2V5',
      value: Buffer.from('no json').toString('base64'),
      headers: [{ trace: [1, 2] }],
    });
    await fake.runRecords([bad(1, 12), bad(0, 7), bad(1, 10)]);
    await fake.runRecords([bad(1, 12), bad(0, 7), bad(1, 10)]);
    expect(Object.keys(fake.kept).sort()).toEqual(['rejected/payments/0/7-7.jsonl', 'rejected/payments/1/10-12.jsonl']);
    const [line] = fake.kept['rejected/payments/1/10-12.jsonl'].split('\n');
    expect(JSON.parse(line)).toEqual({ reason: 'its value is no JSON', ...bad(1, 10) });
  });

  test('what could not be kept comes again', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.keepFails = serviceError('SlowDown', 503);
    const { batchItemFailures } = await fake.run(json(event('good')), Buffer.from('no json'));
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset)).toEqual([101]);
    expect(fake.metrics[0]).toMatchObject({ RecordsWritten: 1, RecordsRejected: 0 });
  });

  test('an event source that takes no single records is told of a failure by an error, after everything else is done', async () => {
    const fake = new Fake(JSON_MAPPING, false);
    fake.putFails = (values) => (isOf(values, 'late') ? serviceError('AccessForbidden', 403) : undefined);
    await expect(fake.run(json(event('late')), json(event('good')), Buffer.from('no json'))).rejects.toThrow(
      '1 records are to be tried again: AccessForbidden',
    );
    expect(fake.records).toHaveLength(1);
    expect(fake.reasons).toHaveLength(1);
  });

  test('neither the log nor an error holds a value of a record', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = () => serviceError('AccessForbidden', 403);
    await fake.run(json(event('4111-1111')), json({ card: 4111_1111, at: NOW }));
    expect(JSON.stringify(fake.lines)).not.toMatch(/4111/);
  });
});

describe('order', () => {
  test('records of an entity are written one after another in their order, others at a time and no more than four', async () => {
    const fake = new Fake(JSON_MAPPING);
    const cards = ['a', 'b', 'a', 'c', 'd', 'e', 'f', 'a'];
    await fake.run(...cards.map((card, index) => json({ ...event(card), count: index })));
    expect(fake.records.filter(({ card_id }) => card_id === 'a').map(({ count }) => count)).toEqual(['0', '2', '7']);
    expect(fake.mostAtOnce).toBe(4);
  });

  test('behind a record that is to be tried again its entity waits; other entities do not, and a refused one holds up nobody', async () => {
    const fake = new Fake(JSON_MAPPING);
    fake.putFails = (values) => {
      if (values.some(({ FeatureName, ValueAsString }) => FeatureName === 'count' && ValueAsString === '1')) return serviceError('X', 403);
      return isOf(values, 'b') && isOf(values, '3') ? serviceError('ValidationError', 400) : undefined;
    };
    const cards = ['a', 'a', 'a', 'b', 'b'];
    const { batchItemFailures } = await fake.run(...cards.map((card, index) => json({ ...event(card), count: index })));
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.offset)).toEqual([101, 102]);
    expect(fake.records.map(({ card_id, count }) => `${card_id}${count}`).sort()).toEqual(['a0', 'b4']);
  });
});

describe('metrics', () => {
  test('a batch says how old its records were when they were written, and what was rejected', async () => {
    const fake = new Fake(JSON_MAPPING);
    await fake.run(json(event('a', NOW - 1500)), json(event('b', NOW + 500)), Buffer.from('no json'));
    expect(fake.metrics).toEqual([
      {
        _aws: {
          Timestamp: NOW,
          CloudWatchMetrics: [
            {
              Namespace: 'Millrace/Features',
              Dimensions: [['FeatureGroupName']],
              Metrics: [
                { Name: 'RecordsWritten', Unit: 'Count' },
                { Name: 'RecordsRejected', Unit: 'Count' },
                { Name: 'FeatureFreshness', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        FeatureGroupName: 'card-activity',
        RecordsWritten: 2,
        RecordsRejected: 1,
        FeatureFreshness: [1500, 0],
      },
    ]);
  });

  test('no line has more than a hundred values, and no record is counted twice', () => {
    const freshness = Array.from({ length: 250 }, (_, index) => index);
    const lines = metricLines({ featureGroupName: 'g', freshness, rejected: 3 }, NOW).map((line) => JSON.parse(line));
    expect(lines.map((line) => line.RecordsWritten)).toEqual([100, 100, 50]);
    expect(lines.map((line) => line.RecordsRejected)).toEqual([3, 0, 0]);
    expect(lines.flatMap((line) => line.FeatureFreshness)).toEqual(freshness);
    expect(JSON.parse(metricLines({ featureGroupName: 'g', freshness: [], rejected: 1 }, NOW)[0])).not.toHaveProperty('FeatureFreshness');
  });
});
