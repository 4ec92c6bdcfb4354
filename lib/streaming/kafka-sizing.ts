import type { Bitrate, Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { refuse, show } from '../core/error';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingAlternative, type SizingDecision } from '../core/sizing';
import { BrokerClass, BrokerType } from './broker-type';
import { type BrokerLoad, type BrokersNeeded, DEFAULT_ASSUMPTIONS, brokersNeeded, utilisationOf, volumeGib } from './broker-limits';

/** What a Kafka cluster must carry, over all its topics. */
export interface KafkaDemand {
  /** What all producers together write at peak, before replication. */
  readonly peakIngress: Bitrate;
  /**
   * What all producers write on average; decides storage.
   * @default - as the peak
   */
  readonly averageIngress?: Bitrate;
  /**
   * What all consumers together read at peak.
   * @default - as the ingress: every byte is read once
   */
  readonly peakEgress?: Bitrate;
  /** Partitions of all topics, leaders only. */
  readonly partitions: number;
  /**
   * How long records are kept.
   * @default Duration.days(7)
   */
  readonly retention?: Duration;
}

/** How a Kafka cluster is sized. */
export interface KafkaSizingOptions {
  /**
   * Where the brokers run.
   * @default BrokerClass.EXPRESS
   */
  readonly brokerClass?: BrokerClass;
  /**
   * Copies of each partition, 2 or 3.
   * @default 3
   */
  readonly replicationFactor?: number;
}

/** A size chosen by hand. */
export interface FixedKafkaSize {
  /** Size of each broker. */
  readonly brokerType: BrokerType;
  /** Number of brokers, a multiple of three: one share a zone. */
  readonly brokers: number;
  /**
   * Volume of each broker, 1-16,384 GiB; not for Express, which stores by itself.
   * @default - 1,000 GiB, none for Express
   */
  readonly storagePerBroker?: Size;
}

const MIB = 1024 * 1024;
const DEFAULT_RETENTION_HOURS = 7 * 24;
// Brokers a KRaft cluster on MSK may have, and what we hold a Strimzi cluster to as well (streaming reference, 14.5).
const BROKER_QUOTA = 60;
const ZONES = 3;
const DEFAULT_REPLICATION_FACTOR = 3;
// SizeRoundingBehavior.NONE, spelled out because the sizing runs without the CDK.
const UNROUNDED = 2 as SizeRoundingBehavior;
const MAX_STORAGE_GIB = 16_384;
const DEFAULT_STORAGE_GIB = 1000;
// A tenth more vCPU is worth fewer, larger brokers: less replication fan-out and shorter rolling updates than 45 small ones.
const VCPU_TOLERANCE = 1.1;

interface Candidate {
  readonly type: BrokerType;
  readonly brokers: number;
  readonly needed: BrokersNeeded;
  readonly bottleneck: string;
}

/** The size of a Kafka cluster: brokers, their type, their storage, and the published limit that decided. */
export class KafkaSizing extends Sizing {
  /**
   * The cluster that carries a demand over three zones: the fewest vCPU that fit, within a tenth, then the fewest brokers. Limits and
   * formula: MSK best practices and the sizing algorithm of AWS' MSK agent toolkit, with the differences of decision 0008.
   *
   * @throws Millrace.KafkaDemandInvalid, Millrace.KafkaDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: KafkaDemand, options: KafkaSizingOptions = {}): KafkaSizing {
    const brokerClass = options.brokerClass ?? BrokerClass.EXPRESS;
    const replicationFactor = options.replicationFactor ?? DEFAULT_REPLICATION_FACTOR;
    enforce('KafkaSizing.forDemand', { ...demand, brokerClass, replicationFactor }, DEMAND_RULES);
    const load = toLoad(demand, replicationFactor);
    const candidates = candidatesFor(load, brokerClass);
    const fitting = candidates.filter((candidate) => candidate.brokers <= BROKER_QUOTA);
    if (fitting.length === 0) return refuseDemand(load, candidates, brokerClass);
    const chosen = best(fitting);
    const others = [BrokerClass.EXPRESS, BrokerClass.STANDARD]
      .filter((other) => other !== brokerClass && brokerClass !== BrokerClass.KUBERNETES)
      .filter((other) => other !== BrokerClass.EXPRESS || replicationFactor === 3)
      .map((other) => candidatesFor(load, other).filter((candidate) => candidate.brokers <= BROKER_QUOTA))
      .filter((list) => list.length > 0)
      .map(best);
    const rest = rank(fitting).filter((candidate) => candidate !== chosen);
    const ranked = [...rest.slice(0, 3), ...others];
    return new KafkaSizing(chosen.type, chosen.brokers, replicationFactor, storageGib(load, chosen), {
      choice: name(chosen),
      bottleneck: chosen.bottleneck,
      utilisation: utilisationOf(load, chosen.type, chosen.brokers, DEFAULT_ASSUMPTIONS),
      alternatives: ranked.map((candidate) => alternative(candidate, chosen)),
      reason: reason(load, chosen),
    });
  }

  /**
   * A size decided elsewhere, checked against the limits of its broker type.
   *
   * @throws Millrace.KafkaSizeInvalid, Millrace.TokenRefused
   */
  public static fixed(size: FixedKafkaSize): KafkaSizing {
    enforce('KafkaSizing.fixed', size, FIXED_RULES);
    const express = size.brokerType.brokerClass === BrokerClass.EXPRESS;
    const gib = express ? undefined : (size.storagePerBroker?.toGibibytes() ?? DEFAULT_STORAGE_GIB);
    return new KafkaSizing(size.brokerType, size.brokers, DEFAULT_REPLICATION_FACTOR, gib, {
      choice: `${size.brokerType.name} x ${size.brokers}${gib ? ` with ${gib} GiB each` : ''}`,
      bottleneck: 'chosen by hand',
      utilisation: {},
      alternatives: [],
      reason: 'the size was given, not derived from a demand',
    });
  }

