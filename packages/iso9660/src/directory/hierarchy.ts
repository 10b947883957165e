import { SECTOR, sectorsFor } from '../bytes.js';
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

/** One directory of a tree, measured; `sector` is its place. */
export interface DirView {
  readonly node: DirNode;
  readonly parent: DirView | undefined;
  /** Identifier; '' is the root's, one zero byte. */
  readonly id: string;
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

/** How a record has to do with relocation: a placeholder, what was moved, or `..` of what was moved. */
export type RelocationRole = 'cl' | 're' | 'pl' | undefined;

/** Told of each record of a directory. `id`: identifier with version; '' for `.` and `..`. */
export type OnRecord = (node: IsoNode, kind: UseKind, id: string, role: RelocationRole) => void;

/** The directory hierarchy of one tree, measured but not yet placed. */
export interface Hierarchy {
  readonly kind: TreeKind;
  readonly dirs: DirView[];
  readonly byNode: Map<DirNode, DirView>;
  readonly moved: ReadonlyMap<DirNode, string>;
  readonly movedTo: DirNode | undefined;
  /** Sectors of all directories with their continuation areas. */
  readonly directorySectors: number;
  readonly pathTableBytes: number;
}

/** Sections that a node's data is described by: one record each (multi-extent, ECMA-119 9.1.6 bit 7). */
export const sectionCount = (node: IsoNode): number => (node.type === 'file' && node.content.bytes > MAX_SECTION ? Math.ceil(node.content.bytes / MAX_SECTION) : 1);

/** Bytes of an identifier in a record: one for the root, `.` and `..`. */
export const idBytes = (kind: TreeKind, id: string): number => (id === '' ? 1 : kind.names === 'joliet' ? id.length * 2 : id.length);

/** Record bytes before the system use area. */
export const recordBase = (bytes: number): number => 33 + bytes + ((33 + bytes) & 1);

/** Records have even lengths: an odd system use area gets a byte of padding. */
export const roundEven = (n: number): number => n + (n & 1);

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

function relocation(root: DirNode, kind: TreeKind): { moved: Map<DirNode, string>; movedTo: DirNode | undefined } {
  const list = kind.relocate ? findMoved(root) : [];
  if (list.length === 0) return { moved: new Map(), movedTo: undefined };
  let name = 'rr_moved';
  for (let n = 0; root.get(name) !== undefined; n++) name = `rr_moved${String(n)}`;
  const movedTo = new DirNode(name, { mode: 0o555, mtime: root.seconds * 1000 }, 0);
  movedTo.parent = root;
  movedTo.serial = 0xffffffff;
  movedTo.children = list.slice();
  const names = new UniqueNames();
  return { moved: new Map(list.map((dir) => [dir, directoryId(dir, kind.level, names)])), movedTo };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Calls `on` for each record of a directory, in their order; `kind` of `.` is `root` for the root's own. */
export function eachRecord(h: Pick<Hierarchy, 'kind' | 'movedTo' | 'moved'>, view: Pick<DirView, 'node' | 'parent' | 'trueParent'>, on: OnRecord): void {
  const { node: dir, parent } = view;
  on(dir, parent === undefined ? 'root' : 'self', '', undefined);
  on(parent?.node ?? dir, 'parent', '', view.trueParent === undefined ? undefined : 'pl');
  if (dir === h.movedTo) {
    for (const [node, id] of [...h.moved].sort((a, b) => byText(a[1], b[1]))) on(node, 'child', id, 're');
    return;
  }
  switch (h.kind.names) {
    case 'enhanced': {
      const ids = enhancedIds(dir.children);
      for (const [node, id] of dir.children.map((c, i): [IsoNode, string] => [c, ids[i] as string]).sort((a, b) => byText(a[1], b[1]))) on(node, 'child', id, undefined);
      return;
    }
    case 'joliet':
      for (const node of dir.children.slice().sort(byJolietId)) {
        if (node.type === 'dir') on(node, 'child', node.jolietId, undefined);
        else if (node.type === 'file') on(node, 'child', `${node.jolietId};1`, undefined);
      }
      return;
    case 'iso': {
      const list = parent === undefined && h.movedTo !== undefined ? [...dir.children, h.movedTo] : dir.children.slice();
      for (const node of list.sort(byIsoId)) {
        const role = node.type === 'dir' && h.moved.has(node) ? 'cl' : undefined;
        on(node, 'child', node.type === 'dir' && role === undefined ? node.isoId : `${node.isoId};1`, role);
      }
    }
  }
}

/** Names of a directory's children, in this tree. */
function nameChildren(kind: TreeKind, dir: DirNode, movedTo: DirNode | undefined, moved: ReadonlyMap<DirNode, string>): void {
  if (dir === movedTo) return;
  if (kind.names === 'joliet') assignJolietIds(dir.children, kind.jolietUnits);
  if (kind.names === 'iso') assignIsoIds(dir.parent === undefined && movedTo !== undefined ? [...dir.children, movedTo] : dir.children, kind.level, moved);
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
  const enter = (node: DirNode, parent: DirView | undefined, id: string): DirView => {
    const view: DirView = { node, parent, id, number: dirs.length + 1, bytes: 0, continuation: 0, sector: -1, trueParent: moved.has(node) ? node.parent : undefined };
    dirs.push(view);
    byNode.set(node, view);
    return view;
  };
  enter(root, undefined, '');
  let pathTableBytes = 0;
  let directorySectors = 0;
  for (const view of dirs) { // grows while it is gone through: level by level
    nameChildren(kind, view.node, movedTo, moved);
    const use = list === undefined ? undefined : new SystemUse(list);
    let at = 0;
    eachRecord(h, view, (node, role, id, move) => {
      const base = recordBase(idBytes(kind, id));
      const length = base + (use === undefined ? 0 : roundEven(use.measure(node, role, move === undefined ? undefined : UNPLACED[move], 254 - base)));
      for (let i = sectionCount(node); i > 0; i--) {
        if ((at % SECTOR) + length > SECTOR) at = sectorsFor(at) * SECTOR;
        at += length;
      }
      if (role === 'child' && node.type === 'dir' && move !== 'cl') enter(node, view, id);
    });
    view.bytes = sectorsFor(at) * SECTOR;
    view.continuation = use?.sectors ?? 0;
    directorySectors += view.bytes / SECTOR + view.continuation;
    const bytes = idBytes(kind, view.id);
    pathTableBytes += 8 + bytes + (bytes & 1);
  }
  return { kind, dirs, byNode, moved, movedTo, directorySectors, pathTableBytes };
}
