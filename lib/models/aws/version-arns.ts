import * as iam from 'aws-cdk-lib/aws-iam';

/** What shows a registry and its versions. */
export const READ_ACTIONS = ['sagemaker:DescribeModelPackageGroup', 'sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages'];

/** ARN of the versions of a registry: numbers below its name. */
export function versionArns(registryArn: string): string {
  return `${registryArn.replace(':model-package-group/', ':model-package/')}/*`;
}

/** Lets another account look at the versions and make models of them (SageMaker developer guide, deploy a version from another account). */
export function sharingStatements(registryArn: string, principal: iam.IPrincipal): iam.PolicyStatement[] {
  const principals = [principal];
  return [
    new iam.PolicyStatement({
      principals,
      actions: ['sagemaker:DescribeModelPackageGroup', 'sagemaker:ListModelPackages'],
      resources: [registryArn],
    }),
    new iam.PolicyStatement({
      principals,
      actions: ['sagemaker:DescribeModelPackage', 'sagemaker:ListModelPackages', 'sagemaker:CreateModel'],
      resources: [versionArns(registryArn)],
    }),
  ];
}

/** How cdk-nag names a permission for an ARN with a wildcard. */
export function wildcardId(arn: string): string {
  return `AwsSolutions-IAM5[Resource::${arn.replace(/\$\{Token\[AWS\.(\w+)\.\d+\]\}/g, '<AWS::$1>')}]`;
}
