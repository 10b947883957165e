import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import parser from 'jsonc-eslint-parser';
import tseslint from 'typescript-eslint';

/** Layers: formats <- base <- survey <- stages <- rehearse and the app. Who may use whom is decided here, once. */
const depConstraints = [
  { sourceTag: 'layer:formats', onlyDependOnLibsWithTags: ['layer:formats'], bannedExternalImports: ['execa', 'commander', 'zod'] },
  { sourceTag: 'layer:base', onlyDependOnLibsWithTags: ['layer:base'], bannedExternalImports: ['commander'] },
  { sourceTag: 'layer:survey', onlyDependOnLibsWithTags: ['layer:base'], bannedExternalImports: ['commander'] },
  { sourceTag: 'layer:stages', onlyDependOnLibsWithTags: ['layer:formats', 'layer:base', 'layer:survey'], bannedExternalImports: ['commander'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:formats', 'layer:base', 'layer:survey', 'layer:stages'] },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/.cache', '.nx', '**/*.mjs', 'vitest.*.ts', 'packages/*/vitest.config.ts', 'apps/*/vitest.config.ts'] },
  js.configs.recommended,
  ...nx.configs['flat/base'],
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: true, banTransitiveDependencies: true, allowCircularSelfDependency: true, allow: [], depConstraints }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/dot-notation': 'off', // the compiler wants index signatures written as such
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
    },
  },
  {
    // Libraries never print, exit or read the environment; the CLI does.
    files: ['packages/*/src/**/*.ts'],
    // A package's small program (bin.ts) is a CLI of its own.
    ignores: ['**/*.test.ts', 'packages/*/src/bin.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error',
        { object: 'process', property: 'env', message: 'libraries take options; the CLI reads the environment' },
        { object: 'process', property: 'exit', message: 'libraries throw; the CLI exits' },
        { object: 'process', property: 'stdout', message: 'libraries return; the CLI prints' },
        { object: 'process', property: 'stderr', message: 'libraries return; the CLI prints' }],
    },
  },
  {
    // The program is published as one bundle: what it is made of are its devDependencies, and nothing is installed with it.
    files: ['packages/*/package.json'],
    languageOptions: { parser },
    rules: { '@nx/dependency-checks': ['error', { ignoredFiles: ['{projectRoot}/*.config.*', '{projectRoot}/test/**', '{projectRoot}/**/*.test.ts', '{projectRoot}/bundle.mjs'] }] },
  },
);
