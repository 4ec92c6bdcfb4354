import type { KafkaSizing } from '../kafka-sizing';

/** Settings of the brokers: acknowledged records are kept, topics are declared, consumers read in their zone. */
export function brokerSettings({ replicationFactor }: KafkaSizing): Record<string, string | number | boolean> {
  return {
    'auto.create.topics.enable': false,
    'default.replication.factor': replicationFactor,
    'min.insync.replicas': replicationFactor - 1,
    'offsets.topic.replication.factor': 3,
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
    'transaction.state.log.min.isr': 2,
    'transaction.state.log.replication.factor': 3,
    'unclean.leader.election.enable': false,
  };
}
