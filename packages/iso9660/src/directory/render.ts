import { both16, both32, SECTOR, sectorsFor } from '../bytes.js';
import { writeRecordDate } from '../dates.js';
import { EntryList, type Relocation } from '../rockridge/entries.js';
import { SystemUse } from '../rockridge/use.js';
import type { DirNode, IsoNode } from '../tree.js';
import { eachRecord, idBytes, MAX_SECTION, recordBase, roundEven, sectionCount, type DirView, type Hierarchy, type RelocationRole, type TreeKind } from './hierarchy.js';

/** Sectors of directories with their continuation areas, and of both path tables. */
export const hierarchySectors = (h: Hierarchy): number => h.directorySectors + 2 * sectorsFor(h.pathTableBytes);

/** A hierarchy with its place: what the volume descriptor must say about it. */
export interface PlacedHierarchy {
  readonly hierarchy: Hierarchy;
  readonly start: number;
  readonly sectors: number;
  /** Sector of the two path tables. */
  readonly pathTableL: number;
  readonly pathTableM: number;
  readonly root: DirView;
  /** Sector that entries without data point to. */
  readonly emptySector: number;
}

/**
 * Directories in the order of their extents: that of the path table; with relocated ones first the root, then
 * `rr_moved` with all that was moved, then the others, as genisoimage has it. libarchive reads in the order of extents
 * and must have met what was moved (RE) before the placeholder (CL) that it belongs to.
 */
function extentOrder(h: Hierarchy): readonly DirView[] {
  if (h.moved.size === 0) return h.dirs;
  const groups = new Map<DirNode | undefined, DirView[]>([[undefined, []], ...[...h.moved.keys()].map((dir): [DirNode, DirView[]] => [dir, []])]);
  const group = new Map<DirView, DirNode | undefined>();
  for (const view of h.dirs) { // parents come before their children
    const own = h.moved.has(view.node) ? view.node : view.parent === undefined ? undefined : group.get(view.parent);
    group.set(view, own);
    (groups.get(own) as DirView[]).push(view);
  }
  const [others, ...moved] = [...groups.values()] as [DirView[], ...DirView[][]];
  const first = others.filter((v) => v.parent === undefined || v.node === h.movedTo);
  return [...first, ...moved.flat(), ...others.filter((v) => !first.includes(v))];
}

/** Gives every directory its sectors from `start` on: both path tables, then the directories. */
export function placeHierarchy(h: Hierarchy, start: number, emptySector: number): PlacedHierarchy {
  const tables = sectorsFor(h.pathTableBytes);
  let sector = start + 2 * tables;
  for (const dir of extentOrder(h)) {
    dir.sector = sector;
    sector += dir.bytes / SECTOR + dir.continuation;
  }
  return { hierarchy: h, start, sectors: hierarchySectors(h), pathTableL: start, pathTableM: start + tables, root: h.dirs[0] as DirView, emptySector };
}

/** Renders what `placeHierarchy` placed, in the order of the sectors. A buffer that is yielded is used again for the next. */
export function* renderHierarchy(p: PlacedHierarchy): Generator<Buffer> {
  const { hierarchy: h } = p;
  yield renderPathTable(h, true);
  yield renderPathTable(h, false);
  const list = h.kind.rockRidge ? new EntryList() : undefined;
  const buffer = Buffer.allocUnsafeSlow(h.dirs.reduce((n, d) => Math.max(n, d.bytes), 0));
  for (const dir of extentOrder(h)) {
    const use = list === undefined ? undefined : new SystemUse(list, dir.sector + dir.bytes / SECTOR);
    yield renderDirectory(p, dir, use, buffer);
    yield* use?.continuation() ?? [];
  }
}

/** Writes an identifier; '' is one byte, `special` (ECMA-119 6.8.2.2). Returns its bytes. */
function writeId(out: Buffer, at: number, kind: TreeKind, id: string, special: number): number {
  if (id === '') {
    out[at] = special;
    return 1;
  }
  if (kind.names !== 'joliet') return out.write(id, at, 'latin1');
  for (let i = 0; i < id.length; i++) out.writeUInt16BE(id.charCodeAt(i), at + i * 2);
  return id.length * 2;
}

