import { CdrecError } from '@cdrec/tool';

/** How a repository is reached. The secrets are in memory only: they go to restic by its environment, never by arguments. */
export interface Access {
  /** restic's notation: a path, `sftp:`, `rest:`, `s3:`, `azure:`, `gs:`, `b2:`, `swift:`, `rclone:`. */
  readonly location: string;
  readonly password: string;
  /** Keys of the store: AWS_ACCESS_KEY_ID and the like. */
  readonly environment: Readonly<Record<string, string>>;
  /** File with the certificate of the authority that the server is known by. */
  readonly caCertificate?: string;
  /** File with the private key for an sftp: location; undefined: what ssh is configured to use. */
  readonly sshKey?: string;
}

/** A location without what may be a password in it (`rest:https://user:secret@host/`). */
export const shownLocation = (location: string): string => location.replace(/(\/\/[^/:@]*):[^/@]*@/, '$1:***@');

/** Whether a location carries a password: it would stand on every medium. */
export const hasPassword = (location: string): boolean => shownLocation(location) !== location;

/** Whether a location is a directory of this machine. */
export const isLocal = (location: string): boolean => location.startsWith('/') || location.startsWith('local:');

/** How ssh names the server of an sftp: location in its lists of known hosts: `host`, or `[host]:port`; undefined for other locations. */
export function sshHost(location: string): string | undefined {
  const url = /^sftp:\/\/(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\//.exec(location);
  if (url === null) return /^sftp:(?!\/\/)(?:[^@:]*@)?(\[[^\]]+\]|[^:]+):/.exec(location)?.[1]?.replace(/^\[|\]$/g, '');
  const host = (url[1] as string).replace(/^\[|\]$/g, '');
  return url[2] === undefined || url[2] === '22' ? host : `[${host}]:${url[2]}`;
}

/** Arguments of ssh for an sftp: location: its key alone, and an end to a connection that is dead for `patience` milliseconds. */
export function sshArguments(access: Access, patience: number): string {
  const alive = `-o ServerAliveInterval=15 -o ServerAliveCountMax=${String(Math.max(2, Math.ceil(patience / 15_000)))}`;
  return access.sshKey === undefined ? alive : `-i '${access.sshKey}' -o IdentitiesOnly=yes ${alive}`;
}

/** What a location needs beside the engine itself: programs, and whether it speaks TLS. */
export function needsOf(location: string): { readonly programs: readonly string[]; readonly tls: boolean } {
  if (location.startsWith('sftp:')) return { programs: ['ssh'], tls: false };
  if (location.startsWith('rclone:')) return { programs: ['rclone'], tls: true };
  return { programs: [], tls: /^(rest:https:|s3:(?!http:)|azure:|gs:|b2:|swift:)/.test(location) };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads NAME=VALUE lines (blank lines and # comments are skipped; quotes around a value are taken off).
 * @throws CdrecError CONFIG_INVALID naming `where` and the line
 */
export function parseEnvironment(text: string, where: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim().replace(/^export\s+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const name = line.slice(0, Math.max(0, at));
    if (!NAME.test(name)) throw new CdrecError('CONFIG_INVALID', `${where}:${String(i + 1)}: not NAME=VALUE`, { hint: 'one variable on each line: AWS_ACCESS_KEY_ID=...' });
    const value = line.slice(at + 1);
    out[name] = /^(['"]).*\1$/.test(value) ? value.slice(1, -1) : value;
  }
  return out;
}
