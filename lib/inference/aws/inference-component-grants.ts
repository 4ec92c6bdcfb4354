import * as iam from 'aws-cdk-lib/aws-iam';
import type { InvokeOptions } from './model-endpoint-grants';

/** Access to one component of an endpoint. */
export class InferenceComponentGrants {
  constructor(
    private readonly endpointArn: string,
    private readonly componentArn: string,
  ) {}

  /** Lets a principal ask this component. SageMaker asks for the endpoint and for the component. */
  public invoke(grantee: iam.IGrantable, options: InvokeOptions = {}): iam.Grant {
    const actions = ['sagemaker:InvokeEndpoint', ...(options.streaming ? ['sagemaker:InvokeEndpointWithResponseStream'] : [])];
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [this.endpointArn, this.componentArn] });
  }
}
