import { SECTOR } from '../bytes.js';
import { EMULATIONS, PLATFORMS, type Emulation, type Platform } from '../eltorito/catalog.js';
import type { ByteSource } from './source.js';

/** A boot image that an El Torito catalog names. */
export interface BootImage {
  readonly platform: Platform | 'unknown';
  readonly emulation: Emulation | 'unknown';
  readonly bootable: boolean;
  readonly sector: number;
  /** 512-byte units that the firmware loads; 0 means "to the end" for UEFI. */
  readonly loadSectors: number;
  /** Identification of the section, or of the catalog for the first entry. */
  readonly id: string;
}

/** Entries beyond this many are not read. */
const MAX_LINES = 512;

const keyOf = <T extends string>(table: Readonly<Record<T, number>>, value: number): T | 'unknown' =>
  (Object.keys(table) as T[]).find((k) => table[k] === value) ?? 'unknown';

/** Reads the El Torito catalog at `sector`, tolerantly (`checkImage` judges it). Entries without a section header count too. */
export async function readBootCatalog(source: ByteSource, sector: number): Promise<BootImage[]> {
  const out: BootImage[] = [];
  let platform = 0;
  let id = '';
  for (let i = 0; i < MAX_LINES; i++) {
    const line = await source.read(sector * SECTOR + i * 32, 32);
    if (line.length < 32) break;
    const text = line.toString('latin1', 4, i === 0 ? 28 : 32).replace(/[\0 ]+$/, '');
    const first = line[0] as number;
    if (i === 0) {
      if (first !== 1) break;
      platform = line[1] as number;
      id = text;
    } else if (first === 0x90 || first === 0x91) {
      platform = line[1] as number;
      id = text;
    } else if (first === 0x88 || (first === 0 && line.readUInt32LE(8) !== 0)) {
      out.push({
        platform: keyOf(PLATFORMS, platform), emulation: keyOf(EMULATIONS, (line[1] as number) & 0x0f), bootable: first === 0x88,
        sector: line.readUInt32LE(8), loadSectors: line.readUInt16LE(6), id,
      });
    } else if (first !== 0x44) break;
  }
  return out;
}
