import * as fs from 'fs';
import * as path from 'path';
import { Duration, Size } from 'aws-cdk-lib';
import { cost, features, type inference, models, streaming } from '../lib';

/** What the two flavours of the reference platform must agree on. */
export const VPC_CIDR = '10.20.0.0/16';
export const EKS_CLUSTER = 'ml';
export const EKS_NODE_SECURITY_GROUP = 'sg-0a1b2c3d4e5f60718';
export const RADAR = { namespace: 'fraud', serviceAccountName: 'radar', groupId: 'fraud-features' } as const;

/** One owner for the templates and the manifests of a service. */
export function allocationOf(team: string, service: string): cost.CostAllocation {
  return new cost.CostAllocation({ team, service, costCenter: 'CC-1042', environment: 'prod' });
}

/** The topic of authorized payments, on both flavours. */
export function paymentsTopic(): streaming.TopicOptions {
  return {
    topicName: 'payments.authorized',
    demand: { messagesPerSecond: 3000, messageSize: Size.kibibytes(1), consumers: 2 },
    partitions: 24,
    schema: schemaOf('payment'),
    deadLetter: true,
  };
}

/** The topic with what the Flink job of the processing room will count by card, on both flavours; until then any producer writes it. */
export function cardActivityTopic(): streaming.TopicOptions {
  return {
    topicName: 'features.card-activity',
    demand: { messagesPerSecond: 2000, messageSize: Size.bytes(400), consumers: 1 },
    retention: Duration.days(3),
    schema: schemaOf('card-activity'),
    deadLetter: true,
  };
}

/** The contract of the features of a card, from the schema of their topic. */
export const CARD_ACTIVITY = features.FeatureSchema.fromTopicSchema(schemaOf('card-activity'), {
  name: 'card-activity',
  entityKey: 'cardId',
  eventTime: 'updatedAt',
  owner: 'fraud-ml',
  ttl: Duration.days(30),
  freshness: Duration.minutes(2),
});

const { INTEGRAL, FRACTIONAL } = features.FeatureType;

/** What the radar model was trained on. */
export const RADAR_INPUT = new models.ModelInput({
  fields: [
    { name: 'payments1h', type: INTEGRAL },
    { name: 'declineShare24h', type: FRACTIONAL },
    { name: 'amountMinor', type: INTEGRAL },
  ],
  featureGroups: [CARD_ACTIVITY],
  request: [{ name: 'amountMinor', type: INTEGRAL }],
});

/** What the endpoint of the radar model has to serve. */
export const RADAR_DEMAND: inference.EndpointDemand = {
  peakRequestsPerSecond: 1200,
  latency: Duration.millis(20),
  p99: Duration.millis(60),
  concurrencyPerReplica: 8,
};

function schemaOf(name: string): streaming.Schema {
  return streaming.Schema.avro(fs.readFileSync(path.join(__dirname, `../schemas/${name}.avsc`), 'utf8'));
}
