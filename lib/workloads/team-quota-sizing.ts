import type { Size } from 'aws-cdk-lib';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { bytesOf } from './pod-amounts';
import type { PodSize } from './pod-size';

/** What one workload of a team may take. */
export interface QuotaShare {
  /** Size of each pod. */
  readonly size: PodSize;
  /**
   * Most pods, as its autoscaler allows.
   * @default - twice the replicas of the size, as `Service` has it
   */
  readonly maxReplicas?: number;
  /**
   * NVIDIA GPUs of each pod.
   * @default 0
   */
  readonly gpus?: number;
  /**
   * Persistent volume of each pod.
   * @default - none
   */
  readonly volumePerReplica?: Size;
  /**
   * Whether the pods run in the priority class of the team, where it has one.
   * @default true
   */
  readonly prioritised?: boolean;
}

/** How a quota follows from its shares. */
export interface TeamQuotaSizingOptions {
  /**
   * Room above the sum, in percent.
   * @default 25
   */
  readonly growth?: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const DEFAULT_GROWTH = 25;
const MAX_GROWTH = 1000;
// maxSurge of our Deployments, and the default of Kubernetes: a rollout at the peak has as many pods more, rounded up.
const SURGE_PERCENT = 25;
const MAX_REPLICAS = 5000;
const CODE = 'Millrace.TeamQuotaInvalid';

interface Sum {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pods: number;
  readonly gpus: number;
  readonly volumes: number;
  readonly storageBytes: number;
}

/** What a team may request in its namespace: the sum of its workloads at their largest, while they are rolled out, plus growth. */
export class TeamQuotaSizing extends Sizing {
  /**
   * The sum of most replicas and rollout surge over all shares, plus growth; CPU rounded up to whole cores, memory and storage to whole GiB,
   * the rest to whole numbers. Volumes have no surge.
   *
   * @throws Millrace.TeamQuotaInvalid, Millrace.TokenRefused
   */
  public static forShares(shares: QuotaShare[], options: TeamQuotaSizingOptions = {}): TeamQuotaSizing {
    enforce('TeamQuotaSizing.forShares', options, [...SIZING_RULES, ...shareRules(shares)]);
    const growth = options.growth ?? DEFAULT_GROWTH;
    const sum = sumOf(shares);
    const grown = (amount: number, unit = 1) => Math.ceil((amount * (100 + growth)) / 100 / unit);
    const quota: Sum = {
      cpuMillis: grown(sum.cpuMillis, 1000) * 1000,
      memoryBytes: grown(sum.memoryBytes, GIB) * GIB,
      memoryLimitBytes: grown(sum.memoryLimitBytes, GIB) * GIB,
      pods: grown(sum.pods),
      gpus: grown(sum.gpus),
      volumes: grown(sum.volumes),
      storageBytes: grown(sum.storageBytes, GIB) * GIB,
    };
    return new TeamQuotaSizing(quota, decisionOf(shares, sum, quota, growth));
  }

  /** CPU requests in whole cores. */
  public readonly cores: number;
  /** Memory requests in whole GiB. */
  public readonly memoryGib: number;
  /** Memory limits in whole GiB: the requests, unless a size has a limit of its own. */
  public readonly memoryLimitGib: number;
  /** Pods. */
  public readonly pods: number;
  /** NVIDIA GPUs. */
  public readonly gpus: number;
  /** Persistent volume claims. */
  public readonly volumes: number;
  /** Storage of all persistent volume claims in whole GiB. */
  public readonly storageGib: number;

