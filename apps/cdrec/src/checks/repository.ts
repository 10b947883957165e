import type { Config } from '@cdrec/config';
import { shownLocation } from '@cdrec/engine';
import { errorCode, findProgram, installHint } from '@cdrec/tool';
import { readAccess, resticFor } from '../repository.js';
import { searchPath, Terminal } from '../terminal.js';
import { wrong, type Add } from './check.js';

/** Seconds that a check waits for a server. */
const PATIENCE = 10;

/** Where the backups go when they do not go into the set: is it there, does the password open it? */
export async function checkRepository({ backup, repository }: Config, add: Add): Promise<void> {
  if (backup.engine === 'command') {
    add('repository', 'PASS', 'backups are made by backup.command, and brought back by restore.command');
    return;
  }
  if (backup.engine !== 'restic') return;
  if (findProgram('restic', searchPath()) === undefined) {
    add('repository.program', 'FAIL', 'restic is not installed (backup.engine)', installHint('restic'), ['restic']);
    return;
  }
  if (repository.password_file === '' && repository.password_command === '') {
    add('repository', 'WARN', 'the password of the repository is asked for at every build: it was not tried', 'set repository.password_file or repository.password_command');
    return;
  }
  const terminal = new Terminal();
  try {
    await resticFor(await readAccess(repository, terminal), PATIENCE).connect();
    add('repository', 'PASS', `the repository ${shownLocation(repository.location)} answers, and the password opens it`);
  } catch (error) {
    const { message, remedy } = wrong(error);
    const missing = errorCode(error) === 'REPOSITORY_MISSING';
    add(errorCode(error) === 'TOOL_OLD' ? 'repository.program' : 'repository', missing ? 'WARN' : 'FAIL', message, remedy);
  } finally {
    terminal.close();
  }
}
