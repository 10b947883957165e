import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { BootLoader, Disk, FileSystem, FirmwareEntry } from './schema.js';
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

/** Boot loaders found on the machine's disks and ESPs. What an entry of the firmware starts there (a kernel itself, say) is one too, whatever its name. */
export function readLoaders(disks: readonly Disk[], fileSystems: readonly FileSystem[], entries: readonly FirmwareEntry[]): BootLoader[] {
  const partitions = disks.flatMap((d) => d.table?.partitions ?? []);
  const directory = ['/boot/grub', '/boot/grub2'].find((d) => existsSync(d)) ?? '/boot/grub';
  const bios = disks.filter((d) => d.used).flatMap((d): BootLoader[] => {
    const code = bootSectorOf(d.device);
    return code === 'grub' ? [{ type: 'grub-bios', disk: d.device, directory }] : code === 'lilo' ? [{ type: 'lilo', disk: d.device }] : [];
  });
  const efi = fileSystems.filter((f) => f.type === 'vfat').flatMap((f): BootLoader[] => {
    const uuid = partitions.find((p) => p.node === f.device)?.uuid?.toUpperCase();
    const started = entries.filter((e) => e.partition === uuid).map((e) => e.file.replaceAll('\\', '/').replace(/^\/+/, '')).filter((file) => existsSync(join(f.mount, file)));
    const known = listEfiPrograms(f.mount);
    const files = [...known, ...started.filter((s) => !known.some((k) => k.toLowerCase() === s.toLowerCase()))];
    return files.length === 0 ? [] : [{ type: 'efi', mount: f.mount, files }];
  });
  return [...bios, ...efi];
}
