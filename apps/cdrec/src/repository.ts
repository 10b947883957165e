import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ResticEngine, needsOf, parseEnvironment, shownLocation, sshHost, type Access } from '@cdrec/engine';
import type { Config } from '@cdrec/config';
import { CdrecError, decryptText, encryptText, isAgeFile, lockIdentity, runTool, unlockIdentity } from '@cdrec/tool';
import { searchPath, type Terminal } from './terminal.js';

/** What the rescue system knows of the repository. No secrets. */
export interface RescueRepository {
  readonly engine: 'restic' | 'command';
  readonly location: string;
  /** The machine that the rescue system was made on; empty: it is for any machine of the repository. */
  readonly host: string;
  readonly caCertificate: string;
  readonly patience: number;
  readonly restoreCommand: string;
}

const RESCUE_REPOSITORY = '/etc/cdrec/repository.json';
/** Secrets under a passphrase, or for the owners of keys. */
const RESCUE_SECRETS = '/etc/cdrec/repository.age';
const RESCUE_SECRETS_FOR_KEYS = '/etc/cdrec/repository.keys.age';
const CERTIFICATES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem'];

/** Where secrets come from besides the configuration. */
export interface SecretFlags { readonly passwordFile?: string; readonly repositoryEnv?: string; readonly sshKey?: string; readonly identity?: string }

