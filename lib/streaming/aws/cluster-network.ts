import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { refuse } from '../../core/error';
import type { IKafkaCluster } from './kafka-cluster';

/** Opens the way from a client that has a network to a port of the brokers; `place` is where the grant stands in messages. */
export function openWay(place: string, client: iam.IGrantable, cluster: IKafkaCluster, port: ec2.Port, description: string): void {
  // A Lambda function outside of a VPC throws when asked for its connections; an event source mapping serves it without.
  if ((client as { isBoundToVpc?: boolean }).isBoundToVpc === false) return;
  const { connections } = client as Partial<ec2.IConnectable>;
  if (!connections) return;
  if (cluster.connections.securityGroups.length === 0) {
    refuse(place, {
      code: 'Millrace.KafkaClusterConnectionsUnknown',
      subject: 'cluster',
      received: 'an imported cluster without securityGroups and a client with connections',
      allowed: 'a cluster whose network the grant can open',
      fix: 'give securityGroups to KafkaCluster.fromKafkaClusterAttributes',
    });
  }
  // From the client's side, so that both rules stand in its stack: in the cluster's they would close a circle with the client's policy.
  connections.allowTo(cluster, port, description);
}
