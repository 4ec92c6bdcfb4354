import type { BatchSource } from './batch-source';
import { literal } from './feast-definitions';
import type { FeastSecretOptions } from './feast-secret';

/** PostgreSQL as an offline store. */
export interface FeastPostgresOfflineOptions extends FeastSecretOptions {
  /**
   * Schema of the tables.
   * @default 'public'
   */
  readonly schemaName?: string;
}

/** A warehouse as an offline store. */
export interface FeastWarehouseOptions extends FeastSecretOptions {
  /** Database of the tables. */
  readonly databaseName: string;
  /**
   * Schema of the tables.
   * @default 'public'
   */
  readonly schemaName?: string;
}

/** Athena as an offline store. */
export interface FeastAthenaOptions extends FeastSecretOptions {
  /** Database of the tables in the Glue catalogue. */
  readonly databaseName: string;
  /**
   * Data source of the tables.
   * @default 'AwsDataCatalog'
   */
  readonly dataSourceName?: string;
}

type Arguments = readonly (readonly [name: string, value: string])[];

const CONTRIB = 'feast.infra.offline_stores.contrib';

/** In which store a feature store finds history, for training and for filling the online store. */
export class FeastOfflineStore {
  /** PostgreSQL. */
  public static postgres(options: FeastPostgresOfflineOptions): FeastOfflineStore {
    const schemaName = options.schemaName ?? 'public';
    const source = { module: `${CONTRIB}.postgres_offline_store.postgres_source`, className: 'PostgreSQLSource' };
    return new FeastOfflineStore('postgres', options, true, source, (table) => [['table', literal(`${schemaName}.${table}`)]]);
  }

  /** Athena, over Parquet or Iceberg in S3. Feast only reads it: what writes the tables is your pipeline. */
  public static athena(options: FeastAthenaOptions): FeastOfflineStore {
    const { databaseName, dataSourceName = 'AwsDataCatalog' } = options;
    const source = { module: `${CONTRIB}.athena_offline_store.athena_source`, className: 'AthenaSource' };
    return new FeastOfflineStore('athena', options, false, source, (table) => [
      ['table', literal(table)],
      ['database', literal(databaseName)],
      ['data_source', literal(dataSourceName)],
    ]);
  }

  /** Redshift. */
  public static redshift(options: FeastWarehouseOptions): FeastOfflineStore {
    return FeastOfflineStore.warehouse('redshift', 'RedshiftSource', options);
  }

  /** Snowflake. */
  public static snowflake(options: FeastWarehouseOptions): FeastOfflineStore {
    return FeastOfflineStore.warehouse('snowflake.offline', 'SnowflakeSource', options);
  }

  private static warehouse(type: string, className: string, options: FeastWarehouseOptions): FeastOfflineStore {
    const { databaseName, schemaName = 'public' } = options;
    return new FeastOfflineStore(type, options, true, { module: 'feast', className }, (table) => [
      ['table', literal(table)],
      ['schema', literal(schemaName)],
      ['database', literal(databaseName)],
    ]);
  }

  private constructor(
    /** Type of the store in Feast. */
    public readonly storeType: string,
    /** @internal */
    public readonly _settings: FeastSecretOptions,
    /**
     * Whether Feast can append what is pushed.
     * @internal
     */
    public readonly _takesPushes: boolean,
    private readonly source: Pick<BatchSource, 'module' | 'className'>,
    private readonly argumentsOf: (table: string) => Arguments,
  ) {}

  /** @internal */
  public _batchSource(table: string): BatchSource {
    return { ...this.source, arguments: this.argumentsOf(table) };
  }
}
