import type { Bitrate } from 'aws-cdk-lib';
import { type Rule, enforce } from '../../core/rule';
import type { KafkaSizing } from '../kafka-sizing';

/** How Cruise Control balances a cluster. */
export interface CruiseControlOptions {
  /**
   * Whether partitions move by themselves when brokers are added or removed. Without it new brokers stay empty until a `KafkaRebalance`, and
   * the operator refuses to remove brokers that hold replicas.
   * @default true
   */
  readonly autoRebalance?: boolean;
  /**
   * What moving partitions may take of each broker, in and out.
   * @default - a quarter of the lower of the broker's disk and network baseline, so that clients and replication keep the rest
   */
  readonly replicationThrottle?: Bitrate;
}

type Fields = Record<string, unknown>;

const KIB_PER_MIB = 1024;
const THROTTLE_SHARE = 0.25;
// No source publishes a formula. Cruise Control keeps some windows of metrics of every replica; what we ask for is generous on purpose and
// grows with what the cluster may hold, because a load monitor that runs out of memory balances nothing.
const BASE_MEMORY_MIB = 1024;
const MEMORY_MIB_PER_STEP = 256;
const REPLICAS_PER_STEP = 5000;
const HEAP_SHARE = 0.75;
const CPU = '500m';

/** Whether and how Cruise Control runs beside a Strimzi cluster. */
export class CruiseControl {
  /**
   * Cruise Control, told what the brokers of the decided size can do; its own default, 10,000 KiB/s of network a broker, makes it refuse to
   * balance a busy cluster.
   *
   * @throws Millrace.CruiseControlInvalid
   */
  public static enabled(options: CruiseControlOptions = {}): CruiseControl {
    enforce('CruiseControl.enabled', options, RULES);
    return new CruiseControl(options);
  }

  /** No Cruise Control: a pod less to pay for, and every move of partitions is by hand. */
  public static none(): CruiseControl {
    return new CruiseControl();
  }

  private constructor(private readonly options?: CruiseControlOptions) {}

  /** @internal */
  public get _isEnabled(): boolean {
    return this.options !== undefined;
  }

  /** @internal */
  public get _rebalances(): boolean {
    return this.options !== undefined && (this.options.autoRebalance ?? true);
  }

  /** @internal */
  public _spec(sizing: KafkaSizing, brokerCpuMillis: number, templateName: string): Fields {
    const network = `${Math.floor((sizing.brokerType.limits.nic ?? 0) * KIB_PER_MIB)}KiB/s`;
    const memoryMib = BASE_MEMORY_MIB + MEMORY_MIB_PER_STEP * Math.ceil(sizing.partitionCapacity / REPLICAS_PER_STEP);
    const heap = `${Math.floor(memoryMib * HEAP_SHARE)}m`;
    const memory = `${memoryMib}Mi`;
    const template = { name: templateName };
    return {
      brokerCapacity: { cpu: `${brokerCpuMillis}m`, inboundNetwork: network, outboundNetwork: network },
      resources: { requests: { cpu: CPU, memory }, limits: { memory } },
      jvmOptions: { '-Xms': heap, '-Xmx': heap },
      autoRebalance: this._rebalances
        ? [
            { mode: 'add-brokers', template },
            { mode: 'remove-brokers', template },
          ]
        : undefined,
    };
  }

  /**
   * What a rebalance may take of each broker, in bytes a second.
   * @internal
   */
  public _throttle(sizing: KafkaSizing): number {
    const { ebs = 0, nic = 0 } = sizing.brokerType.limits;
    const given = this.options?.replicationThrottle;
    return given ? Math.floor(given.toBps() / 8) : Math.floor(Math.min(ebs, nic) * THROTTLE_SHARE * KIB_PER_MIB * KIB_PER_MIB);
  }
}

const RULES: Rule<CruiseControlOptions>[] = [
  {
    code: 'Millrace.CruiseControlInvalid',
    subject: 'replicationThrottle',
    value: (options) => options.replicationThrottle,
    valid: (rate: Bitrate) => Number.isFinite(rate.toBps()) && rate.toBps() >= 8,
    allowed: 'a rate of at least one byte a second',
    fix: 'leave it out for a quarter of what the brokers sustain',
    tokens: 'refuse',
  },
];
