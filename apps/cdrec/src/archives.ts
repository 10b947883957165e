import { DEFAULT_EXCLUDES, hasFlags, planBackup, readFlags, type BackupItem, type Rules } from '@cdrec/backup';
import type { Config } from '@cdrec/config';
import { deviceNumber, readMounts, type Survey } from '@cdrec/survey';
import { CdrecError, checkRecipients, lockIdentity, makeIdentity, runHook } from '@cdrec/tool';
import { takeSnapshots, type Snapshots } from './snapshots.js';
import { besides, type Store } from './stores.js';
import { searchPath, type Terminal } from './terminal.js';

/** What of a build concerns its archives. */
export interface ArchivesRequest {
  readonly config: Config;
  /** Directory of the set, which is not backed up into itself. */
  readonly out: string;
  readonly label: string | undefined;
}

/** For whom archives are encrypted, and the set's own key when a passphrase opens it. */
export interface Encryption {
  readonly recipients: readonly string[];
  readonly key?: string;
}

/**
 * Checks the recipients and, for a passphrase, makes a key pair for this set: its secret half is locked by age, with a
 * passphrase that age asks for, and goes into set.json; it is on no disk and in no argument in the clear.
 * @throws CdrecError CONFIG_INVALID, KEY_WRONG, TOOL_MISSING, USAGE
 */
export async function prepareEncryption(config: Config, terminal: Terminal): Promise<Encryption> {
  const { encrypt, passphrase } = config.backup;
  if (encrypt.length > 0) await checkRecipients(encrypt);
  if (!passphrase) return { recipients: encrypt };
  if (!terminal.interactive) throw new CdrecError('USAGE', 'backup.passphrase: a passphrase cannot be asked for: there is no terminal', { hint: 'use backup.encrypt with a public key: it needs no secret on this machine' });
  terminal.say('Passphrase of this set (it will be needed for the restore):');
  const { identity, recipient } = await makeIdentity();
  return { recipients: [...encrypt, recipient], key: await lockIdentity(identity) };
}

/** A path as a pattern that matches it alone. */
const literally = (path: string): string => path.replace(/[\\*?[\]]/g, '\\$&');

/** The rules for what is left out and what is taken, with the set's own directory and the swap files, which are made anew. */
export function rulesFor({ config: { backup }, out, label }: ArchivesRequest, survey: Pick<Survey, 'swapFiles'>): Rules {
  // No more than a set has: `${label}*` would take what else begins like it.
  const named = label === undefined ? [] : [`${label}_*.iso`, `${label}_*.iso.*`, `${label}.html`, `${label}-rehearsal`, `${label}_tape.json`, `.${label}.*`, `.${label}_*.partial`];
  const own = ['CDrec-*', '.CDrec-*', '.cdrec-*', ...named].map((n) => `${literally(out === '/' ? '' : out)}/${n}`);
  return { exclude: [...own, ...survey.swapFiles.map((s) => literally(s.path)), ...(backup.default_excludes ? DEFAULT_EXCLUDES : []), ...backup.exclude], include: backup.include };
}

/** What will be archived, by the configuration. @throws CdrecError CONFIG_INVALID for a mount point that does not exist */
export function planArchives(survey: Survey, request: ArchivesRequest, recipients: readonly string[]): BackupItem[] {
  const { backup } = request.config;
  const unknown = backup.only_mounts.filter((m) => !survey.fileSystems.some((f) => f.mount === m));
  if (unknown.length > 0) throw new CdrecError('CONFIG_INVALID', `backup.only_mounts: ${unknown.join(', ')}: no file system of this machine is mounted there`, { hint: `there are ${survey.fileSystems.map((f) => f.mount).join(', ')}` });
  // An engine compresses and encrypts by itself.
  const stored = backup.engine === 'tar' ? { compress: backup.compress, ...(backup.level === undefined ? {} : { level: backup.level }), recipients } : { compress: 'none' as const, recipients: [] };
  const items = planBackup(survey, { ...stored, luksHeaders: backup.luks_headers, threads: backup.threads, rules: rulesFor(request, survey), path: searchPath() });
  return items.filter((i) => backup.only_mounts.length === 0 || i.image !== undefined || backup.only_mounts.includes(i.meta.mount));
}

/** Saves everything, between the administrator's two commands. Returns the exceptions: files that were not saved as they should. */
export async function writeArchives(store: Store, items: readonly BackupItem[], survey: Survey, config: Config, terminal: Terminal, signal: AbortSignal): Promise<string[]> {
  const { pre_exec: pre, post_exec: post } = config.backup;
  const exceptions: string[] = [];
  let snapshots: Snapshots | undefined;
  let started = false;
  let finished = false;
  // A database that was stopped must start again, whatever happened meanwhile.
  const afterwards = async (): Promise<void> => {
    if (post === '' || !started) return;
    started = false;
    terminal.say('backup.post_exec');
    await runHook(post).catch((error: unknown) => { exceptions.push(`backup.post_exec: ${error instanceof Error ? error.message : String(error)}`); });
  };
  try {
    started = true;
    if (pre !== '') {
      terminal.say('backup.pre_exec');
      await runHook(pre, { signal });
    }
    await requireUnmounted(items);
    if (config.backup.snapshot) {
      terminal.say('Snapshots');
      snapshots = await takeSnapshots(items, survey, terminal);
      await afterwards();
    }
    for (const item of items) {
      const view = snapshots?.view(item.meta.mount) ?? item.meta.mount;
      // Before the files: that is the order in which they are needed, and discs are asked for.
      if (item.image === undefined && hasFlags(item.meta.fsType)) {
        const flags = await readFlags(view, signal);
        if (flags.length > 0) await store.saveBytes(besides(item, 'flags', flags.length), flags);
      }
      exceptions.push(...(await store.save(item, view)));
      await snapshots?.check(item.meta.mount);
    }
    finished = true;
  } finally {
    exceptions.push(...((await snapshots?.release()) ?? []));
    await afterwards();
    // When the build fails, nobody gets the list: what is left on the machine is said at once.
    if (!finished) for (const e of exceptions) terminal.say(e);
  }
  return exceptions;
}

/** A device that somebody writes to meanwhile gives an image of no state it ever had. */
async function requireUnmounted(items: readonly BackupItem[]): Promise<void> {
  const mounts = await readMounts();
  for (const { image, meta } of items) {
    const mount = image === undefined ? undefined : mounts.find((m) => m.source.startsWith('/dev/') && deviceNumber(m.source) === deviceNumber(meta.device) && m.options.split(',').includes('rw'));
    if (mount !== undefined) throw new CdrecError('DEVICE_MOUNTED', `${meta.device} is mounted on ${mount.target}: its image would be of no use`, { hint: 'unmount it, or mount it read-only; backup.pre_exec and backup.post_exec can do that' });
  }
}
