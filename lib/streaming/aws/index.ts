export * from './kafka-cluster';
export * from './kafka-version';
export * from './topic';
export * from './topic-grants';
export * from './replication-source';
export * from './replicator';
