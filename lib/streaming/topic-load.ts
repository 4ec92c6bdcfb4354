import type { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import type { Violation } from '../core/error';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import type { Capacity } from './broker-limits';
import type { KafkaDemand } from './kafka-sizing';
import type { MessageRate, TopicDemand } from './topic-demand';

/** A declared topic as far as sizes go. */
export interface TopicShape {
  readonly topicName: string;
  /** @default - unknown: it counts for nothing but its partitions */
  readonly demand?: TopicDemand;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Milliseconds, `Infinity` for ever; compacted topics say how much of the stream stays. */
  readonly retentionMs: number;
  /** Milliseconds on the volumes of the brokers. @default - the retention: the topic has no tiered storage */
  readonly localRetentionMs?: number;
}

/** What a decided size says of its room, in MiB/s and GiB; `KafkaSizing` and `ServerlessSizing` do. */
export interface ClusterRoom {
  readonly choice: string;
  /** MiB/s over the cluster, where consumers read `fanout` times what producers write. */
  _capacityAt(fanout: number): Capacity;
  /** MiB/s of one partition. @default - no limit of its own */
  readonly _partitionCapacity?: Capacity;
  /** GiB that records with their copies may take. @default - storage has no limit */
  readonly _storageGib?: number;
  /** Hours kept on the volumes by topics with tiered storage. @default - there is none */
  readonly _primaryHours?: number;
}

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const CODE = 'Millrace.KafkaTopicDemandDoesNotFit';
// Of many topics the largest are named: the message is read in a terminal.
const NAMED = 3;
// SizeRoundingBehavior.NONE, spelled out because this runs without the CDK.
const UNROUNDED = 2 as SizeRoundingBehavior;

const bytesOf = (size?: Size) => (typeof size?.toBytes === 'function' ? size.toBytes({ rounding: UNROUNDED }) : NaN);

/** What any rate of messages must be. */
export const MESSAGE_RATE_RULES: readonly Rule<MessageRate>[] = [
  {
    code: 'Millrace.KafkaTopicDemandInvalid',
    subject: 'demand.messagesPerSecond',
    value: (demand) => demand.messagesPerSecond ?? null,
    valid: isPositive,
    allowed: 'a finite number above zero',
    fix: 'state the peak; 0.1 is a message in ten seconds',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaTopicDemandInvalid',
    subject: 'demand.messageSize',
    value: (demand) => demand.messageSize ?? null,
    valid: (size: Size) => isPositive(bytesOf(size)),
    allowed: 'a size above zero',
    fix: 'Size.kibibytes(1), or Size.bytes(300); BytesInPerSec of a topic divided by its MessagesInPerSec',
    tokens: 'refuse',
  },
];

/** What the demand of a topic must be. */
export const TOPIC_DEMAND_RULES: readonly Rule<TopicDemand>[] = [
  ...MESSAGE_RATE_RULES,
  {
    code: 'Millrace.KafkaTopicDemandInvalid',
    subject: 'demand.consumers',
    value: (demand) => demand.consumers,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'count the consumer groups, or leave it out for one',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaTopicDemandInvalid',
    subject: 'demand.averageMessagesPerSecond',
    value: (demand) => demand.averageMessagesPerSecond,
    valid: (average: number, { messagesPerSecond }) => isPositive(average) && !(average > messagesPerSecond),
    allowed: 'a number above zero, at most the peak',
    fix: 'leave it out where the average is not known',
    tokens: 'refuse',
  },
];

/** MiB/s that producers write at peak. */
export const ingressOf = (demand: TopicDemand): number => (demand.messagesPerSecond * bytesOf(demand.messageSize)) / MIB;

/** MiB/s that all consumer groups read at peak. */
export const egressOf = (demand: TopicDemand): number => ingressOf(demand) * (demand.consumers ?? 1);

/** MiB/s that producers write on average. */
export const averageIngressOf = (demand: TopicDemand): number =>
  ((demand.averageMessagesPerSecond ?? demand.messagesPerSecond) * bytesOf(demand.messageSize)) / MIB;

/** GiB that the records of a retention take with their copies. */
export const storageOf = (demand: TopicDemand, hours: number, replicationFactor: number): number =>
  (averageIngressOf(demand) * hours * 3600 * replicationFactor) / 1024;

/** What topics together ask of a cluster: rates and leaders added up, the retention weighted by what each writes. */
export function demandOfTopics(topics: readonly TopicShape[]): KafkaDemand {
  const known = withDemand(topics);
  const sum = (of: (topic: DemandingTopic) => number) => known.reduce((total, topic) => total + of(topic), 0);
  const averageIn = sum(({ demand }) => averageIngressOf(demand));
  return {
    peakIngress: bitrate(sum(({ demand }) => ingressOf(demand))),
    averageIngress: bitrate(averageIn),
    peakEgress: bitrate(sum(({ demand }) => egressOf(demand))),
    partitions: topics.reduce((total, { partitions }) => total + partitions, 0),
    retention: cdk().Duration.millis(sum(({ demand, retentionMs }) => averageIngressOf(demand) * retentionMs) / averageIn),
  };
}

/** Every limit of a cluster that the demand of its topics goes beyond, with the sum. Topics without a demand do not count. */
export function topicsFit(room: ClusterRoom, topics: readonly TopicShape[]): Violation[] {
  const known = withDemand(topics);
  if (known.length === 0) return [];
  const total = (parts: readonly Part[]) => parts.reduce((sum, { amount }) => sum + amount, 0);
  const part = (of: (demand: TopicDemand) => number) => known.map(({ topicName, demand }) => ({ topicName, amount: of(demand) }));
  const ingress = part(ingressOf);
  const egress = part(egressOf);
  const fanout = total(egress) / total(ingress);
  const capacity = room._capacityAt(fanout);
  const storage = known.map(({ topicName, demand, retentionMs, localRetentionMs, replicationFactor }) => ({
    topicName,
    amount: storageOf(demand, Math.min(retentionMs, localRetentionMs ?? Infinity) / HOUR_MS, replicationFactor),
  }));
  const limits: Limit[] = [
    { what: 'MiB/s in', parts: ingress, most: capacity.ingress, fix: 'raise the demand of the cluster' },
    { what: 'MiB/s out', parts: egress, most: capacity.egress, fix: 'raise the demand of the cluster' },
  ];
  if (room._storageGib !== undefined) {
    const tiered =
      room._primaryHours === undefined
        ? ''
        : `, or move older records to the tier: config: { remoteStorageEnable: true, localRetentionMs: … } with at most ${room._primaryHours} h`;
    const fix = `raise the demand of the cluster, or shorten the retention${tiered}`;
    limits.push({ what: 'GiB with their copies', parts: storage, most: room._storageGib, fix });
  }
  const over = limits
    .filter(({ parts, most }) => total(parts) > most * (1 + 1e-9))
    .map(({ what, parts, most, fix }) => ({
      code: CODE,
      subject: 'demand of the topics',
      received: `${sumOf(parts, total(parts))} ${what}`,
      allowed: `${most.toFixed(1)} ${what}: what ${room.choice} carries${what === 'MiB/s in' && fanout !== 1 ? `, each byte read ${fanout.toFixed(1)} times` : ''}`,
      fix,
    }));
  return [...over, ...(room._partitionCapacity ? known.flatMap((topic) => crowded(topic, room._partitionCapacity!)) : [])];
}

type DemandingTopic = TopicShape & { readonly demand: TopicDemand };
interface Part {
  readonly topicName: string;
  readonly amount: number;
}
interface Limit {
  readonly what: string;
  readonly parts: readonly Part[];
  readonly most: number;
  readonly fix: string;
}

function withDemand(topics: readonly TopicShape[]): DemandingTopic[] {
  return topics.filter((topic): topic is DemandingTopic => topic.demand !== undefined);
}

/** A topic that writes more than its partitions take in, or reads more than they give out. */
function crowded({ topicName, demand, partitions }: DemandingTopic, each: Capacity): Violation[] {
  const needed = Math.ceil(Math.max(ingressOf(demand) / each.ingress, egressOf(demand) / each.egress) - 1e-9);
  if (needed <= partitions) return [];
  return [
    {
      code: CODE,
      subject: `partitions of ${topicName}`,
      received: `${ingressOf(demand).toFixed(1)} MiB/s in and ${egressOf(demand).toFixed(1)} MiB/s out over ${partitions} partitions`,
      allowed: `${each.ingress.toFixed(1)} MiB/s in${each.egress === Infinity ? '' : ` and ${each.egress.toFixed(1)} MiB/s out`} of each`,
      fix: `at least ${needed} partitions`,
    },
  ];
}

/** `12.0 (payments) + 3.9 (orders) = 15.9`: the largest by name, the rest in one. */
function sumOf(parts: readonly Part[], total: number): string {
  const largest = [...parts].sort((a, b) => b.amount - a.amount || (a.topicName < b.topicName ? -1 : 1));
  const named = largest.slice(0, NAMED).map(({ topicName, amount }) => `${amount.toFixed(1)} (${topicName})`);
  const rest = largest.slice(NAMED);
  if (rest.length > 0) named.push(`${rest.reduce((sum, { amount }) => sum + amount, 0).toFixed(1)} (${rest.length} more)`);
  return named.length === 1 ? named[0] : `${named.join(' + ')} = ${total.toFixed(1)}`;
}

const bitrate = (mib: number) => cdk().Bitrate.bps(mib * 8 * MIB);

function cdk(): typeof import('aws-cdk-lib') {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the arithmetic itself runs without the CDK
  return require('aws-cdk-lib') as typeof import('aws-cdk-lib');
}
