import type { Duration, Size } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import { NodeCapacity } from '../node-capacity';
import { NodePacking, type NodePackingOptions, type PackedWorkload } from '../node-packing';
import { clusterScoped } from './cluster-scoped';
import type { NodeImage } from './node-image';
import { karpenterDuration, nodePoolRules } from './node-pool-rules';
import { NodeTaint } from './node-taint';

/** The machines of a pool: its EC2NodeClass. */
export interface NodeClassOptions {
  /** Name of the EKS cluster. Subnets and security groups are those whose tag `karpenter.sh/discovery` has this value. */
  readonly clusterName: string;
  /** Name of the IAM role of the nodes; Karpenter makes the instance profile. */
  readonly role: string;
  /** Machine image, pinned to a release. */
  readonly image: NodeImage;
  /**
   * Size of the encrypted gp3 volume of a node: images and what pods write to `emptyDir`.
   * @default - 50 GiB, 200 GiB with GPUs, whose images are large
   */
  readonly volumeSize?: Size;
  /**
   * Metrics of the instances every minute instead of every five, which CloudWatch charges for.
   * @default false
   */
  readonly detailedMonitoring?: boolean;
}

/** A time in which no node is replaced. */
export interface NodeQuietWindow {
  /** When it begins: five fields of cron, in UTC, for example `0 8 * * mon-fri`. */
  readonly schedule: string;
  /** How long it lasts. */
  readonly duration: Duration;
}

/** How Karpenter may replace nodes. */
export interface NodeDisruption {
  /**
   * How long a node must have been unchanged before its pods may be moved together with others.
   * @default Duration.minutes(5): sooner would chase the autoscalers, which wait as long before they shrink
   */
  readonly consolidateAfter?: Duration;
  /**
   * Share of the nodes, in percent, that may be replaced at the same time.
   * @default 10
   */
  readonly maxNodesPercent?: number;
  /**
   * Times in which no node is consolidated or replaced for a new image. Expired nodes and spot nodes that EC2 takes back go all the same.
   * @default - none
   */
  readonly quietWindows?: NodeQuietWindow[];
  /**
   * Oldest age of a node.
   * @default Duration.days(30)
   */
  readonly expireAfter?: Duration;
  /**
   * How long pods that may not be evicted hold a node that is to go; then they are ended with it.
   * @default Duration.hours(24)
   */
  readonly terminationGracePeriod?: Duration;
}

/** Which pods come to the nodes. */
export interface NodeScheduling {
  /**
   * Further labels of the nodes.
   * @default - those of the cost allocation
   */
  readonly labels?: { [key: string]: string };
  /**
   * Taints of the nodes.
   * @default - none; `nvidia.com/gpu` where the nodes have GPUs
   */
  readonly taints?: NodeTaint[];
  /**
   * Pools of a higher weight are tried first, 1-100.
   * @default - 0
   */
  readonly weight?: number;
}

/** Properties of a node pool. */
export interface NodePoolProps {
  /** The pods that the nodes are for. */
  readonly workloads: PackedWorkload[];
  /** The machines. */
  readonly nodeClass: NodeClassOptions;
  /**
   * How the pods are packed: spot or on demand, architecture, what runs on every node.
   * @default - on demand, amd64
   */
  readonly packing?: NodePackingOptions;
  /**
   * How nodes may be replaced.
   * @default - a tenth at a time, at any time, after 30 days at the latest
   */
  readonly disruption?: NodeDisruption;
  /**
   * Labels, taints and weight.
   * @default - none
   */
  readonly scheduling?: NodeScheduling;
  /**
   * How far the pool may grow beyond the packed nodes, in percent: rollouts, replacements, the next months.
   * @default 50
   */
  readonly growth?: number;
}

