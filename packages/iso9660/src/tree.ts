import { IsoError } from './errors.js';
import { encodeName } from './names/bytes.js';

/** Ownership, times and place of an entry. `mode` is the permission part (octal 0o7777), times are milliseconds since 1970. */
export interface IsoAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  /** Files with a higher weight lie nearer to the start of the image (default 0). */
  readonly weight?: number;
}

/** Opens a file's bytes when they are wanted. */
export type OpenSource = () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

/** A file's bytes: where they come from and where they lie. Hard links share one. */
export class Content {
  bytes: number;
  /** First sector of the extent; -1 until it is placed. */
  sector = -1;
  weight: number;
  /** Bytes, a path on the host, something to open, or `undefined` when they lie in the image already. */
  source: Uint8Array | string | OpenSource | undefined;
  /** Directory on the host that a `source` path is relative to. */
  directory: string | undefined;
  /** The first entry that has this content: its name in reports. */
  owner: FileNode | undefined;
  links = 0;
  constructor(bytes: number, source: Content['source'], directory?: string, weight = 0) {
    this.bytes = bytes;
    this.source = source;
    this.directory = directory;
    this.weight = weight;
  }
}

abstract class Node {
  readonly name: string;
  parent: DirNode | undefined;
  mode: number;
  uid: number;
  gid: number;
  /** Modification time in seconds since 1970: what the format holds, and half the memory of milliseconds. */
  seconds: number;
  /** Serial number, unique in the image (Rock Ridge PX, RRIP 1.12 4.1.1); hard links share it. */
  serial = 0;
  /** Identifiers without version, given when the image is laid out. */
  isoId = '';
  jolietId = '';
  constructor(name: string, mode: number, a: IsoAttributes, mtime: number) {
    this.name = name;
    this.mode = a.mode ?? mode;
    this.uid = a.uid ?? 0;
    this.gid = a.gid ?? 0;
    this.seconds = Math.floor((a.mtime ?? mtime) / 1000);
  }
}

/* eslint-disable @typescript-eslint/class-literal-property-style -- accessors lie on the prototype: one field less in each of many objects */

/** A regular file. */
export class FileNode extends Node {
  get type(): 'file' { return 'file'; }
  readonly content: Content;
  constructor(name: string, content: Content, a: IsoAttributes, mtime: number) {
    super(name, 0o444, a, mtime);
    this.content = content;
    content.owner ??= this;
    content.links++;
  }
}

/** A symbolic link. */
export class LinkNode extends Node {
  get type(): 'symlink' { return 'symlink'; }
  readonly target: string;
  constructor(name: string, target: string, a: IsoAttributes, mtime: number) {
    super(name, 0o777, a, mtime);
    this.target = target;
  }
}

/** A device node, named pipe or socket; `major` and `minor` are 0 for the latter two. */
export class SpecialNode extends Node {
  readonly type: 'char' | 'block' | 'fifo' | 'socket';
  readonly major: number;
  readonly minor: number;
  constructor(name: string, type: SpecialNode['type'], device: readonly [number, number], a: IsoAttributes, mtime: number) {
    super(name, 0o600, a, mtime);
    this.type = type;
    [this.major, this.minor] = device;
  }
}

/** A directory. `children` are in no particular order until the image is laid out. */
export class DirNode extends Node {
  get type(): 'dir' { return 'dir'; }
  children: IsoNode[] = [];
  #index: Map<string, IsoNode> | undefined;
  constructor(name: string, a: IsoAttributes, mtime: number) {
    super(name, 0o755, a, mtime);
  }

  get(name: string): IsoNode | undefined {
    this.#index ??= new Map(this.children.map((c) => [c.name, c]));
    return this.#index.get(name);
  }

  add(node: IsoNode): void {
    node.parent = this;
    this.children.push(node);
    this.#index?.set(node.name, node);
  }

  /** Takes back what was added last. */
  removeLast(node: IsoNode): void {
    if (this.children.at(-1) === node) this.children.pop();
    else this.children = this.children.filter((c) => c !== node);
    this.#index?.delete(node.name);
  }
}

/* eslint-enable @typescript-eslint/class-literal-property-style */

export type IsoNode = FileNode | LinkNode | SpecialNode | DirNode;

