import { CdrecError } from '@cdrec/tool';
import { dirEntry, entryName, type EntryName } from './entries.js';

/** A file of the image: path with `/`, and its bytes. Names are 8.3 in upper case, or get long-name entries. */
export interface FatFile {
  readonly path: string;
  readonly data: Buffer;
}

/** Shape of a FAT file system; sizes in sectors of 512 bytes. */
export interface FatGeometry {
  readonly bits: 12 | 16;
  /** Size of the file system; without it, what the files and `spare` need. */
  readonly sectors?: number;
  readonly sectorsPerCluster: number;
  readonly rootEntries: number;
  readonly media: number;
  readonly sectorsPerTrack: number;
  readonly heads: number;
  /** Sectors before the file system on its disk. */
  readonly hidden: number;
  /** BIOS drive number. */
  readonly drive: number;
}

const SECTOR = 512;
const FATS = 2;
/** A FAT16 has 4085 to 65524 clusters, a FAT12 fewer (Microsoft FAT specification 1.03, "FAT Type Determination"). */
const MIN_FAT16 = 4085;
const MAX_FAT16 = 65_524;

/** An EFI system partition: FAT16 as small as its files allow. */
export const ESP: FatGeometry = { bits: 16, sectorsPerCluster: 1, rootEntries: 512, media: 0xf8, sectorsPerTrack: 32, heads: 64, hidden: 0, drive: 0x80 };

/** Floppies by their capacity in MB (ECMA-147 and the BIOSes' habits). */
export const FLOPPIES: Readonly<Record<'1.2' | '1.44' | '2.88', FatGeometry>> = {
  '1.2': { bits: 12, sectors: 2400, sectorsPerCluster: 1, rootEntries: 224, media: 0xf9, sectorsPerTrack: 15, heads: 2, hidden: 0, drive: 0 },
  '1.44': { bits: 12, sectors: 2880, sectorsPerCluster: 1, rootEntries: 224, media: 0xf0, sectorsPerTrack: 18, heads: 2, hidden: 0, drive: 0 },
  '2.88': { bits: 12, sectors: 5760, sectorsPerCluster: 2, rootEntries: 240, media: 0xf0, sectorsPerTrack: 36, heads: 2, hidden: 0, drive: 0 },
};

interface Item { readonly name: EntryName; readonly data?: Buffer; readonly dir?: Dir }
interface Dir { readonly items: Map<string, Item>; readonly taken: Set<string> }
const newDir = (): Dir => ({ items: new Map(), taken: new Set() });

function treeOf(files: readonly FatFile[]): Dir {
  const root = newDir();
  for (const file of files) {
    const parts = file.path.split('/');
    const name = parts.pop() as string;
    let dir = root;
    for (const part of parts) {
      const key = part.toUpperCase();
      let next = dir.items.get(key)?.dir;
      if (next === undefined) {
        next = newDir();
        dir.items.set(key, { name: entryName(part, dir.taken), dir: next });
      }
      dir = next;
    }
    if (dir.items.has(name.toUpperCase())) throw new CdrecError('BOOT_INVALID_NAME', `"${file.path}" is there twice (FAT does not tell upper from lower case)`);
    dir.items.set(name.toUpperCase(), { name: entryName(name, dir.taken), data: file.data });
  }
  return root;
}

/** How a file system of the given geometry is laid out; `clusters` is what its files need. */
function layout(g: FatGeometry, clusters: number): { clusters: number; fatSectors: number; dataStart: number; total: number } {
  const rootSectors = (g.rootEntries * 32) / SECTOR;
  const fatFor = (n: number): number => Math.ceil(Math.ceil(((n + 2) * g.bits) / 8) / SECTOR);
  let count = clusters;
  let fatSectors = fatFor(count);
  if (g.sectors !== undefined) {
    // The FAT takes room from the clusters that it describes: the largest number for which both fit.
    const sectors = g.sectors;
    const fit = (n: number): boolean => 1 + FATS * fatFor(n) + rootSectors + n * g.sectorsPerCluster <= sectors;
    count = Math.floor((sectors - 1 - rootSectors) / g.sectorsPerCluster);
    while (!fit(count)) count--;
    fatSectors = fatFor(count);
    if (g.bits === 12 && count >= MIN_FAT16) throw new CdrecError('BOOT_TOO_LARGE', `a FAT12 has fewer than ${String(MIN_FAT16)} clusters, not ${String(count)}`);
    if (clusters > count) throw excess((clusters - count) * g.sectorsPerCluster * SECTOR, sectors * SECTOR);
  }
  if (g.bits === 16 && count > MAX_FAT16) throw new CdrecError('BOOT_TOO_LARGE', `boot files need ${String(count)} clusters, FAT16 has ${String(MAX_FAT16)}`);
  const dataStart = 1 + FATS * fatSectors + rootSectors;
  return { clusters: count, fatSectors, dataStart, total: g.sectors ?? dataStart + count * g.sectorsPerCluster };
}

/** The error of an image that is too small; `excess` in bytes, after rounding to clusters. */
const excess = (bytes: number, size: number): CdrecError => new CdrecError('BOOT_TOO_LARGE', `the boot files exceed an image of ${String(size)} bytes by ${String(bytes)} bytes`);

