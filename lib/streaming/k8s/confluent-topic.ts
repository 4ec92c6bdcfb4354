import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { KafkaUpdateRules } from '../kafka-update-rules';
import { StreamCatalog } from '../stream-catalog';
import type { ITopic, TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { TOPIC_NAME_RULE, resolveTopic, topicRules } from '../topic-rules';
import type { IConfluentCluster } from './confluent-cluster';
import { ConfluentTopicGrants } from './confluent-topic-grants';

/** What identifies an existing topic. */
export interface ConfluentTopicAttributes {
  /** The cluster it stands on. */
  readonly cluster: IConfluentCluster;
  /** Its name in Kafka. */
  readonly topicName: string;
}

/** Properties of a topic of a Confluent cluster. */
export interface ConfluentTopicProps extends TopicOptions {
  /** The cluster, made here or imported. */
  readonly cluster: IConfluentCluster;
}

/**
 * A Kafka topic managed by Confluent for Kubernetes. Kept by Argo CD, Flux and Helm when it leaves the manifests, because the operator deletes
 * the topic with its object.
 *
 * @throws Millrace.KafkaTopicNameInvalid, Millrace.KafkaTopicPartitionsInvalid, Millrace.KafkaTopicReplicationInvalid,
 * Millrace.KafkaTopicRetentionInvalid, Millrace.KafkaTopicConfigUnknown, Millrace.KafkaTopicConfigInvalid,
 * Millrace.KafkaTopicUncleanElection, Millrace.KafkaTopicMinInsyncInvalid, Millrace.KafkaTopicRetentionTwice, Millrace.KafkaTopicConfigTwice,
 * Millrace.TokenRefused
 */
export class ConfluentTopic extends Construct implements ITopic {
  /** Imports an existing topic, to grant access to it. */
  public static fromConfluentTopicAttributes(scope: Construct, id: string, attributes: ConfluentTopicAttributes): ImportedConfluentTopic {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedConfluentTopic(scope, id, attributes);
  }

  /** Name in Kafka. */
  public readonly topicName: string;
  /** Access to this topic. */
  public readonly grants: ConfluentTopicGrants;

  constructor(scope: Construct, id: string, props: ConfluentTopicProps) {
    super(scope, id);
    const { cluster } = props;
    const ledger = TopicLedger.of(cluster);
    const { surroundings } = ledger;
    enforce(this.node.path, { ...props, surroundings }, topicRules(props.config));
    const resolved = resolveTopic(props, surroundings);
    new ApiObject(this, 'Resource', {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'KafkaTopic',
      metadata: {
        namespace: cluster.namespace,
        annotations: retentionAnnotations(decideRetention(this, props.removalPolicy)),
      },
      spec: {
        name: resolved.topicName,
        partitionCount: resolved.partitions,
        replicas: resolved.replicationFactor,
        configs: resolved.config,
        // Without it the operator would have to guess which cluster, and by which certificate.
        kafkaRestClassRef: { name: cluster.restClassName },
      },
    });
    this.topicName = resolved.topicName;
    this.grants = new ConfluentTopicGrants(this, cluster);
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    ledger.add(this.node.path, resolved);
    const { topicName, partitions, replicationFactor, config } = resolved;
    const { clusterName } = cluster;
    StreamCatalog.of(this).topics.push({ construct: this, clusterName, topicName, partitions, replicationFactor, config });
  }
}

/**
 * A topic that exists already.
 *
 * @throws Millrace.KafkaTopicNameInvalid
 */
export class ImportedConfluentTopic extends Construct implements ITopic {
  /** Name in Kafka. */
  public readonly topicName: string;
  /** Access to this topic. */
  public readonly grants: ConfluentTopicGrants;

  constructor(scope: Construct, id: string, props: ConfluentTopicAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [TOPIC_NAME_RULE]);
    this.topicName = props.topicName;
    this.grants = new ConfluentTopicGrants(this, props.cluster);
  }
}
