import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { openWay } from './cluster-network';
import type { KafkaUser } from './kafka-user';
import { KafkaListener } from './kafka-listener';
import { LISTENERS } from './listener-facts';

/** Who may act as a Kafka user. */
export class KafkaUserGrants {
  constructor(private readonly user: KafkaUser) {}

  /**
   * Lets a workload log in as this user: it may read the secret and its key, and reaches the listener. What the user may do with topics is
   * granted to the user itself: `topic.grants.produce(user)`.
   *
   * @param grantee The workload. One with `connections` gets the way to the brokers; a holder of a certificate needs nothing else.
   * @throws Millrace.KafkaClusterConnectionsUnknown
   */
  public connect(grantee: iam.IGrantable): void {
    if (this.user.secret) this.openSecret(this.user.secret, grantee);
    const listener = this.user.secret ? KafkaListener.SCRAM : KafkaListener.MTLS;
    const port = ec2.Port.tcp(LISTENERS[listener].port);
    openWay(`${this.user.node.path} grants.connect`, grantee, this.user.cluster, port, `Kafka clients with ${listener}`);
  }

  /** On the grantee alone: the CDK would also name it in the policy of the key, and so make the cluster's stack wait for that of the grantee. */
  private openSecret(secret: secretsmanager.ISecret, grantee: iam.IGrantable): void {
    const actions = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];
    iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [secret.secretFullArn ?? secret.secretArn] });
    iam.Grant.addToPrincipal({
      grantee,
      actions: ['kms:Decrypt'],
      resourceArns: [secret.encryptionKey!.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(secret).region}.amazonaws.com` } },
    });
  }
}
