import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { CdrecError, installCommand, packageManagerOf, packagesFor } from '@cdrec/tool';
import type { Terminal } from '../terminal.js';
import type { Check } from './check.js';

/** The command that would install what failing checks miss (not what would merely be nice: nobody wants QEMU on every server); undefined if no package would help. @throws CdrecError FIX_UNKNOWN for an unknown distribution */
export function fixCommand(checks: readonly Check[], osRelease: string): readonly [string, ...string[]] | undefined {
  const missing = [...new Set(checks.filter((c) => c.status === 'FAIL').flatMap((c) => c.missing ?? []))];
  if (missing.length === 0) return undefined;
  const manager = packageManagerOf(osRelease);
  if (manager === undefined) throw new CdrecError('FIX_UNKNOWN', 'the package manager of this distribution is not known', { hint: 'install by hand what the remedies name' });
  return installCommand(manager, packagesFor(manager, missing));
}

/** Installs what is missing, after a question (`yes`: without). False when nothing was installed. @throws CdrecError FIX_UNKNOWN, FIX_FAILED */
export async function fixMissing(checks: readonly Check[], yes: boolean, terminal: Terminal): Promise<boolean> {
  const command = fixCommand(checks, readFileSync('/etc/os-release', 'utf8'));
  if (command === undefined) return false;
  terminal.say(`To install what is missing: ${command.join(' ')}`);
  if (!yes && !/^y(es)?$/i.test(await terminal.ask('Do it now? (y/n): ', '--yes'))) return false;
  terminal.release();
  const [program, ...args] = command;
  const run = (words: readonly string[]): number => spawnSync(program, words, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status ?? 1;
  // Lists of packages may never have been fetched.
  if (program === 'apt-get') run(['update', '-qq']);
  const status = run(args);
  if (status !== 0) throw new CdrecError('FIX_FAILED', `"${command.join(' ')}" ended with status ${String(status)}`, { hint: 'see what it said; install by hand what the remedies name' });
  return true;
}
