import { delimiter } from 'node:path';

/**
 * A PATH with the directories of the administrator's programs behind those of everybody's that it has: cron(8), and su(1) without a dash, know only the
 * latter, and half of what cdrec needs is in the former. A PATH that was made for a purpose, with none of them, stays as it is.
 */
export function withSystemPrograms(path: string): string {
  const has = path.split(delimiter);
  const more = ['/usr/local', '/usr', ''].filter((d) => has.includes(`${d}/bin`) && !has.includes(`${d}/sbin`)).map((d) => `${d}/sbin`);
  return [...has, ...more].join(delimiter);
}

/**
 * Variables by which somebody's own habits reach the programs that are run here: TAR_OPTIONS="--exclude=..." would leave files out of a backup that nobody
 * knows of, a level of compression would not be the configured one, BASH_ENV and exported functions would change what a script does.
 * (info tar, gzip, grep, coreutils; xz(1), zstd(1), pigz(1), bzip2(1), bash(1), mke2fs(8), mtools(1).)
 */
const HABITS = new Set([
  'TAR_OPTIONS', 'TAPE', 'GZIP', 'PIGZ', 'BZIP', 'BZIP2', 'LBZIP2', 'XZ_DEFAULTS', 'XZ_OPT', 'ZSTD_CLEVEL', 'ZSTD_NBTHREADS', 'POSIXLY_CORRECT', 'BLOCK_SIZE', 'BLOCKSIZE', 'DF_BLOCK_SIZE', 'DU_BLOCK_SIZE', 'LS_BLOCK_SIZE',
  'QUOTING_STYLE', 'TIME_STYLE', 'GREP_OPTIONS', 'BASH_ENV', 'ENV', 'CDPATH', 'GLOBIGNORE', 'SHELLOPTS', 'BASHOPTS', 'POSIX_ME_HARDER', 'MKE2FS_CONFIG', 'MKE2FS_SYNC', 'MTOOLSRC',
]);
export const isHabit = (variable: string): boolean => HABITS.has(variable) || variable.startsWith('BASH_FUNC_');

/** Where the configuration is looked for. */
export const DEFAULT_CONFIG_FILE = '/etc/cdrec/cdrec.toml';
