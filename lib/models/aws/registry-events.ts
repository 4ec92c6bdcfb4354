import type * as events from 'aws-cdk-lib/aws-events';

/** What SageMaker calls its events about versions (SageMaker developer guide, model package state change). */
export const STATUS_DETAIL_TYPE = 'SageMaker Model Package State Change';
/** Where its events come from. */
export const SAGEMAKER_SOURCE = 'aws.sagemaker';

/**
 * Events about the approval of the versions of one registry. SageMaker also tells about changed metadata of a version, whatever its status:
 * without the list of changed fields a note on an old version would look like its approval.
 */
export function statusPattern(registryName: string, statuses?: readonly string[]): events.EventPattern {
  return {
    source: [SAGEMAKER_SOURCE],
    detailType: [STATUS_DETAIL_TYPE],
    detail: {
      ModelPackageGroupName: [registryName],
      ...(statuses ? { ModelApprovalStatus: [...statuses] } : {}),
      UpdatedModelPackageFields: ['ModelApprovalStatus', { exists: false }],
    },
  };
}
