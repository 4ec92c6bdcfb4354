import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import { StreamCatalog } from '../stream-catalog';
import type { ConsumeOptions, ITopic } from '../topic';
import { CONSUME_RULES } from '../access-rules';
import type { IConfluentCluster } from './confluent-cluster';
import type { ConfluentUser } from './confluent-user';

const READ = 'DeveloperRead';
const WRITE = 'DeveloperWrite';

/** Access to one topic of a Confluent cluster: role bindings for this topic and group alone. */
export class ConfluentTopicGrants {
  constructor(
    private readonly topic: ITopic,
    private readonly cluster: IConfluentCluster,
  ) {}

  /**
   * Lets a user write to the topic.
   *
   * @throws Millrace.KafkaForeignCluster
   */
  public produce(grantee: ConfluentUser): void {
    this.checkCluster(grantee);
    grantee.allow(WRITE, 'Topic', this.topic.topicName);
    StreamCatalog.of(this.topic).accesses.push({ client: grantee, action: 'send', ...this.place() });
  }

  /**
   * Lets a user read the topic in one consumer group.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaForeignCluster
   */
  public consume(grantee: ConfluentUser, options: ConsumeOptions): void {
    enforce(`${this.topic.node.path} grants.consume`, options, CONSUME_RULES);
    this.checkCluster(grantee);
    grantee.allow(READ, 'Topic', this.topic.topicName);
    grantee.allow(READ, 'Group', options.groupId!);
    StreamCatalog.of(this.topic).accesses.push({ client: grantee, action: 'receive', ...this.place(), groupId: options.groupId });
  }

  private place() {
    return { clusterName: this.cluster.clusterName, topicName: this.topic.topicName };
  }

  private checkCluster({ cluster: known, node }: ConfluentUser): void {
    if (known.clusterName === this.cluster.clusterName && known.namespace === this.cluster.namespace) return;
    refuse(`${this.topic.node.path} grants`, {
      code: 'Millrace.KafkaForeignCluster',
      subject: 'grantee',
      received: `user ${node.path} of cluster '${known.clusterName}' for a topic of '${this.cluster.clusterName}'`,
      allowed: 'a user of the same cluster: each cluster knows its own role bindings only',
      fix: `make a ConfluentUser with cluster '${this.cluster.clusterName}'`,
    });
  }
}
