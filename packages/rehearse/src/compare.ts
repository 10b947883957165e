import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type BigIntStats } from 'node:fs';
import { runTool } from '@cdrec/tool';

/** What is not held against a tree. */
export interface CompareOptions {
  /** Files of the first tree whose inode changed at or after this time (ms since 1970) are listed apart. */
  readonly since?: number;
  /** Device numbers to stay on: mount points of other file systems are compared as directories only. */
  readonly oneFileSystem?: boolean;
  /** Directories (`./tmp`) whose content was left out knowingly: they are compared, what is in them is not. */
  readonly without?: readonly string[];
}

/** Result: `differences` name path and property. */
export interface TreeComparison {
  readonly entries: number;
  readonly bytes: number;
  readonly differences: readonly string[];
  /** Paths that changed after `since`, so that nothing can be said about them. */
  readonly changed: readonly string[];
}

const join = (a: Buffer, b: Buffer): Buffer => Buffer.concat([a, Buffer.from('/'), b]);
const show = (path: Buffer): string => JSON.stringify(path.toString('latin1')).slice(1, -1);
const kind = (s: BigIntStats): string =>
  s.isDirectory() ? 'directory' : s.isFile() ? 'file' : s.isSymbolicLink() ? 'symbolic link' : s.isFIFO() ? 'FIFO' : s.isSocket() ? 'socket' : s.isBlockDevice() ? 'block device' : 'character device';

/**
 * Compares two trees entry by entry: presence, type, mode, owner, size, mtime (nanoseconds), device numbers, link
 * targets, hard-link groups, holes, content, and all extended attributes (ACLs and capabilities are such).
 * Names are bytes, not text.
 */
export async function compareTrees(left: string, right: string, options: CompareOptions = {}): Promise<TreeComparison> {
  const walk = new Walk(Buffer.from(left), Buffer.from(right), options);
  walk.directory(Buffer.from('.'));
  const [a, b] = [await readAttributes(left), await readAttributes(right)];
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const path = key.split('\0')[0] as string;
    if (a.get(key) !== b.get(key) && !walk.ignored.has(path) && options.without?.some((w) => path.startsWith(`${w}/`)) !== true) walk.differences.push(`${path}: extended attribute ${key.split('\0')[1] as string}: ${a.get(key) ?? 'absent'} / ${b.get(key) ?? 'absent'}`);
  }
  return { entries: walk.entries, bytes: walk.bytes, differences: walk.differences, changed: walk.changed };
}

class Walk {
  readonly differences: string[] = [];
  readonly changed: string[] = [];
  /** Paths about which nothing more is said: changed after the backup, or missing (and everything below). */
  readonly ignored = new Set<string>();
  entries = 0;
  bytes = 0;
  readonly #left: Buffer;
  readonly #right: Buffer;
  readonly #options: CompareOptions;
  readonly #leftLinks = new Map<bigint, string>();
  readonly #rightLinks = new Map<bigint, string>();
  readonly #buffers = [Buffer.alloc(1 << 18), Buffer.alloc(1 << 18)] as const;

  constructor(left: Buffer, right: Buffer, options: CompareOptions) {
    this.#left = left;
    this.#right = right;
    this.#options = options;
  }

