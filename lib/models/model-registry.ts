import type { RemovalPolicy } from 'aws-cdk-lib';

/** Where the versions of a model are registered. */
export interface IModelRegistry {
  /** Name under which its users know it. */
  readonly registryName: string;
}

/** What a registry of one model takes. */
export interface ModelRegistryOptions {
  /**
   * Name: 1-63 lower-case letters, digits and `-`. A new name is a new, empty registry.
   * @default - derived from the construct path
   */
  readonly registryName?: string;
  /**
   * What the model is for. It cannot change later: a changed one replaces the registry.
   * @default - none
   */
  readonly description?: string;
  /**
   * What becomes of the registry when it leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
