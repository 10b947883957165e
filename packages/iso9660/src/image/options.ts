import { IsoError } from '../errors.js';
import type { BootEntryOptions } from '../eltorito/catalog.js';
import { checkMbrCode, type MbrCode } from '../hybrid/hybrid.js';
import type { TreeKind } from '../directory/hierarchy.js';
import { checkVolumeIds, type VolumeIds } from '../names/ids.js';

/** How the image boots. */
export interface BootOptions {
  /** El Torito entries for files of the image, in catalog order; the first is the default entry. */
  readonly entries?: readonly (BootEntryOptions & { readonly path: string })[];
  /** Manufacturer text of the catalog, at most 24 characters. */
  readonly catalogId?: string;
  /** Boot code for booting the image as a disk by BIOS; the first BIOS entry without emulation is what it starts. */
  readonly mbr?: MbrCode;
  /**
   * FAT image with /EFI/BOOT: it is appended behind the data, as El Torito entry for UEFI and GPT partition at once,
   * without a second copy in the tree.
   */
  readonly esp?: Buffer;
  /** Protective MBR and GPT also without `mbr` and `esp`. They are written anyway when one of these is given. */
  readonly hybrid?: boolean;
}

/** What the image is called, which trees it has and how it boots. */
export interface IsoOptions extends VolumeIds {
  /** Milliseconds since 1970: volume dates, and every entry's default time (SOURCE_DATE_EPOCH x 1000). */
  readonly date: number;
  readonly modificationDate?: number;
  readonly expirationDate?: number;
  readonly effectiveDate?: number;
  /** Times of entries later than `date` become `date` (mkisofs --set_all_file_dates is harsher). */
  readonly clampTimes?: boolean;
  /**
   * Interchange level (ECMA-119 10): 1 has names of 8.3, 2 of 31 characters, both files below 4 GiB; 3 (default) has
   * larger files in several extents; 4 adds the enhanced tree of ISO 9660:1999 with names up to 207 bytes.
   */
  readonly level?: 1 | 2 | 3 | 4;
  /** Default true. */
  readonly rockRidge?: boolean;
  /** Joliet tree with names up to 64 (true, default) or 103 characters (`long`). */
  readonly joliet?: boolean | 'long';
  /** UDF 1.02 bridge: one more tree over the same extents, in which Windows reads files over 4 GiB. Default false. */
  readonly udf?: boolean;
  /** Directories deeper than eight levels: `keep` them (default; every current reader takes it) or `relocate` them (Rock Ridge CL, PL, RE). */
  readonly deepDirectories?: 'keep' | 'relocate';
  /** Sectors of zeros behind the data, for drives that read ahead on discs written track-at-once. Default 150. */
  readonly padSectors?: number;
  readonly boot?: BootOptions;
}

/** Options with their consequences. @throws IsoError ISO_INVALID_INPUT */
export function checkOptions(o: IsoOptions): void {
  checkVolumeIds(o);
  if (!Number.isFinite(o.date)) throw new IsoError('ISO_INVALID_INPUT', 'date must be a number of milliseconds');
  if (o.boot?.mbr !== undefined) checkMbrCode(o.boot.mbr);
  if (o.boot?.esp?.length === 0) throw new IsoError('ISO_INVALID_INPUT', 'the ESP image is empty');
  if (o.deepDirectories === 'relocate' && o.rockRidge === false) throw new IsoError('ISO_INVALID_INPUT', 'relocated directories need Rock Ridge');
  const pad = o.padSectors ?? 150;
  if (!Number.isInteger(pad) || pad < 0) throw new IsoError('ISO_INVALID_INPUT', `padSectors must be a whole number, not ${String(pad)}`);
}

/** The trees that the options ask for, the primary one first. */
export function treeKinds(o: IsoOptions): TreeKind[] {
  const level = o.level === 1 ? 1 : 2;
  const base = { level, jolietUnits: o.joliet === 'long' ? 103 : 64, rockRidge: false, relocate: false } as const;
  const kinds: TreeKind[] = [{ ...base, names: 'iso', rockRidge: o.rockRidge !== false, relocate: o.deepDirectories === 'relocate' }];
  if (o.joliet !== false) kinds.push({ ...base, names: 'joliet' });
  if (o.level === 4) kinds.push({ ...base, names: 'enhanced' });
  return kinds;
}

/** Whether MBR and GPT are written. */
export const isHybrid = (o: IsoOptions): boolean => o.boot !== undefined && (o.boot.hybrid === true || o.boot.mbr !== undefined || o.boot.esp !== undefined);
