import { IsoError } from './errors.js';

/** Ownership and times of an entry. `mode` is the permission part (octal 0o7777), times are milliseconds since 1970. */
export interface IsoAttributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
}

/** One contiguous run of the file's bytes: first sector and length in bytes. */
export interface Extent {
  readonly sector: number;
  readonly bytes: number;
}

interface NodeBase {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** Serial number, unique in the image (Rock Ridge PX, RRIP 1.12 4.1.1). */
  readonly serial: number;
}
export interface FileNode extends NodeBase { readonly type: 'file'; readonly extent: Extent }
export interface LinkNode extends NodeBase { readonly type: 'symlink'; readonly target: string }
export interface DirNode extends NodeBase { readonly type: 'dir'; readonly children: Map<string, IsoNode> }
export type IsoNode = FileNode | LinkNode | DirNode;

/** Splits `a/b/c` into its names; refuses empty, `.` and `..` parts, NUL and names over 255 bytes. */
export function splitPath(path: string): string[] {
  const parts = path.replace(/^\/+/, '').split('/');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..' || part.includes('\0') || Buffer.byteLength(part) > 255) {
      throw new IsoError('ISO_INVALID_INPUT', `path "${path}" cannot be stored in the image: bad component "${part}"`);
    }
  }
  return parts;
}

/** Finds the directory that is to hold `path`, making missing ones with `make`. */
export function parentOf(root: DirNode, path: string, make: (name: string, parent: DirNode) => DirNode): { dir: DirNode; name: string } {
  const parts = splitPath(path);
  const name = parts.pop() as string;
  let dir = root;
  for (const part of parts) {
    let next = dir.children.get(part);
    if (next === undefined) dir.children.set(part, (next = make(part, dir)));
    if (next.type !== 'dir') throw new IsoError('ISO_INVALID_INPUT', `"${part}" in "${path}" is not a directory`);
    dir = next;
  }
  return { dir, name };
}
