import type { Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import type { Cpu } from 'cdk8s-plus-27';
import { refuse } from '../core/error';
import { type Rule, enforce, isPositive, isPositiveInteger } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';

/** What a service must serve. */
export interface ServiceDemand {
  /** Requests per second at peak, over all replicas. */
  readonly peakRequestsPerSecond: number;
  /** CPU time of one request on one core, as a profiler or `rate(cpu) / rate(requests)` shows it. */
  readonly cpuTimePerRequest: Duration;
  /** Memory of an idle process. */
  readonly idleMemory: Size;
  /**
   * Memory of one request in flight.
   * @default - none
   */
  readonly memoryPerRequest?: Size;
  /**
   * How long a request is in flight at peak; with the rate it gives the concurrency (Little's law).
   * @default - the CPU time: no waiting
   */
  readonly latency?: Duration;
}

/** A pod size chosen by hand. */
export interface FixedPodSize {
  /** CPU request, from 10 m. */
  readonly cpu: Cpu;
  /** Memory request and limit, from 16 MiB. */
  readonly memory: Size;
  /**
   * Replicas at peak.
   * @default 3: one a zone
   */
  readonly replicas?: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const ZONES = 3;
// Of three zones one may be lost: the others carry 3/2.
const LOST_ZONE = ZONES / (ZONES - 1);
/** CPU utilisation at which replicas are added, percent of the request. */
export const TARGET_CPU_UTILISATION = 60;
const LADDER_MILLIS = [100, 250, 500, 1000, 2000, 4000, 8000];
// More replicas than this and pods grow first: each one costs sidecars, connections and rollout time.
const COMFORTABLE_REPLICAS = 12;
const MAX_REPLICAS = 300;
const MEMORY_HEADROOM = 1.2;
const MEMORY_STEP = 64 * MIB;
// Beyond it a pod no longer shares a common node of 8 vCPU, and a restart takes its whole heap along: more replicas instead.
const MAX_MEMORY = 32 * GIB;
const MIN_CPU_MILLIS = 10;
const MIN_MEMORY = 16 * MIB;

/** How large the pods of a workload are, and how many carry its peak with one zone lost. */
export class PodSize extends Sizing {
  /**
   * A size decided elsewhere.
   *
   * @throws Millrace.PodSizeInvalid, Millrace.TokenRefused
   */
  public static fixed(size: FixedPodSize): PodSize {
    enforce('PodSize.fixed', size, FIXED_RULES);
    const replicas = size.replicas ?? ZONES;
    return new PodSize(millisOf(size.cpu), size.memory.toBytes(), replicas, {
      bottleneck: 'chosen by hand',
      utilisation: {},
      alternatives: [],
      reason: 'the size was given, not derived from a demand',
    });
  }

  /**
   * The smallest pod of the ladder 100 m … 8 cores that carries the peak in at most 12 replicas at 60 % CPU with one of three zones lost;
   * never fewer than three replicas. Memory is the idle process plus the requests in flight, with a fifth to spare; where that is
   * more than 32 GiB a pod, there are more replicas.
   *
   * @throws Millrace.ServiceDemandInvalid, Millrace.ServiceDemandDoesNotFit, Millrace.TokenRefused
   */
  public static forDemand(demand: ServiceDemand): PodSize {
    enforce('PodSize.forDemand', demand, DEMAND_RULES);
    const busyMillis = demand.peakRequestsPerSecond * demand.cpuTimePerRequest.toMilliseconds({ integral: false });
    const forCpu = (millis: number) => replicasForCpu(busyMillis, millis);
    const millis = LADDER_MILLIS.find((step) => forCpu(step) <= COMFORTABLE_REPLICAS) ?? LADDER_MILLIS[LADDER_MILLIS.length - 1];
    const replicas = replicasForMemory(demand, forCpu(millis));
    if (replicas > MAX_REPLICAS) refuseDemand(demand, busyMillis, millis, forCpu(millis));
    const { inFlight, used, bytes } = memoryOf(demand, replicas);
    const cpuShare = busyMillis / (surviving(replicas) * millis * (TARGET_CPU_UTILISATION / 100));
    const bottleneck = replicas > forCpu(millis) ? 'memory' : replicas === ZONES && cpuShare < 1 ? 'availability' : 'cpu';
    const others = LADDER_MILLIS.filter((step) => step !== millis && forCpu(step) <= MAX_REPLICAS && forCpu(step) > ZONES)
      .slice(-3)
      .map((step) => ({
        choice: `${forCpu(step)} x ${step}m`,
        bottleneck: 'cpu',
        reason: `${(forCpu(step) * step) / 1000} cores requested`,
      }));
    const reason =
      `${demand.peakRequestsPerSecond} requests/s keep ${(busyMillis / 1000).toFixed(2)} cores busy; at ${TARGET_CPU_UTILISATION} % with one of ${ZONES} zones lost that is ` +
      `${forCpu(millis)} replicas of ${millis}m; memory (${mib(bytesOf(demand.idleMemory))} idle + ${inFlight.toFixed(1)} in flight x ${mib(perRequestOf(demand))}) x ${MEMORY_HEADROOM} = ${mib(used * MEMORY_HEADROOM)} a replica` +
      (bottleneck === 'memory' ? `; ${replicas} replicas keep a pod within ${MAX_MEMORY / GIB} GiB` : '');
    return new PodSize(millis, bytes, replicas, {
      bottleneck,
      utilisation: { cpu: cpuShare, memory: used / bytes },
      alternatives: others,
      reason,
    });
  }

  private constructor(
    /** CPU request in thousandths of a core. */
    public readonly cpuMillis: number,
    /** Memory request and limit in bytes. */
    public readonly memoryBytes: number,
    /** Replicas at peak. */
    public readonly replicas: number,
    decision: Omit<SizingDecision, 'choice'>,
  ) {
    super({ choice: `${replicas} x ${cpuMillis}m / ${memoryBytes / MIB} MiB`, ...decision });
  }
}

/** Replicas that are left when the fullest of three zones is lost. */
function surviving(replicas: number): number {
  return replicas - Math.ceil(replicas / ZONES);
}

/** Whole pods first: replicas that do not divide by three stand unevenly, and the zone that is lost may be the fullest. */
function replicasForCpu(busyMillis: number, millis: number): number {
  return Math.max(ZONES, Math.ceil(Math.ceil((busyMillis * 100) / (millis * TARGET_CPU_UTILISATION) - 1e-9) * LOST_ZONE));
}

/** At most two decimals: `217.8 MiB`. */
function mib(bytes: number): string {
  return `${Number((bytes / MIB).toFixed(2))} MiB`;
}

function perRequestOf(demand: ServiceDemand): number {
  return demand.memoryPerRequest ? bytesOf(demand.memoryPerRequest) : 0;
}

function memoryOf(demand: ServiceDemand, replicas: number): { inFlight: number; used: number; bytes: number } {
  const latency = (demand.latency ?? demand.cpuTimePerRequest).toMilliseconds({ integral: false });
  const inFlight = (demand.peakRequestsPerSecond * latency) / 1000 / surviving(replicas);
  const used = bytesOf(demand.idleMemory) + inFlight * perRequestOf(demand);
  return { inFlight, used, bytes: Math.ceil((used * MEMORY_HEADROOM) / MEMORY_STEP) * MEMORY_STEP };
}

function replicasForMemory(demand: ServiceDemand, least: number): number {
  let replicas = least;
  while (replicas <= MAX_REPLICAS && memoryOf(demand, replicas).bytes > MAX_MEMORY) replicas += 1;
  return replicas;
}

function refuseDemand(demand: ServiceDemand, busyMillis: number, millis: number, forCpu: number): never {
  const { inFlight, bytes } = memoryOf(demand, MAX_REPLICAS);
  return refuse('PodSize.forDemand', {
    code: 'Millrace.ServiceDemandDoesNotFit',
    subject: 'demand',
    received:
      `${demand.peakRequestsPerSecond} requests/s of ${demand.cpuTimePerRequest.toMilliseconds({ integral: false })} ms CPU: ${Math.ceil(busyMillis / 1000)} busy cores, ${forCpu} replicas of ${millis}m; ` +
      `with ${MAX_REPLICAS} replicas ${inFlight.toFixed(1)} requests in flight and ${(bytes / GIB).toFixed(1)} GiB a replica`,
    allowed: `at most ${MAX_REPLICAS} replicas of ${MAX_MEMORY / GIB} GiB`,
    fix: 'split the service by tenant or shard, or check the CPU time, latency and memory of one request',
  });
}

/** cdk8s-plus spells CPU as `500m`; a multiplication by 1000 leaves floating-point dust, as in 1.005 cores. */
function millisOf(cpu: Cpu): number {
  const amount = String(cpu.amount);
  return amount.endsWith('m') ? Number(amount.slice(0, -1)) : Number((Number(amount) * 1000).toFixed(6));
}

/** Unrounded: `SizeRoundingBehavior.NONE`, spelled out because the sizing runs without the CDK. */
function bytesOf(size: Size): number {
  return size.toBytes({ rounding: 2 as SizeRoundingBehavior });
}

const FIXED_RULES: Rule<FixedPodSize>[] = [
  {
    code: 'Millrace.PodSizeInvalid',
    subject: 'cpu',
    value: (size) => millisOf(size.cpu),
    valid: (millis: number) => isPositiveInteger(millis) && millis >= MIN_CPU_MILLIS,
    allowed: `at least ${MIN_CPU_MILLIS} thousandths of a core, whole ones: Kubernetes counts no finer`,
    fix: 'use Cpu.millis(…)',
  },
  {
    code: 'Millrace.PodSizeInvalid',
    subject: 'memory',
    value: (size) => size.memory,
    valid: (memory: Size) => isPositiveInteger(bytesOf(memory)) && bytesOf(memory) >= MIN_MEMORY,
    allowed: 'at least 16 MiB, in whole bytes',
    fix: 'use Size.mebibytes(…)',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.PodSizeInvalid',
    subject: 'replicas',
    value: (size) => size.replicas,
    valid: (replicas: number) => isPositiveInteger(replicas) && replicas <= MAX_REPLICAS,
    allowed: `a whole number from 1 to ${MAX_REPLICAS}`,
    fix: 'leave it out for one a zone',
    tokens: 'refuse',
  },
];
const DEMAND_RULES: Rule<ServiceDemand>[] = [
  {
    code: 'Millrace.ServiceDemandInvalid',
    subject: 'demand.peakRequestsPerSecond',
    value: (demand) => demand.peakRequestsPerSecond,
    valid: isPositive,
    allowed: 'a finite number above zero',
    fix: 'measure the peak of the busiest minute',
    tokens: 'refuse',
  },
  ...(['cpuTimePerRequest', 'latency'] as const).map((subject): Rule<ServiceDemand> => ({
    code: 'Millrace.ServiceDemandInvalid',
    subject: `demand.${subject}`,
    value: (demand) => demand[subject],
    valid: (duration: Duration) => isPositive(duration.toMilliseconds({ integral: false })),
    allowed: 'a duration above zero',
    fix: 'measure it under load',
    tokens: 'refuse',
  })),
  ...(['idleMemory', 'memoryPerRequest'] as const).map((subject): Rule<ServiceDemand> => ({
    code: 'Millrace.ServiceDemandInvalid',
    subject: `demand.${subject}`,
    value: (demand) => demand[subject],
    valid: (size: Size) => isPositive(bytesOf(size)),
    allowed: 'a size above zero',
    fix: 'measure the working set',
    tokens: 'refuse',
  })),
];
