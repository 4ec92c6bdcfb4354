import { OnlineStoreKind } from '../online-store-sizing';
import type { FeastSecretOptions } from './feast-secret';

/** PostgreSQL as an online store. */
export interface FeastPostgresOnlineOptions extends FeastSecretOptions {
  /** Connections that the database takes at most, `max_connections`; Feast may have seven of ten. */
  readonly connections: number;
  /**
   * Connections of each worker of a server, at most. It reaches the servers as `FEAST_ONLINE_MAX_CONN`: write `max_conn: ${FEAST_ONLINE_MAX_CONN}` in
   * the secret.
   * @default - as many as the database has for all workers of the most replicas
   */
  readonly poolSize?: number;
}

/** In which store a feature store keeps the newest values. There is none in files: those stand in one pod and leave with it. */
export class FeastOnlineStore {
  /**
   * Redis, Valkey or Dragonfly: below 1 ms at the median, and one round trip for any number of groups. The secret has `connection_string`, and should
   * have `key_ttl_seconds: ${FEAST_KEY_TTL_SECONDS}`: Feast itself goes on reading what is older than its TTL, so that Redis has to delete it. It can
   * do so for whole entities alone, by the longest TTL of the groups, and not at all where one of them keeps its records for ever.
   */
  public static redis(options: FeastSecretOptions): FeastOnlineStore {
    return new FeastOnlineStore('redis', options, 2, OnlineStoreKind.REDIS);
  }

  /**
   * DynamoDB: 2-5 ms at the median. The secret has `region`; write `batch_size: 100`, `max_pool_connections: 100`, `max_read_workers: 10` and
   * `consistent_reads: false` beside it. Pods get their rights by Pod Identity: see `FeatureStore.serviceAccountName`.
   */
  public static dynamodb(options: FeastSecretOptions): FeastOnlineStore {
    return new FeastOnlineStore('dynamodb', options, 10, OnlineStoreKind.DYNAMODB);
  }

  /** PostgreSQL: 3-10 ms at the median, for those who run it anyway. The secret has `host`, `port`, `database`, `user`, `password` and `max_conn`. */
  public static postgres(options: FeastPostgresOnlineOptions): FeastOnlineStore {
    return new FeastOnlineStore('postgres', options, 10, undefined, options.connections, options.poolSize);
  }

  private constructor(
    /** Type of the store in Feast. */
    public readonly storeType: string,
    /** @internal */
    public readonly _settings: FeastSecretOptions,
    /**
     * What 99 of 100 reads take at the least, in milliseconds.
     * @internal
     */
    public readonly _p99Millis: number,
    /** @internal */
    public readonly _kind?: OnlineStoreKind,
    /** @internal */
    public readonly _connections?: number,
    /** @internal */
    public readonly _poolSize?: number,
  ) {}
}
