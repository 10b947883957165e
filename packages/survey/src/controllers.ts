import { existsSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Kernel modules on the way from a disk to the processor: its own driver and those of every controller and bus above it,
 * as sysfs shows them. Drivers that are built into the kernel have no module and are left out.
 */
export function modulesOfDisk(device: string, sys = '/sys'): string[] {
  const start = join(sys, 'class/block', basename(device));
  if (!existsSync(start)) return [];
  const out: string[] = [];
  for (let at = realpathSync(start); at.length > realpathSync(sys).length; at = dirname(at)) {
    const module = join(at, 'driver/module');
    if (existsSync(module)) out.push(basename(readlinkSync(module)));
  }
  return [...new Set(out)];
}
