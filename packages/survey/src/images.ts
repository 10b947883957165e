import { findProgram } from '@cdrec/tool';
import { superblockOf } from './block.js';
import { deviceNumber, type Node } from './graph.js';
import type { DeviceImage } from './schema.js';
import { gapBelow, placeOf } from './stack.js';

/** partclone's programs by blkid's names, where they differ from `partclone.TYPE`. */
const PARTCLONE: Readonly<Record<string, string>> = { 'hfsplus': 'partclone.hfsp', 'nilfs2': 'partclone.nilfs2', 'reiserfs': 'partclone.reiserfs', 'ufs': 'partclone.ufs' };

/** What saves a device with the fewest blocks: ntfsclone, a program of partclone, or dd, which takes all. */
export function imageMethod(type: string, path: string): string {
  if (type === 'ntfs' && findProgram('ntfsclone', path) !== undefined) return 'ntfsclone';
  const partclone = PARTCLONE[type] ?? `partclone.${type}`;
  return /^\w+$/.test(type) && findProgram(partclone, path) !== undefined ? partclone : 'dd';
}

/** The devices that were named to be saved block by block. `archived` are devices whose files are archived, with their mount points. */
export async function readImages(devices: readonly string[], graph: ReadonlyMap<string, Node>, archived: ReadonlyMap<string, string>, path: string, reject: (object: string, what: string, reason: string) => void): Promise<{ images: DeviceImage[]; nodes: Node[] }> {
  const images: DeviceImage[] = [];
  const nodes: Node[] = [];
  for (const device of devices) {
    const node = graph.get(deviceNumber(device));
    const gap = node === undefined ? undefined : gapBelow(node);
    const mount = node === undefined ? undefined : archived.get(node.device.path);
    if (node === undefined || gap !== undefined) reject(device, 'device of backup.images', gap?.reason ?? 'it is no block device of this machine');
    else if (mount !== undefined) reject(device, 'device of backup.images', `its file system is mounted on ${mount} and archived by files`);
    else {
      const { type, uuid, label } = await superblockOf(node.device.path);
      images.push({ ...placeOf(node), type, uuid, label, bytes: node.device.bytes, method: imageMethod(type, path) });
      nodes.push(node);
    }
  }
  return { images, nodes };
}
