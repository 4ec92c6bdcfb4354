import { Fn } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type NameSelection, type ReplicatedTopics, TopicNaming } from '../replicator';

// Topics of MSK Replicator itself, on both clusters (MSK developer guide, "Topic replication permissions").
const INTERNAL_TOPICS = ['*__amazon_msk_replicator_*', 'mskr-offset-syncs.*', '*.checkpoints.internal'];
const OWN_TOPIC_ACTIONS = [
  'AlterTopic',
  'AlterTopicDynamicConfiguration',
  'CreateTopic',
  'DescribeTopic',
  'DescribeTopicDynamicConfiguration',
  'ReadData',
  'WriteData',
];

/** What a replicator's role is made for. */
export interface ReplicatorPolicy {
  /** ARN of the source. @default - not on MSK: its own permissions decide */
  readonly sourceArn?: string;
  readonly targetArn: string;
  readonly topics: ReplicatedTopics;
  readonly consumerGroups?: NameSelection;
}

const wildcards = ({ names = [], prefixes = [] }: NameSelection) => [...names, ...prefixes.map((prefix) => `${prefix}*`)];

function arns(kind: 'topic' | 'group', clusterArn: string, names: readonly string[]): string[] {
  const parts = Fn.split(':cluster/', clusterArn);
  return names.map((name) => Fn.join('', [Fn.select(0, parts), `:${kind}/`, Fn.select(1, parts), '/', name]));
}

function allow(actions: readonly string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions: actions.map((action) => `kafka-cluster:${action}`), resources });
}

/**
 * The statements of a replicator's role, by the pages "Topic replication permissions", "Topic configuration replication permissions" and
 * "Consumer group offset sync permissions" of the MSK developer guide: the selected topics and groups, rather than all of them as in AWS'
 * managed policy.
 */
export function replicatorStatements({ sourceArn, targetArn, topics, consumerGroups }: ReplicatorPolicy): iam.PolicyStatement[] {
  const selected = wildcards(topics);
  const prefixed = topics.naming === TopicNaming.PREFIXED;
  // The alias is decided by MSK when the replicator is made.
  const replicated = arns('topic', targetArn, prefixed ? selected.map((name) => `*.${name}`) : selected);
  const clusters = [...(sourceArn ? [sourceArn] : []), targetArn];
  const groups = consumerGroups && wildcards(consumerGroups);
  return [
    allow(['Connect', 'DescribeCluster', 'WriteDataIdempotently'], clusters),
    allow(
      OWN_TOPIC_ACTIONS,
      clusters.flatMap((cluster) => arns('topic', cluster, INTERNAL_TOPICS)),
    ),
    ...(sourceArn ? [allow(['DescribeTopic', 'DescribeTopicDynamicConfiguration', 'ReadData'], arns('topic', sourceArn, selected))] : []),
    allow(
      ['AlterTopic', 'AlterTopicDynamicConfiguration', 'CreateTopic', 'DescribeTopic', 'DescribeTopicDynamicConfiguration', 'WriteData'],
      replicated,
    ),
    allow(['AlterGroup', 'DescribeGroup'], arns('group', targetArn, ['*__amazon_msk_replicator_*', ...(groups ?? [])])),
    ...(groups && sourceArn ? [allow(['DescribeGroup'], arns('group', sourceArn, groups))] : []),
  ];
}
