import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';

/** A bucket for what an endpoint takes and answers: private, encrypted, over TLS only, retained. */
export function endpointBucket(scope: Construct, id: string): s3.Bucket {
  // eslint-disable-next-line awscdk/require-passing-this, awscdk/no-variable-construct-id -- a function has no `this`; one for each purpose
  const bucket = new s3.Bucket(scope, id, {
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason:
      'one endpoint writes and its callers read; a log of every access is a decision of the account, made with CloudTrail data events',
  });
  return bucket;
}
