import { readFileSync } from 'node:fs';
import type { TreeEntry } from '@cdrec/closure';

const MODES = { dir: 0o040000, file: 0o100000, symlink: 0o120000 } as const;
const pad4 = (n: number): Buffer => Buffer.alloc((4 - (n & 3)) & 3);

function header(inode: number, mode: number, links: number, mtime: number, bytes: number, nameBytes: number): Buffer {
  const fields = [inode, mode, 0, 0, links, mtime, bytes, 0, 0, 0, 0, nameBytes, 0];
  return Buffer.from('070701' + fields.map((f) => f.toString(16).padStart(8, '0')).join(''));
}

/**
 * A cpio archive in "newc" form (kernel: Documentation/driver-api/early-userspace/buffer-format.rst). Everything
 * belongs to root; `mtime` is in seconds and the same for all entries, so equal input gives equal bytes.
 */
export function cpioArchive(entries: readonly TreeEntry[], mtime: number): Buffer {
  const out: Buffer[] = [];
  const add = (inode: number, name: string, mode: number, links: number, data: Buffer): void => {
    const bytes = Buffer.from(`${name}\0`);
    const head = header(inode, mode, links, mtime, data.length, bytes.length);
    out.push(head, bytes, pad4(head.length + bytes.length), data, pad4(data.length));
  };
  entries.forEach((e, i) => {
    const name = e.path.replace(/^\//, '');
    if (e.type === 'dir') add(i + 1, name, MODES.dir | e.mode, 2, Buffer.alloc(0));
    else if (e.type === 'symlink') add(i + 1, name, MODES.symlink | 0o777, 1, Buffer.from(e.target));
    else add(i + 1, name, MODES.file | e.mode, 1, typeof e.source === 'string' ? readFileSync(e.source) : e.source);
  });
  add(0, 'TRAILER!!!', 0, 1, Buffer.alloc(0));
  return Buffer.concat(out);
}

/**
 * What stands before and behind one file of `bytes` bytes in a cpio archive that holds nothing else but its
 * directory: so a large file can be written between them without being read again. `path` has one directory.
 */
export function cpioFrame(path: string, bytes: number, mtime: number): { head: Buffer; tail: Buffer } {
  const directory = path.slice(0, path.indexOf('/'));
  const record = (inode: number, name: string, mode: number, links: number, size: number): Buffer => {
    const text = Buffer.from(`${name}\0`);
    const head = header(inode, mode, links, mtime, size, text.length);
    return Buffer.concat([head, text, pad4(head.length + text.length)]);
  };
  return {
    head: Buffer.concat([record(1, directory, MODES.dir | 0o755, 2, 0), record(2, path, MODES.file | 0o444, 1, bytes)]),
    tail: Buffer.concat([pad4(bytes), record(0, 'TRAILER!!!', 0, 1, 0)]),
  };
}
