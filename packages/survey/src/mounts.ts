import { readdirSync, statfsSync } from 'node:fs';
import { CdrecError, findProgram, runTool } from '@cdrec/tool';
import * as z from 'zod';

/** A mounted file system; `number` is major:minor of its device. Sizes are in bytes, and 0 where nobody asks for them: of what lies on no disk of this machine. */
export interface Mount {
  readonly target: string;
  readonly source: string;
  readonly type: string;
  readonly options: string;
  readonly number: string;
  readonly bytes: number;
  readonly usedBytes: number;
  /** Inodes in use, where the file system counts them. */
  readonly usedInodes?: number;
  /** The root of the mount within the file system: `/` unless it is a bind mount or subvolume. */
  readonly root: string;
}

const schema = z.object({
  filesystems: z.array(z.object({
    target: z.string(), source: z.string().nullable(), fstype: z.string(), options: z.string(), 'maj:min': z.string(), fsroot: z.string(),
  })),
});

/** Parses the JSON of `findmnt --list`, which does not know sizes. */
export function parseFindmnt(json: string): Mount[] {
  try {
    return schema.parse(JSON.parse(json)).filesystems.map((f) => ({
      target: f.target, source: f.source ?? '', type: f.fstype, options: f.options, number: f['maj:min'].trim(), root: f.fsroot, bytes: 0, usedBytes: 0,
    }));
  } catch (error) {
    throw new CdrecError('SURVEY_TOOL_OUTPUT', `findmnt printed something unexpected: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Sizes of what is mounted (statfs(2)); none when its device is gone. */
function sizesOf(target: string): Partial<Mount> {
  try {
    const { bsize, blocks, bfree, files, ffree } = statfsSync(target);
    return { bytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, ...(files > 0 ? { usedInodes: files - ffree } : {}) };
  } catch {
    return {};
  }
}

/**
 * All mounts of this process's namespace, in mount order. File systems of other machines and of programs (NFS, FUSE) are named, never asked:
 * one whose server is dead would keep whoever asks for its size waiting for ever.
 */
export async function readMounts(): Promise<Mount[]> {
  const { stdout } = await runTool('findmnt', ['--json', '--list', '--output', 'TARGET,SOURCE,FSTYPE,OPTIONS,MAJ:MIN,FSROOT']);
  return parseFindmnt(stdout).map((m) => (m.source.startsWith('/dev/') && !m.type.startsWith('fuse') ? { ...m, ...sizesOf(m.target) } : m));
}

/** Mount points that systemd would mount when somebody looks, and that are not mounted: not those of other automounters, whose servers may be far away. */
export const sleepingMounts = (mounts: readonly Pick<Mount, 'target' | 'source' | 'type'>[]): string[] =>
  mounts.filter((m) => m.type === 'autofs' && m.source === 'systemd-1' && !mounts.some((o) => o.target === m.target && o.type !== 'autofs')).map((m) => m.target);

/**
 * Has file systems of local disks mounted that systemd mounts on demand (an ESP, by systemd-gpt-auto-generator(8) or x-systemd.automount in fstab):
 * they belong to the machine, mounted at this moment or not. Returns whether there were any.
 */
export async function wakeMounts(mounts: readonly Mount[], path: string): Promise<boolean> {
  let woken = false;
  for (const target of sleepingMounts(mounts)) {
    if (findProgram('systemd-escape', path) === undefined || findProgram('systemctl', path) === undefined) return false;
    const unit = (await runTool('systemd-escape', ['--path', '--suffix=mount', target])).stdout.trim();
    const { stdout } = await runTool('systemctl', ['show', '--property=What', '--value', unit], { ok: [0, 1, 4] });
    if (!stdout.startsWith('/dev/')) continue;
    try {
      readdirSync(target);
      woken = true;
    } catch {
      // Its disk is not there, or does not answer: it is not mounted, like anything else that is not.
    }
  }
  return woken;
}
