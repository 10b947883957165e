import { openBytes, openImage, openNames, openTar, rulesOf, type BackupItem, type BackupStream, type Rules } from '@cdrec/backup';
import type { Engine, Hooks, Saved, Subject } from '@cdrec/engine';
import type { Archive, SetWriter } from '@cdrec/volumes';
import { tellTrouble } from './repository.js';
import { formatBytes, type Terminal } from './terminal.js';

/** Where a build puts what it saves: into the archives of a set, or to an engine. Both return the exceptions, file by file. */
export interface Store {
  /** A file system, as it is seen at `view`, or an image of a device. */
  save(item: BackupItem, view: string): Promise<string[]>;
  /** Bytes from memory. */
  saveBytes(item: BackupItem, data: Buffer): Promise<string[]>;
}

/** Bytes after which the destination is looked at again. */
const CHECK_EVERY = 32 << 20;

const nameOf = ({ meta }: BackupItem): string => meta.mount || meta.device;
const TITLES: Readonly<Partial<Record<BackupItem['meta']['kind'], string>>> = { flags: 'Inode flags', index: 'Index' };
const titleOf = (item: BackupItem): string => `${TITLES[item.meta.kind] ?? 'Backup'} of ${nameOf(item)}`;

/** What else is saved of a file system, beside its archive: under its name, with another word for `tar`. */
export const besides = (item: BackupItem, kind: 'flags' | 'index', usedBytes: number): BackupItem => ({ ...item, usedBytes, meta: { ...item.meta, kind, name: item.meta.name.replace(/\.tar(?=\.|$)/, `.${kind}`) } });

function open(item: BackupItem, view: string): BackupStream {
  return item.image === undefined ? openTar(item.arguments, item.filters, item.meta.mount, view) : openImage(item.image, item.filters, item.meta.device);
}

/** The archives of a set. `check` is called now and then and throws when the destination is gone. */
export function archiveStore(writer: SetWriter, terminal: Terminal, signal: AbortSignal, check: () => void): Store {
  return {
    save: async (item, view) => {
      let names: Buffer | undefined;
      const exceptions = await writeArchive(writer, item, () => open(item, view), terminal, signal, check, (backup) => { names = backup.names?.(); });
      const index = names;
      if (index !== undefined) await writeArchive(writer, besides(item, 'index', index.length), () => openNames(index, item.filters, item.meta.mount), terminal, signal, check);
      return exceptions;
    },
    saveBytes: (item, data) => writeArchive(writer, item, () => openBytes(data, item.filters, item.meta.mount), terminal, signal, check),
  };
}

async function writeArchive(writer: SetWriter, item: BackupItem, opened: () => BackupStream, terminal: Terminal, signal: AbortSignal, check: () => void, afterwards?: (backup: BackupStream) => void): Promise<string[]> {
  const backup = opened();
  const meter = terminal.progress(titleOf(item), item.usedBytes, () => backup.current());
  // An interruption must also end a wait for data that does not come, or for a writer that hangs.
  const stop = (): void => { backup.kill(); };
  signal.addEventListener('abort', stop, { once: true });
  let unchecked = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for await (const chunk of backup.stream) {
      signal.throwIfAborted();
      meter.set(() => backup.bytesRead());
      yield chunk;
      unchecked += chunk.length;
      if (unchecked >= CHECK_EVERY) {
        check();
        unchecked = 0;
      }
    }
    check();
    signal.throwIfAborted();
  }
  try {
    const archive = await writer.addArchive(item.meta, source(), () => backup.ended());
    afterwards?.(backup);
    meter.done(`${archive.contentBytes > 0 ? `${formatBytes(archive.contentBytes)}, ` : ''}stored as ${formatBytes(archive.bytes)}`);
    return archive.exceptions.map((e) => `${nameOf(item)}: ${e}`);
  } catch (error) {
    backup.kill();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What is the same for all that a build gives to an engine. */
export interface EngineFacts {
  readonly setId: string;
  readonly label: string;
  readonly host: string;
  readonly rules: Rules;
}

/** An engine: every archive becomes a reference that `enter` puts into the set. */
export function engineStore(engine: Engine, facts: EngineFacts, enter: (archive: Archive) => void, terminal: Terminal, signal: AbortSignal): Store {
  const store = async (item: BackupItem, work: (subject: Subject, hooks: Hooks) => Promise<Saved>): Promise<string[]> => {
    let file: string | undefined;
    const meter = terminal.progress(titleOf(item), item.usedBytes, () => file);
    const hooks: Hooks = { signal, onBytes: (n) => { meter.set(n); }, onFile: (path) => { file = `${item.meta.mount === '/' ? '' : item.meta.mount}${path}`; }, onTrouble: tellTrouble(terminal) };
    const { reference, bytes, contentBytes, exceptions } = await work({ setId: facts.setId, label: facts.label, host: facts.host, name: item.meta.name, mount: item.meta.mount }, hooks);
    enter({ ...item.meta, kind: item.meta.kind === 'tar' ? 'tree' : item.meta.kind, bytes, contentBytes, sha256: '', exceptions: [...exceptions], pieces: [], snapshot: reference });
    meter.done(`${formatBytes(contentBytes)}, ${formatBytes(bytes)} added by ${engine.name}`);
    return exceptions.map((e) => `${nameOf(item)}: ${e}`);
  };
  const stream = (item: BackupItem, opened: () => BackupStream): Promise<string[]> => store(item, async (subject, hooks) => {
    const backup = opened();
    const stop = (): void => { backup.kill(); };
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await engine.saveStream(subject, backup.stream, () => backup.ended(), hooks);
    } catch (error) {
      backup.kill();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
  return {
    save: (item, view) => (item.image === undefined ? store(item, (subject, hooks) => engine.saveTree({ ...subject, view, ...rulesOf(item.meta.mount, facts.rules) }, hooks)) : stream(item, () => open(item, view))),
    saveBytes: (item, data) => stream(item, () => openBytes(data, item.filters, item.meta.mount)),
  };
}
