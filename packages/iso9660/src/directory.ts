import { both16, both32, recordDate, SECTOR, sectorsFor, utf16be } from './bytes.js';
import { compareIsoNames, isoNames, jolietNames, MAX_SECTION } from './names.js';
import { ContinuationArea, suspEntries } from './rockridge.js';
import type { DirNode, IsoNode } from './tree.js';

/** A directory with everything its extent needs, except the sector numbers of other directories. */
interface Placed {
  readonly node: DirNode;
  readonly parent: Placed | undefined;
  readonly id: Buffer;
  readonly records: Rec[];
  readonly bytes: number;
  readonly number: number;
  sector: number;
}

/** One directory record to be: identifier, system use bytes, and where its data lies. */
interface Rec {
  readonly id: Buffer;
  readonly use: Buffer;
  readonly node: IsoNode;
  readonly role: 'self' | 'parent' | 'child';
}

/** The directory hierarchy of one tree (ISO with Rock Ridge, or Joliet), measured but not yet placed. */
export interface Hierarchy {
  readonly dirs: Placed[];
  readonly byNode: Map<DirNode, Placed>;
  readonly area: ContinuationArea | undefined;
  readonly directorySectors: number;
  readonly pathTableBytes: number;
}

const recordLength = (r: Rec): number => {
  const base = 33 + r.id.length;
  return base + (base & 1) + r.use.length + (r.use.length & 1);
};

/** Sections that a node's data is described by: one record each (multi-extent, ECMA-119 9.1.6 bit 7). */
function sections(node: IsoNode): { offset: number; bytes: number }[] {
  const total = node.type === 'file' ? node.extent.bytes : 0;
  const out = [{ offset: 0, bytes: Math.min(total, MAX_SECTION) }];
  for (let at = MAX_SECTION; at < total; at += MAX_SECTION) out.push({ offset: at, bytes: Math.min(total - at, MAX_SECTION) });
  return out;
}

/** Bytes of a directory extent: records do not cross sectors (ECMA-119 6.8.1.1). */
function extentBytes(records: readonly Rec[]): number {
  let at = 0;
  for (const r of records) {
    for (let i = sections(r.node).length; i > 0; i--) {
      const length = recordLength(r);
      if ((at % SECTOR) + length > SECTOR) at = sectorsFor(at) * SECTOR;
      at += length;
    }
  }
  return sectorsFor(at) * SECTOR;
}

/** Measures all directories of a tree, in path table order: by level, then parent, then identifier (ECMA-119 6.9.1). */
export function measure(root: DirNode, joliet: boolean): Hierarchy {
  const area = joliet ? undefined : new ContinuationArea();
  const dirs: Placed[] = [];
  const byNode = new Map<DirNode, Placed>();
  const use = (node: IsoNode, kind: 'root' | 'dot' | 'child', idLength: number): Buffer =>
    area === undefined ? Buffer.alloc(0) : area.fit(suspEntries(node, kind), 254 - (33 + idLength + ((33 + idLength) & 1)));

  let level: { node: DirNode; parent: Placed | undefined; id: Buffer }[] = [{ node: root, parent: undefined, id: Buffer.from([0]) }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { node, parent, id } of level) {
      // Input order must not matter: names are mangled in the order of the real ones.
      const children = [...node.children.values()].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
      const names = joliet ? jolietNames(children) : isoNames(children);
      const encode = (n: string): Buffer => (joliet ? utf16be(n) : Buffer.from(n, 'latin1'));
      const sorted = children.map((child) => ({ child, name: names.get(child) as string }));
      if (joliet) sorted.sort((a, b) => Buffer.compare(encode(a.name), encode(b.name)));
      else sorted.sort((a, b) => compareIsoNames(a.name, b.name));
      const records: Rec[] = [
        { id: Buffer.from([0]), use: use(node, parent === undefined ? 'root' : 'dot', 1), node, role: 'self' },
        { id: Buffer.from([1]), use: use(parent?.node ?? node, 'dot', 1), node: parent?.node ?? node, role: 'parent' },
        ...sorted
          .filter(({ child }) => !(joliet && child.type === 'symlink'))
          .map(({ child, name }): Rec => {
            const bytes = encode(name);
            return { id: bytes, use: use(child, 'child', bytes.length), node: child, role: 'child' };
          }),
      ];
      const placed: Placed = { node, parent, id, records, bytes: extentBytes(records), number: dirs.length + 1, sector: 0 };
      dirs.push(placed);
      byNode.set(node, placed);
      for (const { child, name } of sorted) if (child.type === 'dir') next.push({ node: child, parent: placed, id: encode(name) });
    }
    level = next;
  }
  return {
    dirs, byNode, area,
    directorySectors: dirs.reduce((n, d) => n + d.bytes / SECTOR, 0),
    pathTableBytes: dirs.reduce((n, d) => n + 8 + d.id.length + (d.id.length & 1), 0),
  };
}

