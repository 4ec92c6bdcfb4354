import type { IConstruct } from 'constructs';

/** A client of a cluster, as its network sees it. */
export interface KafkaClient {
  readonly podSelector?: { [key: string]: string };
}

const registries = new WeakMap<IConstruct, KafkaClients>();

/** The declared clients of a cluster. */
export class KafkaClients {
  public static of(cluster: IConstruct): KafkaClients {
    const registry = registries.get(cluster) ?? new KafkaClients();
    registries.set(cluster, registry);
    return registry;
  }

  private readonly clients: KafkaClient[] = [];

  public add(client: KafkaClient): void {
    this.clients.push(client);
  }

  public all(): readonly KafkaClient[] {
    return this.clients;
  }
}
