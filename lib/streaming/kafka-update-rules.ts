import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { pairedObjects, pairedResources, sameJson, valuesAt } from '../core/changes';
import { KubernetesRemovalRule } from '../core/kubernetes-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

/** Fewer partitions than before: neither MSK nor Strimzi can do it, and CloudFormation does not notice at synth. */
class TopicPartitionsRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaTopicPartitionsDecrease';

  public check(before: Assembly, after: Assembly): Finding[] {
    const decrease = (path: string, from: unknown, to: unknown, place: { templateFile?: string; logicalId?: string }): Finding[] =>
      typeof from === 'number' && typeof to === 'number' && to < from
        ? [
            {
              code: this.id,
              severity: FindingSeverity.ERROR,
              path,
              message: `partitions shrink from ${from} to ${to}; Kafka can only add partitions, so the deploy fails`,
              fix: `keep ${from}, or make a topic of another name, move the readers and retire this one`,
              ...place,
            },
          ]
        : [];
    return [
      ...pairedResources(before, after, 'AWS::MSK::Topic').flatMap((pair) =>
        decrease(pair.after.path, pair.before.properties.PartitionCount, pair.after.properties.PartitionCount, {
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        }),
      ),
      ...pairedObjects(before, after, 'KafkaTopic').flatMap((pair) =>
        decrease(pair.after.id, pair.before.manifest.spec?.partitions, pair.after.manifest.spec?.partitions, {}),
      ),
    ];
  }
}

/** A KafkaTopic whose name in Kafka or replication factor changes: the operator refuses it or starts an empty topic. */
class TopicIdentityRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaTopicIdentityChange';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, 'KafkaTopic').flatMap((pair) =>
      ['topicName', 'replicas']
        .filter((field) => !sameJson(pair.before.manifest.spec?.[field], pair.after.manifest.spec?.[field]))
        .map((field) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.id,
          message: `spec.${field} changes from ${JSON.stringify(pair.before.manifest.spec?.[field])} to ${JSON.stringify(pair.after.manifest.spec?.[field])}; the topic operator does not apply it`,
          fix: field === 'replicas' ? 'change it with Cruise Control, then here' : 'make a topic of another name and move the readers',
        })),
    );
  }
}

// What UpdateCluster calls of MSK each cover; CloudFormation sends one of them an update.
const MSK_UPDATE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'broker type': ['BrokerNodeGroupInfo.InstanceType'],
  storage: ['BrokerNodeGroupInfo.StorageInfo', 'StorageMode'],
  'broker count': ['NumberOfBrokerNodes'],
  'version and configuration': ['KafkaVersion', 'ConfigurationInfo'],
  'client authentication and encryption': ['ClientAuthentication', 'EncryptionInfo'],
  'monitoring and logging': ['EnhancedMonitoring', 'OpenMonitoring', 'LoggingInfo'],
  connectivity: ['BrokerNodeGroupInfo.ConnectivityInfo'],
  rebalancing: ['Rebalancing'],
};

/** The settings of a cluster's configuration: other settings make another revision, which the template shows only as an attribute. */
function settingsOf(cluster: SynthesizedResource, stack: SynthesizedStack): unknown {
  const configuration = cluster.properties.ConfigurationInfo?.Arn?.['Fn::GetAtt']?.[0];
  return stack.resources.find((resource) => resource.logicalId === configuration)?.properties.ServerProperties;
}

/** Two cluster attributes in one diff: MSK takes one change at a time, and the stack fails after hours. */
class OneClusterChangeRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaClusterTwoChanges';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, 'AWS::MSK::Cluster').flatMap((pair) => {
      const changed = Object.entries(MSK_UPDATE_GROUPS)
        .filter(
          ([, paths]) =>
            paths.some((path) => !sameJson(valuesAt(pair.before.properties, path), valuesAt(pair.after.properties, path))) ||
            (paths.includes('ConfigurationInfo') && settingsOf(pair.before, pair.stackBefore) !== settingsOf(pair.after, pair.stackAfter)),
        )
        .map(([group]) => group);
      if (changed.length < 2) return [];
      return [
        {
          code: this.id,
          severity: FindingSeverity.ERROR,
          path: pair.after.path,
          message: `${changed.join(' and ')} change in one deploy; MSK updates one attribute of a cluster at a time`,
          fix: `deploy them one after the other: ${changed.join(', then ')}`,
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        },
      ];
    });
  }
}

/** Storage that shrinks: neither MSK volumes nor Kubernetes claims can. */
class StorageDecreaseRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaStorageDecrease';

  public check(before: Assembly, after: Assembly): Finding[] {
    const volume = (properties: any) => properties.BrokerNodeGroupInfo?.StorageInfo?.EBSStorageInfo?.VolumeSize;
    const clusters = pairedResources(before, after, 'AWS::MSK::Cluster').filter(
      (pair) => volume(pair.after.properties) < volume(pair.before.properties),
    );
    const gib = (manifest: any): number[] => (manifest.spec?.storage?.volumes ?? []).map((item: any) => Number.parseInt(item.size, 10));
    const pools = pairedObjects(before, after, 'KafkaNodePool').filter((pair) => {
      const old = gib(pair.before.manifest);
      return gib(pair.after.manifest).some((size, index) => size < old[index]);
    });
    const finding = (path: string, from: unknown, to: unknown): Finding => ({
      code: this.id,
      severity: FindingSeverity.ERROR,
      path,
      message: `storage a broker shrinks from ${from} to ${to} GiB; volumes only grow`,
      fix: `keep ${from} GiB, or move the data to a new cluster or node pool`,
    });
    return [
      ...clusters.map((pair) => ({
        ...finding(pair.after.path, volume(pair.before.properties), volume(pair.after.properties)),
        templateFile: pair.stackAfter.templateFile,
        logicalId: pair.after.logicalId,
      })),
      ...pools.map((pair) => finding(pair.after.id, gib(pair.before.manifest).join(' and '), gib(pair.after.manifest).join(' and '))),
    ];
  }
}

const STRIMZI_KINDS = ['Kafka', 'KafkaNodePool', 'KafkaTopic'];

/** The update rules for Kafka clusters and topics, both flavours. */
export class KafkaUpdateRules {
  /** Partition decrease, topic identity, two cluster changes at once, shrinking storage, removed Strimzi resources. */
  public static all(): IUpdateRule[] {
    return [
      new TopicPartitionsRule(),
      new TopicIdentityRule(),
      new OneClusterChangeRule(),
      new StorageDecreaseRule(),
      new KubernetesRemovalRule('Millrace.KafkaRemoval', STRIMZI_KINDS),
    ];
  }

  private constructor() {}
}
