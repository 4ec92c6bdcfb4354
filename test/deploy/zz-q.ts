import { EC2Client, DescribeVpcsCommand, DescribeSubnetsCommand,DescribeNatGatewaysCommand,DescribeFlowLogsCommand,DescribeRouteTablesCommand,DescribeInternetGatewaysCommand,DescribeAddressesCommand } from '@aws-sdk/client-ec2';
import { IAMClient, ListRolesCommand, GetRoleCommand, ListRolePoliciesCommand,GetRolePolicyCommand } from '@aws-sdk/client-iam';
import { CloudWatchLogsClient, DescribeLogGroupsCommand, ListTagsForResourceCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CloudFormationClient, DescribeStacksCommand, DescribeStackResourcesCommand, GetTemplateCommand,ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { S3Client, ListObjectsV2Command } from '@aws-sdk/client-s3';
const j=(x:any)=>console.log(JSON.stringify(x,(k,v)=>k=='$metadata'?undefined:v));
(async()=>{
 const ec2=new EC2Client({}), iam=new IAMClient({}), logs=new CloudWatchLogsClient({}), cfn=new CloudFormationClient({});
 try{ j((await cfn.send(new DescribeStacksCommand({StackName:'Network'}))).Stacks);}catch(e:any){console.log(e.message)}
 j((await cfn.send(new ListStacksCommand({}))).StackSummaries);
 try{ const r=(await cfn.send(new DescribeStackResourcesCommand({StackName:'Network'}))).StackResources!; for(const x of r) console.log(x.ResourceType,x.LogicalResourceId,x.PhysicalResourceId);}catch(e:any){console.log(e.message)}
 j((await ec2.send(new DescribeVpcsCommand({}))).Vpcs);
 const sn=(await ec2.send(new DescribeSubnetsCommand({}))).Subnets!; j(sn.length); j(sn.filter(s=>s.Tags?.length)[0]);
 const n=(await ec2.send(new DescribeNatGatewaysCommand({}))).NatGateways!; j(n.length); j(n[0]);
 j((await ec2.send(new DescribeFlowLogsCommand({}))).FlowLogs);
 const rt=(await ec2.send(new DescribeRouteTablesCommand({}))).RouteTables!; j(rt.length); j(rt);
 j((await ec2.send(new DescribeInternetGatewaysCommand({}))).InternetGateways);
 j((await ec2.send(new DescribeAddressesCommand({}))).Addresses);
 for(const r of (await iam.send(new ListRolesCommand({}))).Roles!){ console.log(r.RoleName); if(r.RoleName!.startsWith('Network')){j((await iam.send(new GetRoleCommand({RoleName:r.RoleName}))).Role); for(const p of (await iam.send(new ListRolePoliciesCommand({RoleName:r.RoleName}))).PolicyNames!) j(await iam.send(new GetRolePolicyCommand({RoleName:r.RoleName,PolicyName:p})));}}
 for(const g of (await logs.send(new DescribeLogGroupsCommand({}))).logGroups!){j(g); j((await logs.send(new ListTagsForResourceCommand({resourceArn:g.arn!.replace(/:\*$/,'')}))).tags)}
 const s3=new S3Client({forcePathStyle:true}); try{j((await s3.send(new ListObjectsV2Command({Bucket:'cdk-hnb659fds-assets-123456789012-eu-west-1'}))).Contents)}catch(e:any){console.log(e.message)}
})();
