import { refuse, show } from '../core/error';
import { heartbeatTopicName, tableTopicName } from './cdc-config';
import type { CdcOptions } from './cdc-options';
import { CleanupPolicy, type TopicOptions } from './topic';

/** A topic that a capture needs, under the construct id it gets. */
export interface CdcTopic {
  readonly id: string;
  readonly options: TopicOptions;
}

/** Id of the topic for the history of the tables' definitions. */
export const HISTORY = 'History';
/** Id of the topic of the heartbeats. */
export const HEARTBEAT = 'Heartbeat';

/** The topic of each table, under the table's name. */
export function tableTopics({ topicPrefix, tables, removalPolicy }: CdcOptions): CdcTopic[] {
  return tables.map((table) => ({
    id: table.table,
    options: {
      topicName: tableTopicName(topicPrefix, table),
      partitions: table.partitions,
      cleanupPolicy: table.cleanupPolicy ?? CleanupPolicy.COMPACT,
      retention: table.retention,
      removalPolicy,
    },
  }));
}

/** The topic of the heartbeats: nobody reads it, so the last state does. */
export function heartbeatTopic({ topicPrefix, removalPolicy }: CdcOptions): CdcTopic {
  const topicName = heartbeatTopicName(topicPrefix);
  return { id: HEARTBEAT, options: { topicName, partitions: 1, cleanupPolicy: CleanupPolicy.COMPACT, removalPolicy } };
}

/**
 * The topic for the history of the tables' definitions: one partition, because their order matters, and for ever, because the connector reads
 * it from its beginning at every start (Debezium: `KafkaSchemaHistory` checks both).
 */
export function historyTopic(topicName: string, { removalPolicy }: CdcOptions): CdcTopic {
  const config = { unlimitedRetention: true };
  return { id: HISTORY, options: { topicName, partitions: 1, cleanupPolicy: CleanupPolicy.DELETE, config, removalPolicy } };
}

/** Refuses a table that a capture does not have; `ids` are those of its topics. */
export function refuseTable(path: string, table: string, ids: Iterable<string>): never {
  return refuse(path, {
    code: 'Millrace.CdcTableUnknown',
    subject: 'table',
    received: show(table),
    allowed: [...ids].filter((id) => id.includes('.')).join(', '),
    fix: 'add it to tables',
  });
}
