/** A record as Lambda hands it over. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp?: number;
  readonly timestampType?: string;
  /** Base64. */
  readonly key?: string | null;
  /** Base64; nothing for a tombstone. */
  readonly value?: string | null;
  readonly headers?: readonly { readonly [name: string]: readonly number[] }[];
}

/** A batch: records by `topic-partition`, of each partition in order. */
export interface KafkaEvent {
  readonly records: { readonly [topicPartition: string]: readonly KafkaRecord[] };
}

/** What is still to be done; Lambda hands it over again (AWS Lambda Developer Guide, "Configuring error handling controls for Kafka"). */
export interface KafkaBatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: { readonly partition: string; readonly offset: number } }[];
}

/** A record that can never be written; trying again would not help. The message says why and holds no value of the record. */
export class Rejection extends Error {}
