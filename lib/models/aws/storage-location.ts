import type * as s3 from 'aws-cdk-lib/aws-s3';

/** A place in a bucket. The role of the jobs is let into this prefix alone. */
export interface StorageLocation {
  /** The bucket. */
  readonly bucket: s3.IBucket;
  /** What the keys begin with, without a slash at either end: `fraud/models`. */
  readonly prefix: string;
}
