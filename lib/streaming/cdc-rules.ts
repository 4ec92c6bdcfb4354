import type { Duration } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../core/rule';
import { heartbeatTopicName, tableTopicName } from './cdc-config';
import type { CdcOptions, CdcTable } from './cdc-options';
import { type MySqlCdcOptions, historyTopicName } from './mysql-cdc';
import { type PostgresCdcOptions, slotNameOf } from './postgres-cdc';
import { metricName } from './topic-rules';

const MAX_SERVER_ID = 2 ** 32 - 1;
const MAX_PORT = 65_535;

/** Names of topics that Kafka would take for one, because they differ in '.' and '_' only. */
function collisions(names: readonly string[]): string[] {
  return names.filter((name, index) => names.slice(0, index).some((other) => metricName(other) === metricName(name)));
}

/** The rules for what capturing either database takes. */
export function cdcRules({ tables }: CdcOptions): Rule<CdcOptions>[] {
  return [
    {
      code: 'Millrace.CdcTopicPrefixInvalid',
      subject: 'topicPrefix',
      value: (options) => options.topicPrefix,
      valid: (prefix: string) => /^[A-Za-z0-9._-]{1,100}$/.test(prefix) && prefix !== '.' && prefix !== '..',
      allowed: "1-100 letters, digits, '.', '_' or '-'",
      fix: 'name it after the system whose changes these are, for example shop',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.CdcTablesMissing',
      subject: 'tables',
      value: (options) => options.tables,
      valid: (given: CdcTable[]) => given.length > 0,
      allowed: 'at least one table: without a list Debezium captures every table, for which there are no topics',
      fix: "list them, for example { table: 'inventory.orders' }",
    },
    ...tables.map(({ table }, index): Rule<CdcOptions> => ({
      code: 'Millrace.CdcTableInvalid',
      subject: `tables[${index}].table`,
      value: () => table,
      valid: (name: string) =>
        /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(name) &&
        tables.findIndex((other) => other.table.toLowerCase() === name.toLowerCase()) === index,
      allowed: "<database or schema>.<table> of letters, digits, '_' and '-', each table once",
      fix: 'correct the name; Debezium replaces other characters in the name of the topic, so that it would not be the one made here',
      tokens: 'refuse',
    })),
    ...tables.map(({ keyColumns }, index): Rule<CdcOptions> => ({
      code: 'Millrace.CdcKeyColumnsInvalid',
      subject: `tables[${index}].keyColumns`,
      value: () => keyColumns,
      valid: (columns: string[]) => columns.length > 0 && columns.every((column) => /^[^\s,:;]+$/.test(column)),
      allowed: "at least one column, without space, ',', ':' and ';'",
      fix: 'leave it out for the primary key',
    })),
    {
      code: 'Millrace.CdcTopicCollision',
      subject: 'tables',
      value: ({ topicPrefix }) =>
        collisions([
          historyTopicName(topicPrefix),
          heartbeatTopicName(topicPrefix),
          ...tables.map((table) => tableTopicName(topicPrefix, table)),
        ]),
      valid: (found: string[]) => found.length === 0,
      allowed: "a topic for each table: names that differ in more than '.' and '_', and from those of the connector itself",
      fix: 'give the table another topicName',
    },
    {
      code: 'Millrace.CdcHeartbeatInvalid',
      subject: 'heartbeat',
      value: (options) => options.heartbeat,
      valid: (heartbeat: Duration) => isPositiveInteger(heartbeat.toMilliseconds({ integral: false })),
      allowed: 'a duration above zero: without a heartbeat a quiet table keeps the whole log of the database from being dropped',
      fix: 'leave it out for 10 s',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.CdcDatabaseInvalid',
      subject: 'database.hostname',
      value: (options) => options.database.hostname,
      valid: (hostname: string) => /^[A-Za-z0-9._:-]+$/.test(hostname),
      allowed: 'a host name or an address',
      fix: 'give the host alone; the port stands in database.port',
    },
    {
      code: 'Millrace.CdcDatabaseInvalid',
      subject: 'database.port',
      value: (options) => options.database.port,
      valid: (port: number) => isPositiveInteger(port) && port <= MAX_PORT,
      allowed: `a whole number from 1 to ${MAX_PORT}`,
      fix: 'leave it out for the port of the database',
    },
  ];
}

/** The rules for what capturing MySQL takes besides. */
export const MYSQL_CDC_RULES: readonly Rule<MySqlCdcOptions>[] = [
  {
    code: 'Millrace.CdcServerIdInvalid',
    subject: 'serverId',
    value: (options) => options.serverId,
    valid: (serverId: number) => isPositiveInteger(serverId) && serverId <= MAX_SERVER_ID,
    allowed: `a whole number from 1 to ${MAX_SERVER_ID} (MySQL: server_id)`,
    fix: 'leave it out for one from topicPrefix',
    tokens: 'refuse',
  },
];

const POSTGRES_NAME = /^[a-z0-9_]{1,63}$/;

/** The rules for what capturing Postgres takes besides. */
export const POSTGRES_CDC_RULES: readonly Rule<PostgresCdcOptions>[] = [
  {
    code: 'Millrace.CdcDatabaseInvalid',
    subject: 'databaseName',
    value: (options) => options.databaseName,
    valid: (name: string) => /^[^\s'"]{1,63}$/.test(name),
    allowed: '1-63 characters without space and quotes',
    fix: 'name the one database that is captured',
  },
  {
    code: 'Millrace.CdcSlotInvalid',
    subject: 'slotName',
    value: (options) => slotNameOf(options),
    valid: (name: string) => POSTGRES_NAME.test(name),
    allowed: "1-63 lower-case letters, digits or '_' (Postgres: replication slots)",
    fix: 'give a shorter one',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.CdcSlotInvalid',
    subject: 'publicationName',
    value: (options) => options.publicationName,
    valid: (name: string) => POSTGRES_NAME.test(name),
    allowed: "1-63 lower-case letters, digits or '_'",
    fix: 'leave it out for that of the slot',
    tokens: 'refuse',
  },
];
