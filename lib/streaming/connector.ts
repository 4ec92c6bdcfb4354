import type { Duration } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { ConnectorConfig } from './connector-config';
import type { ITopic } from './topic';

/** A connector of either flavour. */
export interface IConnector extends IConstruct {
  /** Its name without a hash, under which positions are kept. */
  readonly connectorName: string;
}

/** Whether a connector runs. */
export enum ConnectorState {
  /** It runs. */
  RUNNING = 'running',
  /** It does not run; its position, its topics and its access stay. On MSK Connect the connector itself leaves the template. */
  STOPPED = 'stopped',
}

/** What a sink does with a record that it cannot read or convert. */
export interface DeadLetterOptions {
  /**
   * Whether such a record goes to a topic of the connector's own; otherwise it stops the connector.
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * Name of the topic.
   * @default - `<connectorName>.dlq`
   */
  readonly topicName?: string;
  /**
   * How long such records are kept.
   * @default Duration.days(14): somebody must look at them
   */
  readonly retention?: Duration;
}

/** What both flavours of a connector take. */
export interface ConnectorOptions {
  /**
   * Name: 1-63 lower-case letters, digits or `-`. Positions are kept under it: changing it begins anew.
   * @default - from the construct path
   */
  readonly connectorName?: string;
  /** Class and settings. */
  readonly config: ConnectorConfig;
  /** The topics that a sink reads or a source writes. */
  readonly topics: ITopic[];
  /**
   * Most tasks at once. A Debezium source has one.
   * @default 1
   */
  readonly tasksMax?: number;
  /**
   * What a sink does with a record that it cannot read.
   * @default - it goes to the topic `<connectorName>.dlq`
   */
  readonly deadLetter?: DeadLetterOptions;
  /**
   * Whether it runs.
   * @default ConnectorState.RUNNING
   */
  readonly state?: ConnectorState;
}
