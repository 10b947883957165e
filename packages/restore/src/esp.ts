import type { Disk, FileSystem, Partition, Survey } from '@cdrec/survey';
import { derived, gptTypeOf } from './convert.js';
import { inOrder, MIB, up } from './geometry.js';
import { disksUnder } from './only.js';

/** Where a new EFI system partition is mounted. */
export const NEW_ESP = '/boot/efi';
const ESP_BYTES = 128 * MIB;

/**
 * The disk that gets an EFI system partition so that a machine that started by BIOS alone starts by UEFI as well: the one that GRUB is on, beside the root. undefined
 * where there is an ESP already, where another loader starts it, or where there is no table to put it in.
 */
export function espDisk(survey: Survey): string | undefined {
  const { loaders } = survey.boot;
  const root = survey.fileSystems.find((f) => f.mount === '/');
  if (root === undefined || loaders.some((l) => l.type === 'efi') || survey.fileSystems.some((f) => f.mount === NEW_ESP)) return undefined;
  const under = disksUnder(survey, root.device);
  const on = loaders.flatMap((l) => (l.type === 'grub-bios' ? [l.disk] : []));
  const disk = on.find((d) => under.includes(d)) ?? on[0];
  return survey.disks.some((d) => d.device === disk && d.table !== undefined) ? disk : undefined;
}

/** A survey whose disk, which has a GPT, has an EFI system partition behind the others, and UEFI as a way to start. Nothing of a set belongs into it. Pure. */
export function addEsp(survey: Survey, device: string): Survey {
  const disk = survey.disks.find((d) => d.device === device) as Disk;
  const table = disk.table as NonNullable<Disk['table']>;
  const parts = inOrder(table);
  const last = parts.at(-1);
  const mib = MIB / disk.sectorBytes;
  const id = derived(`${table.id} ${device} ESP`);
  const number = Array.from({ length: 128 }, (_, i) => i + 1).find((n) => !table.partitions.some((p) => p.number === n)) as number;
  const node = `${device} (ESP)`;
  const esp: Partition = { number, node, start: last === undefined ? mib : up(last.start + last.sectors, mib), sectors: ESP_BYTES / disk.sectorBytes, type: gptTypeOf('ef'), uuid: id, name: 'EFI System', bootable: false };
  const fs: FileSystem = { device: node, disk: device, partition: number, type: 'vfat', uuid: `${id.slice(0, 4)}-${id.slice(4, 8)}`, label: 'ESP', bytes: ESP_BYTES, usedBytes: ESP_BYTES, mount: NEW_ESP, options: '', parameters: { fatBits: '32' } };
  return {
    ...survey, fileSystems: [...survey.fileSystems, fs], boot: { ...survey.boot, loaders: [...survey.boot.loaders, { type: 'efi', mount: NEW_ESP, files: [] }] },
    disks: survey.disks.map((d) => (d.device === device ? { ...d, table: { ...table, partitions: [...table.partitions, esp] } } : d)),
  };
}

/** The line of fstab(5) by which a restored system mounts it. */
export const espLine = (uuid: string): string => `UUID=${uuid} ${NEW_ESP} vfat umask=0077 0 1`;
