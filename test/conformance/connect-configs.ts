import type { DatabaseAddress } from './connect-databases';

/*
 * SEAMS: until the constructs exist, the settings that they will generate stand here. Replace the body of each function of that mark by the
 * emitted settings; the checks in connect.ts stay.
 */

const CONVERTERS = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'true',
  'value.converter.schemas.enable': 'true',
};

/** SEAM: the settings of `KafkaConnect.spec`, as far as a worker takes them. */
export function workerSettings(): Record<string, string> {
  return {
    'group.id': 'connect',
    'config.storage.topic': '__connect-configs',
    'offset.storage.topic': '__connect-offsets',
    'status.storage.topic': '__connect-status',
    'config.storage.replication.factor': '-1',
    'offset.storage.replication.factor': '-1',
    'status.storage.replication.factor': '-1',
    ...CONVERTERS,
  };
}

/** What a construct for change data capture emits, as far as a worker and brokers take it. */
export interface Capture {
  /** `KafkaConnector.spec.config` with its class and `tasks.max`. */
  readonly config: Record<string, string>;
  /** Topics that stand beside it, with their partitions: brokers make none by themselves. */
  readonly topics: Record<string, number>;
  /** The topic of the one table that is captured. */
  readonly tableTopic: string;
}

const COMMON = {
  'tasks.max': '1',
  'heartbeat.interval.ms': '10000',
  'snapshot.mode': 'initial',
  'tombstones.on.delete': 'true',
  'decimal.handling.mode': 'string',
  'time.precision.mode': 'adaptive_time_microseconds',
  ...CONVERTERS,
};

/** SEAM: `streaming.k8s.MySqlCdc` of the table `shop.orders` to the topic `orders.changed`. */
export function mySqlCapture(): Capture {
  return {
    config: {
      ...COMMON,
      'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
      'topic.prefix': 'shop',
      'database.hostname': 'shop.cluster-c0ffee.eu-west-1.rds.amazonaws.com',
      'database.port': '3306',
      'database.user': '${secrets:streaming/shop-database:username}',
      'database.password': '${secrets:streaming/shop-database:password}',
      'database.ssl.mode': 'required',
      'database.server.id': '184054',
      'database.include.list': 'shop',
      'table.include.list': 'shop[.]orders',
      'schema.history.internal.kafka.bootstrap.servers': 'kafka-kafka-bootstrap:9093',
      'schema.history.internal.kafka.topic': 'shop.schema-history',
      'schema.history.internal.store.only.captured.databases.ddl': 'true',
      'include.schema.changes': 'false',
      transforms: 'route1',
      'transforms.route1.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route1.regex': 'shop[.]shop[.]orders',
      'transforms.route1.replacement': 'orders.changed',
    },
    topics: { 'orders.changed': 3, 'shop.schema-history': 1, '__debezium-heartbeat.shop': 1 },
    tableTopic: 'orders.changed',
  };
}

/** SEAM: `streaming.k8s.PostgresCdc` of the table `public.orders` of the database `shop`. */
export function postgresCapture(): Capture {
  return {
    config: {
      ...COMMON,
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'topic.prefix': 'warehouse',
      'database.hostname': 'warehouse.cluster-c0ffee.eu-west-1.rds.amazonaws.com',
      'database.port': '5432',
      'database.user': '${secrets:streaming/warehouse-database:username}',
      'database.password': '${secrets:streaming/warehouse-database:password}',
      'database.sslmode': 'require',
      'database.dbname': 'shop',
      'plugin.name': 'pgoutput',
      'slot.name': 'warehouse',
      'publication.name': 'warehouse',
      'publication.autocreate.mode': 'filtered',
      'table.include.list': 'public[.]orders',
    },
    topics: { 'warehouse.public.orders': 3, '__debezium-heartbeat.warehouse': 1 },
    tableTopic: 'warehouse.public.orders',
  };
}

/** Settings that lead to other places than those of this machine, and the ways to secrets; everything else stays as generated. */
export function here(config: Record<string, string>, database: DatabaseAddress, bootstrapServers: string): Record<string, string> {
  const kept = Object.entries(config).filter(([name]) => !/^schema\.history\.internal\.(consumer|producer)\./.test(name));
  return {
    ...Object.fromEntries(kept),
    'database.hostname': '127.0.0.1',
    'database.port': String(database.port),
    'database.user': database.user,
    'database.password': database.password,
    ...(config['schema.history.internal.kafka.topic'] ? { 'schema.history.internal.kafka.bootstrap.servers': bootstrapServers } : {}),
  };
}

/** The same settings for Debezium's connector for MariaDB, which has other names for the modes of TLS. */
export function forMariaDb(config: Record<string, string>): Record<string, string> {
  const modes: Record<string, string> = { disabled: 'disable', required: 'trust', verify_ca: 'verify-ca', verify_identity: 'verify-full' };
  const tls = config['database.ssl.mode'];
  return {
    ...config,
    'connector.class': 'io.debezium.connector.mariadb.MariaDbConnector',
    ...(tls ? { 'database.ssl.mode': modes[tls] } : {}),
  };
}
