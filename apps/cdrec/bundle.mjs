// Makes dist/bundle/cdrec.mjs: the whole CLI as one module, which is what the rescue system carries.
import { build } from 'esbuild';

await build({
  entryPoints: ['dist/bin.js'],
  outfile: 'dist/bundle/cdrec.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'inline',
  banner: { js: "import { createRequire as cdrecCreateRequire } from 'node:module'; const require = cdrecCreateRequire(import.meta.url);" },
  logLevel: 'warning',
});
