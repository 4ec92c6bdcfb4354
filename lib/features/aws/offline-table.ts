import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/** Where the history of a feature group is read. */
export interface OfflineTable {
  /** Its bucket. */
  readonly bucket: s3.IBucket;
  /** Beginning of its objects, without a `/` at the end. */
  readonly prefix: string;
  /** Database of the Glue catalogue. */
  readonly databaseName: string;
  /**
   * Name of the table, or a pattern of it as IAM takes them. SageMaker names a table after its group, with `_` for `-`, and the ten digits of
   * the second in which it was made.
   */
  readonly tableName: string;
  /**
   * Customer key of its objects.
   * @default - a key that AWS manages
   */
  readonly encryptionKey?: kms.IKey;
}
