import type { RequestPolicy } from './request-policy';

/** What a container is; it decides what slack, overrun and a resize cost. */
export const WORKLOAD_CLASSES = ['service', 'batch', 'jvm', 'gpu'] as const;
/** One of the classes. */
export type WorkloadClass = (typeof WORKLOAD_CLASSES)[number];

interface ClassWeights {
  readonly cpuOver: number;
  readonly memoryOver: number;
  /** Days after an overrun of memory in which the request is not lowered, at least. */
  readonly hold: number;
}

/** Classes for which memory is not requested below a recent peak: what they lose with a kill is dear. */
export const KEEPS_PEAKS: Readonly<Record<WorkloadClass, boolean>> = { service: false, batch: true, jvm: true, gpu: true };

const WEIGHTS: Readonly<Record<WorkloadClass, ClassWeights>> = {
  service: { cpuOver: 1, memoryOver: 1, hold: 0 },
  // Nobody waits for the single request of a batch job: short of CPU it takes longer. An OOM still costs the whole run.
  batch: { cpuOver: 0.4, memoryOver: 1, hold: 0 },
  // A heap is not given back, so an overrun says that the heap was set too large for the request, and it stays.
  jvm: { cpuOver: 1, memoryOver: 2, hold: 14 },
  // CPU that is missing leaves a GPU idle, which costs far more.
  gpu: { cpuOver: 3, memoryOver: 2, hold: 0 },
};

/** A policy with the prices of a class. */
export function policyFor(policy: RequestPolicy, workloadClass: WorkloadClass): RequestPolicy {
  const { cpuOver, memoryOver, hold } = WEIGHTS[workloadClass];
  const { cpu, memory } = policy;
  return {
    ...policy,
    cpu: { ...cpu, overPrice: cpu.overPrice * cpuOver },
    memory: {
      ...memory,
      overPrice: memory.overPrice * memoryOver,
      eventPrice: memory.eventPrice * memoryOver,
      hold: Math.max(memory.hold, hold),
    },
  };
}
