import { hasUnixMetadata, type Disk, type FileSystem, type Layer, type Partition, type PartitionTable, type Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { isExtended } from './commands.js';
import type { Assignment } from './match.js';

const MIB = 1 << 20;
/** What an array keeps for its superblock, bitmap and reshaping at most (md(4): data offset), and a LUKS2 header. */
const RAID_OVERHEAD = 130 * MIB;
const LUKS_OVERHEAD = 32 * MIB;
/** Least sizes with which the file systems can be made at all. */
const LEAST: Readonly<Record<string, number>> = { xfs: 320 * MIB, btrfs: 256 * MIB, f2fs: 64 * MIB };

/** A size that changes: of what, from and to, in bytes. */
export interface SizeChange { readonly what: string; readonly from: number; readonly to: number }
/** A survey whose sizes fit the new disks. */
export interface Fitted { readonly survey: Survey; readonly changes: readonly SizeChange[] }

/** Bytes below which a file system cannot go: what is used, a sixth and its own structures more. */
function leastOf(fs: Pick<FileSystem, 'type' | 'usedBytes'>): number {
  return Math.max(LEAST[fs.type] ?? 16 * MIB, Math.ceil(fs.usedBytes * 1.17) + 96 * MIB);
}

/** File systems whose size follows what is there; an ESP, /boot and what is saved block by block keep theirs. */
const elastic = (fs: FileSystem): boolean => hasUnixMetadata(fs.type) && fs.mount !== '/boot';

/** Arithmetic of one survey: what a device carries, and how small it may become. */
class Sizes {
  readonly #s: Survey;

  constructor(survey: Survey) {
    this.#s = survey;
  }

  #layerOn(device: string): Layer | undefined {
    return this.#s.layers.find((l) => (l.type === 'raid' ? l.members.some((m) => m.device === device) : l.type === 'luks' ? l.on === device : l.type === 'vg' ? l.physical.some((p) => p.device === device) : l.devices.includes(device)));
  }

  /** Least bytes of a device of `bytes`, or undefined when it must keep its size. */
  least(device: string): number | undefined {
    const layer = this.#layerOn(device);
    if (layer === undefined || (layer.type === 'btrfs' && layer.devices.length === 1)) {
      const own = this.#s.fileSystems.filter((f) => f.device === device);
      const [first] = own;
      if (first === undefined || !own.every(elastic)) return undefined;
      return leastOf({ type: first.type, usedBytes: Math.max(...own.map((f) => f.usedBytes)) });
    }
    switch (layer.type) {
      case 'luks': {
        const inner = this.least(layer.device);
        return inner === undefined ? undefined : inner + LUKS_OVERHEAD;
      }
      case 'raid': {
        const inner = layer.table === undefined ? this.least(layer.device) : undefined;
        const data = dataMembers(layer);
        return inner === undefined || data === undefined ? undefined : Math.ceil(inner / data) + RAID_OVERHEAD;
      }
      case 'vg': {
        const [pv] = layer.physical;
        if (layer.physical.length !== 1 || pv === undefined) return undefined;
        const volumes = layer.volumes.filter((v) => v.kind !== 'thin');
        // Each volume rounds up to an extent; a pool keeps a spare of its metadata.
        return pv.startBytes + 2 * layer.extentBytes + volumes.reduce((n, v) => n + up(this.leastVolume(v) ?? v.bytes, layer.extentBytes) + 2 * (v.metadataBytes ?? 0), 0);
      }
      case 'btrfs': return undefined;
    }
  }

  /** Least bytes of a logical volume; undefined: it keeps its size. */
  leastVolume(v: { readonly kind: string; readonly device: string }): number | undefined {
    return v.kind === 'linear' ? this.least(v.device) : undefined;
  }
}

const up = (n: number, unit: number): number => Math.ceil(n / unit) * unit;
const down = (n: number, unit: number): number => Math.floor(n / unit) * unit;

/** How many members' worth of data an array holds. */
function dataMembers(l: { readonly level: string; readonly count: number; readonly layout?: string | undefined }): number | undefined {
  switch (l.level) {
    case 'raid0': case 'linear': return l.count;
    case 'raid1': return 1;
    case 'raid4': case 'raid5': return l.count - 1;
    case 'raid6': return l.count - 2;
    case 'raid10': return l.count / Number(/=(\d)/.exec(l.layout ?? '')?.[1] ?? 2);
    default: return undefined;
  }
}

/** An item to be sized; `least` undefined: fixed. */
interface Item { readonly bytes: number; readonly least: number | undefined }

/**
 * Sizes in `room` bytes: as they were when they fit (larger in proportion when `grow`), else the elastic ones smaller in
 * proportion to what each has to spare. Multiples of `unit`. Returns undefined when even the least do not fit.
 */
