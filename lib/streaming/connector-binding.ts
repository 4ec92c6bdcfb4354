import type { ConnectorSettings } from './cdc-config';
import type { CdcKafkaClient } from './cdc-options';

/** What a connector's settings may need of where it runs. */
export interface ConnectorSurroundings {
  readonly connectorName: string;
  /** Consumer group of a sink. */
  readonly groupId: string;
  /** Kafka for clients that the connector makes itself. */
  readonly kafka: CdcKafkaClient;
}

/** What a connector of its own accord does in Kafka, besides its topics: all of it, or nothing. */
export interface ConnectorNeeds {
  /** A topic of its own, of one partition, which it writes and reads. */
  readonly controlTopic?: string;
  /** Beginning of the names of the groups in which its tasks read that topic. */
  readonly controlGroups?: string;
  /** Group in which the one that commits reads it. */
  readonly coordinatorGroup?: string;
  /** Beginning of the transactional ids under which it writes it. */
  readonly transactionalIds?: string;
}

/** Settings, and what they need in Kafka, once the surroundings are known. */
export interface BoundConnector extends ConnectorNeeds {
  readonly settings: ConnectorSettings;
}
