import { roundUp, SECTOR } from '../bytes.js';
import { IsoError } from '../errors.js';

/** Boot media types (El Torito 1.0, figure 3). */
export const EMULATIONS = { none: 0, 'floppy-1.2': 1, 'floppy-1.44': 2, 'floppy-2.88': 3, 'hard-disk': 4 } as const;
/** Exact sizes of emulated floppies, in bytes. */
const FLOPPY_BYTES = { 'floppy-1.2': 1_228_800, 'floppy-1.44': 1_474_560, 'floppy-2.88': 2_949_120 } as const;
/** Platform ids (El Torito 1.0 2.1; UEFI 2.11 13.3.2). */
export const PLATFORMS = { bios: 0, powerpc: 1, mac: 2, efi: 0xef } as const;
/** Names of the boot media types. */
export type Emulation = keyof typeof EMULATIONS;
/** Names of the platforms. */
export type Platform = keyof typeof PLATFORMS;

/** How one boot image is entered into the catalog. */
export interface BootEntryOptions {
  readonly platform?: Platform;
  readonly emulation?: Emulation;
  /** false marks the entry as not bootable (0x00 instead of 0x88). */
  readonly bootable?: boolean;
  /** Real-mode segment to load to; 0 is the default 0x7C0. */
  readonly loadSegment?: number;
  /** 512-byte units that the firmware loads. Default: 4 for BIOS without emulation, 1 with it, the whole image for UEFI (0 above 65,535: "to the end"). */
  readonly loadSectors?: number;
  /** Identification of the section this entry is in (at most 28 characters). Entries in a row with equal platform and section share a section header. */
  readonly section?: string;
  /** Patch in mkisofs' boot information table (`-boot-info-table`: ISOLINUX, GRUB). */
  readonly infoTable?: boolean;
  /** Patch in GRUB's pointer to itself (`--grub2-boot-info`: eltorito.img). */
  readonly grub2Info?: boolean;
}

/** A placed boot image. */
export interface PlacedBootEntry extends BootEntryOptions {
  readonly sector: number;
  readonly bytes: number;
  /** Partition type for hard-disk emulation, from the image's partition table. */
  readonly systemType: number;
}

/** @throws IsoError ISO_INVALID_INPUT when an image cannot be emulated as asked. `head` has its first 512 bytes or more. */
export function checkBootImage(path: string, bytes: number, head: Buffer, o: BootEntryOptions): { systemType: number } {
  const emulation = o.emulation ?? 'none';
  const fail = (text: string): never => { throw new IsoError('ISO_INVALID_INPUT', `boot image "${path}": ${text}`); };
  if (bytes === 0) fail('it is empty');
  if (emulation === 'none' || emulation === 'hard-disk') {
    if (emulation === 'none') return { systemType: 0 };
    if (bytes < 512 || head.readUInt16LE(510) !== 0xaa55) fail('hard-disk emulation wants a disk image with an MBR');
    // El Torito 1.0 2.2: exactly one partition, and the catalog repeats its type.
    const used = [0, 1, 2, 3].map((i) => head[446 + i * 16 + 4] as number).filter((t) => t !== 0);
    if (used.length !== 1) fail(`hard-disk emulation wants exactly one partition; the MBR has ${String(used.length)}`);
    return { systemType: used[0] as number };
  }
  if (bytes !== FLOPPY_BYTES[emulation]) fail(`an emulated ${emulation.slice(7)} MB floppy has exactly ${String(FLOPPY_BYTES[emulation])} bytes, this one has ${String(bytes)}`);
  return { systemType: 0 };
}

function bootLine(e: PlacedBootEntry): Buffer {
  const emulation = e.emulation ?? 'none';
  const platform = e.platform ?? 'bios';
  const buf = Buffer.alloc(32);
  buf[0] = e.bootable === false ? 0 : 0x88;
  buf[1] = EMULATIONS[emulation];
  buf.writeUInt16LE(e.loadSegment ?? 0, 2);
  buf[4] = e.systemType;
  const load = e.loadSectors ?? (emulation !== 'none' ? 1 : platform === 'efi' ? Math.ceil(e.bytes / 512) : 4);
  buf.writeUInt16LE(load > 0xffff ? 0 : load, 6); // UEFI 2.11 13.3.2.1: 0 is "to the end"
  buf.writeUInt32LE(e.sector, 8);
  return buf;
}

/** Sections behind the default entry: consecutive entries with the same platform and section text. */
function sections<T extends BootEntryOptions>(entries: readonly T[]): T[][] {
  const out: T[][] = [];
  for (const e of entries) {
    const before = out.at(-1)?.[0];
    if (before !== undefined && e.section !== undefined && before.section === e.section && (before.platform ?? 'bios') === (e.platform ?? 'bios')) (out.at(-1) as T[]).push(e);
    else out.push([e]);
  }
  return out;
}

/** Bytes of the catalog for these entries, a multiple of the sector. */
export function catalogBytes(entries: readonly BootEntryOptions[]): number {
  const rest = entries.slice(1);
  return roundUp(32 * (2 + rest.length + sections(rest).length), SECTOR);
}

/** Boot catalog: validation entry, default entry, then the sections (El Torito 1.0, 2.0-2.4). `id`: manufacturer, at most 24 characters. */
export function bootCatalog(entries: readonly PlacedBootEntry[], id: string): Buffer {
  const [first, ...rest] = entries as [PlacedBootEntry, ...PlacedBootEntry[]];
  const validation = Buffer.alloc(32);
  validation[0] = 1;
  validation[1] = PLATFORMS[first.platform ?? 'bios'];
  validation.write(id.slice(0, 24), 4, 'latin1');
  validation[30] = 0x55;
  validation[31] = 0xaa;
  let sum = 0;
  for (let i = 0; i < 32; i += 2) sum += validation.readUInt16LE(i);
  validation.writeUInt16LE(-sum & 0xffff, 28);
  const lines = [validation, bootLine(first)];
  const all = sections(rest);
  all.forEach((section, i) => {
    const header = Buffer.alloc(32);
    header[0] = i === all.length - 1 ? 0x91 : 0x90;
    header[1] = PLATFORMS[section[0]?.platform ?? 'bios'];
    header.writeUInt16LE(section.length, 2);
    header.write((section[0]?.section ?? '').slice(0, 28), 4, 'latin1');
    lines.push(header, ...section.map(bootLine));
  });
  const out = Buffer.alloc(catalogBytes(entries));
  Buffer.concat(lines).copy(out);
  return out;
}
