import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { FeatureDemand } from './feature-demand';
import type { FeatureSchema } from './feature-schema';

/** A feature group of either flavour: a SageMaker feature group, or a feature view of Feast. */
export interface IFeatureGroup extends IConstruct {
  /** Its name, which is that of its schema. */
  readonly featureGroupName: string;
  /** Its contract. */
  readonly schema: FeatureSchema;
}

/** What both flavours of a feature group take. */
export interface FeatureGroupOptions {
  /** Its contract: entity, event time, features, TTL, freshness. */
  readonly schema: FeatureSchema;
  /**
   * What it must carry online.
   * @default - unknown: it scales by itself where the store does
   */
  readonly demand?: FeatureDemand;
  /**
   * What becomes of the records when the group leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
