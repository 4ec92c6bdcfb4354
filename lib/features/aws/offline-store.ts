/** Format of the offline table. Values are those of CloudFormation. */
export enum OfflineTableFormat {
  /** Apache Iceberg: partitioned by day, can be compacted, and is read by every engine that reads Iceberg. */
  ICEBERG = 'Iceberg',
  /** Parquet files behind a Glue table, partitioned by hour. */
  GLUE = 'Glue',
}

/**
 * Where every record is kept for training, in S3 behind a table of the Glue catalogue. Records come within 15 minutes (SageMaker developer
 * guide, Offline store). Changing it replaces the group.
 */
export class OfflineStore {
  /** An Iceberg table. */
  public static iceberg(): OfflineStore {
    return new OfflineStore(OfflineTableFormat.ICEBERG);
  }

  /** A Glue table over Parquet files. */
  public static glue(): OfflineStore {
    return new OfflineStore(OfflineTableFormat.GLUE);
  }

  /** None: there is no history to train on. */
  public static none(): OfflineStore {
    return new OfflineStore();
  }

  private constructor(
    /** Format of the table; none without an offline store. */
    public readonly tableFormat?: OfflineTableFormat,
  ) {}

  /** Whether there is one. */
  public get enabled(): boolean {
    return this.tableFormat !== undefined;
  }
}
