export * from './broker-type';
export * from './kafka-cluster';
export * from './kafka-sizing';
export * from './kafka-update-rules';
export * from './topic';
export * as aws from './aws';
export * as k8s from './k8s';
