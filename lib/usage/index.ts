export * from './forecast';
export * from './profile';
export * from './recommendation';