/** Everything of a directory record but length, identifier and system use area (ECMA-119 9.1). */
function writeRecord(out: Buffer, at: number, sector: number, bytes: number, seconds: number, flags: number): void {
  both32(out, at + 2, sector);
  both32(out, at + 10, bytes);
  writeRecordDate(out, at + 18, seconds);
  out[at + 25] = flags;
  both16(out, at + 28, 1);
}

/** The 34-byte root record of a volume descriptor (ECMA-119 8.4.18). */
export function rootRecord(p: PlacedHierarchy): Buffer {
  const out = Buffer.alloc(34);
  writeRecord(out, 0, p.root.sector, p.root.bytes, p.root.node.seconds, 2);
  out[0] = 34;
  out[32] = 1;
  return out;
}

function relocationOf(h: Hierarchy, view: DirView, node: IsoNode, role: RelocationRole): Relocation | undefined {
  switch (role) {
    case 'cl': return { cl: (h.byNode.get(node as DirNode) as DirView).sector };
    case 'pl': return { pl: (h.byNode.get(view.trueParent as DirNode) as DirView).sector };
    case 're': return { re: true };
    case undefined: return undefined;
  }
}

function renderDirectory(p: PlacedHierarchy, view: DirView, use: SystemUse | undefined, buffer: Buffer): Buffer {
  const { hierarchy: h } = p;
  const out = buffer.subarray(0, view.bytes).fill(0);
  let at = 0;
  eachRecord(h, view, (node, kind, id, role) => {
    const bytesOfId = idBytes(h.kind, id);
    const base = recordBase(bytesOfId);
    const used = use === undefined ? 0 : use.prepare(node, kind, relocationOf(h, view, node, role), 254 - base);
    const length = base + roundEven(used);
    const asDir = node.type === 'dir' && role !== 'cl' ? h.byNode.get(node) as DirView : undefined;
    const content = node.type === 'file' ? node.content : undefined;
    const first = content === undefined || content.bytes === 0 ? p.emptySector : content.sector;
    const parts = sectionCount(node);
    for (let i = 0; i < parts; i++) {
      if ((at % SECTOR) + length > SECTOR) at = sectorsFor(at) * SECTOR;
      const offset = i * MAX_SECTION;
      const bytes = asDir?.bytes ?? Math.min(MAX_SECTION, (content?.bytes ?? 0) - offset);
      out[at] = length;
      writeRecord(out, at, asDir?.sector ?? first + offset / SECTOR, Math.max(0, bytes), node.seconds, asDir !== undefined ? 2 : i < parts - 1 ? 0x80 : 0);
      out[at + 32] = bytesOfId;
      writeId(out, at + 33, h.kind, id, kind === 'parent' ? 1 : 0);
      use?.copyTo(out, at + base);
      at += length;
    }
  });
  return out;
}

/** Path table, type L (little-endian) or M (ECMA-119 9.4). Parent numbers have 16 bits: beyond 65,535 directories they are cut. */
function renderPathTable(h: Hierarchy, little: boolean): Buffer {
  const out = Buffer.alloc(sectorsFor(h.pathTableBytes) * SECTOR);
  let at = 0;
  for (const dir of h.dirs) {
    const parent = (dir.parent?.number ?? 1) & 0xffff;
    if (little) {
      out.writeUInt32LE(dir.sector, at + 2);
      out.writeUInt16LE(parent, at + 6);
    } else {
      out.writeUInt32BE(dir.sector, at + 2);
      out.writeUInt16BE(parent, at + 6);
    }
    const bytes = writeId(out, at + 8, h.kind, dir.id, 0);
    out[at] = bytes;
    at += 8 + bytes + (bytes & 1);
  }
  return out;
}
