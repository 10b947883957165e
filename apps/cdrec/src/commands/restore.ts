import { formatPlan } from '@cdrec/restore';
import { EXIT } from '../exit.js';
import { makePlan, type PlanFlags } from '../restore-plan.js';
import { runRestore, type RestoreFlags } from '../restore-run.js';
import { requireComplete } from '../sets.js';
import { openSource, type SourceFlags } from '../source.js';
import type { Terminal } from '../terminal.js';

/** `cdrec restore`, `start-restore`: the whole machine. */
export const restore = ([volumes]: [string[]], flags: RestoreFlags, terminal: Terminal): Promise<number> => runRestore(volumes, flags, terminal);

/** `cdrec clone-dsk`: one disk onto another. */
export const cloneDisk = ([source, target, volumes]: [string, string, string[]], flags: RestoreFlags, terminal: Terminal): Promise<number> =>
  runRestore(volumes, { ...flags, disk: [`${source}=${target}`], without: [] }, terminal, source);

/** `cdrec plan`: what a restore would do. */
export async function plan([volumes]: [string[]], flags: PlanFlags & SourceFlags & { json?: boolean }, terminal: Terminal): Promise<number> {
  const { set, places } = await openSource(volumes, flags, terminal);
  try {
    requireComplete(set, flags.empty);
    const made = await makePlan(set, places, flags);
    terminal.print(flags.json === true ? JSON.stringify(made) : formatPlan(made).trimEnd());
    return EXIT.ok;
  } finally {
    await set.close();
  }
}
