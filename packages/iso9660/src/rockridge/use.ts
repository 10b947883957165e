import { both32, SECTOR } from '../bytes.js';
import type { IsoNode } from '../tree.js';
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

  /** Bytes that `write` would put into the record. */
  measure(node: IsoNode, kind: UseKind, relocation: Relocation | undefined, room: number): number {
    if (kind === 'child' && relocation === undefined && node.type !== 'symlink' && node.type !== 'char' && node.type !== 'block') {
      const fast = 5 + Buffer.byteLength(node.name) + PX_BYTES + TF_BYTES; // escaped bytes count three here: never too short
      if (fast <= room && !/[\udc80-\udcff]/.test(node.name)) return fast;
    }
    return this.#place(node, kind, relocation, room, undefined, 0);
  }

  /** Writes the system use area at `at` of `out`; returns its bytes. `room` is what the record has left. */
  write(out: Buffer, at: number, node: IsoNode, kind: UseKind, relocation: Relocation | undefined, room: number): number {
    return this.#place(node, kind, relocation, room, out, at);
  }

  #place(node: IsoNode, kind: UseKind, relocation: Relocation | undefined, room: number, out: Buffer | undefined, at: number): number {
    const list = this.#list;
    listEntries(list, node, kind, relocation);
    if (list.bytes <= room) {
      if (out !== undefined) list.buffer.copy(out, at, 0, list.bytes);
      return list.bytes;
    }
    let count = 0;
    let bytes = 0;
    while (bytes + list.entry(count).length + CE_BYTES <= room) bytes += list.entry(count++).length;
    if (out !== undefined) list.buffer.copy(out, at, 0, bytes);
    const pointer = this.#spill(count);
    if (out !== undefined) pointer.copy(out, at + bytes);
    return bytes + CE_BYTES;
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
