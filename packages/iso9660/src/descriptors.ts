import { both16, both32, descriptorDate, SECTOR, utf16be } from './bytes.js';
import type { PlacedHierarchy } from './directory.js';
import { IsoError } from './errors.js';

/** Texts of the volume descriptors. `date` is milliseconds since 1970. */
export interface VolumeTexts {
  readonly volumeId: string;
  readonly application: string;
  readonly publisher: string;
  readonly date: number;
}

/** Checks a volume identifier: 1 to 32 characters that every boot loader and udev pass on unchanged. */
export function checkVolumeId(id: string): void {
  if (!/^[A-Za-z0-9_.-]{1,32}$/.test(id)) {
    throw new IsoError('ISO_INVALID_INPUT', `volume id "${id}" must be 1 to 32 characters of A-Z a-z 0-9 _ . -`);
  }
}

function head(type: number): Buffer {
  const buf = Buffer.alloc(SECTOR);
  buf[0] = type;
  buf.write('CD001', 1, 'latin1');
  buf[6] = 1;
  return buf;
}

/** Primary (ECMA-119 8.4) or Joliet supplementary (8.5) volume descriptor over a placed hierarchy. */
export function volumeDescriptor(texts: VolumeTexts, tree: PlacedHierarchy, totalSectors: number, joliet: boolean): Buffer {
  const buf = head(joliet ? 2 : 1);
  const text = (value: string, offset: number, length: number): void => {
    if (joliet) {
      utf16be(value.slice(0, length >> 1).padEnd(length >> 1, ' ')).copy(buf, offset);
    } else buf.write(value.slice(0, length).padEnd(length, ' '), offset, 'latin1');
  };
  text('LINUX', 8, 32);
  text(texts.volumeId, 40, 32);
  both32(buf, 80, totalSectors);
  if (joliet) buf.write('%/E', 88, 'latin1'); // UCS-2 level 3
  both16(buf, 120, 1);
  both16(buf, 124, 1);
  both16(buf, 128, SECTOR);
  both32(buf, 132, tree.pathTableBytes);
  buf.writeUInt32LE(tree.pathTableL, 140);
  buf.writeUInt32BE(tree.pathTableM, 148);
  tree.rootRecord.copy(buf, 156);
  text('', 190, 128);
  text(texts.publisher, 318, 128);
  text('', 446, 128);
  text(texts.application, 574, 128);
  text('', 702, 37);
  text('', 739, 37);
  text('', 776, 37);
  descriptorDate(texts.date).copy(buf, 813);
  descriptorDate(texts.date).copy(buf, 830); // modification date: blkid's UUID
  descriptorDate(undefined).copy(buf, 847);
  descriptorDate(undefined).copy(buf, 864);
  buf[881] = 1;
  return buf;
}

/** El Torito boot record volume descriptor, sector 17 (El Torito 1.0, figure 7). */
export function bootRecord(catalogSector: number): Buffer {
  const buf = head(0);
  buf.write('EL TORITO SPECIFICATION', 7, 'latin1');
  buf.writeUInt32LE(catalogSector, 71);
  return buf;
}

/** Volume descriptor set terminator (ECMA-119 8.3). */
export const terminator = (): Buffer => head(255);
