import { findProgram, runTool } from '@cdrec/tool';
import type { FileSystem, Quota } from './schema.js';

type Of = Quota['of'];
const KINDS: readonly Of[] = ['user', 'group', 'project'];

/** Whose quotas, as a flag of xfs_quota(8) for xfs, of repquota(8) and setquota(8) for others. */
export const quotaFlag = (type: FileSystem['type'], of: Of): string => ({ user: '-u', group: '-g', project: type === 'xfs' ? '-p' : '-P' })[of];

const limited = (q: Quota): boolean => q.softBytes > 0 || q.hardBytes > 0 || q.softFiles > 0 || q.hardFiles > 0;

/**
 * Limits from `repquota -v -n -O csv` (repquota(8); -v: those who use nothing, too): "#1000,ok,ok,4,10000,20000,,1,100,200,", space in KiB; who has none is left out.
 */
export function parseRepquota(csv: string, of: Of): Quota[] {
  return csv.split('\n').flatMap((line): Quota[] => {
    const [name = '', , , , soft, hard, , , softFiles, hardFiles] = line.split(',');
    const id = /^#(\d+)$/.exec(name)?.[1];
    const n = (text: string | undefined): number => Number(text ?? '0') || 0;
    return id === undefined ? [] : [{ of, id: Number(id), softBytes: n(soft) * 1024, hardBytes: n(hard) * 1024, softFiles: n(softFiles), hardFiles: n(hardFiles) }];
  }).filter(limited);
}

/** Limits from `xfs_quota -x -c dump` (xfs_quota(8)): id, soft and hard limits of space in blocks of 512 bytes, of files, of real-time space, with tabs between. */
export function parseXfsDump(text: string, of: Of): Quota[] {
  return text.split('\n').flatMap((line): Quota[] => {
    const n = line.trim().split(/\s+/).map(Number);
    const [id, soft, hard, softFiles, hardFiles] = n;
    if (n.length < 5 || n.some((x) => !Number.isFinite(x)) || id === undefined || soft === undefined || hard === undefined || softFiles === undefined || hardFiles === undefined) return [];
    return [{ of, id, softBytes: soft * 512, hardBytes: hard * 512, softFiles, hardFiles }];
  }).filter(limited);
}

/** Which kinds of quotas a file system keeps in itself (files of limits, as old ext has them, are files like others). */
export function quotaKinds({ type, options, parameters }: Pick<FileSystem, 'type' | 'options' | 'parameters'>): Of[] {
  const given = options.split(',');
  if (type === 'xfs') return KINDS.filter((k) => ({ user: ['usrquota', 'uqnoenforce'], group: ['grpquota', 'gqnoenforce'], project: ['prjquota', 'pqnoenforce'] })[k].some((o) => given.includes(o)));
  const features = (parameters['features'] ?? '').split(',');
  if (!/^(ext4|f2fs)$/.test(type) || !features.includes('quota')) return [];
  return KINDS.filter((k) => k !== 'project' || features.includes('project') || features.includes('project_quota'));
}

/**
 * Limits of quotas that a mounted file system keeps where no archive of files has them. None where the programs are not installed with which somebody would have
 * set them.
 * @throws CdrecError TOOL_FAILED
 */
export async function readQuotas(fs: Pick<FileSystem, 'type' | 'options' | 'parameters' | 'mount'>): Promise<Quota[]> {
  const program = fs.type === 'xfs' ? 'xfs_quota' : 'repquota';
  const kinds = quotaKinds(fs);
  if (kinds.length === 0 || findProgram(program, '') === undefined) return [];
  const out: Quota[] = [];
  for (const of of kinds) {
    // Status 1: that kind of quota is not on.
    if (fs.type === 'xfs') out.push(...parseXfsDump((await runTool(program, ['-x', '-c', `dump ${quotaFlag(fs.type, of)}`, fs.mount], { ok: [0, 1] })).stdout, of));
    else out.push(...parseRepquota((await runTool(program, ['-v', '-n', '-O', 'csv', quotaFlag(fs.type, of), fs.mount], { ok: [0, 1] })).stdout, of));
  }
  return out;
}
