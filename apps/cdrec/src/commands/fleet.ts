import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, basename } from 'node:path';
import { hostRows, shownLocation, type HostRow } from '@cdrec/engine';
import { fleetPage } from '@cdrec/report';
import { driftOf } from '@cdrec/survey';
import { configOf } from '../config.js';
import { EXIT, usageError } from '../exit.js';
import type { SecretFlags } from '../repository.js';
import { readMachine } from '../rescue-parts.js';
import { readSurveyOf } from '../restore-plan.js';
import { runRestore, type RestoreFlags } from '../restore-run.js';
import { openRepository, setOfDocument } from '../source.js';
import { parseAge } from '../status.js';
import { formatBytes, type Terminal } from '../terminal.js';

interface Flags extends SecretFlags { repository?: string; config?: string; json?: boolean }

/** The configuration that names the repository: on the machine, not in a rescue system. */
const chosen = (flags: Flags): Parameters<typeof openRepository>[2] => (flags.config === undefined ? undefined : configOf(flags));

/** Lines of a table, columns as wide as they must be; numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const width = head.map((h, i) => Math.max(h.length, ...rows.map((r) => (r[i] ?? '').length)));
  return [head, ...rows].map((r) => r.map((c, i) => (right.has(i) ? c.padStart(width[i] as number) : c.padEnd(width[i] as number))).join('  ').trimEnd());
}

/** `cdrec fleet list`: machines, or the sets of one. */
export async function fleetList(_: [], flags: Flags & { host?: string }, terminal: Terminal): Promise<number> {
  const { sets } = await (await openRepository(flags, terminal, chosen(flags))).overview();
  const hosts = new Map<string, number>();
  for (const s of sets) hosts.set(s.host, (hosts.get(s.host) ?? 0) + 1);
  if (flags.host !== undefined && !hosts.has(flags.host)) throw usageError(`the repository has no set of ${flags.host}`, `it has sets of ${[...hosts.keys()].sort().slice(0, 40).join(', ')}`);
  const shown = flags.host === undefined ? [...hosts.keys()].sort().map((h) => sets.find((s) => s.host === h) as (typeof sets)[number]) : sets.filter((s) => s.host === flags.host);
  if (flags.json === true) terminal.print(JSON.stringify(shown));
  else for (const line of table(['HOST', 'SETS', 'LABEL', 'MADE', 'CONTENT', 'SET'], shown.map((s) => [s.host, String(hosts.get(s.host)), s.label, s.created.slice(0, 19).replace('T', ' '), formatBytes(s.contentBytes), s.setId]), new Set([1, 4]))) terminal.print(line);
  return EXIT.ok;
}

const rehearsalOf = (r: HostRow): string => (r.rehearsedDays === undefined ? r.rehearsal : `${r.rehearsal}, ${String(r.rehearsedDays)} d ago`);
const rowOf = (r: HostRow): string[] => [r.host, r.created.slice(0, 16).replace('T', ' '), `${String(r.ageDays)} d`, formatBytes(r.contentBytes), formatBytes(r.addedBytes), rehearsalOf(r), r.drift === undefined ? '?' : r.drift === 0 ? 'none' : String(r.drift), r.attention.join('; ')];

/** `cdrec fleet status`: how all machines are. */
export async function fleetStatus(_: [], flags: Flags & { maxAge?: string; html?: string }, terminal: Terminal): Promise<number> {
  const maxAge = flags.maxAge === undefined ? undefined : parseAge(flags.maxAge);
  const engine = await openRepository(flags, terminal, chosen(flags));
  const now = Date.now();
  const rows = hostRows(await engine.overview(), now, maxAge);
  if (flags.html !== undefined) {
    const file = resolve(flags.html);
    const partial = join(dirname(file), `.${basename(file)}.partial`);
    writeFileSync(partial, fleetPage({ where: shownLocation(engine.access.location), made: new Date(now).toISOString(), rows: rows.map((r) => ({ ...r, rehearsal: rehearsalOf(r) })) }));
    renameSync(partial, file);
  }
  if (flags.json === true) terminal.print(JSON.stringify(rows));
  else for (const line of table(['HOST', 'NEWEST SET', 'AGE', 'CONTENT', 'ADDED', 'REHEARSAL', 'DRIFT', 'ATTENTION'], rows.map(rowOf), new Set([2, 3, 4]))) terminal.print(line);
  const bad = rows.filter((r) => r.attention.length > 0).length;
  terminal.say(`${String(rows.length)} machines, ${String(bad)} need attention`);
  return bad > 0 ? EXIT.exceptions : EXIT.ok;
}

/** `cdrec fleet report`: the drift of this machine, into the repository. */
export async function fleetReport(_: [], flags: Flags, terminal: Terminal): Promise<number> {
  if (process.getuid?.() !== 0) throw usageError('cdrec fleet report must be run as root: it reads the disks\' tables and superblocks');
  const config = configOf(flags);
  const engine = await openRepository(flags, terminal, config);
  const machine = await readMachine({ config, kernel: undefined, date: Date.now() });
  const host = machine.host.name;
  const newest = (await engine.overview()).sets.find((s) => s.host === host);
  if (newest === undefined) throw usageError(`the repository has no set of ${host} yet`, 'make one: cdrec build');
  const drift = driftOf(await readSurveyOf(setOfDocument(await engine.readDocument(newest), newest.label)), machine);
  await engine.saveFact({ host, setId: newest.setId, kind: 'status', value: String(drift.length) });
  if (flags.json === true) terminal.print(JSON.stringify({ host, label: newest.label, drift }));
  else terminal.print(drift.length === 0 ? `${host}: as in its newest set ${newest.label}` : [`${host}: ${String(drift.length)} differences to ${newest.label}`, ...drift.map((d) => `  ${d.what}`)].join('\n'));
  return drift.length === 0 ? EXIT.ok : EXIT.exceptions;
}

/** `cdrec fleet restore HOST`. */
export const fleetRestore = ([host]: [string], flags: RestoreFlags, terminal: Terminal): Promise<number> => runRestore([], { ...flags, host, tape: [] }, terminal);
