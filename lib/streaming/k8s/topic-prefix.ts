import { enforce } from '../../core/rule';
import { PREFIX_RULE } from '../access-rules';
import type { IKafkaCluster } from './kafka-cluster';
import { TopicGrants } from './topic-grants';

/**
 * All topics of a cluster whose names begin alike, to grant access to them: those there are and those to come.
 *
 * @throws Millrace.KafkaPrefixInvalid
 */
export class TopicPrefix {
  /** Access to these topics. */
  public readonly grants: TopicGrants;

  constructor(
    cluster: IKafkaCluster,
    /** The beginning of their names. */
    public readonly prefix: string,
  ) {
    enforce(`${cluster.node.path} topicPrefix`, { prefix }, [PREFIX_RULE]);
    this.grants = new TopicGrants(cluster, cluster, { topicName: prefix, isPrefix: true });
  }
}
