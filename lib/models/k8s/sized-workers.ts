import type { Rule } from '../../core/rule';
import { allocatableOf, instanceTypes } from '../../workloads/instance-type';
import { GpuRequest } from '../../workloads/k8s/gpu-request';
import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';
import { PodDensity } from '../../workloads/pod-density';
import { TRAINING_KIND } from './training-kind';
import type { TrainingWorkers } from './training-options';

type Workers = { readonly workers: TrainingWorkers };

const INSTANCE_TYPE = 'node.kubernetes.io/instance-type';
const GIB = 1024 ** 3;

/** Where the workers stand: with a sizing on instances of its type, with all of their GPUs. */
export function sizedScheduling({ sizing, scheduling }: TrainingWorkers): PodScheduling | undefined {
  if (!sizing) return scheduling;
  const { gpusPerInstance, instanceType } = sizing;
  const gpu = scheduling?.gpu ?? (gpusPerInstance > 0 ? GpuRequest.whole(gpusPerInstance) : undefined);
  return { ...scheduling, ...(gpu ? { gpu } : {}), nodeSelector: { ...scheduling?.nodeSelector, [INSTANCE_TYPE]: instanceType } };
}

/** What a pod can have of the instance that a sizing chose. */
function roomOf({ workers }: Workers): { cpuMillis: number; memoryBytes: number } {
  const type = instanceTypes().find(({ name }) => name === workers.sizing!.instanceType)!;
  return allocatableOf(type, PodDensity.SECONDARY_ADDRESSES);
}

/** Rules for workers whose instances a sizing chose. */
export const SIZED_WORKER_RULES: readonly Rule<Workers>[] = [
  {
    code: TRAINING_KIND.code,
    subject: 'workers.sizing',
    value: ({ workers: { sizing, count, scheduling } }) =>
      sizing ? [...(count === undefined ? [] : ['count']), ...(scheduling?.gpu ? ['scheduling.gpu'] : [])] : undefined,
    valid: (beside: string[]) => beside.length === 0,
    allowed: 'a sizing without count and scheduling.gpu: it decides both',
    fix: 'drop them, or choose the instances with TrainingSizing.fixed',
    tokens: 'refuse',
  },
  {
    code: TRAINING_KIND.code,
    subject: 'workers.size',
    value: ({ workers: { sizing, size } }) => (sizing ? [size.cpuMillis, size.memoryBytes] : undefined),
    valid: ([cpuMillis, memoryBytes]: number[], props) => {
      const room = roomOf(props);
      const standsAlone = props.workers.sizing!.gpusPerInstance > 0 || 2 * cpuMillis > room.cpuMillis;
      return cpuMillis <= room.cpuMillis && memoryBytes <= room.memoryBytes && standsAlone;
    },
    allowed: (props) => {
      const { cpuMillis, memoryBytes } = roomOf(props);
      const { instanceType, gpusPerInstance } = props.workers.sizing!;
      const half = gpusPerInstance > 0 ? '' : ', and more than half of the cores, so that each worker has an instance';
      return `what a pod can have of ${instanceType}: ${cpuMillis} m CPU and ${(memoryBytes / GIB).toFixed(1)} GiB${half}`;
    },
    fix: 'leave some room for the daemons of the node',
    tokens: 'refuse',
  },
];
