import type { Size } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import type { NodePackingOptions, PackedWorkload } from './node-packing';
import { bytesOf, millisOf } from './pod-amounts';

const CODE = 'Millrace.NodePackingInvalid';
const MAX_GPUS_OF_A_NODE = 8;

/** Rules for what is packed. */
export function packingRules(workloads: readonly PackedWorkload[]): Rule<NodePackingOptions>[] {
  const onGpus = workloads.filter(({ gpus }) => (gpus ?? 0) > 0).length;
  return [
    {
      code: CODE,
      subject: 'workloads',
      value: () => workloads.length,
      valid: isPositiveInteger,
      allowed: 'at least one workload',
      fix: 'declare the pods that the nodes are for',
    },
    {
      code: CODE,
      subject: 'workloads.gpus',
      value: () => onGpus,
      valid: (count: number) => count === 0 || count === workloads.length,
      allowed: `GPUs for all ${workloads.length} workloads of a pool or for none: a pod without would keep a GPU node alive`,
      fix: 'make a pool of its own for the workloads with GPUs',
    },
    ...workloads.flatMap(workloadRules),
    {
      code: CODE,
      subject: 'daemonsets.cpu',
      value: (options) => options.daemonsets?.cpu && millisOf(options.daemonsets.cpu),
      valid: (millis: number) => millis >= 0,
      allowed: 'a CPU request from zero',
      fix: 'add up the requests of the daemonsets: kubectl get daemonsets -A -o yaml',
    },
    {
      code: CODE,
      subject: 'daemonsets.memory',
      value: (options) => options.daemonsets?.memory,
      valid: (memory: Size) => bytesOf(memory) >= 0,
      allowed: 'a memory request from zero',
      fix: 'add up the requests of the daemonsets: kubectl get daemonsets -A -o yaml',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: 'daemonsets.pods',
      value: (options) => options.daemonsets?.pods,
      valid: (pods: number) => Number.isSafeInteger(pods) && pods >= 0,
      allowed: 'a whole number from zero',
      fix: 'count the daemonsets: kubectl get daemonsets -A',
      tokens: 'refuse',
    },
  ];
}

function workloadRules(workload: PackedWorkload, index: number): Rule<object>[] {
  const subject = `workloads[${index}]`;
  return [
    {
      code: CODE,
      subject: `${subject}.replicas`,
      value: () => workload.replicas,
      valid: isPositiveInteger,
      allowed: 'a whole number above zero',
      fix: 'leave it out for the replicas of the size at peak',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: `${subject}.gpus`,
      value: () => workload.gpus,
      valid: (gpus: number) => Number.isSafeInteger(gpus) && gpus >= 0 && gpus <= MAX_GPUS_OF_A_NODE,
      allowed: `a whole number from 0 to ${MAX_GPUS_OF_A_NODE}, the most that a node has`,
      fix: 'divide the work over more pods',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: `${subject}.gpuMemory`,
      value: () => workload.gpuMemory,
      valid: (memory: Size) => isPositive(bytesOf(memory)) && (workload.gpus ?? 0) > 0,
      allowed: 'the memory that each GPU needs, above zero, for a workload with gpus',
      fix: 'state gpus as well, or leave it out',
      tokens: 'refuse',
    },
  ];
}
