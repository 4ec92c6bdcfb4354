import { Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import type { IKafkaCluster } from '../../streaming/aws/kafka-cluster';

/** Who reads in which group of which cluster, by the root of the app. */
const readers = new WeakMap<IConstruct, Map<string, string>>();

/**
 * Refuses a second reader in a consumer group: Lambda wants one of its own for each mapping (AWS::Lambda::EventSourceMapping,
 * ConsumerGroupId), and two in one take each other's partitions away.
 */
export function takeConsumerGroup(scope: IConstruct, { clusterArn, node }: IKafkaCluster, groupId: string): void {
  const { root, path } = scope.node;
  const taken = readers.get(root) ?? new Map<string, string>();
  readers.set(root, taken);
  const key = `${Token.isUnresolved(clusterArn) ? node.addr : clusterArn} ${groupId}`;
  const other = taken.get(key);
  if (other !== undefined) {
    refuse(path, {
      code: 'Millrace.FeatureIngestionGroupTwice',
      subject: 'groupId',
      received: `'${groupId}', in which ${other} reads from the same cluster`,
      allowed: 'a consumer group for each ingestion',
      fix: 'give groupId',
    });
  }
  taken.set(key, path);
}