/**
 * A FAT file system with the given files and time stamps from `date` (milliseconds since 1970), so that equal input gives
 * equal bytes. `spare` bytes stay free for what is added later.
 * Source: Microsoft "FAT: General Overview of On-Disk Format" 1.03.
 * @throws CdrecError BOOT_TOO_LARGE naming the excess in bytes, BOOT_INVALID_NAME
 */
export function buildFatImage(files: readonly FatFile[], label: string, date: number, geometry: FatGeometry = ESP, spare = 64 * 1024): Buffer {
  const root = treeOf(files);
  const clusterBytes = geometry.sectorsPerCluster * SECTOR;
  const clustersOf = (bytes: number): number => Math.ceil(bytes / clusterBytes);
  const dirBytes = (d: Dir): number => [...d.items.values()].reduce((n, i) => n + 1 + i.name.long.length, 2) * 32;
  const needed = (d: Dir): number => [...d.items.values()].reduce((n, i) => n + (i.dir === undefined ? clustersOf((i.data as Buffer).length) : clustersOf(dirBytes(i.dir)) + needed(i.dir)), 0);
  const want = needed(root) + clustersOf(spare);
  const l = layout(geometry, geometry.bits === 16 && geometry.sectors === undefined ? Math.max(MIN_FAT16 + 16, want) : want);
  if (dirBytes(root) > geometry.rootEntries * 32) throw new CdrecError('BOOT_TOO_LARGE', `the root directory has room for ${String(geometry.rootEntries)} entries`);
  const image = Buffer.alloc(l.total * SECTOR);
  writeBootSector(image, geometry, l.total, l.fatSectors, label, date);

  const fat = Buffer.alloc(l.fatSectors * SECTOR);
  const link = (cluster: number, next: number): void => {
    if (geometry.bits === 16) fat.writeUInt16LE(next & 0xffff, cluster * 2);
    else { // two entries of 12 bits lie in three bytes
      const at = Math.floor(cluster * 1.5);
      const old = fat.readUInt16LE(at);
      fat.writeUInt16LE(cluster % 2 === 0 ? (old & 0xf000) | (next & 0xfff) : (old & 0x000f) | ((next & 0xfff) << 4), at);
    }
  };
  link(0, 0xff00 | geometry.media);
  link(1, 0xffff);
  let nextCluster = 2;
  const allocate = (bytes: number): number => {
    const count = clustersOf(bytes);
    if (count === 0) return 0;
    const first = nextCluster;
    for (let i = 0; i < count; i++) link(first + i, i === count - 1 ? 0xffff : first + i + 1);
    nextCluster += count;
    return first;
  };
  const at = (cluster: number): number => (l.dataStart + (cluster - 2) * geometry.sectorsPerCluster) * SECTOR;
  const writeDir = (dir: Dir, offset: number, own: number, parent: number): void => {
    const entries: Buffer[] = own === 0
      ? [dirEntry(Buffer.from(label.padEnd(11).slice(0, 11), 'latin1'), 0x08, 0, 0, date)]
      : [dirEntry(Buffer.from('.          '), 0x10, own, 0, date), dirEntry(Buffer.from('..         '), 0x10, parent, 0, date)];
    for (const item of dir.items.values()) {
      const bytes = item.dir === undefined ? (item.data as Buffer).length : dirBytes(item.dir);
      const cluster = allocate(bytes);
      if (item.dir !== undefined) writeDir(item.dir, at(cluster), cluster, own);
      else if (cluster !== 0) (item.data as Buffer).copy(image, at(cluster));
      entries.push(...item.name.long, dirEntry(item.name.short, item.dir === undefined ? 0x20 : 0x10, cluster, item.dir === undefined ? bytes : 0, date));
    }
    Buffer.concat(entries).copy(image, offset);
  };
  writeDir(root, (1 + FATS * l.fatSectors) * SECTOR, 0, 0);
  for (let i = 0; i < FATS; i++) fat.copy(image, (1 + i * l.fatSectors) * SECTOR);
  return image;
}

function writeBootSector(image: Buffer, g: FatGeometry, total: number, fatSectors: number, label: string, date: number): void {
  Buffer.from([0xeb, 0x3c, 0x90]).copy(image, 0);
  image.write('CDREC   ', 3, 'latin1');
  image.writeUInt16LE(SECTOR, 11);
  image[13] = g.sectorsPerCluster;
  image.writeUInt16LE(1, 14);
  image[16] = FATS;
  image.writeUInt16LE(g.rootEntries, 17);
  image.writeUInt16LE(total < 0x10000 ? total : 0, 19);
  image[21] = g.media;
  image.writeUInt16LE(fatSectors, 22);
  image.writeUInt16LE(g.sectorsPerTrack, 24);
  image.writeUInt16LE(g.heads, 26);
  image.writeUInt32LE(g.hidden, 28);
  image.writeUInt32LE(total < 0x10000 ? 0 : total, 32);
  image[36] = g.drive;
  image[38] = 0x29;
  image.writeUInt32LE(Math.floor(date / 1000) >>> 0, 39);
  image.write(label.padEnd(11).slice(0, 11), 43, 'latin1');
  image.write(g.bits === 12 ? 'FAT12   ' : 'FAT16   ', 54, 'latin1');
  image[510] = 0x55;
  image[511] = 0xaa;
}