function readSecretFile(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CdrecError('CONFIG_INVALID', `${key}: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** A file of secrets that others can read is told of, not refused: it may be a mount without modes. */
function warnOpen(key: string, path: string, terminal: Terminal): void {
  if ((statSync(path).mode & 0o077) !== 0) terminal.say(`  warning: ${key}: ${path} can be read by others (chmod 600 ${path})`);
}

/**
 * How the repository is reached, with its secrets: from files, a command, what the medium carries, or a person.
 * @throws CdrecError CONFIG_INVALID, KEY_WRONG, USAGE when nobody can be asked
 */
export async function readAccess(repository: Config['repository'], terminal: Terminal, flags: SecretFlags = {}): Promise<Access> {
  const passwordFile = flags.passwordFile ?? repository.password_file;
  const environmentFile = flags.repositoryEnv ?? repository.environment_file;
  let password: string | undefined;
  let environment: Record<string, string> = {};
  let sshKey: string | undefined = flags.sshKey ?? repository.ssh_key;
  if (sshKey === '') sshKey = undefined;
  // ssh would only say that the server refuses, and nothing of the file.
  if (sshKey !== undefined) readSecretFile(flags.sshKey === undefined ? 'repository.ssh_key' : '--ssh-key', sshKey);
  if (environmentFile !== '') {
    environment = parseEnvironment(readSecretFile('repository.environment_file', environmentFile), environmentFile);
    warnOpen('repository.environment_file', environmentFile, terminal);
  }
  if (passwordFile !== '') {
    password = readSecretFile('repository.password_file', passwordFile).replace(/\r?\n$/, '');
    warnOpen('repository.password_file', passwordFile, terminal);
  } else if (repository.password_command !== '') {
    const said = await runTool('bash', ['-c', repository.password_command]).catch((error: unknown) => { throw new CdrecError('CONFIG_INVALID', `repository.password_command: ${error instanceof Error ? error.message : String(error)}`, { cause: error }); });
    password = said.stdout.replace(/\r?\n$/, '');
  } else if (existsSync(RESCUE_SECRETS) || existsSync(RESCUE_SECRETS_FOR_KEYS)) {
    const kept = await readRescueSecrets(flags.identity, terminal);
    password = kept.password;
    environment = { ...kept.environment, ...environment };
    if (kept.sshKey !== undefined && sshKey === undefined) {
      sshKey = join(mkdtempSync('/run/cdrec-ssh-'), 'key');
      writeFileSync(sshKey, kept.sshKey, { mode: 0o600 });
    }
  }
  password ??= await terminal.askSecret(`Password of the repository ${shownLocation(repository.location)}: `, '--password-file FILE');
  if (password === '') throw new CdrecError('CONFIG_INVALID', 'the password of the repository is empty', { hint: 'check repository.password_file or repository.password_command' });
  return { location: repository.location, password, environment, ...(repository.ca_certificate === '' ? {} : { caCertificate: repository.ca_certificate }), ...(sshKey === undefined ? {} : { sshKey }) };
}

/** The directory of restic's cache. */
export const cacheDirectory = (): string => (process.getuid?.() === 0 ? '/var/cache/cdrec/restic' : join(homedir(), '.cache/cdrec/restic'));

/** restic with an access. */
export const resticFor = (access: Access, patience: number, cache?: string): ResticEngine => new ResticEngine({ access, path: searchPath(), patience: patience * 1000, ...(cache === undefined ? {} : { cache }) });

interface Secrets { readonly password: string; readonly environment: Record<string, string>; readonly sshKey?: string }

/**
 * What this machine knows of a server's keys, for the rescue system: ssh refuses a server that it does not know.
 * Empty when it knows nothing.
 */
async function knownKeysOf(server: string): Promise<string> {
  const lines: string[] = [];
  for (const file of ['/etc/ssh/ssh_known_hosts', join(homedir(), '.ssh/known_hosts')]) {
    if (!existsSync(file)) continue;
    const { stdout } = await runTool('ssh-keygen', ['-F', server, '-f', file], { ok: [0, 1] });
    lines.push(...stdout.split('\n').filter((l) => l !== '' && !l.startsWith('#')));
  }
  return lines.map((l) => `${l}\n`).join('');
}

async function readRescueSecrets(identity: string | undefined, terminal: Terminal): Promise<Secrets> {
  if (existsSync(RESCUE_SECRETS_FOR_KEYS)) {
    if (identity === undefined) throw new CdrecError('USAGE', 'the secrets of the repository are on this medium, encrypted for the owner of a key', { hint: 'give --identity FILE, or --password-file FILE' });
    const key = readSecretFile('--identity', identity);
    return JSON.parse(await decryptText(readFileSync(RESCUE_SECRETS_FOR_KEYS, 'utf8'), isAgeFile(key) ? await unlockIdentity(key) : key)) as Secrets;
  }
  terminal.say('The secrets of the repository are on this medium, under a passphrase.');
  return JSON.parse(await unlockIdentity(readFileSync(RESCUE_SECRETS, 'utf8'))) as Secrets;
}

/** What a rescue system needs for a repository: text files of its own, files of this machine, programs. */
export interface RescueExtras {
  readonly texts: readonly { readonly path: string; readonly text: string; readonly mode?: number }[];
  readonly files: readonly string[];
  readonly programs: readonly string[];
}

/** Puts together what the rescue system gets; `host` is empty when it is for any machine. The secrets only if that was asked for, and then encrypted. @throws CdrecError USAGE, KEY_WRONG */
export async function rescueExtras(config: Config, host: string, access: Access | undefined, terminal: Terminal): Promise<RescueExtras> {
  const { repository, backup, restore } = config;
  const engine = backup.engine === 'command' ? 'command' : 'restic';
  const needs = engine === 'restic' ? needsOf(repository.location) : { programs: [], tls: false };
  const told: RescueRepository = { engine, location: repository.location, host, caCertificate: repository.ca_certificate, patience: repository.patience, restoreCommand: restore.command };
  const texts: { path: string; text: string; mode: number }[] = [{ path: RESCUE_REPOSITORY, text: `${JSON.stringify(told)}\n`, mode: 0o600 }];
  if (repository.on_medium && engine === 'restic') {
    const { password, environment, sshKey } = access ?? (await readAccess(repository, terminal));
    const secrets = JSON.stringify({ password, environment, ...(sshKey === undefined ? {} : { sshKey: readFileSync(sshKey, 'utf8') }) } satisfies Secrets);
    if (backup.encrypt.length === 0) {
      if (!terminal.interactive) throw new CdrecError('USAGE', 'repository.on_medium: a passphrase cannot be asked for: there is no terminal', { hint: 'name public keys in backup.encrypt' });
      terminal.say('Passphrase for the secrets of the repository (it will be needed for the restore):');
    }
    texts.push(backup.encrypt.length > 0 ? { path: RESCUE_SECRETS_FOR_KEYS, text: await encryptText(secrets, backup.encrypt), mode: 0o600 } : { path: RESCUE_SECRETS, text: await lockIdentity(secrets), mode: 0o600 });
  }
  const server = engine === 'restic' ? sshHost(repository.location) : undefined;
  if (server !== undefined) {
    const known = await knownKeysOf(server);
    if (known === '') terminal.say(`  warning: this machine does not know the SSH key of ${server}: neither will the rescue system (ssh-keyscan, then compare with the server)`);
    else texts.push({ path: '/etc/ssh/ssh_known_hosts', text: known, mode: 0o644 });
  }
  return {
    texts,
    files: [...(repository.ca_certificate === '' ? [] : [repository.ca_certificate]), ...(needs.tls ? CERTIFICATES.filter((f) => existsSync(f)) : [])],
    programs: [...(engine === 'restic' ? ['restic'] : []), ...needs.programs, ...(repository.on_medium ? ['age'] : [])],
  };
}

/** What this rescue system knows of a repository; undefined: nothing, or this is none. */
export function rescueRepository(): RescueRepository | undefined {
  return existsSync(RESCUE_REPOSITORY) ? (JSON.parse(readFileSync(RESCUE_REPOSITORY, 'utf8')) as RescueRepository) : undefined;
}

/** Tells a person that a server does not answer, at most twice a minute. */
export function tellTrouble(terminal: Terminal): (text: string) => void {
  let last = 0;
  return (text) => {
    if (Date.now() - last < 30_000) return;
    last = Date.now();
    terminal.say(`  waiting for the repository: ${text.slice(0, 200)}`);
  };
}
