export * from './kafka-cluster';
export * from './kafka-user';
export * from './kafka-version';
export * from './registered-schema';
export * from './schema-registry';
export * from './schema-registry-storage';
export * from './topic';
export * from './topic-grants';
