import type { IConstruct } from 'constructs';
import { registerUpdateRules } from '../core/update-rule';
import { requireAllocation } from '../cost/applied-allocation';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUpdateRules } from './kafka-update-rules';
import { StreamCatalog } from './stream-catalog';
import type { TopicOptions } from './topic';
import { TopicLedger } from './topic-ledger';
import type { ResolvedTopic } from './topic-rules';
import { schemasOf } from './topic-schemas';

/** Makes a topic of any flavour known: to its owner, the update guard, the other topics of its cluster and the catalogue. */
export function declareTopic(
  construct: IConstruct,
  cluster: IKafkaCluster,
  options: TopicOptions,
  resolved: ResolvedTopic,
  deadLetterTopicName: string | undefined,
): void {
  requireAllocation(construct);
  registerUpdateRules(construct, KafkaUpdateRules.all());
  TopicLedger.of(cluster).add(construct.node.path, resolved);
  const { topicName, partitions, replicationFactor, config } = resolved;
  const { schema, keySchema } = options;
  StreamCatalog.of(construct).topics.push({
    construct,
    clusterName: cluster.clusterName,
    topicName,
    partitions,
    replicationFactor,
    config,
    schema,
    keySchema,
    compatibility: schemasOf(options)[0]?.compatibility,
    deadLetterTopicName,
  });
}
