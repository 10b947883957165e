import type { Terminal } from '../terminal.js';

/** What may stand for a value: completions offer it. */
export type ValueKind = 'file' | 'directory' | 'device' | 'image' | readonly string[];

/** An option. Commander, `--help`, the man page and the completions are made of it. */
export interface OptionSpec {
  /** As commander writes it: `--out <directory>`, `--keep`, `--no-rehearse`. */
  readonly flags: string;
  readonly text: string;
  readonly default?: string;
  /** May be given several times; its value is a list. */
  readonly repeat?: boolean;
  readonly value?: ValueKind;
}

/** An argument: `<image>`, `[volumes...]`. */
export interface ArgumentSpec {
  readonly name: string;
  readonly text: string;
  readonly value?: ValueKind;
}

/** A command: everything that is said of it anywhere. */
export interface CommandSpec {
  readonly name: string;
  readonly alias?: string;
  /** One line. */
  readonly summary: string;
  /** Paragraphs for the manual; the first ones of them also stand in `--help`. */
  readonly description: readonly string[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Command lines behind `cdrec`, and what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** What the exit statuses mean here, where it is more than everywhere. */
  readonly exit?: Readonly<Partial<Record<0 | 1 | 2 | 3, string>>>;
  readonly files?: readonly (readonly [path: string, is: string])[];
  readonly children?: readonly CommandSpec[];
  readonly run?: Run;
}

/** Runs a command; its exit status. Loaded only when it is called: `--help` reads no library. */
export type Run = (values: readonly unknown[], flags: unknown, terminal: Terminal) => Promise<number>;

/** The runner of a command that lies in a module of its own. */
export function lazy(load: () => Promise<(values: never, flags: never, terminal: Terminal) => Promise<number> | number>): Run {
  // Commander has checked arguments and options against the specification that this function stands in.
  return async (values, flags, terminal) => (await load())(values as never, flags as never, terminal);
}

/** What the statuses mean everywhere (design: complete, failed, wrong usage, complete with exceptions). */
export const EXIT_TEXT: Readonly<Record<0 | 1 | 2 | 3, string>> = { 0: 'complete', 1: 'failed', 2: 'wrong usage or configuration', 3: 'complete, with exceptions that are listed' };

/** The exit statuses of a command, in words. */
export function exitLines({ exit }: Pick<CommandSpec, 'exit'>): (readonly [status: number, text: string])[] {
  const all = { 0: EXIT_TEXT[0], 1: EXIT_TEXT[1], 2: EXIT_TEXT[2], ...(exit ?? { 3: EXIT_TEXT[3] }) };
  return Object.entries(all).map(([status, text]) => [Number(status), text]);
}

/** A text in lines of at most `width` characters, indented. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
