import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { CLUSTER_LABEL, INTERNAL_PORT, METRICS_PORT, REGISTRY_PORT } from './confluent-security';
import { ListenerPeers } from './listener-peers';

/** Properties of the network of a Confluent cluster. */
export interface ConfluentNetworkProps {
  readonly clusterName: string;
  readonly operatorNamespace: string;
}

const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });

/** A network policy for the pods of a cluster, since the operator makes none: clients come to brokers and Schema Registry and no further. */
export class ConfluentNetwork extends Construct {
  /** Clients that may connect. */
  public readonly peers: ListenerPeers;
  private readonly scrapers = new Set<string>();

  constructor(scope: Construct, id: string, props: ConfluentNetworkProps) {
    super(scope, id);
    this.peers = new ListenerPeers(props.clusterName);
    const own = { matchLabels: { [CLUSTER_LABEL]: props.clusterName } };
    const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
    new ApiObject(this, 'Resource', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: Lazy.any({
        produce: () => ({
          podSelector: own,
          policyTypes: ['Ingress'],
          ingress: [
            { from: [{ podSelector: own }, inNamespace(props.operatorNamespace)] },
            { from: this.peers.render(), ports: tcp(INTERNAL_PORT, REGISTRY_PORT) },
            ...[...this.scrapers].sort().map((namespace) => ({ from: [inNamespace(namespace)], ports: tcp(METRICS_PORT) })),
          ],
        }),
      }),
    });
  }

  public allowScrapingFrom(namespace: string): void {
    this.scrapers.add(namespace);
  }
}
