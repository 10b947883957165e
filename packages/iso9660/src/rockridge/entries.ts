import { both32 } from '../bytes.js';
import { writeRecordDate } from '../dates.js';
import { encodeName, MAYBE_RAW } from '../names/bytes.js';
import type { DirNode, IsoNode } from '../tree.js';
import { symlinkAreas } from './symlink.js';

const TYPE_BITS = { dir: 0o040000, file: 0o100000, symlink: 0o120000, char: 0o020000, block: 0o060000, fifo: 0o010000, socket: 0o140000 } as const;
/** ER: declares RRIP 1.12 (IEEE P1282). */
const ER_ID = 'IEEE_1282';
const ER_TEXT = 'THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS';

/** Bytes of PX with serial number and of TF with three short dates. */
export const PX_BYTES = 44;
export const TF_BYTES = 26;
/** Bytes of a CE entry. */
export const CE_BYTES = 28;
/** Most bytes of a name in one NM entry. */
const NM_ROOM = 250;

/** Which record a system use area belongs to. */
export type UseKind = 'root' | 'self' | 'parent' | 'child';

/** Links of relocated directories: sectors of a moved child (CL), or of the true parent (PL); RE marks what was moved. */
export interface Relocation { readonly cl?: number; readonly pl?: number; readonly re?: boolean }

/** Entries in the making: one scratch buffer, and where each entry ends. */
export class EntryList {
  readonly buffer = Buffer.alloc(12 * 1024);
  /** End offset of each entry. */
  readonly ends: number[] = [];
  bytes = 0;

  clear(): void {
    this.ends.length = 0;
    this.bytes = 0;
  }

  /** Begins an entry of `length` bytes in all (SUSP 1.12 4.1); returns the offset of its payload. */
  begin(signature: string, length: number): number {
    const at = this.bytes;
    const { buffer } = this;
    buffer[at] = signature.charCodeAt(0);
    buffer[at + 1] = signature.charCodeAt(1);
    buffer[at + 2] = length;
    buffer[at + 3] = 1;
    this.bytes = at + length;
    this.ends.push(this.bytes);
    return at + 4;
  }

  /** The entry with the given index. */
  entry(index: number): Buffer {
    return this.buffer.subarray(index === 0 ? 0 : this.ends[index - 1], this.ends[index]);
  }
}

/** Links of a directory: itself, its name, and one ".." in each subdirectory. */
export const directoryLinks = (dir: DirNode): number => dir.children.reduce((n, c) => n + (c.type === 'dir' ? 1 : 0), 2);

function addName(list: EntryList, name: string): void {
  if (name.length <= NM_ROOM / 3 && !MAYBE_RAW.test(name)) { // at most three bytes a unit: one entry
    const bytes = list.buffer.write(name, list.bytes + 5);
    list.buffer[list.begin('NM', 5 + bytes)] = 0;
    return;
  }
  const bytes = encodeName(name);
  for (let at = 0; at < bytes.length; at += NM_ROOM) {
    const piece = bytes.subarray(at, at + NM_ROOM);
    const offset = list.begin('NM', 5 + piece.length);
    list.buffer[offset] = at + NM_ROOM < bytes.length ? 1 : 0;
    piece.copy(list.buffer, offset + 1);
  }
}

function addPx(list: EntryList, node: IsoNode): void {
  const at = list.begin('PX', PX_BYTES);
  const links = node.type === 'dir' ? directoryLinks(node) : node.type === 'file' ? node.content.links : 1;
  both32(list.buffer, at, TYPE_BITS[node.type] | node.mode);
  both32(list.buffer, at + 8, links);
  both32(list.buffer, at + 16, node.uid);
  both32(list.buffer, at + 24, node.gid);
  both32(list.buffer, at + 32, node.serial);
}

/** TF: modify, access and attribute times, short form (RRIP 1.12 4.1.6); all are the modification time, for the others differ from copy to copy. */
function addTf(list: EntryList, node: IsoNode): void {
  const at = list.begin('TF', TF_BYTES);
  list.buffer[at] = 0x0e;
  for (let i = 0; i < 3; i++) writeRecordDate(list.buffer, at + 1 + i * 7, node.seconds);
}

/** Fills `list` with the SUSP and RRIP entries of a record, in their order. */
export function listEntries(list: EntryList, node: IsoNode, kind: UseKind, relocation: Relocation | undefined): void {
  list.clear();
  if (kind === 'root') list.buffer.set([0xbe, 0xef, 0], list.begin('SP', 7));
  // What every reader needs first comes first: it stays in the record when a long name goes to a continuation area.
  addPx(list, node);
  addTf(list, node);
  if (kind === 'child') addName(list, node.name);
  if (kind === 'child' && node.type === 'symlink') {
    const areas = symlinkAreas(node.target);
    areas.forEach((area, i) => {
      const at = list.begin('SL', 5 + area.length);
      list.buffer[at] = i < areas.length - 1 ? 1 : 0;
      area.copy(list.buffer, at + 1);
    });
  }
  if (kind === 'child' && (node.type === 'char' || node.type === 'block')) {
    // PN, RRIP 1.12 4.1.2. A 16-bit device number in low is read alike by the kernel, libisofs and libarchive. Larger ones have
    // no common form: the kernel (rock.c) then takes high for the major and low for the minor number.
    const at = list.begin('PN', 20);
    const small = node.minor <= 0xff && node.major <= 0xfff;
    both32(list.buffer, at, small ? 0 : node.major);
    both32(list.buffer, at + 8, small ? (node.major << 8) | node.minor : node.minor);
  }
  if (relocation?.cl !== undefined) both32(list.buffer, list.begin('CL', 12), relocation.cl);
  if (relocation?.pl !== undefined) both32(list.buffer, list.begin('PL', 12), relocation.pl);
  if (relocation?.re === true) list.begin('RE', 4);
  if (kind === 'root') {
    const at = list.begin('ER', 8 + ER_ID.length + ER_TEXT.length);
    list.buffer.set([ER_ID.length, ER_TEXT.length, 0, 1], at);
    list.buffer.write(ER_ID + ER_TEXT, at + 4, 'latin1');
  }
}
