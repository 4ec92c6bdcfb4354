import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';

/** Properties of a network boundary. */
export interface NetworkBoundaryProps {
  readonly podSelector: { [key: string]: string };
  /**
   * Port that ingress is opened to.
   * @default - nothing can be let in
   */
  readonly port?: number;
  readonly labels: { [key: string]: string };
}

// Where the EKS Pod Identity Agent listens on every node (EKS user guide, Pod Identity Agent).
const POD_IDENTITY_AGENT = ['169.254.170.23/32', 'fd00:ec2::23/128'];
// Where NodeLocal DNSCache answers on every node that has it (Kubernetes, Using NodeLocal DNSCache); on others it leads nowhere.
const NODE_LOCAL_DNS = '169.254.20.10/32';

type Rule = Record<string, unknown>;

/** A network policy that denies everything not declared; DNS is always open. */
export class NetworkBoundary extends Construct {
  private readonly ingress: Rule[] = [];
  private readonly egress: Rule[] = [
    {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
          podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
        },
        { ipBlock: { cidr: NODE_LOCAL_DNS } },
      ],
      ports: [
        { protocol: 'UDP', port: 53 },
        { protocol: 'TCP', port: 53 },
      ],
    },
  ];

  private readonly port?: number;

  constructor(scope: Construct, id: string, props: NetworkBoundaryProps) {
    super(scope, id);
    this.port = props.port;
    new ApiObject(this, 'Resource', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { labels: props.labels },
      spec: Lazy.any({
        produce: () => ({
          podSelector: { matchLabels: { ...props.podSelector } },
          policyTypes: ['Ingress', 'Egress'],
          ingress: this.ingress,
          egress: this.egress,
        }),
      }),
    });
  }

  public allowIngressFrom(podSelector: { [key: string]: string }, namespace?: string): void {
    this.ingress.push({ from: [peer(podSelector, namespace)], ports: [{ protocol: 'TCP', port: this.port }] });
  }

  public allowIngressFromNamespace(namespace: string, ...ports: number[]): void {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }];
    const opened = ports.length > 0 ? ports : [this.port];
    this.ingress.push({ from, ports: opened.map((port) => ({ protocol: 'TCP', port })) });
  }

  /** Lets pods of one set talk to each other on every port, for what agrees on its ports as it runs. */
  public allowAmong(podSelector: { [key: string]: string }): void {
    this.ingress.push({ from: [peer(podSelector)] });
    this.egress.push({ to: [peer(podSelector)] });
  }

  public allowEgressToPods(podSelector: { [key: string]: string }, port: number, namespace?: string): void {
    this.egress.push({ to: [peer(podSelector, namespace)], ports: [{ protocol: 'TCP', port }] });
  }

  public allowEgressToCidr(cidr: string, port: number): void {
    this.egress.push({ to: [{ ipBlock: { cidr } }], ports: [{ protocol: 'TCP', port }] });
  }

  public allowPodIdentityAgent(): void {
    for (const cidr of POD_IDENTITY_AGENT) this.allowEgressToCidr(cidr, 80);
  }
}

/** Without a namespace the peer stands in the policy's own. */
function peer(podSelector: { [key: string]: string }, namespace?: string): Rule {
  return {
    podSelector: { matchLabels: { ...podSelector } },
    ...(namespace ? { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } } : {}),
  };
}
