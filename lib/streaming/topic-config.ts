/** What a setting takes, as a reader needs it, and the check of it. */
interface SettingKind {
  readonly allowed: string;
  readonly valid: (value: string) => boolean;
}

const text: SettingKind = { allowed: 'text', valid: () => true };
const boolean: SettingKind = { allowed: 'true or false', valid: (value) => /^(true|false)$/i.test(value) };
const oneOf = (...names: string[]): SettingKind => ({ allowed: names.join(', '), valid: (value) => names.includes(value) });

// BigInt, because the largest value of Kafka's long, a common spelling of "never", is beyond the exact numbers of JavaScript.
const MAX_INT = BigInt(2 ** 31 - 1);
const MAX_LONG = BigInt('9223372036854775807');
const whole = (least: number, most: bigint): SettingKind => ({
  allowed: `a whole number from ${least} to ${most}`,
  valid: (value) => /^-?\d+$/.test(value) && BigInt(value) >= BigInt(least) && BigInt(value) <= most,
});
const int = (least: number): SettingKind => whole(least, MAX_INT);
const long = (least: number): SettingKind => whole(least, MAX_LONG);
/** A compression level; -1 is the default of gzip. */
const gzipLevel: SettingKind = { allowed: '-1, or a whole number from 1 to 9', valid: (value) => /^(-1|[1-9])$/.test(value) };
const share: SettingKind = {
  allowed: 'a number from 0 to 1',
  valid: (value) => /^(\d+\.?\d*|\.\d+)$/.test(value) && Number(value) <= 1,
};
const cleanup: SettingKind = {
  allowed: "delete, compact, or both with ',' between",
  valid: (value) => /^(compact|delete)( *, *(compact|delete))*$/.test(value),
};

/** Topic settings of Apache Kafka 3.6-4.3 (Kafka documentation, Topic Configs; LogConfig), and those of tiered storage. */
const SETTINGS: ReadonlyMap<string, SettingKind> = new Map([
  ['cleanup.policy', cleanup],
  ['compression.gzip.level', gzipLevel],
  ['compression.lz4.level', whole(1, BigInt(17))],
  ['compression.type', oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer')],
  ['compression.zstd.level', whole(-131_072, BigInt(22))],
  ['delete.retention.ms', long(0)],
  ['file.delete.delay.ms', long(0)],
  ['flush.messages', long(1)],
  ['flush.ms', long(0)],
  ['follower.replication.throttled.replicas', text],
  ['index.interval.bytes', int(0)],
  ['leader.replication.throttled.replicas', text],
  // -2 follows retention.bytes and retention.ms.
  ['local.retention.bytes', long(-2)],
  ['local.retention.ms', long(-2)],
  ['max.compaction.lag.ms', long(1)],
  ['max.message.bytes', int(0)],
  ['message.timestamp.after.max.ms', long(0)],
  ['message.timestamp.before.max.ms', long(0)],
  ['message.timestamp.type', oneOf('CreateTime', 'LogAppendTime')],
  ['min.cleanable.dirty.ratio', share],
  ['min.compaction.lag.ms', long(0)],
  // It has a rule of its own, which looks at the replication factor too.
  ['min.insync.replicas', text],
  ['preallocate', boolean],
  ['remote.log.copy.disable', boolean],
  ['remote.log.delete.on.disable', boolean],
  ['remote.storage.enable', boolean],
  // -1 is without limit.
  ['retention.bytes', long(-1)],
  ['retention.ms', long(-1)],
  ['segment.bytes', int(14)],
  ['segment.index.bytes', int(4)],
  ['segment.jitter.ms', long(0)],
  ['segment.ms', long(1)],
  ['unclean.leader.election.enable', boolean],
]);

/** Names of the settings that a topic may have. */
export const TOPIC_CONFIG_NAMES: ReadonlySet<string> = new Set(SETTINGS.keys());

/** What a setting takes; anything for a name that is refused as such. */
export function settingKind(name: string): SettingKind {
  return SETTINGS.get(name) ?? text;
}
