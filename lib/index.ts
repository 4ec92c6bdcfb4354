export * as core from './core';
export * as cost from './cost';
export * as features from './features';
export * as inference from './inference';
export * as models from './models';
export * as streaming from './streaming';
export * as usage from './usage';
export * as workloads from './workloads';
