import { CLIENT, clientLabelOf } from './client-label';
import type { NamespaceClients } from './namespace-clients';

/** Who may connect to the listeners inside Kubernetes: a network policy is the same whatever the order in which it was asked for. */
export class ListenerPeers {
  private readonly others = new Map<string, Record<string, unknown>>();

  constructor(private readonly clusterName: string) {}

  public allow(namespace: string, clients: NamespaceClients = {}): void {
    const matchLabels = clients.podLabels ?? { [clientLabelOf(this.clusterName)]: CLIENT };
    const peer = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      podSelector: { matchLabels: { ...matchLabels } },
    };
    this.others.set(JSON.stringify([namespace, Object.entries(matchLabels).sort()]), peer);
  }

  public render(): Record<string, unknown>[] {
    const others = [...this.others].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, peer]) => peer);
    return [{ podSelector: { matchLabels: { [clientLabelOf(this.clusterName)]: CLIENT } } }, ...others];
  }
}
