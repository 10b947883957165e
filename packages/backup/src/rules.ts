/** Paths that are left out or taken alone. All are absolute; `/x` is x itself with all below, `/x/*` everything in x but not x. */
export interface Rules {
  /** Paths left out. */
  readonly exclude: readonly string[];
  /** When a file system has paths here, only they (and the directories that lead to them) are taken from it. */
  readonly include: readonly string[];
}

/** The rules of one file system, relative to its root: `./x`. */
export interface FileSystemRules {
  readonly exclude: readonly string[];
  readonly include: readonly string[];
}

/**
 * What is left out of every backup unless `backup.default_excludes = false`: content that is made anew or fetched again
 * by whoever needs it. The directories themselves are kept.
 */
export const DEFAULT_EXCLUDES: readonly string[] = [
  '/tmp/*', '/var/lib/cdrec/*', '/var/cache/cdrec/*', '/var/cache/apt/archives/*.deb', '/var/cache/apt/archives/partial/*', '/var/cache/apt/*.bin', '/var/cache/dnf/*', '/var/cache/yum/*', '/var/cache/zypp/packages/*', '/var/cache/pacman/pkg/*',
  '/var/spool/squid/*', '/var/cache/squid/*', '/var/lib/systemd/coredump/*',
];

/** The part of a rule below a mount point, as tar knows it; `undefined` when it speaks of another file system. */
function below(mount: string, rule: string): string | undefined {
  const base = mount === '/' ? '/' : `${mount}/`;
  const clean = rule.replace(/\/+$/, '');
  return clean.startsWith(base) && clean.length > base.length ? `./${clean.slice(base.length)}` : undefined;
}

/**
 * The rules that speak of one file system. A rule for the mount point itself (`/home`) is none of its own; a rule that
 * covers it from above (`/srv/*` and the file system on /srv/data) leaves out the mount point in the upper file system
 * only: what is mounted is a file system of its own, left out by `backup.exclude_mounts`.
 */
export function rulesOf(mount: string, rules: Rules): FileSystemRules {
  const pick = (list: readonly string[]): string[] => [...new Set(list.map((r) => below(mount, r)).filter((r) => r !== undefined))];
  return { exclude: pick(rules.exclude), include: pick(rules.include) };
}
