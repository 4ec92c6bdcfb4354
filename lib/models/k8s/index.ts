export * from './mlflow-database';
export * from './mlflow-server';
export * from './model-monitor';
export * from './model-registry';
export * from './model-registry-grants';
export * from './monitor-signals';
export * from './training-options';
export * from './training-pipeline';
