import { open } from 'node:fs/promises';
import { fromUtf16be, parseRecordDate, SECTOR } from './bytes.js';
import { IsoError } from './errors.js';
import { parseSystemUse, type RockRidge } from './susp.js';

/** Where an image's bytes come from: a file, a device, a network block store. `read` may return fewer bytes at the end. */
export interface ByteSource {
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** An entry as the reader sees it. `size` in bytes, `mtime` in milliseconds since 1970. */
export interface IsoEntry {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly target?: string;
  readonly extents: readonly { readonly sector: number; readonly bytes: number }[];
}

/** Bounds that keep a hostile image from taking the process with it. */
export const LIMITS = { directoryBytes: 64 << 20, entries: 1_000_000, depth: 64 } as const;

/** Opens a regular file or a block device as a byte source. */
export async function openByteSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r');
  return {
    read: async (offset, length) => {
      const buf = Buffer.alloc(length);
      let got = 0;
      while (got < length) {
        const { bytesRead } = await handle.read(buf, got, length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return buf.subarray(0, got);
    },
    close: () => handle.close(),
  };
}

/** Reads ISO 9660 images: Rock Ridge names if present, else Joliet, else plain ISO names. */
export class IsoReader {
  readonly volumeId: string;
  /** Size of the volume in bytes, as the descriptor says. */
  readonly bytes: number;
  readonly namespace: 'rockridge' | 'joliet' | 'iso';
  readonly #source: ByteSource;
  readonly #entries: Map<string, IsoEntry>;

  private constructor(source: ByteSource, volumeId: string, bytes: number, namespace: IsoReader['namespace'], entries: Map<string, IsoEntry>) {
    this.#source = source;
    this.volumeId = volumeId;
    this.bytes = bytes;
    this.namespace = namespace;
    this.#entries = entries;
  }

  /**
   * Reads descriptors and the directory tree.
   * @throws IsoError ISO_NOT_ISO when there is no volume descriptor, ISO_INVALID_IMAGE or ISO_LIMIT when the tree is bad.
   */
  static async open(source: ByteSource): Promise<IsoReader> {
    let primary: Buffer | undefined;
    let joliet: Buffer | undefined;
    for (let sector = 16; sector < 80; sector++) {
      const d = await source.read(sector * SECTOR, SECTOR);
      if (d.length < SECTOR || d.toString('latin1', 1, 6) !== 'CD001' || d[0] === 255) break;
      if (d[0] === 1) primary ??= d;
      if (d[0] === 2 && ['%/@', '%/C', '%/E'].includes(d.toString('latin1', 88, 91))) joliet ??= d;
    }
    if (primary === undefined) throw new IsoError('ISO_NOT_ISO', 'no ISO 9660 volume descriptor at sector 16');
    if (primary.readUInt16LE(128) !== SECTOR) throw new IsoError('ISO_INVALID_IMAGE', 'logical block size is not 2048');
    const volumeId = primary.toString('latin1', 40, 72).trimEnd();
    const bytes = primary.readUInt32LE(80) * SECTOR;
    const walk = (d: Buffer, mode: 'iso' | 'joliet'): Promise<{ entries: Map<string, IsoEntry>; rockRidge: boolean }> => readTree(source, d, mode, bytes);
    const plain = await walk(primary, 'iso');
    if (plain.rockRidge) return new IsoReader(source, volumeId, bytes, 'rockridge', plain.entries);
    if (joliet === undefined) return new IsoReader(source, volumeId, bytes, 'iso', plain.entries);
    return new IsoReader(source, volumeId, bytes, 'joliet', (await walk(joliet, 'joliet')).entries);
  }

  /** All entries, in directory order. */
  entries(): IsoEntry[] {
    return [...this.#entries.values()];
  }

  /** @throws IsoError ISO_NOT_FOUND */
  stat(path: string): IsoEntry {
    const found = this.#entries.get(path.replace(/^\/+/, ''));
    if (found === undefined) throw new IsoError('ISO_NOT_FOUND', `"${path}" is not in volume ${this.volumeId}`);
    return found;
  }

  /** True when `path` exists. */
  has(path: string): boolean {
    return this.#entries.has(path.replace(/^\/+/, ''));
  }

  /** Streams a file's bytes in chunks of at most 128 KiB. @throws IsoError ISO_INVALID_IMAGE when the image ends too early. */
  async *read(path: string): AsyncGenerator<Buffer, void, undefined> {
    const entry = this.stat(path);
    if (entry.type !== 'file') throw new IsoError('ISO_INVALID_INPUT', `"${path}" is not a file`);
    for (const extent of entry.extents) {
      for (let at = 0; at < extent.bytes; ) {
        const length = Math.min(128 * 1024, extent.bytes - at);
        const chunk = await this.#source.read(extent.sector * SECTOR + at, length);
        if (chunk.length < length) throw new IsoError('ISO_INVALID_IMAGE', `volume ${this.volumeId} ends inside "${path}": the image is truncated`);
        yield chunk;
        at += length;
      }
    }
  }

  /** Reads a whole small file. @throws IsoError ISO_LIMIT above `limit` bytes (default 64 MiB). */
  async readFile(path: string, limit = 64 << 20): Promise<Buffer> {
    if (this.stat(path).size > limit) throw new IsoError('ISO_LIMIT', `"${path}" has more than ${String(limit)} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(path)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Closes the source. */
  close(): Promise<void> {
    return this.#source.close();
  }
}

interface RawRecord {
  readonly name: string;
  readonly flags: number;
  readonly sector: number;
  readonly bytes: number;
  readonly mtime: number;
  readonly rr: RockRidge;
}

async function readTree(source: ByteSource, descriptor: Buffer, mode: 'iso' | 'joliet', volumeBytes: number): Promise<{ entries: Map<string, IsoEntry>; rockRidge: boolean }> {
  const entries = new Map<string, IsoEntry>();
  const seen = new Set<number>();
  let rockRidge = false;
  const queue: { path: string; sector: number; bytes: number; depth: number }[] = [
    { path: '', sector: descriptor.readUInt32LE(158), bytes: descriptor.readUInt32LE(166), depth: 0 },
  ];
  for (let dir = queue.shift(); dir !== undefined; dir = queue.shift()) {
    if (dir.depth > LIMITS.depth || dir.bytes > LIMITS.directoryBytes) throw new IsoError('ISO_LIMIT', `directory "${dir.path}" is too deep or too large`);
    if (seen.has(dir.sector)) throw new IsoError('ISO_INVALID_IMAGE', `directory "${dir.path}" is part of a cycle`);
    seen.add(dir.sector);
    if (dir.sector * SECTOR + dir.bytes > volumeBytes) throw new IsoError('ISO_INVALID_IMAGE', `directory "${dir.path}" lies beyond the end of the volume`);
    const data = await source.read(dir.sector * SECTOR, dir.bytes);
    if (data.length < dir.bytes) throw new IsoError('ISO_INVALID_IMAGE', `the image ends inside directory "${dir.path}"`);
    const records = await parseRecords(source, data, mode);
    if (dir.path === '' && records.hasSp) rockRidge = true;
    for (let i = 0; i < records.list.length; i++) {
      const first = records.list[i] as RawRecord;
      const extents = [{ sector: first.sector, bytes: first.bytes }];
      for (let r = first; (r.flags & 0x80) !== 0 && i + 1 < records.list.length; ) {
        r = records.list[++i] as RawRecord;
        extents.push({ sector: r.sector, bytes: r.bytes });
      }
      const name = rockRidge ? (first.rr.name ?? first.name) : first.name;
      if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) throw new IsoError('ISO_INVALID_IMAGE', `bad name "${name}" in directory "${dir.path}"`);
      const path = dir.path === '' ? name : `${dir.path}/${name}`;
      const isDir = (first.flags & 2) !== 0;
      const target = rockRidge ? first.rr.target : undefined;
      const type = isDir ? 'dir' : target !== undefined ? 'symlink' : 'file';
      entries.set(path, {
        path, type, size: type === 'file' ? extents.reduce((n, e) => n + e.bytes, 0) : 0, mtime: first.mtime, extents,
        mode: rockRidge && first.rr.mode !== undefined ? first.rr.mode & 0o7777 : isDir ? 0o555 : 0o444,
        uid: first.rr.uid ?? 0, gid: first.rr.gid ?? 0,
        ...(target === undefined ? {} : { target }),
      });
      if (entries.size > LIMITS.entries) throw new IsoError('ISO_LIMIT', `more than ${String(LIMITS.entries)} entries`);
      if (isDir) queue.push({ path, sector: first.sector, bytes: first.bytes, depth: dir.depth + 1 });
    }
  }
  return { entries, rockRidge };
}

async function parseRecords(source: ByteSource, data: Buffer, mode: 'iso' | 'joliet'): Promise<{ list: RawRecord[]; hasSp: boolean }> {
  const list: RawRecord[] = [];
  let hasSp = false;
  for (let at = 0; at < data.length; ) {
    const length = data[at] as number;
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const rec = data.subarray(at, at + length);
    const idLength = rec[32] ?? 0;
    if (length < 34 || rec.length < length || 33 + idLength > length) throw new IsoError('ISO_INVALID_IMAGE', 'malformed directory record');
    const id = rec.subarray(33, 33 + idLength);
    const useStart = 33 + idLength + ((33 + idLength) & 1);
    const use = rec.subarray(useStart);
    const special = idLength === 1 && (id[0] === 0 || id[0] === 1);
    if (special) {
      if (id[0] === 0 && use.length >= 7 && use.toString('latin1', 0, 2) === 'SP' && use[4] === 0xbe && use[5] === 0xef) hasSp = true;
    } else {
      const raw = mode === 'joliet' ? fromUtf16be(id) : id.toString('latin1');
      const bare = raw.replace(/;\d+$/, '');
      list.push({
        name: mode === 'iso' ? bare.replace(/\.$/, '') : bare,
        flags: rec[25] as number, sector: rec.readUInt32LE(2), bytes: rec.readUInt32LE(10), mtime: parseRecordDate(rec.subarray(18, 25)),
        rr: mode === 'iso' ? await parseSystemUse(source, use) : {},
      });
    }
    at += length;
  }
  return { list, hasSp };
}
