import type * as events from 'aws-cdk-lib/aws-events';

/** What was decided about a version. */
export enum ModelStatus {
  /** It may be deployed. */
  APPROVED = 'Approved',
  /** It may not. */
  REJECTED = 'Rejected',
  /** Nobody has decided. */
  PENDING = 'PendingManualApproval',
}

/** What happens when the status of a version changes. */
export interface ModelStatusEventOptions extends events.OnEventOptions {
  /**
   * The new statuses.
   * @default - any
   */
  readonly statuses?: ModelStatus[];
}
