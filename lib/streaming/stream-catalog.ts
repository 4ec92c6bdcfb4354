import type { IConstruct } from 'constructs';
import { SynthesisFiles } from '../core/synthesis-file';
import { asyncApiDocument } from './async-api';
import type { Schema } from './schema';

const CATALOG = Symbol.for('millrace.streamCatalog');

/** A topic as the catalogue lists it. */
export interface CatalogTopic {
  /** The construct, from which path and owner follow. */
  readonly construct: IConstruct;
  readonly clusterName: string;
  readonly topicName: string;
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Kafka settings by name. */
  readonly config?: { readonly [name: string]: string };
  readonly schema?: Schema;
  readonly keySchema?: Schema;
  readonly compatibility?: string;
  /** Name of the topic that takes what could not be processed. */
  readonly deadLetterTopicName?: string;
}

/** Who writes or reads. */
export interface CatalogAccess {
  /** The client: a role, user, workload or connector. */
  readonly client: IConstruct;
  /** `send` writes to the topic, `receive` reads it: the words of AsyncAPI. */
  readonly action: 'send' | 'receive';
  readonly clusterName: string;
  /** Name of the topic, or of its prefix with `isPrefix`. */
  readonly topicName: string;
  readonly isPrefix?: boolean;
  readonly groupId?: string;
  readonly transactionalId?: string;
}

/** A connector or replicator as the catalogue lists it. */
export interface CatalogConnector {
  readonly construct: IConstruct;
  readonly name: string;
  readonly kind: 'source' | 'sink' | 'replicator';
  /** Class of the connector, for example `io.debezium.connector.mysql.MySqlConnector`. */
  readonly connectorClass: string;
  /** Topics it writes, by cluster. */
  readonly writes: readonly { readonly clusterName: string; readonly topicName: string }[];
  /** Topics it reads, by cluster. */
  readonly reads: readonly { readonly clusterName: string; readonly topicName: string }[];
}

/** A Kafka cluster as the catalogue lists it. */
export interface CatalogCluster {
  readonly construct: IConstruct;
  readonly clusterName: string;
  /** Where it runs and how clients are known, for example `kafka-secure`. */
  readonly protocol: 'kafka' | 'kafka-secure';
  /** `host:port`, where it is known at synth. */
  readonly host?: string;
}

/** What flows where in an app: its topics, schemas, clients and connectors with their owners, written as one AsyncAPI document. */
export class StreamCatalog {
  /** The catalogue of the app in which a construct stands. */
  public static of(scope: IConstruct): StreamCatalog {
    const root = scope.node.root as IConstruct & { [CATALOG]?: StreamCatalog };
    const known = root[CATALOG];
    if (known) return known;
    const catalog = new StreamCatalog();
    Object.defineProperty(root, CATALOG, { value: catalog });
    SynthesisFiles.of(scope).add('catalog/asyncapi.json', () => asyncApiDocument(catalog));
    return catalog;
  }

  public readonly clusters: CatalogCluster[] = [];
  public readonly topics: CatalogTopic[] = [];
  public readonly accesses: CatalogAccess[] = [];
  public readonly connectors: CatalogConnector[] = [];

  private constructor() {}
}
