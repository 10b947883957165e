import { createInterface } from 'node:readline';
import { execa, type ResultPromise } from 'execa';
import { CdrecError, findProgram, installHint, TOOL_ENV } from '@cdrec/tool';
import { shownLocation, sshArguments, sshHost, type Access } from './access.js';
import type { Hooks } from './engine.js';

/** How restic is called. */
export interface ResticOptions {
  readonly access: Access;
  /** PATH in which restic is looked for. */
  readonly path: string;
  /** Milliseconds that a server may fail to answer before the work is given up. */
  readonly patience: number;
  /** Directory for restic's cache; undefined: none is kept (a rescue system's memory). */
  readonly cache?: string;
}

/** A line of restic's JSON output (doc/075_scripting). */
export type Message = Readonly<Record<string, unknown>>;

/** One run of restic. */
export interface Run {
  readonly args: readonly string[];
  /** Program and arguments before restic: a mount namespace. */
  readonly prefix?: readonly string[];
  /** Told every line of JSON on standard output. */
  readonly onMessage?: (message: Message) => void;
  /** Statuses that are no failure; default: 0. */
  readonly ok?: readonly number[];
  readonly stdin?: 'pipe';
  /** Standard output is the caller's, not parsed. */
  readonly raw?: boolean;
  readonly hooks?: Hooks;
  /** Milliseconds instead of the usual patience. */
  readonly patience?: number;
}

/** What restic said when it ended. */
export interface Outcome {
  readonly status: number;
  /** Messages about single files. */
  readonly errors: readonly string[];
}

/** A running restic. */
export interface Running {
  readonly child: ResultPromise;
  /** Waits for the end. @throws CdrecError */
  readonly ended: Promise<Outcome>;
  /** Ends it as a person would: it removes its lock, no snapshot is made. */
  cancel(): void;
}

/** Statuses of restic since 0.17 (doc/075_scripting, "Exit codes"). */
const CODES: Readonly<Record<number, { readonly code: string; readonly what: string; readonly hint: string }>> = {
  10: { code: 'REPOSITORY_MISSING', what: 'there is no repository', hint: 'check repository.location; a new one is made by "cdrec build --init-repository"' },
  11: { code: 'REPOSITORY_LOCKED', what: 'the repository is locked by another run of restic', hint: 'wait for it; if none is running: restic unlock' },
  12: { code: 'REPOSITORY_PASSWORD', what: 'the password does not open the repository', hint: 'check repository.password_file or repository.password_command' },
};
const UNREACHABLE = /connection refused|no such host|no route to host|network is unreachable|i\/o timeout|connection reset|server response unexpected|tls: |x509|deadline exceeded|connection timed out|subprocess ssh|unable to start the sftp session/i;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The text of one line of restic's: JSON messages have it in several places. */
function sentence(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const m = JSON.parse(line) as { message?: unknown; item?: unknown; error?: { message?: unknown } };
    const said = textOf(m.message) || textOf(m.error?.message);
    return m.item === undefined || textOf(m.item) === '' ? said : `${textOf(m.item)}: ${said}`;
  } catch {
    return line;
  }
}

/** Full path of restic. @throws CdrecError TOOL_MISSING */
export function resticProgram(path: string): string {
  const program = findProgram('restic', path);
  if (program === undefined) throw new CdrecError('TOOL_MISSING', 'program "restic" is not installed', { hint: installHint('restic') });
  return program;
}

