import type { BootLoader, Disk, Partition, PartitionTable, Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { isExtended } from './commands.js';
import { BIOS_BOOT, convertTable, derived, gptTypeOf } from './convert.js';
import { firstGptSector, MIB, up } from './geometry.js';
import { spareMembers } from './layers.js';
import { disksUnder } from './only.js';

/** A survey in which several disks have become one, as far as they go onto the same new one. */
export interface Joined {
  readonly survey: Survey;
  /** PARTUUIDs that are other ones in the joined table: old to new. */
  readonly partUuids: ReadonlyMap<string, string>;
  /** The disks that went onto another one, as they were, by the device of that one. */
  readonly others: ReadonlyMap<string, readonly Disk[]>;
}

/** How much of what starts the machine lies on a disk: a boot loader in its first sectors, an ESP, the root. */
function startRank(survey: Survey, disk: Disk): number {
  const on = (mount: string): boolean => survey.fileSystems.some((f) => f.mount === mount && disksUnder(survey, f.device).includes(disk.device));
  const loads = survey.boot.loaders.some((l) => (l.type === 'efi' ? on(l.mount) : l.disk === disk.device));
  return (loads ? 2 : 0) + (on('/') ? 1 : 0);
}

/** Boot loaders in first sectors, each kind once a disk: several of the old disks may have had one. */
function joinLoaders(loaders: readonly BootLoader[], joined: ReadonlyMap<string, Disk>): BootLoader[] {
  const moved = loaders.map((l): BootLoader => (l.type === 'efi' ? l : { ...l, disk: joined.get(l.disk)?.device ?? l.disk }));
  return moved.filter((l, i) => l.type === 'efi' || moved.findIndex((o) => o.type === l.type && o.disk === l.disk) === i);
}

/** Partitions of a disk as entries of a GPT, and what becomes of their PARTUUIDs. Where the whole disk is the content it becomes one partition, under the name of the disk. */
function asGpt(disk: Disk, grubBios: boolean): { table: PartitionTable; partUuids: ReadonlyMap<string, string> } {
  if (disk.table === undefined) {
    const start = up(firstGptSector(disk.sectorBytes), MIB / disk.sectorBytes);
    const id = derived(`${disk.device} ${disk.serial} disk`);
    const whole: Partition = { number: 1, node: disk.device, start, sectors: Math.floor(disk.bytes / disk.sectorBytes), bootable: false, type: gptTypeOf('83'), uuid: derived(`${id} 1`) };
    return { table: { type: 'gpt', id, firstLba: firstGptSector(disk.sectorBytes), partitions: [whole] }, partUuids: new Map() };
  }
  const { disk: now, partUuids } = convertTable(disk, 'gpt', grubBios);
  return { table: now.table as PartitionTable, partUuids };
}

/** Puts the partitions of others behind those of one disk: numbers go on, sizes and PARTUUIDs stay, all begin at full MiB. */
function joinTables(host: Disk, others: readonly Disk[], grubBios: boolean): { disk: Disk; partUuids: Map<string, string> } {
  const first = asGpt(host, grubBios);
  const partUuids = new Map(first.partUuids);
  const partitions = [...first.table.partitions];
  const mib = MIB / host.sectorBytes;
  for (const other of others) {
    const added = asGpt(other, false);
    for (const [from, to] of added.partUuids) partUuids.set(from, to);
    // A place for GRUB is needed once.
    for (const p of added.table.partitions.filter((q) => q.type.toUpperCase() !== BIOS_BOOT).sort((a, b) => a.start - b.start)) {
      const number = Math.max(0, ...partitions.map((q) => q.number)) + 1;
      const start = up(Math.max(mib, ...partitions.map((q) => q.start + q.sectors)), mib);
      // Disks that were copies of each other have the same ids; one table cannot.
      const twice = p.uuid !== undefined && partitions.some((q) => q.uuid?.toUpperCase() === p.uuid?.toUpperCase());
      partitions.push({ ...p, number, start, sectors: Math.ceil((p.sectors * other.sectorBytes) / host.sectorBytes), ...(twice ? { uuid: derived(`${other.device} ${p.uuid ?? ''}`) } : {}) });
    }
  }
  const room = first.table.tableLength ?? 128;
  if (partitions.some((p) => p.number > room)) throw new CdrecError('TABLE_CONVERSION', `${[host, ...others].map((d) => d.device).join(', ')} have ${String(partitions.length)} partitions together: the table has room for ${String(room)}`);
  return { disk: { ...host, table: { ...first.table, partitions }, ...(host.bootCode === undefined ? {} : { bootCode: '' }) }, partUuids };
}

/**
 * Makes one disk of those that are to go onto the same new one (`chosen`: source device to target device). The one that the machine
 * starts from keeps its partitions' numbers, those of the others follow; the table is a GPT. Pure.
 * @throws CdrecError TABLE_CONVERSION when there are more partitions than a table holds
 */
export function joinDisks(survey: Survey, chosen: ReadonlyMap<string, string>): Joined {
  const groups = new Map<string, Disk[]>();
  for (const d of survey.disks) {
    const target = d.used ? chosen.get(d.device) : undefined;
    if (target !== undefined) groups.set(target, [...(groups.get(target) ?? []), d]);
  }
  const partUuids = new Map<string, string>();
  const others = new Map<string, readonly Disk[]>();
  const joined = new Map<string, Disk>();
  for (const group of groups.values()) {
    if (group.length === 1) continue;
    const host = group.reduce((a, b) => (startRank(survey, b) > startRank(survey, a) ? b : a));
    const rest = group.filter((d) => d !== host);
    const { disk, partUuids: changed } = joinTables(host, rest, survey.boot.loaders.some((l) => l.type === 'grub-bios' && group.some((d) => d.device === l.disk)));
    for (const [from, to] of changed) partUuids.set(from, to);
    others.set(host.device, rest);
    for (const d of group) joined.set(d.device, disk);
  }
  if (others.size === 0) return { survey, partUuids, others };
  const disks = survey.disks.flatMap((d) => {
    const now = joined.get(d.device);
    return now === undefined ? [d] : now.device === d.device ? [now] : [];
  });
  const place = <T extends { readonly device: string; readonly disk: string; readonly partition: number }>(x: T): T => {
    const now = joined.get(x.disk);
    const number = now?.table?.partitions.find((p) => !isExtended(p) && p.node === x.device)?.number;
    return now === undefined ? x : { ...x, disk: now.device, partition: number ?? x.partition };
  };
  return { survey: { ...survey, disks, fileSystems: survey.fileSystems.map(place), swaps: survey.swaps.map(place), images: survey.images.map(place), boot: { ...survey.boot, loaders: joinLoaders(survey.boot.loaders, joined) } }, partUuids, others };
}

/** PARTUUIDs that changed first by joining disks, then by another table. */
export function chained(first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...[...first].map(([from, to]): [string, string] => [from, second.get(to) ?? to]), ...[...second].filter(([from]) => ![...first.values()].includes(from))]);
}

