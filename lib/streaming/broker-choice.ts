import { refuse, show } from '../core/error';
import type { SizingAlternative } from '../core/sizing';
import {
  type BrokerLoad,
  type BrokersNeeded,
  DEFAULT_ASSUMPTIONS,
  brokersNeeded,
  capacityOf,
  utilisationOf,
  volumeGib,
} from './broker-limits';
import { BrokerClass, BrokerType } from './broker-type';
import type { DeployedSize } from './kafka-growth';

// Brokers a KRaft cluster on MSK may have, and what we hold a Strimzi cluster to as well (streaming reference, 14.5).
export const BROKER_QUOTA = 60;
export const MAX_STORAGE_GIB = 16_384;
// Throughput can be bought for volumes of 10 GiB or more.
const LEAST_PROVISIONED_GIB = 10;
// A tenth more vCPU is worth fewer, larger brokers: less replication fan-out and shorter rolling updates than 45 small ones.
const VCPU_TOLERANCE = 1.1;

/** Brokers of one type that carry a load. */
export interface Candidate {
  readonly type: BrokerType;
  readonly brokers: number;
  readonly needed: BrokersNeeded;
  readonly bottleneck: string;
}

/** Of every type of a class the brokers that carry a load, however many those are, and at least as many as there are. */
export function candidatesFor(load: BrokerLoad, brokerClass: BrokerClass, atLeast = 0): Candidate[] {
  const bought = brokerClass === BrokerClass.STANDARD ? (load.provisionedThroughput ?? 0) : 0;
  return BrokerType.all(brokerClass)
    .filter((type) => bought <= (type.limits.provisionable ?? 0))
    .map((type) => candidate(load, type, atLeast));
}

function candidate(load: BrokerLoad, type: BrokerType, atLeast: number): Candidate {
  const needed = brokersNeeded(load, type, DEFAULT_ASSUMPTIONS);
  const asked = Math.max(...Object.values(needed));
  const utilisation = utilisationOf(load, type, asked, DEFAULT_ASSUMPTIONS);
  return { type, brokers: Math.max(asked, atLeast), needed, bottleneck: fullest(needed, asked, utilisation) };
}

/** Of the limits that ask for the most brokers, the one used most is the one to look at. */
function fullest(needed: BrokersNeeded, brokers: number, utilisation: { [limit: string]: number }): string {
  const limits = Object.keys(needed).filter((limit) => needed[limit] === brokers);
  return limits.reduce((first, limit) => (utilisation[limit] > utilisation[first] + 1e-9 ? limit : first));
}

const vcpu = ({ brokers, type }: Candidate) => brokers * type.limits.vcpu;

/** Those within the quota of brokers, fewest vCPU first. */
function byVcpu(candidates: Candidate[]): Candidate[] {
  return candidates
    .filter(({ brokers }) => brokers <= BROKER_QUOTA)
    .sort((a, b) => vcpu(a) - vcpu(b) || a.brokers - b.brokers || (a.type.name < b.type.name ? -1 : 1));
}

/** The fewest vCPU within a tenth, then the fewest brokers. */
function best(options: Candidate[], least: number): Candidate | undefined {
  return options
    .filter((option) => vcpu(option) <= least * VCPU_TOLERANCE)
    .sort((a, b) => a.brokers - b.brokers || vcpu(a) - vcpu(b) || (a.type.name > b.type.name ? -1 : 1))[0];
}

const leastVcpu = (options: Candidate[]) => Math.min(...options.map(vcpu));
const first = (chosen: Candidate | undefined, options: Candidate[]) =>
  chosen ? [chosen, ...options.filter((option) => option !== chosen)] : options;

/** What carries a load within the quota: the choice, then the others by their vCPU. */
export function ranked(load: BrokerLoad, brokerClass: BrokerClass): Candidate[] {
  const options = byVcpu(candidatesFor(load, brokerClass));
  return first(best(options, leastVcpu(options)), options);
}

/**
 * What a deployed cluster can grow to, the choice first: it stays where its brokers carry the load; else the best of what it can become,
 * types of no fewer vCPU, partitions and throughput, and no fewer brokers. Deciding again on the way there decides the same.
 */
