import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IKafkaCluster } from '../../streaming/aws/kafka-cluster';
import { ImportedTopic, Topic } from '../../streaming/aws/topic';
import { TopicGrants } from '../../streaming/aws/topic-grants';
import { type Schema, SchemaFormat } from '../../streaming/schema';
import type { ITopic } from '../../streaming/topic';
import type { MessageRate } from '../../streaming/topic-demand';
import { takeConsumerGroup } from './consumer-groups';
import { FeatureGroupGrants } from './feature-group-grants';
import { FeatureIngestionMetrics } from './feature-ingestion-metrics';
import { DEFAULT_BATCHING, FEATURE_INGESTION_RULES } from './feature-ingestion-rules';
import { FeatureIngestionSizing } from './feature-ingestion-sizing';
import type { IFeatureGroup } from './imported-feature-group';
import { IngestionCode, ingestionMapping } from './ingestion-code';
import { allowDeadLetters, allowFailures, allowPolling, allowSchemaLookup, openBrokersToPollers } from './ingestion-access';
import { failureBucket } from './ingestion-failures';

/** How records are handed to the function. */
export interface FeatureIngestionBatching {
  /**
   * Records in a batch at most: 1-10,000. A batch also ends at the 6 MB of an invocation.
   * @default 500
   */
  readonly size?: number;
  /**
   * How long Lambda waits for a batch to fill: whole seconds, at most 300, and less than the freshness that the schema promises.
   * @default Duration.seconds(1)
   */
  readonly window?: Duration;
  /**
   * Records that one invocation writes at a time: 1-50.
   * @default 16
   */
  readonly parallelWrites?: number;
}

/** Properties of the ingestion of a topic into a feature group. */
export interface FeatureIngestionProps {
  /** The topic, with a schema in Avro or JSON Schema. */
  readonly topic: ITopic;
  /** The cluster of the topic, which knows its clients by IAM. */
  readonly cluster: IKafkaCluster;
  /** Where its records go. */
  readonly featureGroup: IFeatureGroup;
  /**
   * The consumer group: 1-200 letters, digits, `.`, `_` or `-`, of this ingestion alone among all mappings of Kafka in the account. Another
   * one starts at the beginning of the topic.
   * @default - `features-<name of the feature group>`
   */
  readonly groupId?: string;
  /**
   * What the topic carries at peak. With it Lambda keeps pollers for this topic alone (provisioned mode, paid by the hour), tries single records
   * again instead of whole batches, and leaves to the dead-letter topic what does not pass. It never has more pollers at work than the topic
   * has partitions.
   * @default - unknown: Lambda scales the pollers by itself, from one, and tries whole batches again, ten times as AWS documents it, before it
   * keeps the whole of one in the failure bucket
   */
  readonly demand?: MessageRate;
  /**
   * How records are handed to the function.
   * @default - 500 records or a second, 16 writes at a time
   */
  readonly batching?: FeatureIngestionBatching;
  /**
   * Where records are kept that were not written, under `rejected/` and `aws/lambda/`.
   * @default - a bucket of its own: private, encrypted, TLS only, retained, its objects kept for 14 days
   */
  readonly failureBucket?: s3.IBucket;
  /**
   * The Avro schemas of records in the Confluent format, by the id that their registry gave them. Records that name another id are rejected.
   * @default - none: records have the header of AWS Glue, whose schemas are looked up
   */
  readonly confluentSchemas?: { readonly [id: string]: Schema };
}

/** Longer than any answer of SageMaker; the function tries again for that long, and Lambda after it. */
const TIMEOUT = Duration.minutes(2);
/** With at least a minute and a half of trying in each: most of an hour, in which SageMaker should be back. */
const RETRIES = 30;
/** Kept out of the 4 KB of the environment, which has these four alone. */
type Environment = Readonly<Record<'FEATURE_GROUP_NAME' | 'FAILURE_BUCKET' | 'PARALLEL_WRITES' | 'REPORTS_ITEMS', string>>;

/**
 * Writes the records of a topic to a SageMaker feature group, online and offline: a Lambda function behind an event source mapping.
 *
 * The function's code is in the package; a deploy installs nothing. It reads Avro with the header of AWS Glue (zlib or plain), whose version
 * it looks up by id and keeps, so that records of every version that producers still write are brought to the topic's schema; the Confluent
 * header with the ids of `confluentSchemas`; and JSON, with a header or without. Records of one entity are written in their order.
 *
 * What can never be written (no record of the schema, no entity key, a time before 1970 or more than a day ahead) goes to `failures` at once,
 * is counted in RecordsRejected and blocks nothing. Whatever else stands in the way, such as throttling or a missing permission, is waited for:
 * in the function, then by Lambda, which tries again for most of an hour, without `demand` for a quarter. What has not passed after that goes
 * to the dead-letter topic where there is one, and a `demand`, else to `failures`. A record without a value, which compacted topics use to
 * delete, is rejected. Both places hold records as they were, so who may read them may read the topic.
 *
 * The function stands outside of the VPC. Lambda's pollers use the network and the security groups of the brokers, which are opened to
 * themselves and to HTTPS. Without `demand` that network needs a way to Lambda and STS, and always one to S3: a NAT gateway, or endpoints.
 *
 * @throws Millrace.FeatureIngestionSchemaUnknown, Millrace.FeatureIngestionFormatUnsupported, Millrace.FeatureIngestionBatchingInvalid,
 * Millrace.FeatureIngestionDemandInvalid, Millrace.FeatureIngestionGroupTwice, Millrace.KafkaClusterConnectionsUnknown,
 * Millrace.KafkaGroupInvalid, and what `FeatureSchema.requireSource` throws
 */
