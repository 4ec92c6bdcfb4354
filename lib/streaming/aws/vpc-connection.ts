import { Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { BootstrapServers } from './bootstrap-servers';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaListener, LISTENERS } from './kafka-listener';

/** Ports of the brokers behind a managed connection: one a broker, from the first on. */
const FIRST_PORT = 14_001;
const LAST_PORT = 14_100;

/** Properties of a managed connection to an MSK cluster. */
export interface VpcConnectionProps {
  /** The cluster, of this or another account, in the same region. Of another account: it must have called `allowAccount`. */
  readonly cluster: IKafkaCluster;
  /** Network of the clients. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the connection, at least two, in zones in which the cluster has brokers.
   * @default - private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * How its clients are known; a connection serves one way only.
   * @default KafkaListener.IAM
   */
  readonly listener?: KafkaListener;
}

/**
 * The way from a VPC to an MSK cluster in another VPC or account, over PrivateLink, without peering and with addresses that may overlap. The
 * cluster must offer it: `clientAuthentication: ClientAuthentication.iam().withMultiVpc()`. It holds no data; any change but of its tags replaces it.
 *
 * @throws Millrace.KafkaConnectionNotOffered, Millrace.KafkaConnectionZonesInvalid
 */
export class VpcConnection extends Resource implements ec2.IConnectable {
  /** ARN of the connection. */
  public readonly connectionArn: string;
  /** Its network; the default port is the range of the brokers. */
  public readonly connections: ec2.Connections;
  private readonly cluster: IKafkaCluster;
  private readonly listener: KafkaListener;
  private lookup?: BootstrapServers;

  constructor(scope: Construct, id: string, props: VpcConnectionProps) {
    super(scope, id);
    this.cluster = props.cluster;
    this.listener = props.listener ?? KafkaListener.IAM;
    const subnets = props.vpc.selectSubnets({
      onePerAz: true,
      ...(props.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS }),
    });
    this.checkOffer(subnets);
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Connection to Kafka brokers',
      allowAllOutbound: false,
    });
    this.connections = new ec2.Connections({
      securityGroups: [securityGroup],
      defaultPort: ec2.Port.tcpRange(FIRST_PORT, LAST_PORT),
    });
    const connection = new msk.CfnVpcConnection(this, 'Resource', {
      targetClusterArn: props.cluster.clusterArn,
      authentication: LISTENERS[this.listener].vpcAuthentication,
      vpcId: props.vpc.vpcId,
      clientSubnets: subnets.subnetIds,
      securityGroups: [securityGroup.securityGroupId],
    });
    this.connectionArn = connection.attrArn;
    requireAllocation(this);
  }

  /** Bootstrap servers for clients of this connection, `host:port` separated by commas; the first use creates a lookup. */
  public get bootstrapServers(): string {
    if (!this.lookup) {
      this.lookup = new BootstrapServers(this, 'BootstrapServers', {
        clusterArn: this.cluster.clusterArn,
        listeners: [this.listener],
        overVpcConnection: true,
      });
      // The cluster names private brokers only while it has a connection.
      this.lookup.node.addDependency(this.node.defaultChild!);
    }
    return this.lookup.bootstrapServers;
  }

  private checkOffer(subnets: ec2.SelectedSubnets): void {
    const { clientAuthentication: offered } = this.cluster;
    enforce(this.node.path, this, [
      {
        code: 'Millrace.KafkaConnectionNotOffered',
        subject: 'cluster',
        value: () => offered && `${offered.multiVpc ? 'connections' : 'no connections'}, ${offered.listeners.join(', ')}`,
        valid: () => offered!.multiVpc && offered!.listeners.includes(this.listener),
        allowed: `a cluster that offers connections with ${this.listener}`,
        fix: 'add withMultiVpc() to the clientAuthentication of the cluster, and the listener',
      },
      {
        code: 'Millrace.KafkaConnectionZonesInvalid',
        subject: 'vpcSubnets',
        value: () => (subnets.isPendingLookup ? undefined : new Set(subnets.availabilityZones).size),
        valid: (zones: number) => zones >= 2,
        allowed: 'subnets in at least two zones of the cluster',
        fix: 'select a subnet in each zone of the cluster',
      },
    ]);
  }
}
