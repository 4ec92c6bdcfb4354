import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { ModelSource } from '../../models/model-source';
import { bucketAndKey, isArchive, repositoryArn } from './model-location';
import { permit } from './role-permissions';

const PULL_ACTIONS = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const DESCRIBE_NETWORK_ACTIONS = [
  'ec2:DescribeDhcpOptions',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
];
const INTERFACE_ACTIONS = ['ec2:CreateNetworkInterfacePermission', 'ec2:DeleteNetworkInterface', 'ec2:DeleteNetworkInterfacePermission'];

/** What an endpoint does through its role. */
export interface ExecutionRoleNeeds {
  /** Log groups that SageMaker writes what the containers say to. */
  readonly logGroups: readonly string[];
  readonly models: readonly ModelSource[];
  readonly placement?: { readonly subnets: string[]; readonly securityGroupIds: string[] };
  /** Names of the alarms of the endpoint; as text, because they wait for the model, which waits for the role. */
  readonly alarmNames: readonly string[];
  /** ARNs of the alarms that were given. */
  readonly alarmArns: readonly string[];
  /**
   * Whether components stand on the instances, which report under a namespace of their own.
   * @default false
   */
  readonly components?: boolean;
}

/**
 * The role through which SageMaker runs an endpoint: the one given, or one of its own. Both get just what this endpoint needs (SageMaker
 * developer guide, execution role permissions of CreateModel).
 */
export function executionRole(scope: Construct, given: iam.IRole | undefined, needs: ExecutionRoleNeeds): iam.IRole {
  const role = given ? withPolicyHere(scope, given) : ownRole(scope);
  permit(scope, role, statementsOf(Stack.of(scope), needs));
  return role;
}

/** Trusted in the form that SageMaker asks for, where the asterisk is text (developer guide, confused deputy prevention, inference). */
function ownRole(scope: Construct): iam.Role {
  const sourceArn = Stack.of(scope).formatArn({ service: 'sagemaker', resource: '*' });
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  return new iam.Role(scope, 'Role', {
    assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', { conditions: { ArnLike: { 'aws:SourceArn': sourceArn } } }),
  });
}

/** A role whose policy stands in the stack of the endpoint: in the stack of the role it would wait for subnets and buckets that wait for it. */
function withPolicyHere(scope: Construct, given: iam.IRole): iam.IRole {
  if (!iam.Role.isRole(given) || Stack.of(given) === Stack.of(scope)) return given;
  return iam.Role.fromRoleArn(scope, 'Role', given.roleArn);
}

function statementsOf(stack: Stack, needs: ExecutionRoleNeeds): iam.PolicyStatement[] {
  const images = needs.models.flatMap(({ _image }) => (_image ? [_image] : []));
  const statements = [
    new iam.PolicyStatement({
      actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: needs.logGroups.flatMap((name) => logArns(stack, name)),
    }),
    new iam.PolicyStatement({
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: {
        StringEquals: {
          'cloudwatch:namespace': [
            'AWS/SageMaker',
            '/aws/sagemaker/Endpoints',
            ...(needs.components ? ['/aws/sagemaker/InferenceComponents'] : []),
          ],
        },
      },
    }),
  ];
  if (images.length > 0) {
    statements.push(
      new iam.PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
      new iam.PolicyStatement({
        actions: PULL_ACTIONS,
        resources: [...new Set(images.map((image) => repositoryArn(image, stack.region)))],
      }),
    );
  }
  for (const model of needs.models) if (model._modelUri) statements.push(...readModel(model));
  const alarmArns = [...needs.alarmNames.map((name) => alarmArn(stack, name)), ...needs.alarmArns];
  if (alarmArns.length > 0) statements.push(new iam.PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: alarmArns }));
  if (needs.placement) statements.push(...joinNetwork(stack, needs.placement));
  return statements;
}

function logArns(stack: Stack, name: string): string[] {
  const group = stack.formatArn({ service: 'logs', resource: `log-group:${name}` });
  return [group, `${group}:*`];
}

function alarmArn(stack: Stack, name: string): string {
  return stack.formatArn({ service: 'cloudwatch', resource: `alarm:${name}` });
}

/** Read access to the files of one version of a model. */
function readModel(model: ModelSource): iam.PolicyStatement[] {
  const { bucketArn, key } = bucketAndKey(model._modelUri!);
  const pattern = isArchive(model) ? key : `${key}*`;
  return [
    new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: [`${bucketArn}/${pattern}`] }),
    new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucketArn], conditions: { StringLike: { 's3:prefix': pattern } } }),
  ];
}

function interfaceArn(stack: Stack): string {
  return stack.formatArn({ service: 'ec2', resource: 'network-interface', resourceName: '*' });
}

/** Network interfaces in the subnets and security groups of the endpoint, and no others. */
function joinNetwork(stack: Stack, placement: { subnets: string[]; securityGroupIds: string[] }): iam.PolicyStatement[] {
  const arn = (resource: string, resourceName: string) => stack.formatArn({ service: 'ec2', resource, resourceName });
  const subnets = placement.subnets.map((id) => arn('subnet', id));
  return [
    new iam.PolicyStatement({ actions: DESCRIBE_NETWORK_ACTIONS, resources: ['*'] }),
    new iam.PolicyStatement({
      actions: ['ec2:CreateNetworkInterface'],
      resources: [interfaceArn(stack), ...subnets, ...placement.securityGroupIds.map((id) => arn('security-group', id))],
    }),
    new iam.PolicyStatement({
      actions: INTERFACE_ACTIONS,
      resources: [interfaceArn(stack)],
      conditions: { ArnEquals: { 'ec2:Subnet': subnets } },
    }),
  ];
}
