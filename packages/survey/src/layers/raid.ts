import { readFileSync } from 'node:fs';
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
  const chunk = /^(\d+)K$/.exec(get('Chunk Size'))?.[1] ?? /^(\d+)K$/.exec(get('Rounding'))?.[1];
  return {
    type: 'raid', device, level: text(exported, 'MD_LEVEL'), count: Number(text(exported, 'MD_DEVICES')), metadata: text(exported, 'MD_METADATA'),
    uuid: text(exported, 'MD_UUID'), name: /^(.*?)(?:\s+\(local to host .*\))?$/.exec(get('Name'))?.[1] ?? '', ...(chunk === undefined ? {} : { chunkBytes: Number(chunk) * 1024 }),
    ...(get('Layout') === '' ? {} : { layout: get('Layout') }), bitmap: /internal/i.test(get('Intent Bitmap')),
    members: members.sort((a, b) => a.slot - b.slot || (a.device < b.device ? -1 : 1)),
  };
}

/** Reads an array of the kernel's md driver. @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function readRaid(device: BlockDevice): Promise<RaidLayer> {
  const { stdout: exported } = await runTool('mdadm', ['--detail', '--export', device.path]);
  const { stdout: detail } = await runTool('mdadm', ['--detail', device.path]);
  const table = device.children.some((c) => c.type === 'part') ? await readDisk(device.path) : undefined;
  return { ...parseMdadm(exported, detail, device.path), ...(table === undefined ? {} : { table }) };
}

/** Number of a device by its sysfs name (`dm-0`). */
export const sysNumber = (name: string): string => readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim();
