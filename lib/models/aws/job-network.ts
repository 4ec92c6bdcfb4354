import type * as ec2 from 'aws-cdk-lib/aws-ec2';

/** The network that jobs stand in. */
export interface JobNetwork {
  /** The VPC. It needs ways to S3, CloudWatch Logs, CloudWatch, ECR and, with a key, KMS: endpoints or NAT. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets.
   * @default - the private ones
   */
  readonly subnets?: ec2.SubnetSelection;
  /**
   * Security groups.
   * @default - one of their own that lets instances of one job reach each other and everything out
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}
