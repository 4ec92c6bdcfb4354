import type { Cases } from './cases';
import type { EmittedConnector, Settings } from './connect-configs';
import type { Database } from './connect-databases';
import type { ConnectWorker } from './connect-worker';
import type { KafkaBrokers } from './kafka-brokers';

/** The definition of the captured table in each database. */
export const TABLE = {
  mariaDb: (table: string) =>
    `CREATE TABLE ${table} (id INT PRIMARY KEY, customer VARCHAR(80) NOT NULL, amount DECIMAL(10,2) NOT NULL, note VARCHAR(200), placed_at DATETIME(3) NOT NULL);`,
  postgres: (table: string) =>
    `CREATE TABLE ${table} (id INT PRIMARY KEY, customer VARCHAR(80) NOT NULL, amount NUMERIC(10,2) NOT NULL, note VARCHAR(200), placed_at TIMESTAMP(3) NOT NULL);
    ALTER TABLE ${table} REPLICA IDENTITY FULL;`,
};
/** The schema of a row, as a reader of the topic must find it, for each way to handle decimals. */
const DECIMAL: Settings = {
  string: 'amount string required',
  precise: 'amount bytes required org.apache.kafka.connect.data.Decimal',
  double: 'amount double required',
};
const schemaFor = (decimals: string) => [
  'id int32 required',
  'customer string required',
  DECIMAL[decimals],
  'note string optional',
  'placed_at int64 required io.debezium.time.Timestamp',
];
const PLACED_AT = Date.UTC(2026, 8, 1, 12, 30, 0, 250);
/** An amount in JSON, for each way to handle decimals; the exact one is its cents as bytes in base64. */
const AMOUNT: Record<string, (text: string) => string | number> = {
  string: (text) => text,
  precise: (text) =>
    Buffer.from(
      Math.round(Number(text) * 100)
        .toString(16)
        .padStart(4, '0'),
      'hex',
    ).toString('base64'),
  double: Number,
};

/** Lets the generated settings capture a real table: what was there, an insert, an update and a delete. */
export async function checkCapture(
  cases: Cases,
  { probe, admin }: KafkaBrokers,
  worker: ConnectWorker,
  database: Database,
  { config, tableTopic }: EmittedConnector,
  definition: (table: string) => string,
): Promise<void> {
  const table = config['table.include.list'].split('[.]').pop()!;
  const kind = config['connector.class'].split('.').pop()!;
  const name = `${kind} of ${table}`;
  await cases.run(`${name} finds nothing wrong with the generated settings`, async () => {
    cases.equal((await worker.validate(config)).join('\n'), '');
  });
  const row = (id: number, amount: string) => `INSERT INTO ${table} VALUES (${id}, 'Ada', ${amount}, NULL, '2026-09-01 12:30:00.250');`;
  let records: { key: any; value: any }[] = [];
  await cases.run(`${name} captures a snapshot, an insert, an update and a delete`, async () => {
    database.run(`${definition(table)}\n${row(1, '12.50')}`);
    await worker.run(name.replaceAll(' ', '-'), config);
    // The snapshot must be over: what is in it is not captured again.
    await probe.ask('read', admin, { topic: tableTopic, atLeast: 1, seconds: 60 });
    database.run(`${row(2, '7.25')}\nUPDATE ${table} SET note = 'gift' WHERE id = 2;\nDELETE FROM ${table} WHERE id = 2;`);
    const read: { key: string; value: string | null }[] = await probe.ask('read', admin, { topic: tableTopic, atLeast: 5, seconds: 40 });
    records = read.map(({ key, value }) => ({ key: JSON.parse(key), value: value === null ? null : JSON.parse(value) }));
    const story = (id: number) =>
      records
        .filter(({ key }) => key.payload.id === id)
        .map(({ value }) => value?.payload.op ?? 'tombstone')
        .join(' ');
    cases.equal(`${story(1)}, then ${story(2)}`, 'r, then c u d tombstone');
    return `${read.length} records in ${tableTopic}`;
  });
  await cases.run(`${name} captures rows as they were before and after`, async () => {
    const amount = AMOUNT[config['decimal.handling.mode']];
    const line = (id: number, price: string, note: string | null) =>
      JSON.stringify({ id, customer: 'Ada', amount: amount(price), note, placed_at: PLACED_AT });
    const events = records.filter(({ value }) => value !== null).map(({ value }) => value.payload);
    const seen = (op: string) => {
      const { before, after } = events.find((event) => event.op === op) ?? {};
      return `${JSON.stringify(before)} ${JSON.stringify(after)}`;
    };
    cases.equal(seen('r'), `null ${line(1, '12.50', null)}`);
    cases.equal(seen('c'), `null ${line(2, '7.25', null)}`);
    cases.equal(seen('u'), `${line(2, '7.25', null)} ${line(2, '7.25', 'gift')}`);
    cases.equal(seen('d'), `${line(2, '7.25', 'gift')} null`);
  });
  await cases.run(`${name} gives every record the schema of the table`, async () => {
    const expected = schemaFor(config['decimal.handling.mode']).join('\n');
    const envelopes = records.filter(({ value }) => value !== null).map(({ value }) => value.schema);
    for (const envelope of envelopes) {
      for (const side of ['before', 'after']) {
        const { fields } = envelope.fields.find(({ field }: any) => field === side);
        const text = fields.map(({ field, type, optional, name: semantics }: any) =>
          [field, type, optional ? 'optional' : 'required', semantics].filter(Boolean).join(' '),
        );
        cases.equal(text.join('\n'), expected);
      }
    }
    cases.equal(envelopes.length, 4);
  });
}
