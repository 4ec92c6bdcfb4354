import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUserAuthentication } from './kafka-user-authentication';

/** The listener through which a client inside Kubernetes connects. */
export interface ClientListener {
  readonly name: string;
  /** `host:port` of its bootstrap. */
  readonly bootstrapServers: string;
}

/** What a cluster made here offers beside the attributes of an imported one. */
interface OpenCluster {
  bootstrapServersOf(listenerName: string): string;
  allowFromNamespace(namespaceName: string): void;
}

// What Listener.scram() makes.
const SCRAM = { name: 'scram', port: 9095 };

/** The listener of a cluster for a way of authentication; of an imported cluster the one that it has by default. */
export function clientListener(cluster: IKafkaCluster & Partial<OpenCluster>, authentication: KafkaUserAuthentication): ClientListener {
  if (authentication === KafkaUserAuthentication.TLS) return { name: 'tls', bootstrapServers: cluster.bootstrapServers };
  const [host] = cluster.bootstrapServers.split(':');
  return { name: SCRAM.name, bootstrapServers: cluster.bootstrapServersOf?.(SCRAM.name) ?? `${host}:${SCRAM.port}` };
}

/** Lets the clients of a namespace through the network policy of the listeners; an imported cluster is opened where it is made. */
export function admitNamespace(cluster: IKafkaCluster & Partial<OpenCluster>, namespace: string): void {
  cluster.allowFromNamespace?.(namespace);
}
