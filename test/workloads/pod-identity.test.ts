import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Assembly } from '../../lib/core/assembly';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { PodIdentity, type PodIdentityProps } from '../../lib/workloads/aws';
import { threeZones } from '../contract/kafka-flavours';
import { codesIn, refusalOf } from '../contract/refusal';

const RADAR: PodIdentityProps = { clusterName: 'ml', namespace: 'fraud', serviceAccountName: 'radar' };

function newStack(): Stack {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-pods-')), builtinCloudFormationValidation: false });
  return new Stack(app, 'Radar', { env: { region: 'eu-west-1', account: '111122223333' } });
}
const own = (stack: Stack) =>
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(stack);
const synth = (stack: Stack) => Assembly.fromDirectories({ templates: (stack.node.root as App).synth().directory }).stacks[0].resources;

const stack = newStack();
own(stack);
const vpc = threeZones(stack);
const nodes = new ec2.SecurityGroup(stack, 'Nodes', { vpc, allowAllOutbound: false });
const brokers = new ec2.SecurityGroup(stack, 'Brokers', { vpc });
const pods = new PodIdentity(stack, 'Pods', { ...RADAR, securityGroups: [nodes] });
new s3.Bucket(stack, 'Models').grants.read(pods);
pods.connections.allowTo(brokers, ec2.Port.tcp(9098));
const resources = synth(stack);
const only = (type: string) => {
  const found = resources.filter((resource) => resource.type === type);
  expect(found).toHaveLength(1);
  return found[0];
};

test('the role trusts EKS Pod Identity for this service account of this namespace of this cluster alone', () => {
  expect(only('AWS::IAM::Role').properties.AssumeRolePolicyDocument.Statement).toEqual([
    {
      Effect: 'Allow',
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Condition: {
        StringEquals: {
          'aws:SourceAccount': { Ref: 'AWS::AccountId' },
          'aws:RequestTag/kubernetes-namespace': 'fraud',
          'aws:RequestTag/kubernetes-service-account': 'radar',
        },
        ArnEquals: {
          'aws:SourceArn': { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':eks:eu-west-1:111122223333:cluster/ml']] },
        },
      },
    },
  ]);
});

test('the association names the same three and the role, and is the default child', () => {
  const role = only('AWS::IAM::Role').logicalId;
  expect(only('AWS::EKS::PodIdentityAssociation').properties).toMatchObject({
    ClusterName: 'ml',
    Namespace: 'fraud',
    ServiceAccount: 'radar',
    RoleArn: { 'Fn::GetAtt': [role, 'Arn'] },
  });
  expect(pods.node.defaultChild?.node.path).toBe('Radar/Pods/Resource');
});

test('grants of any resource reach the role', () => {
  const policy = only('AWS::IAM::Policy').properties;
  expect(policy.Roles).toEqual([{ Ref: only('AWS::IAM::Role').logicalId }]);
  expect(policy.PolicyDocument.Statement[0].Action).toEqual(['s3:GetObject*', 's3:GetBucket*', 's3:List*']);
});

test('connections open the way from the security groups of the pods', () => {
  const ingress = only('AWS::EC2::SecurityGroupIngress').properties;
  expect([ingress.FromPort, ingress.SourceSecurityGroupId['Fn::GetAtt'][0]]).toEqual([
    9098,
    stack.getLogicalId(nodes.node.defaultChild as never),
  ]);
});

test('without security groups connections open nothing', () => {
  const bare = newStack();
  own(bare);
  const target = new ec2.SecurityGroup(bare, 'Brokers', { vpc: threeZones(bare) });
  new PodIdentity(bare, 'Pods', RADAR).connections.allowTo(target, ec2.Port.tcp(9098));
  expect(synth(bare).map(({ type }) => type)).not.toContain('AWS::EC2::SecurityGroupIngress');
});

describe('refused', () => {
  const refused = (props: Partial<PodIdentityProps>) => refusalOf(() => new PodIdentity(newStack(), 'Pods', { ...RADAR, ...props }));

  test.each(['', 'Fraud', 'fraud_ml', '-fraud', 'a.b', '*', 'x'.repeat(64)])("fails for the namespace '%s'", (namespace) => {
    expect(refused({ namespace })).toEqual(['Millrace.PodIdentityInvalid namespace']);
  });

  test.each(['', 'Radar', 'radar*', 'a..b', 'radar/x', 'x'.repeat(254)])("fails for the service account '%s'", (serviceAccountName) => {
    expect(refused({ serviceAccountName })).toEqual(['Millrace.PodIdentityInvalid serviceAccountName']);
  });

  test.each(['', '*', 'ml/*', 'arn:aws:eks:eu-west-1:111122223333:cluster/ml', 'x'.repeat(101)])(
    "fails for the cluster '%s'",
    (clusterName) => {
      expect(refused({ clusterName })).toEqual(['Millrace.PodIdentityInvalid clusterName']);
    },
  );

  test('passes dots in a service account and names known only at deploy time', () => {
    expect(refused({ serviceAccountName: 'radar.v2' })).toEqual([]);
    expect(refused({ clusterName: Token.asString({ Ref: 'Cluster' }) })).toEqual([]);
  });

  test('fails for everything at once', () => {
    expect(refused({ clusterName: '*', namespace: '*', serviceAccountName: '*' })).toHaveLength(3);
  });

  test('fails at synthesis outside of any cost allocation', () => {
    const unowned = newStack();
    new PodIdentity(unowned, 'Pods', RADAR);
    expect(codesIn(() => synth(unowned))).toEqual(['Millrace.CostAllocationMissing']);
  });
});
