import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/** The bucket with the files of the models. */
export interface ArtifactStore {
  /**
   * An existing bucket. Another account can read what lies in it with S3's own key or with a customer key, never with the key `aws/s3`.
   * @default - a new one: private, encrypted, versioned, TLS only, retained
   */
  readonly bucket?: s3.IBucket;
  /**
   * Customer key of the new bucket.
   * @default - the keys of S3 (SSE-S3), which need no grant, also not across accounts
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Bucket for the access logs of the new bucket.
   * @default - none; CloudTrail data events are the other way to know who read a model
   */
  readonly accessLogsBucket?: s3.IBucket;
}
