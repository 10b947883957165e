import { basename, join } from 'node:path';
import { statSync } from 'node:fs';
import { isSignedBy, parseRehearsal } from '@cdrec/rehearse';
import { CdrecError } from '@cdrec/tool';
import { EXIT } from './exit.js';
import { readGiven, sha256OfFile } from './rehearsal.js';
import type { Terminal } from './terminal.js';

/**
 * Checks the report of a rehearsal: who signed it, that it passed, and that the given volumes are those that were rehearsed.
 * @throws CdrecError REHEARSAL_INVALID, SIGNATURE_WRONG, KEY_WRONG
 */
export async function verifyRehearsal(directory: string, key: string | undefined, volumes: readonly string[], terminal: Terminal): Promise<number> {
  const path = join(directory, 'rehearsal.json');
  const text = readGiven('--rehearsal', path);
  if (key !== undefined && !isSignedBy(text, readGiven('--rehearsal', `${path}.sig`), readGiven('--key', key))) {
    throw new CdrecError('SIGNATURE_WRONG', `${path}: the signature is not that of the owner of ${key}, or the report was changed after it was signed`);
  }
  const file = parseRehearsal(text, path);
  for (const volume of volumes) {
    const meter = terminal.progress(`Reading ${basename(volume)}`, statSync(volume).size);
    const digest = await sha256OfFile(volume, meter.add);
    meter.done();
    if (!file.set.volumes.some((v) => v.sha256 === digest)) throw new CdrecError('REHEARSAL_FOREIGN', `${volume} is no volume that was rehearsed (SHA-256 ${digest})`);
  }
  terminal.print(`${file.verdict}  ${file.set.label} of ${file.set.host}, rehearsed ${file.created}${key === undefined ? '; not checked who says so (--key)' : '; signature good'}${volumes.length > 0 ? `; ${String(volumes.length)} volumes are those that were rehearsed` : ''}`);
  return file.verdict === 'PASS' ? EXIT.ok : EXIT.failed;
}
