import { hasUnixMetadata } from '@cdrec/survey';
import type { FileSystemRules } from './rules.js';

/**
 * GNU tar flags that keep all metadata, the same for writing and reading: owner, mode, times with nanoseconds, hard
 * links, sparse files, ACLs, SELinux contexts, every extended attribute (capabilities are one).
 */
export const CONTENT_FLAGS: readonly string[] = ['--numeric-owner', '--sparse', '--acls', '--selinux', '--xattrs', '--xattrs-include=*'];

/** `--exclude` arguments: `*` and `?` do not match a slash, patterns begin at the root of the file system. */
function excludeArguments(rules: readonly string[]): string[] {
  return rules.length === 0 ? [] : ['--anchored', '--wildcards', '--no-wildcards-match-slash', ...rules.map((r) => `--exclude=${r}`)];
}

/** Members to be archived: all, or the directories that lead to the wanted paths (themselves only) and these paths whole. */
function members(include: readonly string[]): string[] {
  if (include.length === 0) return ['.'];
  const parents = new Set<string>(['.']);
  for (const path of include) {
    const parts = path.split('/');
    for (let n = 1; n < parts.length; n++) parents.add(parts.slice(0, n).join('/'));
  }
  return ['--no-recursion', ...[...parents].sort(), '--recursion', ...include];
}

/** Arguments that write one file system to standard output; `--directory` is the caller's (see `openTar`). */
export function createArguments(fsType: string, rules: FileSystemRules): string[] {
  return [
    '--create', '--file=-', '--format=posix', '--blocking-factor=128', '--pax-option=delete=atime,delete=ctime', '--one-file-system', '--sort=name', '--totals',
    ...(hasUnixMetadata(fsType) ? CONTENT_FLAGS : ['--numeric-owner', '--sparse']),
    ...excludeArguments(rules.exclude), ...members(rules.include),
  ];
}
