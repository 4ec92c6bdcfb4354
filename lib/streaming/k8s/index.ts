export * from './client-credentials';
export * from './kafka-cluster';
export * from './kafka-user';
export * from './kafka-user-authentication';
export * from './kafka-version';
export * from './topic';
export * from './topic-grants';
export * from './topic-prefix';
