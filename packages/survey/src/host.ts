import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Survey } from './schema.js';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // not on this machine
  }
}

/** The name that this machine calls itself: of /etc/hostname (hostname(5): lines with # are comments), else of the kernel. */
export const hostName = (file = '/etc/hostname'): string => readText(file).split('\n').map((l) => l.trim()).find((l) => l !== '' && !l.startsWith('#')) ?? hostname();

/** Hardware and operating system, in short. */
export function readHost(): Survey['host'] {
  const os = readText('/etc/os-release');
  const get = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(os)?.[1] ?? '';
  return {
    name: hostName(), os: get('PRETTY_NAME'), osId: get('ID'), osVersion: get('VERSION_ID'), arch: arch(),
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

/**
 * Whether the firmware enforces Secure Boot: the last byte of the variable SecureBoot is 1 (UEFI specification 2.10,
 * 3.3 "Globally Defined Variables"; efivarfs puts four bytes of attributes before the value).
 */
export function readSecureBoot(efivars = '/sys/firmware/efi/efivars'): boolean {
  const file = join(efivars, 'SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c');
  if (!existsSync(file)) return false;
  const value = readFileSync(file);
  return value.length === 5 && value[4] === 1;
}

export const readCommandLine = (): string => readText('/proc/cmdline');

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
