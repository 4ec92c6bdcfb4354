import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import type { IKafkaCluster } from './kafka-cluster';

/** Where the workers of a connector stand. */
export interface ConnectorNetwork {
  /**
   * Network of the workers, with a way to the brokers and to what they connect.
   * @default - that of the cluster
   */
  readonly vpc?: ec2.IVpc;
  /**
   * Subnets of the workers; each worker takes an address of one.
   * @default - those of the brokers, or the private subnets with egress of `vpc`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Security groups of the workers.
   * @default - one of their own that lets nothing in; out it lets HTTPS, the way to the brokers, and what `connections.allowTo` opens
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

/** Subnets and security groups of a connector, once decided. */
interface PlacedConnector {
  readonly subnetIds: string[];
  readonly connections: ec2.Connections;
}

/** Decides where workers stand. */
export function placeConnector(scope: Construct, cluster: IKafkaCluster, network: ConnectorNetwork = {}): PlacedConnector {
  const vpc = network.vpc ?? cluster.vpc;
  enforce(scope.node.path, { vpc }, [
    {
      code: 'Millrace.ConnectorNetworkUnknown',
      subject: 'network.vpc',
      value: (input) => input.vpc ?? null,
      valid: (found: unknown) => found !== null,
      allowed: 'a network: MSK Connect puts a worker into a subnet of yours',
      fix: 'give vpc to KafkaCluster.fromKafkaClusterAttributes, or network.vpc here',
    },
  ]);
  const ofCluster = network.vpc === undefined ? cluster.vpcSubnets : undefined;
  const selection = network.vpcSubnets ?? ofCluster ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
  const securityGroups = network.securityGroups ?? [ownGroup(scope, vpc!)];
  return { subnetIds: vpc!.selectSubnets(selection).subnetIds, connections: new ec2.Connections({ securityGroups }) };
}

function ownGroup(scope: Construct, vpc: ec2.IVpc): ec2.SecurityGroup {
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  const group = new ec2.SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: `Workers of ${scope.node.path}`,
    allowAllOutbound: false,
  });
  group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'AWS services, registries and search');
  return group;
}
