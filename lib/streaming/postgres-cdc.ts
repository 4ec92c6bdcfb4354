import type { IConstruct } from 'constructs';
import { type ConnectorSettings, commonCdcConfig, sorted } from './cdc-config';
import { type CdcCredentials, type CdcOptions, DatabaseTls } from './cdc-options';

/** Class of Debezium's connector for Postgres. */
export const POSTGRES_CONNECTOR = 'io.debezium.connector.postgresql.PostgresConnector';

/** The capture of the changes of a Postgres database, of either flavour. */
export interface IPostgresCdc extends IConstruct {
  /** Name of the connector. */
  readonly connectorName: string;
}

/** What both flavours of capturing the changes of a Postgres database take. */
export interface PostgresCdcOptions extends CdcOptions {
  /** Name of the database; a connector captures one. */
  readonly databaseName: string;
  /**
   * Name of the logical replication slot: 1-63 lower-case letters, digits or `_`. The server keeps its log for it, so drop the slot when the
   * connector is gone for good. Changing it loses the changes in between.
   * @default - `millrace_` and `topicPrefix` with `_` for what is not allowed
   */
  readonly slotName?: string;
  /**
   * Name of the publication: 1-63 lower-case letters, digits or `_`. The connector makes it for the tables, for which its user must own them.
   * @default - as `slotName`
   */
  readonly publicationName?: string;
  /**
   * A statement that the connector runs with each heartbeat, for example an update of a table of one row. Where the captured database is quiet
   * and another one on the server is busy, only a change in the captured one lets the server drop its log.
   * @default - none
   */
  readonly heartbeatQuery?: string;
}

/** The words of Postgres for how a connection is secured. */
const SSL_MODES: Readonly<Record<DatabaseTls, string>> = {
  [DatabaseTls.DISABLED]: 'disable',
  [DatabaseTls.REQUIRED]: 'require',
  [DatabaseTls.VERIFY_CA]: 'verify-ca',
  [DatabaseTls.VERIFY_IDENTITY]: 'verify-full',
};

/** Name of the slot where none is given. */
export function slotNameOf(options: PostgresCdcOptions): string {
  return options.slotName ?? `millrace_${options.topicPrefix.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`;
}

/**
 * The settings of Debezium's Postgres connector, class and number of tasks left out. Names and values are those of the ConfigDef of
 * debezium-connector-postgres 3.5.0.Final and 3.6.1.Final.
 */
export function postgresConnectorConfig(options: PostgresCdcOptions, credentials: CdcCredentials): ConnectorSettings {
  const slotName = slotNameOf(options);
  return sorted({
    ...commonCdcConfig(options, credentials),
    'database.port': String(options.database.port ?? 5432),
    'database.dbname': options.databaseName,
    'database.sslmode': SSL_MODES[options.database.tls ?? DatabaseTls.REQUIRED],
    // Part of Postgres since 10; Debezium's own default needs an extension on the server.
    'plugin.name': 'pgoutput',
    'slot.name': slotName,
    'publication.name': options.publicationName ?? slotName,
    // For the captured tables alone; the default publishes every table of the database.
    'publication.autocreate.mode': 'filtered',
    ...(options.heartbeatQuery === undefined ? {} : { 'heartbeat.action.query': options.heartbeatQuery }),
  });
}
