import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { BootLoader, Disk, FileSystem, FirmwareEntry } from './schema.js';
import { listEfiPrograms } from './host.js';

/** Bytes of the first sector that are code: behind them are the disk's signature and the table (UEFI 5.2.1). */
const CODE = 440;

/** What is in the first sector of a disk. */
export interface BootSector {
  /** GRUB's boot.img carries the word GRUB, LILO's has its name at byte 6. */
  readonly loader?: 'grub' | 'lilo';
  /** Other code, in base64, without the zeros behind it: what starts Windows, EXTLINUX's, or that of a loader nobody here knows. */
  readonly code?: string;
  /** The first entry of the table is marked active. */
  readonly active: boolean;
}

/** Reads the first sector of a disk. */
export function bootSectorOf(device: string): BootSector {
  const fd = openSync(device, 'r');
  try {
    const sector = Buffer.alloc(512);
    readSync(fd, sector, 0, 512, 0);
    const active = sector[446] === 0x80;
    if (sector.subarray(0, 446).includes('GRUB')) return { loader: 'grub', active };
    if (sector.toString('latin1', 6, 10) === 'LILO') return { loader: 'lilo', active };
    let end = CODE;
    while (end > 0 && sector[end - 1] === 0) end--;
    return end === 0 ? { active } : { code: sector.toString('base64', 0, end), active };
  } finally {
    closeSync(fd);
  }
}

/** Where EXTLINUX and its kin have their second stage. */
const EXTLINUX = ['/boot/extlinux', '/boot/syslinux', '/extlinux', '/syslinux', '/boot'];

/** Boot loaders found on the machine's disks and ESPs. What an entry of the firmware starts there (a kernel itself, say) is one too, whatever its name. */
export function readLoaders(disks: readonly Disk[], fileSystems: readonly FileSystem[], entries: readonly FirmwareEntry[]): BootLoader[] {
  const partitions = disks.flatMap((d) => d.table?.partitions ?? []);
  const directory = ['/boot/grub', '/boot/grub2'].find((d) => existsSync(d)) ?? '/boot/grub';
  const extlinux = EXTLINUX.find((d) => existsSync(join(d, 'ldlinux.sys')));
  const bios = disks.filter((d) => d.used).flatMap((d): BootLoader[] => {
    const { loader, code } = bootSectorOf(d.device);
    // Code that knows nothing but the active partition (Windows', LILO's own, mbr.bin) may stand before a loader in there.
    const active = loader === undefined && d.table?.type === 'dos' ? d.table.partitions.find((p) => p.bootable && !/^0?[5f]$/i.test(p.type))?.node : undefined;
    const found = loader ?? (active === undefined ? undefined : bootSectorOf(active).loader);
    const place = { disk: d.device, ...(active === undefined ? {} : { partition: active }) };
    if (found !== undefined) return [found === 'grub' ? { type: 'grub-bios', ...place, directory } : { type: 'lilo', ...place }];
    return code !== undefined && extlinux !== undefined ? [{ type: 'extlinux', disk: d.device, directory: extlinux }] : [];
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
