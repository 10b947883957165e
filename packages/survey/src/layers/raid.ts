import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runTool } from '@cdrec/tool';
import { readDisk, type BlockDevice } from '../block.js';
import type { RaidLayer } from '../schema.js';

const text = (lines: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(lines)?.[1]?.trim() ?? '';

/** What `mdadm --detail --export` says, with chunk and layout from `mdadm --detail`. `members` by their place in the array; an empty place is absent. */
export function parseMdadm(exported: string, detail: string, device: string): Omit<RaidLayer, 'table'> {
  const get = (key: string): string => new RegExp(`^\\s*${key} : (.*)$`, 'm').exec(detail)?.[1]?.trim() ?? '';
  const members = [...exported.matchAll(/^MD_DEVICE_(\w+)_ROLE=(\S+)$/gm)].flatMap(([, id, role]) => {
    const path = text(exported, `MD_DEVICE_${id as string}_DEV`);
    return role === 'spare' ? [{ device: path, slot: -1 }] : /^\d+$/.test(role as string) ? [{ device: path, slot: Number(role) }] : [];
  });
  const policy = get('Consistency Policy');
  const chunk = /^(\d+)K$/.exec(get('Chunk Size'))?.[1] ?? /^(\d+)K$/.exec(get('Rounding'))?.[1];
  return {
    type: 'raid', device, level: text(exported, 'MD_LEVEL'), count: Number(text(exported, 'MD_DEVICES')), metadata: text(exported, 'MD_METADATA'),
    uuid: text(exported, 'MD_UUID'), name: /^(.*?)(?:\s+\(local to host .*\))?$/.exec(get('Name'))?.[1] ?? '', ...(chunk === undefined ? {} : { chunkBytes: Number(chunk) * 1024 }),
    ...(get('Layout') === '' ? {} : { layout: get('Layout') }), bitmap: /internal/i.test(get('Intent Bitmap')),
    ...(policy === 'ppl' || policy === 'journal' ? { policy } : {}),
    members: members.sort((a, b) => a.slot - b.slot || (a.device < b.device ? -1 : 1)),
  };
}

/** What sysfs says of the members of an array, by their kernel names: where their data begins, in sectors, and their state (Documentation/admin-guide/md.rst). */
function memberFiles(array: string): Map<string, { offset: number; state: string }> {
  const directory = `/sys/block/${basename(realpathSync(array))}/md`;
  return new Map(readdirSync(directory).filter((n) => n.startsWith('dev-')).map((n) => [n.slice(4), { offset: Number(readFileSync(join(directory, n, 'offset'), 'utf8')), state: readFileSync(join(directory, n, 'state'), 'utf8') }]));
}

/** Adds what mdadm does not say in a form for programs: where the data begins, which member is the journal, and which are read only when others fail. */
export function withMembers(raid: RaidLayer, files: ReadonlyMap<string, { readonly offset: number; readonly state: string }>, nameOf: (device: string) => string): RaidLayer {
  const members = raid.members.map((m) => {
    const state = files.get(nameOf(m.device))?.state ?? '';
    const flags = [...(state.includes('write_mostly') ? ['write-mostly' as const] : []), ...(state.includes('failfast') ? ['failfast' as const] : [])];
    // mdadm calls a journal a spare.
    return { ...m, ...(state.includes('journal') ? { slot: -2 } : {}), ...(flags.length === 0 ? {} : { flags }) };
  });
  // Of 0.90 and 1.0 it is 0: their superblock lies behind the data.
  const offset = Math.max(0, ...raid.members.filter((m) => m.slot >= 0).map((m) => files.get(nameOf(m.device))?.offset ?? 0));
  return { ...raid, members, ...(/^1\.[12]/.test(raid.metadata) && offset > 0 ? { dataOffsetBytes: offset * 512 } : {}) };
}

/** Name of a device in sysfs; of one that is gone, the end of its path. */
const kernelName = (path: string): string => basename(existsSync(path) ? realpathSync(path) : path);

/** Reads an array of the kernel's md driver. @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function readRaid(device: BlockDevice): Promise<RaidLayer> {
  const { stdout: exported } = await runTool('mdadm', ['--detail', '--export', device.path]);
  const { stdout: detail } = await runTool('mdadm', ['--detail', device.path]);
  const table = device.children.some((c) => c.type === 'part') ? await readDisk(device.path) : undefined;
  const raid = withMembers(parseMdadm(exported, detail, device.path), memberFiles(device.path), kernelName);
  return { ...raid, ...(table === undefined ? {} : { table }) };
}

/** Number of a device by its sysfs name (`dm-0`). */
export const sysNumber = (name: string): string => readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim();
