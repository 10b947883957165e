import { closeSync, openSync, readSync } from 'node:fs';

/** What the dynamic loader is told by an ELF file. */
export interface Dynamic {
  /** Class and machine, `64:62` (x86-64): a library serves programs of its own kind only. */
  readonly kind: string;
  /** The loader (PT_INTERP); libraries have none. */
  readonly interpreter: string | undefined;
  /** Names of the libraries it needs itself (DT_NEEDED), sorted. */
  readonly needed: readonly string[];
  /** It changes where, or whether, libraries are looked for: RPATH, RUNPATH, filters, auditors, no default places. */
  readonly ownSearch: boolean;
}

// System V ABI, "Program Header" and "Dynamic Section"; the GNU tags from glibc's elf.h.
const PT = { load: 1, dynamic: 2, interp: 3 } as const;
const DT = { needed: 1, strtab: 5, rpath: 15, runpath: 29, flags1: 0x6ffffffb, depaudit: 0x6ffffefb, audit: 0x6ffffefc, auxiliary: 0x7ffffffd, filter: 0x7fffffff } as const;
const SEARCH = new Set<number>([DT.rpath, DT.runpath, DT.depaudit, DT.audit, DT.auxiliary, DT.filter]);
const NODEFLIB = 0x800;
/** More than any table of a real file; a damaged one must not ask for gigabytes. */
const TABLE_LIMIT = 1 << 20;

/**
 * Reads what a program or library says to the dynamic loader. `undefined` for what is no ELF file, has no dynamic section (a
 * static program), or cannot be understood.
 * Source: System V ABI, chapters 4 and 5 (ELF header, program header, dynamic section).
 * @throws Error of the file system
 */
export function readDynamic(path: string): Dynamic | undefined {
  const fd = openSync(path, 'r');
  try {
    const at = (offset: number, length: number): Buffer => {
      if (!(length >= 0 && length <= TABLE_LIMIT && Number.isSafeInteger(offset))) throw new RangeError('outside of any table');
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    };
    const head = at(0, 64);
    if (head.length < 52 || head.toString('latin1', 0, 4) !== '\x7fELF') return undefined;
    return parse(head, at);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** @throws RangeError where a table reaches past what is there */
function parse(head: Buffer, at: (offset: number, length: number) => Buffer): Dynamic | undefined {
  const wide = head[4] === 2;
  const little = head[5] === 1;
  const u16 = (b: Buffer, o: number): number => (little ? b.readUInt16LE(o) : b.readUInt16BE(o));
  const u32 = (b: Buffer, o: number): number => (little ? b.readUInt32LE(o) : b.readUInt32BE(o));
  const word = (b: Buffer, o: number): number => (!wide ? u32(b, o) : Number(little ? b.readBigUInt64LE(o) : b.readBigUInt64BE(o)));
  const size = u16(head, wide ? 54 : 42);
  const table = at(word(head, wide ? 32 : 28), size * u16(head, wide ? 56 : 44));
  const segments: { type: number; offset: number; address: number; length: number }[] = [];
  for (let o = 0; o + size <= table.length && size > 0; o += size) {
    segments.push({ type: u32(table, o), offset: word(table, o + (wide ? 8 : 4)), address: word(table, o + (wide ? 16 : 8)), length: word(table, o + (wide ? 32 : 16)) });
  }
  const dynamic = segments.find((s) => s.type === PT.dynamic);
  if (dynamic === undefined) return undefined;
  const entries: { tag: number; value: number }[] = [];
  const bytes = at(dynamic.offset, dynamic.length);
  for (let o = 0, step = wide ? 16 : 8; o + step <= bytes.length; o += step) {
    const tag = word(bytes, o);
    if (tag === 0) break;
    entries.push({ tag, value: word(bytes, o + step / 2) });
  }
  const names = entries.find((e) => e.tag === DT.strtab)?.value;
  if (names === undefined) return undefined;
  // The dynamic section speaks in addresses; the loaded segment that holds one says where it is in the file.
  const string = (address: number): string => {
    const segment = segments.find((s) => s.type === PT.load && address >= s.address && address < s.address + s.length);
    if (segment === undefined) throw new RangeError('an address that is not in the file');
    const text = at(segment.offset + address - segment.address, 4096);
    const end = text.indexOf(0);
    if (end < 0) throw new RangeError('a name without an end');
    return text.toString('latin1', 0, end);
  };
  const interp = segments.find((s) => s.type === PT.interp);
  return {
    kind: `${wide ? '64' : '32'}:${String(u16(head, 18))}`,
    interpreter: interp === undefined ? undefined : at(interp.offset, interp.length).toString('latin1').replace(/\0.*$/s, ''),
    needed: entries.filter((e) => e.tag === DT.needed).map((e) => string(names + e.value)).sort(),
    ownSearch: entries.some((e) => SEARCH.has(e.tag) || (e.tag === DT.flags1 && (e.value & NODEFLIB) !== 0)),
  };
}
