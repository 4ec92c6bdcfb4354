export * from './pod-size';
export * from './workload-update-rules';
export * as aws from './aws';
export * as k8s from './k8s';
export * from './node-architecture';
export * from './node-capacity';
export * from './node-packing';
export * from './pod-density';
export * from './team-quota-sizing';
