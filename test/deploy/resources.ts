import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as ec2 from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import * as s3 from '@aws-sdk/client-s3';
import * as sagemaker from '@aws-sdk/client-sagemaker';
import type { Moto } from './moto';

type Tags = Record<string, string>;

/** A resource of a deployed stack. */
export interface Deployed {
  readonly logicalId: string;
  readonly type: string;
  /** Physical id. */
  readonly id: string;
  readonly properties: Record<string, any>;
  readonly deletionPolicy?: string;
}

/** A resource as its own service describes it. */
export interface Found {
  /** Physical id. */
  readonly id: string;
  /** Its tags; none where the service shows none for the type. */
  readonly tags?: Tags;
}

/** Asks the services, not CloudFormation, what exists. */
export class Services {
  public readonly ec2: ec2.EC2Client;
  public readonly iam: iam.IAMClient;
  public readonly logs: logs.CloudWatchLogsClient;
  public readonly s3: s3.S3Client;
  public readonly sagemaker: sagemaker.SageMakerClient;

  constructor({ client }: Moto) {
    this.ec2 = new ec2.EC2Client(client);
    this.iam = new iam.IAMClient(client);
    this.logs = new logs.CloudWatchLogsClient(client);
    this.s3 = new s3.S3Client({ ...client, forcePathStyle: true });
    this.sagemaker = new sagemaker.SageMakerClient(client);
  }

  /** Those of the resources that exist, all of one type; `undefined` for a type whose resources moto shows nowhere. */
  public async find(type: string, resources: Deployed[]): Promise<Found[] | undefined> {
    const found = await FINDERS[type]?.(this, resources);
    return found?.filter(({ id }) => resources.some((resource) => resource.id === id));
  }
}

type Finder = (services: Services, resources: Deployed[]) => Promise<Found[]>;

/**
 * One entry for each type that can be asserted. AWS::EC2::SubnetRouteTableAssociation has none: moto shows no associations in a route
 * table that CloudFormation made.
 */
