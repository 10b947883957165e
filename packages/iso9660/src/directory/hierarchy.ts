import { SECTOR, sectorsFor, utf16be } from '../bytes.js';
import { byIsoId, assignIsoIds, directoryId, type NameLevel } from '../names/iso.js';
import { assignJolietIds, byJolietId, enhancedIds } from '../names/joliet.js';
import { UniqueNames } from '../names/unique.js';
import { EntryList, type Relocation, type UseKind } from '../rockridge/entries.js';
import { SystemUse } from '../rockridge/use.js';
import { DirNode, type IsoNode } from '../tree.js';

/** Largest section of a file in one directory record: a multiple of the sector below 4 GiB (ECMA-119 9.1.4). */
export const MAX_SECTION = 0xfffff800;
/** Most directory levels, the root being the first (ECMA-119 6.8.2.1). */
const MAX_LEVELS = 8;

/** What kind of tree is made: which names, and whether Rock Ridge is in it. */
export interface TreeKind {
  readonly names: 'iso' | 'joliet' | 'enhanced';
  readonly level: NameLevel;
  readonly jolietUnits: number;
  readonly rockRidge: boolean;
  /** Move directories deeper than eight levels to `rr_moved` (CL, PL, RE). */
  readonly relocate: boolean;
}

/** One directory of a tree, measured; `sector` and `number` are its place. */
export interface DirView {
  readonly node: DirNode;
  readonly parent: DirView | undefined;
  /** Identifier as bytes; the root's is one zero byte. */
  readonly id: Buffer;
  /** Number in the path tables, from 1. */
  readonly number: number;
  /** Bytes of the extent. */
  bytes: number;
  /** Sectors of continuation areas, right behind the extent: where libarchive, which reads in order, wants them. */
  continuation: number;
  sector: number;
  /** Where a relocated directory belongs. */
  readonly trueParent: DirNode | undefined;
}

/** A directory record to be. */
export interface RecordView {
  readonly node: IsoNode;
  readonly kind: UseKind;
  readonly id: Buffer;
  readonly relocation: 'cl' | 're' | 'pl' | undefined;
}

/** The directory hierarchy of one tree, measured but not yet placed. */
export interface Hierarchy {
  readonly kind: TreeKind;
  readonly dirs: DirView[];
  readonly byNode: Map<DirNode, DirView>;
  readonly moved: ReadonlyMap<DirNode, Buffer>;
  readonly movedTo: DirNode | undefined;
  /** Sectors of all directories with their continuation areas. */
  readonly directorySectors: number;
  readonly pathTableBytes: number;
}

const SELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);

/** Sections that a node's data is described by: one record each (multi-extent, ECMA-119 9.1.6 bit 7). */
export const sectionCount = (node: IsoNode): number => (node.type === 'file' ? Math.max(1, Math.ceil(node.content.bytes / MAX_SECTION)) : 1);

/** Record bytes before the system use area. */
export const recordBase = (idBytes: number): number => 33 + idBytes + ((33 + idBytes) & 1);

/** System use bytes that a record has room for: its length is one byte, and even. */
export const useRoom = (idBytes: number): number => 254 - recordBase(idBytes);

/** Finds the directories that would lie deeper than eight levels; each moves to the second level, with all below it. */
function findMoved(root: DirNode): DirNode[] {
  const moved: DirNode[] = [];
  const visit = (dir: DirNode, level: number): void => {
    for (const child of dir.children) {
      if (child.type !== 'dir') continue;
      if (level < MAX_LEVELS) visit(child, level + 1);
      else {
        moved.push(child);
        visit(child, 3); // rr_moved is on level 2
      }
    }
  };
  visit(root, 1);
  return moved;
}

function relocation(root: DirNode, kind: TreeKind): { moved: Map<DirNode, Buffer>; movedTo: DirNode | undefined } {
  const list = kind.relocate ? findMoved(root) : [];
  if (list.length === 0) return { moved: new Map(), movedTo: undefined };
  let name = 'rr_moved';
  for (let n = 0; root.get(name) !== undefined; n++) name = `rr_moved${String(n)}`;
  const movedTo = new DirNode(name, { mode: 0o555 }, root.mtime);
  movedTo.parent = root;
  movedTo.serial = 0xffffffff;
  movedTo.children = list.slice();
  const names = new UniqueNames();
  return { moved: new Map(list.map((dir) => [dir, Buffer.from(directoryId(dir, kind.level, names), 'latin1')])), movedTo };
}

