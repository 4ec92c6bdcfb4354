import { DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeFlowLogsCommand, DescribeNatGatewaysCommand, DescribeSubnetsCommand, DescribeVpcsCommand } from '@aws-sdk/client-ec2';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import { REGION } from './moto';
import type { Deployed, Services } from './resources';

/** What the services say about the deployed network. */
export interface NetworkFacts {
  readonly cidr?: string;
  readonly privateZones: string[];
  readonly publicZones: string[];
  /** Zones of the public subnets that hold a NAT gateway. */
  readonly natZones: string[];
  /** Whether the flow log watches the VPC and writes to the stack's log group. */
  readonly flowLog: { readonly watchesVpc: boolean; readonly writesToLogGroup: boolean };
  readonly retentionInDays?: number;
  readonly roleDescription?: string;
}

/** Where everything of the network is expected: one subnet of each kind and one NAT gateway in each zone. */
export const ZONES = ['a', 'b', 'c'].map((zone) => `${REGION}${zone}`);

/** Describes the network of a stack. */
export async function describeNetwork(services: Services, resources: Deployed[]): Promise<NetworkFacts> {
  const { ec2 } = services;
  const id = (type: string) => resources.find((resource) => resource.type === type)?.id;
  const inVpc = [{ Name: 'vpc-id', Values: [id('AWS::EC2::VPC') ?? ''] }];

  const vpcs = await ec2.send(new DescribeVpcsCommand({ Filters: inVpc }));
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ Filters: inVpc }));
  const { NatGateways = [] } = await ec2.send(new DescribeNatGatewaysCommand({ Filter: inVpc }));
  const flowLogs = await ec2.send(new DescribeFlowLogsCommand({}));
  const groups = await services.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: id('AWS::Logs::LogGroup') }));
  const role = await services.iam.send(new GetRoleCommand({ RoleName: id('AWS::IAM::Role') }));

  const ofKind = (kind: string) =>
    Subnets.filter(({ Tags }) => Tags?.some(({ Key, Value }) => Key === 'aws-cdk:subnet-type' && Value === kind));
  const zones = (subnets: typeof Subnets) => subnets.map(({ AvailabilityZone }) => AvailabilityZone!).sort();
  const flowLog = flowLogs.FlowLogs?.find(({ FlowLogId }) => FlowLogId === id('AWS::EC2::FlowLog'));
  return {
    cidr: vpcs.Vpcs?.[0]?.CidrBlock,
    privateZones: zones(ofKind('Private')),
    publicZones: zones(ofKind('Public')),
    natZones: zones(ofKind('Public').filter(({ SubnetId }) => NatGateways.some((gateway) => gateway.SubnetId === SubnetId))),
    flowLog: {
      watchesVpc: flowLog?.ResourceId === id('AWS::EC2::VPC'),
      writesToLogGroup: flowLog?.LogGroupName === id('AWS::Logs::LogGroup'),
    },
    retentionInDays: groups.logGroups?.[0]?.retentionInDays,
    roleDescription: role.Role?.Description,
  };
}
