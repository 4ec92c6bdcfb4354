import { Annotations, Resource } from 'aws-cdk-lib';
import * as msk from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { DESTROY_NEEDS_TWO_KEYS, decideRetention, removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { Compatibility } from '../compatibility';
import { KafkaUpdateRules } from '../kafka-update-rules';
import type { ITopic, TopicOptions } from '../topic';
import { TopicLedger } from '../topic-ledger';
import { StreamCatalog } from '../stream-catalog';
import { TOPIC_NAME_RULE, deadLetterOptions, resolveTopic, topicRules } from '../topic-rules';
import type { IKafkaCluster } from './kafka-cluster';
import { TopicGrants } from './topic-grants';

/** What identifies an existing topic. */
export interface TopicAttributes {
  /** The cluster it stands on. */
  readonly cluster: IKafkaCluster;
  /** Its name in Kafka. */
  readonly topicName: string;
}

/** Properties of a topic on MSK. */
export interface TopicProps extends TopicOptions {
  /** The cluster, made here or imported. MSK manages topics of provisioned clusters on Kafka 3.6 and later. */
  readonly cluster: IKafkaCluster;
}

/**
 * A Kafka topic on MSK, made by CloudFormation itself: no function, no custom resource. Retained, because a changed name or replication
 * factor makes CloudFormation delete the topic and create an empty one. Topics carry no tags; their cost follows the cluster's.
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
    const properties = Object.entries(config).map(([name, value]) => `${name}=${value}\n`);
    const topic = new msk.CfnTopic(this, 'Resource', {
      clusterArn: props.cluster.clusterArn,
      topicName,
      partitionCount: partitions,
      replicationFactor,
      configs: Buffer.from(properties.join(''), 'utf8').toString('base64'),
    });
    this.topicName = topicName;
    if (props.deadLetter)
      this.deadLetterTopic = new Topic(this, 'DeadLetter', { ...deadLetterOptions(props, resolved), cluster: props.cluster });
    const deadLetterTopicName = this.deadLetterTopic?.topicName;
    this.grants = new TopicGrants(this, props.cluster, { topicName, partitions, deadLetterTopicName });
    const decision = decideRetention(this, props.removalPolicy);
    if (decision.warning) Annotations.of(this).addWarningV2(DESTROY_NEEDS_TWO_KEYS, decision.warning);
    topic.applyRemovalPolicy(removalPolicyOf(decision));
    requireAllocation(this);
    registerUpdateRules(this, KafkaUpdateRules.all());
    ledger.add(this.node.path, resolved);
    const { schema, keySchema } = props;
    const compatibility = schema || keySchema ? (props.compatibility ?? Compatibility.BACKWARD) : undefined;
    StreamCatalog.of(this).topics.push({
      construct: this,
      clusterName: props.cluster.clusterName,
      topicName,
      partitions,
      replicationFactor,
      config,
      schema,
      keySchema,
      compatibility,
      deadLetterTopicName,
    });
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
  /** Access to this topic. */
  public readonly grants: TopicGrants;

  constructor(scope: Construct, id: string, props: TopicAttributes) {
    super(scope, id);
    enforce(this.node.path, props, [TOPIC_NAME_RULE]);
    this.topicName = props.topicName;
    this.grants = new TopicGrants(this, props.cluster, { topicName: props.topicName });
  }
}
