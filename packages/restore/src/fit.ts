import type { Disk, FileSystem, Layer, Partition, Survey, VolumeGroup } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { backupSectors, down, firstGptSector, gaps, inOrder, MIB, relaid, up, usable } from './geometry.js';
import { fittedInodes } from './inodes.js';
import { neededBytes, type Assignment } from './match.js';
import { dataMembers, luksOverhead, ownVolumes, raidOverhead, share, Sizes, takenBytes, unknownRules, type Item, type SizeRules } from './sizes.js';

/** A size that changes: of what, from and to, in bytes. */
export interface SizeChange { readonly what: string; readonly from: number; readonly to: number }
/** A survey whose sizes fit the new disks. */
export interface Fitted { readonly survey: Survey; readonly changes: readonly SizeChange[] }

/** Least size in bytes of a disk onto which this one can be brought. */
export function leastDiskBytes(survey: Survey, disk: Disk, rules: SizeRules = {}): number {
  const sizes = new Sizes(survey, rules);
  if (disk.table === undefined) return Math.min(disk.bytes, sizes.least(disk.device) ?? disk.bytes);
  const { table, sectorBytes } = disk;
  const { first } = usable(table, sectorBytes, disk.bytes);
  const need = inOrder(table).reduce((n, p) => {
    const bytes = p.sectors * sectorBytes;
    return n + Math.min(bytes, up(sizes.least(p.node) ?? bytes, MIB));
  }, 0);
  return Math.min(neededBytes(disk), first + need + gaps(table) + backupSectors(table, sectorBytes) * sectorBytes);
}

/** What is known of sizes while a survey is carried from the disks upwards. */
interface Sizing { readonly sizes: Sizes; readonly before: Map<string, number>; readonly now: Map<string, number>; readonly changes: SizeChange[]; readonly grow: boolean }

/**
 * Makes the sizes of a survey fit the disks it is brought onto: as they were where there is room, smaller where there is not
 * (down to what is used), larger when `grow` is wished. Partition tables, arrays, encrypted volumes and logical volumes follow
 * each other; sectors of another size are reckoned in. Pure.
 * @throws CdrecError DISK_TOO_SMALL by how many bytes; SIZE_RULE when a rule names nothing of the survey
 */
export function fitSurvey(survey: Survey, assignments: readonly Assignment[], grow: boolean, rules: SizeRules = {}): Fitted {
  const sizes = new Sizes(survey, rules);
  const [unknown] = unknownRules(survey, rules);
  if (unknown !== undefined) throw new CdrecError('SIZE_RULE', `"${unknown}" is nothing of this machine`, { hint: 'give a mount point, GROUP/VOLUME, or a device of the survey' });
  const s: Sizing = { sizes, before: new Map(), now: new Map(), changes: [], grow };
  for (const d of survey.disks) for (const p of d.table?.partitions ?? []) s.before.set(p.node, p.sectors * d.sectorBytes);
  const disks = survey.disks.map((disk): Disk => {
    const target = assignments.find((a) => a.source.device === disk.device)?.target;
    return target === undefined ? disk : fitDisk(survey, disk, target, s, rules);
  });
  if (s.now.size === 0) return { survey: { ...survey, disks }, changes: s.changes };
  const layers = survey.layers.map((l) => fitLayer(l, s));
  const fileSystems = survey.fileSystems.map((fs) => fitFileSystem(fs, s));
  return { survey: { ...survey, disks, layers, fileSystems }, changes: s.changes };
}

const tooSmall = (survey: Survey, disk: Disk, target: Assignment['target'], rules: SizeRules): CdrecError => {
  const need = leastDiskBytes(survey, disk, rules);
  return new CdrecError('DISK_TOO_SMALL', `${target.device} is too small for what is used on ${disk.device} by ${String(Math.max(1, need - target.bytes))} bytes (${String(target.bytes)} of ${String(need)})`, { hint: 'take a larger disk' });
};

function fitDisk(survey: Survey, original: Disk, target: Assignment['target'], s: Sizing, rules: SizeRules): Disk {
  const disk = original.table === undefined || target.sectorBytes === original.sectorBytes ? original : resectored(original, target.sectorBytes);
  const { table, sectorBytes } = disk;
  if (table === undefined) {
    if (target.bytes === disk.bytes) return disk;
    if (target.bytes < disk.bytes && target.bytes < leastDiskBytes(survey, disk, rules)) throw tooSmall(survey, disk, target, rules);
    s.before.set(disk.device, disk.bytes);
    s.now.set(disk.device, target.bytes);
    s.changes.push({ what: `disk ${disk.device}`, from: disk.bytes, to: target.bytes });
    return disk;
  }
  const range = usable(table, sectorBytes, target.bytes);
  const parts = inOrder(table);
  // An extended partition may reach further than what is in it.
  const end = Math.max(0, ...table.partitions.map((p) => (p.start + p.sectors) * sectorBytes));
  if (end <= range.end && !s.grow) return disk;
  const items = parts.map((p): Item => ({ bytes: p.sectors * sectorBytes, least: s.sizes.least(p.node), weight: s.sizes.weight(p.node, p.sectors * sectorBytes) }));
  const shared = share(items, range.end - range.first - gaps(table), MIB, s.grow);
  if (shared === undefined) {
    // Gaps of a new order may take what a table that fits as it is has no room for.
    if (end <= range.end) return disk;
    throw tooSmall(survey, disk, target, rules);
  }
  if (end <= range.end && shared.every((n, i) => n === items[i]?.bytes)) return disk;
  const laid = relaid(table, sectorBytes, shared, range.first);
  for (const p of parts) {
    const now = laid.partitions.find((q) => q.number === p.number) as Partition;
    s.now.set(p.node, now.sectors * sectorBytes);
    if (now.sectors !== p.sectors) s.changes.push({ what: `partition ${p.node}`, from: p.sectors * sectorBytes, to: now.sectors * sectorBytes });
  }
  return { ...disk, table: laid };
}

