import type { BoundConnector, ConnectorSurroundings } from './connector-binding';
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
