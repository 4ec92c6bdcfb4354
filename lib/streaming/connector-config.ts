import type { CdcKafkaClient } from './cdc-options';
import type { ConnectorSettings } from './cdc-config';
import { icebergSinkSettings, type IcebergSinkOptions } from './sink-iceberg';
import { openSearchSinkSettings, type OpenSearchSinkOptions } from './sink-opensearch';
import { s3SinkSettings, type S3SinkOptions } from './sink-s3';

/** Which way a connector moves records. */
export enum ConnectorKind {
  /** Into Kafka. */
  SOURCE = 'source',
  /** Out of Kafka. */
  SINK = 'sink',
}

/** What a connector's settings may need of where it runs. */
export interface ConnectorSurroundings {
  readonly connectorName: string;
  /** Consumer group of a sink. */
  readonly groupId: string;
  /** Kafka for clients that the connector makes itself. */
  readonly kafka: CdcKafkaClient;
}

/** What a connector of its own accord does in Kafka, besides its topics. */
export interface ConnectorNeeds {
  /** Ending of a topic of its own, of one partition, which it writes and reads. */
  readonly controlTopic?: string;
  /** Beginning of the names of the groups in which it reads that topic. */
  readonly controlGroups?: string;
  /** Beginning of its transactional ids. */
  readonly transactionalIds?: string;
}

/** Settings, and what they need in Kafka, once the surroundings are known. */
export interface BoundConnector extends ConnectorNeeds {
  readonly settings: ConnectorSettings;
}

type Binding = (surroundings: ConnectorSurroundings) => BoundConnector;

/** The class of a connector and its settings. */
export class ConnectorConfig {
  /** A connector into Kafka. Name, class, tasks and topics are no part of the settings; secrets stand in them as references only. */
  public static source(connectorClass: string, settings: { [name: string]: string }): ConnectorConfig {
    return new ConnectorConfig(ConnectorKind.SOURCE, connectorClass, () => ({ settings }));
  }

  /** A connector out of Kafka. Name, class, tasks and topics are no part of the settings; secrets stand in them as references only. */
  public static sink(connectorClass: string, settings: { [name: string]: string }): ConnectorConfig {
    return new ConnectorConfig(ConnectorKind.SINK, connectorClass, () => ({ settings }));
  }

  /** Files in S3, by Aiven's S3 sink connector (Apache-2.0), 2.12 and later. */
  public static s3Sink(options: S3SinkOptions): ConnectorConfig {
    return new ConnectorConfig(ConnectorKind.SINK, 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector', () => ({
      settings: s3SinkSettings(options),
    }));
  }

  /**
   * Iceberg tables, by Apache Iceberg's sink connector, checked against 1.12.0: appends, exactly once; it has no upsert. Commits go over a
   * control topic of the connector's own, `<connectorName>.control`.
   */
  public static icebergSink(options: IcebergSinkOptions): ConnectorConfig {
    return new ConnectorConfig(ConnectorKind.SINK, 'org.apache.iceberg.connect.IcebergSinkConnector', (surroundings) =>
      icebergSinkSettings(options, surroundings),
    );
  }

  /** OpenSearch indexes named as the topics, by Aiven's OpenSearch sink connector (Apache-2.0), 3.x. */
  public static openSearchSink(options: OpenSearchSinkOptions): ConnectorConfig {
    return new ConnectorConfig(ConnectorKind.SINK, 'io.aiven.kafka.connect.opensearch.OpensearchSinkConnector', () => ({
      settings: openSearchSinkSettings(options),
    }));
  }

  private constructor(
    /** Which way it moves records. */
    public readonly kind: ConnectorKind,
    /** Class of the connector. */
    public readonly connectorClass: string,
    private readonly binding: Binding,
  ) {}

  /** @internal */
  public _bind(surroundings: ConnectorSurroundings): BoundConnector {
    return this.binding(surroundings);
  }
}
