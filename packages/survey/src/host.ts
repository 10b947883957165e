import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { readlinkSync } from 'node:fs';
import { z } from 'zod';
import { findProgram, runTool } from '@cdrec/tool';
import type { Survey } from './schema.js';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // not on this machine
  }
}

/** Hardware and operating system, in short. */
export function readHost(): Survey['host'] {
  const os = readText('/etc/os-release');
  const get = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(os)?.[1] ?? '';
  return {
    name: readText('/etc/hostname') || hostname(), os: get('PRETTY_NAME'), osId: get('ID'), osVersion: get('VERSION_ID'), arch: arch(),
    cpu: cpus()[0]?.model.trim() ?? '', cpus: cpus().length, memoryBytes: totalmem(),
    vendor: readText('/sys/class/dmi/id/sys_vendor'), product: readText('/sys/class/dmi/id/product_name'),
  };
}

/** Names of the loaded kernel modules. */
export function readModules(): string[] {
  return readText('/proc/modules').split('\n').map((line) => line.split(' ')[0] as string).filter((m) => m !== '').sort();
}

/** How the running system was started. */
export const readFirmware = (): 'bios' | 'uefi' => (existsSync('/sys/firmware/efi') ? 'uefi' : 'bios');
export const readCommandLine = (): string => readText('/proc/cmdline');

const ipSchema = z.array(z.object({ ifname: z.string(), address: z.string().optional(), addr_info: z.array(z.object({ local: z.string(), prefixlen: z.number() })).default([]) }));

/** Network interfaces with hardware behind them; empty when `ip` is not installed. */
export async function readNetwork(path: string): Promise<Survey['network']> {
  if (findProgram('ip', path) === undefined) return [];
  const { stdout } = await runTool('ip', ['-json', 'address']);
  return ipSchema.parse(JSON.parse(stdout)).flatMap((i) => {
    const device = join('/sys/class/net', i.ifname, 'device');
    if (!existsSync(device)) return [];
    const driver = existsSync(join(device, 'driver')) ? basename(readlinkSync(join(device, 'driver'))) : '';
    return [{ name: i.ifname, mac: i.address ?? '', driver, addresses: i.addr_info.map((a) => `${a.local}/${String(a.prefixlen)}`) }];
  });
}

/** EFI programs below an ESP's mount point, relative to it; at most five levels deep. */
export function listEfiPrograms(mount: string): string[] {
  const out: string[] = [];
  const walk = (relative: string, depth: number): void => {
    for (const entry of readdirSync(join(mount, relative), { withFileTypes: true })) {
      const path = join(relative, entry.name);
      if (entry.isDirectory() && depth < 5) walk(path, depth + 1);
      else if (/\.efi$/i.test(entry.name)) out.push(path);
    }
  };
  if (existsSync(join(mount, 'EFI'))) walk('EFI', 0);
  return out.sort();
}
