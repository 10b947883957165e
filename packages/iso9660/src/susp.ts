import { SECTOR } from './bytes.js';
import type { ByteSource } from './reader.js';

/** What Rock Ridge says about a record; fields are missing where their entry is. */
export interface RockRidge {
  name?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  target?: string;
}

const MAX_CONTINUATIONS = 32;

/** Parses the system use area of a record, following continuation areas (SUSP 1.12 5.1) at most 32 times. */
export async function parseSystemUse(source: ByteSource, use: Buffer): Promise<RockRidge> {
  const rr: RockRidge = {};
  const names: Buffer[] = [];
  const link = new LinkBuilder();
  let area: Buffer | undefined = use;
  for (let hops = 0; area !== undefined && hops < MAX_CONTINUATIONS; hops++) {
    let next: { sector: number; offset: number; bytes: number } | undefined;
    for (let at = 0; at + 4 <= area.length; ) {
      const length = area[at + 2] as number;
      if (length < 4 || at + length > area.length) break;
      const body = area.subarray(at, at + length);
      switch (body.toString('latin1', 0, 2)) {
        case 'NM': if (length >= 5) names.push(body.subarray(5)); break;
        case 'PX':
          if (length >= 36) [rr.mode, rr.uid, rr.gid] = [body.readUInt32LE(4), body.readUInt32LE(20), body.readUInt32LE(28)];
          break;
        case 'SL': if (length >= 5) link.add(body.subarray(5)); break;
        case 'CE': if (length >= 28) next = { sector: body.readUInt32LE(4), offset: body.readUInt32LE(12), bytes: body.readUInt32LE(20) }; break;
        case 'ST': at = area.length; break;
      }
      at += length;
    }
    area = next === undefined || next.bytes > SECTOR || next.offset + next.bytes > SECTOR ? undefined : await source.read(next.sector * SECTOR + next.offset, next.bytes);
  }
  if (names.length > 0) rr.name = Buffer.concat(names).toString('utf8');
  const target = link.text();
  if (target !== undefined) rr.target = target;
  return rr;
}

/** Puts the components of SL entries together again (RRIP 1.12 4.1.3.1). */
class LinkBuilder {
  readonly #parts: Buffer[] = [];
  #any = false;
  #joined = true;

  add(components: Buffer): void {
    this.#any = true;
    for (let at = 0; at + 2 <= components.length; ) {
      const flags = components[at] as number;
      const length = components[at + 1] as number;
      const text = flags & 8 ? Buffer.from('/') : flags & 4 ? Buffer.from('..') : flags & 2 ? Buffer.from('.') : components.subarray(at + 2, at + 2 + length);
      if (!this.#joined) this.#parts.push(Buffer.from('/'));
      this.#parts.push(text);
      this.#joined = (flags & 1) !== 0 || (flags & 8) !== 0;
      at += 2 + length;
    }
  }

  text(): string | undefined {
    return this.#any ? Buffer.concat(this.#parts).toString('utf8') : undefined;
  }
}
