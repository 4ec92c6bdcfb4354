import type { Resources } from './first-fit';
import type { PodDensity } from './pod-density';

type SizeFacts = [vcpus: number, memoryMib: number, networkInterfaces: number, addresses: number, hourly: number, gpus?: number];

interface InstanceTypeFile {
  readonly priceRegion: string;
  readonly priceDate: string;
  readonly currency: string;
  readonly families: Record<string, { architecture: string; gpu?: string; gpuMemoryMib?: number; sizes: Record<string, SizeFacts> }>;
}

/** What packing needs to know of an EC2 instance type. */
export interface InstanceType {
  readonly name: string;
  readonly family: string;
  readonly size: string;
  /** Types of one kind have the same memory for each vCPU, or the same GPU. */
  readonly kind: string;
  readonly architecture: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly networkInterfaces: number;
  readonly addressesPerInterface: number;
  /** Price of an hour on demand, where and when `priceNote` says. */
  readonly hourly: number;
  readonly gpus: number;
  readonly gpuMemoryMib: number;
}

const MIB = 1024 * 1024;
// A /28 prefix holds sixteen addresses.
const ADDRESSES_PER_PREFIX = 16;
// Pods in the host's network (aws-node, kube-proxy) need no address of their own (amazon-eks-ami, eni-max-pods.txt).
const HOST_NETWORK_PODS = 2;
// Karpenter's VM_MEMORY_OVERHEAD_PERCENT: what the hypervisor keeps, until a node of the type has been seen.
const VM_MEMORY_OVERHEAD = 0.075;
// Graviton machines reserve memory for contiguous allocations (karpenter-provider-aws, instancetype/types.go).
const ARM_RESERVED_MIB = 64;
// kube-reserved of the EKS images: 255 MiB + 11 MiB a pod; 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest.
const KUBE_RESERVED_MIB = 255;
const KUBE_RESERVED_MIB_PER_POD = 11;
const KUBE_RESERVED_CPU: readonly [fromMillis: number, toMillis: number, share: number][] = [
  [0, 1000, 0.06],
  [1000, 2000, 0.01],
  [2000, 4000, 0.005],
  [4000, Infinity, 0.0025],
];
const EVICTION_MIB = 100;

let types: InstanceType[] | undefined;

function file(): InstanceTypeFile {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- data, loaded when first needed
  return require('./instance-types.generated.json') as InstanceTypeFile;
}

/** All known instance types, by name. */
export function instanceTypes(): readonly InstanceType[] {
  types ??= Object.entries(file().families).flatMap(([family, { architecture, gpu, gpuMemoryMib = 0, sizes }]) =>
    Object.entries(sizes).map(([size, [vcpus, memoryMib, networkInterfaces, addressesPerInterface, hourly, gpus = 0]]) => ({
      name: `${family}.${size}`,
      family,
      size,
      kind: gpu ? `${gpu} ${Math.round(gpuMemoryMib / 1024)} GiB` : family[0],
      architecture,
      vcpus,
      memoryMib,
      networkInterfaces,
      addressesPerInterface,
      hourly,
      gpus,
      gpuMemoryMib,
    })),
  );
  return types;
}

/** Unit of the prices. */
export function priceUnit(): string {
  return `${file().currency}/h`;
}

/** Unit, place and date of the prices. */
export function priceNote(): string {
  const { priceRegion, priceDate } = file();
  return `${priceUnit()} on demand in ${priceRegion} at ${priceDate}`;
}

/** Pods that a node can have. */
export function maxPodsOf(type: InstanceType, density: PodDensity): number {
  const slots = type.networkInterfaces * (type.addressesPerInterface - 1);
  if (density.maxPods === undefined) return slots + HOST_NETWORK_PODS;
  return Math.min(density.maxPods, slots * ADDRESSES_PER_PREFIX + HOST_NETWORK_PODS);
}

/** What the kubelet reports as allocatable, as Karpenter computes it before it launches a node. */
export function allocatableOf(type: InstanceType, density: PodDensity): Resources {
  const pods = maxPodsOf(type, density);
  const usableMib = type.memoryMib - (type.architecture === 'arm64' ? ARM_RESERVED_MIB : 0);
  const memoryMib =
    usableMib - Math.ceil(usableMib * VM_MEMORY_OVERHEAD) - KUBE_RESERVED_MIB - KUBE_RESERVED_MIB_PER_POD * pods - EVICTION_MIB;
  const cpuMillis = type.vcpus * 1000;
  const reservedMillis = KUBE_RESERVED_CPU.reduce(
    (sum, [from, to, share]) => sum + Math.floor(Math.max(0, Math.min(cpuMillis, to) - from) * share),
    0,
  );
  return { cpuMillis: cpuMillis - reservedMillis, memoryBytes: memoryMib * MIB, pods, gpus: type.gpus };
}
