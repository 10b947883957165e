import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IsoError, IsoReader, openByteSource } from '@cdrec/iso9660';
import { pasteStream } from '@cdrec/pastestream';
import { CdrecError, errorCode } from '@cdrec/tool';
import { parseManifest, volumeLabel, type Archive, type Manifest } from './manifest.js';

/** One opened volume (or directory of a path set). */
export interface OpenVolume {
  readonly path: string;
  readonly manifest: Manifest;
  read(file: string): AsyncIterable<Uint8Array>;
  readFile(file: string): Promise<Buffer>;
  close(): Promise<void>;
}

/** Volumes of one set that were found. */
export interface OpenSet {
  readonly setId: string;
  readonly label: string;
  readonly manifest: Manifest;
  readonly volumes: ReadonlyMap<number, OpenVolume>;
  /** Labels of volumes that must exist but were not given; empty when the set is complete. */
  readonly missing: readonly string[];
  /** A set of mkCDrec 1.x: archives whose bytes and digests are not known. */
  readonly legacy?: true;
  /** The stored stream of an archive, verified while it is read. @throws CdrecError SET_INCOMPLETE, PasteStreamError */
  read(archive: Archive): AsyncGenerator<Uint8Array, void, undefined>;
  close(): Promise<void>;
}

/** What lies at the given places. */
export interface OpenedSets {
  readonly sets: readonly OpenSet[];
  /** Places without a volume of any set, with the reason. */
  readonly others: readonly { readonly path: string; readonly reason: string }[];
}

/** Opens one volume. @throws CdrecError NOT_A_VOLUME, SET_INVALID; IsoError; what reading throws */
export async function openVolume(path: string): Promise<OpenVolume> {
  if ((await stat(path)).isDirectory()) {
    const text = await readFile(join(path, 'cdrec/set.json'), 'utf8');
    return {
      path, manifest: parseManifest(text, path),
      read: (file) => createReadStream(join(path, file), { highWaterMark: 128 * 1024 }),
      readFile: (file) => readFile(join(path, file)),
      close: () => Promise.resolve(),
    };
  }
  const source = await openByteSource(path);
  try {
    const iso = await IsoReader.open(source);
    if (!(await iso.has('cdrec/set.json'))) throw new CdrecError('NOT_A_VOLUME', 'an ISO image, but no volume of a recovery set');
    const manifest = parseManifest((await iso.readFile('cdrec/set.json')).toString('utf8'), path);
    return { path, manifest, read: (file) => iso.read(file), readFile: (file) => iso.readFile(file), close: () => iso.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function assemble(setId: string, volumes: Map<number, OpenVolume>): OpenSet {
  const highest = Math.max(...volumes.keys());
  const { manifest } = volumes.get(highest) as OpenVolume;
  const missing: string[] = [];
  for (let n = 1; n <= highest; n++) if (!volumes.has(n)) missing.push(volumeLabel(manifest.label, n));
  if (!manifest.last) missing.push(`${volumeLabel(manifest.label, highest + 1)} (and those after it)`);
  const set: OpenSet = {
    setId, label: manifest.label, manifest, volumes, missing,
    read: (archive) => pasteStream(archive.pieces.map((piece) => ({
      name: `${volumeLabel(manifest.label, piece.volume)}: ${piece.file}`, bytes: piece.bytes, sha256: piece.sha256,
      open: () => {
        const volume = volumes.get(piece.volume);
        if (volume === undefined) throw new CdrecError('SET_INCOMPLETE', `volume ${volumeLabel(manifest.label, piece.volume)} is missing`);
        return volume.read(piece.file);
      },
    })), archive.sha256 === '' ? undefined : archive.sha256), // not known yet on a volume in the middle of it
    close: async () => { for (const v of volumes.values()) await v.close(); },
  };
  return set;
}

/**
 * Opens volumes at the given places (ISO files, block devices, directories of path sets), in any order.
 * Places that hold no volume are reported in `others`, never thrown.
 */
export async function openSets(paths: readonly string[]): Promise<OpenedSets> {
  const found = new Map<string, Map<number, OpenVolume>>();
  const others: { path: string; reason: string }[] = [];
  for (const path of paths) {
    try {
      const volume = await openVolume(path);
      const { setId, volume: number } = volume.manifest;
      const set = found.get(setId) ?? new Map<number, OpenVolume>();
      found.set(setId, set);
      // A path set's rescue ISO says the same volume as its directory: the directory has the archives.
      const before = set.get(number);
      const better = before === undefined || volume.manifest.archives.length > before.manifest.archives.length;
      await (better ? before : volume)?.close();
      if (better) set.set(number, volume);
    } catch (error) {
      others.push({ path, reason: reasonOf(path, error) });
    }
  }
  return { sets: [...found].map(([id, volumes]) => assemble(id, volumes)), others };
}

/** Why a place holds no volume, in words. */
export function reasonOf(path: string, error: unknown): string {
  if (errorCode(error) === 'ENOENT') return existsSync(path) ? 'a directory without cdrec/set.json: no recovery set' : 'no such file';
  if (errorCode(error) === 'ENOMEDIUM') return 'no disc in the drive';
  if (error instanceof IsoError && error.code === 'ISO_NOT_ISO') return 'no ISO image';
  return error instanceof Error ? error.message : String(error);
}
