import { createHash } from 'node:crypto';
import type { Disk, Partition, PartitionTable, Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { isExtended } from './commands.js';
import { firstGptSector, inOrder, MIB, relaid } from './geometry.js';

const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';
/** Partition that holds GRUB's core image on a disk with GPT (GRUB manual, "BIOS installation"). */
export const BIOS_BOOT = '21686148-6449-6E6F-744E-656564454649';
/** Types of the MBR and their GUIDs; what is not here is taken for a Linux file system. */
const TYPES: readonly (readonly [mbr: string, gpt: string])[] = [
  ['83', LINUX], ['82', '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F'], ['8e', 'E6D6D379-F507-44C2-A23C-238F2A3DF928'], ['fd', 'A19D880F-05FC-4D3B-A006-743F0F84911E'],
  ['ef', 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'], ['7', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'], ['c', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'], ['e', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'], ['b', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'], ['6', 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'],
];

/** The type of a GPT's partition for one of an MBR (hexadecimal, small letters). */
export const gptTypeOf = (mbr: string): string => TYPES.find(([m]) => m === mbr.replace(/^0+(?=.)/, ''))?.[1] ?? LINUX;

/** A disk with a table of the other kind, and the PARTUUIDs that change with it. */
export interface Converted { readonly disk: Disk; readonly partUuids: ReadonlyMap<string, string> }

/** A UUID of version 8 (RFC 9562) that follows from a text: the same conversion gives the same ids. */
export function derived(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`.toUpperCase();
}

/** PARTUUID as the kernel and blkid write it: the GUID in small letters, or the disk's id and the number. */
export function partUuid(table: PartitionTable, p: Pick<Partition, 'number' | 'uuid'>): string {
  if (table.type === 'gpt') return (p.uuid ?? '').toLowerCase();
  return `${table.id.replace(/^0x/, '').toLowerCase().padStart(8, '0')}-${p.number.toString(16).padStart(2, '0')}`;
}

/**
 * Turns an MBR into a GPT or the other way round. Partitions keep their numbers where the other table has them, their order and
 * their sizes; all begin at full MiB. `grubBios`: a GPT gets a BIOS boot partition for GRUB. Pure.
 * @throws CdrecError TABLE_CONVERSION when the other table cannot hold it
 */
export function convertTable(disk: Disk, to: PartitionTable['type'], grubBios: boolean): Converted {
  const { table } = disk;
  if (table === undefined) throw new CdrecError('TABLE_CONVERSION', `${disk.device} has no partition table that could be converted`);
  if (table.type === to) return { disk, partUuids: new Map() };
  const converted = to === 'gpt' ? toGpt(disk, table, grubBios) : toDos(disk, table);
  const partUuids = new Map(inOrder(table).flatMap((p): [string, string][] => {
    const now = converted.partitions.find((q) => q.node === p.node);
    return now === undefined ? [] : [[partUuid(table, p), partUuid(converted, now)]];
  }));
  // Code that starts from one kind of table does not know the other.
  return { disk: { ...disk, table: converted, ...(disk.bootCode === undefined ? {} : { bootCode: '' }) }, partUuids };
}

function toGpt(disk: Disk, table: PartitionTable, grubBios: boolean): PartitionTable {
  const first = firstGptSector(disk.sectorBytes);
  const parts = inOrder(table);
  const seed = `${table.id} ${disk.device}`;
  const gpt: PartitionTable = {
    type: 'gpt', id: derived(`${seed} disk`), firstLba: first,
    partitions: table.partitions.filter((p) => !isExtended(p)).map((p) => {
      const legacy = p.bootable && !grubBios ? { attrs: 'LegacyBIOSBootable' } : {};
      return { number: p.number, node: p.node, start: p.start, sectors: p.sectors, bootable: false, type: gptTypeOf(p.type.toLowerCase()), uuid: derived(`${seed} ${String(p.number)}`), ...legacy };
    }),
  };
  const mib = MIB / disk.sectorBytes;
  // Old tables begin at sector 63: everything moves to make room for the GPT and GRUB.
  const roomy = Math.min(...parts.map((p) => p.start)) >= mib;
  const laid = roomy ? gpt : relaid(gpt, disk.sectorBytes, parts.map((p) => p.sectors * disk.sectorBytes), MIB);
  if (!grubBios) return laid;
  const number = Array.from({ length: 128 }, (_, i) => i + 1).find((n) => !laid.partitions.some((p) => p.number === n)) as number;
  return { ...laid, partitions: [...laid.partitions, { number, node: `${disk.device} (BIOS boot)`, start: first, sectors: mib - first, type: BIOS_BOOT, uuid: derived(`${seed} bios boot`), name: 'BIOS boot', bootable: false }] };
}

function toDos(disk: Disk, table: PartitionTable): PartitionTable {
  const parts = inOrder(table).filter((p) => p.type.toUpperCase() !== BIOS_BOOT);
  const keep = parts.length <= 4 && parts.every((p) => p.number <= 4);
  const primary = parts.length <= 4 ? parts.length : 3;
  if (parts.length > 59) throw new CdrecError('TABLE_CONVERSION', `${disk.device} has ${String(parts.length)} partitions: an MBR holds no more than 59`);
  const id = `0x${createHash('sha256').update(`${table.id} ${disk.device}`).digest('hex').slice(0, 8)}`;
  const mbrType = (guid: string): string => TYPES.find(([, gpt]) => gpt === guid.toUpperCase())?.[0] ?? '83';
  const partitions: Partition[] = parts.map((p, i) => ({ number: keep ? p.number : i < primary ? i + 1 : i - primary + 5, node: p.node, start: p.start, sectors: p.sectors, type: mbrType(p.type), bootable: p.attrs?.includes('LegacyBIOSBootable') ?? false }));
  if (parts.length > 4) partitions.push({ number: 4, node: `${disk.device} (extended)`, start: (partitions[primary] as Partition).start, sectors: 1, type: 'f', bootable: false });
  const laid = relaid({ type: 'dos', id, partitions }, disk.sectorBytes, parts.map((p) => p.sectors * disk.sectorBytes), MIB);
  if (inOrder(laid).some((p) => p.start + p.sectors > 0xffffffff)) throw new CdrecError('TABLE_CONVERSION', `${disk.device} has partitions behind 2 TiB, where an MBR does not reach`);
  return laid;
}


/** A survey with some tables converted: partition numbers of what lies on them follow. */
export function convertSurvey(survey: Survey, wanted: ReadonlyMap<string, PartitionTable['type']>): { survey: Survey; partUuids: ReadonlyMap<string, string> } {
  const partUuids = new Map<string, string>();
  const numbers = new Map<string, number>();
  const disks = survey.disks.map((disk) => {
    const to = wanted.get(disk.device);
    if (to === undefined) return disk;
    const converted = convertTable(disk, to, survey.boot.loaders.some((l) => l.type === 'grub-bios' && l.disk === disk.device));
    for (const [from, now] of converted.partUuids) partUuids.set(from, now);
    for (const p of converted.disk.table?.partitions ?? []) numbers.set(p.node, p.number);
    return converted.disk;
  });
  const renumber = <T extends { readonly device: string; readonly partition: number }>(x: T): T => ({ ...x, partition: numbers.get(x.device) ?? x.partition });
  return { survey: { ...survey, disks, fileSystems: survey.fileSystems.map(renumber), swaps: survey.swaps.map(renumber), images: survey.images.map(renumber) }, partUuids };
}
