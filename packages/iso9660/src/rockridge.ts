import { both32, recordDate, SECTOR } from './bytes.js';
import type { DirNode, IsoNode } from './tree.js';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

function entry(signature: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.write(signature, 'latin1');
  head[2] = payload.length + 4;
  head[3] = 1;
  return Buffer.concat([head, payload]);
}

/** PX: mode, links, uid, gid, serial; 44 bytes (RRIP 1.12 4.1.1). */
function px(node: IsoNode): Buffer {
  const type = node.type === 'dir' ? S_IFDIR : node.type === 'file' ? S_IFREG : S_IFLNK;
  const links = node.type === 'dir' ? 2 + [...node.children.values()].filter((c) => c.type === 'dir').length : 1;
  const buf = Buffer.alloc(40);
  [type | node.mode, links, node.uid, node.gid, node.serial].forEach((v, i) => { both32(buf, i * 8, v); });
  return entry('PX', buf);
}

/** TF: modify, access and attribute times, short form (RRIP 1.12 4.1.6). */
function tf(node: IsoNode): Buffer {
  const date = recordDate(node.mtime);
  return entry('TF', Buffer.concat([Buffer.from([0x0e]), date, date, date]));
}

/** NM: the name in pieces of at most 250 bytes (RRIP 1.12 4.1.4). */
function nm(name: string): Buffer[] {
  const bytes = Buffer.from(name);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 250) {
    const last = at + 250 >= bytes.length;
    out.push(entry('NM', Buffer.concat([Buffer.from([last ? 0 : 1]), bytes.subarray(at, at + 250)])));
  }
  return out;
}

/** SL: the link target as components, cut so that no entry exceeds 250 bytes (RRIP 1.12 4.1.3). */
function sl(target: string): Buffer[] {
  const components: Buffer[] = [];
  const parts = target.split('/');
  if (target.startsWith('/')) {
    components.push(Buffer.from([8, 0])); // ROOT
    parts.shift();
  }
  while (parts.length > 0 && parts[parts.length - 1] === '') parts.pop(); // "a/" has no Rock Ridge form
  for (const part of parts) {
    if (part === '.') components.push(Buffer.from([2, 0]));
    else if (part === '..') components.push(Buffer.from([4, 0]));
    else {
      const bytes = Buffer.from(part);
      for (let at = 0; at === 0 || at < bytes.length; at += 240) {
        const slice = bytes.subarray(at, at + 240);
        components.push(Buffer.concat([Buffer.from([at + 240 < bytes.length ? 1 : 0, slice.length]), slice]));
      }
    }
  }
  const out: Buffer[][] = [[]];
  let size = 0;
  for (const component of components) {
    if (size + component.length > 245) {
      out.push([]);
      size = 0;
    }
    (out[out.length - 1] as Buffer[]).push(component);
    size += component.length;
  }
  return out.map((list, i) => entry('SL', Buffer.concat([Buffer.from([i < out.length - 1 ? 1 : 0]), ...list])));
}

/** ER: declares RRIP 1.12 (IEEE P1282 annex). */
function er(): Buffer {
  const id = Buffer.from('IEEE_1282');
  const text = Buffer.from('THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS');
  return entry('ER', Buffer.concat([Buffer.from([id.length, text.length, 0, 1]), id, text]));
}

/** SUSP entries of a record, in order. `kind` tells the root's own "." record, other "." / ".." records, and children. */
export function suspEntries(node: IsoNode, kind: 'root' | 'dot' | 'child'): Buffer[] {
  const out: Buffer[] = [];
  if (kind === 'root') out.push(entry('SP', Buffer.from([0xbe, 0xef, 0])));
  if (kind === 'child') out.push(...nm(node.name));
  out.push(px(node), tf(node));
  if (kind === 'child' && node.type === 'symlink') out.push(...sl(node.target));
  if (kind === 'root') out.push(er());
  return out;
}

const CE_SIZE = 28;

/**
 * The continuation areas of one directory tree. Every area lies within one sector, as the kernel demands
 * (SUSP 1.12 5.1); sector numbers are relative until `relocate` is called.
 */
export class ContinuationArea {
  readonly #sectors: Buffer[] = [];
  readonly #pointers: { buf: Buffer; at: number }[] = [];
  #used = SECTOR;

  /** Sectors taken so far. */
  get sectors(): number {
    return this.#sectors.length;
  }

  /** Puts `entries` into at most `room` bytes of system use area, spilling the rest into this area. Returns the inline bytes. */
  fit(entries: readonly Buffer[], room: number): Buffer {
    const total = entries.reduce((n, e) => n + e.length, 0);
    if (total <= room) return Buffer.concat(entries);
    let inline = 0;
    let count = 0;
    while (inline + (entries[count] as Buffer).length + CE_SIZE <= room) inline += (entries[count++] as Buffer).length;
    const pointer = this.#spill(entries.slice(count));
    const out = Buffer.concat([...entries.slice(0, count), pointer]);
    this.#pointers.push({ buf: out, at: out.length - CE_SIZE });
    return out;
  }

  #spill(entries: readonly Buffer[]): Buffer {
    const total = entries.reduce((n, e) => n + e.length, 0);
    if (this.#used + Math.min(total, 512) > SECTOR) {
      this.#sectors.push(Buffer.alloc(SECTOR));
      this.#used = 0;
    }
    const index = this.#sectors.length - 1;
    const sector = this.#sectors[index] as Buffer;
    const start = this.#used;
    let count = 0;
    let size = 0;
    const room = SECTOR - start;
    while (count < entries.length) {
      const length = (entries[count] as Buffer).length;
      const rest = total - size - length;
      if (size + length + (rest > 0 ? CE_SIZE : 0) > room) break;
      size += length;
      count++;
    }
    let at = start;
    for (const e of entries.slice(0, count)) at += e.copy(sector, at);
    this.#used = at;
    if (count < entries.length) {
      this.#used = SECTOR;
      const pointer = this.#spill(entries.slice(count));
      pointer.copy(sector, at);
      this.#pointers.push({ buf: sector, at });
      size += CE_SIZE;
    }
    const ce = Buffer.alloc(CE_SIZE);
    ce.write('CE', 'latin1');
    ce[2] = CE_SIZE;
    ce[3] = 1;
    both32(ce, 4, index);
    both32(ce, 12, start);
    both32(ce, 20, size);
    return ce;
  }

  /** Makes all pointers absolute for an area that starts at `base`, and returns the area's bytes. Call once. */
  relocate(base: number): Buffer {
    for (const { buf, at } of this.#pointers) both32(buf, at + 4, buf.readUInt32LE(at + 4) + base);
    return Buffer.concat(this.#sectors);
  }
}

/** Root directory with the given attributes: what every tree starts from. */
export function emptyRoot(mtime: number): DirNode {
  return { type: 'dir', name: '', mode: 0o755, uid: 0, gid: 0, mtime, serial: 1, children: new Map() };
}
