import { both16, both32, SECTOR, utf16be } from './bytes.js';
import { descriptorDate } from './dates.js';
import { rootRecord, type PlacedHierarchy } from './directory/render.js';
import type { VolumeIds } from './names/ids.js';

/** What a volume descriptor says besides its tree. Dates in milliseconds since 1970. */
export interface VolumeTexts extends VolumeIds {
  readonly date: number;
  readonly modificationDate?: number | undefined;
  readonly expirationDate?: number | undefined;
  readonly effectiveDate?: number | undefined;
}

/** Application use area: 512 bytes at offset 883 (ECMA-119 8.4.32), spaces so that isomd5sum finds it unused. */
export const APPLICATION_USE = { offset: 883, bytes: 512 } as const;

function head(type: number, version = 1): Buffer {
  const buf = Buffer.alloc(SECTOR);
  buf[0] = type;
  buf.write('CD001', 1, 'latin1');
  buf[6] = version;
  return buf;
}

/**
 * Primary (ECMA-119 8.4), Joliet supplementary (8.5) or enhanced (ISO 9660:1999 8.5) volume descriptor over a placed
 * hierarchy. `fileIds`: identifiers of copyright, abstract and bibliographic file.
 */
export function volumeDescriptor(texts: VolumeTexts, tree: PlacedHierarchy, totalSectors: number, fileIds: readonly [string, string, string]): Buffer {
  const { names } = tree.hierarchy.kind;
  const joliet = names === 'joliet';
  const enhanced = names === 'enhanced';
  const buf = head(names === 'iso' ? 1 : 2, enhanced ? 2 : 1);
  const text = (value: string, offset: number, length: number): void => {
    if (joliet) {
      utf16be(value.slice(0, length >> 1).padEnd(length >> 1, ' ')).copy(buf, offset);
      if ((length & 1) === 1) buf[offset + length - 1] = 0;
    } else buf.write(value.slice(0, length).padEnd(length, ' '), offset, 'latin1');
  };
  text(texts.systemId ?? 'LINUX', 8, 32);
  text(texts.volumeId, 40, 32);
  both32(buf, 80, totalSectors);
  if (joliet) buf.write('%/E', 88, 'latin1'); // UCS-2 level 3
  both16(buf, 120, 1);
  both16(buf, 124, 1);
  both16(buf, 128, SECTOR);
  both32(buf, 132, tree.hierarchy.pathTableBytes);
  buf.writeUInt32LE(tree.pathTableL, 140);
  buf.writeUInt32BE(tree.pathTableM, 148);
  rootRecord(tree).copy(buf, 156);
  text(texts.volumeSetId ?? '', 190, 128);
  text(texts.publisher ?? '', 318, 128);
  text(texts.preparer ?? '', 446, 128);
  text(texts.application ?? '', 574, 128);
  text(fileIds[0], 702, 37);
  text(fileIds[1], 739, 37);
  text(fileIds[2], 776, 37);
  descriptorDate(texts.date).copy(buf, 813);
  descriptorDate(texts.modificationDate ?? texts.date).copy(buf, 830); // blkid's UUID
  descriptorDate(texts.expirationDate).copy(buf, 847);
  descriptorDate(texts.effectiveDate).copy(buf, 864);
  buf[881] = enhanced ? 2 : 1;
  if (names === 'iso') buf.fill(0x20, APPLICATION_USE.offset, APPLICATION_USE.offset + APPLICATION_USE.bytes);
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

/** The three sectors that announce UDF behind the ISO descriptors: BEA01, NSR02, TEA01 (ECMA-167 2/9.1, 3/9.1). */
export function udfRecognition(): Buffer[] {
  return ['BEA01', 'NSR02', 'TEA01'].map((id) => {
    const buf = Buffer.alloc(SECTOR);
    buf.write(id, 1, 'latin1');
    buf[6] = 1;
    return buf;
  });
}
