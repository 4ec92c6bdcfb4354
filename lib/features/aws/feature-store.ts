import { Annotations, Aws, Duration, Names, Resource, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { FeatureStoreOptions } from '../feature-store';
import { FeatureGroup, type FeatureGroupStoreOptions } from './feature-group';
import { STORE_NAME_RULE } from './feature-store-rules';
import { type FeatureStoreAttributes, type IFeatureStore, ImportedFeatureStore } from './imported-feature-store';
import { acknowledgeWildcard } from './wildcard-acknowledgment';

/** Properties of a feature store on SageMaker. */
export interface FeatureStoreProps extends FeatureStoreOptions {
  /**
   * Customer key of online and offline data. Its policy has to let IAM of the account decide, which is the default of the CDK, and whoever
   * deploys needs what SageMaker asks of the creator of an online store: Encrypt, Decrypt, DescribeKey, CreateGrant, RetireGrant,
   * ReEncryptFrom, ReEncryptTo, GenerateDataKey, ListAliases, ListGrants, RevokeGrant. Its policy must not confine it with `kms:ViaService`,
   * which offline stores do not pass. Changing it replaces every group.
   * @default - a key that AWS owns online, one that S3 manages offline
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Bucket of the offline data. It has to be private, and to refuse access without TLS.
   * @default - a new one: encrypted, versioned, private, by TLS alone
   */
  readonly bucket?: s3.IBucket;
  /**
   * Bucket for the access logs of the new bucket, whose objects begin with `<storeName>/`.
   * @default - none: CloudTrail data events say who read an object, too
   */
  readonly accessLogs?: s3.IBucket;
}

/**
 * What the feature groups of SageMaker share: bucket and prefix of their offline data, the role that writes it, and a customer key on request.
 * All of it is part of each group and replaces it when changed.
 *
 * With `removalPolicy: DESTROY` and its second key the bucket is deleted with the stack only once it is empty.
 *
 * @throws Millrace.FeatureStoreNameInvalid, Millrace.FeatureStoreAccessLogs, Millrace.TokenRefused
 */
export class FeatureStore extends Resource implements IFeatureStore {
  /** Imports a feature store, to add groups to it. */
  public static fromFeatureStoreAttributes(scope: Construct, id: string, attributes: FeatureStoreAttributes): ImportedFeatureStore {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedFeatureStore(scope, id, attributes);
  }

  /** Its name: the beginning of its objects in S3. */
  public readonly storeName: string;
  /** Bucket of the offline data. */
  public readonly bucket: s3.IBucket;
  /** Role with which SageMaker writes offline data. */
  public readonly offlineRole: iam.IRole;
  /** Customer key of online and offline data. */
  public readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, props?: FeatureStoreProps) {
    super(scope, id);
    const options = props ?? {};
    enforce<FeatureStoreProps>(this.node.path, options, [
      STORE_NAME_RULE,
      {
        code: 'Millrace.FeatureStoreAccessLogs',
        subject: 'accessLogs',
        value: ({ accessLogs, bucket }) => (accessLogs && bucket ? 'accessLogs beside a bucket of yours' : undefined),
        valid: () => false,
        allowed: 'one of bucket and accessLogs: a bucket of yours keeps its own logs',
        fix: 'drop accessLogs, and set serverAccessLogsBucket where the bucket is made',
      },
    ]);
    this.storeName = options.storeName ?? this.nameFromPath();
    this.encryptionKey = options.encryptionKey;
    this.bucket = options.bucket ?? this.makeBucket(options);
    this.offlineRole = this.makeRole();
    requireAllocation(this);
  }

  /**
   * Makes a feature group in this store.
   *
   * @throws what FeatureGroup throws
   */
  public addFeatureGroup(id: string, options: FeatureGroupStoreOptions): FeatureGroup {
    return new FeatureGroup(this, id, { ...options, featureStore: this });
  }

  /** Lower-case letters and digits of the path, which S3 and Feast take both. */
  private nameFromPath(): string {
    const name = Names.uniqueResourceName(this, { maxLength: 62, separator: '_', allowedSpecialCharacters: '_' }).toLowerCase();
    return /^[a-z]/.test(name) ? name : `s${name}`;
  }

  private makeBucket(props: FeatureStoreProps): s3.Bucket {
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    const bucket = new s3.Bucket(this, 'Bucket', {
      encryption: props.encryptionKey ? s3.BucketEncryption.KMS : s3.BucketEncryption.S3_MANAGED,
      encryptionKey: props.encryptionKey,
      bucketKeyEnabled: props.encryptionKey ? true : undefined,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      lifecycleRules: [{ id: 'uploads-that-were-left', abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      removalPolicy: removalPolicyOf(decision),
      ...(props.accessLogs ? { serverAccessLogsBucket: props.accessLogs, serverAccessLogsPrefix: `${this.storeName}/` } : {}),
    });
    if (!props.accessLogs) {
      Validations.of(bucket).acknowledge({
        id: 'AwsSolutions-S1',
        reason: 'who reads features is in the data events of CloudTrail; server access logs are turned on with accessLogs',
      });
    }
    return bucket;
  }

  /**
   * What SageMaker does for an offline store, as its managed policy AmazonSageMakerFeatureStoreAccess has it, on this prefix alone. Each
   * group adds its table.
   */
  private makeRole(): iam.Role {
    const role = new iam.Role(this, 'OfflineRole', {
      description: `SageMaker writes offline features of ${this.storeName}`,
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', {
        // A role is passed within its account only, so a service that does not name the source has no other to be confused with.
        conditions: { StringEqualsIfExists: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    const allow = (actions: string[], resource: string) => role.addToPolicy(new iam.PolicyStatement({ actions, resources: [resource] }));
    const objects = this.bucket.arnForObjects(`${this.storeName}/*`);
    const manifests = this.bucket.arnForObjects(`${this.storeName}/*/metadata/*`);
    allow(['s3:GetBucketAcl'], this.bucket.bucketArn);
    allow(['s3:PutObject', 's3:PutObjectAcl'], objects);
    // Iceberg reads its manifests before it writes the next one.
    allow(['s3:GetObject'], manifests);
    // Reading a manifest, and putting an upload of several parts together, decrypts.
    const key = this.encryptionKey ?? this.bucket.encryptionKey;
    key?.grant(role, 'kms:Decrypt', 'kms:GenerateDataKey');
    for (const arn of [objects, manifests]) acknowledgeWildcard(role, arn, 'SageMaker names offline objects after group, time and content');
    return role;
  }
}
