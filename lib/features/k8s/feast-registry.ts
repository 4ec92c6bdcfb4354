import type { FeastAddress } from './feast-address';
import type { FeastSecretOptions } from './feast-secret';

/** A registry in S3. */
export interface FeastS3RegistryOptions {
  /** The object: `s3://<bucket>/<key>`. */
  readonly path: string;
  /** Where S3 and the endpoint of its credentials are reached. */
  readonly addresses: FeastAddress[];
}

/**
 * Where a feature store keeps its definitions. Servers refresh their copy in the background every 300 s, because the default blocks a request
 * for it. There is none in a file: that stands in one pod and leaves with it.
 */
export class FeastRegistry {
  /**
   * A database that SQLAlchemy knows, such as PostgreSQL. The secret has `path`, the address of the database, and should have `cache_mode: thread`
   * and `cache_ttl_seconds: 300`, because the operator takes them from there.
   */
  public static sql(options: FeastSecretOptions): FeastRegistry {
    return new FeastRegistry(options.addresses, options);
  }

  /** An object in S3. Two applies at once overwrite each other: give each store one of its own. */
  public static s3(options: FeastS3RegistryOptions): FeastRegistry {
    return new FeastRegistry(options.addresses, undefined, options.path);
  }

  private constructor(
    /** @internal */
    public readonly _addresses: FeastAddress[],
    /** @internal */
    public readonly _settings?: FeastSecretOptions,
    /** @internal */
    public readonly _path?: string,
  ) {}

  /**
   * The persistence in the FeatureStore.
   * @internal
   */
  public _persistence(): object {
    if (!this._settings) return { file: { path: this._path, cache_mode: CACHE_MODE, cache_ttl_seconds: REGISTRY_TTL_SECONDS } };
    const { secretName, secretKey } = this._settings;
    return { store: { type: 'sql', secretRef: { name: secretName }, ...(secretKey ? { secretKeyName: secretKey } : {}) } };
  }
}

/** How a server refreshes its copy of the registry (Feast, online server performance tuning). */
const CACHE_MODE = 'thread';
const REGISTRY_TTL_SECONDS = 300;
