import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { BootLoader, Disk, FileSystem } from './schema.js';
import { listEfiPrograms } from './host.js';

/** Which boot loader's code is in the first sector of a disk: GRUB's boot.img carries the word GRUB, LILO's has its name at byte 6. */
export function bootSectorOf(device: string): 'grub' | 'lilo' | undefined {
  const fd = openSync(device, 'r');
  try {
    const sector = Buffer.alloc(446);
    readSync(fd, sector, 0, 446, 0);
    return sector.includes('GRUB') ? 'grub' : sector.toString('latin1', 6, 10) === 'LILO' ? 'lilo' : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Boot loaders found on the machine's disks and ESPs. */
export function readLoaders(disks: readonly Disk[], fileSystems: readonly FileSystem[]): BootLoader[] {
  const directory = ['/boot/grub', '/boot/grub2'].find((d) => existsSync(d)) ?? '/boot/grub';
  const bios = disks.filter((d) => d.used).flatMap((d): BootLoader[] => {
    const code = bootSectorOf(d.device);
    return code === 'grub' ? [{ type: 'grub-bios', disk: d.device, directory }] : code === 'lilo' ? [{ type: 'lilo', disk: d.device }] : [];
  });
  const efi = fileSystems.filter((f) => f.type === 'vfat').flatMap((f): BootLoader[] => {
    const files = listEfiPrograms(f.mount);
    return files.length === 0 ? [] : [{ type: 'efi', mount: f.mount, files }];
  });
  return [...bios, ...efi];
}
