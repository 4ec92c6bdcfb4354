import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { type RetentionDecision, retentionAnnotations } from '../../core/retention';
import { CostAllocation } from '../../cost/cost-allocation';

/** What a pool of Strimzi nodes is made of. */
export interface KafkaNodePoolProps {
  readonly clusterName: string;
  readonly poolName: string;
  readonly role: 'broker' | 'controller';
  readonly replicas: number;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  readonly heapMib: number;
  readonly storageGib: number;
  /** @default - that of the Kubernetes cluster */
  readonly storageClassName?: string;
  readonly retention: RetentionDecision;
  /** Instance type of the nodes that the size counts on. @default - any */
  readonly instanceType?: string;
}

// Leaders move and logs flush before a broker stops; Kubernetes' 30 s cut that short on a full broker.
const TERMINATION_SECONDS = 120;

/** The fields of `kafka.strimzi.io/v1` KafkaNodePool that we emit. */
export class KafkaNodePool extends Construct {
  constructor(scope: Construct, id: string, props: KafkaNodePoolProps) {
    super(scope, id);
    // Strimzi makes the pods and claims, so their labels travel in its template.
    const labels = () => CostAllocation.of(this)?.labels() ?? {};
    const memory = `${props.memoryMib}Mi`;
    const podSelector = { 'strimzi.io/cluster': props.clusterName, 'strimzi.io/pool-name': props.poolName };
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaNodePool',
      metadata: {
        name: props.poolName,
        labels: { 'strimzi.io/cluster': props.clusterName },
        annotations: retentionAnnotations(props.retention),
      },
      spec: {
        replicas: props.replicas,
        roles: [props.role],
        storage: {
          type: 'jbod',
          volumes: [
            {
              id: 0,
              type: 'persistent-claim',
              size: `${props.storageGib}Gi`,
              class: props.storageClassName,
              deleteClaim: props.retention.destroy,
              kraftMetadata: 'shared',
            },
          ],
        },
        resources: { requests: { cpu: `${props.cpuMillis}m`, memory }, limits: { memory } },
        // The rest of the memory is the page cache, from which consumers read.
        jvmOptions: { '-Xms': `${props.heapMib}m`, '-Xmx': `${props.heapMib}m` },
        template: {
          pod: {
            metadata: { labels: Lazy.any({ produce: labels }) },
            terminationGracePeriodSeconds: TERMINATION_SECONDS,
            affinity: props.instanceType ? { nodeAffinity: prefer(props.instanceType) } : undefined,
            topologySpreadConstraints: [
              spread('topology.kubernetes.io/zone', 'DoNotSchedule', podSelector),
              spread('kubernetes.io/hostname', 'DoNotSchedule', podSelector),
            ],
          },
          persistentVolumeClaim: { metadata: { labels: Lazy.any({ produce: labels }) } },
        },
      },
    });
  }
}

/** A preference and no requirement: Karpenter follows it, and a cluster without such nodes still runs. */
function prefer(instanceType: string): Record<string, unknown> {
  const matchExpressions = [{ key: 'node.kubernetes.io/instance-type', operator: 'In', values: [instanceType] }];
  return { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions } }] };
}

function spread(topologyKey: string, whenUnsatisfiable: string, podSelector: Record<string, string>): Record<string, unknown> {
  return { maxSkew: 1, topologyKey, whenUnsatisfiable, labelSelector: { matchLabels: { ...podSelector } } };
}
