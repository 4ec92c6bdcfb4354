import { Fn, Stack, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { CfnReplicator } from 'aws-cdk-lib/aws-msk';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import type { IKafkaCluster, KafkaCluster } from './kafka-cluster';

/** How a source appears in a replicator's template and policy. */
export interface ResolvedSource {
  readonly name: string;
  /** ARN of an MSK cluster. @default - not on MSK */
  readonly clusterArn?: string;
  /** Id of a cluster that is not on MSK. @default - on MSK */
  readonly clusterId?: string;
  readonly cluster: CfnReplicator.KafkaClusterProperty;
  /** Security groups of the replicator are opened to these. @default - the network is not in this Region or not known */
  readonly connections?: ec2.Connections;
  /** Ports to open towards a cluster whose addresses are not known. */
  readonly ports: ec2.Port[];
  readonly secrets: secretsmanager.ISecret[];
  readonly key?: IKafkaCluster['encryptionKey'];
  /** Whether the source is in another Region. */
  readonly isCrossRegion: boolean;
  readonly construct?: IKafkaCluster;
}

function subnetsOf(scope: IConstruct, cluster: IKafkaCluster): string[] {
  if (!cluster.vpc) {
    return refuse(`${scope.node.path} source`, {
      code: 'Millrace.KafkaClusterNetworkUnknown',
      subject: 'cluster',
      received: `an imported cluster without vpc (${cluster.node.path})`,
      allowed: 'a cluster whose subnets are known: the replicator connects through them',
      fix: 'give vpc and vpcSubnets to KafkaCluster.fromKafkaClusterAttributes',
    });
  }
  return cluster.vpc.selectSubnets(cluster.vpcSubnets).subnetIds;
}

/** The Region of a cluster: that in its ARN, else that of its stack. */
export function regionOf(cluster: IKafkaCluster): string {
  return Token.isUnresolved(cluster.clusterArn) ? Stack.of(cluster).region : Fn.select(3, Fn.split(':', cluster.clusterArn));
}

/** The subnets of an MSK cluster as a replicator takes them. */
export function mskEnd(scope: IConstruct, cluster: IKafkaCluster, securityGroupIds?: string[]): CfnReplicator.KafkaClusterProperty {
  return { amazonMskCluster: { mskClusterArn: cluster.clusterArn }, vpcConfig: { subnetIds: subnetsOf(scope, cluster), securityGroupIds } };
}

/**
 * What a source in another Region needs beside the replicator: connections to other VPCs, and leave for MSK itself to make one (MSK developer
 * guide, "Prepare the Amazon MSK source cluster"). An imported cluster has its policy from its owner.
 */
export function offerToReplicators(scope: IConstruct, cluster: IKafkaCluster): void {
  if (cluster.clientAuthentication?.multiVpc === false && !cluster.isServerless) {
    refuse(`${scope.node.path} source`, {
      code: 'Millrace.ReplicatorSourceNotOffered',
      subject: 'source',
      received: `a cluster of ${regionOf(cluster)} without connections to other VPCs (${cluster.node.path})`,
      allowed: 'across Regions a cluster that offers them: the replicator reaches it over PrivateLink',
      fix: 'add withMultiVpc() to the clientAuthentication of the source, in a deploy before this one',
    });
  }
  (cluster as Partial<KafkaCluster>).addToResourcePolicy?.(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal('kafka.amazonaws.com')],
      actions: ['kafka:CreateVpcConnection', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'],
      resources: [cluster.clusterArn],
    }),
  );
}
