import { Annotations, Resource } from 'aws-cdk-lib';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { DESTROY_NEEDS_TWO_KEYS, type RetentionDecision, decideRetention, removalPolicyOf } from '../../core/retention';
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
import { SchemaRegistryGrants } from './schema-registry-grants';
import { ServerlessTopic } from './serverless-topic';
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

/** Properties of a topic on MSK. */
export interface TopicProps extends TopicOptions {
  /** The cluster, made here or imported. MSK manages topics of provisioned clusters on Kafka 3.6 and later. */
  readonly cluster: IKafkaCluster;
  /**
   * Where its schemas are registered; name that of an imported cluster, or a second one is made.
   * @default - the registry of the cluster, `SchemaRegistry.forCluster`
   */
  readonly schemaRegistry?: ISchemaRegistry;
}

/**
 * A Kafka topic on MSK, made by CloudFormation itself; on Serverless, for whose topics it has no type, by the cluster's admin function.
 * Retained, because a changed name or replication factor makes CloudFormation delete the topic and create an empty one. Topics carry no
 * tags; their cost follows the cluster's.
 *
 * Adopt an existing topic with `cdk import` of the child `Resource`; keep its logical id when the construct is renamed.
 *
 * @throws Millrace.KafkaTopicNameInvalid, Millrace.KafkaTopicPartitionsInvalid, Millrace.KafkaTopicDemandInvalid,
 * Millrace.KafkaTopicReplicationInvalid, Millrace.KafkaTopicRetentionInvalid, Millrace.KafkaTopicRetentionTwice,
 * Millrace.KafkaTopicRetentionBelowSegment, Millrace.KafkaTopicConfigUnknown, Millrace.KafkaTopicConfigInvalid,
 * Millrace.KafkaTopicTieredInvalid, Millrace.KafkaTopicUncleanElection, Millrace.KafkaTopicMinInsyncInvalid,
 * Millrace.KafkaChangelogDeletes, Millrace.KafkaCompatibilityWithoutSchema, Millrace.KafkaTopicConfigOnExpress,
 * Millrace.KafkaTopicConfigOnServerless, Millrace.TokenRefused
 */
export class Topic extends Resource implements ITopic {
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
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- its grants are the point, and interfaces have attributes only
  public readonly deadLetterTopic?: Topic;

  constructor(scope: Construct, id: string, props: TopicProps) {
    super(scope, id);
    const ledger = TopicLedger.of(props.cluster);
    const { isServerless } = props.cluster;
    const surroundings = isServerless ? { express: false, serverless: true } : ledger.surroundings;
    enforce(this.node.path, { ...props, surroundings }, topicRules(props.config));
    const resolved = resolveTopic(props, surroundings);
    const { topicName, partitions } = resolved;
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    this.makeTopic(props.cluster, resolved, decision);
    this.topicName = topicName;
    this.schema = props.schema;
    this.deadLetterTopic = this.makeDeadLetterTopic(props, resolved);
    const deadLetterTopicName = this.deadLetterTopic?.topicName;
    const subjects = schemasOf(props).map(({ subject }) => subject);
    const target = { topicName, partitions, deadLetterTopicName };
    this.grants = new TopicGrants(this, props.cluster, target, this.registerSchemas(props), subjects);
    declareTopic(this, props.cluster, props, resolved, deadLetterTopicName);
  }

  private makeDeadLetterTopic(props: TopicProps, resolved: ResolvedTopic): Topic | undefined {
    if (!props.deadLetter) return undefined;
    return new Topic(this, 'DeadLetter', { ...deadLetterOptions(props, resolved), cluster: props.cluster });
  }

  /** Registers the schemas with the registry that was named, or with that of the cluster, which is made for the first of them. */
  private registerSchemas(props: TopicProps): SchemaRegistryGrants | undefined {
    const schemas = schemasOf(props);
    if (schemas.length === 0) return undefined;
    const given = props.schemaRegistry;
    if (given) {
      for (const schema of schemas) new RegisteredSchema(this, schema.subject, { ...schema, registry: given });
      return new SchemaRegistryGrants(given);
    }
    const registry = SchemaRegistry.forCluster(props.cluster);
    for (const schema of schemas) registry.addSchema(schema.subject, schema);
    return registry.grants;
  }

  private makeTopic(cluster: IKafkaCluster, topic: ResolvedTopic, retention: RetentionDecision): void {
    if (cluster.isServerless) {
      new ServerlessTopic(this, 'Resource', { cluster, topic, retention });
      return;
    }
    const properties = Object.entries(topic.config).map(([name, value]) => `${name}=${value}\n`);
    const resource = new msk.CfnTopic(this, 'Resource', {
      clusterArn: cluster.clusterArn,
      topicName: topic.topicName,
      partitionCount: topic.partitions,
      replicationFactor: topic.replicationFactor,
      configs: Buffer.from(properties.join(''), 'utf8').toString('base64'),
    });
    resource.applyRemovalPolicy(removalPolicyOf(retention));
  }
}

/**
 * A topic that exists already.
 *
 * @throws Millrace.KafkaTopicNameInvalid
 */
export class ImportedTopic extends Resource implements ITopic {
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
