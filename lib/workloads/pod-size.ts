import type { Duration, Size } from 'aws-cdk-lib';
import type { Cpu } from 'cdk8s-plus-27';
import { refuse } from '../core/error';
import { enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import type { Profile } from '../usage/profile';
import { bytesOf, millisOf } from './pod-amounts';
import { DEMAND_RULES, FIXED_RULES, MAX_REPLICAS, PROFILE_RULES } from './pod-size-rules';

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
  /**
   * Memory limit, at least the request. Above the request, a neighbour's burst can get the pod killed.
   * @default - the request
   */
  readonly memoryLimit?: Size;
}

/** How a recommendation becomes a pod size. */
export interface ProfilePodSizeOptions {
  /**
   * Replicas at peak.
   * @default - the pods of the busiest block of the last week; a batch job has to name them, because its pods come and go within a block
   */
  readonly replicas?: number;
  /**
   * Memory limit, at least the request.
   * @default - the request
   */
  readonly memoryLimit?: Size;
  /**
   * Age of the recommendation from which a warning is printed. The size stays the same: only a new recommendation changes it.
   * @default Duration.days(30)
   */
  readonly maxAge?: Duration;
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
const MEMORY_HEADROOM = 1.2;
const MEMORY_STEP = 64 * MIB;
// Beyond it a pod no longer shares a common node of 8 vCPU, and a restart takes its whole heap along: more replicas instead.
const MAX_MEMORY = 32 * GIB;
// A rollout has a pod more for minutes, which is no replica.
const SURGE_TOLERANCE = 0.1;
const MAX_AGE_DAYS = 30;

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
    const limit = (size.memoryLimit ?? size.memory).toBytes();
    return new PodSize(millisOf(size.cpu), size.memory.toBytes(), limit, replicas, {
      bottleneck: 'chosen by hand',
      utilisation: {},
      alternatives: [],
      reason: 'the size was given, not derived from a demand',
    });
  }

  /**
   * The size that the profile recommends for a container, named as `workload/container`. It is read from the file as it was committed and
   * never computed here, so it changes only when someone runs `millrace usage recommend` and a pull request shows it.
   *
   * @throws Millrace.ProfileContainerUnknown, Millrace.RecommendationMissing, Millrace.PodSizeInvalid
   */
  public static fromProfile(profile: Profile, container: string, options: ProfilePodSizeOptions = {}): PodSize {
    const recommendation = profile.recommendation(container);
    const { cpuMillis, memoryMib, policy, algorithm, model, reason, asOf } = recommendation;
    const memoryBytes = memoryMib * MIB;
    const replicas = options.replicas ?? Math.max(1, Math.ceil(recommendation.replicas - SURGE_TOLERANCE));
    const { workloadClass } = recommendation;
    enforce(
      `PodSize.fromProfile ${container}`,
      { ...options, replicas, workloadClass, cpuMillis, memoryBytes, given: options.replicas },
      PROFILE_RULES,
    );
    warnIfOld(`${profile.name}, ${container}`, asOf, options.maxAge);
    return new PodSize(cpuMillis, memoryBytes, options.memoryLimit?.toBytes() ?? memoryBytes, replicas, {
      bottleneck: 'measured usage',
      utilisation: { cpu: 1 - recommendation.expectedCpuSlack, memory: 1 - recommendation.expectedMemorySlack },
      alternatives: [],
      reason: `${reason} (${policy}, ${algorithm}, usage until ${asOf.slice(0, 10)}; ${model})`,
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
    return new PodSize(millis, bytes, bytes, replicas, {
      bottleneck,
      utilisation: { cpu: cpuShare, memory: used / bytes },
      alternatives: others,
      reason,
    });
  }

  private constructor(
    /** CPU request in thousandths of a core. */
    public readonly cpuMillis: number,
    /** Memory request in bytes. */
    public readonly memoryBytes: number,
    /** Memory limit in bytes. */
    public readonly memoryLimitBytes: number,
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

/** On standard error, where it changes no synthesized byte. */
function warnIfOld(what: string, asOf: string, maxAge?: Duration): void {
  const days = (Date.now() - Date.parse(asOf)) / 86_400_000;
  const allowed = maxAge?.toDays({ integral: false }) ?? MAX_AGE_DAYS;
  if (days <= allowed) return;
  process.emitWarning(
    `${what}: the recommendation is of ${asOf.slice(0, 10)}, ${Math.floor(days)} days ago; pull and recommend again, or raise maxAge (${allowed} days)`,
    { code: 'Millrace.ProfileOld' },
  );
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
