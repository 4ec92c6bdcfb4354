import { Annotations, type RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct, IConstruct } from 'constructs';
import { MillraceError, type Violation } from '../../core/error';
import { DESTROY_NEEDS_TWO_KEYS, type RetentionDecision, decideRetention, removalPolicyOf } from '../../core/retention';
import type { ArtifactStore } from './artifact-store';

/** Decides what becomes of a resource with data, and warns when DESTROY stands alone. */
export function retentionOf(scope: Construct, requested: RemovalPolicy | undefined): RetentionDecision {
  const decision = decideRetention(scope, requested);
  if (decision.warning) Annotations.of(scope).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
  return decision;
}

/** Properties of a new bucket for the files of models. */
export interface ArtifactBucketProps {
  readonly store: ArtifactStore;
  readonly decision: RetentionDecision;
}

/** A bucket for the files of models: private, encrypted, versioned, TLS only, kept. */
export class ArtifactBucket extends s3.Bucket {
  constructor(scope: Construct, id: string, props: ArtifactBucketProps) {
    const { encryptionKey, accessLogsBucket } = props.store;
    super(scope, id, {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: encryptionKey ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,
      encryptionKey,
      bucketKeyEnabled: encryptionKey ? true : undefined,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      serverAccessLogsBucket: accessLogsBucket,
      serverAccessLogsPrefix: accessLogsBucket ? 'model-artifacts/' : undefined,
      removalPolicy: removalPolicyOf(props.decision),
    });
    if (accessLogsBucket) return;
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'who reads a model is in the data events of CloudTrail; server access logs are turned on with artifacts.accessLogsBucket',
    });
  }
}

/**
 * The bucket that was given, alone.
 *
 * @throws Millrace.ArtifactStoreInvalid
 */
export function givenBucket(scope: Construct, { bucket, encryptionKey, accessLogsBucket }: ArtifactStore): s3.IBucket | undefined {
  if (!bucket) return undefined;
  const violations = [...(encryptionKey ? [unused('encryptionKey')] : []), ...(accessLogsBucket ? [unused('accessLogsBucket')] : [])];
  if (violations.length > 0) throw new MillraceError(scope.node.path, violations);
  return bucket;
}

function unused(subject: string): Violation {
  return {
    code: 'Millrace.ArtifactStoreInvalid',
    subject: `artifacts.${subject}`,
    received: 'a value beside artifacts.bucket',
    allowed: 'only for the bucket that is made here',
    fix: `drop artifacts.${subject}, or set it where the bucket is made`,
  };
}

const READ = { s3: ['s3:GetObject'], kms: ['kms:Decrypt'] };
const WRITE = { s3: ['s3:PutObject', 's3:AbortMultipartUpload'], kms: ['kms:GenerateDataKey'] };

/** Lets a principal read the files, or read and write them, with the customer key; by name, where the verbs of the bucket take wildcards. */
export function grantFiles(bucket: s3.IBucket, grantee: iam.IGrantable, access: 'read' | 'readWrite'): void {
  const verbs = access === 'read' ? [READ] : [READ, WRITE];
  const allow = (actions: string[], resourceArn: string) => iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
  allow(['s3:ListBucket'], bucket.bucketArn);
  allow(
    verbs.flatMap(({ s3: actions }) => actions),
    bucket.arnForObjects('*'),
  );
  bucket.encryptionKey?.grant(grantee, ...verbs.flatMap(({ kms }) => kms));
}

/** Lets another account read the files, and says which resources did not take the statement, because they are made elsewhere. */
export function shareBucket(bucket: s3.IBucket, principal: iam.IPrincipal): string[] {
  const read = bucket.addToResourcePolicy(
    new iam.PolicyStatement({ principals: [principal], actions: ['s3:GetObject'], resources: [bucket.arnForObjects('*')] }),
  );
  bucket.addToResourcePolicy(
    new iam.PolicyStatement({ principals: [principal], actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
  );
  const key = bucket.encryptionKey;
  const opened = key?.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [principal],
      actions: ['kms:Decrypt', 'kms:DescribeKey'],
      // In the policy of a key it stands for that key.
      resources: ['*'],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${bucket.env.region}.amazonaws.com` } },
    }),
  );
  return [
    ...(read.statementAdded ? [] : [`bucket ${bucket.node.path}`]),
    ...(opened && !opened.statementAdded ? [`key ${key!.node.path}`] : []),
  ];
}

/** Whether a bucket of this app is encrypted with `aws/s3`, whose policy nobody can change. */
export function hasManagedKey(bucket: IConstruct): boolean {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof s3.CfnBucket)) return false;
  const encryption = Stack.of(bucket).resolve(resource.bucketEncryption) as s3.CfnBucket.BucketEncryptionProperty | undefined;
  const rules = (encryption?.serverSideEncryptionConfiguration ?? []) as s3.CfnBucket.ServerSideEncryptionRuleProperty[];
  return rules.some(({ serverSideEncryptionByDefault }) => {
    const byDefault = serverSideEncryptionByDefault as s3.CfnBucket.ServerSideEncryptionByDefaultProperty | undefined;
    return byDefault?.sseAlgorithm.startsWith('aws:kms') && byDefault.kmsMasterKeyId === undefined;
  });
}
