export * from './service';
export * from './service-identity';
export * from './node-image';
export * from './node-pool';
export * from './node-taint';
export * from './team-quota';
