import { Resource } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import type { IFeatureStore as IFeatureStoreContract } from '../feature-store';
import { STORE_NAME_RULE } from './feature-store-rules';

/** What the feature groups of an account share: the place of their offline data. */
export interface IFeatureStore extends IFeatureStoreContract {
  /** Bucket of the offline data; each group has a prefix `<storeName>/<featureGroupName>/`. */
  readonly bucket: s3.IBucket;
  /** Role with which SageMaker writes offline data. */
  readonly offlineRole: iam.IRole;
  /**
   * Customer key of online and offline data.
   * @default - the key that AWS owns, and that of the bucket
   */
  readonly encryptionKey?: kms.IKey;
}

/** What identifies an existing feature store. */
export interface FeatureStoreAttributes {
  /** Its name: 1-63 lower-case letters, digits or `_`. */
  readonly storeName: string;
  /** Bucket of the offline data. */
  readonly bucket: s3.IBucket;
  /** Role with which SageMaker writes offline data. */
  readonly offlineRole: iam.IRole;
  /**
   * Customer key of online and offline data.
   * @default - none
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * A feature store that another stack or app made.
 *
 * @throws Millrace.FeatureStoreNameInvalid
 */
export class ImportedFeatureStore extends Resource implements IFeatureStore {
  public readonly storeName: string;
  public readonly bucket: s3.IBucket;
  public readonly offlineRole: iam.IRole;
  public readonly encryptionKey?: kms.IKey;

  constructor(scope: Construct, id: string, props: FeatureStoreAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [STORE_NAME_RULE]);
    this.storeName = props.storeName;
    this.bucket = props.bucket;
    this.offlineRole = props.offlineRole;
    this.encryptionKey = props.encryptionKey;
  }
}
