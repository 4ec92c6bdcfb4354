import { Arn, ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { JobNetwork } from './job-network';
import type { StepImage } from './step-image';
import type { StorageLocation } from './storage-location';
import { wildcardId } from './version-arns';

/** A network with its parts found. */
export interface ResolvedNetwork {
  readonly subnetIds: string[];
  readonly securityGroups: ec2.ISecurityGroup[];
}

/** The role of SageMaker's jobs in this account. */
export function jobRole(scope: Construct, description: string): iam.Role {
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  const role = new iam.Role(scope, 'Role', {
    description,
    assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', {
      // A role is passed within its account only, so a service that does not name the source has no other to be confused with.
      conditions: { StringEqualsIfExists: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  });
  acknowledge(role, ['*'], 'the token of ECR, metrics of some namespaces and descriptions of a network: their APIs have no resource');
  return role;
}

/** Tells cdk-nag why a role has permission for ARNs with a wildcard. */
export function acknowledge(role: iam.Role, arns: readonly string[], reason: string): void {
  Validations.of(role).acknowledge(...arns.map((arn) => ({ id: wildcardId(arn), reason })));
}

/** Finds the parts of a network; jobs with several instances talk to each other. */
export function resolveNetwork(scope: Construct, network: JobNetwork | undefined): ResolvedNetwork | undefined {
  if (!network) return undefined;
  const { vpc, subnets } = network;
  const { subnetIds } = vpc.selectSubnets(subnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS });
  if (network.securityGroups) return { subnetIds, securityGroups: network.securityGroups };
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  const group = new ec2.SecurityGroup(scope, 'SecurityGroup', { vpc, description: `Jobs of ${scope.node.path}` });
  group.addIngressRule(group, ec2.Port.allTraffic(), 'instances of one job');
  return { subnetIds, securityGroups: [group] };
}

/** `VpcConfig` of a job. */
export function vpcConfig(network: ResolvedNetwork): Record<string, unknown> {
  return { SecurityGroupIds: network.securityGroups.map(({ securityGroupId }) => securityGroupId), Subnets: network.subnetIds };
}

/** Lets a role read below a prefix. */
export function grantRead(role: iam.IRole, { bucket, prefix }: StorageLocation): void {
  allow(role, ['s3:GetObject'], [bucket.arnForObjects(`${prefix}/*`), bucket.arnForObjects(prefix)]);
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [prefix, `${prefix}/*`] } },
    }),
  );
  allow(role, ['s3:GetBucketLocation'], [bucket.bucketArn]);
  bucket.encryptionKey?.grant(role, 'kms:Decrypt');
}

/** Lets a role read one file. */
export function grantReadFile(role: iam.IRole, { bucket, prefix }: StorageLocation): void {
  allow(role, ['s3:GetObject'], [bucket.arnForObjects(prefix)]);
  bucket.encryptionKey?.grant(role, 'kms:Decrypt');
}

/** Lets a role write below a prefix. */
export function grantWrite(role: iam.IRole, { bucket, prefix }: StorageLocation): void {
  allow(role, ['s3:PutObject', 's3:AbortMultipartUpload'], [bucket.arnForObjects(`${prefix}/*`)]);
  bucket.encryptionKey?.grant(role, 'kms:Decrypt', 'kms:GenerateDataKey');
}

/** Lets jobs pull their images. */
export function grantImages(role: iam.Role, images: readonly StepImage[]): void {
  const stack = Stack.of(role);
  grantRepositories(
    role,
    images.map((image) => image._repositoryArn(stack)),
  );
}

/** Lets jobs pull from repositories. The token is the registry's: its API has no resource. */
export function grantRepositories(role: iam.Role, repositoryArns: readonly string[]): void {
  allow(role, ['ecr:GetAuthorizationToken'], ['*']);
  allow(role, ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'], [...new Set(repositoryArns)]);
}

/** Lets jobs write their logs and publish metrics in namespaces of SageMaker alone. */
export function grantTelemetry(role: iam.Role, kinds: readonly string[], namespaces: readonly string[]): void {
  const stack = Stack.of(role);
  const groups = kinds.map((kind) =>
    Arn.format(
      { service: 'logs', resource: 'log-group', resourceName: `/aws/sagemaker/${kind}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME },
      stack,
    ),
  );
  allow(role, ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'], groups);
  acknowledge(role, groups, 'the log streams of jobs, which SageMaker names');
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringLike: { 'cloudwatch:namespace': [...namespaces] } },
    }),
  );
}

/** Lets jobs use a key for their volumes and outputs. */
export function grantJobKey(role: iam.IRole, key: kms.IKey | undefined): void {
  if (!key) return;
  key.grant(role, 'kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey');
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['kms:CreateGrant'],
      resources: [key.keyArn],
      conditions: { Bool: { 'kms:GrantIsForAWSResource': true } },
    }),
  );
}

const DESCRIBE_NETWORK = ['DhcpOptions', 'NetworkInterfaces', 'SecurityGroups', 'Subnets', 'Vpcs'].map((what) => `ec2:Describe${what}`);

/** Lets SageMaker put the network interfaces of jobs into a VPC (SageMaker developer guide, roles, CreateTrainingJob). */
export function grantNetwork(role: iam.Role, network: ResolvedNetwork | undefined): void {
  if (!network) return;
  const stack = Stack.of(role);
  const arn = (resource: string, resourceName: string) => stack.formatArn({ service: 'ec2', resource, resourceName });
  const interfaces = arn('network-interface', '*');
  acknowledge(role, [interfaces], 'SageMaker makes the network interfaces of its jobs');
  allow(
    role,
    ['ec2:CreateNetworkInterface'],
    [
      interfaces,
      ...network.subnetIds.map((id) => arn('subnet', id)),
      ...network.securityGroups.map(({ securityGroupId }) => arn('security-group', securityGroupId)),
    ],
  );
  allow(role, ['ec2:CreateNetworkInterfacePermission', 'ec2:DeleteNetworkInterface', 'ec2:DeleteNetworkInterfacePermission'], [interfaces]);
  allow(role, DESCRIBE_NETWORK, ['*']);
}

/** Lets a role hand itself to SageMaker, as a pipeline does with its jobs. */
export function grantPassing(role: iam.Role): void {
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
    }),
  );
}

/** Adds a statement to a role. */
export function allow(role: iam.IRole, actions: string[], resources: string[]): void {
  role.addToPrincipalPolicy(new iam.PolicyStatement({ actions, resources }));
}
