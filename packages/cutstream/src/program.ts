import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { pieceSuffix } from './piece-name.js';

/** What the program needs of its surroundings. */
export interface CutIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptor of the stream to be cut. */
  readonly input: number;
  /** Runs a command with further environment and waits for it; returns its exit status (128 + N for a signal). */
  readonly run: (command: string, env: Record<string, string>) => number;
}

const USAGE = `usage: ... | cutstream SIZE PREFIX [--sfv FILE]   cut standard input into PREFIX.001, .002..., each of at most
                                                   SIZE bytes (700M, 4G...); with --sfv, note their CRC-32
       ... | cutstream                             by the environment, as mkCDrec had it:
  DESTINATION   file that gets the stream
  CAPACITY      KiB that still fit on the first volume
  MAXCDSIZE     KiB of the volumes after it (default: CAPACITY)
  VOLNO_FILE    file with the number of the volume; it is counted up when a volume is full
  MAKE_ISO9660  command that makes a volume of DESTINATION and removes that file; then the stream goes on into it
Exit status: 0 the whole stream is written; 1 it is not (a full disk, a failed command...); 2 wrong usage.
`;
/** From a file, 1 MiB at a time costs a fifth less than 128 KiB; a pipe gives 64 KiB at most. What is summed besides must still be in the processor's cache. */
const BUFFER = 1024 * 1024;
const SUMMED_BUFFER = 256 * 1024;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** Bytes of `700M`; NaN for what is no size. */
function sizeOf(text: string): number {
  const match = /^(\d+)([KMGT]?)$/i.exec(text);
  return match === null ? NaN : Number(match[1]) * (UNITS[(match[2] as string).toUpperCase()] as number);
}

/** Reads once from a descriptor; waits where it does not block. Returns 0 at the end. */
function readInput(fd: number, buffer: Buffer, length: number): number {
  for (;;) {
    try {
      return readSync(fd, buffer, 0, length, null);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** Where pieces go: opened one after another, each closed when it is full. */
interface Target {
  /** Makes piece `n` ready; returns its descriptor and how many bytes it takes. */
  open(n: number): { fd: number; capacity: number };
  close(n: number, fd: number, crc: number, last: boolean): void;
}

/** Cuts a descriptor's bytes. A piece is opened only when there are bytes for it, so an exact fit makes no empty one. */
function cut(input: number, target: Target, withCrc: boolean): void {
  const length = withCrc ? SUMMED_BUFFER : BUFFER;
  const buffer = Buffer.allocUnsafe(length);
  let piece = 0;
  let open: { fd: number; capacity: number } | undefined;
  let left = 0;
  let crc = 0;
  for (let n = readInput(input, buffer, length); n > 0; n = readInput(input, buffer, length)) {
    for (let at = 0; at < n; ) {
      if (open !== undefined && left === 0) {
        target.close(piece, open.fd, crc, false);
        open = undefined;
      }
      if (open === undefined) {
        open = target.open(++piece);
        left = open.capacity;
        crc = 0;
      }
      const wrote = writeSync(open.fd, buffer, at, Math.min(n - at, left));
      if (withCrc) crc = crc32(buffer.subarray(at, at + wrote), crc);
      at += wrote;
      left -= wrote;
    }
  }
  open ??= target.open(++piece);
  target.close(piece, open.fd, crc, true);
}

function finish(fd: number): void {
  fsyncSync(fd);
  closeSync(fd);
}

/** Pieces with numbers; none has its name before it is complete. */
function intoPieces(size: number, prefix: string, sfv: string | undefined, io: CutIo): void {
  const lines: string[] = [];
  const name = (n: number): string => `${prefix}${pieceSuffix(n)}`;
  const partial = (n: number): string => join(dirname(prefix), `.${basename(name(n))}.partial`);
  // Any number, not only those that come now: an old last piece would be glued to a new stream.
  const old = readdirSync(dirname(prefix)).find((n) => n.startsWith(basename(prefix)) && /^\.\d{3,}$/.test(n.slice(basename(prefix).length)));
  if (old !== undefined) throw new Error(`${join(dirname(prefix), old)} exists already`);
  let current = 0;
  try {
    cut(io.input, {
      open: (n) => {
        current = n;
        if (existsSync(name(n))) throw new Error(`${name(n)} exists already`);
        return { fd: openSync(partial(n), 'w', 0o600), capacity: size };
      },
      close: (n, fd, crc) => {
        finish(fd);
        renameSync(partial(n), name(n));
        lines.push(`${basename(name(n))} ${(crc >>> 0).toString(16).toUpperCase().padStart(8, '0')}\n`);
      },
    }, sfv !== undefined);
  } catch (error) {
    rmSync(partial(current), { force: true });
    throw error;
  }
  if (sfv !== undefined) writeFileSync(sfv, lines.join(''), { flush: true });
}

/** mkCDrec's way: one file, emptied by a command whenever it has filled a volume. */
function intoVolumes(destination: string, capacities: readonly [first: number, others: number], volno: string, command: string, io: CutIo): void {
  cut(io.input, {
    open: (n) => {
      if (n > 1) {
        const volume = Number(readFileSync(volno, 'utf8').trim());
        if (!Number.isSafeInteger(volume)) throw new Error(`VOLNO_FILE ${volno} holds no number`);
        const status = io.run(command, { DESTINATION: destination, VOLNO_FILE: volno });
        if (status !== 0) throw new Error(`MAKE_ISO9660 (${command}) ended with status ${String(status)}: volume ${String(volume)} is not made, its content is still in ${destination}`);
        writeFileSync(volno, `${String(volume + 1)}\n`, { flush: true });
      }
      return { fd: openSync(destination, 'w', 0o600), capacity: capacities[n === 1 ? 0 : 1] };
    },
    close: (_n, fd) => { finish(fd); },
  }, false);
}

/** The program `cutstream`: returns its exit status. */
export function cutstreamProgram(args: readonly string[], io: CutIo): number {
  const rest = [...args];
  if (rest.includes('-h') || rest.includes('--help')) {
    io.out(USAGE);
    return 0;
  }
  const wrong = (what: string): number => {
    io.err(`cutstream: ${what}\n${USAGE}`);
    return 2;
  };
  try {
    if (rest.length > 0) {
      const i = rest.indexOf('--sfv');
      const sfv = i < 0 ? undefined : rest.splice(i, 2)[1];
      const size = sizeOf(rest[0] ?? '');
      if (rest.length !== 2 || (i >= 0 && sfv === undefined)) return wrong('give a size and a prefix');
      if (!(size >= 1)) return wrong(`"${rest[0] as string}" is not a size`);
      intoPieces(size, rest[1] as string, sfv, io);
      return 0;
    }
    const { DESTINATION: destination = '', CAPACITY: capacity = '', VOLNO_FILE: volno = '', MAKE_ISO9660: command = '' } = io.env;
    const missing = Object.entries({ DESTINATION: destination, CAPACITY: capacity, VOLNO_FILE: volno, MAKE_ISO9660: command }).filter(([, v]) => v === '').map(([k]) => k);
    if (missing.length > 0) return wrong(`${missing.join(', ')} must be set`);
    const sizes = [capacity, io.env['MAXCDSIZE'] ?? capacity].map((kib) => (/^\d+$/.test(kib) ? Number(kib) * 1024 : NaN)) as [number, number];
    if (sizes.some((s) => !(s >= 1024))) return wrong('CAPACITY and MAXCDSIZE are numbers of KiB, at least 1');
    intoVolumes(destination, sizes, volno, command, io);
    return 0;
  } catch (error) {
    io.err(`cutstream: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}
