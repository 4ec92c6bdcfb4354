import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { enforce } from '../../core/rule';
import { keySubjectOf } from '../schema-registry';
import type { Schema } from '../schema';
import type { ITopic, TopicOptions } from '../topic';
import { declareTopic } from '../topic-declaration';
import { TopicLedger } from '../topic-ledger';
import { type ResolvedTopic, TOPIC_NAME_RULE, deadLetterOptions, resolveTopic, topicRules } from '../topic-rules';
import { schemasOf } from '../topic-schemas';
import type { IConfluentCluster } from './confluent-cluster';
import { ConfluentSchema } from './confluent-schema';
import { ConfluentSchemaRegistry } from './confluent-schema-registry';
import { ConfluentTopicGrants } from './confluent-topic-grants';

/** What identifies an existing topic. */
export interface ConfluentTopicAttributes {
  /** The cluster it stands on. */
  readonly cluster: IConfluentCluster;
  /** Its name in Kafka. */
  readonly topicName: string;
  /**
   * What its values look like, for those who make features of them.
   * @default - unknown
   */
  readonly schema?: Schema;
}

/** Properties of a topic of a Confluent cluster. */
export interface ConfluentTopicProps extends TopicOptions {
  /** The cluster, made here or imported. */
  readonly cluster: IConfluentCluster;
}

/**
 * A Kafka topic managed by Confluent for Kubernetes. Kept by Argo CD, Flux and Helm when it leaves the manifests, because the operator deletes
 * the topic with its object. Its schemas go to the `ConfluentSchemaRegistry` of the cluster, which must stand there before it.
 *
 * @throws Millrace.KafkaTopicNameInvalid, Millrace.KafkaTopicPartitionsInvalid, Millrace.KafkaTopicDemandInvalid,
 * Millrace.KafkaTopicReplicationInvalid, Millrace.KafkaTopicRetentionInvalid, Millrace.KafkaTopicRetentionTwice,
 * Millrace.KafkaTopicRetentionBelowSegment, Millrace.KafkaTopicConfigUnknown, Millrace.KafkaTopicConfigInvalid,
 * Millrace.KafkaTopicTieredInvalid, Millrace.KafkaTopicUncleanElection, Millrace.KafkaTopicMinInsyncInvalid,
 * Millrace.KafkaChangelogDeletes, Millrace.KafkaCompatibilityWithoutSchema, Millrace.ConfluentSchemaRegistryMissing, Millrace.TokenRefused
 */
export class ConfluentTopic extends Construct implements ITopic {
  /** Imports an existing topic, to grant access to it. */
  public static fromConfluentTopicAttributes(scope: Construct, id: string, attributes: ConfluentTopicAttributes): ImportedConfluentTopic {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedConfluentTopic(scope, id, attributes);
  }

  /** Name in Kafka. */
  public readonly topicName: string;
  /** What its values look like, where that is known. */
  public readonly schema?: Schema;
  /** Access to this topic. */
  public readonly grants: ConfluentTopicGrants;
  /** Where its consumers put what they could not process, when it has such a topic. */
  public readonly deadLetterTopic?: ConfluentTopic;

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
    const { topicName } = resolved;
    this.topicName = topicName;
    this.schema = props.schema;
    this.deadLetterTopic = this.makeDeadLetterTopic(props, resolved);
    const deadLetterTopicName = this.deadLetterTopic?.topicName;
    this.grants = new ConfluentTopicGrants(this, cluster, { topicName, deadLetterTopicName }, this.registerSchemas(props));
    declareTopic(this, props.cluster, props, resolved, deadLetterTopicName);
  }

  private makeDeadLetterTopic(props: ConfluentTopicProps, resolved: ResolvedTopic): ConfluentTopic | undefined {
    if (!props.deadLetter) return undefined;
    return new ConfluentTopic(this, 'DeadLetter', { ...deadLetterOptions(props, resolved), cluster: props.cluster });
  }

  private registerSchemas(props: ConfluentTopicProps): ConfluentSchema[] {
    const { cluster, removalPolicy } = props;
    return schemasOf(props).map((options) => {
      const registry = ConfluentSchemaRegistry._of(cluster) ?? this.refuseSchema(cluster);
      const id = options.subject === keySubjectOf(props.topicName) ? 'KeySchema' : 'ValueSchema';
      return new ConfluentSchema(this, id, { ...options, registry, removalPolicy });
    });
  }

  private refuseSchema(cluster: IConfluentCluster): never {
    return refuse(this.node.path, {
      code: 'Millrace.ConfluentSchemaRegistryMissing',
      subject: 'schema, keySchema',
      received: `a schema on cluster '${cluster.clusterName}', which has no Schema Registry so far`,
      allowed: 'a schema on a cluster with a registry to hold it',
      fix: 'make a ConfluentSchemaRegistry for the cluster, or import one, before its topics',
    });
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
  /** What its values look like, where that is known. */
  public readonly schema?: Schema;
  /** Access to this topic. */
  public readonly grants: ConfluentTopicGrants;

  constructor(scope: Construct, id: string, props: ConfluentTopicAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [TOPIC_NAME_RULE]);
    this.topicName = props.topicName;
    this.schema = props.schema;
    this.grants = new ConfluentTopicGrants(this, props.cluster, { topicName: props.topicName });
  }
}
