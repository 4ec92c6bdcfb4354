import { allocatableOf } from '../../workloads/instance-type';
import { PodDensity } from '../../workloads/pod-density';
import type { LlmSizing } from '../llm-sizing';

/** Resource of the NVIDIA device plugin. */
export const GPU_RESOURCE = 'nvidia.com/gpu';

/** What a pod takes of its node. */
export interface PodShare {
  readonly gpus: number;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Disk for the files of the model and the compiled kernels, where no claim has them. */
  readonly diskBytes: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
// The rest is for the agents that run on every node.
const USABLE = 0.9;
const KERNELS_BYTES = 10 * GIB;

/** The part of a node that goes with the GPUs of a pod: nine tenths of what the kubelet offers. */
export function podShareOf({ _type, tensorParallel, model }: LlmSizing): PodShare {
  const offered = allocatableOf(_type, PodDensity.SECONDARY_ADDRESSES);
  const share = (USABLE * tensorParallel) / _type.gpus;
  const files = model.weightBytes * 1.1;
  return {
    gpus: tensorParallel,
    cpuMillis: Math.floor((offered.cpuMillis * share) / 100) * 100,
    memoryBytes: Math.floor((offered.memoryBytes * share) / (256 * MIB)) * 256 * MIB,
    // The nodes of a group fetch all files each.
    diskBytes: Math.ceil((files + KERNELS_BYTES) / GIB) * GIB,
  };
}
