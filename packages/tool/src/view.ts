import { existsSync, readFileSync } from 'node:fs';

/** Directories that every system has, where a file system can be seen once more. */
const PLACES = ['/mnt', '/media', '/srv', '/opt', '/var'];

/** Mount points of this process (proc(5), mountinfo), whose octal escapes are those of getmntent(3). */
function mountPoints(): Set<string> {
  return new Set(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((l) => (l.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))));
}

/**
 * Where a file system is to be seen by itself, in a mount namespace of its own. Not at a mount point, if there is another place: what is mounted
 * there may belong to a server that does not answer, and whoever asks for it waits for ever.
 */
export function viewPlace(): string {
  const mounted = mountPoints();
  return PLACES.find((d) => !mounted.has(d) && existsSync(d)) ?? '/mnt';
}

/**
 * Options of unshare(1) for a mount namespace in which a file system is seen by itself. Slave, not private: what is unmounted outside is unmounted
 * in it too; else it would stay busy, and a stick unwritten, until the program in it has ended.
 */
export const OWN_MOUNTS: readonly string[] = ['--mount', '--propagation', 'slave'];
/** Shell command that shows the file system mounted at $1 once more at $2, without what is mounted below it, now or later. */
export const SEE_ALONE = 'mount --bind --make-private -- "$1" "$2"';

/**
 * A program that gets so many seconds, and what it has printed by then, as arguments of bash: who asks a server that does not answer can only be
 * killed, timeout(1) with it.
 */
export const withinSeconds = (seconds: number, program: string, ...args: string[]): string[] => ['-c', 'timeout --signal=KILL "$@" 2> /dev/null; true', 'bash', String(seconds), program, ...args];