/** Path of a node in the image, without a leading slash. */
export function pathOf(node: IsoNode): string {
  const parts: string[] = [];
  for (let n = node; n.parent !== undefined; n = n.parent) parts.push(n.name);
  return parts.reverse().join('/');
}

/** Splits `a/b/c` into its names; refuses empty, `.` and `..` parts, NUL and names over 255 bytes. */
export function splitPath(path: string): string[] {
  const parts = path.replace(/^\/+/, '').split('/');
  for (const part of parts) checkName(part, path);
  return parts;
}

/** @throws IsoError ISO_INVALID_INPUT when `name` cannot be a file name. */
export function checkName(name: string, path = name): void {
  if (name === '' || name === '.' || name === '..' || name.includes('\0') || name.includes('/') || (name.length > 63 && encodeName(name).length > 255)) {
    throw new IsoError('ISO_INVALID_INPUT', `path ${JSON.stringify(path)} cannot be stored in the image: bad component ${JSON.stringify(name)}`);
  }
}

/** The tree of an image, before anything has its place. */
export class ImageTree {
  readonly root: DirNode;
  readonly #date: number;

  /** `date`: default time of entries, milliseconds since 1970. */
  constructor(date: number) {
    this.#date = date;
    this.root = new DirNode('', {}, date);
  }

  /**
   * Enters what `make` returns under `path`; missing parents are made, `onMade` is told of them.
   * @throws IsoError ISO_INVALID_INPUT when the path is taken or cannot be.
   */
  insert<T extends IsoNode>(path: string, make: (name: string, date: number) => T, onMade?: (dir: DirNode) => void): T {
    const parts = splitPath(path);
    const name = parts.pop() as string;
    let dir = this.root;
    for (const part of parts) {
      let next = dir.get(part);
      if (next === undefined) {
        next = new DirNode(part, {}, this.#date);
        dir.add(next);
        onMade?.(next);
      }
      if (next.type !== 'dir') throw new IsoError('ISO_INVALID_INPUT', `"${part}" in "${path}" is not a directory`);
      dir = next;
    }
    if (dir.get(name) !== undefined) throw new IsoError('ISO_INVALID_INPUT', `"${path}" is in the image already`);
    const node = make(name, this.#date);
    dir.add(node);
    return node;
  }

  /** @throws IsoError ISO_NOT_FOUND */
  find(path: string): IsoNode {
    let node: IsoNode | undefined = this.root;
    for (const part of path.split('/')) if (part !== '') node = node?.type === 'dir' ? node.get(part) : undefined;
    if (node === undefined) throw new IsoError('ISO_NOT_FOUND', `"${path}" is not in the image`);
    return node;
  }

  /** The directory at `path` ('' and '/' are the root), made if it is not there. @throws IsoError ISO_INVALID_INPUT */
  directory(path: string, a: IsoAttributes = {}): DirNode {
    if (/^\/*$/.test(path)) return this.root;
    try {
      const found = this.find(path);
      if (found.type === 'dir') return found;
    } catch (error) {
      if (!(error instanceof IsoError) || error.code !== 'ISO_NOT_FOUND') throw error;
      return this.insert(path, (name, date) => new DirNode(name, a, date));
    }
    throw new IsoError('ISO_INVALID_INPUT', `"${path}" is in the image already and is no directory`);
  }

  /**
   * Sorts all children by name and numbers the entries in that order: the order in which they were added does not
   * show in the image. Returns the distinct file contents, by weight (highest first), then in the order of the tree.
   */
  settle(): Content[] {
    const contents: Content[] = [];
    let serial = 0;
    const serials = new Map<Content, number>();
    const visit = (dir: DirNode): void => {
      dir.serial = ++serial;
      dir.children.sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const child of dir.children) {
        if (child.type === 'dir') continue;
        if (child.type !== 'file') child.serial = ++serial;
        else if (child.content.links > 1) {
          const known = serials.get(child.content);
          child.serial = known ?? ++serial;
          if (known !== undefined) continue;
          serials.set(child.content, serial);
          contents.push(child.content);
        } else {
          child.serial = ++serial;
          contents.push(child.content);
        }
      }
      for (const child of dir.children) if (child.type === 'dir') visit(child);
    };
    visit(this.root);
    if (contents.some((c) => c.weight !== 0)) contents.sort((a, b) => b.weight - a.weight);
    return contents;
  }
}
