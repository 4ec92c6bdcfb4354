import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { endpointBucket } from './endpoint-bucket';
import type { EndpointStores } from './endpoint-configuration';
import type { EndpointPlan } from './endpoint-plan';
import { bucketAndKey } from './model-location';
import { permit } from './role-permissions';

/** What an asynchronous endpoint reads and writes. */
export interface InvocationQueue {
  readonly bucket: s3.IBucket;
  /** Beginning of all keys, with a `/` at its end. */
  readonly prefix: string;
}

/** The stores of an endpoint, open to its role. */
export interface OpenedStores extends EndpointStores {
  /** What an asynchronous endpoint reads and writes. */
  readonly queue?: InvocationQueue;
}

/** Makes the buckets that an endpoint needs and were not given, and lets its role use what it needs of them. */
export function openStores(scope: Construct, plan: EndpointPlan, role: iam.IRole): OpenedStores {
  const queue = openQueue(scope, plan, role);
  return { queue, queueUri: queue && queue.bucket.s3UrlForObject(queue.prefix), captureUri: openCapture(scope, plan, role) };
}

function openCapture(scope: Construct, { monitoring, endpointName }: EndpointPlan, role: iam.IRole): string | undefined {
  if (monitoring.capturePercent === undefined) return undefined;
  const given = monitoring.captureDestination?.replace(/\/*$/, '/');
  const uri = given ?? endpointBucket(scope, 'Captured').s3UrlForObject(`${endpointName}/`);
  const { bucketArn, key } = bucketAndKey(uri);
  permit(scope, role, [new iam.PolicyStatement({ actions: ['s3:PutObject'], resources: [`${bucketArn}/${key}*`] })]);
  return uri;
}

function openQueue(scope: Construct, { hosting, endpointName }: EndpointPlan, role: iam.IRole): InvocationQueue | undefined {
  const { _asynchronous: asynchronous } = hosting;
  if (!asynchronous) return undefined;
  const bucket = asynchronous.bucket ?? endpointBucket(scope, 'Queue');
  const prefix = `${endpointName}/`;
  const below = (part: string) => bucket.arnForObjects(`${prefix}${part}/*`);
  permit(scope, role, [
    new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [below('input')] }),
    new iam.PolicyStatement({ actions: ['s3:PutObject'], resources: [below('output'), below('failure')] }),
  ]);
  bucket.encryptionKey?.grantEncryptDecrypt(role);
  for (const topic of [asynchronous.successTopic, asynchronous.errorTopic]) topic?.grantPublish(role);
  return { bucket, prefix };
}
