export * from './kafka-cluster';
export * from './kafka-version';
export * from './registered-schema';
export * from './schema-registry';
export * from './schema-registry-grants';
export * from './topic';
export * from './topic-grants';
