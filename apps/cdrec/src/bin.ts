#!/usr/bin/env node
import { helpAtOnce } from './cli/help-pages.js';
import { withSystemPrograms } from './paths.js';

// A reader that has seen enough (`cdrec inspect ... | head`) is no failure: end quietly, with the status of SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 141 : 1); });
// Who is told what goes on may leave, or hang up: the work does not stop half-way for that, with everything left where it is.
process.stderr.on('error', () => undefined);
const args = process.argv.slice(2);
const help = helpAtOnce(args, new URL('.', import.meta.url));
if (help === undefined) {
  if (process.env['PATH'] !== undefined) process.env['PATH'] = withSystemPrograms(process.env['PATH']);
  process.exitCode = await (await import('./main.js')).main(args);
}
else process.stdout.write(help);
