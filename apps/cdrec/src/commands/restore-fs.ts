import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { applyFlags, archiveOf, counted, extract, feed, holdsFiles, listArchive, listIndex, makeBtrfs, matcher, memberOf, mkfsCommands, pathOf, prepareFlags, withMount, type StoredAs } from '@cdrec/restore';
import type { Engine } from '@cdrec/engine';
import { FILE_SYSTEMS, superblockOf, type FileSystem } from '@cdrec/survey';
import { CdrecError, errorCode, runTool, type ChainStage } from '@cdrec/tool';
import { openLegacySet, type Archive, type OpenSet } from '@cdrec/volumes';
import { identityFor } from '../identity.js';
import { EXIT, usageError } from '../exit.js';
import { openSource, type Source, type SourceFlags } from '../source.js';
import { requireFree } from '../target-device.js';
import { formatBytes, interruptSignal, searchPath, type Terminal } from '../terminal.js';

interface Flags extends SourceFlags { list?: boolean; find?: string; path: string[]; fs?: string; to?: string; mkfs?: string; yes?: boolean; identity?: string; tape: string[] }

type FsSource = Pick<Source, 'set' | 'engine'>;

function requireEngine(engine: Engine | undefined): Engine {
  if (engine === undefined) throw new CdrecError('SET_INCOMPLETE', 'the files of this set lie with an engine, which is not at hand');
  return engine;
}

const stored = (archive: Archive, identity: string | undefined): StoredAs => ({ compress: archive.compress, encrypt: archive.encrypt, identity, path: searchPath() });

/** Whole archives, or those that hold the wanted paths, with the members to take (none: all). */
function wanted(set: OpenSet, flags: Flags): Map<Archive, string[]> {
  const out = new Map<Archive, string[]>();
  const mounts = set.manifest.archives.filter(holdsFiles).map((a) => a.mount).join(', ');
  if (flags.fs !== undefined) {
    const archive = set.manifest.archives.find((a) => holdsFiles(a) && a.mount === flags.fs);
    if (archive === undefined) throw usageError(`--fs ${flags.fs}: the set has no such file system`, `it has ${mounts}`);
    out.set(archive, []);
  }
  for (const path of flags.path) {
    const archive = path.startsWith('/') ? archiveOf(set.manifest.archives, path) : undefined;
    if (archive === undefined) throw usageError(`--path ${path}: no archive of the set holds it`, path.startsWith('/') ? `it has ${mounts}` : 'give the whole path, beginning with /');
    out.set(archive, [...(out.get(archive) ?? []), memberOf(archive.mount, path)]);
  }
  return out;
}

/** Only what the archive lies on must be there: other volumes of the set may be missing. */
function requirePieces(set: OpenSet, archive: Archive): void {
  if (archive.snapshot !== undefined) return;
  if (set.legacy === true) {
    const goesOn = set.missing.find((m) => m.includes(` ${archive.name} `));
    if (goesOn !== undefined) throw new CdrecError('SET_INCOMPLETE', `the archive of ${archive.mount} is not whole: ${goesOn} is missing`);
    return;
  }
  const missing = archive.pieces.filter((p) => set.manifest.mode !== 'tape' && !set.volumes.has(p.volume)).map((p) => p.volume);
  if (archive.sha256 === '') throw new CdrecError('SET_INCOMPLETE', `the archive of ${archive.mount} goes on: ${set.missing.join(', ')} missing`);
  if (missing.length > 0) throw new CdrecError('SET_INCOMPLETE', `the archive of ${archive.mount} needs volume ${missing.join(', ')} too`, { hint: 'make it reachable: name its ISO file or its drive' });
}

/** The index of an archive, where all of it is at hand: it lies behind the archive, on the volume where that ends. */
function indexOf(set: OpenSet, archive: Archive): Archive | undefined {
  const index = set.manifest.archives.find((a) => a.kind === 'index' && a.mount === archive.mount && a.device === archive.device);
  return index !== undefined && index.sha256 !== '' && index.pieces.every((p) => set.manifest.mode === 'tape' || set.volumes.has(p.volume)) ? index : undefined;
}

/** A path that is not there is told before an archive of hours is read to its end. An index that cannot be read is no obstacle: tar will tell, later. */
async function requirePaths(set: OpenSet, chosen: ReadonlyMap<Archive, string[]>, identity: string | undefined): Promise<void> {
  for (const [archive, members] of chosen) {
    const index = members.length === 0 || set.manifest.mode === 'tape' ? undefined : indexOf(set, archive);
    if (index === undefined) continue;
    const left = new Set(members);
    const whole = await listIndex(set.read(index), stored(index, identity), index.name, (name) => left.delete(name.replace(/\/$/, ''))).then(() => true, () => false);
    if (!whole) continue;
    const [first] = left;
    if (first !== undefined) throw new CdrecError('NOT_IN_SET', `${pathOf(archive.mount, first)}: the archive of ${archive.mount} has no such file`, { hint: '--find NAME looks for a name' });
  }
}

