#!/usr/bin/env node
import { helpAtOnce } from './cli/help-pages.js';
import { withSystemPrograms } from './environment.js';

// A reader that has seen enough (`cdrec inspect ... | head`) is no failure: end quietly, with the status of SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 141 : 1); });
// Who is told what goes on may leave, or hang up: the work does not stop half-way for that, with everything left where it is.
process.stderr.on('error', () => undefined);
// A file larger than `ulimit -f` allows: the write fails (EFBIG), which is said, and what was begun is removed.
process.on('SIGXFSZ', () => undefined);
const args = process.argv.slice(2);
const help = helpAtOnce(args, new URL('.', import.meta.url));
if (help !== undefined) process.stdout.write(help);
else {
  // Functions that a shell exports would take the place of programs (bash(1)); other habits, like TAR_OPTIONS, are kept from them in @cdrec/tool.
  for (const name of Object.keys(process.env)) if (name.startsWith('BASH_FUNC_')) Reflect.deleteProperty(process.env, name);
  if (process.env['PATH'] !== undefined) process.env['PATH'] = withSystemPrograms(process.env['PATH']);
  process.exitCode = await (await import('./main.js')).main(args);
}
