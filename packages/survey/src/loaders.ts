import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { BootLoader, Disk, FileSystem } from './schema.js';
import { listEfiPrograms } from './host.js';

/** Whether the first sector of a disk is GRUB's boot.img (it carries the word GRUB). */
export function hasGrubBootSector(device: string): boolean {
  const fd = openSync(device, 'r');
  try {
    const sector = Buffer.alloc(446);
    readSync(fd, sector, 0, 446, 0);
    return sector.includes('GRUB');
  } finally {
    closeSync(fd);
  }
}

/** Boot loaders found on the machine's disks and ESPs. */
export function readLoaders(disks: readonly Disk[], fileSystems: readonly FileSystem[]): BootLoader[] {
  const directory = ['/boot/grub', '/boot/grub2'].find((d) => existsSync(d)) ?? '/boot/grub';
  const bios = disks.filter((d) => d.used && hasGrubBootSector(d.device)).map((d): BootLoader => ({ type: 'grub-bios', disk: d.device, directory }));
  const efi = fileSystems.filter((f) => f.type === 'vfat').flatMap((f): BootLoader[] => {
    const files = listEfiPrograms(f.mount);
    return files.length === 0 ? [] : [{ type: 'efi', mount: f.mount, files }];
  });
  return [...bios, ...efi];
}
