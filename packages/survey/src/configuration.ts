import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { BootLoader } from './schema.js';

/** Files that say how the machine starts and what it mounts, relative to its root; of a directory all files. */
const WATCHED = [
  'etc/fstab', 'etc/crypttab', 'etc/mdadm/mdadm.conf', 'etc/mdadm.conf', 'etc/default/grub', 'etc/default/grub.d', 'etc/kernel/cmdline', 'etc/lilo.conf',
  'boot/grub/grub.cfg', 'boot/grub2/grub.cfg', 'boot/loader/entries', 'boot/efi/loader/entries', 'efi/loader/entries', 'boot/extlinux/extlinux.conf', 'extlinux/extlinux.conf', 'boot/syslinux/syslinux.cfg', 'syslinux/syslinux.cfg',
];

const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex').slice(0, 16);

/** Code of a boot sector without what lies behind it: the first 440 bytes (the disk's id and the table follow). */
function bootCode(device: string): string | undefined {
  const fd = openSync(device, 'r');
  try {
    const sector = Buffer.alloc(440);
    readSync(fd, sector, 0, 440, 0);
    return digest(sector);
  } finally {
    closeSync(fd);
  }
}

/** Digests of what says how the machine starts: configuration files, UEFI programs, the code of boot sectors. */
export function readConfiguration(loaders: readonly BootLoader[], root = '/'): Record<string, string> {
  const out: Record<string, string> = {};
  const add = (path: string): void => {
    const full = join(root, path);
    const stat = lstatSync(full, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) for (const name of readdirSync(full).sort()) add(join(path, name));
    else if (stat !== undefined && existsSync(full)) out[`/${path}`] = digest(readFileSync(full));
  };
  for (const path of WATCHED) add(path);
  let sectors = 0;
  for (const l of loaders) {
    if (l.type === 'efi') for (const file of l.files) add(join(l.mount.slice(1), file));
    // Not by the disk's name, which may be another one at the next start.
    else out[`boot sector ${String(++sectors)}`] = bootCode(l.disk) ?? '';
  }
  return out;
}
