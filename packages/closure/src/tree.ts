import { chmodSync, copyFileSync, lstatSync, mkdirSync, readlinkSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CdrecError } from '@cdrec/tool';

/** One entry of a root file system to be. Owner is always root; `mode` is the permission part. Paths are absolute. */
export type TreeEntry =
  | { readonly path: string; readonly type: 'dir'; readonly mode: number }
  | { readonly path: string; readonly type: 'symlink'; readonly target: string }
  | { readonly path: string; readonly type: 'file'; readonly mode: number; readonly bytes: number; readonly part: string; readonly source: string | Buffer };

const MERGED = /^\/(bin|sbin|lib|lib32|lib64|libx32)(?=\/|$)/;

/**
 * A root file system as plain data: nothing is copied until it is packed. It is usr-merged, whatever the host is.
 * `limit` is the largest sum of file sizes in bytes, checked while it grows.
 */
export class FileTree {
  readonly #entries = new Map<string, TreeEntry>();
  /** First places of host files with several links, by device and inode. */
  readonly #links = new Map<string, string>();
  readonly #limit: number;
  #bytes = 0;

  constructor(limit = Number.MAX_SAFE_INTEGER) {
    this.#limit = limit;
    for (const dir of ['bin', 'sbin', 'lib', 'lib64']) {
      this.addDir(`/usr/${dir}`);
      this.#entries.set(`/${dir}`, { path: `/${dir}`, type: 'symlink', target: `usr/${dir}` });
    }
  }

  /** A tree of everything below a directory (`writeTo` made it, somebody may have changed it). @throws CdrecError RESCUE_TOO_LARGE; NOT_A_FILE for devices and other special files */
  static fromDirectory(directory: string, limit: number): FileTree {
    const tree = new FileTree(limit);
    const walk = (path: string): void => {
      for (const entry of readdirSync(join(directory, path), { withFileTypes: true })) {
        const [at, full] = [join('/', path, entry.name), join(directory, path, entry.name)];
        const stat = lstatSync(full);
        if (entry.isDirectory()) {
          if (!tree.#entries.has(at)) {
            tree.addDir(dirname(at));
            tree.#entries.set(at, { path: at, type: 'dir', mode: stat.mode & 0o7777 });
          }
          walk(join(path, entry.name));
        } else if (entry.isSymbolicLink()) tree.#put({ path: at, type: 'symlink', target: readlinkSync(full) });
        else if (entry.isFile()) tree.#put({ path: at, type: 'file', mode: stat.mode & 0o7777, bytes: stat.size, part: 'tree', source: full });
        else throw new CdrecError('NOT_A_FILE', `${full} is neither a file, a directory nor a link: a rescue tree holds nothing else`);
      }
    };
    walk('');
    return tree;
  }

  /** Writes the tree into an empty directory. Files belong to whoever runs this; packed, everything is root's. */
  writeTo(directory: string): void {
    for (const e of this.entries()) {
      const at = join(directory, e.path);
      if (e.type === 'dir') {
        mkdirSync(at, { recursive: true });
        chmodSync(at, e.mode);
      } else if (e.type === 'symlink') symlinkSync(e.target, at);
      else {
        if (typeof e.source === 'string') copyFileSync(e.source, at);
        else writeFileSync(at, e.source);
        chmodSync(at, e.mode);
      }
    }
  }

  /** The place of a host path in this tree. */
  static canonical(path: string): string {
    return path.replace(MERGED, '/usr/$1');
  }

  /** Sum of the file sizes in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Entries sorted by path, parents before children. */
  entries(): TreeEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  has(path: string): boolean {
    return this.#entries.has(FileTree.canonical(path));
  }

  /** Bytes by part ("programs", "modules"...). */
  parts(): Map<string, number> {
    const out = new Map<string, number>();
    for (const e of this.#entries.values()) if (e.type === 'file') out.set(e.part, (out.get(e.part) ?? 0) + e.bytes);
    return out;
  }

  /** Adds a directory and its parents. */
  addDir(path: string, mode = 0o755): void {
    const at = FileTree.canonical(path);
    if (at === '/' || this.#entries.has(at)) return;
    this.addDir(dirname(at));
    this.#entries.set(at, { path: at, type: 'dir', mode });
  }

  #put(entry: TreeEntry): void {
    this.addDir(dirname(entry.path));
    const before = this.#entries.get(entry.path);
    if (before?.type === 'file') this.#bytes -= before.bytes;
    this.#entries.set(entry.path, entry);
    if (entry.type !== 'file') return;
    this.#bytes += entry.bytes;
    if (this.#bytes > this.#limit) {
      const largest = [...this.parts()].sort(([, a], [, b]) => b - a).map(([part, n]) => `${part} ${String(Math.ceil(n / 2 ** 20))} MiB`).join(', ');
      throw new CdrecError('RESCUE_TOO_LARGE', `the rescue system exceeds its limit of ${String(this.#limit)} bytes at ${entry.path} (${largest})`, { hint: 'raise rescue.max_size, or take fewer modules and programs' });
    }
  }

  /** Adds a file with the given content. */
  addData(path: string, data: string | Buffer, mode = 0o644, part = 'configuration'): void {
    const source = Buffer.from(data);
    this.#put({ path: FileTree.canonical(path), type: 'file', mode, bytes: source.length, part, source });
  }

  addSymlink(path: string, target: string): void {
    this.#put({ path: FileTree.canonical(path), type: 'symlink', target });
  }

  /**
   * Adds a host file at its own (or another) place. A symbolic link is kept as one link to the file that it finally
   * means, which is added too. Of hard links the first is a file, the others are symbolic links to it.
   */
  addHostFile(source: string, part: string, path = source): void {
    const at = FileTree.canonical(path);
    if (this.#entries.has(at)) return;
    const real = realpathSync(source);
    const stat = lstatSync(real);
    if (!stat.isFile()) throw new CdrecError('NOT_A_FILE', `${source} is not a regular file`);
    const realAt = FileTree.canonical(real);
    if (path === source && realAt !== at) {
      this.addHostFile(real, part);
      this.#put({ path: at, type: 'symlink', target: realAt });
      return;
    }
    // One program under many names (uutils' coreutils, BusyBox) is there once; it looks at the name by which it is called.
    const inode = stat.nlink > 1 ? `${String(stat.dev)}:${String(stat.ino)}` : '';
    const first = this.#links.get(inode);
    if (first !== undefined && this.#entries.get(first)?.type === 'file') {
      this.#put({ path: at, type: 'symlink', target: first });
      return;
    }
    this.#put({ path: at, type: 'file', mode: stat.mode & 0o7777, bytes: stat.size, part, source: real });
    if (inode !== '') this.#links.set(inode, at);
  }

  /** Adds a host directory with all files and links below it, but for the names in `without`. */
  addHostDir(source: string, part: string, without: readonly string[] = []): void {
    for (const entry of readdirSync(source, { withFileTypes: true })) {
      if (without.includes(entry.name)) continue;
      const full = join(source, entry.name);
      if (entry.isDirectory()) this.addHostDir(full, part, without);
      else if (entry.isFile()) this.addHostFile(full, part);
      else if (entry.isSymbolicLink()) this.addSymlink(full, readlinkSync(full));
    }
  }
}
