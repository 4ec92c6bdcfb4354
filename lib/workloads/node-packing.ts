import type { Size } from 'aws-cdk-lib';
import type { Cpu } from 'cdk8s-plus-27';
import { refuse } from '../core/error';
import { enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { type PodGroup, type Resources, firstFitDecreasing, fitting, minus } from './first-fit';
import { type InstanceType, allocatableOf, instanceTypes, priceNote, priceUnit } from './instance-type';
import { NodeArchitecture } from './node-architecture';
import { NodeCapacity } from './node-capacity';
import { type Packing, byCost, chooseTypes } from './node-choice';
import { packingRules } from './node-packing-rules';
import { bytesOf, millisOf } from './pod-amounts';
import { PodDensity } from './pod-density';
import type { PodSize } from './pod-size';

/** Pods that nodes are chosen for. */
export interface PackedWorkload {
  /** Size of each pod. */
  readonly size: PodSize;
  /**
   * Pods at peak.
   * @default - the replicas of the size
   */
  readonly replicas?: number;
  /**
   * NVIDIA GPUs of each pod.
   * @default 0
   */
  readonly gpus?: number;
  /**
   * Memory that each GPU needs, as the driver reports it: an L4 of 24 GB has 22,888 MiB.
   * @default - any GPU will do
   */
  readonly gpuMemory?: Size;
}

/** What the daemonsets of the cluster request on every node. */
export interface DaemonsetOverhead {
  /**
   * CPU of all daemonsets.
   * @default - 250m
   */
  readonly cpu?: Cpu;
  /**
   * Memory of all daemonsets.
   * @default - 256 MiB
   */
  readonly memory?: Size;
  /**
   * Number of daemonsets.
   * @default 6
   */
  readonly pods?: number;
}

/** How workloads are packed onto nodes. */
export interface NodePackingOptions {
  /**
   * Whether nodes are bought on demand or spot.
   * @default NodeCapacity.ON_DEMAND
   */
  readonly capacity?: NodeCapacity;
  /**
   * What the images are built for.
   * @default NodeArchitecture.AMD64: an image that is not built for arm64 does not start there
   */
  readonly architecture?: NodeArchitecture;
  /**
   * How pods get their addresses.
   * @default PodDensity.SECONDARY_ADDRESSES: the default of the VPC CNI
   */
  readonly podDensity?: PodDensity;
  /**
   * What runs on every node.
   * @default - 250m, 256 MiB and 6 pods: VPC CNI, kube-proxy, EBS CSI, Pod Identity Agent, and room for logs and metrics
   */
  readonly daemonsets?: DaemonsetOverhead;
}

/** What nodes have and pods do not request: shares from 0 to below 1. */
export interface PackingLoss {
  /** Share of the allocatable CPU that no pod requests. */
  readonly cpu: number;
  /** Share of the allocatable memory that no pod requests. */
  readonly memory: number;
  /** Share of the CPU of the machines that kubelet and daemonsets keep. */
  readonly reservedCpu: number;
  /** Share of the memory of the machines that hypervisor, kubelet, eviction threshold and daemonsets keep. */
  readonly reservedMemory: number;
}

const MIB = 1024 * 1024;
const ZONES = 3;
// aws-node 50m, kube-proxy 100m, EBS CSI 30m and 120 MiB, Pod Identity Agent as EKS ships them; the rest is for an agent each for logs
// and metrics.
const DAEMONSETS: Resources = { cpuMillis: 250, memoryBytes: 256 * MIB, pods: 6, gpus: 0 };
// On one core daemonsets and kubelet keep a third.
const MIN_VCPUS = 2;
// With one node a zone none of them fuller than this, it is the zones that ask for the nodes, not the pods.
const FULL = 0.9;

/**
 * Instance types for declared workloads: the ones on which the pods, first-fit-decreasing over three zones, cost least, in several families
 * and sizes. Karpenter makes the final choice among them for the pods that are really there; every declared pod fits each of them.
 */
export class NodePacking extends Sizing {
  /**
   * Packs workloads onto nodes.
   *
   * @throws Millrace.NodePackingInvalid, Millrace.NodePackingDoesNotFit, Millrace.TokenRefused
   */
  public static forWorkloads(workloads: PackedWorkload[], options: NodePackingOptions = {}): NodePacking {
    enforce('NodePacking.forWorkloads', options, packingRules(workloads));
    const groups = workloads.map(groupOf);
    const gpuMemoryMib = Math.max(0, ...workloads.map(({ gpuMemory }) => (gpuMemory ? bytesOf(gpuMemory) / MIB : 0)));
    const needsGpu = groups.some(({ need }) => need.gpus > 0);
    const { names } = options.architecture ?? NodeArchitecture.AMD64;
    const density = options.podDensity ?? PodDensity.SECONDARY_ADDRESSES;
    const candidates = instanceTypes().filter(
      (type) =>
        names.includes(type.architecture) && type.vcpus >= MIN_VCPUS && type.gpus > 0 === needsGpu && type.gpuMemoryMib >= gpuMemoryMib,
    );
    const daemonsets = daemonsetsOf(options.daemonsets);
    const rooms = new Map(candidates.map((type) => [type, minus(allocatableOf(type, density), daemonsets)]));
    const ranked = candidates.flatMap((type) => packOnto(type, rooms.get(type) as Resources, groups)).sort(byCost);
    if (ranked.length === 0) return refusePods(workloads, candidates, [...rooms.values()]);
    const chosen = chooseTypes(ranked, candidates, options.capacity ?? NodeCapacity.ON_DEMAND);
    return new NodePacking(chosen, needsGpu, density, groups, decisionOf(ranked, chosen, groups));
  }

  /** The instance type on which the declared pods cost least; the figures of the packing are those on this type alone. */
  public readonly instanceType: string;
  /** Nodes of that type at peak. */
  public readonly nodes: number;
  /** Every instance type Karpenter may choose, least cost first. */
  public readonly instanceTypes: string[];
  /** Families of those types. */
  public readonly families: string[];
  /** Sizes of those types. */
  public readonly sizes: string[];
  /** Architectures of those types. */
  public readonly architectures: string[];
  /** What is not requested on the nodes at peak. */
  public readonly loss: PackingLoss;
  /** vCPUs of the nodes at peak, on the chosen type that takes most. */
  public readonly vcpus: number;
  /** Memory of the nodes at peak in bytes, on the chosen type that takes most. */
  public readonly memoryBytes: number;
  /** GPUs of the nodes at peak, on the chosen type that takes most. */
  public readonly gpus: number;
  /** Pods on every node, where the number does not follow from the instance type. */
  public readonly maxPods?: number;
  /** Whether the nodes have GPUs. */
  public readonly hasGpus: boolean;

  private constructor(chosen: Packing[], hasGpus: boolean, density: PodDensity, groups: PodGroup[], decision: SizingDecision) {
    super(decision);
    const [best] = chosen;
    const unique = (values: string[]) => [...new Set(values)].sort();
    const most = (amount: (type: InstanceType) => number) => Math.max(...chosen.map(({ type, nodes }) => amount(type) * nodes));
    this.instanceType = best.type.name;
    this.nodes = best.nodes;
    this.instanceTypes = chosen.map(({ type }) => type.name);
    this.families = unique(chosen.map(({ type }) => type.family));
    this.sizes = unique(chosen.map(({ type }) => type.size));
    this.architectures = unique(chosen.map(({ type }) => type.architecture));
    this.loss = lossOf(best, groups);
    this.vcpus = most((type) => type.vcpus);
    this.memoryBytes = most((type) => type.memoryMib) * MIB;
    this.gpus = most((type) => type.gpus);
    this.maxPods = density.maxPods;
    this.hasGpus = hasGpus;
  }
}

function groupOf(workload: PackedWorkload): PodGroup {
  const { cpuMillis, memoryBytes, replicas } = workload.size;
  return { need: { cpuMillis, memoryBytes, pods: 1, gpus: workload.gpus ?? 0 }, count: workload.replicas ?? replicas };
}

function daemonsetsOf(given: DaemonsetOverhead = {}): Resources {
  return {
    cpuMillis: given.cpu ? millisOf(given.cpu) : DAEMONSETS.cpuMillis,
    memoryBytes: given.memory ? bytesOf(given.memory) : DAEMONSETS.memoryBytes,
    pods: given.pods ?? DAEMONSETS.pods,
    gpus: 0,
  };
}

/** All pods on nodes of one type, zone by zone; nothing when a pod is larger than a node. */
function packOnto(type: InstanceType, room: Resources, groups: PodGroup[]): Packing[] {
  if (groups.some(({ need }) => fitting(need, room) < 1)) return [];
  const perZone = Array.from({ length: ZONES }, (_, zone) => {
    // The pods that do not divide by three stand in the same zones for every workload: the fullest zone is the one to plan for.
    const inZone = groups.map(({ need, count }) => ({ need, count: Math.floor(count / ZONES) + (zone < count % ZONES ? 1 : 0) }));
    return firstFitDecreasing(inZone, room);
  });
  const nodes = perZone.reduce((sum, count) => sum + count, 0);
  return [{ type, room, nodes, nodesOfFullestZone: Math.max(...perZone), hourly: Number((nodes * type.hourly).toFixed(6)) }];
}

function sum(groups: PodGroup[], key: keyof Resources): number {
  return groups.reduce((total, { need, count }) => total + need[key] * count, 0);
}

function usedOf({ room, nodes }: Packing, groups: PodGroup[]): Record<string, number> {
  const used = (key: keyof Resources) => sum(groups, key) / (room[key] * nodes);
  return { cpu: used('cpuMillis'), memory: used('memoryBytes'), pods: used('pods'), ...(room.gpus > 0 ? { gpus: used('gpus') } : {}) };
}

function lossOf(packing: Packing, groups: PodGroup[]): PackingLoss {
  const { type, room } = packing;
  const { cpu, memory } = usedOf(packing, groups);
  // Nothing rounds up to 1: that would say that no pod requests anything.
  const share = (value: number) => Math.min(0.9999, Number(Math.max(0, value).toFixed(4)));
  return {
    cpu: share(1 - cpu),
    memory: share(1 - memory),
    reservedCpu: share(1 - room.cpuMillis / (type.vcpus * 1000)),
    reservedMemory: share(1 - room.memoryBytes / (type.memoryMib * MIB)),
  };
}

const nameOf = ({ nodes, type }: Packing) => `${nodes} x ${type.name}`;
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const lossText = ({ cpu, memory }: PackingLoss) => `${percent(cpu)} of the CPU and ${percent(memory)} of the memory`;
const money = (hourly: number) => Number(hourly.toFixed(4));

function bottleneckOf(packing: Packing, groups: PodGroup[]): string {
  const [[limit, share]] = Object.entries(usedOf(packing, groups)).sort(([, a], [, b]) => b - a);
  return packing.nodesOfFullestZone <= 1 && share < FULL ? 'availability' : limit;
}

function decisionOf(ranked: Packing[], chosen: Packing[], groups: PodGroup[]): SizingDecision {
  const [best] = chosen;
  const loss = lossOf(best, groups);
  const others = chosen.map((packing) => lossOf(packing, groups));
  const upTo = { ...loss, cpu: Math.max(...others.map(({ cpu }) => cpu)), memory: Math.max(...others.map(({ memory }) => memory)) };
  const kinds = [...new Set(ranked.map(({ type }) => type.kind))].map((kind) => ranked.find(({ type }) => type.kind === kind) as Packing);
  const nextSize = ranked.find(({ type }) => type.kind === best.type.kind && type.size !== best.type.size);
  const alternatives = [...(nextSize ? [nextSize] : []), ...kinds.slice(1, 4)].sort(byCost);
  return {
    choice: nameOf(best),
    bottleneck: bottleneckOf(best, groups),
    utilisation: usedOf(best, groups),
    alternatives: alternatives.map((packing) => ({
      choice: nameOf(packing),
      bottleneck: bottleneckOf(packing, groups),
      reason: `${money(packing.hourly)} ${priceUnit()}; packing loss ${lossText(lossOf(packing, groups))}`,
    })),
    reason:
      `${sum(groups, 'pods')} pods request ${sum(groups, 'cpuMillis') / 1000} cores and ${(sum(groups, 'memoryBytes') / MIB / 1024).toFixed(1)} GiB at peak; ` +
      `over ${ZONES} zones they take ${nameOf(best)}, each with room for ${best.room.cpuMillis}m and ${Math.floor(best.room.memoryBytes / MIB)} MiB, ` +
      `for ${money(best.hourly)} ${priceNote()}, the least of ${ranked.length} types; ` +
      `packing loss: ${lossText(loss)} that pods may have is not requested, besides the ${percent(loss.reservedCpu)} and ${percent(loss.reservedMemory)} of the machines that are reserved; ` +
      `Karpenter chooses among ${chosen.length} types that every pod fits, with a loss of up to ${lossText(upTo)}`,
  };
}

function refusePods(workloads: PackedWorkload[], candidates: InstanceType[], rooms: Resources[]): never {
  const most = (key: keyof Resources) => Math.max(0, ...rooms.map((room) => room[key]));
  const pods = workloads.map(({ size, gpus = 0 }) => `${size.cpuMillis}m / ${size.memoryBytes / MIB} MiB${gpus ? ` / ${gpus} GPUs` : ''}`);
  return refuse('NodePacking.forWorkloads', {
    code: 'Millrace.NodePackingDoesNotFit',
    subject: 'workloads',
    received: `pods of ${pods.join(', ')}`,
    allowed:
      candidates.length === 0
        ? 'GPUs that some instance type of the architecture has'
        : `what one instance type has room for: at most ${most('cpuMillis')}m, ${Math.floor(most('memoryBytes') / MIB)} MiB or ${most('gpus')} GPUs, not always together`,
    fix: 'use more and smaller pods, or put the largest into a pool of its own',
  });
}
