import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import { SchemaFormat } from '../../streaming/schema';
import { rateRules } from '../../streaming/access-rules';
import type { FeatureIngestionProps } from './feature-ingestion';
import { FeatureIngestionSizing, MOST_MINIMUM_POLLERS } from './feature-ingestion-sizing';

/** What an ingestion reads at a time unless it is told. */
export const DEFAULT_BATCHING = { size: 500, windowSeconds: 1, parallelWrites: 16 };

const BATCHING = 'Millrace.FeatureIngestionBatchingInvalid';
const seconds = (duration: Duration) => duration.toSeconds({ integral: false });
const isPositiveRate = ({ messagesPerSecond, messageSize }: NonNullable<FeatureIngestionProps['demand']>) =>
  Number.isFinite(messagesPerSecond) && messagesPerSecond > 0 && messageSize.toBytes() > 0;

/** What an ingestion keeps to. Longest window and largest batch: AWS Lambda API reference, CreateEventSourceMapping. */
export const FEATURE_INGESTION_RULES: readonly Rule<FeatureIngestionProps>[] = [
  {
    code: 'Millrace.FeatureIngestionSchemaUnknown',
    subject: 'topic.schema',
    value: ({ topic }) => topic.schema ?? null,
    valid: (schema: unknown) => schema !== null,
    allowed: 'a topic whose schema is known: the features are checked against it, and its records are read with it',
    fix: 'give the topic a schema, or schema to Topic.fromTopicAttributes',
  },
  {
    code: 'Millrace.FeatureIngestionFormatUnsupported',
    subject: 'topic.schema',
    value: ({ topic }) => topic.schema?.format,
    valid: (format: SchemaFormat) => format !== SchemaFormat.PROTOBUF,
    allowed: 'AVRO or JSON',
    fix: 'write the features to a topic of their own in Avro, for example with Flink',
  },
  {
    code: 'Millrace.FeatureIngestionFormatUnsupported',
    subject: 'confluentSchemas',
    value: ({ confluentSchemas }) => confluentSchemas && Object.entries(confluentSchemas),
    valid: (entries: [string, { format: SchemaFormat }][], { topic }) =>
      topic.schema?.format === SchemaFormat.AVRO &&
      entries.every(([id, { format }]) => /^(0|[1-9]\d{0,9})$/.test(id) && format === SchemaFormat.AVRO),
    allowed: 'Avro schemas by the number of their id, for a topic with an Avro schema; JSON needs none',
    fix: 'name the ids that the Confluent registry gave to the schemas of the topic',
  },
  {
    code: 'Millrace.KafkaGroupInvalid',
    subject: 'groupId',
    value: ({ groupId }) => groupId,
    valid: (groupId: string) => groupId.length <= 200,
    allowed: 'at most 200 characters (AWS::Lambda::EventSourceMapping, ConsumerGroupId)',
    fix: 'shorten it, or leave it out',
  },
  {
    code: BATCHING,
    subject: 'batching.size',
    value: ({ batching }) => batching?.size,
    valid: (size: number) => Number.isInteger(size) && size >= 1 && size <= 10_000,
    allowed: '1-10,000 records',
    fix: 'leave it out for 500',
  },
  {
    code: BATCHING,
    subject: 'batching.window',
    value: ({ batching }) => batching?.window,
    valid: (window: Duration) => Number.isInteger(seconds(window)) && seconds(window) <= 300,
    allowed: 'whole seconds, at most 300',
    fix: 'leave it out for a second',
    tokens: 'refuse',
  },
  {
    code: BATCHING,
    subject: 'batching.parallelWrites',
    value: ({ batching }) => batching?.parallelWrites,
    valid: (writes: number) => Number.isInteger(writes) && writes >= 1 && writes <= 50,
    allowed: '1-50: the AWS SDK opens no more than 50 connections at a time',
    fix: 'leave it out for 16',
    tokens: 'refuse',
  },
  {
    code: BATCHING,
    subject: 'batching.window',
    value: ({ featureGroup }) => featureGroup.schema.freshness,
    valid: (freshness: Duration, { batching }) =>
      (batching?.window ? seconds(batching.window) : DEFAULT_BATCHING.windowSeconds) < seconds(freshness),
    allowed: ({ featureGroup }) => `less than the freshness that the schema promises, ${seconds(featureGroup.schema.freshness!)} seconds`,
    fix: 'shorten the window: records wait in it before they are written',
  },
  ...rateRules<FeatureIngestionProps>('Millrace.FeatureIngestionDemandInvalid'),
  {
    code: 'Millrace.FeatureIngestionDemandInvalid',
    subject: 'demand',
    value: ({ demand, batching }) =>
      demand && isPositiveRate(demand)
        ? FeatureIngestionSizing.forDemand(demand, batching?.parallelWrites ?? DEFAULT_BATCHING.parallelWrites).minimumPollers
        : undefined,
    valid: (pollers: number) => pollers <= MOST_MINIMUM_POLLERS,
    allowed: `a demand for at most ${MOST_MINIMUM_POLLERS} pollers that are always there`,
    fix: 'aggregate the records before they become features, or split the topic',
  },
];
