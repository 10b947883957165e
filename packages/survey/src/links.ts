import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Names that udev gives a whole disk below /dev/disk/by-id and by-path (`by-id/ata-MODEL_SERIAL`): configuration files may
 * speak of disks by them, and no other disk has them. Those of its partitions end in `-partN`.
 */
export function linksOf(device: string, directory = '/dev/disk'): string[] {
  return ['by-id', 'by-path'].flatMap((kind) => {
    let names: string[];
    try {
      names = readdirSync(join(directory, kind));
    } catch {
      return []; // no udev here
    }
    return names.filter((name) => {
      try {
        return realpathSync(join(directory, kind, name)) === device;
      } catch {
        return false; // gone meanwhile
      }
    }).map((name) => `${kind}/${name}`).sort();
  });
}