/** Children of a directory in the order of their records, with identifiers as bytes. */
function sortedChildren(h: Pick<Hierarchy, 'kind' | 'movedTo' | 'moved'>, dir: DirNode): { node: IsoNode; id: Buffer }[] {
  const { names } = h.kind;
  if (dir === h.movedTo) return [...h.moved].map(([node, id]) => ({ node, id })).sort((a, b) => Buffer.compare(a.id, b.id));
  if (names === 'enhanced') {
    const ids = enhancedIds(dir.children);
    return dir.children.map((node, i) => ({ node, id: ids[i] as Buffer })).sort((a, b) => Buffer.compare(a.id, b.id));
  }
  if (names === 'joliet') {
    const list = dir.children.filter((c) => c.type === 'dir' || c.type === 'file').sort(byJolietId);
    return list.map((node) => ({ node, id: utf16be(node.type === 'dir' ? node.jolietId : `${node.jolietId};1`) }));
  }
  const list = dir.parent === undefined && h.movedTo !== undefined ? [...dir.children, h.movedTo] : dir.children.slice();
  return list.sort(byIsoId).map((node) => ({ node, id: Buffer.from(node.type === 'dir' && !h.moved.has(node) ? node.isoId : `${node.isoId};1`, 'latin1') }));
}

/** Names of a directory's children, in this tree. */
function nameChildren(kind: TreeKind, dir: DirNode, movedTo: DirNode | undefined, moved: ReadonlyMap<DirNode, Buffer>): void {
  if (dir === movedTo) return;
  if (kind.names === 'joliet') assignJolietIds(dir.children, kind.jolietUnits);
  if (kind.names === 'iso') assignIsoIds(dir.parent === undefined && movedTo !== undefined ? [...dir.children, movedTo] : dir.children, kind.level, moved);
}

/** Records of a directory, in order; `kind` of `.` is `root` for the root's own. */
export function* recordsOf(h: Pick<Hierarchy, 'kind' | 'movedTo' | 'moved'>, view: Pick<DirView, 'node' | 'parent' | 'trueParent'>): Generator<RecordView> {
  yield { node: view.node, kind: view.parent === undefined ? 'root' : 'self', id: SELF, relocation: undefined };
  yield { node: view.parent?.node ?? view.node, kind: 'parent', id: PARENT, relocation: view.trueParent === undefined ? undefined : 'pl' };
  const inMoved = view.node === h.movedTo;
  for (const { node, id } of sortedChildren(h, view.node)) {
    yield { node, id, kind: 'child', relocation: node.type !== 'dir' || !h.moved.has(node) ? undefined : inMoved ? 're' : 'cl' };
  }
}

/** Placeholder while measuring: the same size, sectors not known. */
const UNPLACED: Record<'cl' | 're' | 'pl', Relocation> = { cl: { cl: 0 }, pl: { pl: 0 }, re: { re: true } };

/** Measures all directories of a tree, in path table order: by level, then parent, then identifier (ECMA-119 6.9.1). */
export function measureHierarchy(root: DirNode, kind: TreeKind): Hierarchy {
  const list = kind.rockRidge ? new EntryList() : undefined;
  const { moved, movedTo } = relocation(root, kind);
  const dirs: DirView[] = [];
  const byNode = new Map<DirNode, DirView>();
  const h = { kind, movedTo, moved };
  let level: { node: DirNode; parent: DirView | undefined; id: Buffer }[] = [{ node: root, parent: undefined, id: SELF }];
  let pathTableBytes = 0;
  let directorySectors = 0;
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { node, parent, id } of level) {
      nameChildren(kind, node, movedTo, moved);
      const view: DirView = { node, parent, id, number: dirs.length + 1, bytes: 0, continuation: 0, sector: -1, trueParent: moved.has(node) ? node.parent : undefined };
      dirs.push(view);
      byNode.set(node, view);
      let at = 0;
      const use = list === undefined ? undefined : new SystemUse(list);
      for (const r of recordsOf(h, view)) {
        const base = recordBase(r.id.length);
        const length = base + (use === undefined ? 0 : roundEven(use.measure(r.node, r.kind, r.relocation && UNPLACED[r.relocation], 254 - base)));
        for (let i = sectionCount(r.node); i > 0; i--) {
          if ((at % SECTOR) + length > SECTOR) at = sectorsFor(at) * SECTOR;
          at += length;
        }
        if (r.kind === 'child' && r.node.type === 'dir' && r.relocation !== 'cl') next.push({ node: r.node, parent: view, id: r.id });
      }
      view.bytes = sectorsFor(at) * SECTOR;
      view.continuation = use?.sectors ?? 0;
      directorySectors += view.bytes / SECTOR + view.continuation;
      pathTableBytes += 8 + id.length + (id.length & 1);
    }
    level = next;
  }
  return { kind, dirs, byNode, moved, movedTo, directorySectors, pathTableBytes };
}

/** Records have even lengths: an odd system use area gets a byte of padding. */
export const roundEven = (n: number): number => n + (n & 1);