export function grown(load: BrokerLoad, current: DeployedSize): Candidate[] {
  const all = candidatesFor(load, current.type.brokerClass, current.brokers);
  const options = byVcpu(all);
  const { vcpu: least, partitions } = current.type.limits;
  // The type changes before brokers come: one that carries less would be overloaded on the way, by the very demand that grew.
  const ingressOf = (type: BrokerType) => capacityOf(load, type, DEFAULT_ASSUMPTIONS).ingress;
  const reachable = options.filter(
    ({ type }) => type.limits.vcpu >= least && type.limits.partitions >= partitions && ingressOf(type) >= ingressOf(current.type),
  );
  const staying = reachable.find(({ type, brokers }) => type.name === current.type.name && brokers === current.brokers);
  // What is within a tenth is measured against all types: against the reachable ones the goal would move with every step towards it.
  return first(staying ?? best(reachable, leastVcpu(options)), reachable);
}

/** Storage is bought per broker in whole GiB with twice the expected volume, so that a rebalance has room. */
export function storageGib(load: BrokerLoad, { type, brokers }: Candidate): number | undefined {
  if (type.brokerClass === BrokerClass.EXPRESS) return undefined;
  const least = load.provisionedThroughput === undefined ? 1 : LEAST_PROVISIONED_GIB;
  // Brokers are counted for this maximum already; what floating-point dust adds to it must not buy a GiB that MSK refuses.
  return Math.min(MAX_STORAGE_GIB, Math.max(least, Math.ceil(volumeGib(load, DEFAULT_ASSUMPTIONS) / brokers)));
}

/** A candidate in words. */
export function nameOf({ type, brokers }: Pick<Candidate, 'type' | 'brokers'>): string {
  return `${type.name} x ${brokers}`;
}

/** A candidate beside the chosen one. */
export function alternative(option: Candidate, chosen: Candidate): SizingAlternative {
  const ratio = Math.round((vcpu(option) / vcpu(chosen)) * 100);
  return {
    choice: nameOf(option),
    bottleneck: option.bottleneck,
    reason: `${vcpu(option)} vCPU in ${option.brokers} brokers, ${ratio} % of the chosen vCPU`,
  };
}

/** The arithmetic of a choice. */
export function reasonOf(load: BrokerLoad, chosen: Candidate): string {
  const needs = Object.entries(chosen.needed)
    .map(([limit, count]) => `${limit} ${count}`)
    .join(', ');
  const tiered = load.primaryHours === undefined ? '' : `, ${load.primaryHours.toFixed(0)} h of it on the volumes`;
  const bought = load.provisionedThroughput === undefined ? '' : `, ${load.provisionedThroughput} MiB/s bought for each volume`;
  return (
    `${load.peakIn.toFixed(1)} MiB/s in, ${load.peakOut.toFixed(1)} MiB/s out, ${load.partitionReplicas} partition replicas, ` +
    `${load.retentionHours.toFixed(0)} h retention${tiered}${bought}; brokers of ${chosen.type.name} needed by limit: ${needs}`
  );
}

/** Refuses a load that no number of brokers within the quota carries. */
export function refuseLoad(load: BrokerLoad, candidates: Candidate[], brokerClass: BrokerClass): never {
  const nearest = [...candidates].sort((a, b) => a.brokers - b.brokers)[0];
  const over = Object.entries(nearest.needed)
    .filter(([, count]) => count > BROKER_QUOTA)
    .map(([limit, count]) => `${limit} needs ${count}`)
    .join(', ');
  return refuse('KafkaSizing.forDemand', {
    code: 'Millrace.KafkaDemandDoesNotFit',
    subject: 'demand',
    received: `${show(Number(load.peakIn.toFixed(1)))} MiB/s in, ${show(Number(load.peakOut.toFixed(1)))} MiB/s out, ${load.partitionReplicas} partition replicas, ${load.retentionHours.toFixed(0)} h retention: with ${nearest.type.name}, ${over}`,
    allowed: `at most ${BROKER_QUOTA} brokers in a KRaft cluster`,
    fix: `split the topics over clusters, shorten the retention${brokerClass === BrokerClass.STANDARD ? ', or take Express brokers' : ''}`,
  });
}
