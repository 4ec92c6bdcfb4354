import type { Duration, Size } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import { bytesOf, millisOf } from './pod-amounts';
import type { FixedPodSize, ServiceDemand } from './pod-size';

/** Most replicas of one workload. */
export const MAX_REPLICAS = 300;
const MIN_CPU_MILLIS = 10;
const MIB = 1024 * 1024;
const MIN_MEMORY = 16 * MIB;

function replicasRule<P extends { readonly replicas?: number }>(fix: string): Rule<P> {
  return {
    code: 'Millrace.PodSizeInvalid',
    subject: 'replicas',
    value: (size) => size.replicas,
    valid: (replicas: number) => isPositiveInteger(replicas) && replicas <= MAX_REPLICAS,
    allowed: `a whole number from 1 to ${MAX_REPLICAS}`,
    fix,
    tokens: 'refuse',
  };
}

function memoryLimitRule<P extends { readonly memoryLimit?: Size }>(requestOf: (size: P) => number): Rule<P> {
  return {
    code: 'Millrace.PodSizeInvalid',
    subject: 'memoryLimit',
    value: (size) => size.memoryLimit,
    valid: (limit: Size, size) => isPositiveInteger(bytesOf(limit)) && bytesOf(limit) >= requestOf(size),
    allowed: 'at least the memory request, in whole bytes',
    fix: 'leave it out: the limit is the request then',
    tokens: 'refuse',
  };
}

/** Rules for a size given by hand. */
export const FIXED_RULES: Rule<FixedPodSize>[] = [
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
  replicasRule<FixedPodSize>('leave it out for one a zone'),
  memoryLimitRule<FixedPodSize>((size) => bytesOf(size.memory)),
];

interface ProfileSizeInput {
  readonly replicas: number;
  readonly given?: number;
  readonly memoryLimit?: Size;
  readonly workloadClass: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** Rules for what is made of a recommendation. */
export const PROFILE_RULES: Rule<ProfileSizeInput>[] = [
  {
    code: 'Millrace.PodSizeInvalid',
    subject: 'recommendation',
    value: ({ cpuMillis, memoryBytes }) => `${cpuMillis}m / ${memoryBytes / MIB} MiB`,
    valid: (_: string, { cpuMillis, memoryBytes }) => cpuMillis >= MIN_CPU_MILLIS && memoryBytes >= MIN_MEMORY,
    allowed: `at least ${MIN_CPU_MILLIS}m and ${MIN_MEMORY / MIB} MiB, as a LimitRange asks for`,
    fix: 'recommend again without lower floors',
  },
  {
    code: 'Millrace.PodSizeInvalid',
    subject: 'replicas',
    value: ({ workloadClass, given }) => (workloadClass === 'batch' && given === undefined ? 'nothing' : undefined),
    valid: () => false,
    allowed: 'the pods that run at a time, for a batch job',
    fix: 'give replicas: the profile knows averages over hours, and the pods of a job come and go',
  },
  replicasRule('give the replicas at peak'),
  memoryLimitRule((size) => size.memoryBytes),
];

/** Rules for a demand. */
export const DEMAND_RULES: Rule<ServiceDemand>[] = [
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
