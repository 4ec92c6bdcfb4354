import type { Duration } from 'aws-cdk-lib';
import type { CfnFeatureGroup } from 'aws-cdk-lib/aws-sagemaker';
import type { FeatureSchema } from '../feature-schema';
import type { FeatureThroughputSizing } from '../feature-throughput-sizing';
import type { OfflineTableFormat } from './offline-store';
import type { OnlineStorageType } from './online-store';

// CfnFeatureGroup types both store configurations `any` and renders them as they are, so they are typed here as CloudFormation spells them.

/** `OnlineStoreConfig` of CloudFormation. */
export interface OnlineStoreConfig {
  readonly EnableOnlineStore: true;
  readonly StorageType: `${OnlineStorageType}`;
  readonly SecurityConfig?: { readonly KmsKeyId: string };
  readonly TtlDuration?: TtlDuration;
}

/** `OfflineStoreConfig` of CloudFormation. */
export interface OfflineStoreConfig {
  readonly S3StorageConfig: { readonly S3Uri: string; readonly KmsKeyId?: string };
  readonly TableFormat: `${OfflineTableFormat}`;
  readonly DisableGlueTableCreation: false;
}

/** `TtlDuration` of CloudFormation. */
export interface TtlDuration {
  readonly Unit: 'Seconds' | 'Minutes' | 'Hours' | 'Days' | 'Weeks';
  readonly Value: number;
}

const TTL_UNITS: readonly (readonly [unit: TtlDuration['Unit'], seconds: number])[] = [
  ['Weeks', 7 * 24 * 3600],
  ['Days', 24 * 3600],
  ['Hours', 3600],
  ['Minutes', 60],
  ['Seconds', 1],
];

/** A whole number of the largest unit that is exact. */
export function ttlDuration(ttl: Duration): TtlDuration {
  const total = ttl.toSeconds();
  const [Unit, seconds] = TTL_UNITS.find(([, length]) => total % length === 0)!;
  return { Unit, Value: total / seconds };
}

/**
 * The event time, then the features in their order: Feature Store only adds definitions at the end, so what comes last in a schema has to
 * come last here.
 */
export function featureDefinitions({ eventTime, features }: FeatureSchema): CfnFeatureGroup.FeatureDefinitionProperty[] {
  return [eventTime, ...features].map(({ name, type }) => ({ featureName: name, featureType: type }));
}

/** `ThroughputConfig`, which the CDK does spell. */
export function throughputConfig(sizing: FeatureThroughputSizing | undefined): CfnFeatureGroup.ThroughputConfigProperty {
  if (!sizing?.provisioned) return { throughputMode: 'OnDemand' };
  return {
    throughputMode: 'Provisioned',
    ...(sizing.readCapacityUnits === undefined ? {} : { provisionedReadCapacityUnits: sizing.readCapacityUnits }),
    provisionedWriteCapacityUnits: sizing.writeCapacityUnits,
  };
}
