import { readdirSync } from 'node:fs';
import { CdrecError, findProgram, runTool } from '@cdrec/tool';
import * as z from 'zod';

/** A mounted file system. Sizes in bytes; `number` is major:minor of its device. */
export interface Mount {
  readonly target: string;
  readonly source: string;
  readonly type: string;
  readonly options: string;
  readonly number: string;
  readonly bytes: number;
  readonly usedBytes: number;
  /** The root of the mount within the file system: `/` unless it is a bind mount or subvolume. */
  readonly root: string;
}

const schema = z.object({
  filesystems: z.array(z.object({
    target: z.string(), source: z.string().nullable(), fstype: z.string(), options: z.string(), 'maj:min': z.string(), fsroot: z.string(),
    size: z.coerce.number().nullable(), used: z.coerce.number().nullable(),
  })),
});

/** Parses the JSON of `findmnt --list`. */
export function parseFindmnt(json: string): Mount[] {
  try {
    return schema.parse(JSON.parse(json)).filesystems.map((f) => ({
      target: f.target, source: f.source ?? '', type: f.fstype, options: f.options, number: f['maj:min'].trim(), root: f.fsroot, bytes: f.size ?? 0, usedBytes: f.used ?? 0,
    }));
  } catch (error) {
    throw new CdrecError('SURVEY_TOOL_OUTPUT', `findmnt printed something unexpected: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** All mounts of this process's namespace, in mount order. */
export async function readMounts(): Promise<Mount[]> {
  const { stdout } = await runTool('findmnt', ['--json', '--list', '--bytes', '--output', 'TARGET,SOURCE,FSTYPE,OPTIONS,MAJ:MIN,FSROOT,SIZE,USED']);
  return parseFindmnt(stdout);
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
