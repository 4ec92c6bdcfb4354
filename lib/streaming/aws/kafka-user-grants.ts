import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Port } from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type { KafkaUser } from './kafka-user';
import { KafkaListener, LISTENERS } from './kafka-listener';

/** Who may act as a Kafka user. */
export class KafkaUserGrants {
  constructor(private readonly user: KafkaUser) {}

  /**
   * Lets a workload log in as this user: it may read the secret and its key, and reaches the listener. What the user may do with topics is
   * granted to the user itself: `topic.grants.produce(user)`.
   *
   * @param grantee The workload. One with `connections` gets the way to the brokers; a holder of a certificate needs nothing else.
   */
  public connect(grantee: iam.IGrantable): void {
    this.user.secret?.grantRead(grantee);
    // A Lambda function outside of a VPC throws when asked for its connections.
    if ((grantee as { isBoundToVpc?: boolean }).isBoundToVpc === false) return;
    const { connections } = grantee as Partial<ec2.IConnectable>;
    const listener = this.user.secret ? KafkaListener.SCRAM : KafkaListener.MTLS;
    // From the client's side, so that both rules stand in its stack.
    connections?.allowTo(this.user.cluster, Port.tcp(LISTENERS[listener].port), `Kafka clients with ${listener}`);
  }
}
