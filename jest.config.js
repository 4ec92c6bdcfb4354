// Sources are TypeScript only and dist/ is never beside them, so `ts` first keeps a stale compiled file from being tested.
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/packages/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
  maxWorkers: 2,
  // A bound for what hangs and no claim of speed: DuckDB and synthesized apps are slow on a machine that does other work too.
  testTimeout: 60_000,
};
