export * from './assembly';
export * from './baseline';
export * from './prom-query';
export * from './sizing';
export * from './stateful-update-rules';
export * from './update-guard';
export * from './update-rule';
export * as k8s from './k8s';
