import { BrokerClass } from './broker-type';
import type { KafkaSizing } from './kafka-sizing';
import type { TopicOptions } from './topic';

const DEFAULT_REPLICATION_FACTOR = 3;

/** A topic in its surroundings, as the rules see it. */
export type TopicInput = TopicOptions & { readonly surroundings: TopicSurroundings };

/** What a topic must respect of its cluster. */
export interface TopicSurroundings {
  /** Brokers of the cluster. @default - unknown: an imported cluster */
  readonly brokers?: number;
  /** Copies of each partition that the size of the cluster counts on. @default - unknown: an imported cluster */
  readonly replicationFactor?: number;
  /** Whether the brokers are Express. */
  readonly express: boolean;
  /** Whether MSK runs the brokers unseen. @default false */
  readonly serverless?: boolean;
}

/** What a cluster tells its topics. */
export function surroundingsOf(sizing: KafkaSizing | undefined, brokerClass?: BrokerClass): TopicSurroundings {
  return {
    brokers: sizing?.brokers,
    replicationFactor: sizing?.replicationFactor,
    express: (sizing?.brokerType.brokerClass ?? brokerClass) === BrokerClass.EXPRESS,
  };
}

/** Copies of each partition of a topic. */
export function replicationFactorOf(options: TopicOptions, surroundings: TopicSurroundings): number {
  return options.replicationFactor ?? surroundings.replicationFactor ?? DEFAULT_REPLICATION_FACTOR;
}

/** Whether MSK replicates and rolls the topics itself: Express and Serverless. */
export function isManaged({ express, serverless }: TopicSurroundings): boolean {
  return express || serverless === true;
}
