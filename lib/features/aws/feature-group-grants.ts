import { Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { refuse } from '../../core/error';
import type { IFeatureGroup } from './imported-feature-group';
import type { OfflineTable } from './offline-table';

/** How the history of a feature group is queried. */
export interface ReadOfflineOptions {
  /**
   * Athena workgroup in which the grantee may run queries. Where the results go is the grantee's own affair.
   * @default - none: the grantee has one of its own, or reads with another engine
   */
  readonly workGroupName?: string;
}

const ATHENA_ACTIONS = [
  'athena:GetQueryExecution',
  'athena:GetQueryResults',
  'athena:GetWorkGroup',
  'athena:StartQueryExecution',
  'athena:StopQueryExecution',
];
/** Athena looks for the database `default` before it runs any query (Athena user guide, "Access to databases and tables in Glue"). */
const DEFAULT_DATABASE_ACTIONS = ['glue:CreateDatabase', 'glue:GetDatabase'];
const CATALOG_ACTIONS = ['glue:GetDatabase', 'glue:GetPartition', 'glue:GetPartitions', 'glue:GetTable'];

/**
 * Access to one feature group of SageMaker. A grant opens permission and key; Feature Store has no network of its own. A principal of another
 * account also needs a share of the group by AWS RAM, and the word of the policies of key and bucket.
 */
export class FeatureGroupGrants {
  constructor(private readonly featureGroup: IFeatureGroup) {}

  /**
   * Lets a principal read the newest records of entities, one by one and up to a hundred at once.
   *
   * @throws Millrace.FeatureGroupNotOnline
   */
  public read(grantee: iam.IGrantable): iam.Grant {
    if (this.featureGroup.onlineStore?.enabled === false) {
      return refuse(`${this.featureGroup.node.path} grants.read`, {
        code: 'Millrace.FeatureGroupNotOnline',
        subject: 'grantee',
        received: `a reader of ${this.featureGroup.featureGroupName}, which has OnlineStore.none()`,
        allowed: 'reading records of a group with an online store',
        fix: 'use grants.readOffline, or make a group with an online store',
      });
    }
    return this.allow(grantee, ['sagemaker:BatchGetRecord', 'sagemaker:GetRecord']);
  }

  /** Lets a principal write records, and delete them. */
  public write(grantee: iam.IGrantable): iam.Grant {
    return this.allow(grantee, ['sagemaker:DeleteRecord', 'sagemaker:PutRecord']);
  }

  /**
   * Lets a principal read the history of the group, by Athena or another engine: its table in the Glue catalogue, its objects in S3, and the
   * customer's key where there is one. Where Lake Formation governs the database, its own grants are needed besides.
   *
   * @throws Millrace.FeatureGroupNotOffline
   */
  public readOffline(grantee: iam.IGrantable, options: ReadOfflineOptions = {}): iam.Grant {
    const table = this.featureGroup.offlineTable;
    if (!table) {
      return refuse(`${this.featureGroup.node.path} grants.readOffline`, {
        code: 'Millrace.FeatureGroupNotOffline',
        subject: 'grantee',
        received: `a reader of the history of ${this.featureGroup.featureGroupName}, which has no offline table, or none that is known`,
        allowed: 'reading the history of a group with an offline store',
        fix: 'give offlineTable when the group is imported, or make a group with an offline store',
      });
    }
    const stack = Stack.of(this.featureGroup);
    const objects = this.readObjects(grantee, table);
    const catalog = iam.Grant.addToPrincipal({ grantee, actions: CATALOG_ACTIONS, resourceArns: catalogArns(stack, table) });
    if (options.workGroupName === undefined) return objects.combine(catalog);
    const workGroup = stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: options.workGroupName });
    const allow = (actions: string[], resourceArns: string[]) => iam.Grant.addToPrincipal({ grantee, actions, resourceArns });
    return objects
      .combine(catalog)
      .combine(allow(ATHENA_ACTIONS, [workGroup]))
      .combine(allow(DEFAULT_DATABASE_ACTIONS, glueArns(stack, ['catalog'], ['database', 'default'])));
  }

  private readObjects(grantee: iam.IGrantable, { bucket, prefix, encryptionKey }: OfflineTable): iam.Grant {
    if (encryptionKey) this.openKey(grantee, encryptionKey, 's3');
    const allow = (actions: string[], arn: string, conditions?: { [operator: string]: unknown }) =>
      iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [arn], ...(conditions ? { conditions: conditions as never } : {}) });
    return allow(['s3:GetObject'], bucket.arnForObjects(`${prefix}/*`))
      .combine(allow(['s3:ListBucket'], bucket.bucketArn, { StringLike: { 's3:prefix': `${prefix}/*` } }))
      .combine(allow(['s3:GetBucketLocation'], bucket.bucketArn));
  }

  private allow(grantee: iam.IGrantable, actions: string[]): iam.Grant {
    // What reads and writes the online store decrypts, whichever of the two it does (SageMaker developer guide, Feature Store security).
    if (this.featureGroup.encryptionKey) this.openKey(grantee, this.featureGroup.encryptionKey, 'sagemaker');
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: arnsOf(this.featureGroup) });
  }

  /** Confined to what the service does on the grantee's behalf, so that the key opens nothing else. */
  private openKey(grantee: iam.IGrantable, key: kms.IKey, service: string): void {
    const region = Fn.select(3, Fn.split(':', this.featureGroup.featureGroupArn));
    iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:Decrypt'],
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } },
    });
  }
}

/**
 * The ARN, and for a name with capitals the ARN with them: IAM compares case by case, and SageMaker has named resources in requests in both
 * ways.
 */
function arnsOf({ featureGroupArn, featureGroupName }: IFeatureGroup): string[] {
  const suffix = featureGroupName.toLowerCase();
  if (suffix === featureGroupName || !featureGroupArn.endsWith(`/${suffix}`)) return [featureGroupArn];
  return [featureGroupArn, `${featureGroupArn.slice(0, -suffix.length)}${featureGroupName}`];
}

function catalogArns(stack: Stack, { databaseName, tableName }: OfflineTable): string[] {
  return glueArns(stack, ['catalog'], ['database', databaseName], ['table', `${databaseName}/${tableName}`]);
}

function glueArns(stack: Stack, ...named: (readonly [resource: string, name?: string])[]): string[] {
  return named.map(([resource, resourceName]) => stack.formatArn({ service: 'glue', resource, resourceName }));
}
