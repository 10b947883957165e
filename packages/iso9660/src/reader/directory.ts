import { fromUtf16be, SECTOR } from '../bytes.js';
import { parseRecordDate } from '../dates.js';
import { IsoError } from '../errors.js';
import { decodeName } from '../names/bytes.js';
import { FLAG, isParent, isSelf, parseRecord, recordsIn, type RawRecord } from './record.js';
import type { ByteSource } from './source.js';
import { parseSystemUse, type RockRidge } from './susp.js';

/** Which of an image's trees is read. */
export type Namespace = 'rockridge' | 'joliet' | 'enhanced' | 'iso';

/** An entry as the reader sees it. `size` in bytes, `mtime` in milliseconds since 1970, `mode` without type bits. */
export interface IsoEntry {
  readonly path: string;
  readonly name: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly links: number;
  /** Equal for hard links of one file, when the image says it (Rock Ridge 1.12). */
  readonly serial?: number;
  readonly target?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Bytes that lie in the image, by sector. */
  readonly extents: readonly { readonly sector: number; readonly bytes: number }[];
  /** The data are compressed by zisofs, by this algorithm (`pz`: zlib); `size` counts them decompressed. */
  readonly zisofs?: string;
}

/** Bounds that keep a hostile image from taking the process with it. */
export interface ReaderLimits {
  /** Bytes of one directory. */
  readonly directoryBytes: number;
  /** Entries that `walk` goes through. */
  readonly entries: number;
  /** Levels of directories. */
  readonly depth: number;
}
/** Limits that hold when none are given: far above what real images have. */
export const DEFAULT_LIMITS: ReaderLimits = { directoryBytes: 256 << 20, entries: 5_000_000, depth: 1024 };

const TYPES: Readonly<Record<number, IsoEntry['type']>> = { 0o010000: 'fifo', 0o020000: 'char', 0o040000: 'dir', 0o060000: 'block', 0o100000: 'file', 0o120000: 'symlink', 0o140000: 'socket' };

/** Bytes of a directory. @throws IsoError ISO_LIMIT, ISO_INVALID_IMAGE */
export async function readDirectory(source: ByteSource, path: string, sector: number, bytes: number, limits: ReaderLimits): Promise<Buffer> {
  if (bytes > limits.directoryBytes) throw new IsoError('ISO_LIMIT', `directory "/${path}" claims ${String(bytes)} bytes`);
  if (source.size !== undefined && sector * SECTOR + bytes > source.size) throw new IsoError('ISO_INVALID_IMAGE', `directory "/${path}" lies beyond the end of the image: it is truncated or damaged`);
  const data = await source.read(sector * SECTOR, bytes);
  if (data.length < bytes) throw new IsoError('ISO_INVALID_IMAGE', `the image ends inside directory "/${path}"`);
  return data;
}

/** SUSP's SP entry in the root's own record: bytes to skip in every system use area, `undefined` without SP (SUSP 1.12 5.3). */
export function suspSkip(self: RawRecord | undefined): number | undefined {
  // CD-ROM XA keeps 14 bytes of its own in front.
  for (const at of [0, 14]) {
    const use = self?.use.subarray(at);
    if (use !== undefined && use.length >= 7 && use.toString('latin1', 0, 2) === 'SP' && use[4] === 0xbe && use[5] === 0xef) return use[6];
  }
  return undefined;
}

function nameOf(id: Buffer, namespace: Namespace): string {
  if (namespace === 'joliet') return fromUtf16be(id).replace(/;\d+$/, '');
  if (namespace === 'enhanced') return decodeName(id);
  return decodeName(id).replace(/;\d+$/, '').replace(/\.$/, '');
}

/**
 * Entries of a directory, in their order. Sections of one file become one entry; relocated directories appear where they belong.
 * @throws IsoError ISO_INVALID_IMAGE for malformed records and names that no file can have.
 */
export async function listDirectory(source: ByteSource, path: string, data: Buffer, namespace: Namespace, skip: number): Promise<IsoEntry[]> {
  const out: IsoEntry[] = [];
  let pending: RawRecord[] = [];
  for (const r of recordsIn(data)) {
    if (typeof r === 'number') throw new IsoError('ISO_INVALID_IMAGE', `malformed record at byte ${String(r)} of directory "/${path}"`);
    if (isSelf(r) || isParent(r) || (r.flags & FLAG.associated) !== 0) continue;
    pending.push(r);
    if ((r.flags & FLAG.multiExtent) !== 0) continue;
    const entry = await toEntry(source, path, pending, namespace, skip);
    if (entry !== undefined) out.push(entry);
    pending = [];
  }
  if (pending.length > 0) throw new IsoError('ISO_INVALID_IMAGE', `the last file of directory "/${path}" lacks its last section`);
  return out;
}

async function toEntry(source: ByteSource, parent: string, sections: readonly RawRecord[], namespace: Namespace, skip: number): Promise<IsoEntry | undefined> {
  const first = sections[0] as RawRecord;
  const rr: RockRidge = namespace === 'rockridge' ? await parseSystemUse(source, first.use.subarray(skip)) : {};
  if (rr.relocated === true) return undefined;
  const name = rr.name ?? nameOf(first.id, namespace);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) throw new IsoError('ISO_INVALID_IMAGE', `bad name ${JSON.stringify(name)} in directory "/${parent}"`);
  const path = parent === '' ? name : `${parent}/${name}`;
  let extents = sections.map((s) => ({ sector: s.sector, bytes: s.size }));
  const isDir = (first.flags & FLAG.directory) !== 0 || rr.childLink !== undefined;
  if (rr.childLink !== undefined) {
    const head = await source.read(rr.childLink * SECTOR, SECTOR);
    const self = head.length === SECTOR && head[0] !== 0 ? parseRecord(head, 0) : undefined;
    if (self === undefined || !isSelf(self)) throw new IsoError('ISO_INVALID_IMAGE', `"/${path}" was relocated to sector ${String(rr.childLink)}, where no directory lies`);
    extents = [{ sector: rr.childLink, bytes: self.size }];
  }
  const stored = TYPES[(rr.mode ?? 0) & 0o170000];
  const type = isDir ? 'dir' : stored === undefined || stored === 'dir' ? (rr.target === undefined ? 'file' : 'symlink') : stored;
  const zisofs = type === 'file' ? rr.zisofs : undefined;
  return {
    path, name, type, extents: type === 'file' || type === 'dir' ? extents : [],
    size: type === 'file' ? (zisofs?.bytes ?? extents.reduce((n, e) => n + e.bytes, 0)) : 0,
    mode: rr.mode !== undefined ? rr.mode & 0o7777 : isDir ? 0o555 : 0o444,
    uid: rr.uid ?? 0, gid: rr.gid ?? 0, links: rr.links ?? 1,
    mtime: rr.mtime ?? parseRecordDate(first.bytes.subarray(18, 25)) ?? 0,
    ...(rr.serial === undefined ? {} : { serial: rr.serial }),
    ...(type === 'symlink' && rr.target !== undefined ? { target: rr.target } : {}),
    ...((type === 'char' || type === 'block') && rr.device !== undefined ? { device: rr.device } : {}),
    ...(zisofs === undefined ? {} : { zisofs: zisofs.algorithm }),
  };
}
