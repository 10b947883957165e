import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { runTool } from '@cdrec/tool';
import type { BtrfsLayer } from '../schema.js';

/** A subvolume as `btrfs subvolume list -a -q` prints it; `path` from the top of the file system. */
export interface Subvolume { readonly id: number; readonly path: string; readonly snapshot: boolean; readonly readOnly: boolean }

/** Parses `btrfs subvolume list -a -q` (with the UUID of what a subvolume is a snapshot of); `readOnly` are the paths that `-r` lists. */
export function parseSubvolumes(list: string, readOnly: string): Subvolume[] {
  const paths = (text: string): { id: number; parent: string; path: string }[] => [...text.matchAll(/^ID (\d+) .*?(?:parent_uuid (\S+) +)?path (.*)$/gm)].map(([, id, parent, path]) => ({ id: Number(id), parent: parent ?? '-', path: (path as string).replace(/^<FS_TREE>\//, '') }));
  const locked = new Set(paths(readOnly).map((p) => p.id));
  return paths(list).map(({ id, parent, path }) => ({ id, path, snapshot: parent !== '-', readOnly: locked.has(id) }));
}

/** Profiles by `btrfs filesystem df`: `single`, `DUP`, `RAID1`... in lower case; `mixed` where data and metadata share their block groups. */
export function parseProfiles(text: string): { data: string; metadata: string; mixed?: true } {
  const of = (what: string): string => (new RegExp(`^${what}, (\\S+): `, 'm').exec(text)?.[1] ?? '').toLowerCase();
  const data = of('Data') || of('Data\\+Metadata');
  return { data, metadata: of('Metadata') || data, ...(/^Data\+Metadata, /m.test(text) ? { mixed: true } : {}) };
}

/** Reads a mounted btrfs with its devices, profiles and subvolumes. @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function readBtrfs(device: string, mount: string, uuid: string, label: string, pathOf: (sysName: string) => string): Promise<BtrfsLayer> {
  const run = async (...args: string[]): Promise<string> => (await runTool('btrfs', args)).stdout;
  const sys = `/sys/fs/btrfs/${uuid}`;
  const value = (name: string): string => (existsSync(`${sys}/${name}`) ? readFileSync(`${sys}/${name}`, 'utf8').trim() : '');
  const subvolumes = parseSubvolumes(await run('subvolume', 'list', '-a', '-q', mount), await run('subvolume', 'list', '-a', '-r', mount));
  const standard = Number(/^ID (\d+)/.exec(await run('subvolume', 'get-default', mount))?.[1] ?? 5);
  return {
    type: 'btrfs', device, devices: readdirSync(`${sys}/devices`).sort().map(pathOf), uuid, label, ...parseProfiles(await run('filesystem', 'df', '--raw', mount)),
    nodeBytes: Number(value('nodesize')) || 16384, sectorBytes: Number(value('sectorsize')) || 4096, checksum: /^\w+/.exec(value('checksum'))?.[0] ?? 'crc32c',
    subvolumes: subvolumes.map(({ path, snapshot, readOnly }) => ({ path, snapshot, readOnly })),
    defaultSubvolume: subvolumes.find((s) => s.id === standard)?.path ?? '',
  };
}
