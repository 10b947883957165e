import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** An entry as `restic ls --json` has it. */
export const nodeSchema = z.object({
  path: z.string(), type: z.string(), uid: z.number().default(0), gid: z.number().default(0), mode: z.number().default(0), size: z.number().default(0), mtime: z.string().default(''), linktarget: z.string().optional(),
});
export type Node = z.output<typeof nodeSchema>;

/** Bits of Go's io/fs.FileMode beside the nine of permissions. */
const SETUID = 2 ** 23;
const SETGID = 2 ** 22;
const STICKY = 2 ** 20;
const bit = (mode: number, one: number): number => Math.floor(mode / one) % 2;

/** Permissions of a Go file mode, as chmod(2) has them. */
export const permissionsOf = (mode: number): number => (mode % 512) + bit(mode, SETUID) * 0o4000 + bit(mode, SETGID) * 0o2000 + bit(mode, STICKY) * 0o1000;

/** Nanoseconds since 1970 of an RFC 3339 time with up to nine decimals. */
export function nanoseconds(time: string): bigint {
  const match = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  if (match === null) return 0n;
  return BigInt(Date.parse(`${match[1] as string}${match[3] as string}`)) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

const TYPES: Readonly<Record<string, number>> = { file: 0o100000, dir: 0o040000, symlink: 0o120000, fifo: 0o010000, chardev: 0o020000, dev: 0o060000 };

/** Compares type, size, owner, mode, time and link target of files with what was saved, in GNU tar's words (`./x: Mode differs`). */
export function compareNodes(nodes: readonly Node[], directory: string, unixMetadata: boolean): { entries: number; differences: string[] } {
  const differences: string[] = [];
  let entries = 0;
  for (const n of nodes) {
    const type = TYPES[n.type];
    if (type === undefined) continue; // a socket: its server makes it anew
    const full = join(directory, n.path);
    const s = lstatSync(full, { bigint: true, throwIfNoEntry: false });
    // JSON has no bytes: of a name that is no UTF-8 nothing can be said.
    if (s === undefined && n.path.includes('\ufffd')) continue;
    entries++;
    const add = (what: string, wrong: boolean): void => { if (wrong) differences.push(`${n.path}: ${what}`); };
    if (s === undefined) {
      add('Cannot stat: No such file or directory', true);
      continue;
    }
    const mode = Number(s.mode);
    if ((mode & 0o170000) !== type) {
      add('File type differs', true);
      continue;
    }
    add('Size differs', n.type === 'file' && s.size !== BigInt(n.size));
    add('Symlink differs', n.type === 'symlink' && n.linktarget !== undefined && readlinkSync(full) !== n.linktarget);
    if (!unixMetadata) continue;
    add('Uid differs', Number(s.uid) !== n.uid);
    add('Gid differs', Number(s.gid) !== n.gid);
    add('Mode differs', n.type !== 'symlink' && (mode & 0o7777) !== permissionsOf(n.mode));
    // The root of a file system is touched by what is mounted and made in it.
    add('Mod time differs', n.path !== '.' && n.type !== 'dir' && s.mtimeNs !== nanoseconds(n.mtime));
  }
  return { entries, differences };
}
