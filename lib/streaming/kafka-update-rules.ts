import type { Assembly } from '../core/assembly';
import { type ObjectPair, pairedObjects, pairedResources, sameJson } from '../core/changes';
import { KubernetesRemovalRule } from '../core/kubernetes-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { adminUpdateRules } from './admin-update-rules';
import { mskUpdateRules } from './msk-update-rules';
import { nodePoolUpdateRules } from './node-pool-update-rules';
import { replicatorUpdateRules } from './replicator-update-rules';
import { schemaUpdateRules } from './schema-update-rules';
import { confluentUpdateRules } from './confluent-update-rules';
import { strimziUpdateRules } from './strimzi-update-rules';

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

/** Confluent's KafkaTopic has rules of its own. */
function isStrimzi({ after }: ObjectPair): boolean {
  return !String(after.manifest.apiVersion).startsWith('platform.confluent.io/');
}

/** A KafkaTopic whose name in Kafka or replication factor changes: the operator refuses it or starts an empty topic. */
class TopicIdentityRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaTopicIdentityChange';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, 'KafkaTopic')
      .filter(isStrimzi)
      .flatMap((pair) =>
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

/** An app knows one rule an id, so what both flavours refuse under one id is one rule. */
function oneById(rules: readonly IUpdateRule[]): IUpdateRule[] {
  const ids = [...new Set(rules.map((rule) => rule.id))];
  return ids.map((id) => ({
    id,
    check: (before, after) => rules.filter((rule) => rule.id === id).flatMap((rule) => rule.check(before, after)),
  }));
}

/** Kinds of Strimzi and of Confluent that hold data, or without whose schemas it cannot be read; both have a Kafka and a KafkaTopic. */
const STORING_KINDS = ['Kafka', 'KafkaNodePool', 'KafkaTopic', 'KRaftController', 'Schema'];

/** The update rules for Kafka clusters and topics, both flavours. */
export class KafkaUpdateRules {
  /** What neither MSK nor Strimzi can do to a running cluster or topic, or only with loss, and removed Strimzi resources. */
  public static all(): IUpdateRule[] {
    return oneById([
      new TopicPartitionsRule(),
      new TopicIdentityRule(),
      ...adminUpdateRules(),
      ...mskUpdateRules(),
      ...nodePoolUpdateRules(),
      ...replicatorUpdateRules(),
      ...schemaUpdateRules(),
      ...strimziUpdateRules(),
      ...confluentUpdateRules(),
      new KubernetesRemovalRule('Millrace.KafkaRemoval', STORING_KINDS),
    ]);
  }

  private constructor() {}
}
