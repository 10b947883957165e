import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';

/** What the program needs of its surroundings. */
export interface PasteIo {
  readonly help: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptor that gets the stream. */
  readonly output: number;
  /** Runs a command and waits for it; returns its exit status (128 + N for a signal). */
  readonly run: (command: string) => number;
}

const USAGE = `usage: pastestream [--sfv FILE] PIECE... | ...   write all pieces, one behind the other; with --sfv, compare their CRC-32,
                                               and that they are all pieces of their stream, in order
       pastestream | ...                         by the environment, as mkCDrec had it:
  RESTORE       file that holds the path of the piece to be read
  MORE_TO_COME  file that holds 1 while there are more pieces, 0 at the last one
  ASK_FOR_CD    command that has the next volume inserted, and writes both files anew
Exit status: 0 all pieces are written; 1 they are not, or one is damaged: what was written is to be thrown away; 2 wrong usage.
`;
const BUFFER = 128 * 1024;

function writeAll(fd: number, buffer: Buffer, length: number): void {
  for (let at = 0; at < length; ) {
    try {
      at += writeSync(fd, buffer, at, length - at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** Copies one file to the output. Returns its CRC-32 when asked for. */
function copy(path: string, output: number, buffer: Buffer, withCrc: boolean): number {
  const fd = openSync(path, 'r');
  try {
    let crc = 0;
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) {
      writeAll(output, buffer, n);
      if (withCrc) crc = crc32(buffer.subarray(0, n), crc);
    }
    return crc >>> 0;
  } finally {
    closeSync(fd);
  }
}

function readSfv(path: string): Map<string, number> {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/).filter((l) => l !== '' && !l.startsWith(';'));
  return new Map(lines.map((l) => [basename(l.replace(/\s+[0-9A-Fa-f]{8}\s*$/, '')), parseInt(l.trim().slice(-8), 16)]));
}

/** Name of the stream that a piece is of: pieces end in .001, .002... */
const streamOf = (name: string): string => name.replace(/\.\d{3,}$/, '');

/** What is wrong with a choice of pieces, by a list that names all of their stream: each by itself is sound then, and yet the stream is not. */
function wrongChoice(given: readonly string[], listed: readonly string[]): string | undefined {
  for (const stream of new Set(given.map(streamOf))) {
    // Their names are in the order of the pieces when they are sorted (cutstream's, split's).
    const all = listed.filter((n) => streamOf(n) === stream).sort();
    const here = given.filter((n) => streamOf(n) === stream);
    const missing = all.filter((n) => !here.includes(n));
    if (missing.length > 0) return `${missing.join(', ')} of ${stream} missing: the stream would not be complete`;
    if (here.join('/') !== all.join('/')) return `the pieces of ${stream} are given as ${here.join(', ')}: they belong in the order ${all.join(', ')}, each once`;
  }
  return undefined;
}

function byEnvironment(restore: string, more: string, command: string, io: PasteIo): void {
  const buffer = Buffer.allocUnsafe(BUFFER);
  for (;;) {
    copy(readFileSync(restore, 'utf8').trim(), io.output, buffer, false);
    const flag = readFileSync(more, 'utf8').trim();
    if (flag === '0') return;
    if (flag !== '1') throw new Error(`MORE_TO_COME ${more} holds "${flag.slice(0, 20)}", neither 0 nor 1`);
    const status = io.run(command);
    if (status !== 0) throw new Error(`ASK_FOR_CD (${command}) ended with status ${String(status)}: the stream is not complete`);
  }
}

/** The program `pastestream`: returns its exit status. */
export function pastestreamProgram(args: readonly string[], io: PasteIo): number {
  const rest = [...args];
  if (rest.includes('-h') || rest.includes('--help')) {
    io.help(USAGE);
    return 0;
  }
  const wrong = (what: string): number => {
    io.err(`pastestream: ${what}\n${USAGE}`);
    return 2;
  };
  try {
    if (rest.length > 0) {
      const i = rest.indexOf('--sfv');
      const list = i < 0 ? undefined : rest.splice(i, 2)[1];
      if (rest.length === 0 || (i >= 0 && list === undefined)) return wrong('give the pieces in their order');
      const sums = list === undefined ? undefined : readSfv(list);
      const unknown = rest.filter((p) => sums !== undefined && !sums.has(basename(p)));
      if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: not in ${list as string}`);
      const choice = sums === undefined ? undefined : wrongChoice(rest.map((p) => basename(p)), [...sums.keys()]);
      if (choice !== undefined) throw new Error(choice);
      const buffer = Buffer.allocUnsafe(BUFFER);
      for (const path of rest) {
        const crc = copy(path, io.output, buffer, sums !== undefined);
        if (sums !== undefined && crc !== sums.get(basename(path))) throw new Error(`${path} is damaged: its CRC-32 differs`);
      }
      return 0;
    }
    const { RESTORE: restore = '', MORE_TO_COME: more = '', ASK_FOR_CD: command = '' } = io.env;
    const missing = Object.entries({ RESTORE: restore, MORE_TO_COME: more, ASK_FOR_CD: command }).filter(([, v]) => v === '').map(([k]) => k);
    if (missing.length > 0) return wrong(`${missing.join(', ')} must be set`);
    byEnvironment(restore, more, command, io);
    return 0;
  } catch (error) {
    io.err(`pastestream: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
