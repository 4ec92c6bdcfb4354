import { Stack, Validations } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/**
 * Adds statements to the role of an endpoint and says, below that endpoint, why some of them end in a wildcard: names that SageMaker makes
 * up, and actions that take no narrower resource.
 */
export function permit(scope: IConstruct, role: iam.IRole, statements: readonly iam.PolicyStatement[]): void {
  for (const statement of statements) role.addToPrincipalPolicy(statement);
  const patterns = statements.flatMap(({ resources }) => resources.map((arn) => patternOf(scope, arn))).filter((arn) => arn.includes('*'));
  Validations.of(scope).acknowledge(
    ...[...new Set(patterns)].map((pattern) => ({
      id: `AwsSolutions-IAM5[Resource::${pattern}]`,
      reason:
        pattern === '*'
          ? 'ecr:GetAuthorizationToken, cloudwatch:PutMetricData (held to the namespaces of SageMaker by a condition) and the describing actions of EC2 take no narrower resource'
          : 'what one endpoint reads or writes, below a beginning of its own: SageMaker makes up the ends of these names',
    })),
  );
}

/** An ARN as cdk-nag writes it: references in angle brackets. */
function patternOf(scope: IConstruct, arn: string): string {
  const textOf = (part: any): string => {
    if (typeof part === 'string') return part;
    if (part.Ref) return `<${part.Ref}>`;
    if (part['Fn::GetAtt']) return `<${part['Fn::GetAtt'].join('.')}>`;
    if (part['Fn::Join']) return part['Fn::Join'][1].map(textOf).join(part['Fn::Join'][0]);
    return '';
  };
  return textOf(Stack.of(scope).resolve(arn));
}
