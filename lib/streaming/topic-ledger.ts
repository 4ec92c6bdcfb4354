import type { IConstruct } from 'constructs';
import { violationMessage } from '../core/error';
import type { BrokerClass } from './broker-type';
import type { KafkaSizing } from './kafka-sizing';
import { type ResolvedTopic, metricName } from './topic-rules';
import { type TopicSurroundings, surroundingsOf } from './topic-surroundings';

const ledgers = new WeakMap<IConstruct, TopicLedger>();

/** The topics declared on one cluster: together they must fit it, and their names must not collide. */
export class TopicLedger {
  /** The ledger of a cluster, made here or imported. */
  public static of(cluster: IConstruct): TopicLedger {
    const known = ledgers.get(cluster);
    if (known) return known;
    const ledger = new TopicLedger();
    ledgers.set(cluster, ledger);
    cluster.node.addValidation({ validate: () => ledger.validate() });
    return ledger;
  }

  /** Size of the cluster; unknown for an imported one. */
  public sizing?: KafkaSizing;
  /** Brokers of an imported cluster, where they are known. */
  public brokerClass?: BrokerClass;
  /** Whether the cluster is Serverless, where MSK runs the brokers unseen. */
  public serverless = false;
  private readonly topics: { readonly path: string; readonly topic: ResolvedTopic }[] = [];

  /** What the topics must respect of the cluster. */
  public get surroundings(): TopicSurroundings {
    return { ...surroundingsOf(this.sizing, this.brokerClass), ...(this.serverless ? { serverless: true } : {}) };
  }

  public add(path: string, topic: ResolvedTopic): void {
    this.topics.push({ path, topic });
  }

  private validate(): string[] {
    return [...this.collisions(), ...(this.sizing ? this.overflow(this.sizing) : [])];
  }

  private collisions(): string[] {
    const seen = new Map<string, string>();
    return this.topics.flatMap(({ path, topic }) => {
      const key = metricName(topic.topicName);
      const other = seen.get(key);
      seen.set(key, other ?? topic.topicName);
      if (other === undefined) return [];
      return [
        violationMessage({
          code: 'Millrace.KafkaTopicNameCollision',
          subject: `${path} topicName`,
          received: `'${topic.topicName}' beside '${other}'`,
          allowed: "names that differ in more than '.' and '_': Kafka refuses the second one, because their metrics collide",
          fix: 'rename one of them',
        }),
      ];
    });
  }

  private overflow(sizing: KafkaSizing): string[] {
    const replicas = this.topics.reduce((sum, { topic }) => sum + topic.partitions * topic.replicationFactor, 0);
    if (replicas <= sizing.partitionCapacity) return [];
    const largest = [...this.topics]
      .sort((a, b) => b.topic.partitions * b.topic.replicationFactor - a.topic.partitions * a.topic.replicationFactor)
      .slice(0, 3)
      .map(({ topic }) => `${topic.topicName} ${topic.partitions} x ${topic.replicationFactor}`);
    return [
      violationMessage({
        code: 'Millrace.KafkaTopicsDoNotFit',
        subject: 'topics of the cluster',
        received: `${replicas} partition replicas over ${this.topics.length} topics (largest: ${largest.join(', ')})`,
        allowed: `${sizing.partitionCapacity}: ${sizing.brokers} brokers x ${sizing.brokerType.limits.partitions} recommended a broker`,
        fix: 'raise demand.partitions of the cluster, or use fewer partitions',
      }),
    ];
  }
}
