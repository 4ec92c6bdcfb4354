import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import type { ConsumeOptions, ITopic } from '../topic';
import { CONSUME_RULES } from '../topic-rules';
import type { IKafkaCluster } from './kafka-cluster';
import type { KafkaUser } from './kafka-user';

/** Access to one topic on Strimzi: ACLs for this topic and group alone. */
export class TopicGrants {
  constructor(
    private readonly topic: ITopic,
    private readonly cluster: IKafkaCluster,
  ) {}

  /**
   * Lets a user write to the topic; idempotent producers need no more (Kafka 2.8 and later).
   *
   * @throws Millrace.KafkaForeignCluster
   */
  public produce(grantee: KafkaUser): void {
    this.checkCluster(grantee);
    grantee.allow('topic', this.topic.topicName, 'literal', ['Describe', 'Write']);
  }

  /**
   * Lets a user read the topic in one consumer group.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaForeignCluster
   */
  public consume(grantee: KafkaUser, options: ConsumeOptions): void {
    enforce(`${this.topic.node.path} grants.consume`, options, CONSUME_RULES);
    this.checkCluster(grantee);
    grantee.allow('topic', this.topic.topicName, 'literal', ['Describe', 'Read']);
    grantee.allow('group', options.groupId, 'literal', ['Read']);
  }

  private checkCluster(grantee: KafkaUser): void {
    const user = grantee.cluster;
    if (user === this.cluster || (user.clusterName === this.cluster.clusterName && user.namespace === this.cluster.namespace)) return;
    refuse(`${this.topic.node.path} grants`, {
      code: 'Millrace.KafkaForeignCluster',
      subject: 'grantee',
      received: `user ${grantee.node.path} of cluster '${user.clusterName}' for a topic of '${this.cluster.clusterName}'`,
      allowed: 'a user of the same cluster: each cluster knows its own users only',
      fix: `make a KafkaUser with cluster '${this.cluster.clusterName}'`,
    });
  }
}
