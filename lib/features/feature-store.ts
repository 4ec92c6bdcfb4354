import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** What feature groups share, of either flavour. */
export interface IFeatureStore extends IConstruct {
  /** Name of the store: the beginning of its objects in S3, or the Feast project. */
  readonly storeName: string;
}

/** What both flavours of a feature store take. */
export interface FeatureStoreOptions {
  /**
   * Name of the store: 1-63 lower-case letters, digits or `_`, with a letter first; on Kubernetes at most 48 and no `_` last, because the
   * operator of Feast makes names of services of it. Changing it makes a new, empty one.
   * @default - from the construct path
   */
  readonly storeName?: string;
  /**
   * What becomes of the data when the store leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
