import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '@cdrec/tool';
import { forgetBtrfs, requireOwnBtrfs } from './btrfs-alone.js';
import type { Placement } from './plan.js';
import { labelNewFiles } from './selinux.js';

/** Which of some file systems a path lies on: the one mounted nearest above it. */
export const mountedAt = <T extends { readonly mount: string }>(path: string, all: readonly T[]): T | undefined => all.filter((f) => f.mount === '/' || path.startsWith(`${f.mount}/`)).sort((a, b) => b.mount.length - a.mount.length)[0];

/**
 * Mounts a device on a new directory, runs `work`, unmounts it whatever happens. `own`: a btrfs lies on this device and those of its options alone, whatever else has
 * its UUID; otherwise on all that the kernel has seen of it.
 * @throws CdrecError BTRFS_MIXED, TOOL_FAILED
 */
export async function withMount<T>({ device, type, options }: Pick<Placement, 'device' | 'type' | 'options'>, directory: string, work: () => Promise<T>, own = true): Promise<T> {
  mkdirSync(directory, { recursive: true });
  if (own && type === 'btrfs') await forgetBtrfs();
  await runTool('mount', ['-t', type, ...(options === undefined ? [] : ['-o', options]), device, directory]);
  let done = false;
  try {
    if (own && type === 'btrfs') await requireOwnBtrfs(device, options, directory);
    const result = await work();
    done = true;
    return result;
  } finally {
    // After success a failing umount is an error of its own: the data would not be known to be on the disk.
    await runTool('umount', [directory], done ? {} : { ok: [0, 1, 32] });
  }
}

/** Mounts the whole restored system with /dev, /proc, /sys (and the firmware's variables) below `root`, runs `work`, labels what it made (SELinux), unmounts all. */
export async function withSystem<T>(fileSystems: readonly Placement[], root: string, work: () => Promise<T>): Promise<T> {
  const mounted: string[] = [];
  let done = false;
  const mount = async (target: string, args: string[]): Promise<void> => {
    mkdirSync(target, { recursive: true });
    await runTool('mount', [...args, target]);
    mounted.push(target);
  };
  try {
    for (const fs of fileSystems) {
      if (fs.type === 'btrfs') await forgetBtrfs();
      await mount(join(root, fs.mount), ['-t', fs.type, ...(fs.options === undefined ? [] : ['-o', fs.options]), fs.device]);
      if (fs.type === 'btrfs') await requireOwnBtrfs(fs.device, fs.options, join(root, fs.mount));
    }
    // /run: what device-mapper, LVM and udev know of the devices; grub-install asks them. Private: what is mounted there is not this system's.
    for (const dir of ['dev', 'proc', 'sys', 'run']) await mount(join(root, dir), ['--bind', '--make-private', `/${dir}`]);
    const result = await work();
    await labelNewFiles(root, fileSystems.map((f) => f.mount));
    done = true;
    return result;
  } finally {
    // With what the system's own programs mounted below (Debian 13's efivarfs, on the way to a new initramfs).
    for (const target of mounted.reverse()) await runTool('umount', ['--recursive', target], done ? {} : { ok: [0, 1, 32] });
  }
}
