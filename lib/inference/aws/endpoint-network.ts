import type * as ec2 from 'aws-cdk-lib/aws-ec2';

/** The network that the containers of an endpoint may use. */
export interface EndpointNetwork {
  /** Network with endpoints for what the containers call. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the instances.
   * @default - private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Security groups of the instances.
   * @default - one of its own that lets nothing in or out; open it with `connections.allowTo`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}
