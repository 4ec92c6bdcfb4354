import type { FeastAddress } from './feast-address';

/**
 * The settings of a store, which stand in a secret that you make: `feature_store.yaml` has them below `online_store`, `offline_store` or
 * `registry`, without `type`. They stand in no manifest of yours; the operator writes them into an environment variable of the pods that it makes,
 * so that whoever may read Deployments or pods of the namespace reads them.
 */
export interface FeastSecretOptions {
  /** Secret in the namespace of the chart. */
  readonly secretName: string;
  /**
   * Key of the secret under which the settings stand, as YAML.
   * @default - the type of the store in Feast, such as `redis` or `sql`
   */
  readonly secretKey?: string;
  /** Where it is reached. What is not named stays closed. */
  readonly addresses: FeastAddress[];
}
