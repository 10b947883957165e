import { fromUtf16be, SECTOR } from '../bytes.js';
import { parseDescriptorDate } from '../dates.js';
import { IsoError } from '../errors.js';
import type { ByteSource } from './source.js';

/** What the primary volume descriptor says. `bytes` is the volume's size; dates in milliseconds since 1970. */
export interface VolumeInfo {
  readonly volumeId: string;
  /** The Joliet tree's own, of at most 16 characters. */
  readonly jolietVolumeId?: string;
  readonly systemId: string;
  readonly volumeSetId: string;
  readonly publisher: string;
  readonly preparer: string;
  readonly application: string;
  readonly bytes: number;
  readonly created?: number;
  readonly modified?: number;
  /** Sector of the El Torito boot catalog. */
  readonly bootCatalog?: number;
}

/** Descriptors of a session, raw. */
export interface Descriptors {
  readonly primary: Buffer;
  readonly joliet: Buffer | undefined;
  readonly enhanced: Buffer | undefined;
  readonly info: VolumeInfo;
}

/** Escape sequences that mark a Joliet tree: UCS-2 levels 1, 2, 3. */
export const JOLIET_ESCAPES: readonly string[] = ['%/@', '%/C', '%/E'];
/** Descriptors beyond this many are not read: a set has fewer than ten. */
const MAX_DESCRIPTORS = 64;

/**
 * Reads the volume descriptor set of the session that starts at `session` (sector).
 * @throws IsoError ISO_NOT_ISO, ISO_INVALID_IMAGE
 */
export async function readDescriptors(source: ByteSource, session: number): Promise<Descriptors> {
  let primary: Buffer | undefined;
  let joliet: Buffer | undefined;
  let enhanced: Buffer | undefined;
  let boot: number | undefined;
  for (let i = 0; i < MAX_DESCRIPTORS; i++) {
    const d = await source.read((session + 16 + i) * SECTOR, SECTOR);
    if (d.length < SECTOR || d.toString('latin1', 1, 6) !== 'CD001' || d[0] === 255) break;
    if (d[0] === 0 && d.toString('latin1', 7, 30) === 'EL TORITO SPECIFICATION') boot ??= d.readUInt32LE(71);
    if (d[0] === 1) primary ??= d;
    if (d[0] === 2 && d[6] === 1 && JOLIET_ESCAPES.includes(d.toString('latin1', 88, 91))) joliet ??= d;
    if (d[0] === 2 && d[6] === 2) enhanced ??= d;
  }
  if (primary === undefined) throw new IsoError('ISO_NOT_ISO', `no ISO 9660 volume descriptor at sector ${String(session + 16)}`);
  if (primary.readUInt16LE(128) !== SECTOR) throw new IsoError('ISO_INVALID_IMAGE', `logical block size is ${String(primary.readUInt16LE(128))}, not 2048`);
  const text = (at: number, bytes: number): string => (primary).toString('latin1', at, at + bytes).replace(/[\0 ]+$/, '');
  const created = parseDescriptorDate(primary.subarray(813, 830));
  const modified = parseDescriptorDate(primary.subarray(830, 847));
  return {
    primary, joliet, enhanced,
    info: {
      volumeId: text(40, 32), systemId: text(8, 32), volumeSetId: text(190, 128), publisher: text(318, 128), preparer: text(446, 128), application: text(574, 128),
      bytes: primary.readUInt32LE(80) * SECTOR,
      ...(joliet === undefined ? {} : { jolietVolumeId: fromUtf16be(joliet.subarray(40, 72)).replace(/[\0 ]+$/, '') }),
      ...(created == null ? {} : { created }), ...(modified == null ? {} : { modified }), ...(boot === undefined ? {} : { bootCatalog: boot }),
    },
  };
}

/** A session of a multi-session medium. `start` in sectors: give it to `IsoReader.open` to see the tree as it was then. */
export interface IsoSession { readonly start: number; readonly volumeId: string; readonly bytes: number }

/**
 * Finds the sessions of an image: those that begin at multiples of 32 sectors, as every burner and xorriso place them.
 * The one at sector 0 is the newest on media that can be overwritten. Reads one sector in 32.
 */
export async function listSessions(source: ByteSource, limitBytes = source.size ?? Number.MAX_SAFE_INTEGER): Promise<IsoSession[]> {
  const out: IsoSession[] = [];
  for (let start = 0; start * SECTOR < limitBytes; start += 32) {
    const d = await source.read((start + 16) * SECTOR, SECTOR);
    if (d.length < SECTOR) break;
    if (d[0] !== 1 || d.toString('latin1', 1, 6) !== 'CD001') continue;
    const root = d.readUInt32LE(158);
    if (root < start || d.readUInt32BE(162) !== root) continue; // the PVD of an image that lies in a file of this one
    out.push({ start, volumeId: d.toString('latin1', 40, 72).trimEnd(), bytes: d.readUInt32LE(80) * SECTOR });
  }
  return out;
}
