import type { Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { CompressionType, MessageTimestampType, type TopicConfig } from './topic-config';

/** What a setting takes, as a reader needs it, how it is written for Kafka, and the check of what is written. */
interface SettingKind {
  readonly allowed: string;
  readonly render: (value: never) => string;
  readonly valid: (value: string) => boolean;
}

// SizeRoundingBehavior.NONE: a fraction of a byte is to be refused here, not rounded.
const UNROUNDED = 2 as SizeRoundingBehavior;
// BigInt, because the largest value of Kafka's long is beyond the exact numbers of JavaScript.
const MAX_INT = BigInt(2 ** 31 - 1);
const MAX_LONG = BigInt('9223372036854775807');
const FOLLOWS_RETENTION = '-2';

const asBytes = (size: Size) => String(size.toBytes({ rounding: UNROUNDED }));
const asMillis = (duration: Duration) => String(duration.toMilliseconds({ integral: false }));
const inRange = (least: number, most: bigint) => (value: string) =>
  /^-?\d+$/.test(value) && BigInt(value) >= BigInt(least) && BigInt(value) <= most;
const kind = <T>(allowed: string, render: (value: T) => string, valid: (value: string) => boolean): SettingKind => ({
  allowed,
  render: render as never,
  valid,
});

const time = (least: number) =>
  kind<Duration>(`a duration of at least ${least} ms, in whole milliseconds`, asMillis, inRange(least, MAX_LONG));
const size = (least: number, most = MAX_INT) =>
  kind<Size>(`a size from ${least} to ${most} bytes, in whole bytes`, asBytes, inRange(least, most));
const count = (least: number, most: bigint) => kind<number>(`a whole number from ${least} to ${most}`, String, inRange(least, most));
const flag = kind<boolean>(
  'true or false',
  (value) => (typeof value === 'boolean' ? String(value) : 'neither'),
  (value) => value !== 'neither',
);
const oneOf = (names: string[]) => kind<string>(names.join(', '), String, (value) => names.includes(value));
const ratio = kind<number>('a number from 0 to 1', String, (value) => Number(value) >= 0 && Number(value) <= 1);
const gzipLevel = kind<number>('-1, or a whole number from 1 to 9', String, (value) => /^(-1|[1-9])$/.test(value));
const replicas = kind<string[]>(
  "a list of 'partition:broker', or of '*' alone",
  (value) => value.join(','),
  (value) => /^(\*|\d+:\d+(,\d+:\d+)*)$/.test(value),
);

/** Topic settings of Apache Kafka 3.6-4.3 (Kafka documentation, Topic Configs; LogConfig), and those of tiered storage. */
const KINDS: Readonly<Record<Exclude<keyof TopicConfig, 'unlimitedRetention'>, SettingKind>> = {
  compressionGzipLevel: gzipLevel,
  compressionLz4Level: count(1, BigInt(17)),
  compressionType: oneOf(Object.values(CompressionType)),
  compressionZstdLevel: count(-131_072, BigInt(22)),
  deleteRetentionMs: time(0),
  fileDeleteDelayMs: time(0),
  flushMessages: count(1, MAX_LONG),
  flushMs: time(0),
  followerReplicationThrottledReplicas: replicas,
  indexIntervalBytes: size(0),
  leaderReplicationThrottledReplicas: replicas,
  localRetentionBytes: size(1, MAX_LONG),
  localRetentionMs: time(1),
  maxCompactionLagMs: time(1),
  maxMessageBytes: size(0),
  messageTimestampAfterMaxMs: time(0),
  messageTimestampBeforeMaxMs: time(0),
  messageTimestampType: oneOf(Object.values(MessageTimestampType)),
  minCleanableDirtyRatio: ratio,
  minCompactionLagMs: time(0),
  // It has a rule of its own, which looks at the replication factor too.
  minInsyncReplicas: kind<number>('a whole number', String, () => true),
  preallocate: flag,
  remoteLogCopyDisable: flag,
  remoteLogDeleteOnDisable: flag,
  remoteStorageEnable: flag,
  retentionBytes: size(1, MAX_LONG),
  segmentBytes: size(14),
  segmentIndexBytes: size(4),
  segmentJitterMs: time(0),
  segmentMs: time(1),
  uncleanLeaderElectionEnable: flag,
};

/** Properties of a topic's settings, as they are written in code. */
export const TOPIC_SETTINGS: readonly string[] = [...Object.keys(KINDS), 'unlimitedRetention'].sort();

const kindOf = (property: string): SettingKind | undefined =>
  Object.hasOwn(KINDS, property) ? KINDS[property as keyof typeof KINDS] : undefined;

/** Name in Kafka of a setting: `maxMessageBytes` is `max.message.bytes`. */
export function kafkaNameOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`);
}

/** What a setting takes, for a message. */
export function allowedFor(property: string): string {
  return kindOf(property)?.allowed ?? flag.allowed;
}

/** A setting as Kafka reads it; undefined for a value of another type than the setting takes. */
export function renderSetting(property: string, value: unknown): string | undefined {
  const found = kindOf(property) ?? flag;
  try {
    const rendered = found.render(value as never);
    return found.valid(rendered) ? rendered : undefined;
  } catch {
    // A value of plain JavaScript may be anything; what its setting cannot write is refused as such.
    return undefined;
  }
}

/** The settings that are given, by their names in Kafka. */
export function renderSettings(config: TopicConfig = {}): Record<string, string> {
  const given = Object.entries(config).filter(([property, value]) => value !== undefined && kindOf(property));
  const rendered = Object.fromEntries(given.map(([property, value]) => [kafkaNameOf(property), renderSetting(property, value) ?? '']));
  return {
    // Once nothing more is copied, Kafka refuses volumes that keep less than the retention, also where a default of the brokers says so.
    ...(config.remoteLogCopyDisable ? { 'local.retention.bytes': FOLLOWS_RETENTION, 'local.retention.ms': FOLLOWS_RETENTION } : {}),
    // For ever whatever the default of the cluster: what is dropped by size is gone, too.
    ...(config.unlimitedRetention ? { 'retention.bytes': '-1', 'retention.ms': '-1' } : {}),
    ...rendered,
  };
}

/** What topics of Express brokers may set (MSK Developer Guide, "Topic-level configurations on Express Brokers"). */
export const EXPRESS_SETTINGS: ReadonlySet<string> = new Set([
  'compressionType',
  'deleteRetentionMs',
  'maxCompactionLagMs',
  'maxMessageBytes',
  'messageTimestampAfterMaxMs',
  'messageTimestampBeforeMaxMs',
  'messageTimestampType',
  'minCompactionLagMs',
  'retentionBytes',
  'unlimitedRetention',
]);

/** What topics of Serverless clusters may set (MSK Developer Guide, "Configuration properties for MSK Serverless clusters"). */
export const SERVERLESS_SETTINGS: ReadonlySet<string> = new Set([
  'compressionType',
  'maxMessageBytes',
  'messageTimestampType',
  'retentionBytes',
  'unlimitedRetention',
]);
