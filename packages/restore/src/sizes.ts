import { hasUnixMetadata, type BtrfsLayer, type FileSystem, type Layer, type LogicalVolume, type LuksLayer, type RaidLayer, type Survey, type VolumeGroup } from '@cdrec/survey';
import { down, MIB, up } from './geometry.js';
import { leastWithInodes } from './inodes.js';

/** What an array keeps of each member for its superblock, bitmap and reshaping (md(4): data offset), with what is rounded to chunks. */
export const raidOverhead = (l: Pick<RaidLayer, 'dataOffsetBytes' | 'chunkBytes'>): number => Math.max(130 * MIB, (l.dataOffsetBytes ?? 0) + 2 * MIB + 2 * (l.chunkBytes ?? 0));
/** What an encrypted volume keeps for its header and key slots. */
export const luksOverhead = (l: Pick<LuksLayer, 'offsetBytes'>): number => Math.max(32 * MIB, (l.offsetBytes ?? 0) + MIB);
/** Least sizes with which their programs make file systems without being urged; one that is smaller already stays as small as it is. */
const LEAST: Readonly<Record<string, number>> = { xfs: 320 * MIB, btrfs: 256 * MIB, f2fs: 64 * MIB };

/** Wishes of the administrator on sizes. Things are named by mount point, device, or GROUP/VOLUME. */
export interface SizeRules {
  /** What keeps its size whatever the disk. */
  readonly fixed?: readonly string[];
  /** Shares of what is gained on larger disks; when there are any, nothing else grows. */
  readonly weights?: Readonly<Record<string, number>>;
}

/** Bytes below which a file system cannot go: what is used, a sixth and its own structures more. */
function leastOf(fs: Pick<FileSystem, 'type' | 'usedBytes' | 'usedInodes' | 'bytes' | 'parameters'>): number {
  const least = LEAST[fs.type] ?? 16 * MIB;
  return Math.max(fs.bytes > 0 ? Math.min(least, fs.bytes) : least, Math.ceil(fs.usedBytes * 1.17) + 96 * MIB, leastWithInodes(fs));
}

/** File systems whose size follows what is there; an ESP, /boot and what is saved block by block keep theirs. */
const elastic = (fs: FileSystem): boolean => hasUnixMetadata(fs.type) && fs.mount !== '/boot';

/** How many members' worth of data an array holds. */
export function dataMembers(l: Pick<RaidLayer, 'level' | 'count' | 'layout'>): number | undefined {
  switch (l.level) {
    case 'raid0': case 'linear': return l.count;
    case 'raid1': return 1;
    case 'raid4': case 'raid5': return l.count - 1;
    case 'raid6': return l.count - 2;
    case 'raid10': return l.count / Number(/=(\d)/.exec(l.layout ?? '')?.[1] ?? 2);
    default: return undefined;
  }
}

/** Volumes of a group that take room of their own. */
export const ownVolumes = (g: VolumeGroup): LogicalVolume[] => g.volumes.filter((v) => v.kind !== 'thin');

/** Bytes that each physical volume under a striped or mirrored volume must give to it, at most. */
function legBytes(v: LogicalVolume): number {
  const stripes = v.stripes ?? 1;
  return /^(raid1|mirror)$/.test(v.kind) ? v.bytes : v.kind === 'linear' || v.kind === 'thin-pool' ? 0 : Math.ceil(v.bytes / Math.max(1, stripes));
}

/** Of how many images a volume consists, each with an extent of metadata (lvmraid(7): rmeta; a mirror's log); 0 for one without. */
function imagesOf({ kind, stripes = 1 }: LogicalVolume): number {
  switch (kind) {
    case 'raid1': case 'mirror': case 'raid0_meta': return stripes;
    case 'raid10': return 2 * stripes;
    case 'raid4': case 'raid5': return stripes + 1;
    case 'raid6': return stripes + 2;
    default: return 0;
  }
}

/** Bytes that a volume takes of its group: copies, parity and metadata count, and a pool's spare metadata. */
export function takenBytes(v: LogicalVolume, extentBytes: number): number {
  const images = imagesOf(v);
  // Every image of a mirror is as large as the volume; others share it.
  const share = /^(raid1|mirror)$/.test(v.kind) ? 1 : (v.stripes ?? 1);
  return up(images === 0 ? v.bytes : (v.bytes * images) / share, extentBytes) + images * extentBytes + 2 * up(v.metadataBytes ?? 0, extentBytes);
}

/** Copies that a profile of btrfs keeps (mkfs.btrfs(8), "PROFILES"); parity is none. */
const copiesOf = (profile: string): number => (/^raid1c([34])$/i.test(profile) ? Number(profile.slice(-1)) : /^(raid1|raid10|dup)$/i.test(profile) ? 2 : 1);

