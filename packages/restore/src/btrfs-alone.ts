import { deviceNumber } from '@cdrec/survey';
import { CdrecError, errorCode, findProgram, runTool } from '@cdrec/tool';

/**
 * The kernel forgets all devices of btrfs file systems that are not mounted (btrfs-device(8)). It takes all that it has seen of one UUID for one file
 * system, and the newest of them speaks for it: an old disk beside the new one would be mounted, and written to, in its place.
 */
export async function forgetBtrfs(): Promise<void> {
  // There may be nothing to forget, or no btrfs.
  if (findProgram('btrfs', '') !== undefined) await runTool('btrfs', ['device', 'scan', '--forget'], { ok: [0, 1] });
}

/**
 * Sees that what is mounted on `directory` lies on the devices that were meant: `device`, and those that `options` name (`device=`).
 * @throws CdrecError BTRFS_MIXED
 */
export async function requireOwnBtrfs(device: string, options: string | undefined, directory: string): Promise<void> {
  const source = (await runTool('findmnt', ['--noheadings', '--first-only', '--output', 'SOURCE', '--mountpoint', directory])).stdout.trim().replace(/\[.*\]$/, '');
  const meant = [device, ...(options ?? '').split(',').flatMap((o) => (o.startsWith('device=') ? [o.slice('device='.length)] : []))].map(deviceNumber);
  const number = deviceNumber(source);
  if (number !== '' && !meant.includes(number)) throw new CdrecError('BTRFS_MIXED', `the kernel mounted ${source} in the place of ${device}: both have the same UUID`, { hint: 'detach the old disk, then run the same command again' });
}

/** Runs a program that sees, of all disks, those of its arguments alone: libblkid looks for others in /sys/block and /proc/partitions, and in its cache. */
const SEEING = `disks=
for a; do
  [ -b "$a" ] || continue
  d=$(readlink -f "/sys/class/block/$(basename "$(readlink -f "$a")")")
  [ ! -e "$d/partition" ] || d=$(dirname "$d")
  disks="$disks $d"
done
mount --bind /dev/null /proc/partitions
mount -t tmpfs none /sys/block
for d in $disks; do ln -sf "$d" /sys/block/; done
exec "$@"`;

/**
 * Makes a btrfs with a UUID that another disk may have as well: mkfs.btrfs refuses one that it sees anywhere, and has no flag against
 * that. Nothing is written before it looks, so it is run again, with the others out of its sight.
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED
 */
export async function makeBtrfs(args: readonly string[]): Promise<void> {
  try {
    await runTool('mkfs.btrfs', args);
  } catch (error) {
    if (errorCode(error) !== 'TOOL_FAILED' || !(error instanceof Error) || !error.message.includes('non-unique UUID')) throw error;
    await runTool('unshare', ['--mount', '--propagation', 'private', 'bash', '-ec', SEEING, 'bash', 'mkfs.btrfs', ...args], { env: { BLKID_FILE: '/dev/null' } });
  }
}