/** Starts restic. Its messages are read line by line; what is no JSON is tolerated. @throws CdrecError TOOL_MISSING */
export function startRestic(options: ResticOptions, run: Run): Running {
  const { access } = options;
  const program = resticProgram(options.path);
  const shared = [...(options.cache === undefined ? ['--no-cache'] : ['--cache-dir', options.cache]), ...(access.caCertificate === undefined ? [] : ['--cacert', access.caCertificate]), ...(access.location.startsWith('sftp:') ? ['-o', `sftp.args=${sshArguments(access, options.patience)}`] : [])];
  const [first, ...rest] = [...(run.prefix ?? []), program, ...shared, ...run.args];
  const child = execa(first as string, rest, {
    reject: false, stdin: run.stdin ?? 'ignore', stdout: 'pipe', stderr: 'pipe', buffer: false, detached: true, cleanup: true,
    env: { ...TOOL_ENV, ...access.environment, RESTIC_REPOSITORY: access.location, RESTIC_PASSWORD: access.password, RESTIC_PROGRESS_FPS: '2' },
  }) as ResultPromise;
  const cancel = (signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): void => {
    try {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
    } catch {
      return; // ended already
    }
  };
  const errors: string[] = [];
  const said: string[] = [];
  let progress = Date.now();
  let trouble: string | undefined;
  const state = { given: false };
  let bytes = 0;
  const moved = (): void => {
    progress = Date.now();
    trouble = undefined;
  };
  if (run.raw === true) child.stdout?.on('data', moved);
  else if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{') && !line.startsWith('[')) return;
      try {
        const message = JSON.parse(line) as Message;
        const done = message['message_type'] === 'status' ? Number(message['bytes_done'] ?? message['bytes_restored'] ?? 0) : -1;
        // The same number again is no progress: restic repeats it while it waits.
        if (done !== bytes) moved();
        bytes = done;
        run.onMessage?.(message);
      } catch {
        said.push(line);
      }
    });
  }
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const text = sentence(line);
      if (text.includes('retrying after')) {
        trouble = text;
        run.hooks?.onTrouble?.(text);
        return;
      }
      if (line.includes('"message_type":"error"')) errors.push(text);
      if (text.trim() !== '') said.push(text);
      if (said.length > 200) said.shift();
    });
  }
  const patience = run.patience ?? options.patience;
  const watch = setInterval(() => {
    if (trouble !== undefined && Date.now() - progress > patience) {
      state.given = true;
      cancel();
      setTimeout(() => { cancel('SIGKILL'); }, 5000).unref();
    }
  }, 500);
  const stop = (): void => { cancel(); };
  run.hooks?.signal?.addEventListener('abort', stop, { once: true });
  if (run.hooks?.signal?.aborted === true) stop();
  const ended = (async (): Promise<Outcome> => {
    const result = await child;
    clearInterval(watch);
    run.hooks?.signal?.removeEventListener('abort', stop);
    const where = shownLocation(access.location);
    if (run.hooks?.signal?.aborted === true) throw new CdrecError('INTERRUPTED', 'interrupted while restic was at work');
    const last = said.filter((l) => !/^(signal|operation canceled|context canceled)/.test(l)).slice(-3).join('; ');
    if (state.given) throw new CdrecError('REPOSITORY_UNREACHABLE', `the repository ${where} does not answer: ${trouble ?? last}`, { hint: 'check the network and the server; the same command can be run again' });
    const status = result.exitCode ?? 128;
    if (!(run.ok ?? [0]).includes(status)) {
      const known = CODES[status];
      if (known !== undefined) throw new CdrecError(known.code, `${where}: ${known.what}${last === '' ? '' : ` (${last})`}`, { hint: known.hint });
      // restic does not always wait for what ssh has to say.
      const server = sshHost(access.location);
      const hint = server === undefined ? 'check the network and the server; the same command can be run again' : `does ssh get in without a question? Its server's key must be known (ssh-keygen -F '${server}'), and your key be accepted there; the same command can be run again`;
      if (UNREACHABLE.test(last)) throw new CdrecError('REPOSITORY_UNREACHABLE', `the repository ${where} cannot be reached: ${last}`, { hint });
      throw new CdrecError('REPOSITORY_FAILED', `restic ${run.args[0] ?? ''} ended with status ${String(status)} at ${where}: ${[...errors.slice(0, 3), last].filter((t) => t !== '').join('; ') || 'no message'}`);
    }
    return { status, errors };
  })();
  // Whoever cancels does not wait for it.
  ended.catch(() => undefined);
  return { child, ended, cancel: () => { cancel(); } };
}

/** Runs restic and returns its whole standard output. @throws CdrecError */
export async function outputOfRestic(options: ResticOptions, run: Run): Promise<string> {
  const running = startRestic(options, { ...run, raw: true });
  const parts: Buffer[] = [];
  for await (const part of running.child.stdout as AsyncIterable<Buffer>) parts.push(part);
  await running.ended;
  return Buffer.concat(parts).toString('utf8');
}
