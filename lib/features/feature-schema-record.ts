import type { FeatureSchema } from './feature-schema';

/** Key of the record in the metadata of a CloudFormation resource, or the annotations of a Kubernetes object. */
export const FEATURE_SCHEMA_RECORD_KEY = 'millrace.io/feature-schema';

/** What a synthesis says of a feature schema; update rules and the catalogue read it. */
export interface FeatureSchemaRecord {
  readonly name: string;
  readonly entityKey: string;
  readonly eventTime: string;
  /** Without the event time, in order. */
  readonly features: readonly { readonly name: string; readonly type: string }[];
  readonly owner: string;
  readonly ttlSeconds?: number;
  readonly freshnessSeconds?: number;
}

/** The record of a schema. */
export function featureSchemaRecord(schema: FeatureSchema): FeatureSchemaRecord {
  const { name, entityKey, eventTime, features, owner, ttl, freshness } = schema;
  return {
    name,
    entityKey,
    eventTime: eventTime.name,
    features: features.map((feature) => ({ name: feature.name, type: feature.type })),
    owner,
    ...(ttl ? { ttlSeconds: ttl.toSeconds() } : {}),
    ...(freshness ? { freshnessSeconds: freshness.toSeconds({ integral: false }) } : {}),
  };
}
