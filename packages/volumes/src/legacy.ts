import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { IsoReader, openByteSource } from '@cdrec/iso9660';
import { CdrecError, type Compressor } from '@cdrec/tool';
import type { Archive, Manifest } from './manifest.js';
import type { OpenSet, OpenVolume } from './reader.js';

/**
 * Sets of mkCDrec 1.x: archives `DEVICE.MOUNT.tar.gz` (slashes are underscores); one that goes on in the next volume ends in `_`; one that was too long for
 * ISO 9660 lies in `.part0`, `.part1`... beside an empty file; Checksums.md5 holds digests; a file named like the label marks a volume.
 */
const ARCHIVE = /^([^.]+)\.(_[^/]*?)\.tar\.(gz|bz2|xz|lzo|Z)(_)?$/;
const MARKER = /^CDrec-\d\d\.\d\d\.\d{4}(?:_(\d+))?$/;
const SUFFIXES: Readonly<Record<string, Compressor>> = { gz: 'gzip', Z: 'gzip', bz2: 'bzip2', xz: 'xz' };

/** A volume as it lies on a medium, an ISO file, or in a directory. */
interface Medium {
  readonly path: string;
  readonly number: number;
  readonly label: string;
  /** Paths of all files with their bytes. */
  readonly files: ReadonlyMap<string, number>;
  readonly md5: ReadonlyMap<string, string>;
  read(file: string): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

function markerOf(names: Iterable<string>): { label: string; number: number } | undefined {
  for (const name of names) {
    const match = MARKER.exec(basename(name));
    if (match !== null) return { label: basename(name).replace(/_\d+$/, ''), number: Number(match[1] ?? 1) };
  }
  return undefined;
}

/** Lines of md5sum(1): digest, two characters, a path that may begin with `./`. */
const parseMd5 = (text: string): Map<string, string> => new Map([...text.matchAll(/^([0-9a-f]{32}) [ *](?:\.\/)?(.+)$/gm)].map((m): [string, string] => [m[2] as string, m[1] as string]));

async function openMedium(path: string): Promise<Medium | undefined> {
  const files = new Map<string, number>();
  if (statSync(path).isDirectory()) {
    const walk = (relative: string, depth: number): void => {
      for (const e of readdirSync(join(path, relative), { withFileTypes: true })) {
        const name = join(relative, e.name);
        if (e.isDirectory() && depth < 3) walk(name, depth + 1);
        else if (e.isFile()) files.set(name, statSync(join(path, name)).size);
      }
    };
    walk('', 0);
    const read = (file: string): AsyncIterable<Uint8Array> => createReadStream(join(path, file), { highWaterMark: 1 << 18 });
    return finish(path, files, read, () => Promise.resolve());
  }
  const source = await openByteSource(path);
  try {
    const iso = await IsoReader.open(source);
    for await (const e of iso.walk()) if (e.type === 'file') files.set(e.path, e.size);
    return await finish(path, files, (file) => iso.read(file), () => iso.close());
  } catch {
    await source.close();
    return undefined;
  }
}

async function finish(path: string, files: Map<string, number>, read: Medium['read'], close: Medium['close']): Promise<Medium | undefined> {
  const marker = markerOf(files.keys());
  if (![...files.keys()].some((f) => ARCHIVE.test(basename(f)))) {
    await close();
    return undefined;
  }
  const sums = [...files.keys()].find((f) => basename(f) === 'Checksums.md5');
  const parts: Uint8Array[] = [];
  if (sums !== undefined) for await (const chunk of read(sums)) parts.push(Buffer.from(chunk));
  return { path, number: marker?.number ?? 1, label: marker?.label ?? 'mkCDrec', files, md5: parseMd5(Buffer.concat(parts).toString('latin1')), read, close };
}

/** One file of an archive: the whole, its part on a volume, or one of its pieces. */
interface LegacyPiece { readonly medium: Medium; readonly file: string; readonly bytes: number }

/** Pieces of one archive on one volume, in their order. */
function piecesOn(medium: Medium, file: string): LegacyPiece[] {
  const parts = [...medium.files.keys()].filter((f) => f.startsWith(`${file}.part`) && /\.part\d+$/.test(f)).sort((a, b) => Number(/\d+$/.exec(a)?.[0]) - Number(/\d+$/.exec(b)?.[0]));
  return (parts.length > 0 ? parts : [file]).map((f) => ({ medium, file: f, bytes: medium.files.get(f) ?? 0 }));
}

async function* readPieces(pieces: readonly LegacyPiece[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { medium, file } of pieces) {
    const hash = createHash('md5');
    const expected = medium.md5.get(file);
    for await (const chunk of medium.read(file)) {
      if (expected !== undefined) hash.update(chunk);
      yield chunk;
    }
    if (expected !== undefined && hash.digest('hex') !== expected) throw new CdrecError('SET_DAMAGED', `${medium.path}: ${file} is damaged: its MD5 is not that of Checksums.md5`);
  }
}

/**
 * Opens a set of mkCDrec 1.x, or returns undefined when there is none at the places (ISO files, devices, directories). Archives lack their number of bytes
 * and a digest of the whole (`legacy` is set): what there is, Checksums.md5, is compared while they are read.
 * @throws CdrecError SET_FOREIGN for volumes of several sets; LEGACY_UNSUPPORTED for lzo
 */
export async function openLegacySet(paths: readonly string[]): Promise<OpenSet | undefined> {
  const media = (await Promise.all(paths.map(openMedium))).filter((m) => m !== undefined).sort((a, b) => a.number - b.number);
  const [first] = media;
  if (first === undefined) return undefined;
  const labels = [...new Set(media.map((m) => m.label))];
  if (labels.length > 1) throw new CdrecError('SET_FOREIGN', `volumes of different sets: ${labels.join(', ')}`, { hint: 'name the volumes of one set' });
  const byName = new Map<string, LegacyPiece[]>();
  const open = new Set<string>();
  for (const medium of media) {
    for (const file of [...medium.files.keys()].filter((f) => ARCHIVE.test(basename(f))).sort()) {
      const name = basename(file).replace(/_$/, '');
      byName.set(name, [...(byName.get(name) ?? []), ...piecesOn(medium, file)]);
      if (file.endsWith('_')) open.add(name);
      else open.delete(name);
    }
  }
  const archives = [...byName].map(([name, pieces]): Archive => {
    const [, device = '', mount = '', suffix = ''] = ARCHIVE.exec(name) ?? [];
    const compress = SUFFIXES[suffix];
    if (compress === undefined) throw new CdrecError('LEGACY_UNSUPPORTED', `${name} is compressed by lzop`, { hint: `by hand: lzop -dc ${name} | tar -x -p` });
    // A mount point with an underscore in its name cannot be told from one with a slash.
    return { name, kind: 'tar', compress, mount: mount.replaceAll('_', '/'), device: `/dev/${device}`, fsType: '', fsUuid: '', bytes: pieces.reduce((n, p) => n + p.bytes, 0), contentBytes: 0, sha256: '', exceptions: [], pieces: [] };
  });
  const missing = [...open].map((name) => `the volume on which ${name} goes on`);
  const manifest: Manifest = { format: 1, setId: '00000000-0000-8000-8000-000000000000', label: first.label, created: '', host: '', mode: 'iso', volume: media.length, last: open.size === 0, archives };
  return {
    setId: manifest.setId, label: first.label, manifest, missing, legacy: true,
    volumes: new Map(media.map((m): [number, OpenVolume] => [m.number, { path: m.path, manifest, read: (f) => m.read(f), readFile: async (f) => { const all: Uint8Array[] = []; for await (const c of m.read(f)) all.push(c); return Buffer.concat(all); }, close: () => m.close() }])),
    read: (archive) => readPieces(byName.get(archive.name) ?? []),
    close: async () => { for (const m of media) await m.close(); },
  };
}
