import { closeSync, fsyncSync, openSync } from 'node:fs';
import { errorCode } from './errors.js';

/**
 * Brings the names in a directory to the disk: a file's own fsync(2) does not, so a renamed file may have its old name after a power cut (fsync(2),
 * NOTES). File systems that know nothing of the kind (SMB, some of FUSE) refuse it, and that is no error.
 * @throws the file system's own error where the disk is bad or full (EIO, ENOSPC, EDQUOT), or the directory is not there
 */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } catch (error) {
    if (['EIO', 'ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '')) throw error;
  } finally {
    closeSync(fd);
  }
}