const FINDERS: Record<string, Finder> = {
  'AWS::EC2::VPC': async ({ ec2: client }, resources) => {
    const { Vpcs } = await client.send(new ec2.DescribeVpcsCommand({ Filters: filter('vpc-id', resources) }));
    return (Vpcs ?? []).map((vpc) => ({ id: vpc.VpcId!, tags: toTags(vpc.Tags) }));
  },
  'AWS::EC2::Subnet': async ({ ec2: client }, resources) => {
    const { Subnets } = await client.send(new ec2.DescribeSubnetsCommand({ Filters: filter('subnet-id', resources) }));
    return (Subnets ?? []).map((subnet) => ({ id: subnet.SubnetId!, tags: toTags(subnet.Tags) }));
  },
  'AWS::EC2::NatGateway': async ({ ec2: client }, resources) => {
    const { NatGateways } = await client.send(new ec2.DescribeNatGatewaysCommand({ Filter: filter('nat-gateway-id', resources) }));
    return (NatGateways ?? []).map((gateway) => ({ id: gateway.NatGatewayId!, tags: toTags(gateway.Tags) }));
  },
  'AWS::EC2::InternetGateway': async ({ ec2: client }, resources) => {
    const request = new ec2.DescribeInternetGatewaysCommand({ Filters: filter('internet-gateway-id', resources) });
    const { InternetGateways } = await client.send(request);
    return (InternetGateways ?? []).map((gateway) => ({ id: gateway.InternetGatewayId!, tags: toTags(gateway.Tags) }));
  },
  'AWS::EC2::VPCGatewayAttachment': async ({ ec2: client }, resources) => {
    const request = new ec2.DescribeInternetGatewaysCommand({ Filters: filter('attachment.vpc-id', resources) });
    const { InternetGateways } = await client.send(request);
    return (InternetGateways ?? []).flatMap(({ Attachments }) => (Attachments ?? []).map(({ VpcId }) => ({ id: VpcId! })));
  },
  // moto files the tags of an address under its IP number instead of its allocation, and shows none.
  'AWS::EC2::EIP': async ({ ec2: client }, resources) => {
    const { Addresses } = await client.send(new ec2.DescribeAddressesCommand({ Filters: filter('public-ip', resources) }));
    return (Addresses ?? []).map(({ PublicIp }) => ({ id: PublicIp! }));
  },
  'AWS::EC2::RouteTable': async ({ ec2: client }, resources) => {
    const { RouteTables } = await client.send(new ec2.DescribeRouteTablesCommand({ Filters: filter('route-table-id', resources) }));
    return (RouteTables ?? []).map((table) => ({ id: table.RouteTableId!, tags: toTags(table.Tags) }));
  },
  'AWS::EC2::Route': async ({ ec2: client }, resources) => {
    const tables = resources.map(({ id }) => ({ id: id.split('~')[0] }));
    const { RouteTables } = await client.send(new ec2.DescribeRouteTablesCommand({ Filters: filter('route-table-id', tables) }));
    return (RouteTables ?? []).flatMap(({ RouteTableId, Routes }) =>
      (Routes ?? []).map(({ DestinationCidrBlock }) => ({ id: `${RouteTableId}~${DestinationCidrBlock}` })),
    );
  },
  'AWS::EC2::FlowLog': async ({ ec2: client }, resources) => {
    const { FlowLogs } = await client.send(new ec2.DescribeFlowLogsCommand({ Filter: filter('flow-log-id', resources) }));
    return (FlowLogs ?? []).map((log) => ({ id: log.FlowLogId!, tags: toTags(log.Tags) }));
  },
  'AWS::IAM::Role': async ({ iam: client }, resources) => {
    const roles = resources.map(({ id }) => client.send(new iam.GetRoleCommand({ RoleName: id })).catch(noSuchEntity));
    const found = (await Promise.all(roles)).flatMap((answer) => answer?.Role ?? []);
    return found.map((role) => ({ id: role.RoleName!, tags: toTags(role.Tags) }));
  },
  // The physical id of an inline policy is moto's own; the role knows the policy by the name in the template.
  'AWS::IAM::Policy': async ({ iam: client }, resources) => {
    const { Roles } = await client.send(new iam.ListRolesCommand({}));
    const names = (Roles ?? []).map(({ RoleName }) => client.send(new iam.ListRolePoliciesCommand({ RoleName })));
    const attached = (await Promise.all(names)).flatMap(({ PolicyNames }) => PolicyNames ?? []);
    return resources.filter(({ properties }) => attached.includes(properties.PolicyName)).map(({ id }) => ({ id }));
  },
  'AWS::Logs::LogGroup': async ({ logs: client }, resources) => {
    const { logGroups } = await client.send(new logs.DescribeLogGroupsCommand({}));
    const groups = (logGroups ?? []).filter(({ logGroupName }) => resources.some(({ id }) => id === logGroupName));
    const tagged = groups.map(async ({ logGroupName, logGroupArn }) => {
      const { tags } = await client.send(new logs.ListTagsForResourceCommand({ resourceArn: logGroupArn }));
      return { id: logGroupName!, tags: tags ?? {} };
    });
    return Promise.all(tagged);
  },
  'AWS::S3::Bucket': async ({ s3: client }) => {
    const { Buckets } = await client.send(new s3.ListBucketsCommand({}));
    const tagged = (Buckets ?? []).map(async ({ Name }) => {
      const { TagSet } = await client.send(new s3.GetBucketTaggingCommand({ Bucket: Name })).catch(() => ({ TagSet: [] }));
      return { id: Name!, tags: toTags(TagSet) };
    });
    return Promise.all(tagged);
  },
  'AWS::SageMaker::Model': async (services) => {
    const { Models } = await services.sagemaker.send(new sagemaker.ListModelsCommand({}));
    return tagsOf(
      services,
      Models?.map(({ ModelArn }) => ModelArn),
    );
  },
  'AWS::SageMaker::EndpointConfig': async (services) => {
    const { EndpointConfigs } = await services.sagemaker.send(new sagemaker.ListEndpointConfigsCommand({}));
    return tagsOf(
      services,
      EndpointConfigs?.map(({ EndpointConfigArn }) => EndpointConfigArn),
    );
  },
  'AWS::SageMaker::Endpoint': async (services) => {
    const { Endpoints } = await services.sagemaker.send(new sagemaker.ListEndpointsCommand({}));
    return tagsOf(
      services,
      Endpoints?.map(({ EndpointArn }) => EndpointArn),
    );
  },
};

/** Resources of SageMaker, whose physical ids in moto are their ARNs, with their tags. */
async function tagsOf({ sagemaker: client }: Services, arns: (string | undefined)[] = []): Promise<Found[]> {
  const tagged = arns.map(async (arn) => {
    const { Tags: tags } = await client.send(new sagemaker.ListTagsCommand({ ResourceArn: arn }));
    return { id: arn!, tags: toTags(tags) };
  });
  return Promise.all(tagged);
}

function filter(name: string, resources: { id: string }[]): ec2.Filter[] {
  return [{ Name: name, Values: resources.map(({ id }) => id) }];
}

function toTags(tags: { Key?: string; Value?: string }[] = []): Tags {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

function noSuchEntity(error: Error): undefined {
  if (error.name !== 'NoSuchEntity' && error.name !== 'NoSuchEntityException') throw error;
}
