import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Rule } from '../core/rule';
import type { KafkaDemand, KafkaSizing } from './kafka-sizing';

/** A Kafka cluster of either flavour. */
export interface IKafkaCluster extends IConstruct {
  /** Name of the cluster: on AWS the MSK cluster, on Kubernetes the Kafka resource. */
  readonly clusterName: string;
}

/** What both flavours of a Kafka cluster take. */
export interface KafkaClusterOptions {
  /**
   * Name of the cluster. Changing it replaces the cluster.
   * @default - from the construct path
   */
  readonly clusterName?: string;
  /**
   * What the cluster must carry; it is sized for it. Give this or `sizing`.
   * @default - `sizing` is given
   */
  readonly demand?: KafkaDemand;
  /**
   * A size decided already. Give this or `demand`.
   * @default - decided from `demand`
   */
  readonly sizing?: KafkaSizing;
  /**
   * What becomes of the data when the cluster leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Rules for what both flavours take. */
export const KAFKA_CLUSTER_RULES: readonly Rule<KafkaClusterOptions>[] = [
  {
    code: 'Millrace.KafkaClusterSizeMissing',
    subject: 'demand, sizing',
    value: (options) => [options.demand && 'demand', options.sizing && 'sizing'].filter(Boolean),
    valid: (given: string[]) => given.length === 1,
    allowed: 'either a demand or a sizing',
    fix: 'state the demand, or give KafkaSizing.fixed(…)',
  },
];
