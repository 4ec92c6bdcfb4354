import { enforce } from '../../core/rule';
import { PREFIX_RULE } from '../access-rules';
import type { IConfluentCluster } from './confluent-cluster';
import { ConfluentTopicGrants } from './confluent-topic-grants';

/**
 * All topics of a Confluent cluster whose names begin alike, to grant access to them: those there are and those to come. Their schemas are not
 * part of it.
 *
 * @throws Millrace.KafkaPrefixInvalid
 */
export class ConfluentTopicPrefix {
  /** Access to these topics. */
  public readonly grants: ConfluentTopicGrants;

  constructor(
    cluster: IConfluentCluster,
    /** The beginning of their names. */
    public readonly prefix: string,
  ) {
    enforce(`${cluster.node.path} topicPrefix`, { prefix }, [PREFIX_RULE]);
    this.grants = new ConfluentTopicGrants(cluster, cluster, { topicName: prefix, isPrefix: true });
  }
}
