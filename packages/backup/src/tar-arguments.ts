/**
 * GNU tar flags that keep all metadata, the same for writing and reading: owner, mode, times with nanoseconds, hard
 * links, sparse files, ACLs, SELinux contexts, every extended attribute (capabilities are one).
 */
export const CONTENT_FLAGS: readonly string[] = ['--numeric-owner', '--sparse', '--acls', '--selinux', '--xattrs', '--xattrs-include=*'];

/** File systems without Unix metadata. */
export const isPlain = (fsType: string): boolean => fsType === 'vfat';

/**
 * `--exclude` arguments for one file system: rules are absolute paths; only those below its mount point count.
 * `/x` drops x itself, `/x/*` keeps x empty; `*` and `?` do not match a slash.
 */
export function excludeArguments(mount: string, rules: readonly string[]): string[] {
  const base = mount === '/' ? '/' : `${mount}/`;
  const relative = rules.filter((r) => r.startsWith(base) && r.length > base.length).map((r) => `./${r.slice(base.length).replace(/\/+$/, '')}`);
  return relative.length === 0 ? [] : ['--anchored', '--wildcards', '--no-wildcards-match-slash', ...relative.map((r) => `--exclude=${r}`)];
}

/**
 * Arguments that write one file system to standard output; `--directory` is the caller's (see `openTar`).
 * `compressor` is a command line for tar, or empty.
 */
export function createArguments(mount: string, fsType: string, compressor: string, rules: readonly string[]): string[] {
  return [
    '--create', '--file=-', '--format=posix', '--pax-option=delete=atime,delete=ctime', '--one-file-system', '--sort=name', '--totals',
    ...(isPlain(fsType) ? ['--numeric-owner', '--sparse'] : CONTENT_FLAGS),
    ...(compressor === '' ? [] : [`--use-compress-program=${compressor}`]),
    ...excludeArguments(mount, rules), '.',
  ];
}