/** Bytes, copies counted, that data of a profile finds on devices of some sizes; undefined for a profile that is not known, or several. Where a stripe needs them all, it is reckoned with the smallest. */
function rawRoom(profile: string, sizes: readonly number[]): number | undefined {
  const all = sizes.reduce((n, b) => n + b, 0);
  if (/^(single|dup)$/i.test(profile)) return all;
  if (/^raid1$/i.test(profile)) return 2 * Math.min(all / 2, all - Math.max(...sizes));
  return /^raid(0|10|5|6|1c[34])$/i.test(profile) ? sizes.length * Math.min(...sizes) : undefined;
}

/** Arithmetic of one survey: what a device carries, how small it may become, and who may grow. */
export class Sizes {
  readonly #s: Survey;
  readonly #fixed: ReadonlySet<string>;
  readonly #weights: ReadonlyMap<string, number>;

  constructor(survey: Survey, rules: SizeRules = {}) {
    this.#s = survey;
    this.#fixed = new Set((rules.fixed ?? []).map((name) => this.deviceOf(name) ?? name));
    this.#weights = new Map(Object.entries(rules.weights ?? {}).map(([name, weight]) => [this.deviceOf(name) ?? name, weight]));
  }

  /** The device that a name means: a mount point, GROUP/VOLUME, a label-less device; undefined when nothing is called so. */
  deviceOf(name: string): string | undefined {
    const fs = this.#s.fileSystems.find((f) => f.mount === name);
    if (fs !== undefined) return fs.device;
    for (const l of this.#s.layers) if (l.type === 'vg') for (const v of l.volumes) if (`${l.name}/${v.name}` === name || v.device === name) return v.device;
    const known = [...this.#s.disks.flatMap((d) => [d.device, ...(d.table?.partitions ?? []).map((p) => p.node)]), ...this.#s.layers.map((l) => (l.type === 'vg' ? '' : l.device))];
    return known.includes(name) ? name : undefined;
  }

  #layerOn(device: string): Layer | undefined {
    return this.#s.layers.find((l) => (l.type === 'raid' ? l.members.some((m) => m.device === device) : l.type === 'luks' ? l.on === device : l.type === 'vg' ? l.physical.some((p) => p.device === device) : l.devices.includes(device)));
  }

  /** Share of a gain: by wish, for a device or anything on it; without wishes what is elastic by its size. */
  weight(device: string, bytes: number): number {
    if (this.#weights.size === 0) return this.least(device) === undefined ? 0 : bytes;
    const own = this.#weights.get(device);
    if (own !== undefined) return own;
    const layer = this.#layerOn(device);
    if (layer === undefined) return 0;
    if (layer.type === 'vg') return layer.volumes.reduce((n, v) => n + this.weight(v.device, v.bytes), 0);
    return layer.type === 'btrfs' ? (this.#weights.get(layer.device) ?? 0) : this.weight(layer.device, bytes);
  }

  /** Least bytes of a device, or undefined when it must keep its size. */
  least(device: string): number | undefined {
    if (this.#fixed.has(device)) return undefined;
    const layer = this.#layerOn(device);
    if (layer === undefined || (layer.type === 'btrfs' && layer.devices.length === 1)) {
      const own = this.#s.fileSystems.filter((f) => f.device === device);
      const [first] = own;
      if (first === undefined || !own.every(elastic)) return undefined;
      return leastOf({ ...first, usedBytes: Math.max(...own.map((f) => f.usedBytes)) });
    }
    switch (layer.type) {
      case 'luks': {
        const inner = this.least(layer.device);
        return inner === undefined ? undefined : inner + luksOverhead(layer);
      }
      case 'raid': {
        // A journal keeps its size.
        const inner = layer.table === undefined && layer.members.some((m) => m.device === device && m.slot >= -1) ? this.least(layer.device) : undefined;
        const data = dataMembers(layer);
        return inner === undefined || data === undefined ? undefined : Math.ceil(inner / data) + raidOverhead(layer);
      }
      case 'vg': return this.#leastPhysical(layer, device);
      case 'btrfs': return this.#leastMember(layer, device);
    }
  }

  /** Bytes of a partition, a disk, or an encrypted volume on one; undefined for what is stacked higher. */
  #bytesOf(device: string): number | undefined {
    for (const d of this.#s.disks) {
      if (d.device === device) return d.bytes;
      const p = d.table?.partitions.find((q) => q.node === device);
      if (p !== undefined) return p.sectors * d.sectorBytes;
    }
    const luks = this.#s.layers.find((l) => l.type === 'luks' && l.device === device);
    if (luks?.type !== 'luks') return undefined;
    const below = this.#bytesOf(luks.on);
    return below === undefined ? undefined : below - luksOverhead(luks);
  }

  /**
   * Least bytes of one device of a btrfs over several. All shrink by one share at most, that of the room that the whole can do without: what fits
   * into devices of this share fits as well where some are larger.
   */
  #leastMember(b: BtrfsLayer, device: string): number | undefined {
    const own = this.#s.fileSystems.filter((f) => f.type === 'btrfs' && f.uuid === b.uuid);
    const sizes = b.devices.map((d) => this.#bytesOf(d));
    const known = sizes.filter((n) => n !== undefined);
    const bytes = sizes[b.devices.indexOf(device)];
    if (own.length === 0 || bytes === undefined || known.length < sizes.length || b.devices.some((d) => this.#fixed.has(d)) || !own.every(elastic)) return undefined;
    const room = rawRoom(b.data, known);
    if (room === undefined) return undefined;
    // statfs(2) divides what is written by the number of copies, of data or of metadata, whichever has more of them.
    const copies = Math.max(copiesOf(b.data), copiesOf(b.metadata));
    const parity = /^raid5$/i.test(b.data) ? known.length / (known.length - 1) : /^raid6$/i.test(b.data) ? known.length / (known.length - 2) : 1;
    const need = Math.ceil(Math.max(...own.map((f) => f.usedBytes)) * copies * parity * 1.17) + known.length * 96 * MIB;
    return need >= room ? undefined : Math.max(LEAST['btrfs'] as number, Math.ceil((bytes * need) / room));
  }

  /**
   * Least bytes of one physical volume. Of several each gives of what the group can spare in proportion to its size, but
   * keeps its part of striped and mirrored volumes, which cannot move to another one.
   */
  #leastPhysical(g: VolumeGroup, device: string): number {
    const overhead = (p: VolumeGroup['physical'][number]): number => p.startBytes + 2 * g.extentBytes;
    const need = this.leastOfGroup(g);
    const [only] = g.physical;
    const pv = g.physical.find((p) => p.device === device) as VolumeGroup['physical'][number];
    if (g.physical.length === 1) return overhead(only as typeof pv) + need;
    const legs = up(ownVolumes(g).filter((v) => v.on.length === 0 || v.on.includes(device)).reduce((n, v) => n + up(legBytes(v), g.extentBytes) + g.extentBytes, 0), g.extentBytes);
    const all = g.physical.reduce((n, p) => n + p.bytes, 0);
    const spare = Math.max(0, all - need - g.physical.reduce((n, p) => n + overhead(p), 0));
    return Math.max(overhead(pv) + legs, Math.ceil(pv.bytes - (spare * pv.bytes) / all));
  }

  /** Least bytes that a group's volumes take together, each rounded up to an extent. */
  leastOfGroup(g: VolumeGroup): number {
    return ownVolumes(g).reduce((n, v) => n + up(Math.min(takenBytes(v, g.extentBytes), this.leastVolume(v) ?? Infinity), g.extentBytes), 0);
  }

  /** Least bytes of a logical volume; undefined: it keeps its size. */
  leastVolume(v: { readonly kind: string; readonly device: string }): number | undefined {
    return v.kind === 'linear' ? this.least(v.device) : undefined;
  }
}

/** Names of rules that mean nothing of a survey. */
export function unknownRules(survey: Survey, rules: SizeRules): string[] {
  const sizes = new Sizes(survey);
  return [...(rules.fixed ?? []), ...Object.keys(rules.weights ?? {})].filter((name) => sizes.deviceOf(name) === undefined);
}

/** An item to be sized; `least` undefined: fixed. `weight`: its share of what is gained. */
export interface Item { readonly bytes: number; readonly least: number | undefined; readonly weight?: number }

/**
 * Sizes in `room` bytes: as they were when they fit (larger by their weights, or in proportion to their sizes, when `grow`), else
 * the elastic ones smaller in proportion to what each has to spare. Multiples of `unit`. Returns undefined when even the least do
 * not fit.
 */
export function share(items: readonly Item[], room: number, unit: number, grow: boolean): number[] | undefined {
  const sum = (f: (i: Item) => number): number => items.reduce((n, i) => n + f(i), 0);
  const all = sum((i) => i.bytes);
  const weight = (i: Item): number => i.weight ?? (i.least === undefined ? 0 : i.bytes);
  const weights = sum(weight);
  if (all <= room) {
    if (!grow || weights === 0) return items.map((i) => i.bytes);
    const grown = items.map((i) => i.bytes + down(((room - all) * weight(i)) / weights, unit));
    // What rounding left over goes to the heaviest, unit by unit: planned again, nothing changes any more.
    const heaviest = items.map((i, n) => ({ n, w: weight(i) })).filter((h) => h.w > 0).sort((a, b) => b.w - a.w || a.n - b.n);
    for (let left = room - grown.reduce((n, b) => n + b, 0), k = 0; left >= unit; left -= unit, k++) {
      const { n } = heaviest[k % heaviest.length] as { n: number };
      grown[n] = (grown[n] as number) + unit;
    }
    return grown;
  }
  const spare = (i: Item): number => (i.least === undefined ? 0 : Math.max(0, i.bytes - up(i.least, unit)));
  const lack = all - room;
  if (sum(spare) < lack) return undefined;
  return items.map((i) => (spare(i) === 0 ? i.bytes : Math.max(down(i.bytes - (lack * spare(i)) / sum(spare), unit), up(i.least ?? 0, unit))));
}
