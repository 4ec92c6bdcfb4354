import { Resource } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { IFeatureGroup as IFeatureGroupContract } from '../feature-group';
import type { FeatureSchema } from '../feature-schema';
import { featureGroupArn } from './feature-group-arn';
import { FeatureGroupGrants } from './feature-group-grants';
import { FeatureGroupMetrics } from './feature-group-metrics';
import type { OfflineTable } from './offline-table';
import type { OnlineStore } from './online-store';

/** A feature group of SageMaker, made here or imported. */
export interface IFeatureGroup extends IFeatureGroupContract {
  /** Its ARN. */
  readonly featureGroupArn: string;
  /**
   * Customer key of its online store.
   * @default - the key that AWS owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Where its newest records are read.
   * @default - unknown
   */
  readonly onlineStore?: OnlineStore;
  /**
   * Where its history is read.
   * @default - it has none, or it is unknown
   */
  readonly offlineTable?: OfflineTable;
}

/** What identifies an existing feature group. */
export interface FeatureGroupAttributes {
  /** Its contract, which also has its name. */
  readonly schema: FeatureSchema;
  /**
   * Its ARN, where it is of another account or region.
   * @default - that name in the account and region of the stack
   */
  readonly featureGroupArn?: string;
  /**
   * Customer key of its online store.
   * @default - the key that AWS owns
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Where its history is read; `grants.readOffline` needs it.
   * @default - unknown
   */
  readonly offlineTable?: OfflineTable;
}

/** A feature group that exists already; `FeatureGroup.fromFeatureGroupAttributes` makes it. */
export class ImportedFeatureGroup extends Resource implements IFeatureGroup {
  public readonly featureGroupName: string;
  public readonly featureGroupArn: string;
  public readonly schema: FeatureSchema;
  public readonly encryptionKey?: kms.IKey;
  public readonly offlineTable?: OfflineTable;
  /** Access to this group. */
  public readonly grants: FeatureGroupGrants;
  /** What SageMaker and the ingestion report about it. */
  public readonly metrics: FeatureGroupMetrics;

  constructor(scope: Construct, id: string, props: FeatureGroupAttributes) {
    super(scope, id);
    this.schema = props.schema;
    this.featureGroupName = props.schema.name;
    this.featureGroupArn = props.featureGroupArn ?? featureGroupArn(this, props.schema.name);
    this.encryptionKey = props.encryptionKey;
    this.offlineTable = props.offlineTable;
    this.grants = new FeatureGroupGrants(this);
    this.metrics = new FeatureGroupMetrics(this.featureGroupName);
  }
}
