import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa, type ResultPromise } from 'execa';
import { CdrecError, TOOL_ENV } from '@cdrec/tool';
import { pour } from './pour.js';
import type { Compared, Engine, Hooks, Reference, Saved, Subject, TreeSubject } from './engine.js';

/** The administrator's two commands (bash): see docs/external-engines.md for the contract. */
export interface Commands {
  /** Saves; empty in the rescue system. */
  readonly backup: string;
  /** Checks and brings back. */
  readonly restore: string;
}

/** Longest reference that a backup command may print. */
const LONGEST = 4096;

/** Backups by commands of the administrator: clients of TSM, Bacula, Bareos, Borg or anything else. */
export class CommandEngine implements Engine {
  readonly name = 'command';
  readonly #commands: Commands;
  readonly #facts: { readonly setId: string; readonly host: string };

  constructor(commands: Commands, facts: { readonly setId: string; readonly host: string }) {
    this.#commands = commands;
    this.#facts = facts;
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  #start(which: keyof Commands, action: string, env: Record<string, string>, hooks: Hooks | undefined, stdin: 'ignore' | 'pipe' = 'ignore'): { child: ResultPromise; ended: (ok?: readonly number[]) => Promise<{ status: number; said: string[]; exceptions: string[] }> } {
    const child = execa('bash', ['-c', this.#commands[which]], {
      reject: false, stdin, stdout: 'pipe', stderr: 'pipe', buffer: { stdout: false, stderr: true }, detached: true, cleanup: true, maxBuffer: 1 << 26,
      env: { ...TOOL_ENV, CDREC_ACTION: action, CDREC_SET: this.#facts.setId, CDREC_HOST: this.#facts.host, ...env },
    }) as ResultPromise;
    const stop = (): void => { if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM'); };
    hooks?.signal?.addEventListener('abort', stop, { once: true });
    if (hooks?.signal?.aborted === true) stop();
    return {
      child,
      ended: async (ok = [0]) => {
        const result = await child;
        hooks?.signal?.removeEventListener('abort', stop);
        if (hooks?.signal?.aborted === true) throw new CdrecError('INTERRUPTED', `interrupted while ${which}.command was at work`);
        const said = String(result.stderr).split('\n').map((l) => l.trim()).filter((l) => l !== '');
        const status = result.exitCode ?? 128;
        if (!ok.includes(status)) throw new CdrecError('COMMAND_FAILED', `${which}.command (${action}) ended with status ${String(status)}: ${said.slice(-3).join('; ') || 'it said nothing'}`);
        return { status, said, exceptions: status === 3 ? (said.length > 0 ? said : ['the command said that something is missing, and not what']) : [] };
      },
    };
  }

  async #reference(child: ResultPromise, name: string): Promise<Reference> {
    let text = '';
    for await (const part of child.stdout as AsyncIterable<Buffer>) text = (text + part.toString('utf8')).slice(-2 * LONGEST);
    const id = text.split('\n').map((l) => l.trim()).filter((l) => l !== '').at(-1) ?? name;
    if (id.length > LONGEST) throw new CdrecError('COMMAND_FAILED', `backup.command printed a reference of more than ${String(LONGEST)} characters`);
    return { engine: this.name, id, path: name };
  }

  async saveTree(tree: TreeSubject, hooks?: Hooks): Promise<Saved> {
    const dir = mkdtempSync(join(tmpdir(), 'cdrec-command-'));
    try {
      const list = (file: string, lines: readonly string[]): string => {
        writeFileSync(join(dir, file), lines.map((l) => `${l}\n`).join(''));
        return join(dir, file);
      };
      const run = this.#start('backup', 'save-tree', { CDREC_LABEL: tree.label, CDREC_MOUNT: tree.mount, CDREC_ARCHIVE: tree.name, CDREC_ROOT: tree.view, CDREC_EXCLUDE: list('exclude', tree.exclude), CDREC_INCLUDE: list('include', tree.include) }, hooks);
      const reference = await this.#reference(run.child, tree.name);
      const { exceptions } = await run.ended([0, 3]);
      return { reference, bytes: 0, contentBytes: 0, exceptions };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  async saveStream(subject: Subject, source: AsyncIterable<Uint8Array>, ended: () => Promise<unknown>, hooks?: Hooks): Promise<Saved> {
    const run = this.#start('backup', 'save-stream', { CDREC_LABEL: subject.label, CDREC_MOUNT: subject.mount, CDREC_ARCHIVE: subject.name }, hooks, 'pipe');
    const stdin = run.child.stdin as NonNullable<typeof run.child.stdin>;
    const reference = this.#reference(run.child, subject.name);
    let bytes: number;
    try {
      bytes = await pour(source, stdin, hooks?.onBytes);
      await ended();
    } catch (error) {
      // The command must not take what came for all there is.
      if (run.child.pid !== undefined) process.kill(-run.child.pid, 'SIGKILL');
      await reference.catch(() => undefined);
      throw error;
    }
    stdin.end();
    const made = await reference;
    await run.ended();
    return { reference: made, bytes: 0, contentBytes: bytes, exceptions: [] };
  }

  #env(reference: Reference): Record<string, string> {
    return { CDREC_ARCHIVE: reference.path, CDREC_REFERENCE: reference.id };
  }

  async verify(references: readonly Reference[], hooks?: Hooks): Promise<string[]> {
    const findings: string[] = [];
    for (const reference of references) {
      const run = this.#start('restore', 'check', this.#env(reference), hooks);
      run.child.stdout?.resume();
      try {
        await run.ended();
      } catch (error) {
        if (!(error instanceof CdrecError) || error.code !== 'COMMAND_FAILED') throw error;
        findings.push(`${reference.path}: ${error.message}`);
      }
    }
    return findings;
  }

  async restoreTree(reference: Reference, directory: string, members: readonly string[], hooks?: Hooks): Promise<void> {
    const run = this.#start('restore', 'restore-tree', { ...this.#env(reference), CDREC_ROOT: directory, CDREC_MEMBERS: members.join('\n') }, hooks);
    run.child.stdout?.resume();
    await run.ended();
  }

  async* readStream(reference: Reference, hooks?: Hooks): AsyncGenerator<Uint8Array, void, undefined> {
    const run = this.#start('restore', 'restore-stream', this.#env(reference), hooks);
    for await (const chunk of run.child.stdout as AsyncIterable<Buffer>) yield chunk;
    await run.ended();
  }

  async listTree(reference: Reference, onPath: (path: string) => void): Promise<void> {
    const run = this.#start('restore', 'list', this.#env(reference), undefined);
    let rest = '';
    for await (const part of run.child.stdout as AsyncIterable<Buffer>) {
      const lines = (rest + part.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onPath(line);
    }
    await run.ended();
  }

  compareTree(reference: Reference): Promise<Compared> {
    return Promise.reject(new CdrecError('COMMAND_FAILED', `${reference.path}: what a command has saved cannot be compared`, { hint: 'leave --check out, or compare with a tool of that engine' }));
  }
}