  private constructor(
    /** Size of each broker. */
    public readonly brokerType: BrokerType,
    /** Number of brokers, a multiple of three. */
    public readonly brokers: number,
    /** Copies of each partition that the size counts on; topics have as many unless they say otherwise. */
    public readonly replicationFactor: number,
    private readonly storageGibPerBroker: number | undefined,
    decision: SizingDecision,
  ) {
    super(decision);
  }

  /** Volume of each broker; none for Express, which stores by itself. */
  public get storagePerBroker(): Size | undefined {
    if (this.storageGibPerBroker === undefined) return undefined;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the sizing itself runs without the CDK
    return (require('aws-cdk-lib') as typeof import('aws-cdk-lib')).Size.gibibytes(this.storageGibPerBroker);
  }

  /** Partitions, leaders and followers, that the cluster can hold within the recommended number a broker. */
  public get partitionCapacity(): number {
    return this.brokers * this.brokerType.limits.partitions;
  }
}

type DemandInput = KafkaDemand & Required<KafkaSizingOptions>;

// A rate of plain JavaScript may be missing or a bare number: no rate then, and refused as such.
const bps = (rate?: Bitrate) => (typeof rate?.toBps === 'function' ? rate.toBps() : NaN);
const rateRule = (subject: 'peakIngress' | 'averageIngress' | 'peakEgress'): Rule<DemandInput> => ({
  code: 'Millrace.KafkaDemandInvalid',
  subject: `demand.${subject}`,
  value: (demand) => (subject === 'peakIngress' ? (demand[subject] ?? null) : demand[subject]),
  valid: (rate: Bitrate) => isPositive(bps(rate)),
  allowed: 'a finite rate above zero',
  fix: 'measure it (MSK BytesInPerSec, BytesOutPerSec) or estimate messages per second times message size',
  tokens: 'refuse',
});
const DEMAND_RULES: Rule<DemandInput>[] = [
  rateRule('peakIngress'),
  rateRule('averageIngress'),
  rateRule('peakEgress'),
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'demand.averageIngress',
    value: (demand) => demand.averageIngress,
    valid: (rate: Bitrate, demand) => bps(rate) <= bps(demand.peakIngress) || !isPositive(bps(demand.peakIngress)),
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
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'options.replicationFactor',
    value: (demand) => demand.replicationFactor,
    valid: (factor: number, demand) => factor === 3 || (factor === 2 && demand.brokerClass !== BrokerClass.EXPRESS),
    allowed: '3, or 2 on Standard and Kubernetes brokers; Express always keeps 3',
    fix: 'leave it at 3: a factor of 1 loses data with the first disk',
    tokens: 'refuse',
  },
];
const FIXED_RULES: Rule<FixedKafkaSize>[] = [
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'brokers',
    value: (size) => size.brokers,
    valid: (brokers: number) => isPositiveInteger(brokers) && brokers % ZONES === 0 && brokers <= BROKER_QUOTA,
    allowed: `a multiple of ${ZONES} from ${ZONES} to ${BROKER_QUOTA}`,
    fix: 'give every zone the same number of brokers',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'storagePerBroker',
    value: (size) => size.storagePerBroker,
    valid: (storage: Size, size) => {
      const gib = storage.toGibibytes({ rounding: UNROUNDED });
      return size.brokerType.brokerClass !== BrokerClass.EXPRESS && Number.isInteger(gib) && gib >= 1 && gib <= MAX_STORAGE_GIB;
    },
    allowed: `1-${MAX_STORAGE_GIB} GiB on Standard and Kubernetes brokers, nothing on Express`,
    fix: 'Express stores by itself: leave it out there',
    tokens: 'refuse',
  },
];

