import type { Json } from './manifest';
import { groupKindOf, namespaceOf, sameNamespace } from './manifest';

const CLUSTER_LABEL = 'strimzi.io/cluster';

/** Which resource the cluster label of a Strimzi resource names. */
const CLUSTER_KINDS: Record<string, string> = {
  'kafka.strimzi.io/KafkaNodePool': 'kafka.strimzi.io/Kafka',
  'kafka.strimzi.io/KafkaTopic': 'kafka.strimzi.io/Kafka',
  'kafka.strimzi.io/KafkaUser': 'kafka.strimzi.io/Kafka',
  'kafka.strimzi.io/KafkaRebalance': 'kafka.strimzi.io/Kafka',
  'kafka.strimzi.io/KafkaConnector': 'kafka.strimzi.io/KafkaConnect',
};

/** Strimzi's operators silently pass over a resource whose cluster label is absent or names no cluster. */
export function* checkStrimziCluster(manifest: Json, set: Json[]): Iterable<string> {
  const clusterKind = CLUSTER_KINDS[groupKindOf(manifest)];
  if (!clusterKind) return;
  const name = manifest.metadata?.labels?.[CLUSTER_LABEL];
  if (!name) return yield `metadata.labels has no ${CLUSTER_LABEL}`;
  const clusters = set.filter((other) => groupKindOf(other) === clusterKind);
  const isNamed = clusters.some((cluster) => cluster.metadata?.name === name && watches(cluster, manifest));
  if (clusters.length > 0 && !isNamed) yield `label ${CLUSTER_LABEL} "${name}" names no ${clusters[0].kind} that watches its namespace`;
}

function watches(cluster: Json, manifest: Json): boolean {
  const operators = cluster.spec?.entityOperator ?? {};
  const operator = { KafkaTopic: operators.topicOperator, KafkaUser: operators.userOperator }[manifest.kind as string];
  const watched = operator?.watchedNamespace;
  return watched ? watched === namespaceOf(manifest) : sameNamespace(cluster, manifest);
}
