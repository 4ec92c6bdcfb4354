export * from './service';
export * from './service-identity';
