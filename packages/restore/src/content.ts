import type { FileSystem, Survey } from '@cdrec/survey';
import { CdrecError } from '@cdrec/tool';
import { mountedAt } from './mounts.js';

/** What the content of an archive needs to know of it: of a tar stream the uncompressed bytes. */
interface Stream { readonly kind: string; readonly mount: string; readonly contentBytes: number }

/** Of a file in a tar stream at most, beside its content: header, extended header with its block of times, padding (POSIX pax). */
const HEADER_BYTES = 1536;
/** Share of a tar stream that is content at least, where nobody counts the files (btrfs has no limit of inodes). */
const CONTENT_SHARE = 0.7;

/**
 * Bytes that the files of a file system take at least when nothing shares its blocks; 0 where they take no more than they took.
 * Files of xfs and btrfs may share blocks (cp --reflink, which today's cp does by itself; deduplication): a tar stream has each of them whole.
 */
function contentOf(fs: FileSystem, archives: readonly Stream[]): number {
  if ((fs.type !== 'xfs' && fs.type !== 'btrfs') || /(?:^|,)compress/.test(fs.options)) return 0;
  const bytes = archives.find((a) => a.kind === 'tar' && a.mount === fs.mount)?.contentBytes ?? 0;
  return fs.usedInodes === undefined ? Math.floor(bytes * CONTENT_SHARE) : Math.max(0, bytes - fs.usedInodes * HEADER_BYTES);
}

/** The survey with the bytes in use that the archives of the set will need: more than were used where files shared blocks. Pure. */
export function withContent(survey: Survey, archives: readonly Stream[]): Survey {
  const content = new Map<string, number>();
  for (const fs of survey.fileSystems) content.set(fs.uuid, (content.get(fs.uuid) ?? 0) + contentOf(fs, archives));
  // Of subvolumes the one that counts the bytes of all.
  return { ...survey, fileSystems: survey.fileSystems.map((fs) => (fs.usedBytes > 0 ? { ...fs, usedBytes: Math.max(fs.usedBytes, content.get(fs.uuid) ?? 0) } : fs)) };
}

/**
 * The survey of a machine some of whose file systems come back without their files: these need no room, but for the swap files on them. Of a btrfs the
 * other subvolumes keep their part, by what the archives hold. Pure.
 * @throws CdrecError EMPTY_MOUNT for the root, and for what is no mount point
 */
export function withoutContent(survey: Survey, archives: readonly Stream[], empty: readonly string[]): Survey {
  if (empty.length === 0) return survey;
  for (const mount of empty) {
    if (mount === '/') throw new CdrecError('EMPTY_MOUNT', 'the root cannot stay empty: nothing would start');
    if (!survey.fileSystems.some((f) => f.mount === mount)) throw new CdrecError('EMPTY_MOUNT', `${mount} is no file system of this machine`, { hint: `its file systems are ${survey.fileSystems.map((f) => f.mount).join(', ')}` });
  }
  const bytes = (list: readonly FileSystem[]): number => list.reduce((n, f) => n + (archives.find((a) => (a.kind === 'tar' || a.kind === 'tree') && a.mount === f.mount)?.contentBytes ?? 0), 0);
  return {
    ...survey,
    fileSystems: survey.fileSystems.map((fs) => {
      const together = survey.fileSystems.filter((f) => f.uuid === fs.uuid);
      const full = together.filter((f) => !empty.includes(f.mount));
      if (full.length === together.length) return fs;
      const swap = survey.swapFiles.filter((s) => together.some((f) => f === mountedAt(s.path, survey.fileSystems))).reduce((n, s) => n + s.bytes, 0);
      const kept = full.length === 0 ? 0 : fs.usedBytes * (bytes(full) / Math.max(1, bytes(together)));
      return { ...fs, usedInodes: 0, usedBytes: fs.usedBytes === 0 ? 0 : Math.min(fs.usedBytes, Math.ceil(kept) + swap) };
    }),
  };
}

/** A line for every file system that is smaller than what it is to hold (`withContent`). */
export function roomWarnings(survey: Pick<Survey, 'fileSystems'>): string[] {
  return survey.fileSystems.filter((fs) => fs.bytes > 0 && fs.usedBytes > fs.bytes).map((fs) =>
    `the files of ${fs.mount} need ${String(fs.usedBytes)} bytes at least, ${String(fs.usedBytes - fs.bytes)} more than it has: what shared its blocks there (cp --reflink, deduplication), or was compressed, comes back whole. On a larger disk with --grow it has the room`);
}