/** What is less safe on one disk than on several: arrays, mirrored volumes and btrfs of which several copies would be lost with it. In words. */
export function lostRedundancy(survey: Survey, others: ReadonlyMap<string, readonly Disk[]>): string[] {
  return [...others.keys()].flatMap((host) => {
    const disk = survey.disks.find((d) => d.device === host);
    const on = (device: string): boolean => disk?.table?.partitions.some((p) => p.node === device) === true;
    const several = (devices: readonly string[]): boolean => devices.filter(on).length > 1;
    return survey.layers.flatMap((l) => {
      if (l.type === 'raid' && spareMembers(l) > 0 && several(l.members.map((m) => m.device))) return [`the array ${l.device} (${l.level})`];
      if (l.type === 'btrfs' && /raid[156]/i.test(`${l.data} ${l.metadata}`) && several(l.devices)) return [`the btrfs ${l.label || l.uuid}`];
      if (l.type === 'vg' && several(l.physical.map((p) => p.device))) return l.volumes.filter((v) => /^(mirror|raid(1|4|5|6|10))$/.test(v.kind)).map((v) => `the logical volume ${l.name}/${v.name} (${v.kind})`);
      return [];
    }).map((what) => `${what} has several of its members on one disk now: it is lost with this disk`);
  });
}
