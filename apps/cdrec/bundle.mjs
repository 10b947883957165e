// Makes dist/bundle: the whole CLI, which is what npm, the release files and the rescue system carry. cdrec starts
// cdrec.mjs, or says a page of help by itself; cdrec.mjs reads the specifications of the commands (help, manual,
// completions) from a module beside it, and what the commands do from another one when one runs.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const commands = resolve('dist/commands');

/** node-disk-info asks iconv-lite for the code pages of Windows: half a megabyte of tables that Linux never reads. */
const withoutCodePages = {
  name: 'without-code-pages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^iconv-lite$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export default undefined;' }));
  },
};

/** Commander starts programs only for sub-commands in files of their own, which we have none of: it need not load what starts them. */
const commanderStartsNothing = {
  name: 'commander-starts-nothing',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) => (/[\\/]commander[\\/]lib[\\/]/.test(importer) ? { path: 'child_process', namespace: 'nothing' } : undefined));
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** All commands are one module: what they share is nearly everything. */
const commandsTogether = {
  name: 'commands-together',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/commands\/[\w-]+\.js$/ }, ({ kind }) => kind === 'dynamic-import' ? { path: 'commands', namespace: 'together' } : undefined);
    onLoad({ filter: /.*/, namespace: 'together' }, async () => {
      const files = readdirSync(commands).filter((f) => f.endsWith('.js')).sort();
      const owner = new Map();
      for (const file of files) {
        for (const name of Object.keys(await import(pathToFileURL(join(commands, file)).href))) {
          if (owner.has(name)) throw new Error(`${file} and ${owner.get(name)} both export ${name}: in one module they would hide each other`);
          owner.set(name, file);
        }
      }
      return { contents: files.map((f) => `export * from './${f}';`).join('\n'), resolveDir: commands };
    });
  },
};

rmSync('dist/bundle', { recursive: true, force: true });
await build({
  entryPoints: { cdrec: 'dist/bin.js' },
  outdir: 'dist/bundle',
  outExtension: { '.js': '.mjs' },
  chunkNames: 'cdrec-[name]-[hash]',
  splitting: true,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [withoutCodePages, commanderStartsNothing, commandsTogether],
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'inline',
  banner: { js: "import { createRequire as cdrecCreateRequire } from 'node:module'; const require = cdrecCreateRequire(import.meta.url);" },
  logLevel: 'warning',
});

const { makeProgram } = await import(pathToFileURL(resolve('dist/cli/program.js')).href);
const { HELP_DIRECTORY, helpPages, LAUNCHER } = await import(pathToFileURL(resolve('dist/cli/help-pages.js')).href);
const { COMMANDS } = await import(pathToFileURL(resolve('dist/specs/index.js')).href);
const pages = helpPages(COMMANDS, (print) => makeProgram(COMMANDS, { print, errorText: print }, () => undefined));
mkdirSync(join('dist/bundle', HELP_DIRECTORY));
for (const [name, text] of Object.entries(pages)) writeFileSync(join('dist/bundle', HELP_DIRECTORY, name), text);
writeFileSync('dist/bundle/cdrec', LAUNCHER, { mode: 0o755 });