  directory(path: Buffer): void {
    const device = lstatSync(join(this.#left, path), { bigint: true }).dev;
    if (path.toString() === '.') this.#entry(path);
    const names = (root: Buffer): Map<string, Buffer> => new Map(readdirSync(join(root, path), { encoding: 'buffer' }).map((n) => [n.toString('latin1'), n]));
    const [a, b] = [names(this.#left), names(this.#right)];
    for (const [key, name] of [...a, ...[...b].filter(([k]) => !a.has(k))].sort(([x], [y]) => (x < y ? -1 : 1))) {
      const child = join(path, name);
      if (a.has(key) !== b.has(key)) {
        const late = a.has(key) ? this.#isLate(lstatSync(join(this.#left, child), { bigint: true })) : this.#isLate(lstatSync(join(this.#left, path), { bigint: true }));
        this.ignored.add(show(child));
        (late ? this.changed : this.differences).push(late ? show(child) : `${show(child)}: only in the ${a.has(key) ? 'original' : 'restored tree'}`);
        continue;
      }
      if (this.#entry(child) === 'directory' && this.#options.without?.includes(show(child)) !== true && (this.#options.oneFileSystem !== true || lstatSync(join(this.#left, child), { bigint: true }).dev === device)) this.directory(child);
    }
  }

  #isLate(s: BigIntStats): boolean {
    return this.#options.since !== undefined && s.ctimeMs >= BigInt(Math.floor(this.#options.since));
  }

  #entry(path: Buffer): string {
    const a = lstatSync(join(this.#left, path), { bigint: true });
    const b = lstatSync(join(this.#right, path), { bigint: true });
    const type = kind(a);
    this.entries++;
    if (this.#isLate(a)) {
      this.changed.push(show(path));
      this.ignored.add(show(path));
      return kind(b) === type ? type : '';
    }
    const differ = (what: string, x: unknown, y: unknown): void => { if (x !== y) this.differences.push(`${show(path)}: ${what}: ${String(x)} / ${String(y)}`); };
    differ('type', type, kind(b));
    if (type !== kind(b)) return '';
    differ('mode', (a.mode & 0o7777n).toString(8), (b.mode & 0o7777n).toString(8));
    differ('uid', a.uid, b.uid);
    differ('gid', a.gid, b.gid);
    differ('mtime', a.mtimeNs, b.mtimeNs);
    if (a.isBlockDevice() || a.isCharacterDevice()) differ('device number', a.rdev, b.rdev);
    if (a.isSymbolicLink()) differ('target', readlinkSync(join(this.#left, path), 'latin1'), readlinkSync(join(this.#right, path), 'latin1'));
    if (!a.isDirectory() && (a.nlink > 1n || b.nlink > 1n)) {
      differ('number of links', a.nlink, b.nlink);
      const group = (map: Map<bigint, string>, s: BigIntStats): string => {
        if (!map.has(s.ino)) map.set(s.ino, show(path));
        return map.get(s.ino) as string;
      };
      differ('hard link to', group(this.#leftLinks, a), group(this.#rightLinks, b));
    }
    if (a.isFile()) {
      differ('size', a.size, b.size);
      if (a.blocks * 512n < a.size / 2n && b.blocks * 512n > a.size / 2n + 65536n) differ('holes', 'sparse', 'filled');
      if (a.size === b.size && !this.#sameContent(path)) this.differences.push(`${show(path)}: content differs`);
      this.bytes += Number(a.size);
    }
    return type;
  }

  #sameContent(path: Buffer): boolean {
    const [x, y] = this.#buffers;
    const fds = [openSync(join(this.#left, path), 'r'), openSync(join(this.#right, path), 'r')] as const;
    try {
      for (;;) {
        const n = readSync(fds[0], x);
        let m = 0;
        while (m < n) {
          const got = readSync(fds[1], y, m, n - m, null);
          if (got === 0) return false;
          m += got;
        }
        if (n === 0) return readSync(fds[1], y) === 0;
        if (x.compare(y, 0, n, 0, n) !== 0) return false;
      }
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }
}

/** All extended attributes below a directory, by "path NUL name", values in hexadecimal (`getfattr -R -m -`). */
async function readAttributes(root: string): Promise<Map<string, string>> {
  const { stdout } = await runTool('getfattr', ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex', '.'], { cwd: root, ok: [0, 1] });
  const out = new Map<string, string>();
  let path = '';
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) path = show(unescape(line.slice(8)));
    else if (line.includes('=')) out.set(`${path === '.' ? '.' : `./${path}`}\0${line.slice(0, line.indexOf('='))}`, line.slice(line.indexOf('=') + 1));
  }
  return out;
}

/** getfattr writes special bytes of names as \ooo. */
function unescape(text: string): Buffer {
  return Buffer.from(text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))), 'latin1');
}
