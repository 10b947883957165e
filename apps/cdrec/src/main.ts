import { Command, CommanderError } from 'commander';
import { CdrecError, errorCode } from '@cdrec/tool';
import { bootEntryCommand } from './commands/boot-entry.js';
import { buildCommand } from './commands/build.js';
import { burnCommand } from './commands/burn.js';
import { cleanCommand } from './commands/clean.js';
import { configCommand } from './commands/config.js';
import { demoCommand } from './commands/demo.js';
import { inspectCommand } from './commands/inspect.js';
import { restoreFsCommand } from './commands/restore-fs.js';
import { cloneDiskCommand, planCommand, restoreCommand } from './commands/restore.js';
import { refreshCommand } from './commands/refresh.js';
import { rehearseCommand } from './commands/rehearse.js';
import { schemaCommand } from './commands/schema.js';
import { statusCommand } from './commands/status.js';
import { testCommand } from './commands/test.js';
import { verifyCommand } from './commands/verify.js';
import { Terminal } from './terminal.js';
import { VERSION } from './version.js';

/** Exit statuses (docs/user-guide.md): complete, failed, wrong usage, complete with exceptions. */
export const EXIT = { ok: 0, failed: 1, usage: 2, exceptions: 3 } as const;

const USAGE_CODES = new Set(['CONFIG_INVALID', 'USAGE']);

/** Runs the CLI on the arguments behind the program's name; returns the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  let status = 0;
  const program = new Command('cdrec')
    .description('Turns a running Linux machine into a bootable recovery set, and a blank disk into that machine again.')
    .version(VERSION, '-V, --version')
    .option('--debug', 'show the stack of errors')
    .exitOverride()
    .configureOutput({ writeErr: (text) => { terminal.errorText(text); }, writeOut: (text) => { terminal.print(text.replace(/\n$/, '')); } })
    .addHelpText('after', '\nExit status: 0 complete; 1 failed; 2 wrong usage or configuration; 3 complete, with exceptions that are listed.');
  const finish = (code: number): void => { status = code; };
  for (const add of [testCommand, configCommand, buildCommand, verifyCommand, inspectCommand, planCommand, restoreCommand, cloneDiskCommand, restoreFsCommand, rehearseCommand, statusCommand, refreshCommand, burnCommand, bootEntryCommand, cleanCommand, demoCommand, schemaCommand]) add(program, terminal, finish);
  try {
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

/** How a command is added to the program. `finish` sets the exit status of a run that ended without an error. */
export type AddCommand = (program: Command, terminal: Terminal, finish: (status: number) => void) => void;

/** Commander's parser of an option that may be given several times. */
export const collect = (value: string, all: string[]): string[] => [...all, value];

/** An error of usage: exit status 2. */
export const usageError = (message: string, hint?: string): CdrecError => new CdrecError('USAGE', message, hint === undefined ? {} : { hint });
