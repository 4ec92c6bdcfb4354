import type { Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { DecimalHandling } from '../../lib/streaming/cdc-options';
import { ConnectorConfig } from '../../lib/streaming/connector-config';
import type { Assembly } from '../../lib/core/assembly';
import * as aws from '../../lib/streaming/aws';
import * as k8s from '../../lib/streaming/k8s';
import { evaluate } from '../contract/intrinsics';
import { AWS, type EmittedTopic, KUBERNETES } from '../contract/kafka-flavours';
import type { EmittedUser } from './kafka-access';
import { strimziSettings, usersOf } from './kafka-emitted';

/** Settings of a worker or a connector by name. */
export type Settings = Record<string, string>;

/** A connector as emitted, with its class and `tasks.max`. */
export interface EmittedConnector {
  readonly config: Settings;
  /** The topic of the one table that is captured. */
  readonly tableTopic: string;
}

/** What constructs for Kafka Connect emit, as far as brokers and workers take it. */
export interface EmittedConnect {
  readonly topics: EmittedTopic[];
  readonly mySql: EmittedConnector;
}

/** Workers of `streaming.k8s.ConnectCluster` with its connectors. */
export interface EmittedOnKubernetes extends EmittedConnect {
  /** The settings of the brokers. */
  readonly brokers: Settings;
  /** `KafkaConnect.spec`. */
  readonly workers: any;
  /** The user of the workers with its ACLs. */
  readonly user: EmittedUser;
  /** Secret with the certificate of the brokers' authority. */
  readonly caSecret: string;
  readonly postgres: EmittedConnector;
  readonly iceberg: Settings;
}

/** Connectors of MSK Connect with the settings of their worker. */
export interface EmittedOnAws extends EmittedConnect {
  readonly worker: Settings;
}

/** The secrets to which the settings refer, as a config provider names them: path, then key. */
export const SECRETS = {
  mySql: 'streaming/shop-database',
  postgres: 'streaming/warehouse-database',
  refunds: 'arn%3Aaws%3Asecretsmanager%3Aeu-west-1%3A111122223333%3Asecret%3Ashop/login-AbCdEf',
};

const PLUGIN_HASH = 'a'.repeat(64);

/** `shop.orders` of MySQL to `orders.changed`, `public.orders` of Postgres under its own name, and the first into an Iceberg table. */
export function emittedOnKubernetes(): EmittedOnKubernetes {
  const world = KUBERNETES.begin();
  const cluster = new k8s.KafkaCluster(world.scope, 'Kafka', { sizing: KUBERNETES.size(3, 1000) });
  const image = k8s.ConnectImage.fromRegistry('registry.example.com/connect:1');
  const connectCluster = new k8s.ConnectCluster(world.scope, 'Connect', { cluster, image });
  const mySql = new k8s.MySqlCdc(world.scope, 'Shop', {
    connectCluster,
    connectorName: 'shop',
    topicPrefix: 'shop',
    database: { hostname: 'shop.cluster-c0ffee.eu-west-1.rds.amazonaws.com' },
    tables: [{ table: 'shop.orders', topicName: 'orders.changed' }],
    credentials: { secretName: 'shop-database' },
  });
  const postgres = new k8s.PostgresCdc(world.scope, 'Warehouse', {
    connectCluster,
    connectorName: 'warehouse',
    topicPrefix: 'warehouse',
    database: { hostname: 'warehouse.cluster-c0ffee.eu-west-1.rds.amazonaws.com' },
    databaseName: 'shop',
    tables: [{ table: 'public.orders' }],
    credentials: { secretName: 'warehouse-database' },
  });
  new k8s.Connector(world.scope, 'Lake', {
    connectCluster,
    connectorName: 'lake',
    config: ConnectorConfig.icebergSink({
      catalog: { type: 'rest', uri: 'https://catalog.example.com', warehouse: 's3://lake/orders' },
      tables: ['shop.orders'],
    }),
    topics: [mySql.topicFor('shop.orders')],
  });
  const assembly = world.synth();
  const connectors = new Map(
    objects(assembly, 'KafkaConnector').map(({ metadata, spec }): [string, Settings] => [
      metadata.name,
      texts({ ...spec.config, 'connector.class': spec.class, 'tasks.max': spec.tasksMax }),
    ]),
  );
  const [{ spec: workers }] = objects(assembly, 'KafkaConnect');
  return {
    brokers: strimziSettings(assembly),
    workers,
    user: usersOf(assembly).find(({ name }) => name === connectCluster.user.userName)!,
    caSecret: `streaming/${workers.tls.trustedCertificates[0].secretName}`,
    topics: KUBERNETES.topics(assembly),
    mySql: { config: connectors.get('shop')!, tableTopic: mySql.topicFor('shop.orders').topicName },
    postgres: { config: connectors.get('warehouse')!, tableTopic: postgres.topicFor('public.orders').topicName },
    iceberg: connectors.get('lake')!,
  };
}

/** `shop.refunds` of MySQL under its own name, with exact decimals. */
export function emittedOnAws(): EmittedOnAws {
  const world = AWS.begin();
  const stack: Stack = world.scope;
  const cluster = world.cluster('Kafka', { sizing: AWS.size(3, 100) }) as aws.KafkaCluster;
  const bucket = s3.Bucket.fromBucketName(stack, 'Artifacts', 'artifacts');
  const secretArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/login-AbCdEf';
  const mySql = new aws.MySqlCdc(stack, 'Refunds', {
    cluster,
    connectorName: 'refunds',
    topicPrefix: 'payments',
    database: { hostname: 'shop.cluster-c0ffee.eu-west-1.rds.amazonaws.com' },
    tables: [{ table: 'shop.refunds' }],
    events: { decimals: DecimalHandling.PRECISE },
    plugins: [aws.ConnectPlugin.fromBucket(stack, 'Plugin', bucket, 'debezium.zip', { sha256: PLUGIN_HASH })],
    credentials: { secret: secretsmanager.Secret.fromSecretCompleteArn(stack, 'Login', secretArn) },
  });
  const assembly = world.synth();
  const resource = (type: string) => assembly.stacks.flatMap(({ resources }) => resources).find((found) => found.type === type)!.properties;
  const file = resource('AWS::KafkaConnect::WorkerConfiguration').PropertiesFileContent['Fn::Base64'];
  const lines: string[] = evaluate(file)
    .split('\n')
    .filter((line: string) => line !== '');
  const settings = Object.entries<any>(resource('AWS::KafkaConnect::Connector').ConnectorConfiguration);
  return {
    topics: AWS.topics(assembly),
    worker: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
    mySql: {
      config: Object.fromEntries(settings.map(([name, value]) => [name, evaluate(value)])),
      tableTopic: mySql.topicFor('shop.refunds').topicName,
    },
  };
}

/** Where things are on this machine. */
export interface Here {
  readonly databasePort: number;
  /** As the clients inside a connector reach the brokers. */
  readonly bootstrapServers: string;
}

/** Settings that lead to other places than those of this machine. */
const PLACES: Record<string, (here: Here) => string> = {
  'database.hostname': () => '127.0.0.1',
  'database.port': ({ databasePort }) => String(databasePort),
  'schema.history.internal.kafka.bootstrap.servers': ({ bootstrapServers }) => bootstrapServers,
  'iceberg.kafka.bootstrap.servers': ({ bootstrapServers }) => bootstrapServers,
};
/** The classes that fetch secrets from where they are; here a folder is a secret and a file in it one of its keys. */
const PROVIDER = /^config\.providers\.(secrets|secretsmanager)\.class$/;
const FOLDERS = 'org.apache.kafka.common.config.provider.DirectoryConfigProvider';
/** What only brokers of MSK with IAM understand. */
const IAM =
  /^schema\.history\.internal\.(producer|consumer)\.(security\.protocol|sasl\.(mechanism|jaas\.config|client\.callback\.handler\.class))$/;

/** Emitted settings on this machine: nothing but places, the sources of secrets and, for MSK, the way to log in is other than emitted. */
export function settingsHere(emitted: Settings, here: Here): Settings {
  const isIam = Object.values(emitted).includes('AWS_MSK_IAM');
  const kept = Object.entries(emitted).filter(([name]) => !(isIam && IAM.test(name)));
  return Object.fromEntries(
    kept.map(([name, value]) => [name, PROVIDER.test(name) ? FOLDERS : name in PLACES ? PLACES[name](here) : value]),
  );
}

/** The same settings for Debezium's connector for MariaDB, which has other names for the modes of TLS. */
export function forMariaDb(config: Settings): Settings {
  const modes: Settings = { disabled: 'disable', required: 'trust', verify_ca: 'verify-ca', verify_identity: 'verify-full' };
  return {
    ...config,
    'connector.class': 'io.debezium.connector.mariadb.MariaDbConnector',
    'database.ssl.mode': modes[config['database.ssl.mode']],
  };
}

/** What Strimzi makes of the workers of a KafkaConnect, or of the target of a KafkaMirrorMaker2: their settings, with their client. */
export function strimziWorker(workers: any, client: Settings): Settings {
  const { 'bootstrap.servers': servers, ...security } = client;
  const prefixed = ['', 'producer.', 'consumer.', 'admin.'].flatMap((prefix) =>
    Object.entries(security).map(([name, value]) => [prefix + name, value]),
  );
  return {
    'bootstrap.servers': servers,
    'group.id': workers.groupId,
    'config.storage.topic': workers.configStorageTopic,
    'offset.storage.topic': workers.offsetStorageTopic,
    'status.storage.topic': workers.statusStorageTopic,
    ...texts(workers.config),
    ...Object.fromEntries(prefixed),
  };
}

/** Settings as text, as properties are. */
export function texts(config: Record<string, unknown> = {}): Settings {
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, String(value)]));
}

const objects = (assembly: Assembly, wanted: string): any[] =>
  assembly.objects.map(({ manifest }) => manifest).filter(({ kind }) => kind === wanted);
