import { appendFileSync } from 'node:fs';
import type { Interface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import { CdrecError, errorCode } from '@cdrec/tool/errors';

const MIB = 2 ** 20;

/** A progress meter. `add` counts up, `set` says the sum so far (a function, which may cost something, is asked twice a second), `done` ends it with a line on the outcome. */
export interface Meter { readonly add: (bytes: number) => void; readonly set: (bytes: number | (() => number)) => void; readonly done: (outcome?: string) => void }

/** What to do about errors of the kernel that a build meets. */
const HINTS: Readonly<Record<string, string | undefined>> = {
  ENOSPC: 'the disk is full: free space, or choose another --out; nothing was left behind',
  EFBIG: 'the file system there, or ulimit -f, takes no file of that size: take a smaller --volume-size, or choose another --out; nothing was left behind',
};

/** Everything the CLI says and asks. Data goes to stdout, the rest to stderr; plain lines where there is no terminal. */
export class Terminal {
  // process.stdin is not asked: to make that stream takes longer than most answers.
  readonly interactive = isatty(0) && isatty(2);
  readonly #live = isatty(2) && process.env['TERM'] !== 'dumb';
  #log = process.env['CDREC_LOG'];
  #line = false;
  #reader: Interface | undefined;

  /** A copy of what is said, for the log of the rescue system (`CDREC_LOG`); a log that cannot be written stops nothing. */
  #copy(text: string): void {
    if (this.#log === undefined) return;
    try {
      appendFileSync(this.#log, `${text}\n`);
    } catch {
      this.#log = undefined;
    }
  }

  /** A line of data. */
  print(text: string): void {
    this.#endLine();
    this.#copy(text);
    process.stdout.write(`${text}\n`);
  }

  /** A line about what is going on. */
  say(text: string): void {
    this.#endLine();
    this.#copy(text);
    process.stderr.write(`${text}\n`);
  }

  /** Text of commander, written as it is. */
  errorText(text: string): void {
    this.#endLine();
    process.stderr.write(text);
  }

  /** An error: what, and what to do; the stack only when asked for. */
  fail(error: unknown, debug: boolean): void {
    const code = errorCode(error);
    const message = error instanceof Error ? error.message : String(error);
    this.say(`cdrec: error${code === undefined ? '' : ` ${code}`}: ${message}`);
    const hint = (error instanceof CdrecError ? error.hint : undefined) ?? HINTS[code ?? ''];
    if (hint !== undefined) this.say(`       hint: ${hint}`);
    if (debug && error instanceof Error) this.say(`${error.stack ?? ''}\n${error.cause instanceof Error ? `caused by ${error.cause.stack ?? ''}` : ''}`);
  }

  #endLine(): void {
    if (this.#line) process.stderr.write('\n');
    this.#line = false;
  }

  /** A progress meter over bytes; `total` may be an estimate. `current` says what is being worked on, for a terminal. */
  progress(what: string, total: number, current?: () => string | undefined): Meter {
    const started = Date.now();
    let bytes = 0;
    let shown = started;
    const text = (): string => {
      const seconds = Math.max(0.001, (Date.now() - started) / 1000);
      const rate = bytes / seconds;
      const left = total > bytes && rate > 0 ? `, ${formatSeconds((total - bytes) / rate)} left` : '';
      const percent = total > 0 ? ` ${String(Math.min(100, Math.floor((bytes / total) * 100)))} %` : '';
      return `${what}:${percent} ${(bytes / MIB).toFixed(0)} MiB, ${(rate / MIB).toFixed(1)} MiB/s${left}`;
    };
    let asked = 0;
    const tick = (measured?: () => number): void => {
      const now = Date.now();
      // Also when nothing is shown yet: what is measured may be gone by then.
      if (measured !== undefined && now - asked >= 500) {
        asked = now;
        bytes = Math.max(bytes, measured());
      }
      if (now - shown < (this.#live ? 500 : 30_000)) return;
      shown = now;
      if (this.#live) {
        process.stderr.write(`\r\x1b[K${fitted(text(), current?.(), (process.stderr.columns || 80) - 1)}`);
        this.#line = true;
      } else this.say(`  ${text()}`);
    };
    return {
      add: (n) => {
        bytes += n;
        tick();
      },
      set: (n) => {
        if (typeof n === 'number') bytes = Math.max(bytes, n);
        tick(typeof n === 'number' ? undefined : n);
      },
      done: (outcome) => {
        if (this.#line) process.stderr.write('\r\x1b[K');
        this.#line = false;
        this.say(`${what}: ${outcome ?? `${(bytes / MIB).toFixed(1)} MiB`} in ${formatSeconds((Date.now() - started) / 1000)}`);
      },
    };
  }

  /** Asks on a terminal. @throws CdrecError USAGE where there is none: `flag` would have answered; INTERRUPTED */
  async ask(question: string, flag: string): Promise<string> {
    if (!this.interactive) throw new CdrecError('USAGE', `"${question.trim()}" cannot be asked: there is no terminal`, { hint: `answer with ${flag}` });
    this.#endLine();
    this.#reader ??= (await import('node:readline/promises')).createInterface({ input: process.stdin, output: process.stderr });
    try {
      return (await answered(this.#reader, question)).trim();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Asks for a secret: what is typed is not shown, and afterwards the terminal shows it again, however this ends. @throws CdrecError USAGE where there is no terminal, INTERRUPTED */
  async askSecret(question: string, flag: string): Promise<string> {
    if (!this.interactive) throw new CdrecError('USAGE', `"${question.trim()}" cannot be asked: there is no terminal`, { hint: `answer with ${flag}` });
    this.#endLine();
    // A reader of its own, which leaves the echo to the terminal, where it is off.
    this.#reader?.close();
    this.#reader = undefined;
    // Loaded when somebody is asked: help must not wait for them.
    const [{ spawnSync }, { createInterface }] = await Promise.all([import('node:child_process'), import('node:readline/promises')]);
    spawnSync('stty', ['-echo'], { stdio: ['inherit', 'ignore', 'ignore'] });
    const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
    try {
      return await answered(reader, question);
    } finally {
      reader.close();
      spawnSync('stty', ['echo'], { stdio: ['inherit', 'ignore', 'ignore'] });
      process.stderr.write('\n');
    }
  }

  /** Lets go of the terminal, for another program; the next question takes it again. */
  release(): void {
    this.#endLine();
    this.#reader?.close();
    this.#reader = undefined;
  }

  close(): void {
    this.#endLine();
    this.#reader?.close();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const ignore = (): void => undefined;

/** The answer to a question. Keys, signals and the end of the terminal interrupt it: by itself it would stay open, and hold up whoever has something to tidy away. @throws CdrecError INTERRUPTED */
async function answered(reader: Interface, question: string): Promise<string> {
  let interrupt = (): void => undefined;
  const unanswered = (cause?: unknown): CdrecError => new CdrecError('INTERRUPTED', 'interrupted at a question', { cause });
  try {
    return await Promise.race([reader.question(question), new Promise<never>((_, reject) => {
      interrupt = (): void => { reject(unanswered()); };
      for (const name of SIGNALS) process.on(name, interrupt);
      // A terminal that hung up cannot even be set back: that is found out later, when nobody asks any more.
      for (const e of [process.stdin, reader]) if (!e.listeners('error').includes(ignore)) e.on('error', ignore);
      reader.on('close', interrupt);
    })]);
  } catch (error) {
    throw errorCode(error) === 'ABORT_ERR' ? unanswered(error) : error; // Ctrl-C, Ctrl-D
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
    reader.off('close', interrupt);
  }
}

/** A line of progress with as much of a file's name as there is room for: its end tells more than its beginning. */
export function fitted(text: string, name: string | undefined, columns: number): string {
  // eslint-disable-next-line no-control-regex -- a name may hold anything, and a terminal obeys
  const printable = name?.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
  const room = columns - text.length - 2;
  if (printable === undefined || room < 12) return text.slice(0, columns);
  return `${text}  ${printable.length <= room ? printable : `...${printable.slice(3 - room)}`}`;
}

/** Seconds as `2 m 05 s`. */
export function formatSeconds(seconds: number): string {
  const s = Math.round(seconds);
  return s < 60 ? `${String(s)} s` : s < 3600 ? `${String(Math.floor(s / 60))} m ${String(s % 60).padStart(2, '0')} s` : `${String(Math.floor(s / 3600))} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} m`;
}

/** Bytes for a person. */
export const formatBytes = (n: number): string => (n < MIB ? `${String(Math.ceil(n / 1024))} KiB` : n < 1024 * MIB ? `${(n / MIB).toFixed(1)} MiB` : `${(n / 1024 / MIB).toFixed(2)} GiB`);

/** The search path for programs. */
export const searchPath = (): string => process.env['PATH'] ?? '';

/** An abort signal that SIGINT, SIGTERM and SIGHUP raise; `stop` takes the handlers off again. `left` says what is left of the work then, and how to go on. */
export function interruptSignal(left: string): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => { controller.abort(new CdrecError('INTERRUPTED', 'interrupted', { hint: left })); };
  for (const name of SIGNALS) process.on(name, onSignal);
  return { signal: controller.signal, stop: () => { for (const name of SIGNALS) process.off(name, onSignal); } };
}
