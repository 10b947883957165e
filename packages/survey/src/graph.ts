import { statSync } from 'node:fs';
import type { BlockDevice } from './block.js';

/** What layer a device is: a bottom, a partition, or one of the kernel's stacked devices. */
export type DeviceKind = 'disk' | 'partition' | 'raid' | 'crypt' | 'lvm' | 'other';

/** One block device with what it lies on. */
export interface Node {
  readonly device: BlockDevice;
  readonly kind: DeviceKind;
  readonly parents: readonly Node[];
}

const kindOf = (type: string): DeviceKind =>
  type === 'disk' || type === 'loop' ? 'disk' : type === 'part' ? 'partition' : type === 'crypt' ? 'crypt' : type === 'lvm' ? 'lvm' : /^(raid\d+|linear|md)$/.test(type) ? 'raid' : 'other';

/**
 * The devices of lsblk's trees as a graph, by major:minor: a device on several others (an array, a volume over two disks)
 * stands in the trees once below each, and here once.
 */
export function graphOf(tree: readonly BlockDevice[]): Map<string, Node> {
  const out = new Map<string, { device: BlockDevice; kind: DeviceKind; parents: Node[] }>();
  const walk = (device: BlockDevice, parent: Node | undefined): void => {
    let node = out.get(device.number);
    if (node === undefined) {
      // What lies on something is no bottom, also where lsblk calls it a disk (bcache, DRBD).
      node = { device, kind: parent !== undefined && kindOf(device.type) === 'disk' ? 'other' : kindOf(device.type), parents: [] };
      out.set(device.number, node);
    }
    if (parent !== undefined && !node.parents.includes(parent)) node.parents.push(parent);
    for (const child of device.children) walk(child, node);
  };
  for (const disk of tree) walk(disk, undefined);
  return out;
}

/** A node and everything it lies on, each once, the lowest first. */
export function below(node: Node): Node[] {
  const out: Node[] = [];
  const walk = (n: Node): void => {
    for (const p of n.parents) walk(p);
    if (!out.includes(n)) out.push(n);
  };
  walk(node);
  return out;
}

/** Number of a partition by the end of its name. */
export const partitionNumber = (path: string): number => Number(/(\d+)$/.exec(path)?.[1] ?? 0);

/** major:minor of a device node, as lsblk writes it; empty when the node is not there. */
export function deviceNumber(path: string): string {
  const rdev = statSync(path, { throwIfNoEntry: false })?.rdev;
  return rdev === undefined ? '' : `${String((rdev >> 8) & 0xfff)}:${String((rdev & 0xff) | ((rdev >> 12) & 0xfff00))}`;
}
