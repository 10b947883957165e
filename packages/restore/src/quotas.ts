import { quotaFlag, quotaKinds, type FileSystem, type Quota } from '@cdrec/survey';
import { runTool } from '@cdrec/tool';

/** Options with which a file system is mounted so that its quotas can be set; undefined when there are none to set. */
export function quotaOptions(fs: FileSystem): string | undefined {
  if (fs.quotas === undefined || fs.quotas.length === 0) return undefined;
  const names = { user: 'usrquota', group: 'grpquota', project: 'prjquota' };
  return quotaKinds(fs).map((k) => names[k]).join(',');
}

/** The program that sets the quotas of a file system. */
export const quotaProgram = (type: FileSystem['type']): string => (type === 'xfs' ? 'xfs_quota' : 'setquota');

/** Limits as `xfs_quota -x -c restore` reads them: space in blocks of 512 bytes. */
export const xfsDump = (device: string, quotas: readonly Quota[]): string => `fs = ${device}\n${quotas.map((q) => `${[q.id, q.softBytes / 512, q.hardBytes / 512, q.softFiles, q.hardFiles, 0, 0].join('\t')}\n`).join('')}`;

/** Limits as `setquota --batch` reads them: space in KiB. */
export const setquotaBatch = (quotas: readonly Quota[]): string => quotas.map((q) => `${[q.id, Math.ceil(q.softBytes / 1024), Math.ceil(q.hardBytes / 1024), q.softFiles, q.hardFiles].join(' ')}\n`).join('');

/** Sets limits on a file system that is mounted with its quotas on: setquota(8), xfs_quota(8). @throws CdrecError TOOL_MISSING, TOOL_FAILED */
export async function setQuotas(type: FileSystem['type'], device: string, directory: string, quotas: readonly Quota[]): Promise<void> {
  for (const of of ['user', 'group', 'project'] as const) {
    const some = quotas.filter((q) => q.of === of);
    if (some.length === 0) continue;
    if (type === 'xfs') await runTool('xfs_quota', ['-x', '-c', `restore ${quotaFlag(type, of)}`, directory], { input: xfsDump(device, some) });
    else await runTool('setquota', [quotaFlag(type, of), '-b', directory], { input: setquotaBatch(some) });
  }
}
