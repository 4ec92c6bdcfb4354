export * as core from './core';
export * as cost from './cost';
export * as streaming from './streaming';
export * as usage from './usage';
export * as workloads from './workloads';
