import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import type { Schema } from '../schema';
import type { ITopic, TopicOptions } from '../topic';
import { declareTopic } from '../topic-declaration';
import { TopicLedger } from '../topic-ledger';
import { type ResolvedTopic, TOPIC_NAME_RULE, deadLetterOptions, resolveTopic, topicRules } from '../topic-rules';
import { schemasOf } from '../topic-schemas';
import type { IKafkaCluster } from './kafka-cluster';
import { RegisteredSchema } from './registered-schema';
import { type ISchemaRegistry, SchemaRegistry } from './schema-registry';
import { TopicGrants } from './topic-grants';

/** What identifies an existing topic. */
export interface TopicAttributes {
  /** The cluster it stands on. */
  readonly cluster: IKafkaCluster;
  /** Its name in Kafka. */
  readonly topicName: string;
  /**
   * What its values look like, for those who make features of them.
   * @default - unknown
   */
  readonly schema?: Schema;
}

/** Properties of a Strimzi topic. */
export interface TopicProps extends TopicOptions {
  /** The cluster, made here or imported. */
  readonly cluster: IKafkaCluster;
  /**
   * Where its schemas are registered; an imported cluster has a registry already, which has to be named.
   * @default - the registry of a cluster made here, `SchemaRegistry.forCluster`
   */
  readonly schemaRegistry?: ISchemaRegistry;
}

/**
 * A Kafka topic managed by Strimzi's topic operator. Kept by Argo CD, Flux and Helm when it leaves the manifests, because the operator
 * deletes the topic with its object. While the operator is gone, the object's finalizer keeps a namespace in Terminating: remove topics
 * before the operator, or clear `metadata.finalizers`.
 *
 * @throws Millrace.KafkaTopicNameInvalid, Millrace.KafkaTopicPartitionsInvalid, Millrace.KafkaTopicDemandInvalid,
 * Millrace.KafkaTopicReplicationInvalid, Millrace.KafkaTopicRetentionInvalid, Millrace.KafkaTopicRetentionTwice,
 * Millrace.KafkaTopicRetentionBelowSegment, Millrace.KafkaTopicConfigUnknown, Millrace.KafkaTopicConfigInvalid,
 * Millrace.KafkaTopicTieredInvalid, Millrace.KafkaTopicUncleanElection, Millrace.KafkaTopicMinInsyncInvalid,
 * Millrace.KafkaChangelogDeletes, Millrace.KafkaCompatibilityWithoutSchema, Millrace.SchemaRegistryUnknown, Millrace.TokenRefused
 */
export class Topic extends Construct implements ITopic {
  /** Imports an existing topic, to grant access to it. */
  public static fromTopicAttributes(scope: Construct, id: string, attributes: TopicAttributes): ImportedTopic {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedTopic(scope, id, attributes);
  }

  /** Name in Kafka. */
  public readonly topicName: string;
  /** What its values look like, where that is known. */
  public readonly schema?: Schema;
  /** Access to this topic. */
  public readonly grants: TopicGrants;
  /** Where its consumers put what they could not process, when it has such a topic. */
  public readonly deadLetterTopic?: Topic;

  constructor(scope: Construct, id: string, props: TopicProps) {
    super(scope, id);
    const ledger = TopicLedger.of(props.cluster);
    const { surroundings } = ledger;
    enforce(this.node.path, { ...props, surroundings }, topicRules(props.config));
    const resolved = resolveTopic(props, surroundings);
    const { topicName, partitions, replicationFactor, config } = resolved;
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaTopic',
      metadata: {
        namespace: props.cluster.namespace,
        labels: { 'strimzi.io/cluster': props.cluster.clusterName },
        annotations: retentionAnnotations(decideRetention(this, props.removalPolicy)),
      },
      spec: {
        topicName,
        partitions,
        replicas: replicationFactor,
        config,
      },
    });
    this.topicName = topicName;
    this.schema = props.schema;
    this.deadLetterTopic = this.makeDeadLetterTopic(props, resolved);
    const deadLetterTopicName = this.deadLetterTopic?.topicName;
    this.grants = new TopicGrants(this, props.cluster, { topicName, partitions, deadLetterTopicName }, this.registerSchemas(props));
    declareTopic(this, props.cluster, props, resolved, deadLetterTopicName);
  }

  private makeDeadLetterTopic(props: TopicProps, resolved: ResolvedTopic): Topic | undefined {
    if (!props.deadLetter) return undefined;
    return new Topic(this, 'DeadLetter', { ...deadLetterOptions(props, resolved), cluster: props.cluster });
  }

  /** Registers the schemas with the registry that was named, or with that of the cluster, which is made for the first of them. */
  private registerSchemas(props: TopicProps): ISchemaRegistry | undefined {
    const schemas = schemasOf(props);
    if (schemas.length === 0) return undefined;
    const { schemaRegistry, cluster } = props;
    if (schemaRegistry) {
      for (const schema of schemas) new RegisteredSchema(this, schema.subject, { ...schema, registry: schemaRegistry });
      return schemaRegistry;
    }
    // A second registry of one cluster would keep its schemas in the topics of the first.
    if (!TopicLedger.of(cluster).sizing) {
      refuse(this.node.path, {
        code: 'Millrace.SchemaRegistryUnknown',
        subject: 'schemaRegistry',
        received: 'a schema for a topic of an imported cluster, and no registry',
        allowed: 'the registry that the cluster has',
        fix: 'give SchemaRegistry.fromSchemaRegistryAttributes(…), or a SchemaRegistry made with SchemaRegistryStorage.kafka(cluster)',
      });
    }
    const registry = SchemaRegistry.forCluster(cluster);
    for (const schema of schemas) registry.addSchema(schema.subject, schema);
    return registry;
  }
}

/**
 * A topic that exists already.
 *
 * @throws Millrace.KafkaTopicNameInvalid
 */
export class ImportedTopic extends Construct implements ITopic {
  /** Name in Kafka. */
  public readonly topicName: string;
  /** What its values look like, where that is known. */
  public readonly schema?: Schema;
  /** Access to this topic. */
  public readonly grants: TopicGrants;

  constructor(scope: Construct, id: string, props: TopicAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [TOPIC_NAME_RULE]);
    this.topicName = props.topicName;
    this.schema = props.schema;
    this.grants = new TopicGrants(this, props.cluster, { topicName: props.topicName });
  }
}
