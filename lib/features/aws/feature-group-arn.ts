import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** ARN of a feature group in the stack of a scope. SageMaker writes names in ARNs in lower case. */
export function featureGroupArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({ service: 'sagemaker', resource: 'feature-group', resourceName: name.toLowerCase() });
}
