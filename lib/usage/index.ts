export * from './profile';
export * from './recommendation';
