import { CdrecError } from './errors.js';
import { runTool } from './run.js';

/** Seconds that a file system gets to say what lies at a path. A disk that must spin up first, and a server that is only slow, answer in time. */
const PATIENCE = 20;

/**
 * Whether a program ends within so many seconds, however it ends; nothing of what it says is kept. It may be left behind where nothing can kill it (at a
 * FUSE server that is stopped): nobody waits for it.
 */
export async function endsWithin(seconds: number, program: string, ...args: string[]): Promise<boolean> {
  // timeout(1) kills itself along with the program (both have one process group), so the shell goes on, with 137. Without timeout(1), 127, one goes on as ever.
  const { stdout } = await runTool('bash', ['-c', 'timeout --signal=KILL "$@" < /dev/null > /dev/null 2>&1; echo $?', 'bash', String(seconds), program, ...args]);
  return ![124, 137].includes(Number(stdout));
}

/**
 * Looks at paths from outside of this process, which would wait for a dead server for ever, signals or not. A path that does not exist, or may not be
 * read, is an answer too.
 * @throws CdrecError PLACE_SILENT naming the first one that does not answer within so many seconds
 */
export async function requireAnswer(paths: readonly string[], seconds = PATIENCE): Promise<void> {
  const answers = (...some: readonly string[]): Promise<boolean> => endsWithin(seconds, 'stat', '-L', '--', ...some);
  if (paths.length === 0 || (await answers(...paths))) return;
  const each = paths.length === 1 ? [false] : await Promise.all(paths.map((p) => answers(p)));
  const path = paths[each.indexOf(false)];
  if (path !== undefined) throw new CdrecError('PLACE_SILENT', `${path} does not answer (${String(seconds)} s): the server or the program behind it may be dead`, { hint: 'bring it back, or unmount it (umount -l), then repeat; or take another place' });
}
