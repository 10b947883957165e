import { execa } from 'execa';
import { SECRET_PATH, startChain, type ChainStage } from './chain.js';
import { CdrecError } from './errors.js';
import { installHint } from './packages.js';
import { runTool, TOOL_ENV } from './run.js';

/** End of the name of an encrypted archive. */
export const AGE_SUFFIX = '.age';
/** First line of every age file (age-encryption.org/v1); the armoured form begins with the other. */
const HEADERS = ['age-encryption.org/v1', '-----BEGIN AGE ENCRYPTED FILE-----'];

/** Whether a text is itself an age file: an identity that is locked by a passphrase. */
export const isAgeFile = (text: string): boolean => HEADERS.some((h) => text.startsWith(h));

/**
 * The program that encrypts standard input for `recipients`: public keys (`age1...`, `ssh-ed25519 ...`) or absolute
 * paths of files that hold them, a line each. Nothing of it is secret.
 */
export function encryptStage(recipients: readonly string[]): ChainStage {
  return { program: 'age', args: ['--encrypt', ...recipients.flatMap((r) => (r.startsWith('/') ? ['--recipients-file', r] : ['--recipient', r]))] };
}

/** The program that decrypts standard input; the chain's secret is the identity. */
export const decryptStage = (): ChainStage => ({ program: 'age', args: ['--decrypt', '--identity', SECRET_PATH] });

/** A new X25519 key pair: the identity is secret, the recipient is public. @throws CdrecError TOOL_MISSING */
export async function makeIdentity(): Promise<{ identity: string; recipient: string }> {
  const { stdout } = await runTool('age-keygen', []);
  const recipient = /^# public key: (age1\S+)$/m.exec(stdout)?.[1];
  const identity = /^AGE-SECRET-KEY-1\S+$/m.exec(stdout)?.[0];
  if (recipient === undefined || identity === undefined) throw new CdrecError('TOOL_FAILED', 'age-keygen printed no key pair');
  return { identity, recipient };
}

/** age asks for passphrases on the terminal by itself: they never pass through this process. */
async function onTerminal(args: readonly string[], input: string, failure: string): Promise<string> {
  const result = await execa('age', args, { input, reject: false, stderr: 'inherit', env: TOOL_ENV, stripFinalNewline: false });
  if (result.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', 'program "age" is not installed', { hint: installHint('age') });
  if (result.exitCode !== 0) throw new CdrecError('KEY_WRONG', failure);
  return result.stdout;
}

/** Locks an identity with a passphrase that age asks for, twice; the result is armoured text. @throws CdrecError KEY_WRONG, TOOL_MISSING */
export const lockIdentity = (identity: string): Promise<string> => onTerminal(['--encrypt', '--passphrase', '--armor'], `${identity}\n`, 'no passphrase was set: nothing was written');

/** Opens a locked identity with a passphrase that age asks for. @throws CdrecError KEY_WRONG, TOOL_MISSING */
export const unlockIdentity = (locked: string): Promise<string> => onTerminal(['--decrypt'], locked, 'the passphrase is wrong: nothing was written');

/** Encrypts a short text for recipients; the result is armoured text. @throws CdrecError TOOL_FAILED, TOOL_MISSING */
export async function encryptText(text: string, recipients: readonly string[]): Promise<string> {
  const stage = encryptStage(recipients);
  return (await runTool(stage.program, [...stage.args, '--armor'], { input: text })).stdout;
}

/** Decrypts a short text with an identity. @throws CdrecError KEY_WRONG, TOOL_MISSING */
export async function decryptText(text: string, identity: string): Promise<string> {
  const chain = startChain([decryptStage()], { stdin: 'pipe', secret: identity });
  chain.stdin.on('error', () => undefined); // its status says why it ended
  chain.stdin.end(text);
  const parts: Buffer[] = [];
  for await (const chunk of chain.stdout) parts.push(chunk as Buffer);
  const [result] = await chain.ended();
  if (result?.status !== 0) throw new CdrecError('KEY_WRONG', `the key does not open it: ${(result?.stderr ?? '').split('\n')[0] ?? ''}`);
  return Buffer.concat(parts).toString('utf8');
}

/**
 * Whether `identity` opens an encrypted stream, of which the first bytes (64 KiB and more, or all) are enough.
 * @throws CdrecError KEY_WRONG with what age says, TOOL_MISSING
 */
export async function checkIdentity(begin: Uint8Array, identity: string): Promise<void> {
  const chain = startChain([decryptStage()], { stdin: 'pipe', secret: identity });
  chain.stdin.on('error', () => undefined); // it may end before all is read; what it says counts
  chain.stdin.end(begin);
  let opened = 0;
  for await (const chunk of chain.stdout) opened += (chunk as Uint8Array).length;
  const [result] = await chain.ended();
  const said = result?.stderr ?? '';
  // The stream is cut off here: age says so after the header has opened, and that is all that is asked.
  if (opened === 0 && result?.status !== 0 && !said.includes('failed to decrypt and authenticate payload chunk')) throw new CdrecError('KEY_WRONG', `the key does not open this set: ${said.replace(/^age: (?:error: )?/gm, '').split('\n')[0] ?? ''}`, { hint: 'take the identity that belongs to one of the recipients of backup.encrypt' });
}

/** Checks recipients by encrypting nothing for them. @throws CdrecError CONFIG_INVALID naming what age says, TOOL_MISSING */
export async function checkRecipients(recipients: readonly string[]): Promise<void> {
  const stage = encryptStage(recipients);
  try {
    await runTool(stage.program, stage.args);
  } catch (error) {
    if (error instanceof CdrecError && error.code === 'TOOL_FAILED') throw new CdrecError('CONFIG_INVALID', `backup.encrypt: ${error.message.replace(/^.*status \d+: /, '').split('\n')[0] ?? ''}`, { hint: 'a recipient is a public key (age1..., ssh-ed25519 ..., ssh-rsa ...) or the path of a file with such keys' });
    throw error;
  }
}
