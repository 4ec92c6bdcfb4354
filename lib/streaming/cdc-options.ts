import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ConnectFormat } from './connect-format';
import type { ConnectorState } from './connector';
import type { CleanupPolicy } from './topic';

/** What a connector does when it has no position yet. */
export enum SnapshotMode {
  /** Reads every row once, then follows the log. */
  INITIAL = 'initial',
  /** As `INITIAL`, and again when the log no longer holds the position. */
  WHEN_NEEDED = 'when_needed',
  /** Reads no rows: follows the log from now on. */
  NO_DATA = 'no_data',
  /** Reads every row at each start, then follows the log. */
  ALWAYS = 'always',
  /** Reads every row once and stops. */
  INITIAL_ONLY = 'initial_only',
}

/** How decimal columns are written. */
export enum DecimalHandling {
  /** Text: exact, and readable in JSON. */
  STRING = 'string',
  /** Bytes of the unscaled value with the scale in the schema: exact. */
  PRECISE = 'precise',
  /** Floating point: may lose digits. */
  DOUBLE = 'double',
}

/** How time columns are written. */
export enum TimePrecision {
  /** As precise as the column, times of day in microseconds. */
  ADAPTIVE_TIME_MICROSECONDS = 'adaptive_time_microseconds',
  /** The types of Kafka Connect: milliseconds. */
  CONNECT = 'connect',
  /** Text in ISO 8601. */
  ISO_STRING = 'isostring',
}

/** How the connection to the database is secured. */
export enum DatabaseTls {
  /** Plain text. */
  DISABLED = 'disabled',
  /** Encrypted; the certificate is not checked. */
  REQUIRED = 'required',
  /** Encrypted, with a certificate of a known authority; the worker needs the authority's file. */
  VERIFY_CA = 'verify_ca',
  /** As `VERIFY_CA`, and the certificate names the host. */
  VERIFY_IDENTITY = 'verify_identity',
}

/** Where a database listens. */
export interface DatabaseEndpoint {
  /** Host name or address. */
  readonly hostname: string;
  /**
   * Port.
   * @default - 3306 for MySQL, 5432 for Postgres
   */
  readonly port?: number;
  /**
   * How the connection is secured.
   * @default DatabaseTls.REQUIRED
   */
  readonly tls?: DatabaseTls;
}

/** A table whose changes are captured, and the topic they go to. */
export interface CdcTable {
  /** `<database>.<table>` in MySQL, `<schema>.<table>` in Postgres: letters, digits, `_` and `-`. */
  readonly table: string;
  /**
   * Name of the topic. Changing it makes a new, empty topic.
   * @default - `<topicPrefix>.<table>`, as the connector names it
   */
  readonly topicName?: string;
  /**
   * Partitions of the topic; changes of one row stay in one.
   * @default 6: as every topic
   */
  readonly partitions?: number;
  /**
   * What becomes of older changes. A table without a primary key needs `keyColumns` or DELETE: a compacted topic refuses records without key.
   * @default CleanupPolicy.COMPACT: the last state of every row stays, so that a reader can begin at any time
   */
  readonly cleanupPolicy?: CleanupPolicy;
  /**
   * How long changes are kept with CleanupPolicy.DELETE or COMPACT_DELETE.
   * @default Duration.days(7)
   */
  readonly retention?: Duration;
  /**
   * Columns that make the key of a record.
   * @default - the primary key
   */
  readonly keyColumns?: string[];
}

/** What the events look like. */
export interface CdcEvents {
  /**
   * How keys and values are written.
   * @default ConnectFormat.json()
   */
  readonly format?: ConnectFormat;
  /**
   * How decimals are written.
   * @default DecimalHandling.STRING
   */
  readonly decimals?: DecimalHandling;
  /**
   * How times are written.
   * @default TimePrecision.ADAPTIVE_TIME_MICROSECONDS
   */
  readonly times?: TimePrecision;
  /**
   * Whether a delete is followed by a record without value, which lets a compacted topic forget the row.
   * @default true
   */
  readonly tombstones?: boolean;
}

/** What capturing the changes of either database takes, on both flavours. */
export interface CdcOptions {
  /**
   * Name of the connector: 1-63 lower-case letters, digits or `-`. Its position in the log is stored under it: changing it begins anew.
   * @default - from the construct path
   */
  readonly connectorName?: string;
  /** Begins the names of the topics and names the source in every event: letters, digits, `.`, `_` or `-`. Changing it begins anew. */
  readonly topicPrefix: string;
  /** Where the database listens. */
  readonly database: DatabaseEndpoint;
  /** The tables; each gets its topic. */
  readonly tables: CdcTable[];
  /**
   * What is done without a position.
   * @default SnapshotMode.INITIAL
   */
  readonly snapshot?: SnapshotMode;
  /**
   * What the events look like.
   * @default - JSON with schemas, decimals as text, tombstones
   */
  readonly events?: CdcEvents;
  /**
   * How often a heartbeat moves the position while the tables are quiet, so that the database can drop its log.
   * @default Duration.seconds(10)
   */
  readonly heartbeat?: Duration;
  /**
   * Whether it runs.
   * @default ConnectorState.RUNNING
   */
  readonly state?: ConnectorState;
  /**
   * What becomes of the topics when they leave the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** User and password as references that a config provider resolves in the worker, never as values. */
export interface CdcCredentials {
  readonly user: string;
  readonly password: string;
}

/** Kafka as a client inside the connector reaches it: that of the schema history has connections of its own. */
export interface CdcKafkaClient {
  readonly bootstrapServers: string;
  /** Client settings by Kafka name, for example `security.protocol`. */
  readonly settings: { readonly [name: string]: string };
}
