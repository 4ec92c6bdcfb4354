import type { Bitrate, Duration } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import { BrokerClass, BrokerType } from './broker-type';
import type { BrokerLoad } from './broker-limits';
import type { KafkaDemand, KafkaSizingOptions } from './kafka-sizing';

const MIB = 1024 * 1024;
const DEFAULT_RETENTION_HOURS = 7 * 24;
const TIERED_RETENTION_HOURS = 3 * 24;
const LEAST_PROVISIONABLE = 250;
const MAX_GROWTH = 1000;

/** A demand with its options, the defaults of the options filled in. */
export type DemandInput = KafkaDemand & KafkaSizingOptions & Required<Pick<KafkaSizingOptions, 'brokerClass' | 'replicationFactor'>>;

/** MiB/s of a rate. A rate of plain JavaScript may be missing or a bare number: no rate then, and refused as such. */
export const mibps = (rate?: Bitrate): number => (typeof rate?.toBps === 'function' ? rate.toBps() / 8 / MIB : NaN);

/** Hours of a duration, fractions kept. */
export const hoursOf = (duration: Duration): number => duration.toMilliseconds({ integral: false }) / 3_600_000;

/** Hours of a duration in whole milliseconds, as Kafka takes it: the same when it is read back. */
export const wholeHours = (duration: Duration): number => Math.round(duration.toMilliseconds({ integral: false })) / 3_600_000;

const retentionHours = (demand: KafkaDemand) => (demand.retention ? hoursOf(demand.retention) : DEFAULT_RETENTION_HOURS);

/** A rule for growth, in percent. */
export function growthRule<P extends { readonly growth?: number }>(code: string, subject: string): Rule<P> {
  return {
    code,
    subject,
    value: ({ growth }) => growth,
    valid: (growth: number) => Number.isFinite(growth) && growth >= 0 && growth <= MAX_GROWTH,
    allowed: `percent, from 0 to ${MAX_GROWTH}`,
    fix: '50 sizes for half as much again',
    tokens: 'refuse',
  };
}

const rateRule = (subject: 'peakIngress' | 'averageIngress' | 'peakEgress'): Rule<KafkaDemand> => ({
  code: 'Millrace.KafkaDemandInvalid',
  subject: `demand.${subject}`,
  value: (demand) => (subject === 'peakIngress' ? (demand[subject] ?? null) : demand[subject]),
  valid: (rate: Bitrate) => isPositive(mibps(rate)),
  allowed: 'a finite rate above zero',
  fix: 'measure it (MSK BytesInPerSec, BytesOutPerSec) or estimate messages per second times message size',
  tokens: 'refuse',
});

/** What any demand must be, whatever carries it. */
export const DEMAND_RULES: readonly Rule<KafkaDemand>[] = [
  rateRule('peakIngress'),
  rateRule('averageIngress'),
  rateRule('peakEgress'),
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'demand.averageIngress',
    value: (demand) => demand.averageIngress,
    valid: (rate: Bitrate, demand) => mibps(rate) <= mibps(demand.peakIngress) || !isPositive(mibps(demand.peakIngress)),
    allowed: 'at most the peak',
    fix: 'exchange the two rates, or leave the average out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'demand.partitions',
    value: (demand) => demand.partitions ?? null,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero: leaders over all topics',
    fix: 'add up the partitions of the topics',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'demand.retention',
    value: (demand) => demand.retention,
    valid: (retention: Duration) => isPositive(retention.toMilliseconds({ integral: false })),
    allowed: 'a duration above zero',
    fix: 'use the longest retention.ms of the topics, weighted by their ingress',
    tokens: 'refuse',
  },
];

/** What the options of a sizing over brokers must be. */
export const SIZING_RULES: readonly Rule<DemandInput>[] = [
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'options.replicationFactor',
    value: (input) => input.replicationFactor,
    valid: (factor: number, input) => factor === 3 || (factor === 2 && input.brokerClass !== BrokerClass.EXPRESS),
    allowed: '3, or 2 on Standard and Kubernetes brokers; Express always keeps 3',
    fix: 'leave it at 3: a factor of 1 loses data with the first disk',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'options.primaryRetention',
    value: (input) => input.primaryRetention,
    valid: (primary: Duration, input) =>
      input.brokerClass === BrokerClass.STANDARD &&
      isPositive(hoursOf(primary)) &&
      hoursOf(primary) < retentionHours(input) &&
      retentionHours(input) >= TIERED_RETENTION_HOURS,
    allowed: 'on Standard brokers, less than a retention of at least 3 days',
    fix: 'leave it out to keep everything on the volumes; Express stores by itself, and Strimzi needs a storage plugin of its own',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'options.provisionedThroughput',
    value: (input) => input.provisionedThroughput,
    valid: (rate: Bitrate, input) => input.brokerClass === BrokerClass.STANDARD && isProvisionable(mibps(rate)),
    allowed: 'on Standard brokers, whole MiB/s from 250 to 1000',
    fix: 'Bitrate.bps(500 * 8 * 1024 * 1024) is 500 MiB/s; leave it out for the 250 MiB/s that a volume of MSK delivers by itself',
    tokens: 'refuse',
  },
  growthRule('Millrace.KafkaDemandInvalid', 'options.growth'),
  {
    code: 'Millrace.KafkaSizeUnreachable',
    subject: 'options.brokerClass',
    value: (input) => input.current && input.brokerClass,
    valid: (brokerClass: BrokerClass, { current }) => brokerClass === current!.brokerType.brokerClass,
    allowed: 'the class of the brokers that are deployed: a cluster cannot be moved from one to the other',
    fix: 'make a new cluster beside this one and move topics and clients with a replicator, then retire this one',
  },
  {
    code: 'Millrace.KafkaSizeUnreachable',
    subject: 'options.replicationFactor',
    value: (input) => input.current && input.replicationFactor,
    valid: (factor: number, { current }) => factor === current!.replicationFactor,
    allowed: 'the factor that is deployed: topics cannot change theirs in place',
    fix: 'leave it out; new topics may state a factor of their own',
  },
];

/** Whether a volume of MSK can be bought with a throughput of so many MiB/s, on the largest brokers at least. */
export function isProvisionable(throughput: number): boolean {
  const most = Math.max(...BrokerType.all(BrokerClass.STANDARD).map((type) => type.limits.provisionable ?? 0));
  return Number.isInteger(throughput) && throughput >= LEAST_PROVISIONABLE && throughput <= most;
}

/** The demand in the units of the published limits, grown as the options say. */
export function toLoad(input: DemandInput): BrokerLoad {
  const grown = 1 + (input.growth ?? 0) / 100;
  const peakIn = mibps(input.peakIngress) * grown;
  return {
    averageIn: input.averageIngress ? mibps(input.averageIngress) * grown : peakIn,
    peakIn,
    peakOut: input.peakEgress ? mibps(input.peakEgress) * grown : peakIn,
    partitionReplicas: input.partitions * input.replicationFactor,
    retentionHours: retentionHours(input),
    replicationFactor: input.replicationFactor,
    ...(input.primaryRetention ? { primaryHours: wholeHours(input.primaryRetention) } : {}),
    ...(input.provisionedThroughput ? { provisionedThroughput: mibps(input.provisionedThroughput) } : {}),
  };
}
