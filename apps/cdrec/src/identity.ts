import { readFileSync } from 'node:fs';
import { CdrecError, checkIdentity, isAgeFile, unlockIdentity } from '@cdrec/tool';
import type { OpenSet } from '@cdrec/volumes';
import type { Terminal } from './terminal.js';

/** As much of a stream as age needs to say whether a key is right: its header and the first chunk of 64 KiB. */
const BEGIN = 128 * 1024;

async function begin(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    parts.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes >= BEGIN) break;
  }
  return Buffer.concat(parts);
}

/** Reads an identity file; one that is locked by a passphrase is opened by age, which asks. @throws CdrecError KEY_WRONG */
async function readIdentity(path: string): Promise<string> {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    throw new CdrecError('KEY_WRONG', `the identity ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return isAgeFile(text) ? await unlockIdentity(text) : text;
}

/**
 * The secret key for an encrypted set, proved on every encrypted archive before anything is written: from a file, from
 * the set itself by the passphrase, or from a file that the person names. `undefined` when nothing is encrypted.
 * @throws CdrecError KEY_WRONG, USAGE when nobody can be asked
 */
export async function identityFor(set: OpenSet, file: string | undefined, terminal: Terminal): Promise<string | undefined> {
  const encrypted = set.manifest.archives.filter((a) => a.encrypt !== undefined);
  if (encrypted.length === 0) return undefined;
  const { key } = set.manifest;
  if (file === undefined && key !== undefined && !terminal.interactive) throw new CdrecError('USAGE', 'the set is encrypted: its passphrase cannot be asked for, there is no terminal', { hint: 'answer with --identity FILE' });
  if (file === undefined && key !== undefined) terminal.say('The set is encrypted. Nothing has been written yet.');
  const identity = file !== undefined ? await readIdentity(file)
    : key !== undefined ? await unlockIdentity(key)
    : await readIdentity(await terminal.ask('The set is encrypted. File with the age identity (secret key): ', '--identity FILE'));
  // Those whose volumes are here: a single file system may be all that is wanted.
  const here = encrypted.filter((a) => set.manifest.mode === 'tape' || a.pieces.every((p) => set.volumes.has(p.volume)));
  for (const archive of here) await checkIdentity(await begin(set.read(archive)), identity);
  return identity;
}
