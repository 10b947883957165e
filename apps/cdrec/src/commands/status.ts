import { readConfig } from '../config.js';
import { EXIT, usageError } from '../exit.js';
import type { Terminal } from '../terminal.js';
import { parseAge, readStatus, type Status } from '../status.js';

interface Flags { config?: string; maxAge?: string; json?: boolean }

function describe(s: Status): string[] {
  if (s.set === undefined) return [];
  const short = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}...` : text);
  return [
    `Set        ${s.set.label}, made ${s.set.created} (${String(s.set.ageDays)} days ago)`, ...s.set.volumes.map((v) => `           ${v}`),
    `Drift      ${s.drift.length === 0 ? 'none: the machine is as in the set' : ''}`.trimEnd(), ...s.drift.flatMap((d) => [`  ${d.what}`, `    was: ${short(d.was)}`, `    is:  ${short(d.is)}`]),
    `Rehearsed  ${s.rehearsal === undefined ? 'never' : `${s.rehearsal.verdict} ${s.rehearsal.created} (${s.rehearsal.report})`}`,
  ];
}

/** `cdrec status`: age, drift and rehearsal of the newest set. */
export async function status([volumes]: [string[]], flags: Flags, terminal: Terminal): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec status must be run as root: it reads the disks\' tables and superblocks');
  const status = await readStatus(readConfig(flags.config), volumes, flags.maxAge === undefined ? undefined : parseAge(flags.maxAge), Date.now());
  if (flags.json === true) terminal.print(JSON.stringify(status));
  else for (const line of describe(status)) terminal.print(line);
  for (const a of status.attention) terminal.say(`attention: ${a}`);
  return status.set === undefined ? EXIT.failed : status.attention.length > 0 ? EXIT.exceptions : EXIT.ok;
}
