import * as fs from 'fs';
import * as path from 'path';
import { KafkaVersion } from '../../lib/streaming/k8s/kafka-version';
import { type Cases, runConformance } from './cases';
import { TABLE, checkCapture } from './connect-capture';
import {
  type EmittedOnAws,
  type EmittedOnKubernetes,
  SECRETS,
  type Settings,
  emittedOnAws,
  emittedOnKubernetes,
  forMariaDb,
  settingsHere,
  strimziWorker,
} from './connect-configs';
import { type Database, postgresPrograms, startMariaDb, startPostgres } from './connect-databases';
import { checkMirrors } from './connect-mirror';
import { ConnectWorker } from './connect-worker';
import { installDebezium, installIceberg, installKafka, installMariaDb } from './install';
import { clientOf, loadUser } from './kafka-access';
import { KafkaBrokers } from './kafka-brokers';

const LIMIT_MINUTES = 9;
const DEBEZIUM = '3.5.0.Final';
const ICEBERG = '1.12.0';
/** The release of Apache Kafka that stands for what MSK Connect calls 3.7.x. */
const MSK_CONNECT = '3.7.2';
/** As the emitted clusters: a topic that nobody declared does not come into being. */
const BROKER_SETTINGS = { 'auto.create.topics.enable': 'false', 'default.replication.factor': '1', 'min.insync.replicas': '1' };

async function conformance(folder: string, cases: Cases): Promise<void> {
  const jars = installKafka(KafkaVersion.V4_3_1.version);
  const debezium = installDebezium(DEBEZIUM, 'mysql', 'mariadb', 'postgres');
  const mariaDb = await startMariaDb(installMariaDb(), path.join(folder, 'mariadb'), 'shop');
  console.log(`Kafka and Connect ${KafkaVersion.V4_3_1.version}, Debezium ${DEBEZIUM}, ${mariaDb.version}`);
  const emitted = { kubernetes: emittedOnKubernetes(), aws: emittedOnAws() };
  const brokers = await KafkaBrokers.start(path.join(folder, 'brokers'), { jars, brokers: 3, settings: emitted.kubernetes.brokers });
  const topics = [...emitted.kubernetes.topics, ...emitted.aws.topics];
  await cases.run('every topic that the connectors need is made as emitted', async () => {
    for (const { name: topic, ...made } of topics) await brokers.probe.ask('createTopic', brokers.admin, { topic, ...made });
    await loadUser(brokers, emitted.kubernetes.user);
    cases.equal(await brokers.probe.ask('settled', brokers.admin), true);
    return `${topics.length} topics`;
  });
  await checkKubernetes(cases, folder, brokers, { jars, plugins: [debezium] }, mariaDb, emitted.kubernetes);
  await checkAws(cases, folder, brokers, debezium, mariaDb, emitted.aws);
  brokers.stop();
  await checkMirrors(cases, folder, jars, BROKER_SETTINGS);
}

interface Programs {
  readonly jars: string;
  readonly plugins: string[];
}

