export * from './allocation-coverage';
export * from './allocation-keys';
export * from './cost-allocation';
export * from './tag-policy';
export * from './tag-update-rules';
