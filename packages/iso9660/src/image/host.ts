import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { decodeName, encodeName, hasRawBytes } from '../names/bytes.js';
import { Content, DirNode, FileNode, LinkNode, pathOf, SpecialNode, type ImageTree } from '../tree.js';

/** How a directory of the host is added. */
export interface ScanOptions {
  /** Directory of the image that it becomes (default: the root, which then takes its owner, mode and time). */
  readonly at?: string;
  /** Return false to leave an entry out, and all below it. `path` is relative to the scanned directory. */
  readonly filter?: (path: string, stat: Stats) => boolean;
  /** Weight of files: see `IsoAttributes.weight`. */
  readonly weight?: (path: string) => number;
}

/** What was added, and what could not be. */
export interface ScanReport {
  readonly entries: number;
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

const toHost = (path: string): string | Buffer => (hasRawBytes(path) ? encodeName(path) : path);

/** Names in a directory; those with bytes that are no UTF-8 are read a second time, as bytes. */
function namesIn(path: string): string[] {
  const names = readdirSync(toHost(path));
  if (!names.some((n) => n.includes('\ufffd'))) return names;
  return readdirSync(toHost(path), { encoding: 'buffer' }).map(decodeName);
}

/** Linux' encoding of device numbers (makedev(3)). */
const deviceOf = (rdev: number): [number, number] => {
  const d = BigInt(rdev);
  return [Number(((d >> 32n) & 0xfffff000n) | ((d >> 8n) & 0xfffn)), Number(((d >> 12n) & 0xffffff00n) | (d & 0xffn))];
};

/** Walks a directory of the host into the tree. Synchronous: a stream object or a promise for every file costs several times the work itself. */
export function scanHostTree(tree: ImageTree, hostDirectory: string, options: ScanOptions): ScanReport {
  const problems: { path: string; message: string }[] = [];
  const linked = new Map<string, Content>();
  let entries = 0;
  const { filter, weight } = options;

  const visit = (into: DirNode, host: string, inside: string): void => {
    let names: string[];
    try {
      names = namesIn(host);
    } catch (error) {
      problems.push({ path: inside, message: (error as Error).message });
      return;
    }
    names.sort();
    const occupied = into.children.length > 0;
    for (const name of names) {
      const path = `${host}/${name}`;
      const relative = (): string => (inside === '' ? name : `${inside}/${name}`); // rarely wanted
      try {
        const s = lstatSync(toHost(path));
        if (filter !== undefined && !filter(relative(), s)) continue;
        const a = { mode: s.mode & 0o7777, uid: s.uid, gid: s.gid };
        entries++;
        if (occupied && into.get(name) !== undefined && !s.isDirectory()) throw new Error(`"${pathOf(into)}/${name}" is in the image already`);
        if (s.isFile()) {
          const key = s.nlink > 1 ? `${String(s.dev)}:${String(s.ino)}` : '';
          let content = key === '' ? undefined : linked.get(key);
          if (content === undefined) {
            content = new Content(s.size, name, host, weight?.(relative()) ?? 0);
            if (key !== '') linked.set(key, content);
          }
          into.add(new FileNode(name, content, a, s.mtimeMs));
        } else if (s.isDirectory()) {
          const before = occupied ? into.get(name) : undefined;
          const dir = before?.type === 'dir' ? before : new DirNode(name, a, s.mtimeMs);
          if (before === undefined) into.add(dir);
          visit(dir, path, relative());
        } else if (s.isSymbolicLink()) {
          into.add(new LinkNode(name, decodeName(readlinkSync(toHost(path), 'buffer')), a, s.mtimeMs));
        } else {
          const type = s.isCharacterDevice() ? 'char' : s.isBlockDevice() ? 'block' : s.isFIFO() ? 'fifo' : 'socket';
          into.add(new SpecialNode(name, type, type === 'char' || type === 'block' ? deviceOf(s.rdev) : [0, 0], a, s.mtimeMs));
        }
      } catch (error) {
        problems.push({ path: relative(), message: (error as Error).message });
      }
    }
  };

  const top = lstatSync(toHost(hostDirectory));
  const at = options.at ?? '';
  const into = tree.directory(at, { mode: top.mode & 0o7777, uid: top.uid, gid: top.gid, mtime: top.mtimeMs });
  if (into === tree.root) {
    into.mode = top.mode & 0o7777;
    into.uid = top.uid;
    into.gid = top.gid;
    into.seconds = Math.floor(top.mtimeMs / 1000);
  }
  visit(into, hostDirectory, '');
  return { entries, problems };
}
