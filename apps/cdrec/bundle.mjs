// Makes dist/bundle/cdrec.mjs: the whole CLI as one module, which is what the rescue system carries.
import { build } from 'esbuild';

/** node-disk-info asks iconv-lite for the code pages of Windows: half a megabyte of tables that Linux never reads. */
const withoutCodePages = {
  name: 'without-code-pages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^iconv-lite$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default undefined;' }));
  },
};

await build({
  entryPoints: ['dist/bin.js'],
  outfile: 'dist/bundle/cdrec.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [withoutCodePages],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'inline',
  banner: { js: "import { createRequire as cdrecCreateRequire } from 'node:module'; const require = cdrecCreateRequire(import.meta.url);" },
  logLevel: 'warning',
});
