import { Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import { CostAllocation } from '../../cost/cost-allocation';
import { CLUSTER_LABEL } from './confluent-security';

/** What the pods of a component are made of. */
export interface ConfluentPods {
  readonly clusterName: string;
  /** Which component, to spread its pods by. */
  readonly component: string;
  readonly cpuMillis: number;
  readonly memoryMib: number;
  /** Instance type of the nodes that the size counts on. @default - any */
  readonly instanceType?: string;
  /** @default - the namespace's own */
  readonly serviceAccountName?: string;
}

const COMPONENT_LABEL = 'millrace.io/confluent-component';
/** The component of Schema Registry. */
export const REGISTRY_COMPONENT = 'registry';
// Leaders move and logs flush before a broker stops; Kubernetes' 30 s cut that short on a full broker.
const TERMINATION_SECONDS = 120;
// The user of Confluent's images.
const USER = 1001;

/** Labels of the pods of one component of a cluster. */
export function podsOf(clusterName: string, component: string): Record<string, string> {
  return { [CLUSTER_LABEL]: clusterName, [COMPONENT_LABEL]: component };
}

/** The pod template of a component as Pod Security "restricted" asks, spread over zones. */
export function confluentPods(scope: Construct, pods: ConfluentPods): Record<string, unknown> {
  const own = podsOf(pods.clusterName, pods.component);
  const memory = `${pods.memoryMib}Mi`;
  const spread = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { ...own } },
  });
  return {
    // The operator makes the pods, so their labels travel in its template.
    labels: Lazy.any({ produce: () => ({ ...CostAllocation.of(scope)?.labels(), ...own }) }),
    resources: { requests: { cpu: `${pods.cpuMillis}m`, memory }, limits: { memory } },
    podSecurityContext: {
      fsGroup: USER,
      runAsUser: USER,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    terminationGracePeriodSeconds: TERMINATION_SECONDS,
    topologySpreadConstraints: [spread('topology.kubernetes.io/zone')],
    affinity: pods.instanceType ? { nodeAffinity: prefer(pods.instanceType) } : undefined,
    serviceAccountName: pods.serviceAccountName,
  };
}

/** A preference and no requirement: Karpenter follows it, and a cluster without such nodes still runs. */
function prefer(instanceType: string): Record<string, unknown> {
  const matchExpressions = [{ key: 'node.kubernetes.io/instance-type', operator: 'In', values: [instanceType] }];
  return { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: { matchExpressions } }] };
}
