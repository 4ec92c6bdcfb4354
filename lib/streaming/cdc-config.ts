import type { CdcCredentials, CdcOptions, CdcTable } from './cdc-options';
import { DecimalHandling, SnapshotMode, TimePrecision } from './cdc-options';
import { ConnectFormat } from './connect-format';

/** Settings of a connector by name. */
export type ConnectorSettings = { [name: string]: string };

/** Name that the connector itself gives to the topic of a table. */
export function nativeTopicName(topicPrefix: string, table: string): string {
  return `${topicPrefix}.${table}`;
}

/** Name of the topic of a table. */
export function tableTopicName(topicPrefix: string, table: CdcTable): string {
  return table.topicName ?? nativeTopicName(topicPrefix, table.table);
}

/** Name of the topic of the heartbeats (Debezium: `topic.heartbeat.prefix`). */
export function heartbeatTopicName(topicPrefix: string): string {
  return `__debezium-heartbeat.${topicPrefix}`;
}

const DEFAULT_HEARTBEAT_MS = 10_000;

/** A name as a regular expression that matches it alone; a backslash would be an escape in properties and JSON. */
function literally(name: string): string {
  return name.replace(/\./g, '[.]');
}

/** The settings that both Debezium connectors have, under the names of Debezium 3.5 and 3.6. */
export function commonCdcConfig(options: CdcOptions, credentials: CdcCredentials): ConnectorSettings {
  const { database, events = {}, tables } = options;
  const format = events.format ?? ConnectFormat.json();
  const keyed = tables.filter(({ keyColumns }) => keyColumns !== undefined);
  return {
    'database.hostname': database.hostname,
    'database.user': credentials.user,
    'database.password': credentials.password,
    'topic.prefix': options.topicPrefix,
    'table.include.list': tables.map(({ table }) => literally(table)).join(','),
    'snapshot.mode': options.snapshot ?? SnapshotMode.INITIAL,
    'decimal.handling.mode': events.decimals ?? DecimalHandling.STRING,
    'time.precision.mode': events.times ?? TimePrecision.ADAPTIVE_TIME_MICROSECONDS,
    'tombstones.on.delete': String(events.tombstones ?? true),
    'heartbeat.interval.ms': String(options.heartbeat?.toMilliseconds() ?? DEFAULT_HEARTBEAT_MS),
    ...(keyed.length > 0
      ? { 'message.key.columns': keyed.map(({ table, keyColumns }) => `${literally(table)}:${keyColumns!.join(',')}`).join(';') }
      : {}),
    ...(format.isAvro ? { 'schema.name.adjustment.mode': 'avro' } : {}),
    ...format.settings,
    ...routing(options),
  };
}

/** One router of Kafka Connect for each table whose topic has a name of its own; none needs a file in the plugin. */
function routing({ topicPrefix, tables }: CdcOptions): ConnectorSettings {
  const routed = tables.filter((table) => tableTopicName(topicPrefix, table) !== nativeTopicName(topicPrefix, table.table));
  if (routed.length === 0) return {};
  const names = routed.map((_table, index) => `route${index + 1}`);
  return Object.fromEntries([
    ['transforms', names.join(',')],
    ...routed.flatMap((table, index) => [
      [`transforms.${names[index]}.type`, 'org.apache.kafka.connect.transforms.RegexRouter'],
      [`transforms.${names[index]}.regex`, literally(nativeTopicName(topicPrefix, table.table))],
      [`transforms.${names[index]}.replacement`, table.topicName!],
    ]),
  ]);
}

/** Settings in the order of their names, so that two syntheses are the same. */
export function sorted(settings: ConnectorSettings): ConnectorSettings {
  return Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}
