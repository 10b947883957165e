import { readFileSync } from 'node:fs';
import { deviceNumber, readBlockTree, readMounts, superblockOf, type BlockDevice, type Mount } from '@cdrec/survey';

/** A disk that a restore might write to. `bytes` is its size; `refusal` says why it must not be written. */
export interface TargetDisk {
  readonly device: string;
  readonly bytes: number;
  readonly sectorBytes: number;
  readonly model: string;
  readonly serial: string;
  readonly wwn: string;
  /** What is on it now, in words. */
  readonly content: string;
  readonly refusal: string | undefined;
  /** A loop device, USB or other removable disk: never chosen by its size, only by serial number or by name. */
  readonly onlyByName: boolean;
  /** UUIDs of what lies on it: file systems, swap, members of arrays and volume groups, encrypted volumes. */
  readonly uuids?: readonly string[];
}

/** Disks as restore targets. `media` are devices that carry volumes of a recovery set, `swaps` the numbers (major:minor) of those in use as swap, `uuids` those of what lies on each device. Pure. */
export function toTargets(tree: readonly BlockDevice[], mounts: readonly Mount[], media: readonly string[], content: ReadonlyMap<string, string>, swaps: readonly string[] = [], uuids: ReadonlyMap<string, string> = new Map()): TargetDisk[] {
  const all = (d: BlockDevice): BlockDevice[] => [d, ...d.children.flatMap(all)];
  return tree.filter((d) => (d.type === 'disk' || d.type === 'loop') && d.bytes > 0 && !/^\/dev\/(ram|zram|fd)/.test(d.path)).map((disk) => {
    const devices = all(disk);
    const medium = devices.find((d) => media.includes(d.path));
    const mount = mounts.find((m) => devices.some((d) => d.number === m.number));
    const refusal = medium !== undefined ? 'it carries a volume of a recovery set'
      : mount !== undefined ? `it is in use: ${mount.source} is mounted on ${mount.target}`
      : devices.some((d) => swaps.includes(d.number)) ? 'it is in use as swap'
      : disk.readOnly ? 'it is read-only' : undefined;
    const parts = devices.slice(1).map((d) => `${d.path} ${content.get(d.path) ?? ''}`.trim());
    return {
      device: disk.path, bytes: disk.bytes, sectorBytes: disk.sectorBytes, model: disk.model, serial: disk.serial, wwn: disk.wwn,
      content: parts.length > 0 ? parts.join(', ') : (content.get(disk.path) ?? '') || 'blank', refusal,
      onlyByName: disk.type === 'loop' || disk.removable || disk.transport === 'usb', uuids: devices.flatMap((d) => uuids.get(d.path) ?? []),
    };
  });
}

/** Reads the disks of the machine that is to be restored. */
export async function readTargets(media: readonly string[]): Promise<TargetDisk[]> {
  const tree = await readBlockTree();
  const content = new Map<string, string>();
  const uuids = new Map<string, string>();
  const probe = async (d: BlockDevice): Promise<void> => {
    if (d.bytes > 0 && d.type !== 'rom' && !d.path.startsWith('/dev/fd')) {
      const s = await superblockOf(d.path);
      if (s.uuid !== '') uuids.set(d.path, s.uuid);
      content.set(d.path, [s.type, s.label === '' ? '' : `"${s.label}"`].filter((t) => t !== '').join(' '));
    }
    for (const child of d.children) await probe(child);
  };
  for (const disk of tree) await probe(disk);
  const swaps = readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).flatMap((l) => (l.startsWith('/dev/') ? [deviceNumber(l.split(/\s/)[0] as string)] : []));
  return toTargets(tree, await readMounts(), media, content, swaps, uuids);
}
