export * from './kafka-cluster';
export * from './kafka-version';
export * from './role-session';
export * from './topic';
export * from './topic-grants';
export * from './topic-prefix';