async function list(source: FsSource, flags: Flags, identity: string | undefined, terminal: Terminal): Promise<void> {
  const { set } = source;
  const matches = flags.find === undefined ? () => true : matcher(flags.find);
  const chosen = flags.fs === undefined && flags.path.length === 0 ? new Map(set.manifest.archives.filter(holdsFiles).map((a) => [a, [] as string[]])) : wanted(set, flags);
  for (const [archive, members] of chosen) {
    const index = indexOf(set, archive);
    if (index === undefined) requirePieces(set, archive);
    const tell = (name: string): void => {
      const below = members.length === 0 || members.some((m) => name === m || name === `${m}/` || name.startsWith(`${m}/`));
      const path = pathOf(archive.mount, name);
      if (below && matches(path)) terminal.print(path);
    };
    if (index !== undefined) await listIndex(set.read(index), stored(index, identity), index.name, tell);
    else if (archive.snapshot === undefined) await listArchive(set.read(archive), stored(archive, identity), archive.name, tell);
    else await requireEngine(source.engine).listTree(archive.snapshot, tell);
  }
}

/** Unpacks into a directory, where paths are as on the machine. */
async function toDirectory({ set, engine }: FsSource, chosen: ReadonlyMap<Archive, string[]>, to: string, identity: string | undefined, signal: AbortSignal, terminal: Terminal): Promise<void> {
  mkdirSync(to, { recursive: true });
  for (const [archive, members] of chosen) {
    // Single files keep their place in the machine; a whole file system is what the directory becomes.
    const directory = members.length > 0 ? join(to, archive.mount) : to;
    mkdirSync(directory, { recursive: true });
    if (members.length === 0 && readdirSync(directory).some((n) => n !== 'lost+found')) throw new CdrecError('TARGET_NOT_EMPTY', `${directory} is not empty`, { hint: 'a whole file system is unpacked into an empty directory or file system; take --path for single files' });
    const flags = members.length > 0 ? undefined : set.manifest.archives.find((a) => a.kind === 'flags' && a.mount === archive.mount);
    // The files are worth more than their flags: what is wrong with these is told.
    const setFlags = async (stage: (directory: string) => ChainStage): Promise<void> => {
      const said = flags === undefined ? '' : await feed(set.read(flags), stored(flags, identity), stage(directory), flags.name).catch((error: unknown) => `flags: ${error instanceof Error ? error.message : String(error)}`);
      for (const l of said.split('\n')) if (l.startsWith('flags: ')) terminal.say(`remark: inode ${l} could not be set`);
    };
    await setFlags(prepareFlags);
    const meter = terminal.progress(`Unpacking ${archive.mount}`, archive.snapshot === undefined ? archive.bytes : archive.contentBytes);
    if (archive.snapshot !== undefined) await requireEngine(engine).restoreTree(archive.snapshot, directory, members, { onBytes: meter.set, signal });
    else await extract(until(signal, counted(set.read(archive), meter.add)), { ...stored(archive, identity), directory, fsType: archive.fsType, what: archive.name, ...(set.legacy === true ? {} : { contentBytes: archive.contentBytes }), members });
    meter.done();
    // Last, for an immutable file cannot be written.
    await setFlags(applyFlags);
  }
}

/** A stream that ends with the signal's reason as soon as that is raised, also while its source is waited for. */
async function* until(signal: AbortSignal, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const aborted = new Promise<never>((_, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error); }, { once: true }); });
  aborted.catch(() => undefined); // nobody may be waiting any more
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await Promise.race([chunks.next(), aborted]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    const closed = chunks.return?.();
    if (!signal.aborted) await closed;
    else closed?.catch(() => undefined); // what hangs cannot be waited for
  }
}

/** The UUID that the file system had, so that fstab still finds it; a new one where the types have ids of another form. */
function uuidFor(type: string, old: string): string {
  const fat = type === 'vfat' || type === 'exfat';
  const form = fat ? /^[0-9A-F]{4}-[0-9A-F]{4}$/i : /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
  if (form.test(old)) return old;
  const fresh = randomUUID();
  return fat ? `${fresh.slice(0, 4)}-${fresh.slice(4, 8)}`.toUpperCase() : fresh;
}