export class FeatureIngestion extends Construct {
  /** Consumer group. */
  public readonly groupId: string;
  /** The function. */
  public readonly handler: lambda.IFunction;
  /** Where records are kept that were not written. */
  public readonly failures: s3.IBucket;
  /** Its metrics. */
  public readonly metrics: FeatureIngestionMetrics;
  /** The decided pollers, where the demand is known. */
  public readonly sizing?: FeatureIngestionSizing;

  constructor(scope: Construct, id: string, props: FeatureIngestionProps) {
    super(scope, id);
    enforce(this.node.path, props, FEATURE_INGESTION_RULES);
    const { topic, cluster, featureGroup, demand } = props;
    const schema = topic.schema!;
    featureGroup.schema.requireSource(schema, `topic ${topic.topicName}`);
    const parallelWrites = props.batching?.parallelWrites ?? DEFAULT_BATCHING.parallelWrites;
    this.groupId = props.groupId ?? `features-${featureGroup.schema.name}`;
    takeConsumerGroup(this, cluster, this.groupId);
    this.sizing = demand && FeatureIngestionSizing.forDemand(demand, parallelWrites);
    this.failures = props.failureBucket ?? failureBucket(this);
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    allowFailures(role, this.failures);
    const handler = this.makeFunction(props, schema, role, {
      FEATURE_GROUP_NAME: featureGroup.featureGroupName,
      FAILURE_BUCKET: this.failures.bucketName,
      PARALLEL_WRITES: String(parallelWrites),
      REPORTS_ITEMS: String(this.sizing !== undefined),
    });
    this.handler = handler;
    // The function knows the group by its name alone. Before a new group or feature is there, SageMaker refuses records for lack of it.
    if (featureGroup.node.defaultChild) handler.node.addDependency(featureGroup.node.defaultChild);
    new FeatureGroupGrants(featureGroup).write(handler);
    const known = topic instanceof Topic || topic instanceof ImportedTopic ? topic.grants : undefined;
    (known ?? new TopicGrants(topic, cluster, { topicName: topic.topicName })).consume(handler, { groupId: this.groupId });
    // A topic made here has granted it with its schemas.
    if (schema.format === SchemaFormat.AVRO && !(topic instanceof Topic)) allowSchemaLookup(role);
    allowPolling(role, cluster);
    openBrokersToPollers(this, cluster);
    // Lambda writes to a topic in provisioned mode alone.
    const deadLetter = this.sizing && topic instanceof Topic ? topic.deadLetterTopic : undefined;
    if (deadLetter) allowDeadLetters(role, cluster, deadLetter.topicName);
    this.addEventSource(props, handler, deadLetter);
    this.metrics = new FeatureIngestionMetrics({
      featureGroupName: featureGroup.featureGroupName,
      functionName: handler.functionName,
      clusterName: cluster.clusterName,
      topicName: topic.topicName,
      groupId: this.groupId,
    });
    requireAllocation(this);
  }

  private makeFunction(props: FeatureIngestionProps, schema: Schema, role: iam.Role, environment: Environment): lambda.Function {
    const logGroup = new logs.LogGroup(this, 'Log', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    logGroup.grants.write(role);
    const asset = new IngestionCode(ingestionMapping(props.featureGroup.schema, schema, props.confluentSchemas));
    const handler = new lambda.Function(this, 'Resource', {
      description: `Ingestion of feature group ${props.featureGroup.schema.name}`,
      code: asset.code,
      handler: 'index.handler',
      // The newest that Lambda has; the AWS SDK that the code uses is its own.
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: TIMEOUT,
      role,
      logGroup,
      environment,
    });
    asset.staged(this.node.tryGetContext(DISABLE_ASSET_STAGING_CONTEXT) === true);
    return handler;
  }

  private addEventSource({ topic, cluster, batching }: FeatureIngestionProps, handler: lambda.Function, deadLetter?: ITopic): void {
    const { sizing } = this;
    const source = new lambda.CfnEventSourceMapping(this, 'EventSource', {
      functionName: handler.functionArn,
      eventSourceArn: cluster.clusterArn,
      topics: [topic.topicName],
      startingPosition: 'TRIM_HORIZON',
      batchSize: batching?.size ?? DEFAULT_BATCHING.size,
      maximumBatchingWindowInSeconds: batching?.window?.toSeconds() ?? DEFAULT_BATCHING.windowSeconds,
      amazonManagedKafkaEventSourceConfig: { consumerGroupId: this.groupId },
      destinationConfig: { onFailure: { destination: deadLetter ? `kafka://${deadLetter.topicName}` : this.failures.bucketArn } },
      ...(sizing && provisioned(sizing)),
    });
    if (sizing) recordSizing(source, sizing);
    // Lambda tries the way to the brokers when the mapping is made: permissions have to stand by then, and the topic.
    source.node.addDependency(handler.role!, topic);
  }
}

/** What Lambda takes in provisioned mode alone (AWS Lambda Developer Guide, "Configuring error handling controls for Kafka event sources"). */
function provisioned({ minimumPollers, maximumPollers }: FeatureIngestionSizing): Partial<lambda.CfnEventSourceMappingProps> {
  return {
    provisionedPollerConfig: { minimumPollers, maximumPollers },
    functionResponseTypes: ['ReportBatchItemFailures'],
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: RETRIES,
  };
}
