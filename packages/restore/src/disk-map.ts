import { describeLayer, type Layer, type Survey } from '@cdrec/survey';
import { inOrder } from './geometry.js';

/** A line of a disk's map: a device at some depth below the disk, with its bytes before and after (undefined: is not there, or not known). */
export interface MapRow { readonly depth: number; readonly name: string; readonly what: string; readonly before: number | undefined; readonly after: number | undefined }

/** What lies on a disk, as rows: its partitions in their order, and below each what it holds, as far as this disk alone carries it. Pure. */
export function diskMap(before: Survey, after: Survey, device: string): MapRow[] {
  const [old, now] = [before, after].map((s) => s.disks.find((d) => d.device === device));
  const rows: MapRow[] = [];
  const tables = [old?.table, now?.table];
  if (tables[1] === undefined) {
    rows.push({ depth: 0, name: device, before: old?.bytes, after: now?.bytes, what: content(after, device) });
    addLayers(after, before, device, 1, rows);
    return rows;
  }
  for (const p of inOrder(tables[1])) {
    // What a plan adds has no device node of its own.
    const was = / \((?:ESP|BIOS boot)\)$/.test(p.node) ? undefined : tables[0]?.partitions.find((q) => q.node === p.node);
    rows.push({ depth: 0, name: `partition ${String(p.number)}`, before: was === undefined ? undefined : was.sectors * (old?.sectorBytes ?? 512), after: p.sectors * (now?.sectorBytes ?? 512), what: content(after, p.node) || (p.name ?? '') });
    addLayers(after, before, p.node, 1, rows);
  }
  return rows;
}

/** File systems, swap and images on a device, in words. */
function content(s: Survey, device: string): string {
  const mounts = s.fileSystems.filter((f) => f.device === device);
  if (mounts.length > 0) return `${mounts[0]?.type as string} ${mounts.map((f) => f.mount).join(', ')}`;
  if (s.swaps.some((w) => w.device === device)) return 'swap';
  const image = s.images.find((i) => i.device === device);
  return image === undefined ? '' : `${image.type || 'data'}, block by block`;
}

const carries = (l: Layer, device: string): boolean => (l.type === 'raid' ? l.members.some((m) => m.device === device) : l.type === 'luks' ? l.on === device : l.type === 'vg' ? l.physical.some((p) => p.device === device) : false);

function addLayers(s: Survey, before: Survey, device: string, depth: number, rows: MapRow[]): void {
  for (const l of s.layers) {
    if (!carries(l, device)) continue;
    if (l.type === 'vg') {
      rows.push({ depth, name: l.name, before: undefined, after: undefined, what: `volume group${l.physical.length > 1 ? ` over ${String(l.physical.length)} devices` : ''}` });
      // A group over several disks is shown with its first one.
      if (l.physical[0]?.device !== device) continue;
      const was = before.layers.find((b) => b.type === 'vg' && b.name === l.name);
      for (const v of l.volumes) rows.push({ depth: depth + 1, name: v.name, before: was?.type === 'vg' ? was.volumes.find((b) => b.name === v.name)?.bytes : undefined, after: v.bytes, what: [v.kind === 'linear' ? '' : v.kind, content(s, v.device)].filter((t) => t !== '').join(' ') });
    } else {
      rows.push({ depth, name: l.device.replace(/^\/dev\/(mapper\/)?/, ''), before: undefined, after: undefined, what: [describeLayer(l).replace(/^(array|encrypted volume) \S+: /, ''), content(s, l.device)].filter((t) => t !== '').join('; ') });
      addLayers(s, before, l.device, depth + 1, rows);
    }
  }
}
