import { fixMissing } from '../checks/fix.js';
import { inGroups, type Check } from '../checks/check.js';
import { runChecks, type CheckFlags } from '../checks/run.js';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';

interface Flags extends CheckFlags { json?: boolean; fix?: boolean; yes?: boolean }

function show(checks: readonly Check[], terminal: Terminal): void {
  for (const [group, list] of inGroups(checks)) {
    terminal.print(group);
    for (const c of list) terminal.print(`  ${c.status}  ${c.id}: ${c.message}${c.status !== 'PASS' && c.remedy !== undefined ? `\n        remedy: ${c.remedy}` : ''}`);
  }
}

/** `cdrec test`: everything that a build needs, with remedies; what is missing is installed if wanted. */
export async function test(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  if (flags.yes === true && flags.fix !== true) throw usageError('--yes goes with --fix');
  if (flags.fix === true && process.getuid?.() !== 0) throw usageError('--fix installs packages: it must be run as root');
  let checks = await runChecks(flags);
  if (flags.fix === true && (await fixMissing(checks, flags.yes === true, terminal))) checks = await runChecks(flags);
  if (flags.json === true) terminal.print(JSON.stringify(checks, null, 1));
  else show(checks, terminal);
  const failed = checks.filter((c) => c.status === 'FAIL').length;
  const mendable = checks.some((c) => c.status === 'FAIL' && c.missing !== undefined);
  terminal.say(`${String(checks.length)} checks, ${String(failed)} failed, ${String(checks.filter((c) => c.status === 'WARN').length)} warnings${mendable && flags.fix !== true ? '; cdrec test --fix installs what is missing' : ''}`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