/** A disk whose table counts sectors of another size; partitions keep their bytes and begin at full MiB. */
function resectored(disk: Disk, sectorBytes: number): Disk {
  if (disk.table === undefined) return { ...disk, sectorBytes };
  const { table } = disk;
  const sizes = inOrder(table).map((p) => up(p.sectors * disk.sectorBytes, sectorBytes));
  const laid = relaid(table, sectorBytes, sizes, MIB);
  return { ...disk, sectorBytes, table: table.type === 'gpt' ? { ...laid, firstLba: firstGptSector(sectorBytes, table.tableLength) } : laid };
}

/** Carries new sizes from what a layer lies on to what lies on it; sizes of arrays and volumes are taken on the safe side. */
function fitLayer(l: Layer, s: Sizing): Layer {
  const size = (device: string, map: ReadonlyMap<string, number>): number => map.get(device) ?? s.before.get(device) ?? 0;
  if (l.type === 'raid') {
    const of = (map: ReadonlyMap<string, number>): number => (Math.min(...l.members.filter((m) => m.slot >= -1).map((m) => size(m.device, map))) - raidOverhead(l)) * (dataMembers(l) ?? 1);
    s.before.set(l.device, of(s.before));
    if (l.members.some((m) => s.now.has(m.device))) s.now.set(l.device, of(s.now));
  } else if (l.type === 'luks') {
    s.before.set(l.device, size(l.on, s.before) - luksOverhead(l));
    if (s.now.has(l.on)) s.now.set(l.device, size(l.on, s.now) - luksOverhead(l));
  } else if (l.type === 'vg') return fitGroup(l, s);
  return l;
}

function fitGroup(g: VolumeGroup, s: Sizing): VolumeGroup {
  for (const v of g.volumes) s.before.set(v.device, v.bytes);
  if (!g.physical.some((p) => s.now.has(p.device))) return g;
  // What there was fits: it was there.
  if (!s.grow && g.physical.every((p) => (s.now.get(p.device) ?? 0) >= (s.before.get(p.device) ?? Infinity) || !s.now.has(p.device))) return g;
  const own = ownVolumes(g);
  // A physical volume whose size was never reckoned (the survey does not know that of its disk) has the one that LVM said.
  const bytes = g.physical.map((p) => s.now.get(p.device) ?? p.bytes);
  const room = g.physical.reduce((n, p, i) => n + down((bytes[i] as number) - p.startBytes - g.extentBytes, g.extentBytes), 0);
  const items = own.map((v): Item => ({ bytes: v.kind === 'linear' ? v.bytes : takenBytes(v, g.extentBytes), least: s.sizes.leastVolume(v), weight: v.kind === 'linear' ? s.sizes.weight(v.device, v.bytes) : 0 }));
  const shared = share(items, down(room, g.extentBytes), g.extentBytes, s.grow);
  if (shared === undefined) throw new CdrecError('DISK_TOO_SMALL', `the volume group ${g.name} does not fit into ${String(bytes.reduce((n, b) => n + b, 0))} bytes: ${String(items.reduce((n, i) => n + up(i.least ?? i.bytes, g.extentBytes), 0) - room)} bytes are missing`, { hint: 'take a larger disk' });
  const volumes = g.volumes.map((v) => {
    const to = v.kind === 'linear' ? (shared[own.indexOf(v)] as number) : v.bytes;
    if (to !== v.bytes) {
      s.now.set(v.device, to);
      s.changes.push({ what: `logical volume ${g.name}/${v.name}`, from: v.bytes, to });
    }
    // On which disks a volume lay may not be where there is room for it now.
    return { ...v, bytes: to, on: (v.kind === 'linear' || v.kind === 'thin-pool') && g.physical.length > 1 ? [] : v.on };
  });
  return { ...g, volumes };
}

/** What an xfs of another size has otherwise: mkfs.xfs(8) knows what suits it. */
const XFS_SIZES = ['agBytes', 'logBytes', 'logUnitBytes'];

/** A file system of another size has inodes in proportion (as many as are in use at least), an xfs other groups and another log; a chosen journal stays, unless less room is there. */
function fitFileSystem(fs: FileSystem, s: Sizing): FileSystem {
  const now = s.now.get(fs.device);
  const before = s.before.get(fs.device);
  if (now === undefined || before === undefined || now === before) return fs;
  const kept = Object.entries(fs.parameters).filter(([name]) => !(fs.type === 'xfs' && XFS_SIZES.includes(name)) && !(name === 'journalMiB' && now < before));
  return { ...fs, bytes: Math.max(0, fs.bytes + now - before), parameters: { ...Object.fromEntries(kept), ...fittedInodes(fs, before, now) } };
}
