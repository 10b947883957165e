import { existsSync, readFileSync, statSync } from 'node:fs';
import { findProgram, runTool } from '@cdrec/tool';
import { superblockOf } from './block.js';
import { fstabField } from './fstab.js';
import type { FileSystem, SwapFile } from './schema.js';

/** What fstab has as swap, as it names it. */
export function fstabSwaps(): string[] {
  try {
    return readFileSync('/etc/fstab', 'utf8').split('\n').map((line) => line.trim().split(/\s+/)).filter((f) => f[2] === 'swap').map((f) => fstabField(f[0] as string));
  } catch {
    return []; // no fstab, no swap named in it
  }
}

/** Paths in /proc/swaps that are files: the kernel writes blanks and the like as `\\040` (proc(5)). */
const activeFiles = (): string[] => readFileSync('/proc/swaps', 'utf8').split('\n').slice(1).map((line) => line.split(/\s+/)).filter((f) => f[1] === 'file').map((f) => fstabField(f[0] as string));

/** The label of SELinux that somebody gave a swap file: no policy can know what file is one. */
async function labelOf(path: string): Promise<{ selinux?: string }> {
  if (!existsSync('/etc/selinux/config') || findProgram('getfattr', '') === undefined) return {};
  const { stdout } = await runTool('getfattr', ['--absolute-names', '--only-values', '-n', 'security.selinux', path], { ok: [0, 1] });
  const label = stdout.replace(/\0$/, '').trim();
  return label === '' ? {} : { selinux: label };
}

/**
 * Swap files, in use or in fstab, that lie on file systems of the machine. What is in them is of no use to anybody, and they must
 * not come back as a backup stores files: with holes, or copied on write, no kernel takes them (swapon(8)).
 * @throws CdrecError TOOL_MISSING, TOOL_FAILED
 */
export async function readSwapFiles(fileSystems: readonly Pick<FileSystem, 'mount'>[]): Promise<SwapFile[]> {
  const out: SwapFile[] = [];
  for (const path of new Set([...activeFiles(), ...fstabSwaps()])) {
    const stat = path.startsWith('/') ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (stat?.isFile() !== true || !fileSystems.some((f) => f.mount === '/' || path.startsWith(`${f.mount}/`))) continue;
    const block = await superblockOf(path);
    if (block.type === 'swap') out.push({ path, bytes: stat.size, uuid: block.uuid, label: block.label, mode: stat.mode & 0o7777, ...(await labelOf(path)) });
  }
  return out;
}
