import type { Size } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import type { Cpu } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { isToken } from '../../core/token';
import { requireAllocation } from '../../cost/applied-allocation';
import { bytesOf, millisOf } from '../pod-amounts';
import { type QuotaShare, TeamQuotaSizing } from '../team-quota-sizing';
import { clusterScoped } from './cluster-scoped';
import { quantityOf } from './pod-template';

/** What a container gets that states no resources, and what none may exceed. */
export interface ContainerBounds {
  /**
   * CPU request of a container that has none.
   * @default - 100m
   */
  readonly defaultCpu?: Cpu;
  /**
   * Memory request and limit of a container that has none.
   * @default - 256 MiB
   */
  readonly defaultMemory?: Size;
  /**
   * Most memory of a container.
   * @default - that of the largest declared pod
   */
  readonly maxMemory?: Size;
}

/** A priority class of a team. */
export interface TeamPriority {
  /** Rank among all pods of the cluster, from -1,000,000,000 to 1,000,000,000; pods without a class have 0. */
  readonly value: number;
  /**
   * Whether its pods may push out those of lower priority; otherwise they only wait ahead of them.
   * @default false
   */
  readonly preempts?: boolean;
}

/** Properties of a team quota. */
export interface TeamQuotaProps {
  /** What the workloads of the team may take. */
  readonly sizes: QuotaShare[];
  /**
   * Room above the sum of the sizes, in percent.
   * @default 25
   */
  readonly growth?: number;
  /**
   * Bounds of single containers.
   * @default - 100m and 256 MiB where nothing is stated, at most the memory of the largest declared pod
   */
  readonly containers?: ContainerBounds;
  /**
   * A priority class for the pods of the team. It belongs to the whole cluster.
   * @default - none: the priority of the cluster's default class
   */
  readonly priority?: TeamPriority;
}

const MIB = 1024 * 1024;
// As the least that PodSize gives a pod.
const MIN_CPU = '10m';
const MIN_MEMORY = '16Mi';
const MIN_CPU_MILLIS = 10;
const MIN_MEMORY_BYTES = 16 * MIB;
const DEFAULT_CPU_MILLIS = 100;
const DEFAULT_MEMORY = 256 * MIB;
// Kubernetes, HighestUserDefinablePriority; below zero we take as much.
const MAX_PRIORITY = 1_000_000_000;

/**
 * What a team may request in the namespace of the chart: a ResourceQuota of the declared workloads plus growth, a LimitRange for containers
 * that state nothing, and a PriorityClass on request. GPUs and volumes that no share declares are not allowed. The label
 * `pod-security.kubernetes.io/enforce` belongs to the Namespace, which this construct does not make.
 *
 * @throws Millrace.TeamQuotaInvalid
 */
export class TeamQuota extends Construct {
  /** The decided quota. */
  public readonly sizing: TeamQuotaSizing;
  /** Name of the priority class, for `priorityClassName` of pods. */
  public readonly priorityClassName?: string;

  constructor(scope: Construct, id: string, props: TeamQuotaProps) {
    super(scope, id);
    this.sizing = TeamQuotaSizing.forShares(props.sizes, { growth: props.growth });
    const bounds = boundsOf(props);
    enforce(this.node.path, bounds, boundRules(props));
    const labels = { 'app.kubernetes.io/managed-by': 'millrace' };
    const { gpus, volumes, storageGib } = this.sizing;

    const quota = new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { labels },
      spec: {
        hard: {
          ...computeOf(this.sizing),
          'requests.nvidia.com/gpu': String(gpus),
          persistentvolumeclaims: String(volumes),
          'requests.storage': `${storageGib}Gi`,
        },
      },
    });
    recordSizing(quota, this.sizing);

    const memory = quantityOf(bounds.defaultMemory);
    new ApiObject(this, 'Limits', {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { labels },
      spec: {
        limits: [
          {
            type: 'Container',
            defaultRequest: { cpu: `${bounds.defaultCpuMillis}m`, memory },
            default: { memory },
            min: { cpu: MIN_CPU, memory: MIN_MEMORY },
            // No max of CPU: it would become the CPU limit of every container that has none, which throttles.
            max: { memory: quantityOf(bounds.maxMemory) },
          },
        ],
      },
    });

    if (props.priority) this.priorityClassName = this.makePriority(props.priority, props, labels);
    requireAllocation(this);
  }

  private makePriority(priority: TeamPriority, { sizes, growth }: TeamQuotaProps, labels: { [key: string]: string }): string {
    const priorityClass = clusterScoped(
      new ApiObject(this, 'Priority', {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { labels },
        value: priority.value,
        globalDefault: false,
        preemptionPolicy: priority.preempts ? 'PreemptLowerPriority' : 'Never',
        description: `pods of ${this.node.path}`,
      }),
    );
    const prioritised = sizes.filter((share) => share.prioritised ?? true);
    // GPUs and volumes cannot be counted by priority class; the quota of the namespace counts them.
    const hard = prioritised.length > 0 ? computeOf(TeamQuotaSizing.forShares(prioritised, { growth })) : { pods: '0' };
    new ApiObject(this, 'PriorityQuota', {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { labels },
      spec: {
        hard,
        scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: [priorityClass.name] }] },
      },
    });
    return priorityClass.name;
  }
}

