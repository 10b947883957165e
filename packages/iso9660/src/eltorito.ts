import { SECTOR } from './bytes.js';

/** A placed boot image: no emulation. `loadSectors` counts 512-byte units; 0 means "to the end" for UEFI. */
export interface BootEntry {
  readonly platform: 'bios' | 'efi';
  readonly sector: number;
  readonly loadSectors: number;
}

const platformId = { bios: 0, efi: 0xef } as const;

function bootLine(entry: BootEntry): Buffer {
  const buf = Buffer.alloc(32);
  buf[0] = 0x88;
  buf.writeUInt16LE(entry.loadSectors > 0xffff ? 0 : entry.loadSectors, 6); // UEFI 2.11 13.3.2.1
  buf.writeUInt32LE(entry.sector, 8);
  return buf;
}

/** Boot catalog: validation entry, default entry, then one section per further entry (El Torito 1.0, 2.0-2.4). */
export function bootCatalog(entries: readonly BootEntry[], id: string): Buffer {
  const [first, ...rest] = entries as [BootEntry, ...BootEntry[]];
  const validation = Buffer.alloc(32);
  validation[0] = 1;
  validation[1] = platformId[first.platform];
  validation.write(id.slice(0, 24), 4, 'latin1');
  validation[30] = 0x55;
  validation[31] = 0xaa;
  let sum = 0;
  for (let i = 0; i < 32; i += 2) sum += validation.readUInt16LE(i);
  validation.writeUInt16LE(-sum & 0xffff, 28);
  const lines = [validation, bootLine(first)];
  rest.forEach((entry, i) => {
    const header = Buffer.alloc(32);
    header[0] = i === rest.length - 1 ? 0x91 : 0x90;
    header[1] = platformId[entry.platform];
    header.writeUInt16LE(1, 2);
    lines.push(header, bootLine(entry));
  });
  return Buffer.concat([...lines, Buffer.alloc(SECTOR)]).subarray(0, SECTOR);
}

/** Returns a copy of a boot file with its boot information table filled in (mkisofs -boot-info-table). */
export function withBootInfoTable(file: Buffer, sector: number): Buffer {
  const out = Buffer.from(file);
  const padded = Buffer.concat([file, Buffer.alloc((4 - (file.length & 3)) & 3)]);
  let sum = 0;
  for (let i = 64; i < padded.length; i += 4) sum = (sum + padded.readUInt32LE(i)) >>> 0;
  out.fill(0, 8, 64);
  out.writeUInt32LE(16, 8);
  out.writeUInt32LE(sector, 12);
  out.writeUInt32LE(file.length, 16);
  out.writeUInt32LE(sum, 20);
  return out;
}
