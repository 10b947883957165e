import { superblockOf } from './block.js';
import { below, deviceNumber, partitionNumber, type Node } from './graph.js';
import { groupOf, readGroups } from './layers/lvm.js';
import { readLuks } from './layers/luks.js';
import { readRaid } from './layers/raid.js';
import type { Layer } from './schema.js';

/** Why something cannot be made again, and what it is. */
export interface Gap { readonly node: Node; readonly reason: string }

/**
 * Whether everything that a device lies on is understood: disks, partitions, md, LUKS, LVM. Returns the first that is not.
 * Pure: what the layers are made of is read by `readLayers`.
 */
export function gapBelow(node: Node): Gap | undefined {
  for (const n of below(node)) {
    if (n.kind === 'other') return { node: n, reason: `it lies on ${n.device.path} (${n.device.type}), which is not supported` };
    if (n.kind === 'partition' && n.parents.some((p) => p.kind !== 'disk' && p.kind !== 'raid')) return { node: n, reason: `it lies on ${n.device.path}, a partition on ${n.parents[0]?.device.type ?? 'an unknown device'}, which is not supported` };
    if (n.parents.length === 0 && n.kind !== 'disk') return { node: n, reason: `what ${n.device.path} lies on is not shown by lsblk` };
  }
  return undefined;
}

/** The disk and partition number of a device that lies on nothing else; an empty disk for one on a layer. */
export function placeOf(node: Node): { device: string; disk: string; partition: number } {
  const [parent] = node.parents;
  if (node.kind === 'disk') return { device: node.device.path, disk: node.device.path, partition: 0 };
  if (node.kind === 'partition' && parent !== undefined) return { device: node.device.path, disk: parent.device.path, partition: partitionNumber(node.device.path) };
  return { device: node.device.path, disk: '', partition: 0 };
}

/** All disks that a device lies on. */
export const disksBelow = (node: Node): Node[] => below(node).filter((n) => n.kind === 'disk');

/**
 * Reads what lies between the disks and the given devices: arrays, LUKS volumes, volume groups (whole, with all of their
 * physical volumes and what these lie on), each after what it lies on. `reject` is told what cannot be made again.
 * Returns the layers and every device that takes part.
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED
 */
export async function readLayers(devices: readonly Node[], graph: ReadonlyMap<string, Node>, reject: (object: string, what: string, reason: string) => void): Promise<{ layers: Layer[]; nodes: Node[] }> {
  const layers: Layer[] = [];
  const done = new Set<Node>();
  const groups = new Set<string>();
  const byPath = new Map([...graph.values()].map((n) => [n.device.path, n]));
  const visit = async (node: Node): Promise<void> => {
    if (done.has(node)) return;
    done.add(node);
    if (node.kind === 'lvm') {
      const group = await groupOf(node.device.path);
      if (group === '') reject(node.device.path, 'logical volume', 'LVM, as it is configured, does not know its group (lvm.conf(5): filter, scan_lvs)');
      else await readGroup(group);
      return;
    }
    for (const p of node.parents) await visit(p);
    if (node.kind === 'raid') {
      const raid = await readRaid(node.device);
      layers.push(raid);
      if (!/^(0\.9|1\.)/.test(raid.metadata)) reject(node.device.path, raid.metadata === '' ? 'array in a container' : `array with metadata ${raid.metadata}`, 'arrays that the firmware knows (IMSM, DDF) are not made again');
    }
    else if (node.kind === 'crypt') await readCrypt(node);
  };
  const readGroup = async (name: string): Promise<void> => {
    if (groups.has(name)) return;
    groups.add(name);
    const { groups: [named], other } = await readGroups([name]);
    if (named === undefined) return;
    // A volume of another group has another name for LVM (/dev/vg/lv) than for lsblk.
    const pathOf = (device: string): string => (byPath.has(device) ? device : (graph.get(deviceNumber(device))?.device.path ?? device));
    const group = { ...named, physical: named.physical.map((p) => ({ ...p, device: pathOf(p.device) })), volumes: named.volumes.map((v) => ({ ...v, on: v.on.map(pathOf) })) };
    for (const p of group.physical) {
      const node = byPath.get(p.device);
      const gap = node === undefined ? undefined : gapBelow(node);
      if (node === undefined || gap !== undefined) reject(p.device, `physical volume of ${name}`, gap?.reason ?? 'the device is not shown by lsblk');
      else await visit(node);
    }
    layers.push(group);
    for (const o of other) reject(o.name, `logical volume of kind ${o.kind}`, 'volumes of this kind are not made again');
  };
  const readCrypt = async (node: Node): Promise<void> => {
    const on = node.parents[0]?.device.path ?? '';
    const block = await superblockOf(on);
    if (block.type === 'crypto_LUKS') {
      const { layer, integrity } = await readLuks(node.device.path, on, block);
      layers.push(layer);
      if (integrity) reject(node.device.path, 'encrypted volume with integrity', 'LUKS volumes with checksums of their sectors (cryptsetup --integrity) are not made again');
    } else reject(node.device.path, 'encrypted device', `${on} has no LUKS header (plain dm-crypt, or a detached header)`);
  };
  for (const d of devices) await visit(d);
  return { layers, nodes: [...done] };
}

/** One line on a layer, for a person. */
export function describeLayer(l: Layer): string {
  switch (l.type) {
    case 'raid': return `array ${l.device}: ${l.level} of ${l.members.map((m) => m.device).join(', ')}${l.members.length < l.count ? ` (${String(l.count - l.members.length)} missing)` : ''}`;
    case 'luks': return `encrypted volume ${l.name}: LUKS${l.version} on ${l.on}`;
    case 'vg': return `volume group ${l.name} on ${l.physical.map((p) => p.device).join(', ')}: ${l.volumes.map((v) => `${v.name} (${v.kind})`).join(', ')}`;
    case 'btrfs': return `btrfs ${l.label || l.uuid} on ${l.devices.join(', ')}: ${l.subvolumes.filter((s) => !s.snapshot).map((s) => s.path).join(', ') || 'no subvolumes'}`;
  }
}
