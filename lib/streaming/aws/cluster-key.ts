import { Fn } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKafkaCluster } from './kafka-cluster';

/** Opens the key of a cluster that has one of the customer's, confined to calls that MSK makes on the client's behalf. */
export function openKey(grantee: iam.IGrantable, cluster: IKafkaCluster, actions: string[]): void {
  const key = cluster.encryptionKey;
  if (!key) return;
  iam.Grant.addToPrincipal({
    grantee,
    actions,
    resourceArns: [key.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `kafka.${Fn.select(3, Fn.split(':', cluster.clusterArn))}.amazonaws.com` } },
  });
}
