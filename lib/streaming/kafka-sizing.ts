import type { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import * as choice from './broker-choice';
import {
  type BrokerLoad,
  type Capacity,
  DEFAULT_ASSUMPTIONS,
  EXPRESS_PARTITION,
  capacityOf,
  utilisationOf,
  utilisationWithZoneLost,
} from './broker-limits';
import { brokerThreads } from './broker-settings';
import { BrokerClass, type BrokerType } from './broker-type';
import { FIXED_SIZE_RULES } from './fixed-size-rules';
import { DEMAND_RULES, type DemandInput, SIZING_RULES, mibps, toLoad, wholeHours } from './kafka-demand';
import { type DeployedSize, type GrowthStep, stepsBetween } from './kafka-growth';
import { serverlessAlternatives } from './serverless-limits';

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
   * @default - as `current`, BrokerClass.EXPRESS without it
   */
  readonly brokerClass?: BrokerClass;
  /**
   * Copies of each partition, 2 or 3.
   * @default - as `current`, 3 without it
   */
  readonly replicationFactor?: number;
  /**
   * Tiered storage: what stays on the volumes of the brokers, less than the retention; the rest goes to the cheaper tier. Standard brokers
   * only, with a retention of at least 3 days. It cannot be taken back.
   * @default - as `current`, everything on the volumes without it
   */
  readonly primaryRetention?: Duration;
  /**
   * Volume throughput bought for each Standard broker, whole MiB/s from 250 to 1,000; only sizes from 4xlarge on can have it.
   * @default - none: a volume delivers 250 MiB/s
   */
  readonly provisionedThroughput?: Bitrate;
  /**
   * Room for growth of all rates, in percent. The partitions are taken as they are declared: `PartitionCount` grows them by itself.
   * @default 0
   */
  readonly growth?: number;
  /**
   * The size that is deployed. The result is then the next size that can be deployed on the way to what the demand needs: MSK takes one
   * change of a cluster at a time, and neither brokers nor volumes ever get fewer or smaller. `remainingChanges` says what is left after it.
   * @default - none: a new cluster
   */
  readonly current?: KafkaSizing;
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
  /**
   * Copies of each partition that the size counts on, 2 or 3; 3 on Express.
   * @default 3
   */
  readonly replicationFactor?: number;
  /**
   * Tiered storage of Standard brokers: what stays on their volumes.
   * @default - everything: no tiered storage
   */
  readonly primaryRetention?: Duration;
  /**
   * Volume throughput bought for each Standard broker, whole MiB/s from 250 to what its size can have.
   * @default - none
   */
  readonly provisionedThroughput?: Bitrate;
  /**
   * Thread settings that the brokers run with, by their Kafka name: those of the sizing that was deployed, where it had any. None follow from a type
   * chosen by hand, so that a change of the type is one change.
   * @default - none
   */
  readonly threadSettings?: { [setting: string]: string };
}

const DEFAULT_REPLICATION_FACTOR = 3;
const DEFAULT_STORAGE_GIB = 1000;
const MIB = 1024 * 1024;

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the sizing itself runs without the CDK
const cdk = () => require('aws-cdk-lib') as typeof import('aws-cdk-lib');

