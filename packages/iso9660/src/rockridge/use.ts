import { both32, SECTOR } from '../bytes.js';
import type { IsoNode } from '../tree.js';
import { MAYBE_RAW } from '../names/bytes.js';
import { CE_BYTES, EntryList, listEntries, PX_BYTES, TF_BYTES, type Relocation, type UseKind } from './entries.js';

/**
 * Writes the system use areas of one directory, spilling what does not fit a record into continuation areas, each
 * within one sector (SUSP 1.12 5.1, and the kernel's rock.c demands it). Deterministic: visiting the same records in
 * the same order twice - once to measure, once to write - puts everything in the same places.
 */
export class SystemUse {
  readonly #list: EntryList;
  readonly #base: number;
  /** Rendered continuation sectors; not kept while only measuring. */
  readonly #sectors: Buffer[] | undefined;
  #count = 0;
  #used = SECTOR;

  /** `list`: scratch space that may be shared; `base`: sector where the continuation areas begin, or `undefined` to measure only. */
  constructor(list: EntryList, base?: number) {
    this.#list = list;
    this.#base = base ?? 0;
    this.#sectors = base === undefined ? undefined : [];
  }

  /** Sectors of continuation areas taken so far. */
  get sectors(): number {
    return this.#count;
  }

  /** The continuation areas' bytes. */
  continuation(): readonly Buffer[] {
    return this.#sectors ?? [];
  }

  /** Bytes that `prepare` would put into the record. */
  measure(node: IsoNode, kind: UseKind, relocation: Relocation | undefined, room: number): number {
    if (kind === 'child' && relocation === undefined && node.type !== 'symlink' && node.type !== 'char' && node.type !== 'block') {
      const fast = 5 + Buffer.byteLength(node.name) + PX_BYTES + TF_BYTES;
      if (fast <= room && !MAYBE_RAW.test(node.name)) return fast;
    }
    return this.prepare(node, kind, relocation, room);
  }

  #inline = 0;
  #pointer: Buffer | undefined;

  /** Makes the system use area of a record; returns its bytes, for `copyTo`. `room` is what the record has left. */
  prepare(node: IsoNode, kind: UseKind, relocation: Relocation | undefined, room: number): number {
    const list = this.#list;
    listEntries(list, node, kind, relocation);
    this.#inline = list.bytes;
    this.#pointer = undefined;
    if (list.bytes <= room) return list.bytes;
    let count = 0;
    let bytes = 0;
    while (bytes + list.entry(count).length + CE_BYTES <= room) bytes += list.entry(count++).length;
    this.#inline = bytes;
    this.#pointer = this.#spill(count);
    return bytes + CE_BYTES;
  }

  /** Copies what was prepared last. */
  copyTo(out: Buffer, at: number): void {
    const { buffer } = this.#list;
    // Buffer.copy makes an object for every part of a buffer; for some hundred bytes a loop is faster.
    for (let i = 0; i < this.#inline; i++) out[at + i] = buffer[i] as number;
    this.#pointer?.copy(out, at + this.#inline);
  }

  /** Puts the entries from `from` on into continuation areas; returns the CE entry that points there. */
  #spill(from: number): Buffer {
    const list = this.#list;
    const total = list.bytes - (list.ends[from - 1] ?? 0);
    // What fits one sector is not cut: some readers follow no second CE.
    if (this.#used + Math.min(total, SECTOR) > SECTOR) {
      this.#count++;
      this.#sectors?.push(Buffer.alloc(SECTOR));
      this.#used = 0;
    }
    const index = this.#count - 1;
    const sector = this.#sectors?.[index];
    const start = this.#used;
    let at = start;
    let next = from;
    while (next < list.ends.length) {
      const entry = list.entry(next);
      const last = next === list.ends.length - 1;
      if (at + entry.length + (last ? 0 : CE_BYTES) > SECTOR) break;
      if (sector !== undefined) entry.copy(sector, at);
      at += entry.length;
      next++;
    }
    this.#used = at;
    if (next < list.ends.length) {
      this.#used = SECTOR;
      const further = this.#spill(next);
      if (sector !== undefined) further.copy(sector, at);
      at += CE_BYTES;
    }
    const ce = Buffer.alloc(CE_BYTES);
    ce.write('CE', 'latin1');
    ce[2] = CE_BYTES;
    ce[3] = 1;
    both32(ce, 4, this.#base + index);
    both32(ce, 12, start);
    both32(ce, 20, at - start);
    return ce;
  }
}
