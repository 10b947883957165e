import type { BlockDevice, Mount, Superblock } from '@cdrec/survey';
import { readBlockTree, readMounts, superblockOf } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { realpathSync } from 'node:fs';

/** A disk or stick that is to be overwritten, and what speaks against it. */
export interface BurnTarget {
  readonly device: string;
  readonly bytes: number;
  readonly model: string;
  readonly serial: string;
  /** What is on it, in words. */
  readonly content: string;
  /** Why it must not be written at all. */
  readonly refusal: string | undefined;
  /** Why it is written only when it is named explicitly: no stick, or the carrier of a recovery set. */
  readonly doubts: readonly string[];
}

const below = (d: BlockDevice): BlockDevice[] => [d, ...d.children.flatMap(below)];

/** Volumes of recovery sets have this in their labels; an unknown ISO image is worth a question, too. */
const isSet = (s: Superblock | undefined): boolean => s?.type === 'iso9660';

/** Judges a device. Pure: `supers` are the superblocks of the disk and its partitions, by path. */
export function judgeTarget(device: string, tree: readonly BlockDevice[], mounts: readonly Mount[], swaps: readonly string[], supers: ReadonlyMap<string, Superblock>): BurnTarget {
  const disk = tree.find((d) => d.path === device);
  if (disk === undefined) {
    const whole = tree.find((d) => below(d).some((x) => x.path === device));
    throw new CdrecError('BURN_TARGET', whole === undefined ? `${device} is no block device of this machine` : `${device} is a part of ${whole.path}: an image needs the whole device`, { hint: whole === undefined ? `there are: ${tree.filter((d) => d.type === 'disk').map((d) => d.path).join(', ')}` : `name ${whole.path}` });
  }
  const all = below(disk);
  const mount = mounts.find((m) => all.some((d) => d.number === m.number));
  const swap = all.find((d) => swaps.includes(d.path));
  const held = all.find((d) => d.type !== 'disk' && d.type !== 'part' && d.type !== 'loop');
  const refusal = disk.type === 'rom' ? 'it is a disc drive: a stick is written here'
    : mount !== undefined ? `it is in use: ${mount.source} is mounted on ${mount.target}`
    : swap !== undefined ? `it is in use: ${swap.path} is a swap area`
    : held !== undefined ? `it is in use: ${held.path} (${held.type}) lies on it`
    : disk.readOnly ? 'it is read-only'
    : disk.bytes === 0 ? 'there is no medium in it' : undefined;
  const set = all.find((d) => isSet(supers.get(d.path)));
  const doubts = [
    ...(disk.removable || disk.transport === 'usb' ? [] : ['it is not a removable disk']),
    ...(set === undefined ? [] : [`it carries a volume already (${supers.get(set.path)?.label ?? ''})`]),
  ];
  const content = all.flatMap((d) => {
    const s = supers.get(d.path);
    return s === undefined || s.type === '' ? [] : [`${d.path} ${s.type}${s.label === '' ? '' : ` "${s.label}"`}`];
  });
  return { device, bytes: disk.bytes, model: disk.model, serial: disk.serial, content: content.join(', ') || 'blank', refusal, doubts };
}

/**
 * Looks at a device before it is overwritten. Links (/dev/disk/by-id/...) are followed.
 * @throws CdrecError BURN_TARGET when it is no whole block device
 */
export async function readBurnTarget(path: string, swaps: readonly string[]): Promise<BurnTarget> {
  let device: string;
  try {
    device = realpathSync(path);
  } catch (error) {
    throw new CdrecError('BURN_TARGET', `${path} does not exist`, { cause: error, hint: 'is the stick plugged in? "lsblk" shows what there is' });
  }
  const tree = await readBlockTree();
  const disk = tree.find((d) => below(d).some((x) => x.path === device));
  const supers = new Map<string, Superblock>();
  if (disk !== undefined && disk.bytes > 0 && disk.type !== 'rom') for (const d of below(disk)) supers.set(d.path, await superblockOf(d.path));
  return judgeTarget(device, tree, await readMounts(), swaps, supers);
}
