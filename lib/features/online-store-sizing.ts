import { refuse } from '../core/error';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingAlternative, type SizingDecision } from '../core/sizing';
import { FEATURE_RATE_RULES, type FeatureDemand } from './feature-demand';

/** What keeps features for reading by key. */
export enum OnlineStoreKind {
  /** In memory: Redis, Valkey or Dragonfly, on ElastiCache or elsewhere. */
  REDIS = 'redis',
  /** On demand, without servers: Amazon DynamoDB. */
  DYNAMODB = 'dynamodb',
}

/** How an online store is sized. */
export interface OnlineStoreSizingOptions {
  /**
   * The store, where it is given already.
   * @default - Redis for a p99 below 10 ms, DynamoDB above
   */
  readonly store?: OnlineStoreKind;
  /**
   * Copies of each shard of Redis beside its primary, 0-5. With 0 a lost node is a lost shard.
   * @default 1
   */
  readonly replicas?: number;
}

const KIB = 1024;
const GIB = 1024 ** 3;
const DEFAULT_RECORD = KIB;
const DEFAULT_P99_MILLIS = 20;
// Feast, online server performance tuning: p50 of Redis below 1 ms, of DynamoDB 2-5 ms; "p99 budget < 10 ms use Redis".
const REDIS_P99_MILLIS = 2;
const DYNAMODB_P99_MILLIS = 10;
/**
 * Bytes in Redis for one of a record: a field and a value of the hash for each feature, serialized as Protobuf, with the name hashed to four
 * bytes. `npx tsx test/conformance/feast.ts` measures it against a real server.
 */
const REDIS_OVERHEAD = 2;
/** Bytes in Redis for each key: entry of the dictionary, key with project and entity, header of the hash, timestamp of the view. */
const REDIS_KEY_BYTES = 256;
/** Share of a node's memory for data; the rest is for replication and snapshots (ElastiCache user guide, reserved-memory-percent: 25). */
const REDIS_USABLE = 0.75;
/** A write reads the time of the record that is there, sets the values and sets the TTL (Feast, online_stores/redis.py). */
const REDIS_COMMANDS_PER_WRITE = 3;
/**
 * Commands a second of a primary. An assumption: half of the 100,000 that Redis' benchmark page gives for plain commands without pipelining,
 * because those of Feast carry all features of a record.
 */
const REDIS_OPERATIONS = 50_000;
/** `maxmemory` of a node in GiB (ElastiCache user guide, node-type specific parameters). */
const REDIS_NODES: readonly (readonly [type: string, gib: number])[] = [
  ['cache.r7g.large', 13.07],
  ['cache.r7g.xlarge', 26.32],
  ['cache.r7g.2xlarge', 52.82],
  ['cache.r7g.4xlarge', 105.81],
  ['cache.r7g.8xlarge', 209.55],
  ['cache.r7g.12xlarge', 317.77],
  ['cache.r7g.16xlarge', 419.09],
];
/** Nodes of a cluster (ElastiCache quotas, nodes per cluster: 90 unless raised). */
const REDIS_MAX_NODES = 90;
/** More shards than this and nodes grow first: each one more is one more connection of every worker. */
const REDIS_COMFORTABLE_SHARDS = 8;
/** What Feast adds to an item: the entity as a key, the time of the event and the map around the values. */
const DYNAMODB_KEY_BYTES = 128;
/** What an item costs in storage beyond its size (DynamoDB developer guide, storage: 100 bytes of index). */
const DYNAMODB_INDEX_BYTES = 100;
/** Largest item (DynamoDB quotas). */
const DYNAMODB_MAX_ITEM = 400 * KIB;
/** Units of a table (DynamoDB quotas: 40,000 unless raised). */
const DYNAMODB_MAX_UNITS = 40_000;

const RULES: readonly Rule<FeatureDemand & OnlineStoreSizingOptions>[] = [
  ...FEATURE_RATE_RULES,
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'entities',
    value: (demand) => demand.entities ?? null,
    valid: (entities: number) => isPositiveInteger(entities),
    allowed: 'a whole number above zero',
    fix: 'count the entities that have a record within the TTL',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'recordSize',
    value: (demand) => demand.recordSize,
    valid: (_size: unknown, demand) => isPositive(recordBytesOf(demand)),
    allowed: 'a size above zero',
    fix: 'leave it out for 1 KiB',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'p99',
    value: (demand) => demand.p99,
    valid: (_p99: unknown, demand) => isPositive(p99Of(demand)),
    allowed: 'a duration above zero',
    fix: 'leave it out for 20 ms',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'store',
    value: (demand) => demand.store,
    valid: (store: OnlineStoreKind) => Object.values(OnlineStoreKind).includes(store),
    allowed: Object.values(OnlineStoreKind).join(', '),
    fix: 'use OnlineStoreKind, or leave it out',
  },
  {
    code: 'Millrace.FeatureDemandInvalid',
    subject: 'replicas',
    value: (demand) => demand.replicas,
    valid: (replicas: number) => Number.isInteger(replicas) && replicas >= 0 && replicas <= 5,
    allowed: '0-5 copies beside the primary of a shard',
    fix: 'leave it out for 1',
    tokens: 'refuse',
  },
];

