import type { IConstruct } from 'constructs';
import { type ConnectorSettings, commonCdcConfig, sorted } from './cdc-config';
import { type CdcCredentials, type CdcKafkaClient, type CdcOptions, DatabaseTls } from './cdc-options';
import type { ITopic } from './topic';

/** Class of Debezium's connector for MySQL. */
export const MYSQL_CONNECTOR = 'io.debezium.connector.mysql.MySqlConnector';

/** The capture of the changes of a MySQL database, of either flavour. */
export interface IMySqlCdc extends IConstruct {
  /** Name of the connector. */
  readonly connectorName: string;
}

/** What both flavours of capturing the changes of a MySQL database take. */
export interface MySqlCdcOptions extends CdcOptions {
  /**
   * Id with which the connector joins the MySQL replicas, 1 to 4294967295, unlike that of every server and replica. Two with one id throw each other out.
   * @default - from a hash of `topicPrefix`
   */
  readonly serverId?: number;
  /**
   * A topic of one partition with unlimited retention for the history of the tables' definitions. Another topic means that the connector cannot go on.
   * @default - one called `<topicPrefix>.schema-history` is made
   */
  readonly historyTopic?: ITopic;
}

/** What the connector's settings follow from besides the options. */
export interface MySqlConnectorSurroundings {
  readonly credentials: CdcCredentials;
  readonly serverId: number;
  readonly historyTopicName: string;
  readonly kafka: CdcKafkaClient;
}

/** Name of the topic for the history of the tables' definitions. */
export function historyTopicName(topicPrefix: string): string {
  return `${topicPrefix}.schema-history`;
}

/** Group in which the connector reads the history; it commits nothing and begins at the beginning. */
export function historyGroupId(topicPrefix: string): string {
  return `${topicPrefix}-schema-history`;
}

/**
 * The settings of Debezium's MySQL connector, class and number of tasks left out. Names and values are those of the ConfigDef of
 * debezium-connector-mysql 3.5.0.Final and 3.6.1.Final.
 */
export function mySqlConnectorConfig(options: MySqlCdcOptions, surroundings: MySqlConnectorSurroundings): ConnectorSettings {
  const { credentials, serverId, kafka } = surroundings;
  const databases = [...new Set(options.tables.map(({ table }) => table.split('.')[0]))];
  const client = (side: string): ConnectorSettings =>
    Object.fromEntries(Object.entries(kafka.settings).map(([name, value]) => [`schema.history.internal.${side}.${name}`, value]));
  return sorted({
    ...commonCdcConfig(options, credentials),
    'database.port': String(options.database.port ?? 3306),
    'database.ssl.mode': options.database.tls ?? DatabaseTls.REQUIRED,
    'database.server.id': String(serverId),
    'database.include.list': databases.join(','),
    // Changed definitions go to the history; a topic of them for others would have to exist as well.
    'include.schema.changes': 'false',
    'schema.history.internal.kafka.bootstrap.servers': kafka.bootstrapServers,
    'schema.history.internal.kafka.topic': surroundings.historyTopicName,
    // Of the captured databases every table, so that one can be added later; of other databases none.
    'schema.history.internal.store.only.captured.databases.ddl': 'true',
    ...client('producer'),
    ...client('consumer'),
    'schema.history.internal.consumer.group.id': historyGroupId(options.topicPrefix),
  });
}
