// Makes a new library package: `npm run new-package -- NAME formats|base|stages "what it is"`, then `npm install`.
import { copyFileSync, mkdirSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
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
  publishConfig: { access: 'public', provenance: true },
});
json('tsconfig.json', { extends: '../../tsconfig.base.json', files: [], references: [{ path: './tsconfig.lib.json' }, { path: './tsconfig.spec.json' }] });
json('tsconfig.lib.json', { extends: '../../tsconfig.lib.base.json', references: [] });
json('tsconfig.spec.json', { extends: '../../tsconfig.spec.base.json', references: [{ path: './tsconfig.lib.json' }] });
writeFileSync(join(dir, 'vitest.config.ts'),
  `import { defineProject, mergeConfig } from 'vitest/config';\nimport shared from '../../vitest.shared.ts';\n\nexport default mergeConfig(shared, defineProject({ test: { name: '${name}' } }));\n`);
copyFileSync('LICENSE', join(dir, 'LICENSE'));
// A beginning that lint, types and tests take: replace it.
writeFileSync(join(dir, 'README.md'), `# @cdrec/${name}\n\n${description}\n\n\`\`\`js\nimport { NAME } from '@cdrec/${name}';\n\nconsole.log(NAME);\n\`\`\`\n`);
writeFileSync(join(dir, 'src', 'name.ts'), `/** The name of this package. */\nexport const NAME = '${name}';\n`);
writeFileSync(join(dir, 'src', 'name.test.ts'), `import { expect, it } from 'vitest';\nimport { NAME } from './index.ts';\n\nit('has a name', () => { expect(NAME).toBe('${name}'); });\n`);
writeFileSync(join(dir, 'src', 'index.ts'), "export { NAME } from './name.js';\n");
console.log(`${dir} made. Now: npx nx sync && npm install && npm run build && npm run docs`);