/** The size of a Kafka cluster: brokers, their type, their storage, and the published limit that decided. */
export class KafkaSizing extends Sizing {
  /**
   * The cluster that carries a demand over three zones: the fewest vCPU that fit, within a tenth, then the fewest brokers. Limits and
   * formula: MSK best practices and the sizing algorithm of AWS' MSK agent toolkit, with the differences of decision 0008. With `current`,
   * the next size on the way there, one change away.
   *
   * The alternatives have no prices: this library has no price book yet.
   *
   * @throws Millrace.KafkaDemandInvalid, Millrace.KafkaDemandDoesNotFit, Millrace.KafkaSizeUnreachable, Millrace.TokenRefused
   */
  public static forDemand(demand: KafkaDemand, options: KafkaSizingOptions = {}): KafkaSizing {
    const { current } = options;
    const brokerClass = options.brokerClass ?? current?.brokerType.brokerClass ?? BrokerClass.EXPRESS;
    const replicationFactor = options.replicationFactor ?? current?.replicationFactor ?? DEFAULT_REPLICATION_FACTOR;
    const primaryRetention = options.primaryRetention ?? current?.primaryRetention;
    const input: DemandInput = { ...demand, ...options, brokerClass, replicationFactor, primaryRetention };
    enforce('KafkaSizing.forDemand', input, [...DEMAND_RULES, ...SIZING_RULES]);
    const load = toLoad(input);
    const [chosen, ...rest] = current ? choice.grown(load, current.deployed) : choice.ranked(load, brokerClass);
    if (!chosen) return choice.refuseLoad(load, choice.candidatesFor(load, brokerClass), brokerClass);
    const target = targetOf(load, chosen, current?.deployed);
    const steps = current ? stepsBetween(current.deployed, target) : [];
    const size = steps[0]?.size ?? target;
    const elsewhere = current || brokerClass === BrokerClass.KUBERNETES ? [] : otherClasses(load, brokerClass);
    const growth = options.growth ? `, ${options.growth} % growth included` : '';
    const decision: SizingDecision = {
      choice: choice.nameOf(size),
      bottleneck: chosen.bottleneck,
      utilisation: utilisationOf(loadOn(size, load), size.type, size.brokers, DEFAULT_ASSUMPTIONS),
      alternatives: [
        ...[...rest.slice(0, 3), ...elsewhere].map((option) => choice.alternative(option, chosen)),
        ...(current || brokerClass === BrokerClass.KUBERNETES ? [] : serverlessAlternatives(demand, replicationFactor, options.growth)),
      ],
      reason: `${progress(steps, target)}${choice.reasonOf(load, chosen)}${growth}`,
    };
    return new KafkaSizing(size, replicationFactor, decision, load, steps.slice(1));
  }

  /**
   * A size decided elsewhere, checked against the limits of its broker type.
   *
   * @throws Millrace.KafkaSizeInvalid, Millrace.TokenRefused
   */
  public static fixed(size: FixedKafkaSize): KafkaSizing {
    enforce('KafkaSizing.fixed', size, FIXED_SIZE_RULES);
    const { brokerType: type, brokers, primaryRetention, provisionedThroughput } = size;
    const storageGib = type.brokerClass === BrokerClass.EXPRESS ? undefined : (size.storagePerBroker?.toGibibytes() ?? DEFAULT_STORAGE_GIB);
    const throughput = provisionedThroughput && mibps(provisionedThroughput);
    const threads = sorted(size.threadSettings ?? {});
    const primaryHours = primaryRetention && wholeHours(primaryRetention);
    return new KafkaSizing(
      { type, brokers, storageGib, primaryHours, throughput, threads },
      size.replicationFactor ?? DEFAULT_REPLICATION_FACTOR,
      {
        choice: `${choice.nameOf({ type, brokers })}${storageGib ? ` with ${storageGib} GiB each` : ''}`,
        bottleneck: 'chosen by hand',
        utilisation: {},
        alternatives: [],
        reason: 'the size was given, not derived from a demand',
      },
    );
  }

  /** Size of each broker. */
  public readonly brokerType: BrokerType;
  /** Number of brokers, a multiple of three. */
  public readonly brokers: number;
  /** Thread settings of the broker configuration, by their Kafka name; empty where the defaults fit. They follow the size one deploy later. */
  public readonly threadSettings: { [setting: string]: string };
  /** Changes left after this one until the cluster has the size of its demand, in order; each takes a deploy of its own. */
  public readonly remainingChanges: string[];
  /**
   * Share that the demand uses of what the brokers can do at all while one of three zones is lost: of volume and network throughput,
   * rebuilding included, or of the throttle limit of Express brokers. Empty for a size chosen by hand.
   */
  public readonly utilisationWithZoneLost: { [limit: string]: number };
  private readonly fanout: number;

  private constructor(
    private readonly deployed: DeployedSize,
    /** Copies of each partition that the size counts on; topics have as many unless they say otherwise. */
    public readonly replicationFactor: number,
    decision: SizingDecision,
    load?: BrokerLoad,
    remaining: GrowthStep[] = [],
  ) {
    super(decision);
    this.brokerType = deployed.type;
    this.brokers = deployed.brokers;
    this.threadSettings = { ...deployed.threads };
    this.remainingChanges = remaining.map(({ change }) => change);
    this.fanout = load ? load.peakOut / load.peakIn : 1;
    const lost = load ? utilisationWithZoneLost(loadOn(deployed, load), deployed.type, deployed.brokers, DEFAULT_ASSUMPTIONS) : {};
    this.utilisationWithZoneLost = Object.fromEntries(Object.entries(lost).map(([limit, share]) => [limit, Number(share.toFixed(4))]));
  }

  /** Volume of each broker; none for Express, which stores by itself. */
  public get storagePerBroker(): Size | undefined {
    return this.deployed.storageGib === undefined ? undefined : cdk().Size.gibibytes(this.deployed.storageGib);
  }