export function share(items: readonly Item[], room: number, unit: number, grow: boolean): number[] | undefined {
  const sum = (f: (i: Item) => number): number => items.reduce((n, i) => n + f(i), 0);
  const all = sum((i) => i.bytes);
  const elasticBytes = sum((i) => (i.least === undefined ? 0 : i.bytes));
  if (all <= room) return items.map((i) => (grow && i.least !== undefined && elasticBytes > 0 ? i.bytes + down(((room - all) * i.bytes) / elasticBytes, unit) : i.bytes));
  const spare = (i: Item): number => (i.least === undefined ? 0 : Math.max(0, i.bytes - i.least));
  const lack = all - room;
  if (sum(spare) < lack) return undefined;
  // Rounded down: what is taken from each may be a unit more than its part, never below its least by more than that.
  return items.map((i) => (spare(i) === 0 ? i.bytes : Math.max(down(i.bytes - (lack * spare(i)) / sum(spare), unit), Math.min(i.bytes, up(i.least ?? i.bytes, unit)))));
}

interface Range { readonly first: number; readonly end: number }

/** Bytes of a disk that partitions may lie in. */
function usable(table: PartitionTable, sectorBytes: number, diskBytes: number): Range {
  const backup = table.type === 'gpt' ? 1 + Math.ceil(((table.tableLength ?? 128) * 128) / sectorBytes) : 0;
  const first = Math.min(MIB, ...table.partitions.map((p) => p.start * sectorBytes));
  return { first, end: (Math.min(Math.floor(diskBytes / sectorBytes), table.type === 'dos' ? 0xffffffff : Infinity) - backup) * sectorBytes };
}

const inOrder = (table: PartitionTable): Partition[] => table.partitions.filter((p) => !isExtended(p)).sort((a, b) => a.start - b.start);
const isLogical = (table: PartitionTable, p: Partition): boolean => table.type === 'dos' && p.number > 4;

/** Bytes that lie before, between and behind partitions when all begin at full MiB, with an EBR before each logical one. */
const gaps = (table: PartitionTable): number => inOrder(table).reduce((n, p) => n + MIB + (isLogical(table, p) ? MIB : 0), 0);

/** Least size in bytes of a disk onto which this one can be brought. */
export function leastDiskBytes(survey: Survey, disk: Disk): number {
  if (disk.table === undefined) return disk.bytes;
  const { table, sectorBytes } = disk;
  const sizes = new Sizes(survey);
  const { first } = usable(table, sectorBytes, disk.bytes);
  const need = inOrder(table).reduce((n, p) => n + up(Math.min(p.sectors * sectorBytes, sizes.least(p.node) ?? p.sectors * sectorBytes), MIB), 0);
  return first + need + gaps(table) + (table.type === 'gpt' ? 34 * sectorBytes : 0);
}

/** The table with new sizes (bytes, in the order of `inOrder`), every partition at a full MiB. */
function relaid(table: PartitionTable, sectorBytes: number, sizes: readonly number[], first: number): PartitionTable {
  const mib = MIB / sectorBytes;
  let cursor = first / sectorBytes;
  const placed = new Map<number, Partition>();
  inOrder(table).forEach((p, i) => {
    const start = isLogical(table, p) ? up(cursor, mib) + mib : i === 0 ? cursor : up(cursor, mib);
    const sectors = Math.floor((sizes[i] as number) / sectorBytes);
    placed.set(p.number, { ...p, start, sectors });
    cursor = start + sectors;
  });
  const logical = [...placed.values()].filter((p) => isLogical(table, p));
  const partitions = table.partitions.map((p) => {
    if (!isExtended(p)) return placed.get(p.number) as Partition;
    const start = Math.min(...logical.map((l) => l.start)) - mib;
    return { ...p, start, sectors: Math.max(...logical.map((l) => l.start + l.sectors)) - start };
  });
  return { ...table, partitions };
}

/**
 * Makes the sizes of a survey fit the disks it is brought onto: as they were where there is room, smaller where there is not
 * (down to what is used), larger when `grow` is wished. Partition tables, arrays, encrypted volumes and logical volumes follow
 * each other. Pure.
 * @throws CdrecError DISK_TOO_SMALL by how many bytes
 */
