import * as iam from 'aws-cdk-lib/aws-iam';
import { grantFiles } from './artifact-bucket';
import type { MlflowRegistry } from './mlflow-registry';

/** Access to an MLflow App. It has one permission for all of its REST calls: who may log a run may also delete one. */
export class MlflowRegistryGrants {
  constructor(private readonly registry: MlflowRegistry) {}

  /** Lets a principal log runs, register and read models; its clients write and read the files themselves. */
  public use(grantee: iam.IGrantable): iam.Grant {
    grantFiles(this.registry.artifactBucket, grantee, 'readWrite');
    return this.allow(grantee, ['sagemaker:CallMlflowAppApi', 'sagemaker:DescribeMlflowApp']);
  }

  /** Lets a person open the pages of MLflow. */
  public openPages(grantee: iam.IGrantable): iam.Grant {
    return this.allow(grantee, ['sagemaker:CreatePresignedMlflowAppUrl', 'sagemaker:DescribeMlflowApp']);
  }

  private allow(grantee: iam.IGrantable, actions: string[]): iam.Grant {
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [this.registry.appArn] });
  }
}