  /** What stays on the volumes of the brokers; none without tiered storage. */
  public get primaryRetention(): Duration | undefined {
    return this.deployed.primaryHours === undefined ? undefined : cdk().Duration.millis(Math.round(this.deployed.primaryHours * 3_600_000));
  }

  /** Volume throughput bought for each broker, whole MiB/s; none where the volume delivers what it does by itself. */
  public get provisionedThroughput(): Bitrate | undefined {
    return this.deployed.throughput === undefined ? undefined : bitrate(this.deployed.throughput);
  }

  /** Partitions, leaders and followers, that the cluster can hold within the recommended number a broker. */
  public get partitionCapacity(): number {
    return this.brokers * this.brokerType.limits.partitions;
  }

  /** What producers may write at peak, where consumers read as many times as much as the demand says; once without a demand. */
  public get ingressCapacity(): Bitrate {
    return bitrate(this._capacityAt(this.fanout).ingress);
  }

  /** What consumers may read at peak. */
  public get egressCapacity(): Bitrate {
    return bitrate(this._capacityAt(this.fanout).egress);
  }

  /** What records with their copies may take of the volumes, half of what is bought; none for Express, which stores by itself. */
  public get storageCapacity(): Size | undefined {
    const gib = this._storageGib;
    return gib === undefined ? undefined : cdk().Size.bytes(gib * 1024 ** 3);
  }

  /**
   * MiB/s in and out over all brokers, where consumers read `fanout` times what producers write.
   * @internal
   */
  public _capacityAt(fanout: number): Capacity {
    const { type, brokers, primaryHours, throughput } = this.deployed;
    const load = { peakIn: 1, peakOut: fanout, retentionHours: Infinity, primaryHours, provisionedThroughput: throughput };
    const one = capacityOf(load, type, DEFAULT_ASSUMPTIONS);
    return { ingress: one.ingress * brokers, egress: one.egress * brokers };
  }

  /**
   * MiB/s of one partition, which only Express brokers limit.
   * @internal
   */
  public get _partitionCapacity(): Capacity | undefined {
    return this.brokerType.brokerClass === BrokerClass.EXPRESS ? EXPRESS_PARTITION : undefined;
  }

  /** @internal */
  public get _primaryHours(): number | undefined {
    return this.deployed.primaryHours;
  }

  /** @internal */
  public get _storageGib(): number | undefined {
    const { storageGib, brokers } = this.deployed;
    return storageGib === undefined ? undefined : (storageGib * brokers) / DEFAULT_ASSUMPTIONS.storageHeadroom;
  }
}

const bitrate = (mib: number) => cdk().Bitrate.bps(mib * 8 * MIB);
const sorted = (settings: { [setting: string]: string }) =>
  Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The load as a size meets it that may not have all yet that was decided. */
const loadOn = ({ primaryHours, throughput }: DeployedSize, load: BrokerLoad): BrokerLoad => ({
  ...load,
  primaryHours,
  provisionedThroughput: throughput,
});

/** What a cluster becomes on the chosen brokers: never less than it has. */
function targetOf(load: BrokerLoad, chosen: choice.Candidate, current?: DeployedSize): DeployedSize {
  const gib = choice.storageGib(load, chosen);
  const { type, brokers } = chosen;
  const { primaryHours, provisionedThroughput: throughput } = load;
  const threads = brokerThreads(type, throughput);
  return { type, brokers, storageGib: gib && Math.max(gib, current?.storageGib ?? 0), primaryHours, throughput, threads };
}

/** The best of the other classes of MSK brokers. */
function otherClasses(load: BrokerLoad, brokerClass: BrokerClass): choice.Candidate[] {
  return [BrokerClass.EXPRESS, BrokerClass.STANDARD]
    .filter((other) => other !== brokerClass && (other !== BrokerClass.EXPRESS || load.replicationFactor === 3))
    .flatMap((other) => choice.ranked(load, other).slice(0, 1));
}

/** Where a deployed cluster stands on the way to what its demand needs. */
function progress(steps: GrowthStep[], target: DeployedSize): string {
  if (steps.length === 0) return '';
  const storage = target.storageGib === undefined ? '' : ` with ${target.storageGib} GiB each`;
  const [next, ...left] = steps.map(({ change }) => change);
  const then = left.length === 0 ? '' : `, then ${left.join(', then ')}`;
  return `next of ${steps.length} changes towards ${choice.nameOf(target)}${storage}: ${next}${then}; `;
}
