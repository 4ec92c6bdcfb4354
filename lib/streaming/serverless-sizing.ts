import type { Bitrate } from 'aws-cdk-lib';
import { refuse } from '../core/error';
import { type Rule, enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import type { Capacity } from './broker-limits';
import { DEMAND_RULES, growthRule } from './kafka-demand';
import type { KafkaDemand } from './kafka-sizing';
import { SERVERLESS_LIMITS, fromMb, fullest, isOver, partitionsFor, sharesOf } from './serverless-limits';

/** How a serverless cluster is sized. */
export interface ServerlessSizingOptions {
  /**
   * How many of the partitions belong to compacted topics.
   * @default 0
   */
  readonly compactedPartitions?: number;
  /**
   * Room for growth of all rates, in percent.
   * @default 0
   */
  readonly growth?: number;
}

type ServerlessInput = KafkaDemand & ServerlessSizingOptions;
const RULES: readonly Rule<ServerlessInput>[] = [
  ...DEMAND_RULES,
  {
    code: 'Millrace.KafkaDemandInvalid',
    subject: 'options.compactedPartitions',
    value: (input) => input.compactedPartitions,
    valid: (count: number, { partitions }) => Number.isSafeInteger(count) && count >= 0 && count <= partitions,
    allowed: 'a whole number, at most the partitions of the demand',
    fix: 'add up the partitions of the compacted topics',
    tokens: 'refuse',
  },
  growthRule('Millrace.KafkaDemandInvalid', 'options.growth'),
];

/**
 * An MSK Serverless cluster: it has no brokers to choose, but quotas that a demand must respect. They may be used in full, because AWS keeps
 * the room for a lost zone; beyond them clients are slowed down.
 */
export class ServerlessSizing extends Sizing {
  /**
   * Checks a demand against the quotas of a serverless cluster, its traffic spread evenly over the partitions.
   *
   * @throws Millrace.KafkaDemandInvalid, Millrace.KafkaDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: KafkaDemand, options: ServerlessSizingOptions = {}): ServerlessSizing {
    enforce('ServerlessSizing.forDemand', { ...demand, ...options }, RULES);
    const shares = sharesOf(demand, options.growth, options.compactedPartitions);
    const over = Object.entries(shares).filter(([, share]) => isOver(share));
    if (over.length > 0) {
      return refuse('ServerlessSizing.forDemand', {
        code: 'Millrace.KafkaDemandDoesNotFit',
        subject: 'demand',
        received: over.map(([limit, { used }]) => `${limit} ${used}`).join(', '),
        allowed: over.map(([limit, { quota }]) => `${limit} ${quota}`).join(', '),
        fix: over.every(([limit]) => limit.endsWith('a partition'))
          ? `raise demand.partitions to ${partitionsFor(demand, options.growth)}`
          : 'take brokers: KafkaSizing, or split the topics over clusters',
      });
    }
    const reason = Object.entries(shares).map(([limit, { used, quota }]) => `${limit} ${used} of ${quota}`);
    return new ServerlessSizing({
      choice: 'serverless',
      bottleneck: fullest(shares),
      utilisation: Object.fromEntries(Object.entries(shares).map(([limit, { share }]) => [limit, share])),
      alternatives: [],
      reason: `${reason.join(', ')}${options.growth ? `, ${options.growth} % growth included` : ''}`,
    });
  }

  private constructor(decision: SizingDecision) {
    super(decision);
  }

  /** Partitions that the cluster can hold. Leaders: their copies do not count on Serverless. */
  public get partitionCapacity(): number {
    return SERVERLESS_LIMITS.partitions;
  }

  /** Partitions of compacted topics that the cluster can hold, leaders. */
  public get compactedPartitionCapacity(): number {
    return SERVERLESS_LIMITS.compactedPartitions;
  }

  /** What producers may write. */
  public get ingressCapacity(): Bitrate {
    return bitrate(SERVERLESS_LIMITS.ingressMb);
  }

  /** What consumers may read. */
  public get egressCapacity(): Bitrate {
    return bitrate(SERVERLESS_LIMITS.egressMb);
  }

  /**
   * MiB/s in and out, whatever their ratio.
   * @internal
   */
  public _capacityAt(_fanout: number): Capacity {
    return { ingress: fromMb(SERVERLESS_LIMITS.ingressMb), egress: fromMb(SERVERLESS_LIMITS.egressMb) };
  }

  /**
   * MiB/s in and out of one partition.
   * @internal
   */
  public get _partitionCapacity(): Capacity {
    return { ingress: fromMb(SERVERLESS_LIMITS.partitionIngressMb), egress: fromMb(SERVERLESS_LIMITS.partitionEgressMb) };
  }
}

function bitrate(mb: number): Bitrate {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the sizing itself runs without the CDK
  return (require('aws-cdk-lib') as typeof import('aws-cdk-lib')).Bitrate.mbps(mb * 8);
}
