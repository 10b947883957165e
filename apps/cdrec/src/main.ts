import { CommanderError } from 'commander';
import { errorCode } from '@cdrec/tool/errors';
import { makeProgram } from './cli/program.js';
import { EXIT } from './exit.js';
import { COMMANDS } from './specs/index.js';
import { Terminal } from './terminal.js';

const USAGE_CODES = new Set(['CONFIG_INVALID', 'USAGE']);

/** Runs the CLI on the arguments behind the program's name; returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  let status: number = EXIT.ok;
  // One command does not wait for the others to be described.
  const named = COMMANDS.filter((c) => args[0] === c.name || args[0] === c.alias);
  const program = makeProgram(named.length > 0 ? named : COMMANDS, terminal, (code) => { status = code; });
  try {
    if (args.length === 0 && terminal.interactive) return await (await import('./commands/lead.js')).lead(terminal);
    await program.parseAsync(args, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    terminal.fail(error, program.opts<{ debug?: boolean }>().debug === true);
    return USAGE_CODES.has(errorCode(error) ?? '') ? EXIT.usage : EXIT.failed;
  } finally {
    terminal.close();
  }
}
