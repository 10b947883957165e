import { readFileSync } from 'node:fs';
import { readBlockTree, superblockOf, type BlockDevice } from '@cdrec/survey';
import { CdrecError, requireAnswer, runTool } from '@cdrec/tool';
import { DEFAULT_CONFIG } from '@cdrec/config';
import { missingFor, openDiscSet, openSets, openTapeSet, volumeLabel, type Archive, type OpenSet } from '@cdrec/volumes';
import { usageError } from './exit.js';
import { changeTapeFor, tapeChangeCommand, tapeDrives } from './tapes.js';
import { Terminal } from './terminal.js';

/** Devices of this machine that hold an ISO 9660 file system: discs, sticks, disks with an image on them. */
async function isoDevices(): Promise<string[]> {
  const all = (d: BlockDevice): BlockDevice[] => [d, ...d.children.flatMap(all)];
  const out: string[] = [];
  for (const d of (await readBlockTree()).flatMap(all)) {
    if (d.bytes > 0 && !d.path.startsWith('/dev/fd') && (await superblockOf(d.path)).type === 'iso9660') out.push(d.path);
  }
  return out;
}

/** What lies beside a set and may come along with it (`SET*`): its sheet, the report of its rehearsal, error-correction data. */
const isCompanion = (path: string): boolean => /\.html$|-rehearsal\/?$|\.par2$/.test(path);

const bootedSet = (): string | undefined => /\bcdrec\.set=(\S+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1];

/** Tape drives that hold the set, and who is asked for further tapes or discs. */
export interface TapePlaces {
  readonly drives: readonly string[];
  readonly terminal?: Terminal;
}

/** A set and the devices or files its volumes lie on. */
export interface FoundSet {
  readonly set: OpenSet;
  readonly places: readonly string[];
}

/**
 * Opens the one set that is meant: at the given places, or on all devices of this machine (there, the set that the
 * rescue system was booted from is preferred).
 * @throws CdrecError PLACE_SILENT, SET_NOT_FOUND, SET_FOREIGN when a given volume belongs to another set, SET_AMBIGUOUS
 */
export async function findSet(given: readonly string[], tapes: TapePlaces = { drives: [] }): Promise<FoundSet> {
  if (tapes.drives.length > 0) {
    if (given.length > 0) throw usageError('volumes and --tape do not go together');
    const terminal = tapes.terminal ?? new Terminal();
    const drives = tapeDrives(DEFAULT_CONFIG, tapes.drives);
    return { set: await openTapeSet({ drives, changeTape: changeTapeFor(drives, tapeChangeCommand(), terminal) }), places: [] };
  }
  await requireAnswer(given);
  const places = given.length > 0 ? given : await isoDevices();
  const { sets, others } = await openSets(places);
  const foreign = others.filter((o) => !isCompanion(o.path));
  const close = async (keep?: OpenSet): Promise<void> => { for (const s of sets) if (s !== keep) await s.close(); };
  if (given.length > 0 && foreign.length > 0) {
    await close();
    throw new CdrecError('SET_FOREIGN', foreign.map((o) => `${o.path} is no volume of a recovery set: ${o.reason}`).join('; '), { hint: 'give only volumes of one set' });
  }
  if (sets.length === 0) throw new CdrecError('SET_NOT_FOUND', 'no volume of a recovery set was found', { hint: 'insert volume 1, plug in the stick, or name ISO files or a directory' });
  if (sets.length === 1) return { set: await askForDiscs(sets[0] as OpenSet, tapes.terminal), places };
  const booted = bootedSet();
  const own = sets.find((s) => s.setId === booted);
  const list = sets.map((s) => `${s.label} (${s.setId}) on ${[...s.volumes.values()].map((v) => v.path).join(', ')}`).join('; ');
  if (given.length > 0 || own === undefined) {
    await close();
    throw new CdrecError(given.length > 0 ? 'SET_FOREIGN' : 'SET_AMBIGUOUS', `volumes of different sets: ${list}`, { hint: 'name the volumes of one set' });
  }
  await close(own);
  return { set: await askForDiscs(own, tapes.terminal), places };
}

/**
 * A set that is not whole, with a person and an optical drive at hand: the missing discs are asked for as they are needed. The drive is the one
 * with a disc of the set, else the first.
 */
async function askForDiscs(set: OpenSet, terminal: Terminal | undefined): Promise<OpenSet> {
  if (set.missing.length === 0 || terminal?.interactive !== true || set.manifest.mode !== 'iso') return set;
  const holding = [...set.volumes.values()].map((v) => v.path).find((p) => /^\/dev\/sr\d+$/.test(p));
  const drive = holding ?? (await readBlockTree()).find((d) => d.type === 'rom')?.path;
  if (drive === undefined) return set;
  return openDiscSet(set, {
    drive,
    insert: async (label, n, found) => {
      if (found !== '') terminal.say(`${drive} has ${found}.`);
      // Some drives do not open, some systems have no eject: the person finds the button.
      await runTool('eject', [drive]).catch(() => undefined);
      await terminal.ask(`Insert ${n === 0 ? `the last volume of ${label}` : `volume ${volumeLabel(label, n)}`} into ${drive} and press Enter: `, 'all volumes reachable at once: further drives, sticks, ISO files');
    },
  });
}

/** Whether a restore reads an archive: no index, nor the files of a file system that comes back without them (`empty`). */
export const isRead = (empty: readonly string[]) => (a: Archive): boolean => a.kind !== 'index' && !(a.mount !== '' && empty.includes(a.mount));

/** @throws CdrecError SET_INCOMPLETE naming the missing volumes that a restore needs, and what lies on them */
export function requireComplete(set: OpenSet, empty: readonly string[] = []): void {
  const missing = missingFor(set, isRead(empty));
  if (missing.length === 0) return;
  const mounts = [...new Set(set.manifest.archives.filter((a) => isRead(empty)(a) && missingFor(set, (b) => b === a).length > 0).map((a) => a.mount))];
  const without = set.manifest.last && !mounts.some((m) => m === '' || m === '/') ? `, or do without what lies on them: ${mounts.map((m) => `--empty ${m}`).join(' ')}` : '';
  throw new CdrecError('SET_INCOMPLETE', `volumes are missing: ${missing.join(', ')}`, { hint: `found: ${[...set.volumes.values()].map((v) => v.path).join(', ')}; make the missing ones reachable too${without}` });
}
