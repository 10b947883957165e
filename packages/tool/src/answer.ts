import { CdrecError } from './errors.js';
import { runTool } from './run.js';

/** Seconds that a file system gets to say what lies at a path. A disk that must spin up first, and a server that is only slow, answer in time. */
const PATIENCE = 20;

/** Whether all of some paths answer, be it that they do not exist. timeout(1) kills itself along with stat(1) (both have one process group), so the shell goes on. */
async function answers(paths: readonly string[], seconds: number): Promise<boolean> {
  const { stdout } = await runTool('bash', ['-c', 'timeout --signal=KILL "$1" stat -L -- "${@:2}" < /dev/null > /dev/null 2>&1; echo $?', 'bash', String(seconds), ...paths]);
  return ![124, 137].includes(Number(stdout)); // 137: killed itself; without timeout(1), 127, one goes on as ever
}

/**
 * Looks at paths from outside of this process, which would wait for a dead server for ever, signals or not. A path that does not exist, or may not be
 * read, is an answer too. The program that asks may be left behind where nothing can kill it (a FUSE server that is stopped): nobody waits for it.
 * @throws CdrecError PLACE_SILENT naming the first one that does not answer within so many seconds
 */
export async function requireAnswer(paths: readonly string[], seconds = PATIENCE): Promise<void> {
  if (paths.length === 0 || (await answers(paths, seconds))) return;
  const each = paths.length === 1 ? [false] : await Promise.all(paths.map((p) => answers([p], seconds)));
  const path = paths[each.indexOf(false)];
  if (path !== undefined) throw new CdrecError('PLACE_SILENT', `${path} does not answer (${String(seconds)} s): the server or the program behind it may be dead`, { hint: 'bring it back, or unmount it (umount -l), then repeat; or take another place' });
}
