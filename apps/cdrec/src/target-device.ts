import { closeSync, constants, openSync, realpathSync, statSync } from 'node:fs';
import { deviceNumber, readMounts } from '@cdrec/survey';
import { CdrecError, errorCode } from '@cdrec/tool';

/** Where sysfs(5) has a block device; a partition lies below its disk. */
const placeOf = (device: string): string => realpathSync(`/sys/dev/block/${deviceNumber(device)}`);

/** Whether two block devices are the same, or one is a part of the other. */
function overlap(a: string, b: string): boolean {
  const [x, y] = [`${placeOf(a)}/`, `${placeOf(b)}/`];
  return x.startsWith(y) || y.startsWith(x);
}

/**
 * Makes sure that a block device may be written to: nobody has it in use (mounted, swap, part of an array or a volume group: open(2), O_EXCL on block
 * devices), whatever name it is called by, and none of `media`, on which the set lies, is on it.
 * @throws CdrecError DISK_REFUSED; the system's own errors
 */
export async function requireFree(device: string, media: readonly string[]): Promise<void> {
  const medium = media.find((m) => statSync(m, { throwIfNoEntry: false })?.isBlockDevice() === true && overlap(m, device));
  if (medium !== undefined) throw new CdrecError('DISK_REFUSED', `${device} holds the set itself${medium === device ? '' : ` (${medium})`}`, { hint: 'choose another --to' });
  try {
    closeSync(openSync(device, constants.O_RDONLY | constants.O_EXCL));
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error;
    const number = deviceNumber(device);
    const mount = (await readMounts()).find((m) => m.number === number || (m.source.startsWith('/dev/') && deviceNumber(m.source) === number));
    throw new CdrecError('DISK_REFUSED', `${device} ${mount === undefined ? 'is in use: swap, or part of an array, a volume group, an encrypted volume, or a partition of it is mounted' : `is mounted on ${mount.target}`}`, { cause: error, hint: mount === undefined ? 'lsblk shows by what' : `unmount it, or give --to ${mount.target}` });
  }
}
