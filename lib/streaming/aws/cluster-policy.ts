import * as iam from 'aws-cdk-lib/aws-iam';
import * as msk from 'aws-cdk-lib/aws-msk';
import { Construct } from 'constructs';

/** What another account needs to reach the brokers over a connection of its own (MSK developer guide, multi-VPC private connectivity). */
export const CONNECT_ACTIONS = ['kafka:CreateVpcConnection', 'kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'];

/** Properties of the policy of a cluster. */
export interface ClusterPolicyProps {
  /** The cluster. */
  readonly clusterArn: string;
}

/** The resource policy of an MSK cluster: who of other accounts may connect to it and, with IAM, use its topics. One a cluster. */
export class ClusterPolicy extends Construct {
  /** Statements of the policy. */
  public readonly document = new iam.PolicyDocument();

  constructor(scope: Construct, id: string, props: ClusterPolicyProps) {
    super(scope, id);
    new msk.CfnClusterPolicy(this, 'Resource', { clusterArn: props.clusterArn, policy: this.document });
  }
}