/** Unpacks a whole file system into a device: as it is prepared, or with a new file system of another type. */
async function toDevice(source: FsSource, archive: Archive, device: string, flags: Flags, identity: string | undefined, signal: AbortSignal, terminal: Terminal): Promise<void> {
  await requireFree(device, [...source.set.volumes.values()].map((v) => v.path));
  const now = await superblockOf(device);
  if (flags.mkfs !== undefined) {
    const type = FILE_SYSTEMS.find((t) => t === flags.mkfs);
    if (type === undefined) throw usageError(`--mkfs ${flags.mkfs} is unknown`, `take one of ${FILE_SYSTEMS.join(', ')}`);
    if (flags.yes !== true && (await terminal.ask(`${device} holds ${now.type === '' ? 'nothing known' : `${now.type} "${now.label}"`}. To make a new ${type} there, type its name (${device}): `, '--yes')) !== device) throw new CdrecError('NOT_CONFIRMED', 'not confirmed: nothing was written');
    const uuid = uuidFor(type, archive.fsUuid);
    const fs = { type, uuid, label: '', parameters: {} } as unknown as FileSystem;
    if (type === 'btrfs') await makeBtrfs(['--quiet', '--force', '--uuid', uuid, device]);
    else for (const [program, ...args] of mkfsCommands(fs, device)) await runTool(program, args);
    if (type !== archive.fsType) terminal.say(`remark: ${archive.mount} was ${archive.fsType} and is ${type} now: change its line in /etc/fstab`);
  } else if (now.type === '') throw new CdrecError('TARGET_NOT_PREPARED', `${device} holds no file system`, { hint: 'make one, or let it be made: --mkfs TYPE' });
  const directory = mkdtempSync(join(tmpdir(), 'cdrec-fs-'));
  try {
    await withMount({ device, type: (flags.mkfs ?? now.type) as FileSystem['type'] }, directory, () => toDirectory(source, new Map([[archive, []]]), directory, identity, signal, terminal), flags.mkfs !== undefined);
  } finally {
    rmdirSync(directory);
  }
}

/** A set of ours, else one of mkCDrec 1.x where volumes are named. */
async function findAnySet(volumes: readonly string[], flags: Flags, terminal: Terminal): Promise<FsSource> {
  try {
    return await openSource(volumes, flags, terminal);
  } catch (error) {
    if (!['SET_NOT_FOUND', 'SET_FOREIGN'].includes(errorCode(error) ?? '')) throw error;
    const legacy = await openLegacySet(volumes.filter((v) => existsSync(v)));
    if (legacy === undefined) throw error;
    terminal.say(`A set of mkCDrec 1.x: ${legacy.label}`);
    return { set: legacy, engine: undefined };
  }
}

/** `cdrec restore-fs`: one file system or single files out of a set. */
export async function restoreFs([volumes]: [string[]], flags: Flags, terminal: Terminal): Promise<number> {
  const lists = flags.list === true || flags.find !== undefined;
  if (!lists && flags.fs === undefined && flags.path.length === 0) throw usageError('what is to be restored?', 'give --path or --fs, or look with --list or --find');
  if (!lists && flags.fs !== undefined && flags.path.length > 0) throw usageError('--fs and --path do not go together', 'a whole file system goes into an empty place, single files keep their paths');
  if (!lists && flags.to === undefined) throw usageError('where to?', 'give --to DIRECTORY or --to DEVICE');
  const source = await findAnySet(volumes, flags, terminal);
  const { set } = source;
  try {
    const identity = await identityFor(set, flags.identity, terminal);
    if (lists) {
      await list(source, flags, identity, terminal);
      return EXIT.ok;
    }
    const chosen = wanted(set, flags);
    for (const archive of chosen.keys()) requirePieces(set, archive);
    await requirePaths(set, chosen, identity);
    const to = resolve(flags.to as string);
    const device = statSync(to, { throwIfNoEntry: false })?.isBlockDevice() === true;
    if (flags.mkfs !== undefined && !device) throw usageError(`--mkfs: ${to} is no block device`);
    if (device && flags.fs === undefined) throw usageError('--path unpacks into a directory, not onto a device');
    const interrupt = interruptSignal('what is unpacked so far is there, and not complete: empty the place and repeat');
    try {
      if (device) await toDevice(source, [...chosen.keys()][0] as Archive, to, flags, identity, interrupt.signal, terminal);
      else await toDirectory(source, chosen, to, identity, interrupt.signal, terminal);
    } finally {
      interrupt.stop();
    }
    const lost = [...chosen].flatMap(([a, members]) => a.exceptions.filter((e) => members.length === 0 || members.some((m) => e.startsWith(`${m}:`) || e.startsWith(`${m}/`))).map((e) => `${a.mount}: ${e}`));
    for (const e of lost) terminal.say(`exception when the backup was made: ${e}`);
    terminal.say(`Unpacked: ${[...chosen].map(([a, m]) => (m.length > 0 ? `${String(m.length)} of ${a.mount}` : `${a.mount}, ${formatBytes(a.contentBytes)}`)).join('; ')}`);
    return lost.length > 0 ? EXIT.exceptions : EXIT.ok;
  } finally {
    await set.close();
  }
}
