// Makes a new library package: `npm run new-package -- NAME formats|base|stages "what it is"`, then `npm install`.
import { mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [name, layer, description = ''] = process.argv.slice(2);
if (!/^[a-z][a-z0-9-]*$/.test(name ?? '') || !['formats', 'base', 'stages'].includes(layer ?? '')) {
  console.error('usage: npm run new-package -- NAME formats|base|stages "what it is"');
  process.exit(2);
}
const dir = join('packages', name);
if (existsSync(dir)) {
  console.error(`${dir} exists already`);
  process.exit(1);
}
const { version } = JSON.parse(readFileSync('apps/cdrec/package.json', 'utf8'));
const json = (file, value) => writeFileSync(join(dir, file), JSON.stringify(value, null, 2) + '\n');
mkdirSync(join(dir, 'src'), { recursive: true });
json('package.json', {
  name: `@cdrec/${name}`, version, description, type: 'module', license: 'GPL-2.0-or-later',
  engines: { node: '>=20.19.0' }, sideEffects: false,
  exports: {
    './package.json': './package.json',
    '.': { '@cdrec/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
  },
  files: ['dist', 'src', '!**/*.test.ts', '!**/*.tsbuildinfo'],
  nx: { tags: [`layer:${layer}`], targets: {} },
});
json('tsconfig.json', { extends: '../../tsconfig.base.json', files: [], references: [{ path: './tsconfig.lib.json' }, { path: './tsconfig.spec.json' }] });
json('tsconfig.lib.json', { extends: '../../tsconfig.lib.base.json', references: [] });
json('tsconfig.spec.json', { extends: '../../tsconfig.spec.base.json', references: [{ path: './tsconfig.lib.json' }] });
writeFileSync(join(dir, 'vitest.config.ts'),
  `import { defineProject, mergeConfig } from 'vitest/config';\nimport shared from '../../vitest.shared.ts';\n\nexport default mergeConfig(shared, defineProject({ test: { name: '${name}' } }));\n`);
writeFileSync(join(dir, 'README.md'), `# @cdrec/${name}\n\n${description}\n`);
writeFileSync(join(dir, 'src', 'index.ts'), '');
console.log(`${dir} made. Add it to the references of tsconfig.json with "npx nx sync", then run "npm install".`);
