import type { KafkaSizing } from '../kafka-sizing';

// Of a node's capacity the kubelet, the system and daemon sets keep a share (EKS: about 8 % of memory and 4 % of CPU on these sizes).
const POD_CPU_SHARE = 0.85;
const POD_MEMORY_SHARE = 0.8;
const NODE_MIB_PER_VCPU = 4096;
const MAX_HEAP_MIB = 6144;

/** What a pod of Kafka asks for. */
export interface KafkaNodeSize {
  readonly replicas: number;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly heapMib: number;
  readonly storageGib: number;
}

/** Three controllers: they hold metadata only. */
export const CONTROLLER_SIZE: KafkaNodeSize = { replicas: 3, cpuMillis: 500, memoryMib: 2048, heapMib: 1024, storageGib: 20 };

/** Brokers of a decided size, one to a node of its instance type. */
export function brokerSize(sizing: KafkaSizing): KafkaNodeSize {
  const { vcpu } = sizing.brokerType.limits;
  const memoryMib = Math.floor(vcpu * NODE_MIB_PER_VCPU * POD_MEMORY_SHARE);
  return {
    replicas: sizing.brokers,
    cpuMillis: Math.floor(vcpu * 1000 * POD_CPU_SHARE),
    memoryMib,
    heapMib: Math.min(MAX_HEAP_MIB, Math.floor(memoryMib / 4)),
    storageGib: sizing.storagePerBroker!.toGibibytes(),
  };
}
