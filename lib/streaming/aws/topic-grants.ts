import { Fn } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import type { ConsumeOptions, ITopic } from '../topic';
import { CONSUME_RULES } from '../topic-rules';
import type { IKafkaCluster } from './kafka-cluster';

/**
 * Access to one topic on MSK. A grant opens the whole way: IAM statements for this topic and group alone, the brokers' security group for a
 * grantee with `connections`, and the customer's key where the cluster has one.
 */
export class TopicGrants {
  constructor(
    private readonly topic: ITopic,
    private readonly cluster: IKafkaCluster,
  ) {}

  /** Lets a principal write to the topic, idempotent producers included. */
  public produce(grantee: iam.IGrantable): iam.Grant {
    this.openNetwork(grantee);
    this.openKey(grantee, ['kms:GenerateDataKey', 'kms:Decrypt']);
    return this.allow(grantee, ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'], this.cluster.clusterArn).combine(
      this.allow(grantee, ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'], this.arnOf('topic', this.topic.topicName)),
    );
  }

  /**
   * Lets a principal read the topic in one consumer group.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaClusterConnectionsUnknown
   */
  public consume(grantee: iam.IGrantable, options: ConsumeOptions): iam.Grant {
    enforce(`${this.topic.node.path} grants.consume`, options, CONSUME_RULES);
    this.openNetwork(grantee);
    this.openKey(grantee, ['kms:Decrypt']);
    return this.allow(grantee, ['kafka-cluster:Connect'], this.cluster.clusterArn)
      .combine(this.allow(grantee, ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], this.arnOf('topic', this.topic.topicName)))
      .combine(this.allow(grantee, ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], this.arnOf('group', options.groupId)));
  }

  private allow(grantee: iam.IGrantable, actions: string[], resourceArn: string): iam.Grant {
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
  }

  /** `arn:<p>:kafka:<region>:<account>:cluster/<name>/<uuid>` with another kind in place of `cluster` and a name at the end. */
  private arnOf(kind: 'topic' | 'group', name: string): string {
    const parts = Fn.split(':cluster/', this.cluster.clusterArn);
    return Fn.join('', [Fn.select(0, parts), `:${kind}/`, Fn.select(1, parts), '/', name]);
  }

  private openNetwork(grantee: iam.IGrantable): void {
    // A Lambda function outside of a VPC throws when asked for its connections; an event source mapping serves it without.
    if ((grantee as { isBoundToVpc?: boolean }).isBoundToVpc === false) return;
    const { connections } = grantee as Partial<ec2.IConnectable>;
    if (!connections) return;
    if (this.cluster.connections.securityGroups.length === 0) {
      refuse(`${this.topic.node.path} grants`, {
        code: 'Millrace.KafkaClusterConnectionsUnknown',
        subject: 'cluster',
        received: 'an imported cluster without securityGroups and a client with connections',
        allowed: 'a cluster whose network the grant can open',
        fix: 'give securityGroups to KafkaCluster.fromKafkaClusterAttributes',
      });
    }
    // From the client's side, so that both rules stand in its stack: in the cluster's they would close a circle with the client's policy.
    connections.allowToDefaultPort(this.cluster, 'Kafka clients with IAM');
  }

  /** Confined to calls that MSK makes on the client's behalf, so that the key opens nothing else. */
  private openKey(grantee: iam.IGrantable, actions: string[]): void {
    const key = this.cluster.encryptionKey;
    if (!key) return;
    iam.Grant.addToPrincipal({
      grantee,
      actions,
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `kafka.${Fn.select(3, Fn.split(':', this.cluster.clusterArn))}.amazonaws.com` } },
    });
  }
}