  private constructor(quota: Sum, decision: SizingDecision) {
    super(decision);
    this.cores = quota.cpuMillis / 1000;
    this.memoryGib = quota.memoryBytes / GIB;
    this.memoryLimitGib = quota.memoryLimitBytes / GIB;
    this.pods = quota.pods;
    this.gpus = quota.gpus;
    this.volumes = quota.volumes;
    this.storageGib = quota.storageBytes / GIB;
  }
}

function maxReplicasOf({ maxReplicas, size }: QuotaShare): number {
  return maxReplicas ?? size.replicas * 2;
}

/** Pods while the workload is rolled out at its largest. */
function surgedPods(share: QuotaShare): number {
  return maxReplicasOf(share) + Math.ceil((maxReplicasOf(share) * SURGE_PERCENT) / 100);
}

function sumOf(shares: readonly QuotaShare[]): Sum {
  const total = (amount: (share: QuotaShare) => number) => shares.reduce((sum, share) => sum + amount(share), 0);
  return {
    cpuMillis: total((share) => surgedPods(share) * share.size.cpuMillis),
    memoryBytes: total((share) => surgedPods(share) * share.size.memoryBytes),
    memoryLimitBytes: total((share) => surgedPods(share) * share.size.memoryLimitBytes),
    pods: total(surgedPods),
    gpus: total((share) => surgedPods(share) * (share.gpus ?? 0)),
    volumes: total((share) => (share.volumePerReplica ? maxReplicasOf(share) : 0)),
    storageBytes: total((share) => (share.volumePerReplica ? maxReplicasOf(share) * bytesOf(share.volumePerReplica) : 0)),
  };
}

const words = (sum: Sum) =>
  `${sum.cpuMillis / 1000} cores, ${Number((sum.memoryBytes / GIB).toFixed(2))} GiB, ${sum.pods} pods` +
  (sum.gpus > 0 ? `, ${sum.gpus} GPUs` : '') +
  (sum.volumes > 0 ? `, ${sum.volumes} volumes of ${Number((sum.storageBytes / GIB).toFixed(2))} GiB together` : '');

function decisionOf(shares: QuotaShare[], sum: Sum, quota: Sum, growth: number): SizingDecision {
  const used = (key: keyof Sum) => (quota[key] > 0 ? sum[key] / quota[key] : 0);
  const utilisation: Record<string, number> = { cpu: used('cpuMillis'), memory: used('memoryBytes'), pods: used('pods') };
  if (quota.gpus > 0) utilisation.gpus = used('gpus');
  if (quota.volumes > 0) Object.assign(utilisation, { volumes: used('volumes'), storage: used('storageBytes') });
  const [[bottleneck]] = Object.entries(utilisation).sort(([, a], [, b]) => b - a);
  const shareWords = shares.map((share) => `${maxReplicasOf(share)} x ${share.size.cpuMillis}m / ${share.size.memoryBytes / MIB} MiB`);
  return {
    choice: words(quota),
    bottleneck,
    utilisation,
    alternatives: [{ choice: words(sum), bottleneck, reason: 'the sum itself, with no room to grow' }],
    reason: `${shareWords.join(' + ')}, each with ${SURGE_PERCENT} % more pods during a rollout: ${words(sum)}; plus ${growth} % growth, rounded up to whole cores and GiB`,
  };
}

const SIZING_RULES: Rule<TeamQuotaSizingOptions>[] = [
  {
    code: CODE,
    subject: 'growth',
    value: (options) => options.growth,
    valid: (growth: number) => Number.isFinite(growth) && growth >= 0 && growth <= MAX_GROWTH,
    allowed: `percent, from 0 to ${MAX_GROWTH}`,
    fix: 'leave it out for 25',
    tokens: 'refuse',
  },
];

function shareRules(shares: readonly QuotaShare[]): Rule<TeamQuotaSizingOptions>[] {
  return [
    {
      code: CODE,
      subject: 'shares',
      value: () => shares.length,
      valid: isPositiveInteger,
      allowed: 'at least one share',
      fix: 'declare the workloads of the team',
    },
    ...shares.flatMap((share, index): Rule<TeamQuotaSizingOptions>[] => [
      {
        code: CODE,
        subject: `shares[${index}].maxReplicas`,
        value: () => share.maxReplicas,
        valid: (replicas: number) => isPositiveInteger(replicas) && replicas <= MAX_REPLICAS,
        allowed: `a whole number from 1 to ${MAX_REPLICAS}`,
        fix: 'use the maxReplicas of the workload',
        tokens: 'refuse',
      },
      {
        code: CODE,
        subject: `shares[${index}].gpus`,
        value: () => share.gpus,
        valid: (gpus: number) => Number.isSafeInteger(gpus) && gpus >= 0,
        allowed: 'a whole number from zero',
        fix: 'Kubernetes counts whole GPUs',
        tokens: 'refuse',
      },
      {
        code: CODE,
        subject: `shares[${index}].volumePerReplica`,
        value: () => share.volumePerReplica,
        valid: (size: Size) => isPositive(bytesOf(size)),
        allowed: 'a size above zero',
        fix: 'leave it out where pods have no volume',
        tokens: 'refuse',
      },
    ]),
  ];
}
