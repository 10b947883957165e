import { CdrecError } from '@cdrec/tool';

/** A file of the image: upper-case 8.3 path with `/`, and its bytes. */
export interface FatFile {
  readonly path: string;
  readonly data: Buffer;
}

const SECTOR = 512;
const ROOT_ENTRIES = 512;
const FATS = 2;
/** A FAT16 has at least 4085 clusters (Microsoft FAT specification 1.03, "FAT Type Determination"). */
const MIN_CLUSTERS = 4085 + 16;
const MAX_CLUSTERS = 65_524;

interface Dir { readonly name: string; readonly dirs: Map<string, Dir>; readonly files: Map<string, Buffer> }

/** 11-byte short name. @throws CdrecError BOOT_INVALID_NAME */
function shortName(name: string): Buffer {
  const match = /^([A-Z0-9_-]{1,8})(?:\.([A-Z0-9_-]{1,3}))?$/.exec(name);
  if (match === null) throw new CdrecError('BOOT_INVALID_NAME', `"${name}" is no 8.3 name`);
  return Buffer.from((match[1] as string).padEnd(8) + (match[2] ?? '').padEnd(3), 'latin1');
}

/**
 * A FAT16 file system with the given files, one 512-byte sector per cluster, at least 4085 clusters and `spare` free
 * bytes; time stamps from `date` (milliseconds since 1970), so equal input gives equal bytes.
 * Source: Microsoft "FAT: General Overview of On-Disk Format" 1.03.
 */
export function buildFatImage(files: readonly FatFile[], label: string, date: number, spare = 64 * 1024): Buffer {
  const root: Dir = { name: '', dirs: new Map(), files: new Map() };
  for (const file of files) {
    const parts = file.path.split('/');
    const name = parts.pop() as string;
    let dir = root;
    for (const part of parts) {
      let next = dir.dirs.get(part);
      if (next === undefined) dir.dirs.set(part, (next = { name: part, dirs: new Map(), files: new Map() }));
      dir = next;
    }
    dir.files.set(name, file.data);
  }
  const clustersOf = (bytes: number): number => Math.ceil(bytes / SECTOR);
  const dirBytes = (d: Dir): number => (d.dirs.size + d.files.size + 2) * 32;
  const needed = (d: Dir): number =>
    [...d.files.values()].reduce((n, f) => n + clustersOf(f.length), 0) + [...d.dirs.values()].reduce((n, s) => n + clustersOf(dirBytes(s)) + needed(s), 0);
  const clusters = Math.max(MIN_CLUSTERS, needed(root) + clustersOf(spare));
  if (clusters > MAX_CLUSTERS) throw new CdrecError('BOOT_TOO_LARGE', `boot files need ${String(clusters)} clusters, FAT16 has ${String(MAX_CLUSTERS)}`);
  const fatSectors = Math.ceil(((clusters + 2) * 2) / SECTOR);
  const rootStart = 1 + FATS * fatSectors;
  const dataStart = rootStart + (ROOT_ENTRIES * 32) / SECTOR;
  const total = dataStart + clusters;
  const image = Buffer.alloc(total * SECTOR);

  writeBootSector(image, total, fatSectors, label, date);
  const fat = Buffer.alloc(fatSectors * SECTOR);
  fat.writeUInt16LE(0xfff8, 0);
  fat.writeUInt16LE(0xffff, 2);
  let nextCluster = 2;
  const allocate = (bytes: number): number => {
    const count = clustersOf(bytes);
    if (count === 0) return 0;
    const first = nextCluster;
    for (let i = 0; i < count; i++) fat.writeUInt16LE(i === count - 1 ? 0xffff : first + i + 1, (first + i) * 2);
    nextCluster += count;
    return first;
  };
  const at = (cluster: number): number => (dataStart + cluster - 2) * SECTOR;
  const entry = (name: Buffer, attributes: number, cluster: number, bytes: number): Buffer => dirEntry(name, attributes, cluster, bytes, date);
  const writeDir = (dir: Dir, offset: number, own: number, parent: number): void => {
    const entries: Buffer[] = own === 0
      ? [entry(Buffer.from(label.padEnd(11).slice(0, 11), 'latin1'), 0x08, 0, 0)]
      : [entry(Buffer.from('.          '), 0x10, own, 0), entry(Buffer.from('..         '), 0x10, parent, 0)];
    for (const [name, data] of dir.files) {
      const cluster = allocate(data.length);
      if (cluster !== 0) data.copy(image, at(cluster));
      entries.push(entry(shortName(name), 0x20, cluster, data.length));
    }
    for (const sub of dir.dirs.values()) {
      const cluster = allocate(dirBytes(sub));
      writeDir(sub, at(cluster), cluster, own);
      entries.push(entry(shortName(sub.name), 0x10, cluster, 0));
    }
    Buffer.concat(entries).copy(image, offset);
  };
  writeDir(root, rootStart * SECTOR, 0, 0);
  for (let i = 0; i < FATS; i++) fat.copy(image, (1 + i * fatSectors) * SECTOR);
  return image;
}

function writeBootSector(image: Buffer, total: number, fatSectors: number, label: string, date: number): void {
  Buffer.from([0xeb, 0x3c, 0x90]).copy(image, 0);
  image.write('CDREC   ', 3, 'latin1');
  image.writeUInt16LE(SECTOR, 11);
  image[13] = 1;
  image.writeUInt16LE(1, 14);
  image[16] = FATS;
  image.writeUInt16LE(ROOT_ENTRIES, 17);
  image.writeUInt16LE(total < 0x10000 ? total : 0, 19);
  image[21] = 0xf8;
  image.writeUInt16LE(fatSectors, 22);
  image.writeUInt16LE(32, 24);
  image.writeUInt16LE(64, 26);
  image.writeUInt32LE(total < 0x10000 ? 0 : total, 32);
  image[36] = 0x80;
  image[38] = 0x29;
  image.writeUInt32LE(Math.floor(date / 1000) >>> 0, 39);
  image.write(label.padEnd(11).slice(0, 11), 43, 'latin1');
  image.write('FAT16   ', 54, 'latin1');
  image[510] = 0x55;
  image[511] = 0xaa;
}

function dirEntry(name: Buffer, attributes: number, cluster: number, bytes: number, date: number): Buffer {
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
