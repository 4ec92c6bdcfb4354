import * as fs from 'fs';
import * as path from 'path';
import { Size } from 'aws-cdk-lib';
import { cost, streaming } from '../lib';

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
    schema: streaming.Schema.avro(fs.readFileSync(path.join(__dirname, '../schemas/payment.avsc'), 'utf8')),
    deadLetter: true,
  };
}