/** Workers and connectors on Strimzi: the workers are the emitted user, with its ACLs and nothing else. */
async function checkKubernetes(
  cases: Cases,
  folder: string,
  brokers: KafkaBrokers,
  { jars, plugins }: Programs,
  mariaDb: Database,
  emitted: EmittedOnKubernetes,
): Promise<void> {
  const programs = postgresPrograms();
  const postgres = programs ? await startPostgres(programs, path.join(folder, 'postgres'), 'shop') : undefined;
  const client = clientOf(brokers, emitted.user);
  const here = (config: Settings, { port }: { readonly port: number } = mariaDb) =>
    settingsHere(config, { databasePort: port, bootstrapServers: client['bootstrap.servers'] });
  const { secretName, certificate, key } = emitted.workers.authentication.certificateAndKey;
  const worker = await ConnectWorker.start(path.join(folder, 'worker'), {
    jars,
    plugins: [...plugins, installIceberg(ICEBERG)],
    settings: here(strimziWorker(emitted.workers, client)),
    secrets: {
      [SECRETS.mySql]: loginOf(mariaDb),
      ...(postgres ? { [SECRETS.postgres]: loginOf(postgres) } : {}),
      [`streaming/${secretName}`]: {
        [certificate]: pemOf(client['ssl.keystore.location'], 'CERTIFICATE'),
        [key]: pemOf(client['ssl.keystore.location'], 'PRIVATE KEY'),
      },
      [emitted.caSecret]: { 'ca.crt': fs.readFileSync(client['ssl.truststore.location'], 'utf8') },
    },
  });
  const mySql = here(emitted.mySql.config);
  await checkMySqlPlugin(cases, worker, mySql, 'streaming.k8s.MySqlCdc');
  await cases.run('and finds wrong ones', async () => {
    const stranger = await worker.validate({ ...mySql, 'database.password': 'wrong' });
    if (!/Access denied/.test(stranger.join('\n'))) throw new Error(`a wrong password gives '${stranger.join(', ')}'`);
    const wrong = await worker.validate({ ...mySql, 'snapshot.mode': 'sometimes', 'table.exclude.list': 'shop.audit', colour: 'red' });
    cases.equal([...new Set(wrong.map((error) => error.split(':')[0]))].sort().join(' '), 'colour snapshot.mode table.exclude.list');
  });
  await checkCapture(cases, brokers, worker, mariaDb, { ...emitted.mySql, config: forMariaDb(mySql) }, TABLE.mariaDb);
  if (postgres) {
    console.log(postgres.version);
    const config = here(emitted.postgres.config, postgres);
    await checkCapture(cases, brokers, worker, postgres, { ...emitted.postgres, config }, TABLE.postgres);
  } else {
    console.log('Skipped: capture from PostgreSQL, which is not here');
  }
  await cases.run(`Iceberg's sink ${ICEBERG} finds nothing wrong with the generated settings`, async () => {
    const config = here(emitted.iceberg);
    cases.equal((await worker.validate(config)).join('\n'), '');
    return `${Object.keys(config).length} settings`;
  });
  console.log('Skipped: the sinks for S3 and OpenSearch, whose connectors are not in Maven Central');
  worker.stop();
}

/** A worker as MSK Connect runs it. Its way to log in is MSK's own, so that it comes as the administrator here. */
async function checkAws(
  cases: Cases,
  folder: string,
  brokers: KafkaBrokers,
  debezium: string,
  mariaDb: Database,
  emitted: EmittedOnAws,
): Promise<void> {
  const here = (config: Settings) =>
    settingsHere(config, { databasePort: mariaDb.port, bootstrapServers: brokers.admin['bootstrap.servers'] });
  const worker = await ConnectWorker.start(path.join(folder, 'msk-connect'), {
    jars: installKafka(MSK_CONNECT),
    plugins: [debezium],
    settings: { ...MSK_OWN, ...here(emitted.worker), ...brokers.admin },
    secrets: { [SECRETS.refunds]: loginOf(mariaDb) },
  });
  console.log(`Connect ${MSK_CONNECT}`);
  const mySql = here(emitted.mySql.config);
  await checkMySqlPlugin(cases, worker, mySql, 'streaming.aws.MySqlCdc');
  await checkCapture(cases, brokers, worker, mariaDb, { ...emitted.mySql, config: forMariaDb(mySql) }, TABLE.mariaDb);
  worker.stop();
}

/** What MSK Connect gives each of its workers by itself. */
const MSK_OWN = {
  'group.id': 'msk-connect',
  'config.storage.topic': '__amazon_msk_connect_configs',
  'status.storage.topic': '__amazon_msk_connect_status',
  'config.storage.replication.factor': '-1',
  'status.storage.replication.factor': '-1',
  'offset.storage.replication.factor': '-1',
};

const loginOf = ({ user, password }: Database) => ({ username: user, password });

/** One part of a file in PEM. */
function pemOf(file: string, part: string): string {
  const [found] = new RegExp(`-----BEGIN ${part}-----[^]+?-----END ${part}-----\n`).exec(fs.readFileSync(file, 'utf8'))!;
  return found;
}

async function checkMySqlPlugin(cases: Cases, worker: ConnectWorker, config: Settings, construct: string): Promise<void> {
  await cases.run(`Debezium's connector for MySQL finds nothing wrong with the settings of ${construct}`, async () => {
    cases.equal((await worker.validate(config)).join('\n'), '');
    return `${Object.keys(config).length} settings`;
  });
}

void runConformance(
  {
    name: 'connect',
    limitMinutes: LIMIT_MINUTES,
    programs: [
      ['java', '-version'],
      ['mvn', '-version'],
      ['openssl', 'version'],
      ['apt-get', '--version'],
    ],
  },
  conformance,
);
