import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@cdrec/config';
import { parseRehearsal, type RehearsalFile } from '@cdrec/rehearse';
import { driftOf, hostName, type Drift } from '@cdrec/survey';
import { CdrecError, requireAnswer } from '@cdrec/tool';
import { openSets, type OpenSet } from '@cdrec/volumes';
import { reportPlace } from './rehearsal.js';
import { readMachine, unsupportedOf } from './rescue-parts.js';
import { readSurveyOf } from './restore-plan.js';

const DAY = 86_400_000;

/** What there is to say of a machine and its newest set. */
export interface Status {
  readonly set: { readonly id: string; readonly label: string; readonly created: string; readonly ageDays: number; readonly volumes: readonly string[]; readonly missing: readonly string[] } | undefined;
  readonly tooOld: boolean;
  readonly drift: readonly Drift[];
  readonly rehearsal: { readonly created: string; readonly verdict: 'PASS' | 'FAIL'; readonly report: string } | undefined;
  /** Whether somebody should do something. */
  readonly attention: readonly string[];
}

/** An age: `30d`, `12h`, `6w`; milliseconds. @throws CdrecError USAGE */
export function parseAge(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([hdw])$/.exec(text);
  if (match === null) throw new CdrecError('USAGE', `"${text}" is no age`, { hint: 'write 12h, 30d or 6w' });
  return Number(match[1]) * ({ h: DAY / 24, d: DAY, w: 7 * DAY }[match[2] as 'h' | 'd' | 'w']);
}

/** ISO files and sub-directories with sets of a directory. */
export const placesIn = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory, { withFileTypes: true }).filter((e) => (e.isFile() && e.name.endsWith('.iso')) || (e.isDirectory() && existsSync(join(directory, e.name, 'cdrec/set.json')))).map((e) => join(directory, e.name)) : [];

/** The rehearsal of a set, if its report lies beside it. */
export function rehearsalOf(set: OpenSet): { file: RehearsalFile; report: string } | undefined {
  const report = join(reportPlace(set), 'rehearsal.json');
  if (!existsSync(report)) return undefined;
  const file = parseRehearsal(readFileSync(report, 'utf8'), report);
  return file.set.id === set.setId ? { file, report } : undefined;
}

/** Sets in some places, the newest first; whoever calls closes them. `own`: of this machine, those of others are closed (a share may hold many machines'). */
export async function setsIn(places: readonly string[], own = false): Promise<OpenSet[]> {
  const { sets } = await openSets(places);
  const host = hostName();
  const wanted = sets.filter((s) => !own || s.manifest.host === host);
  for (const s of sets) if (!wanted.includes(s)) await s.close();
  return wanted.sort((a, b) => Date.parse(b.manifest.created) - Date.parse(a.manifest.created));
}

/** Compares the machine with the newest set at `places`, or with its own newest one in the output directory. @throws CdrecError PLACE_SILENT */
export async function readStatus(config: Config, places: readonly string[], maxAge: number | undefined, now: number): Promise<Status> {
  await requireAnswer(places.length > 0 ? places : [config.output.directory]);
  const sets = places.length > 0 ? await setsIn(places) : await setsIn(placesIn(config.output.directory), true);
  try {
    const [set] = sets;
    if (set === undefined) return { set: undefined, tooOld: false, drift: [], rehearsal: undefined, attention: [places.length > 0 ? 'there is no set at the given places' : `there is no set in ${config.output.directory} of this machine (${hostName()})`] };
    const age = now - Date.parse(set.manifest.created);
    const tooOld = maxAge !== undefined && age > maxAge;
    const machine = await readMachine({ config, kernel: undefined, date: now });
    const drift = driftOf(await readSurveyOf(set), machine);
    const unsupported = unsupportedOf(machine);
    const found = rehearsalOf(set);
    const rehearsal = found === undefined ? undefined : { created: found.file.created, verdict: found.file.verdict, report: found.report };
    const attention = [
      ...(set.missing.length > 0 ? [`volumes are missing: ${set.missing.join(', ')}`] : []), ...(tooOld ? ['the set is too old'] : []), ...(drift.length > 0 ? [`the machine has changed since (${String(drift.length)} differences)`] : []),
      ...(unsupported.length > 0 ? [`not everything on this machine can be brought back: ${unsupported.map((u) => u.object).join(', ')} ("cdrec test" says why)`] : []),
      ...(rehearsal === undefined ? ['the set was never rehearsed'] : rehearsal.verdict === 'FAIL' ? ['its rehearsal failed'] : []),
    ];
    return { set: { id: set.setId, label: set.label, created: set.manifest.created, ageDays: Math.round((age / DAY) * 10) / 10, volumes: [...set.volumes.values()].map((v) => v.path), missing: set.missing }, tooOld, drift, rehearsal, attention };
  } finally {
    for (const s of sets) await s.close();
  }
}
