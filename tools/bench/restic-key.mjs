// A second key for a restic repository in a directory, which costs next to nothing to open. restic calibrates its own to half a second of
// scrypt: a bench that starts restic some thousand times would measure that. Format: restic's design document, "Keys, Encryption and MAC".
import { Buffer } from 'node:buffer';
import { createCipheriv, createHash, randomBytes, scryptSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/** Little-endian number of bytes. */
const number = (bytes) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);

/** Poly1305 (RFC 8439 §2.5.1) of a message; `r` is clamped here. */
function poly1305(message, r, s) {
  const clamped = number(r) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) sum = ((sum + number(Buffer.concat([message.subarray(at, at + 16), Buffer.from([1])]))) * clamped) % ((1n << 130n) - 5n);
  const tag = (sum + number(s)) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

/** Adds a key for `password`; the file that is to be removed before anything is measured. */
export async function addCheapKey(repository, password, env) {
  const { stdout } = await execa('restic', ['cat', 'masterkey', '--no-cache'], { env });
  const [n, r, p] = [1024, 8, 1];
  const salt = randomBytes(64);
  const derived = scryptSync(password, salt, 64, { N: n, r, p });
  const nonce = randomBytes(16);
  const text = createCipheriv('aes-256-ctr', derived.subarray(0, 32), nonce).update(stdout.trim());
  const ecb = createCipheriv('aes-128-ecb', derived.subarray(32, 48), null);
  const data = Buffer.concat([nonce, text, poly1305(text, derived.subarray(48, 64), ecb.update(nonce))]).toString('base64');
  const key = JSON.stringify({ created: new Date().toISOString(), username: 'bench', hostname: 'bench', kdf: 'scrypt', N: n, r, p, salt: salt.toString('base64'), data });
  const file = join(repository, 'keys', createHash('sha256').update(key).digest('hex'));
  writeFileSync(file, key);
  return file;
}
