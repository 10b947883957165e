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

/** Where the configuration is looked for. */
export const DEFAULT_CONFIG_FILE = '/etc/cdrec/cdrec.toml';