export function fitSurvey(survey: Survey, assignments: readonly Assignment[], grow: boolean): Fitted {
  const sizes = new Sizes(survey);
  const changes: SizeChange[] = [];
  const bytesOf = new Map<string, number>();
  const disks = survey.disks.map((disk): Disk => {
    const target = assignments.find((a) => a.source.device === disk.device)?.target;
    if (disk.table === undefined || target === undefined) return disk;
    const { table, sectorBytes } = disk;
    const range = usable(table, sectorBytes, target.bytes);
    const parts = inOrder(table);
    const end = Math.max(0, ...parts.map((p) => (p.start + p.sectors) * sectorBytes));
    if (end <= range.end && !grow) return disk;
    const items = parts.map((p): Item => ({ bytes: p.sectors * sectorBytes, least: sizes.least(p.node) }));
    const shared = share(items, range.end - range.first - gaps(table), MIB, grow);
    if (shared === undefined) {
      const need = leastDiskBytes(survey, disk);
      throw new CdrecError('DISK_TOO_SMALL', `${target.device} is too small for what is used on ${disk.device} by ${String(Math.max(1, need - target.bytes))} bytes (${String(target.bytes)} of ${String(need)})`, { hint: 'take a larger disk' });
    }
    if (end <= range.end && shared.every((n, i) => n === items[i]?.bytes)) return disk;
    const laid = relaid(table, sectorBytes, shared, range.first);
    for (const p of parts) {
      const now = laid.partitions.find((q) => q.number === p.number) as Partition;
      bytesOf.set(p.node, now.sectors * sectorBytes);
      if (now.sectors !== p.sectors) changes.push({ what: `partition ${p.node}`, from: p.sectors * sectorBytes, to: now.sectors * sectorBytes });
    }
    return { ...disk, table: laid };
  });
  if (changes.length === 0) return { survey: { ...survey, disks }, changes };
  const oldBytes = new Map(survey.disks.flatMap((d) => (d.table?.partitions ?? []).map((p): [string, number] => [p.node, p.sectors * d.sectorBytes])));
  const layers = survey.layers.map((l) => fitLayer(l, sizes, bytesOf, oldBytes, changes, grow));
  const fileSystems = survey.fileSystems.map((fs) => fitFileSystem(fs, bytesOf, oldBytes));
  return { survey: { ...survey, disks, layers, fileSystems }, changes };
}

/** Carries new sizes from what a layer lies on to what lies on it; sizes of arrays and volumes are taken on the safe side. */
function fitLayer(l: Layer, sizes: Sizes, bytesOf: Map<string, number>, oldBytes: Map<string, number>, changes: SizeChange[], grow: boolean): Layer {
  const size = (device: string, map: ReadonlyMap<string, number>): number => map.get(device) ?? oldBytes.get(device) ?? 0;
  if (l.type === 'raid') {
    const of = (map: ReadonlyMap<string, number>): number => (Math.min(...l.members.map((m) => size(m.device, map))) - RAID_OVERHEAD) * (dataMembers(l) ?? 1);
    oldBytes.set(l.device, of(oldBytes));
    if (l.members.some((m) => bytesOf.has(m.device))) bytesOf.set(l.device, of(bytesOf));
  } else if (l.type === 'luks') {
    oldBytes.set(l.device, size(l.on, oldBytes) - LUKS_OVERHEAD);
    if (bytesOf.has(l.on)) bytesOf.set(l.device, size(l.on, bytesOf) - LUKS_OVERHEAD);
  } else if (l.type === 'vg') {
    for (const v of l.volumes) oldBytes.set(v.device, v.bytes);
    const [pv] = l.physical;
    if (l.physical.length !== 1 || pv === undefined || !bytesOf.has(pv.device)) return l;
    const bytes = size(pv.device, bytesOf);
    const own = l.volumes.filter((v) => v.kind !== 'thin');
    const room = down(bytes - pv.startBytes - l.extentBytes - own.reduce((n, v) => n + 2 * (v.metadataBytes ?? 0), 0), l.extentBytes);
    const least = own.map((v): Item => ({ bytes: v.bytes, least: sizes.leastVolume(v) }));
    const shared = share(least, room, l.extentBytes, grow);
    if (shared === undefined) throw new CdrecError('DISK_TOO_SMALL', `the volume group ${l.name} does not fit into ${String(bytes)} bytes`, { hint: 'take a larger disk' });
    const volumes = l.volumes.map((v) => {
      const to = v.kind === 'thin' ? v.bytes : (shared[own.indexOf(v)] as number);
      if (to === v.bytes) return v;
      bytesOf.set(v.device, to);
      changes.push({ what: `logical volume ${l.name}/${v.name}`, from: v.bytes, to });
      return { ...v, bytes: to };
    });
    return { ...l, volumes };
  }
  return l;
}

/** A file system of another size has inodes in proportion. */
function fitFileSystem(fs: FileSystem, bytesOf: ReadonlyMap<string, number>, oldBytes: ReadonlyMap<string, number>): FileSystem {
  const now = bytesOf.get(fs.device);
  const before = oldBytes.get(fs.device);
  const inodes = Number(fs.parameters['inodes']);
  if (now === undefined || before === undefined || now === before || !(inodes > 0)) return fs;
  return { ...fs, parameters: { ...fs.parameters, inodes: String(Math.ceil((inodes * now) / before)) } };
}
