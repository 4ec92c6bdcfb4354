import * as fs from 'fs';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { cost, features, type inference, models, streaming } from '../lib'; // in your project: from 'millrace'

/** What topic, features, model and endpoint agree on: written once, used by the templates and by the manifests. */
export const OWNER = new cost.CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' });

const RECORDS = streaming.Schema.avro(fs.readFileSync(path.join(__dirname, 'schemas/card-activity.avsc'), 'utf8'));

/**
 * The topic that the features come from. The Flink job that counts `payments.authorized` by card writes it (room `processing`, still to come):
 * until then any producer with this schema does.
 */
export const CARD_ACTIVITY_TOPIC: streaming.TopicOptions = {
  topicName: 'features.card-activity',
  demand: { messagesPerSecond: 2000, messageSize: Size.bytes(400), consumers: 1 },
  retention: Duration.days(3),
  schema: RECORDS,
  deadLetter: true,
};

/** The contract of the feature group, from the schema of the topic. */
export const CARD_ACTIVITY = features.FeatureSchema.fromTopicSchema(RECORDS, {
  name: 'card-activity',
  entityKey: 'cardId',
  eventTime: 'updatedAt',
  owner: 'fraud-ml',
  ttl: Duration.days(30),
  freshness: Duration.minutes(2),
});

/** What the model was trained on, in order: three features of the card, and the amount of the payment that is asked about. */
export const MODEL_INPUT = new models.ModelInput({
  fields: [
    { name: 'payments1h', type: features.FeatureType.INTEGRAL },
    { name: 'amountMinor1h', type: features.FeatureType.INTEGRAL },
    { name: 'declineShare24h', type: features.FeatureType.FRACTIONAL },
    { name: 'amountMinor', type: features.FeatureType.INTEGRAL },
  ],
  featureGroups: [CARD_ACTIVITY],
  request: [{ name: 'amountMinor', type: features.FeatureType.INTEGRAL }],
});

/** What the endpoint has to serve, as a load test of one replica showed it. */
export const DEMAND: inference.EndpointDemand = {
  peakRequestsPerSecond: 1200,
  latency: Duration.millis(20),
  p99: Duration.millis(60),
  concurrencyPerReplica: 8,
};

/** What the online store has to carry: one read for each request. */
export const FEATURE_DEMAND: features.FeatureDemand = {
  readsPerSecond: 1200,
  writesPerSecond: 2000,
  entities: 5_000_000,
  recordSize: Size.bytes(400),
};
