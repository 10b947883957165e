import type { FileSystem } from '@cdrec/survey';
import { MIB } from './geometry.js';

const TIB = 2 ** 40;
type Counted = Pick<FileSystem, 'type' | 'bytes' | 'usedBytes' | 'usedInodes' | 'parameters'>;

const isExt = (type: FileSystem['type']): boolean => /^ext[234]$/.test(type);
const inodeBytes = (fs: Counted): number => Number(fs.parameters['inodeSize'] ?? (fs.type === 'xfs' ? '512' : '256'));
/** Inodes that a file system must have, with some to spare; 0 where the survey does not say how many are in use. */
const neededInodes = (usedInodes: number | undefined): number => (usedInodes === undefined ? 0 : Math.ceil(usedInodes * 1.1) + 1000);

/**
 * Bytes below which an ext2/3/4 has no room for its content beside its inode tables, which are as dense as they were (mke2fs(8): -N), and hold
 * as many inodes as are in use. 0 for others: their inodes lie among the data and are counted with it.
 */
export function leastWithInodes(fs: Counted): number {
  if (!isExt(fs.type)) return 0;
  const content = Math.ceil(fs.usedBytes * 1.1) + 96 * MIB;
  const tables = Number(fs.parameters['inodes'] ?? '0') * inodeBytes(fs);
  const share = fs.bytes > 0 ? tables / (fs.bytes + tables) : 0;
  return Math.max(Math.ceil(content / (1 - share)), content + neededInodes(fs.usedInodes) * inodeBytes(fs));
}

/** Share of an xfs that inodes may take unless it is said (mkfs.xfs(8): maxpct). */
const usualShare = (bytes: number): number => (bytes < TIB ? 25 : bytes < 50 * TIB ? 5 : 1);

/**
 * Parameters on inodes of a file system that was `before` bytes and is `now`: of ext in proportion, but never fewer than are in use; of xfs a
 * larger share of the room when those in use need it.
 */
export function fittedInodes(fs: Counted, before: number, now: number): Readonly<Record<string, string>> {
  const inodes = Number(fs.parameters['inodes'] ?? '0');
  if (inodes > 0) return { inodes: String(Math.max(Math.ceil((inodes * now) / before), neededInodes(fs.usedInodes))) };
  if (fs.type !== 'xfs') return {};
  const share = Math.min(100, Math.ceil((neededInodes(fs.usedInodes) * inodeBytes(fs) * 100) / now));
  return share > Number(fs.parameters['imaxpct'] ?? usualShare(now)) ? { imaxpct: String(share) } : {};
}
