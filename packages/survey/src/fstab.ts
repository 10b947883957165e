import { existsSync, readFileSync } from 'node:fs';
import { runTool } from '@cdrec/tool';

/** A line of fstab whose file system is named by something that can be stale. */
export interface FstabReference {
  readonly source: string;
  readonly mount: string;
  /** It may be absent when the machine starts: `noauto` or `nofail`. */
  readonly optional: boolean;
}

/** A field of fstab as it is meant: blanks and others stand there as three octal digits (fstab(5)); quotes around a label go. */
export const fstabField = (field: string): string => field.replaceAll('"', '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** References by UUID, label or device path in the text of an fstab; pseudo and network file systems have none. */
export function parseFstab(text: string): FstabReference[] {
  return text.split('\n').map((l) => l.trim()).filter((l) => l !== '' && !l.startsWith('#')).flatMap((line): FstabReference[] => {
    const [source, mount, , options] = line.split(/\s+/);
    if (source === undefined || mount === undefined || !/^(UUID|LABEL|PARTUUID|PARTLABEL)=|^\/dev\//.test(source)) return [];
    return [{ source: fstabField(source), mount: fstabField(mount), optional: (options ?? '').split(',').some((o) => o === 'noauto' || o === 'nofail') }];
  });
}

/** References of /etc/fstab that no device of this machine answers to: after a reboot the machine would miss them. */
export async function staleFstab(file = '/etc/fstab'): Promise<FstabReference[]> {
  if (!existsSync(file)) return [];
  const out: FstabReference[] = [];
  for (const reference of parseFstab(readFileSync(file, 'utf8'))) {
    if (reference.source.startsWith('/dev/')) {
      if (!existsSync(reference.source)) out.push(reference);
      continue;
    }
    // -c /dev/null: what is on the disks now, not what a cache remembers.
    const { status } = await runTool('blkid', ['-c', '/dev/null', '-o', 'device', '-t', reference.source], { ok: [0, 2] });
    if (status !== 0) out.push(reference);
  }
  return out;
}
