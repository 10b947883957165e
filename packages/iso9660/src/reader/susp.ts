import { SECTOR } from '../bytes.js';
import { parseDescriptorDate, parseRecordDate } from '../dates.js';
import { decodeName } from '../names/bytes.js';
import type { ByteSource } from './source.js';

/** What Rock Ridge says about a record; fields are missing where their entry is. */
export interface RockRidge {
  name?: string;
  mode?: number;
  links?: number;
  uid?: number;
  gid?: number;
  serial?: number;
  mtime?: number;
  target?: string;
  device?: { readonly major: number; readonly minor: number };
  /** Sector of the directory that this placeholder stands for. */
  childLink?: number;
  /** Sector of the true parent, in `..` of a relocated directory. */
  parentLink?: number;
  /** This record lies here only because it was relocated. */
  relocated?: boolean;
  /** zisofs: the data are compressed; bytes after decompression. */
  zisofs?: { readonly algorithm: string; readonly bytes: number };
}

const MAX_CONTINUATIONS = 32;
const MAX_NAME = 4096;
const MAX_TARGET = 64 * 1024;

/** Parses the system use area of a record, following continuation areas (SUSP 1.12 5.1) at most 32 times. */
export async function parseSystemUse(source: ByteSource, use: Buffer): Promise<RockRidge> {
  const rr: RockRidge = {};
  const names: Buffer[] = [];
  let nameBytes = 0;
  const link = new LinkBuilder();
  let area: Buffer | undefined = use;
  for (let hops = 0; area !== undefined && hops <= MAX_CONTINUATIONS; hops++) {
    let next: { sector: number; offset: number; bytes: number } | undefined;
    for (let at = 0; at + 4 <= area.length; ) {
      const length = area[at + 2] as number;
      if (length < 4 || at + length > area.length) break;
      const e = area.subarray(at, at + length);
      switch (e.toString('latin1', 0, 2)) {
        case 'NM':
          if (length >= 5 && ((e[4] ?? 0) & 6) === 0 && (nameBytes += length - 5) <= MAX_NAME) names.push(e.subarray(5));
          break;
        case 'PX':
          if (length >= 36) [rr.mode, rr.links, rr.uid, rr.gid] = [e.readUInt32LE(4), e.readUInt32LE(12), e.readUInt32LE(20), e.readUInt32LE(28)];
          if (length >= 44) rr.serial = e.readUInt32LE(36);
          break;
        case 'PN': if (length >= 20) rr.device = deviceNumbers(e.readUInt32LE(4), e.readUInt32LE(12)); break;
        case 'TF': modificationTime(e, rr); break;
        case 'SL': if (length >= 5) link.add(e.subarray(5)); break;
        case 'CL': if (length >= 12) rr.childLink = e.readUInt32LE(4); break;
        case 'PL': if (length >= 12) rr.parentLink = e.readUInt32LE(4); break;
        case 'RE': rr.relocated = true; break;
        case 'ZF': if (length >= 16) rr.zisofs = { algorithm: e.toString('latin1', 4, 6), bytes: e.readUInt32LE(8) }; break;
        case 'CE': if (length >= 28) next = { sector: e.readUInt32LE(4), offset: e.readUInt32LE(12), bytes: e.readUInt32LE(20) }; break;
        case 'ST': at = area.length; break;
      }
      at += length;
    }
    area = next === undefined || next.bytes > SECTOR || next.offset + next.bytes > SECTOR ? undefined : await source.read(next.sector * SECTOR + next.offset, next.bytes);
  }
  if (names.length > 0) rr.name = decodeName(Buffer.concat(names));
  const target = link.text();
  if (target !== undefined) rr.target = target;
  return rr;
}

/** PN: high and low 32 bits of dev_t; writers put the major number into high, or both into low (RRIP 1.12 4.1.2, kernel rock.c). */
function deviceNumbers(high: number, low: number): { major: number; minor: number } {
  if (high === 0 && (low & ~0xff) !== 0) return { major: (low >>> 8) & 0xfff, minor: (low & 0xff) | ((low >>> 12) & 0xfff00) };
  return { major: high, minor: low };
}

/** TF: the second of the dates that are there, if the modification flag is set (RRIP 1.12 4.1.6). */
function modificationTime(e: Buffer, rr: RockRidge): void {
  const flags = e[4] ?? 0;
  if ((flags & 2) === 0) return;
  const size = (flags & 0x80) === 0 ? 7 : 17;
  const at = 5 + (flags & 1) * size;
  if (e.length < at + size) return;
  const ms = size === 7 ? parseRecordDate(e.subarray(at, at + 7)) : parseDescriptorDate(e.subarray(at, at + 17));
  if (ms != null) rr.mtime = ms;
}

/** Puts the components of SL entries together again (RRIP 1.12 4.1.3.1). */
class LinkBuilder {
  readonly #parts: Buffer[] = [];
  #any = false;
  #joined = true;
  #bytes = 0;

  add(components: Buffer): void {
    this.#any = true;
    for (let at = 0; at + 2 <= components.length && this.#bytes < MAX_TARGET; ) {
      const flags = components[at] as number;
      const length = components[at + 1] as number;
      const text = flags & 8 ? Buffer.from('/') : flags & 4 ? Buffer.from('..') : flags & 2 ? Buffer.from('.') : components.subarray(at + 2, at + 2 + length);
      if (!this.#joined) this.#parts.push(Buffer.from('/'));
      this.#parts.push(text);
      this.#bytes += text.length + 1;
      this.#joined = (flags & 1) !== 0 || (flags & 8) !== 0;
      at += 2 + length;
    }
  }

  text(): string | undefined {
    return this.#any ? decodeName(Buffer.concat(this.#parts)) : undefined;
  }
}
