import { CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { type RetentionDecision, removalPolicyOf } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import type { ResolvedTopic } from '../topic-rules';
import { KafkaAdmin, type KafkaAdminTarget } from './kafka-admin';

/** Properties of a topic on MSK Serverless. */
export interface ServerlessTopicProps {
  /** The cluster it stands on. */
  readonly cluster: KafkaAdminTarget;
  /** The topic with every default filled in. */
  readonly topic: ResolvedTopic;
  /** What becomes of its data when it leaves the app. */
  readonly retention: RetentionDecision;
}

/** What a topic of MSK Serverless may set (Amazon MSK Developer Guide, "Configuration properties for MSK Serverless clusters"). */
const SERVERLESS_SETTINGS = [
  'cleanup.policy',
  'compression.type',
  'max.message.bytes',
  'message.timestamp.difference.max.ms',
  'message.timestamp.type',
  'retention.bytes',
  'retention.ms',
];
const LARGEST_MESSAGE = 8 * 1024 * 1024;

function serverlessTopicRules(topic: ResolvedTopic): Rule<ResolvedTopic>[] {
  return [
    ...Object.keys(topic.config).map((name): Rule<ResolvedTopic> => ({
      code: 'Millrace.KafkaTopicConfigOnServerless',
      subject: `config['${name}']`,
      value: () => name,
      valid: () => SERVERLESS_SETTINGS.includes(name),
      allowed: `the topic settings of MSK Serverless: ${SERVERLESS_SETTINGS.join(', ')}`,
      fix: 'drop it: MSK Serverless decides it by itself',
    })),
    {
      code: 'Millrace.KafkaTopicConfigOnServerless',
      subject: "config['max.message.bytes']",
      value: ({ config }) => config['max.message.bytes'],
      valid: (bytes: string) => Number(bytes) <= LARGEST_MESSAGE,
      allowed: `at most ${LARGEST_MESSAGE} bytes (8 MiB) on MSK Serverless`,
      fix: 'send smaller messages, or use a provisioned cluster',
    },
  ];
}

/**
 * A topic on MSK Serverless, for which CloudFormation has no type: the cluster's admin function makes and alters it. It deletes it only
 * where that was declared with both keys, and only then has the permission to.
 *
 * @throws Millrace.KafkaTopicConfigOnServerless, Millrace.KafkaAdminTopicsTooMany
 */
export class ServerlessTopic extends Construct {
  constructor(scope: Construct, id: string, props: ServerlessTopicProps) {
    super(scope, id);
    const { topic, retention } = props;
    enforce(this.node.path, topic, serverlessTopicRules(topic));
    const admin = KafkaAdmin.of(props.cluster);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::MillraceKafkaTopic',
      serviceToken: admin.serviceToken,
      serviceTimeout: Duration.minutes(10),
      removalPolicy: removalPolicyOf(retention),
      properties: {
        TopicName: topic.topicName,
        PartitionCount: topic.partitions,
        ReplicationFactor: topic.replicationFactor,
        Configs: topic.config,
        OnDelete: retention.destroy ? 'DELETE' : 'RETAIN',
      },
    });
    resource.node.addDependency(...admin.allowTopic(topic.topicName));
    if (retention.destroy) resource.node.addDependency(admin.allowDeletion(this, topic.topicName));
  }
}
