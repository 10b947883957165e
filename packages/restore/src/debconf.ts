import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Renamed } from './references.js';

/** Answers of debconf (debconf-devel(7); Debconf::DbDriver::File): blocks of "Name: value" with an empty line between. */
const ANSWERS = 'var/cache/debconf/config.dat';

/**
 * Where Debian's grub packages install themselves at each of their upgrades. With a disk that is gone the upgrade fails, or new modules meet the old
 * core image in the boot sector, which then finds nothing. `stable` gives a disk its lasting name. Pure.
 */
export function rewriteInstallDevices(text: string, renamed: readonly Renamed[], stable: (device: string) => string): { text: string; changes: string[] } {
  const to = new Map(renamed.map((r) => [r.from, r.path]));
  const changes: string[] = [];
  const blocks = text.split('\n\n').map((block) => {
    if (!/^Name: grub-[\w-]+\/install_devices$/m.test(block)) return block;
    return block.replace(/^Value: (.*)$/m, (line, value: string) => {
      const items = value.split(',').map((v) => v.trim()).filter((v) => v !== '');
      const now = [...new Set(items.map((v) => (to.has(v) ? stable(to.get(v) as string) : v)))];
      if (now.join() === items.join()) return line;
      changes.push(`${items.join(', ')} -> ${now.join(', ')}`);
      return `Value: ${now.join(', ')}`;
    });
  });
  return { text: blocks.join('\n\n'), changes };
}

/** The link of udev by which a disk is found again, rather one with its model and serial number than with its WWN; the device itself where there is none. */
export function stableLink(device: string, links = '/dev/disk/by-id'): string {
  const rank = (name: string): number => (/^(wwn-|nvme-(eui|uuid)\.|nvme-nvme\.|dm-|lvm-)/.test(name) ? 1 : 0);
  const same = (existsSync(links) ? readdirSync(links) : []).filter((n) => {
    try {
      return realpathSync(join(links, n)) === realpathSync(device);
    } catch {
      return false; // a link whose disk is gone
    }
  });
  const [first] = same.sort((a, b) => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1));
  return first === undefined ? device : `/dev/disk/by-id/${first}`;
}

/** Tells Debian's packages of GRUB which disks they are on now. Returns what was done, a line each. */
export function adaptDebconf(root: string, renamed: readonly Renamed[]): string[] {
  const path = join(root, ANSWERS);
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return [];
  const { text, changes } = rewriteInstallDevices(readFileSync(path, 'latin1'), renamed, stableLink);
  if (changes.length > 0) writeFileSync(path, text, 'latin1');
  return changes.map((c) => `/${ANSWERS}: GRUB is installed on ${c}`);
}
