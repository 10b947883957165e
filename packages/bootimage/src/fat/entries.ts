import { CdrecError } from '@cdrec/tool';

/** Directory entries that one name takes: the 8.3 entry, before it those of the long name. */
export interface EntryName {
  /** 11 bytes as in the directory. */
  readonly short: Buffer;
  /** Long-name entries in the order in which they are stored; empty when the name is an upper-case 8.3 name. */
  readonly long: readonly Buffer[];
}

const SHORT = /^([A-Z0-9_-]{1,8})(?:\.([A-Z0-9_-]{1,3}))?$/;
const pack = (base: string, extension: string): Buffer => Buffer.from(base.padEnd(8) + extension.padEnd(3), 'latin1');

/** Checksum of a short name, which ties long-name entries to it (Microsoft FAT specification 1.03, "Long Directory Entries"). */
const checksum = (short: Buffer): number => short.reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);

function longEntries(name: string, short: Buffer): Buffer[] {
  const units = Array.from({ length: name.length }, (_, i) => name.charCodeAt(i)); // UTF-16, as FAT wants it
  const count = Math.ceil(units.length / 13);
  const sum = checksum(short);
  const out: Buffer[] = [];
  for (let i = count; i >= 1; i--) {
    const entry = Buffer.alloc(32);
    entry[0] = i | (i === count ? 0x40 : 0);
    entry[11] = 0x0f;
    entry[13] = sum;
    [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].forEach((at, k) => {
      const n = (i - 1) * 13 + k;
      // One NUL ends the name, the rest is filled with 0xFFFF.
      entry.writeUInt16LE(n < units.length ? (units[n] as number) : n === units.length ? 0 : 0xffff, at);
    });
    out.push(entry);
  }
  return out;
}

/**
 * The entries for a name in a directory whose short names so far are `taken` (it is added).
 * @throws CdrecError BOOT_INVALID_NAME
 */
export function entryName(name: string, taken: Set<string>): EntryName {
  const match = SHORT.exec(name);
  if (match !== null) {
    const short = pack(match[1] as string, match[2] ?? '');
    if (!taken.has(short.toString('latin1'))) {
      taken.add(short.toString('latin1'));
      return { short, long: [] };
    }
  }
  // eslint-disable-next-line no-control-regex -- control characters are what FAT forbids
  if (name === '' || name.length > 255 || /["*/:<>?\\|\x00-\x1f]/.test(name) || /[ .]$/.test(name)) throw new CdrecError('BOOT_INVALID_NAME', `"${name}" cannot be a name in a FAT file system`);
  const dot = name.lastIndexOf('.');
  const clean = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_-]/g, '');
  const [base, extension] = dot > 0 ? [clean(name.slice(0, dot)), clean(name.slice(dot + 1)).slice(0, 3)] : [clean(name), ''];
  // A name that is 8.3 but for its case keeps its letters; others get a numeric tail.
  const plain = SHORT.test(name.toUpperCase());
  for (let n = plain ? 0 : 1; n < 1_000_000; n++) {
    const tail = n === 0 ? '' : `~${String(n)}`;
    const short = pack(base.slice(0, 8 - tail.length) + tail, extension);
    if (taken.has(short.toString('latin1'))) continue;
    taken.add(short.toString('latin1'));
    return { short, long: longEntries(name, short) };
  }
  throw new CdrecError('BOOT_INVALID_NAME', `no short name is left for "${name}"`);
}

/** One 32-byte directory entry. `date` in milliseconds since 1970. */
export function dirEntry(name: Buffer, attributes: number, cluster: number, bytes: number, date: number): Buffer {
  const d = new Date(Math.max(date, Date.UTC(1980, 0, 1)));
  const day = ((d.getUTCFullYear() - 1980) << 9) | ((d.getUTCMonth() + 1) << 5) | d.getUTCDate();
  const time = (d.getUTCHours() << 11) | (d.getUTCMinutes() << 5) | (d.getUTCSeconds() >> 1);
  const e = Buffer.alloc(32);
  name.copy(e, 0);
  e[11] = attributes;
  for (const [offset, value] of [[14, time], [16, day], [18, day], [22, time], [24, day]] as const) e.writeUInt16LE(value, offset);
  e.writeUInt16LE(cluster, 26);
  e.writeUInt32LE(bytes, 28);
  return e;
}
