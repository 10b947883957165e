import { rmSync } from 'node:fs';
import { CdrecError } from '@cdrec/tool';
import { readConfig } from '../config.js';
import { EXIT, usageError } from '../exit.js';
import { main } from '../main.js';
import { recoveryFiles } from '../recovery.js';
import { reportPlace } from '../rehearsal.js';
import { parseAge, placesIn, readStatus, setsIn } from '../status.js';
import { writeTimer } from '../timer.js';
import type { Terminal } from '../terminal.js';

interface Flags { config?: string; maxAge: string; keep: string; rehearse: boolean; calendar: string; force?: boolean }

/** The labels that sets have by themselves: one that somebody named is somebody's to remove. */
const DATED = /^CDrec-\d{4}\.\d\d\.\d\d(\.\d{4})?$/;

/** Removes this machine's own dated sets from the output directory but the newest ones: only when the new one is there and has passed. */
async function prune(places: readonly string[], keep: number, terminal: Terminal): Promise<void> {
  const sets = await setsIn(places, true);
  for (const set of sets) await set.close();
  for (const set of sets.filter((s) => DATED.test(s.label)).slice(keep)) {
    terminal.say(`Removing the old set ${set.label}`);
    const beside = reportPlace(set).replace(/-rehearsal$/, '');
    for (const v of set.volumes.values()) for (const path of [v.path, ...recoveryFiles(v.path)]) rmSync(path, { recursive: true, force: true });
    for (const path of [reportPlace(set), `${beside}.html`, `${beside}_tape.json`]) rmSync(path, { recursive: true, force: true });
  }
}

/** `cdrec refresh`: a new set when there is a reason, its rehearsal, old sets removed. */
export async function refresh(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec refresh must be run as root');
  const keep = Number(flags.keep);
  if (!Number.isInteger(keep) || keep < 1) throw usageError(`--keep ${flags.keep}: a number of sets, at least 1`);
  const config = readConfig(flags.config);
  const mode = config.output.mode === '' ? (config.backup.engine === 'tar' ? 'iso' : 'repository') : config.output.mode;
  // Only sets that a guest can read can be rehearsed.
  const rehearse = flags.rehearse && (mode === 'iso' || mode === 'path' || mode === 'repository');
  const common = flags.config === undefined ? [] : ['--config', flags.config];
  const status = await readStatus(config, [], parseAge(flags.maxAge), Date.now());
  const why = status.set === undefined ? 'there is no set' : status.drift.length > 0 ? `the machine has changed: ${status.drift.map((d) => d.what).join(', ')}` : status.tooOld ? `${status.set.label} is too old` : status.set.missing.length > 0 ? 'volumes are missing' : undefined;
  let volumes = status.set?.volumes ?? [];
  let result: number = EXIT.ok;
  if (why !== undefined) {
    terminal.say(`A new set is made: ${why}`);
    // A second set of one day has the time in its label.
    const label = `CDrec-${new Date().toISOString().slice(0, 16).replace(/[-T]/g, '.').replace(':', '')}`;
    result = await main(['build', '--mode', mode, '--label', label, ...common]);
    if (result !== EXIT.ok && result !== EXIT.exceptions) throw new CdrecError('REFRESH_FAILED', 'no new set could be made; the older ones are as they were');
    volumes = (await readStatus(config, [], undefined, Date.now())).set?.volumes ?? [];
  } else terminal.say(`${status.set?.label ?? ''} is as the machine is, and new enough`);
  if (rehearse && (why !== undefined || status.rehearsal === undefined)) {
    if ((await main(['rehearse', ...volumes])) !== EXIT.ok) throw new CdrecError('REHEARSAL_FAILED', 'the set did not pass its rehearsal; older sets are kept', { hint: 'read rehearsal.html beside the set' });
  }
  if (why !== undefined) await prune(placesIn(config.output.directory), keep, terminal);
  return result;
}

/** `cdrec install-timer`: a systemd service and a timer for `cdrec refresh`. */
export async function installTimer(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec install-timer must be run as root');
  parseAge(flags.maxAge);
  const files = await writeTimer({ calendar: flags.calendar, arguments: ['refresh', '--max-age', flags.maxAge, '--keep', flags.keep, ...(flags.rehearse ? [] : ['--no-rehearse']), ...(flags.config === undefined ? [] : ['--config', flags.config])], force: flags.force === true });
  for (const f of files) terminal.print(f);
  return EXIT.ok;
}
