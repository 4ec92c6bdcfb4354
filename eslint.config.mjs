import js from '@eslint/js';
import awscdk from 'eslint-plugin-awscdk';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'packages/', 'cdk.out/', 'cdk8s.out/', 'baseline/', 'node_modules/', 'docs/api/', '.ci/work/', 'lib/**/bundle/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended, awscdk.configs.recommended],
    languageOptions: { parserOptions: { projectService: false, project: './tsconfig.dev.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Templates, manifests and metadata are JSON of any shape; their readers say so.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'awscdk/no-import-private': 'error',
      'awscdk/no-mutable-property-of-props-interface': 'error',
      'awscdk/require-passing-this': ['error', { allowNonThisAndDisallowScope: true }],
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      'awscdk/require-props-default-doc': 'error',
      'awscdk/prefer-grants-property': 'error',
    },
  },
  {
    // Tests build charts, whose ids are file names, and scopes in small functions of their own.
    files: ['test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      'awscdk/pascal-case-construct-id': 'off',
      'awscdk/no-construct-stack-suffix': 'off',
      'awscdk/no-variable-construct-id': 'off',
      'awscdk/require-passing-this': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        module: 'writable',
        require: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        __dirname: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
);
