import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { BrokerClass } from '../broker-type';
import type { ClientAuthentication } from './client-authentication';

/** What identifies an existing MSK cluster. */
export interface KafkaClusterAttributes {
  /** ARN of the cluster. */
  readonly clusterArn: string;
  /**
   * Security groups of its brokers; a grant to a client in the VPC opens them.
   * @default - none: such grants are refused
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
  /**
   * Key for data at rest; a grant opens it.
   * @default - the key AWS manages for MSK
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Its brokers; they decide what a topic may set.
   * @default BrokerClass.EXPRESS
   */
  readonly brokerClass?: BrokerClass;
  /**
   * Network of the brokers; connectors and replicators stand in it.
   * @default - unknown: they must be given one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * Subnets of the brokers.
   * @default - private subnets with egress of `vpc`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Bootstrap servers of the IAM listener, `host:port` separated by commas.
   * @default - looked up at deploy, when something reads them
   */
  readonly bootstrapServers?: string;
  /**
   * How it knows its clients.
   * @default - IAM; whether also otherwise is unknown
   */
  readonly clientAuthentication?: ClientAuthentication;
  /**
   * Whether it is an MSK Serverless cluster.
   * @default false
   */
  readonly isServerless?: boolean;
}
