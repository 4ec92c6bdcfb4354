import type { Duration } from 'aws-cdk-lib';
import type { ConnectorSettings } from './cdc-config';
import { sorted } from './cdc-config';
import { ConnectFormat } from './connect-format';
import type { BoundConnector, ConnectorSurroundings } from './connector-binding';

/** Options of a sink that appends to Iceberg tables. */
export interface IcebergSinkOptions {
  /** Settings of the catalogue by Iceberg's name, for example `type`, `uri`, `warehouse`, `io-impl`. Secrets as references only. */
  readonly catalog: { [name: string]: string };
  /**
   * Tables as `<namespace>.<table>`; every record goes to each, unless `routeField` says to which.
   * @default - `routeField` holds the name of the table
   */
  readonly tables?: string[];
  /**
   * Field of a record that says where it goes. With `tables`, a table takes the records whose field matches `iceberg.table.<table>.route-regex`
   * of `settings`; without, the field is the name of the table.
   * @default - none
   */
  readonly routeField?: string;
  /**
   * How often the tables are committed: how fresh they are, against how many small files and snapshots they get.
   * @default Duration.minutes(5)
   */
  readonly commitInterval?: Duration;
  /**
   * Whether new fields become columns.
   * @default false: a table changes on purpose
   */
  readonly evolveSchema?: boolean;
  /**
   * Further settings by their name, for example of one table.
   * @default - none
   */
  readonly settings?: { [name: string]: string };
  /**
   * How the records are read.
   * @default ConnectFormat.json()
   */
  readonly format?: ConnectFormat;
}

const DEFAULT_COMMIT_MS = 300_000;

/** The settings, by `IcebergSinkConfig` of iceberg-kafka-connect 1.12.0. */
export function icebergSinkSettings(options: IcebergSinkOptions, surroundings: ConnectorSurroundings): BoundConnector {
  const { connectorName, groupId, kafka } = surroundings;
  const controlTopic = `${connectorName}.control`;
  const controlGroups = `cg-control-${connectorName}-`;
  const transactionalIds = `${connectorName}-`;
  const prefixed = (prefix: string, settings: { readonly [name: string]: string }): ConnectorSettings =>
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${prefix}${name}`, value]));
  const settings = sorted({
    ...(options.tables ? { 'iceberg.tables': options.tables.join(',') } : { 'iceberg.tables.dynamic-enabled': 'true' }),
    ...(options.routeField === undefined ? {} : { 'iceberg.tables.route-field': options.routeField }),
    'iceberg.tables.auto-create-enabled': 'false',
    'iceberg.tables.evolve-schema-enabled': String(options.evolveSchema ?? false),
    'iceberg.control.topic': controlTopic,
    'iceberg.control.group-id-prefix': controlGroups,
    'iceberg.control.commit.interval-ms': String(options.commitInterval?.toMilliseconds() ?? DEFAULT_COMMIT_MS),
    // It commits the offsets of the group that reads, whose name it would otherwise guess from the connector's.
    'iceberg.connect.group-id': groupId,
    'iceberg.coordinator.transactional.prefix': transactionalIds,
    ...prefixed('iceberg.catalog.', options.catalog),
    // It has no access to the settings of a managed worker, so that its own clients need theirs.
    ...prefixed('iceberg.kafka.', { 'bootstrap.servers': kafka.bootstrapServers, ...kafka.settings }),
    ...(options.format ?? ConnectFormat.json()).settings,
    ...options.settings,
  });
  return { settings, controlTopic, controlGroups, coordinatorGroup: `${groupId}-coord`, transactionalIds };
}