/** Sectors of directories, continuation areas and both path tables. */
export function hierarchySectors(h: Hierarchy): number {
  return h.directorySectors + (h.area?.sectors ?? 0) + 2 * sectorsFor(h.pathTableBytes);
}

/** What the volume descriptor must say about a placed hierarchy. */
export interface PlacedHierarchy {
  readonly data: Buffer;
  readonly rootRecord: Buffer;
  readonly pathTableL: number;
  readonly pathTableM: number;
  readonly pathTableBytes: number;
}

/** Gives every directory its sectors, from `start` on, and renders directories, continuation areas and path tables. */
export function place(h: Hierarchy, start: number): PlacedHierarchy {
  let sector = start;
  for (const dir of h.dirs) {
    dir.sector = sector;
    sector += dir.bytes / SECTOR;
  }
  const areaBytes = h.area?.relocate(sector) ?? Buffer.alloc(0);
  const pathTableL = sector + areaBytes.length / SECTOR;
  const pathTableM = pathTableL + sectorsFor(h.pathTableBytes);
  const tables = [true, false].map((little) => renderPathTable(h, little));
  const data = Buffer.concat([...h.dirs.map((d) => renderDirectory(h, d)), areaBytes, ...tables]);
  const root = h.dirs[0] as Placed;
  return {
    data, pathTableL, pathTableM, pathTableBytes: h.pathTableBytes,
    rootRecord: renderRecord({ id: Buffer.from([0]), use: Buffer.alloc(0), node: root.node, role: 'self' }, root.sector, root.bytes, 2),
  };
}

function renderRecord(r: Rec, sector: number, bytes: number, flags: number): Buffer {
  const buf = Buffer.alloc(recordLength(r));
  buf[0] = buf.length;
  both32(buf, 2, sector);
  both32(buf, 10, bytes);
  recordDate(r.node.mtime).copy(buf, 18);
  buf[25] = flags;
  both16(buf, 28, 1);
  buf[32] = r.id.length;
  r.id.copy(buf, 33);
  const base = 33 + r.id.length;
  r.use.copy(buf, base + (base & 1));
  return buf;
}

function renderDirectory(h: Hierarchy, dir: Placed): Buffer {
  const out = Buffer.alloc(dir.bytes);
  let at = 0;
  const put = (rec: Buffer): void => {
    if ((at % SECTOR) + rec.length > SECTOR) at = sectorsFor(at) * SECTOR;
    at += rec.copy(out, at);
  };
  for (const r of dir.records) {
    if (r.node.type === 'dir') {
      const target = h.byNode.get(r.node) as Placed;
      put(renderRecord(r, target.sector, target.bytes, 2));
      continue;
    }
    const parts = sections(r.node);
    const first = r.node.type === 'file' ? r.node.extent.sector : 0;
    parts.forEach((part, i) => {
      put(renderRecord(r, first + part.offset / SECTOR, part.bytes, i < parts.length - 1 ? 0x80 : 0));
    });
  }
  return out;
}

/** Path table, type L (little-endian) or M (ECMA-119 9.4). */
function renderPathTable(h: Hierarchy, little: boolean): Buffer {
  const out = Buffer.alloc(sectorsFor(h.pathTableBytes) * SECTOR);
  let at = 0;
  for (const dir of h.dirs) {
    out[at] = dir.id.length;
    if (little) {
      out.writeUInt32LE(dir.sector, at + 2);
      out.writeUInt16LE(dir.parent?.number ?? 1, at + 6);
    } else {
      out.writeUInt32BE(dir.sector, at + 2);
      out.writeUInt16BE(dir.parent?.number ?? 1, at + 6);
    }
    dir.id.copy(out, at + 8);
    at += 8 + dir.id.length + (dir.id.length & 1);
  }
  return out;
}
