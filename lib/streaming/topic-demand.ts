import type { Size } from 'aws-cdk-lib';

/** A stream of messages as its owner counts it. */
export interface MessageRate {
  /** Messages a second at peak. */
  readonly messagesPerSecond: number;
  /** Size of one message on the wire, compressed if the producer compresses. */
  readonly messageSize: Size;
}

/** What a topic must carry. */
export interface TopicDemand extends MessageRate {
  /**
   * Consumer groups that each read every message.
   * @default 1
   */
  readonly consumers?: number;
  /**
   * Messages a second on average; decides storage.
   * @default - as at peak
   */
  readonly averageMessagesPerSecond?: number;
}