function toLoad(demand: KafkaDemand, replicationFactor: number): BrokerLoad {
  const mib = (rate: Bitrate) => rate.toBps() / 8 / MIB;
  const peakIn = mib(demand.peakIngress);
  return {
    averageIn: mib(demand.averageIngress ?? demand.peakIngress),
    peakIn,
    peakOut: demand.peakEgress ? mib(demand.peakEgress) : peakIn,
    partitionReplicas: demand.partitions * replicationFactor,
    retentionHours: demand.retention ? demand.retention.toMilliseconds({ integral: false }) / 3_600_000 : DEFAULT_RETENTION_HOURS,
    replicationFactor,
  };
}

function candidatesFor(load: BrokerLoad, brokerClass: BrokerClass): Candidate[] {
  return BrokerType.all(brokerClass).map((type) => {
    const needed = brokersNeeded(load, type, DEFAULT_ASSUMPTIONS);
    const brokers = Math.max(...Object.values(needed));
    return { type, brokers, needed, bottleneck: fullest(needed, brokers, utilisationOf(load, type, brokers, DEFAULT_ASSUMPTIONS)) };
  });
}

/** Of the limits that ask for the most brokers, the one used most is the one to look at. */
function fullest(needed: BrokersNeeded, brokers: number, utilisation: { [limit: string]: number }): string {
  const limits = Object.keys(needed).filter((limit) => needed[limit] === brokers);
  return limits.reduce((first, limit) => (utilisation[limit] > utilisation[first] + 1e-9 ? limit : first));
}

const vcpu = (candidate: Candidate) => candidate.brokers * candidate.type.limits.vcpu;

function rank(candidates: Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => vcpu(a) - vcpu(b) || a.brokers - b.brokers || (a.type.name < b.type.name ? -1 : 1));
}

function best(candidates: Candidate[]): Candidate {
  const least = Math.min(...candidates.map(vcpu));
  return [...candidates]
    .filter((candidate) => vcpu(candidate) <= least * VCPU_TOLERANCE)
    .sort((a, b) => a.brokers - b.brokers || vcpu(a) - vcpu(b) || (a.type.name > b.type.name ? -1 : 1))[0];
}

function name(candidate: Candidate): string {
  return `${candidate.type.name} x ${candidate.brokers}`;
}

function alternative(candidate: Candidate, chosen: Candidate): SizingAlternative {
  const ratio = Math.round((vcpu(candidate) / vcpu(chosen)) * 100);
  return {
    choice: name(candidate),
    bottleneck: candidate.bottleneck,
    reason: `${vcpu(candidate)} vCPU in ${candidate.brokers} brokers, ${ratio} % of the chosen vCPU`,
  };
}

function reason(load: BrokerLoad, chosen: Candidate): string {
  const needs = Object.entries(chosen.needed)
    .map(([limit, count]) => `${limit} ${count}`)
    .join(', ');
  return (
    `${load.peakIn.toFixed(1)} MiB/s in, ${load.peakOut.toFixed(1)} MiB/s out, ${load.partitionReplicas} partition replicas, ` +
    `${load.retentionHours.toFixed(0)} h retention; brokers of ${chosen.type.name} needed by limit: ${needs}`
  );
}

/** Storage is bought per broker in whole GiB with twice the expected volume, so that a rebalance has room. */
function storageGib(load: BrokerLoad, chosen: Candidate): number | undefined {
  if (chosen.type.brokerClass === BrokerClass.EXPRESS) return undefined;
  // Brokers are counted for this maximum already; what floating-point dust adds to it must not buy a GiB that MSK refuses.
  return Math.min(MAX_STORAGE_GIB, Math.max(1, Math.ceil(volumeGib(load, DEFAULT_ASSUMPTIONS) / chosen.brokers)));
}

function refuseDemand(load: BrokerLoad, candidates: Candidate[], brokerClass: BrokerClass): never {
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
