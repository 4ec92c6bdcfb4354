import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** As long as dead-letter topics keep their records: somebody must look at them. */
const KEPT_DAYS = 14;

/** The bucket for records that were not written: an object may hold what a queue's message cannot, whole batches with their values. */
export function failureBucket(scope: Construct): s3.Bucket {
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  const bucket = new s3.Bucket(scope, 'Failures', {
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    encryption: s3.BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    lifecycleRules: [{ id: 'Expire', expiration: Duration.days(KEPT_DAYS), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: `holds records that one function failed to write, for ${KEPT_DAYS} days; where access is to be logged, failureBucket takes a bucket that does`,
  });
  return bucket;
}
