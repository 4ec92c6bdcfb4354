import { execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { KafkaVersion } from '../../lib/streaming/k8s/kafka-version';
import { endGroupsOnExit } from '../deploy/process-groups';
import { Cases } from './cases';
import { type Capture, forMariaDb, here, mySqlCapture, postgresCapture, workerSettings } from './connect-configs';
import { type Database, postgresPrograms, startMariaDb, startPostgres } from './connect-databases';
import { checkMirrors } from './connect-mirror';
import { ConnectWorker } from './connect-worker';
import { KafkaBrokers } from './kafka-brokers';

const LIMIT_MINUTES = 9;
const WORK = path.resolve(__dirname, '../../.ci/work/kafka');
const DEBEZIUM = '3.5.0.Final';
/** As the emitted clusters: a topic that nobody declared does not come into being. */
const BROKER_SETTINGS = { 'auto.create.topics.enable': 'false', 'default.replication.factor': '1', 'min.insync.replicas': '1' };

async function conformance(folder: string, cases: Cases): Promise<void> {
  const jars = install('install-kafka.sh', KafkaVersion.V4_3_1.version);
  const plugins = install('install-debezium.sh', DEBEZIUM, 'mysql', 'mariadb', 'postgres');
  const brokers = await KafkaBrokers.start(path.join(folder, 'brokers'), { jars, brokers: 1, settings: BROKER_SETTINGS });
  const servers = brokers.admin['bootstrap.servers'];
  const worker = await ConnectWorker.start(path.join(folder, 'worker'), jars, plugins, {
    ...workerSettings(),
    'bootstrap.servers': servers,
  });
  console.log(`Kafka and Connect ${KafkaVersion.V4_3_1.version}, Debezium ${DEBEZIUM}`);

  const mariaDb = await startMariaDb(install('install-mariadb.sh'), path.join(folder, 'mariadb'), 'shop');
  console.log(mariaDb.version);
  const mySql = mySqlCapture();
  const mySqlHere = here(mySql.config, mariaDb, servers);
  await cases.run("Debezium's connector for MySQL finds nothing wrong with the generated settings", async () => {
    cases.equal((await worker.validate(mySqlHere)).join('\n'), '');
    return `${Object.keys(mySqlHere).length} settings`;
  });
  await cases.run('and finds wrong ones', async () => {
    const stranger = await worker.validate({ ...mySqlHere, 'database.password': 'wrong' });
    if (!/Access denied/.test(stranger.join('\n'))) throw new Error(`a wrong password gives '${stranger.join(', ')}'`);
    const wrong = await worker.validate({ ...mySqlHere, 'snapshot.mode': 'sometimes', 'table.exclude.list': 'shop.audit', colour: 'red' });
    cases.equal([...new Set(wrong.map((error) => error.split(':')[0]))].sort().join(' '), 'colour snapshot.mode table.exclude.list');
  });
  await checkCapture(cases, brokers, worker, mariaDb, { ...mySql, config: forMariaDb(mySqlHere) }, TABLE.mariaDb);

  const programs = postgresPrograms();
  if (programs) {
    const postgres = await startPostgres(programs, path.join(folder, 'postgres'), 'shop');
    console.log(postgres.version);
    const capture = postgresCapture();
    await checkCapture(cases, brokers, worker, postgres, { ...capture, config: here(capture.config, postgres, servers) }, TABLE.postgres);
  } else {
    console.log('Skipped: capture from PostgreSQL, which is not here');
  }
  worker.stop();
  brokers.stop();
  await checkMirrors(cases, folder, jars, BROKER_SETTINGS);
}

const TABLE = {
  mariaDb: `CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(80) NOT NULL, amount DECIMAL(10,2) NOT NULL, note VARCHAR(200), placed_at DATETIME(3) NOT NULL);`,
  postgres: `CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(80) NOT NULL, amount NUMERIC(10,2) NOT NULL, note VARCHAR(200), placed_at TIMESTAMP(3) NOT NULL);
    ALTER TABLE orders REPLICA IDENTITY FULL;`,
};
/** The schema of a row, as a reader of the topic must find it, for each way to handle decimals. */
const DECIMAL: Record<string, string> = {
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

/** Lets the generated settings capture a real table: what was there, an insert, an update and a delete. */
async function checkCapture(
  cases: Cases,
  { probe, admin }: KafkaBrokers,
  worker: ConnectWorker,
  database: Database,
  { config, topics, tableTopic }: Capture,
  table: string,
): Promise<void> {
  const kind = config['connector.class'].split('.').pop()!;
  await cases.run(`${kind} finds nothing wrong with the generated settings`, async () => {
    cases.equal((await worker.validate(config)).join('\n'), '');
  });
  const row = (id: number, amount: string) => `INSERT INTO orders VALUES (${id}, 'Ada', ${amount}, NULL, '2026-09-01 12:30:00.250');`;
  let records: { key: any; value: any }[] = [];
  await cases.run(`${kind} captures a snapshot, an insert, an update and a delete`, async () => {
    for (const [topic, partitions] of Object.entries(topics)) {
      await probe.ask('createTopic', admin, { topic, partitions, replicas: 1, config: {} });
    }
    database.run(`${table}\n${row(1, '12.50')}`);
    await worker.run(kind, config);
    // The snapshot must be over: what is in it is not captured again.
    await probe.ask('read', admin, { topic: tableTopic, atLeast: 1, seconds: 60 });
    database.run(`${row(2, '7.25')}\nUPDATE orders SET note = 'gift' WHERE id = 2;\nDELETE FROM orders WHERE id = 2;`);
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
  await cases.run(`${kind} captures rows as they were before and after`, async () => {
    const amount = (text: string) => (config['decimal.handling.mode'] === 'string' ? text : Number(text));
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
  await cases.run(`${kind} gives every record the schema of the table`, async () => {
    const expected = schemaFor(config['decimal.handling.mode']).join('\n');
    const envelopes = records.filter(({ value }) => value !== null).map(({ value }) => value.schema);
    for (const envelope of envelopes) {
      for (const side of ['before', 'after']) {
        const { fields } = envelope.fields.find(({ field }: any) => field === side);
        const text = fields.map(({ field, type, optional, name }: any) =>
          [field, type, optional ? 'optional' : 'required', name].filter(Boolean).join(' '),
        );
        cases.equal(text.join('\n'), expected);
      }
    }
    cases.equal(envelopes.length, 4);
  });
}

function install(script: string, ...words: string[]): string {
  return execFileSync(path.join(__dirname, script), [WORK, ...words], { encoding: 'utf8', timeout: 320_000 }).trim();
}

async function main(): Promise<void> {
  for (const [program, word] of [
    ['java', '-version'],
    ['mvn', '-version'],
    ['openssl', 'version'],
    ['apt-get', '--version'],
  ]) {
    if (spawnSync(program, [word], { stdio: 'ignore' }).status !== 0) {
      console.log(`Skipped: this needs ${program}, which is not here`);
      return;
    }
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-connect-'));
  const cases = new Cases();
  process.on('exit', () => {
    if (cases.good) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    else console.log(`Kept for a look: ${folder}`);
  });
  const late = sleep(LIMIT_MINUTES * 60_000).then(() => Promise.reject(new Error(`stopped after ${LIMIT_MINUTES} minutes`)));
  await Promise.race([conformance(folder, cases), late]).catch((error: Error) => cases.abandon(error));
  cases.finish();
}

endGroupsOnExit();
void main();
