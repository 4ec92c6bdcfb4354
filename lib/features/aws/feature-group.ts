import { Annotations, Resource, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { FeatureGroupOptions } from '../feature-group';
import type { FeatureSchema } from '../feature-schema';
import { FEATURE_SCHEMA_RECORD_KEY, featureSchemaRecord } from '../feature-schema-record';
import type { FeatureThroughputSizing } from '../feature-throughput-sizing';
import { FeatureUpdateRules } from '../feature-update-rules';
import { featureGroupArn } from './feature-group-arn';
import {
  type OfflineStoreConfig,
  type OnlineStoreConfig,
  featureDefinitions,
  throughputConfig,
  ttlDuration,
} from './feature-group-configuration';
import { FeatureGroupGrants } from './feature-group-grants';
import { FeatureGroupMetrics } from './feature-group-metrics';
import { FEATURE_GROUP_RULES, type ResolvedGroup, latencyWarning } from './feature-group-rules';
import { FeatureThroughput } from './feature-throughput';
import { type FeatureGroupAttributes, type IFeatureGroup, ImportedFeatureGroup } from './imported-feature-group';
import type { IFeatureStore } from './imported-feature-store';
import type { OfflineTable } from './offline-table';
import { OFFLINE_DATABASE, offlineTableName } from './offline-table-name';
import { OfflineStore } from './offline-store';
import { OnlineStore } from './online-store';

/** What a feature group of SageMaker takes beside its store. */
export interface FeatureGroupStoreOptions extends FeatureGroupOptions {
  /**
   * Where its newest records are read.
   * @default OnlineStore.standard()
   */
  readonly onlineStore?: OnlineStore;
  /**
   * Where its history is kept.
   * @default OfflineStore.iceberg()
   */
  readonly offlineStore?: OfflineStore;
  /**
   * How it is billed and limited.
   * @default FeatureThroughput.onDemand()
   */
  readonly throughput?: FeatureThroughput;
}

/** Properties of a feature group of SageMaker. */
export interface FeatureGroupProps extends FeatureGroupStoreOptions {
  /** What it shares with other groups: place and role of its offline data, customer key. */
  readonly featureStore: IFeatureStore;
}

/**
 * A feature group of SageMaker with the contract of a `FeatureSchema`. New features go to the end of the schema and are added in place; CloudFormation
 * replaces the group, which then starts empty, when its name, entity key, event time, TTL, stores, role or tags change. So tags are frozen
 * once a baseline is accepted, it has no description, and the update rules refuse the rest.
 *
 * Adopt an existing group with `cdk import` of the child `Resource`, whose name is that of the schema; keep its logical id when the construct
 * is renamed. The event time has to be the first of its features.
 *
 * @throws Millrace.FeatureGroupWithoutStore, Millrace.FeatureInMemoryOffline, Millrace.FeatureInMemoryProvisioned,
 * Millrace.FeatureTtlWithoutOnlineStore, Millrace.FeatureThroughputDemandMissing, Millrace.FeatureDemandInvalid,
 * Millrace.FeatureThroughputInvalid, Millrace.FeatureDemandDoesNotFit, Millrace.TokenRefused
 */
export class FeatureGroup extends Resource implements IFeatureGroup {
  /** Imports an existing feature group, to grant access to it, watch it, or feed it. */
  public static fromFeatureGroupAttributes(scope: Construct, id: string, attributes: FeatureGroupAttributes): ImportedFeatureGroup {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedFeatureGroup(scope, id, attributes);
  }

  /** Its name, which is that of its schema. */
  public readonly featureGroupName: string;
  /** Its ARN. */
  public readonly featureGroupArn: string;
  /** Its contract. */
  public readonly schema: FeatureSchema;
  /** Customer key of its online store, when it has one. */
  public readonly encryptionKey?: kms.IKey;
  /** Where its newest records are read. */
  public readonly onlineStore?: OnlineStore;
  /** Where its history is read, when it has one. */
  public readonly offlineTable?: OfflineTable;
  /** Its throughput with the reason, when the demand is known or units are given. */
  public readonly sizing?: FeatureThroughputSizing;
  /** Access to this group. */
  public readonly grants: FeatureGroupGrants;
  /** What SageMaker and the ingestion report about it. */
  public readonly metrics: FeatureGroupMetrics;

  constructor(scope: Construct, id: string, props: FeatureGroupProps) {
    super(scope, id);
    const group: ResolvedGroup = {
      ...props,
      onlineStore: props.onlineStore ?? OnlineStore.standard(),
      offlineStore: props.offlineStore ?? OfflineStore.iceberg(),
      throughput: props.throughput ?? FeatureThroughput.onDemand(),
    };
    enforce(this.node.path, group, FEATURE_GROUP_RULES);
    const { onlineStore, offlineStore, throughput } = group;
    const { schema, featureStore } = props;
    this.schema = schema;
    this.featureGroupName = schema.name;
    this.featureGroupArn = featureGroupArn(this, schema.name);
    this.onlineStore = onlineStore;
    this.encryptionKey = onlineStore.enabled ? (onlineStore.encryptionKey ?? featureStore.encryptionKey) : undefined;
    this.offlineTable = offlineStore.enabled ? offlineTable(featureStore, schema.name) : undefined;
    this.sizing = throughput._size(props.demand, onlineStore.enabled);
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    this.makeGroup(featureStore, offlineStore).applyRemovalPolicy(removalPolicyOf(decision));
    this.grants = new FeatureGroupGrants(this);
    this.metrics = new FeatureGroupMetrics(schema.name);
    const warning = latencyWarning(group);
    if (warning) Annotations.of(this).addWarningV2('Millrace.FeatureLatencyTakesMemory', warning);
    requireAllocation(this);
    registerUpdateRules(this, FeatureUpdateRules.all());
  }

  private makeGroup(featureStore: IFeatureStore, offlineStore: OfflineStore): sagemaker.CfnFeatureGroup {
    const { schema, offlineTable: table } = this;
    const resource = new sagemaker.CfnFeatureGroup(this, 'Resource', {
      featureGroupName: schema.name,
      recordIdentifierFeatureName: schema.entityKey,
      eventTimeFeatureName: schema.eventTime.name,
      featureDefinitions: featureDefinitions(schema),
      onlineStoreConfig: this.onlineConfig(),
      offlineStoreConfig: table && offlineConfig(table, offlineStore),
      roleArn: table && featureStore.offlineRole.roleArn,
      throughputConfig: throughputConfig(this.sizing),
    });
    resource.addMetadata(FEATURE_SCHEMA_RECORD_KEY, featureSchemaRecord(schema));
    if (this.sizing) recordSizing(resource, this.sizing);
    if (table) this.openTable(resource, featureStore.offlineRole, table);
    return resource;
  }

  private onlineConfig(): OnlineStoreConfig | undefined {
    const { ttl } = this.schema;
    const storageType = this.onlineStore?.storageType;
    if (!storageType) return undefined;
    return {
      EnableOnlineStore: true,
      StorageType: storageType,
      ...(this.encryptionKey ? { SecurityConfig: { KmsKeyId: this.encryptionKey.keyArn } } : {}),
      ...(ttl ? { TtlDuration: ttlDuration(ttl) } : {}),
    };
  }

  /** SageMaker commits to the table with the role; it tries the role when the group is made, so the whole of it has to stand before. */
  private openTable(resource: sagemaker.CfnFeatureGroup, role: iam.IRole, { databaseName, tableName }: OfflineTable): void {
    const glue = (kind: string, resourceName?: string) => Stack.of(this).formatArn({ service: 'glue', resource: kind, resourceName });
    const added = role.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['glue:GetTable', 'glue:UpdateTable'],
        resources: [glue('catalog'), glue('database', databaseName), glue('table', `${databaseName}/${tableName}`)],
      }),
    );
    resource.node.addDependency(role);
    if (added.policyDependable) resource.node.addDependency(added.policyDependable);
  }
}

function offlineTable({ bucket, storeName, encryptionKey }: IFeatureStore, featureGroupName: string): OfflineTable {
  return {
    bucket,
    prefix: `${storeName}/${featureGroupName}`,
    databaseName: OFFLINE_DATABASE,
    tableName: offlineTableName(featureGroupName),
    encryptionKey: encryptionKey ?? bucket.encryptionKey,
  };
}

function offlineConfig({ bucket, prefix, encryptionKey }: OfflineTable, { tableFormat }: OfflineStore): OfflineStoreConfig {
  return {
    // A prefix of its own for each group, because SageMaker's ends with a time and so cannot be told from that of a group named alike.
    S3StorageConfig: { S3Uri: bucket.s3UrlForObject(prefix), ...(encryptionKey ? { KmsKeyId: encryptionKey.keyArn } : {}) },
    TableFormat: tableFormat!,
    DisableGlueTableCreation: false,
  };
}