const GIB = 1024 ** 3;
const DEFAULT_GROWTH = 50;
const DEFAULT_MAX_NODES_PERCENT = 10;
const VOLUME_GIB = { plain: 50, gpu: 200 };
const GPU = 'nvidia.com/gpu';
const DISCOVERY_TAG = 'karpenter.sh/discovery';
const NODE_CLASS = { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass' };

/**
 * Nodes on EKS that Karpenter buys for declared workloads: NodePool and EC2NodeClass. Instance families and sizes are chosen by packing the
 * workloads; Karpenter makes the final choice among them. Both objects belong to the cluster and stand in no namespace.
 *
 * @throws Millrace.NodePoolInvalid, Millrace.NodePackingInvalid, Millrace.NodePackingDoesNotFit
 */
export class NodePool extends Construct {
  /** Name of the NodePool. */
  public readonly nodePoolName: string;
  /** Name of the EC2NodeClass. */
  public readonly nodeClassName: string;
  /** Labels by which a pod chooses these nodes. */
  public readonly nodeSelector: { [key: string]: string };
  /** The decided instance types, with the packing loss. */
  public readonly sizing: NodePacking;

  constructor(scope: Construct, id: string, props: NodePoolProps) {
    super(scope, id);
    enforce(this.node.path, props, nodePoolRules(props));
    const sizing = NodePacking.forWorkloads(props.workloads, props.packing);
    const metadata = { labels: { 'app.kubernetes.io/managed-by': 'millrace' } };

    const nodeClass = clusterScoped(
      new ApiObject(this, 'NodeClass', {
        apiVersion: `${NODE_CLASS.group}/v1`,
        kind: NODE_CLASS.kind,
        metadata,
        spec: nodeClassSpec(props.nodeClass, sizing),
      }),
    );
    const pool = clusterScoped(
      new ApiObject(this, 'Resource', {
        apiVersion: 'karpenter.sh/v1',
        kind: 'NodePool',
        metadata,
        spec: nodePoolSpec(props, sizing, nodeClass.name),
      }),
    );
    recordSizing(pool, sizing);
    this.sizing = sizing;
    this.nodePoolName = pool.name;
    this.nodeClassName = nodeClass.name;
    this.nodeSelector = { 'karpenter.sh/nodepool': pool.name };
    requireAllocation(this);
  }
}

function nodePoolSpec(props: NodePoolProps, sizing: NodePacking, nodeClassName: string): Record<string, unknown> {
  const { disruption = {}, scheduling = {}, growth = DEFAULT_GROWTH } = props;
  const grown = (amount: number) => Math.ceil((amount * (100 + growth)) / 100);
  const taints = [...(sizing.hasGpus ? [NodeTaint.noSchedule(GPU, 'true')] : []), ...(scheduling.taints ?? [])];
  return {
    template: {
      metadata: { labels: { ...scheduling.labels } },
      spec: {
        nodeClassRef: { ...NODE_CLASS, name: nodeClassName },
        requirements: requirementsOf(sizing, props.packing),
        ...(taints.length > 0 ? { taints: taints.map(({ key, value, effect }) => ({ key, ...(value ? { value } : {}), effect })) } : {}),
        expireAfter: disruption.expireAfter ? karpenterDuration(disruption.expireAfter) : '720h',
        // Without it a pod that may not be evicted keeps an expired node for ever.
        terminationGracePeriod: disruption.terminationGracePeriod ? karpenterDuration(disruption.terminationGracePeriod) : '24h',
      },
    },
    disruption: {
      consolidationPolicy: 'WhenEmptyOrUnderutilized',
      consolidateAfter: disruption.consolidateAfter ? karpenterDuration(disruption.consolidateAfter) : '5m',
      budgets: [
        { nodes: `${disruption.maxNodesPercent ?? DEFAULT_MAX_NODES_PERCENT}%` },
        ...(disruption.quietWindows ?? []).map(({ schedule, duration }) => ({
          nodes: '0',
          schedule,
          duration: `${duration.toMinutes()}m`,
        })),
      ],
    },
    limits: {
      cpu: String(grown(sizing.vcpus)),
      memory: `${grown(sizing.memoryBytes / GIB)}Gi`,
      ...(sizing.hasGpus ? { [GPU]: String(grown(sizing.gpus)) } : {}),
    },
    ...(scheduling.weight === undefined ? {} : { weight: scheduling.weight }),
  };
}

function requirementsOf(sizing: NodePacking, packing: NodePackingOptions = {}): Record<string, unknown>[] {
  const among = (key: string, values: string[]) => ({ key, operator: 'In', values: [...values] });
  return [
    among('karpenter.k8s.aws/instance-family', sizing.families),
    among('karpenter.k8s.aws/instance-size', sizing.sizes),
    among('kubernetes.io/arch', sizing.architectures),
    among('kubernetes.io/os', ['linux']),
    among('karpenter.sh/capacity-type', (packing.capacity ?? NodeCapacity.ON_DEMAND).types),
  ];
}

function nodeClassSpec(options: NodeClassOptions, sizing: NodePacking): Record<string, unknown> {
  const gib = options.volumeSize?.toGibibytes() ?? (sizing.hasGpus ? VOLUME_GIB.gpu : VOLUME_GIB.plain);
  const discovery = [{ tags: { [DISCOVERY_TAG]: options.clusterName } }];
  return {
    role: options.role,
    amiSelectorTerms: [{ alias: options.image.alias }],
    subnetSelectorTerms: discovery,
    securityGroupSelectorTerms: discovery,
    // One hop: a pod cannot reach the credentials of its node.
    metadataOptions: { httpEndpoint: 'enabled', httpProtocolIPv6: 'disabled', httpPutResponseHopLimit: 1, httpTokens: 'required' },
    blockDeviceMappings: options.image.disks.map(({ deviceName, fixedSize }) => ({
      deviceName,
      ebs: { volumeType: 'gp3', volumeSize: fixedSize ?? `${gib}Gi`, encrypted: true, deleteOnTermination: true },
    })),
    detailedMonitoring: options.detailedMonitoring ?? false,
    // Left out where each instance type has its own number: one for all would promise addresses that small nodes do not have.
    ...(sizing.maxPods === undefined ? {} : { kubelet: { maxPods: sizing.maxPods } }),
  };
}
