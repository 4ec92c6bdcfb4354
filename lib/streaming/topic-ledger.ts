import type { IConstruct } from 'constructs';
import { violationMessage } from '../core/error';
import type { BrokerClass } from './broker-type';
import type { KafkaSizing } from './kafka-sizing';
import type { ServerlessSizing } from './serverless-sizing';
import { CleanupPolicy } from './topic';
import { topicsFit } from './topic-load';
import { type ResolvedTopic, metricName, shapeOf } from './topic-rules';
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
  /** Quotas of a serverless cluster, which has no brokers. */
  public serverless?: ServerlessSizing;
  /** Brokers of an imported cluster, where they are known. */
  public brokerClass?: BrokerClass;
  private readonly topics: { readonly path: string; readonly topic: ResolvedTopic }[] = [];

  /** What the topics must respect of the cluster. */
  public get surroundings(): TopicSurroundings {
    return surroundingsOf(this.sizing, this.brokerClass);
  }

  public add(path: string, topic: ResolvedTopic): void {
    this.topics.push({ path, topic });
  }

  private validate(): string[] {
    const { sizing, serverless } = this;
    const room = sizing ?? serverless;
    if (!room) return this.collisions();
    const shapes = this.topics.map(({ topic }) => shapeOf(topic));
    const overflow = sizing ? this.overflow(sizing) : this.beyondQuotas(serverless!);
    return [...this.collisions(), ...overflow, ...topicsFit(room, shapes).map(violationMessage)];
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

  /** MSK Serverless counts leaders, compacted topics by themselves (MSK developer guide, "MSK Serverless quota"). */
  private beyondQuotas({ partitionCapacity, compactedPartitionCapacity }: ServerlessSizing): string[] {
    const isCompacted = ({ config }: ResolvedTopic) => config['cleanup.policy'] !== CleanupPolicy.DELETE;
    const exceeded = (compacted: boolean, most: number) => {
      const topics = this.topics.map(({ topic }) => topic).filter((topic) => isCompacted(topic) === compacted);
      const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
      if (partitions <= most) return [];
      const kind = compacted ? 'compacted topics' : 'topics that are not compacted';
      return [
        violationMessage({
          code: 'Millrace.KafkaTopicsDoNotFit',
          subject: 'topics of the cluster',
          received: `${partitions} partitions over ${topics.length} ${kind}`,
          allowed: `${most} partitions of ${kind} on MSK Serverless`,
          fix: 'use fewer partitions, or take brokers: KafkaCluster',
        }),
      ];
    };
    return [...exceeded(false, partitionCapacity), ...exceeded(true, compactedPartitionCapacity)];
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
