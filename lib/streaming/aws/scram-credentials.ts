import { Lazy } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as msk from 'aws-cdk-lib/aws-msk';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { KafkaCluster } from './kafka-cluster';

const registry = new WeakMap<KafkaCluster, ScramCredentials>();

/**
 * The secrets of the SCRAM users of one cluster. MSK knows one list a cluster (the primary identifier of `AWS::MSK::BatchScramSecret` is the
 * ARN of the cluster), so all users share one resource, beside the cluster.
 */
export class ScramCredentials {
  /** Those of a cluster. */
  public static of(cluster: KafkaCluster): ScramCredentials {
    const known = registry.get(cluster) ?? new ScramCredentials(cluster);
    registry.set(cluster, known);
    return known;
  }

  private readonly secrets: secretsmanager.ISecret[] = [];
  private key?: kms.IKey;

  private constructor(private readonly cluster: KafkaCluster) {}

  /** Customer key for the secrets: the given one, or one that the first secret makes. */
  public get encryptionKey(): kms.IKey {
    this.key ??=
      this.cluster.clientAuthentication?.scramKey ??
      new kms.Key(this.cluster, 'ScramKey', {
        description: 'Passwords of Kafka users',
        enableKeyRotation: true,
        removalPolicy: this.cluster._removalPolicy,
      });
    return this.key;
  }

  /** Makes the cluster know the user of a secret. */
  public add(secret: secretsmanager.ISecret): void {
    if (this.secrets.length === 0) {
      new msk.CfnBatchScramSecret(this.cluster, 'ScramSecrets', {
        clusterArn: this.cluster.clusterArn,
        secretArnList: Lazy.list({
          // By name, so that the order in which users are declared is no change.
          produce: () => [...this.secrets].sort((a, b) => (a.node.path < b.node.path ? -1 : 1)).map((secret) => secret.secretFullArn ?? secret.secretArn),
        }),
      });
    }
    this.secrets.push(secret);
  }
}