function recordBytesOf({ recordSize }: FeatureDemand): number {
  return recordSize ? recordSize.toBytes({ rounding: 2 }) : DEFAULT_RECORD;
}

function p99Of({ p99 }: FeatureDemand): number {
  return p99 ? p99.toMilliseconds({ integral: false }) : DEFAULT_P99_MILLIS;
}

interface Fields {
  readonly store: OnlineStoreKind;
  readonly storageBytes: number;
  readonly shards?: number;
  readonly nodesPerShard?: number;
  readonly nodeType?: string;
  readonly readCapacity?: number;
  readonly writeCapacity?: number;
}

/** Which online store carries a demand, and how large it is. */
export class OnlineStoreSizing extends Sizing {
  /**
   * Redis where 99 of 100 reads have to be faster than 10 ms, in as few shards of as small nodes as hold the records twice over and take
   * the rates; DynamoDB otherwise, in capacity units for eventually consistent reads.
   *
   * @throws Millrace.FeatureDemandInvalid, Millrace.FeatureDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: FeatureDemand, options: OnlineStoreSizingOptions = {}): OnlineStoreSizing {
    enforce('OnlineStoreSizing.forDemand', { ...demand, ...options }, RULES);
    const store = options.store ?? (p99Of(demand) < DYNAMODB_P99_MILLIS ? OnlineStoreKind.REDIS : OnlineStoreKind.DYNAMODB);
    return store === OnlineStoreKind.REDIS ? OnlineStoreSizing.redis(demand, options.replicas ?? 1) : OnlineStoreSizing.dynamoDb(demand);
  }

  private static redis(demand: FeatureDemand, replicas: number): OnlineStoreSizing {
    const p99 = p99Of(demand);
    if (p99 < REDIS_P99_MILLIS) doesNotFit('p99', `${p99} ms`, `from ${REDIS_P99_MILLIS} ms: Redis alone takes up to 1 at the median`);
    const bytes = demand.entities * (recordBytesOf(demand) * REDIS_OVERHEAD + REDIS_KEY_BYTES);
    const operations = demand.readsPerSecond + REDIS_COMMANDS_PER_WRITE * demand.writesPerSecond;
    const shardsFor = (gib: number) => ({
      memory: Math.ceil(bytes / (gib * GIB * REDIS_USABLE)),
      operations: Math.ceil(operations / REDIS_OPERATIONS),
    });
    const candidates = REDIS_NODES.map(([nodeType, gib]) => {
      const needed = shardsFor(gib);
      const shards = Math.max(1, needed.memory, needed.operations);
      const bottleneck = shards === 1 ? 'availability' : needed.memory >= needed.operations ? 'memory' : 'operations';
      return { nodeType, gib, shards, bottleneck, choice: `redis ${shards} x ${replicas + 1} nodes of ${nodeType}` };
    });
    const fitting = candidates.filter(({ shards }) => shards * (replicas + 1) <= REDIS_MAX_NODES);
    const chosen = fitting.find(({ shards }) => shards <= REDIS_COMFORTABLE_SHARDS) ?? fitting[fitting.length - 1];
    if (!chosen) {
      doesNotFit(
        'readsPerSecond, writesPerSecond, entities, recordSize',
        `${gibOf(bytes)} GiB and ${operations} commands/s`,
        `at most what ${Math.floor(REDIS_MAX_NODES / (replicas + 1))} shards of ${REDIS_NODES[REDIS_NODES.length - 1][0]} hold`,
      );
    }
    const { nodeType, gib, shards } = chosen;
    const usable = shards * gib * REDIS_USABLE;
    const alternatives = fitting
      .filter((other) => other !== chosen)
      .slice(0, 3)
      .map(({ choice, bottleneck, ...other }) => ({ choice, bottleneck, reason: `${other.shards} shards of ${other.gib} GiB` }));
    return new OnlineStoreSizing(
      { store: OnlineStoreKind.REDIS, storageBytes: bytes, shards, nodesPerShard: replicas + 1, nodeType },
      {
        choice: chosen.choice,
        bottleneck: chosen.bottleneck,
        utilisation: { memory: bytes / (usable * GIB), operations: operations / (shards * REDIS_OPERATIONS) },
        alternatives: [...alternatives, ...(p99 < DYNAMODB_P99_MILLIS ? [] : alternativeOf(demand))],
        reason:
          `p99 ${p99} ms; ${demand.entities} entities x (${recordBytesOf(demand)} B x ${REDIS_OVERHEAD} + ${REDIS_KEY_BYTES} B) = ${gibOf(bytes)} GiB in ` +
          `${Number(usable.toFixed(2))} GiB (${shards} x ${gib} GiB x ${REDIS_USABLE}); ${operations} commands/s at ${REDIS_OPERATIONS} a shard; ` +
          `${replicas} ${replicas === 1 ? 'copy' : 'copies'} of each shard`,
      },
    );
  }

  private static dynamoDb(demand: FeatureDemand): OnlineStoreSizing {
    const p99 = p99Of(demand);
    if (p99 < DYNAMODB_P99_MILLIS) doesNotFit('p99', `${p99} ms`, `from ${DYNAMODB_P99_MILLIS} ms for DynamoDB; Redis goes below`);
    const item = recordBytesOf(demand) + DYNAMODB_KEY_BYTES;
    if (item > DYNAMODB_MAX_ITEM) doesNotFit('recordSize', `an item of ${item} bytes`, `at most ${DYNAMODB_MAX_ITEM} bytes`);
    const perRead = Math.ceil(item / (4 * KIB)) / 2;
    const perWrite = Math.ceil(item / KIB);
    const readCapacity = Math.ceil(demand.readsPerSecond * perRead);
    const writeCapacity = Math.ceil(demand.writesPerSecond * perWrite);
    if (Math.max(readCapacity, writeCapacity) > DYNAMODB_MAX_UNITS) {
      const subject = readCapacity > DYNAMODB_MAX_UNITS ? 'readsPerSecond' : 'writesPerSecond';
      doesNotFit(subject, `${readCapacity} RCU and ${writeCapacity} WCU`, `at most ${DYNAMODB_MAX_UNITS} of each, the quota of a table`);
    }
    const storageBytes = demand.entities * (item + DYNAMODB_INDEX_BYTES);
    const [reads, writes] = [readCapacity / DYNAMODB_MAX_UNITS, writeCapacity / DYNAMODB_MAX_UNITS];
    return new OnlineStoreSizing(
      { store: OnlineStoreKind.DYNAMODB, storageBytes, readCapacity, writeCapacity },
      {
        choice: `dynamodb ${readCapacity} RCU / ${writeCapacity} WCU, ${gibOf(storageBytes)} GiB`,
        bottleneck: reads >= writes ? 'reads' : 'writes',
        utilisation: { reads, writes },
        alternatives: [],
        reason:
          `p99 ${p99} ms; an item of ${item} B takes ${perRead} RCU to read (eventually consistent, 4 KB) and ${perWrite} WCU to write (1 KB): ` +
          `${demand.readsPerSecond} reads/s are ${readCapacity} RCU, ${demand.writesPerSecond} writes/s ${writeCapacity} WCU; ${demand.entities} items of ` +
          `${item + DYNAMODB_INDEX_BYTES} B with their index are ${gibOf(storageBytes)} GiB`,
      },
    );
  }

  /** The store that carries the demand. */
  public readonly store: OnlineStoreKind;
  /** Bytes in memory or in storage. */
  public readonly storageBytes: number;
  /** Shards of Redis. */
  public readonly shards?: number;
  /** Nodes of each shard of Redis, its primary counted. */
  public readonly nodesPerShard?: number;
  /** Node type of ElastiCache; elsewhere a node of as much memory. */
  public readonly nodeType?: string;
  /** Read capacity units of DynamoDB. */
  public readonly readCapacity?: number;
  /** Write capacity units of DynamoDB. */
  public readonly writeCapacity?: number;

  private constructor(fields: Fields, decision: SizingDecision) {
    super(decision);
    this.store = fields.store;
    this.storageBytes = fields.storageBytes;
    this.shards = fields.shards;
    this.nodesPerShard = fields.nodesPerShard;
    this.nodeType = fields.nodeType;
    this.readCapacity = fields.readCapacity;
    this.writeCapacity = fields.writeCapacity;
  }
}

/** DynamoDB beside a Redis that was asked for, where it would do. */
function alternativeOf(demand: FeatureDemand): SizingAlternative[] {
  try {
    const { choice, bottleneck, reason } = OnlineStoreSizing.forDemand(demand, { store: OnlineStoreKind.DYNAMODB });
    return [{ choice, bottleneck, reason }];
  } catch {
    return [];
  }
}

function gibOf(bytes: number): number {
  return Number((bytes / GIB).toFixed(2));
}

function doesNotFit(subject: string, received: string, allowed: string): never {
  return refuse('OnlineStoreSizing.forDemand', {
    code: 'Millrace.FeatureDemandDoesNotFit',
    subject,
    received,
    allowed,
    fix: 'split the demand over several stores, read fewer groups a request, or give the read more time',
  });
}
