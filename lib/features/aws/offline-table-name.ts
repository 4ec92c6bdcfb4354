/** Database of the Glue catalogue in which SageMaker makes the tables of offline stores (SageMaker developer guide, Feature Store). */
export const OFFLINE_DATABASE = 'sagemaker_featurestore';

/**
 * The name that SageMaker will give to the table of a group. Ten `?` stand for exactly ten characters, so that no other group is meant: that
 * of `card-activity-v2` has thirteen after `card_activity_`.
 */
export function offlineTableName(featureGroupName: string): string {
  return `${featureGroupName.toLowerCase().replace(/-/g, '_')}_${'?'.repeat(10)}`;
}
