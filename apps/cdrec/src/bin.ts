#!/usr/bin/env node
import { helpAtOnce } from './cli/help-pages.js';
import { isHabit, withSystemPrograms } from './environment.js';

// A reader that has seen enough (`cdrec inspect ... | head`) is no failure: end quietly, with the status of SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 141 : 1); });
// Who is told what goes on may leave, or hang up: the work does not stop half-way for that, with everything left where it is.
process.stderr.on('error', () => undefined);
const args = process.argv.slice(2);
const help = helpAtOnce(args, new URL('.', import.meta.url));
if (help === undefined) {
  for (const name of Object.keys(process.env)) if (isHabit(name)) Reflect.deleteProperty(process.env, name);
  if (process.env['PATH'] !== undefined) process.env['PATH'] = withSystemPrograms(process.env['PATH']);
  process.exitCode = await (await import('./main.js')).main(args);
}
else process.stdout.write(help);
