import { type NameSelection, type ReplicatedTopics, StartingPosition, TopicNaming, patternsOf } from '../replicator';

type Settings = { readonly [name: string]: string | number | boolean };

/** The connectors of MirrorMaker 2 and what they match names against. */
export interface MirrorConfig {
  readonly source: Settings;
  readonly checkpoint: Settings;
  readonly topicsPattern: string;
  readonly topicsExcludePattern?: string;
  readonly groupsPattern?: string;
  readonly groupsExcludePattern?: string;
}

const POLICIES: Readonly<Record<TopicNaming, string>> = {
  [TopicNaming.IDENTICAL]: 'org.apache.kafka.connect.mirror.IdentityReplicationPolicy',
  [TopicNaming.PREFIXED]: 'org.apache.kafka.connect.mirror.DefaultReplicationPolicy',
};
// What MirrorMaker 2 leaves out by itself; a list of one's own replaces it (DefaultTopicFilter of connect-mirror 4.3.1).
const INTERNAL_TOPICS = ['mm2.*\\.internal', '.*\\.replica', '__.*'];
// Its default leaves out connect-.*, too, and with it groups of sinks that somebody selected (DefaultGroupFilter).
const INTERNAL_GROUPS = 'console-consumer-.*,__.*';
const INTERVAL_SECONDS = 60;
// A factor of -1 is the default of the broker.
const BROKER_DEFAULT = -1;

/** Settings of the connectors for a selection. The offset syncs stand on the target, so that the source is read only. */
export function mirrorConfig(topics: ReplicatedTopics, consumerGroups: NameSelection | undefined): MirrorConfig {
  const common = {
    'offset-syncs.topic.location': 'target',
    'replication.policy.class': POLICIES[topics.naming ?? TopicNaming.IDENTICAL],
  };
  return {
    source: {
      ...common,
      'offset-syncs.topic.replication.factor': BROKER_DEFAULT,
      'refresh.topics.interval.seconds': INTERVAL_SECONDS,
      'replication.factor': BROKER_DEFAULT,
      'source.consumer.auto.offset.reset': topics.startingPosition ?? StartingPosition.EARLIEST,
      'sync.topic.acls.enabled': false,
      'sync.topic.configs.enabled': true,
    },
    checkpoint: {
      ...common,
      'checkpoints.topic.replication.factor': BROKER_DEFAULT,
      'emit.checkpoints.interval.seconds': INTERVAL_SECONDS,
      'refresh.groups.interval.seconds': INTERVAL_SECONDS,
      'sync.group.offsets.enabled': consumerGroups !== undefined,
      'sync.group.offsets.interval.seconds': INTERVAL_SECONDS,
    },
    topicsPattern: patternsOf(topics).join('|'),
    topicsExcludePattern: topics.exclude && [...INTERNAL_TOPICS, ...patternsOf({ names: topics.exclude })].join(','),
    // Nothing is checkpointed for a pattern that no group can have.
    groupsPattern: consumerGroups ? patternsOf(consumerGroups).join('|') : undefined,
    groupsExcludePattern: consumerGroups && INTERNAL_GROUPS,
  };
}