/** CPU has a quota on requests only, as our pods have no CPU limit. */
function computeOf({ cores, memoryGib, memoryLimitGib, pods }: TeamQuotaSizing): Record<string, string> {
  return { 'requests.cpu': String(cores), 'requests.memory': `${memoryGib}Gi`, 'limits.memory': `${memoryLimitGib}Gi`, pods: String(pods) };
}

interface Bounds {
  readonly defaultCpuMillis: number;
  readonly defaultMemory: number;
  readonly maxMemory: number;
  readonly largestPod: number;
}

function boundsOf({ sizes, containers = {} }: TeamQuotaProps): Bounds {
  // A token is refused by the rules, which see the bounds first.
  const known = (size?: Size) => (size && !isToken(size) ? bytesOf(size) : undefined);
  const largestPod = Math.max(...sizes.map(({ size }) => size.memoryLimitBytes));
  const maxMemory = known(containers.maxMemory) ?? largestPod;
  return {
    largestPod,
    maxMemory,
    defaultCpuMillis: containers.defaultCpu ? millisOf(containers.defaultCpu) : DEFAULT_CPU_MILLIS,
    // A default above the maximum would refuse every container that states nothing.
    defaultMemory: known(containers.defaultMemory) ?? Math.min(DEFAULT_MEMORY, maxMemory),
  };
}

function boundRules({ priority, containers }: TeamQuotaProps): Rule<Bounds>[] {
  const rule = (subject: string, value: (bounds: Bounds) => unknown, valid: Rule<Bounds>['valid'], allowed: Rule<Bounds>['allowed']) => ({
    code: 'Millrace.TeamQuotaInvalid',
    subject,
    value,
    valid,
    allowed,
    fix: 'leave it out, or correct it',
    tokens: 'refuse' as const,
  });
  const whole = (size: Size) => Number.isSafeInteger(bytesOf(size));
  return [
    rule(
      'containers.defaultCpu',
      ({ defaultCpuMillis }) => defaultCpuMillis,
      (millis: number) => Number.isSafeInteger(millis) && millis >= MIN_CPU_MILLIS,
      `at least ${MIN_CPU_MILLIS} thousandths of a core, whole ones`,
    ),
    rule(
      'containers.maxMemory',
      () => containers?.maxMemory,
      (size: Size, { largestPod }) => whole(size) && bytesOf(size) >= largestPod,
      ({ largestPod }) => `at least ${largestPod} bytes: the largest declared pod`,
    ),
    rule(
      'containers.defaultMemory',
      () => containers?.defaultMemory,
      (size: Size, { maxMemory }) => whole(size) && bytesOf(size) >= MIN_MEMORY_BYTES && bytesOf(size) <= maxMemory,
      ({ maxMemory }) => `from ${MIN_MEMORY_BYTES} bytes to the most memory of a container (${maxMemory} bytes)`,
    ),
    rule(
      'priority.value',
      () => priority?.value,
      (value: number) => Number.isInteger(value) && Math.abs(value) <= MAX_PRIORITY,
      `a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}`,
    ),
  ];
}
