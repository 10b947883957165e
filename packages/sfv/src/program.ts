import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { formatSfv, parseSfv, type SfvEntry } from './format.js';

/** What a small program needs of its surroundings. */
export interface ProgramIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const USAGE = `usage: cdrec-sfv FILE|DIRECTORY...           print the CRC-32 of every file, as an SFV file
       cdrec-sfv [-q] [-C DIRECTORY] -f FILE.sfv [NAME...]   check files; names are relative to the SFV file
Exit status: 0 all right; 1 a file is damaged, missing or unreadable; 2 wrong usage.
`;
/** One read: what a file of a recovery set is read by. */
const BUFFER = 128 * 1024;

/** CRC-32 of a file, read in one pass with one buffer. @throws the file system's errors */
export function crc32OfFile(path: string, buffer: Buffer = Buffer.allocUnsafe(BUFFER)): number {
  const fd = openSync(path, 'r');
  try {
    let crc = 0;
    for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) crc = crc32(n === buffer.length ? buffer : buffer.subarray(0, n), crc);
    return crc >>> 0;
  } finally {
    closeSync(fd);
  }
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => filesBelow(join(path, name)));
}

/** The program `cdrec-sfv` (cksfv's work): returns its exit status. */
export function sfvProgram(args: readonly string[], io: ProgramIo): number {
  const rest = [...args];
  const value = (flag: string): string | undefined => {
    const i = rest.indexOf(flag);
    return i < 0 ? undefined : rest.splice(i, 2)[1];
  };
  const flag = (name: string): boolean => {
    const i = rest.indexOf(name);
    return i >= 0 && rest.splice(i, 1).length > 0;
  };
  const list = value('-f');
  const directory = value('-C');
  const quiet = flag('-q');
  if (flag('-h') || flag('--help')) {
    io.out(USAGE);
    return 0;
  }
  if (rest.some((a) => a.startsWith('-') && a.length > 1) || (list === undefined && rest.length === 0) || (args.includes('-f') && list === undefined)) {
    io.err(USAGE);
    return 2;
  }
  return list === undefined ? create(rest, io) : check(list, directory ?? dirname(list), rest, quiet, io);
}

function create(paths: readonly string[], io: ProgramIo): number {
  const buffer = Buffer.allocUnsafe(BUFFER);
  let status = 0;
  for (const path of paths) {
    try {
      for (const file of filesBelow(path)) io.out(formatSfv([{ name: file, crc32: crc32OfFile(file, buffer) }]));
    } catch (error) {
      io.err(`cdrec-sfv: ${error instanceof Error ? error.message : String(error)}\n`);
      status = 1;
    }
  }
  return status;
}

function check(list: string, directory: string, names: readonly string[], quiet: boolean, io: ProgramIo): number {
  let entries: SfvEntry[];
  try {
    entries = parseSfv(readFileSync(list, 'utf8'));
  } catch (error) {
    io.err(`cdrec-sfv: ${list}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const buffer = Buffer.allocUnsafe(BUFFER);
  const absent = names.filter((n) => !entries.some((e) => e.name === n));
  for (const name of absent) io.err(`${name}: not in ${list}\n`);
  let bad = absent.length;
  for (const { name, crc32: expected } of entries) {
    if (names.length > 0 && !names.includes(name)) continue;
    let verdict = 'OK';
    try {
      if (crc32OfFile(join(directory, name), buffer) !== expected) verdict = 'damaged: its CRC-32 differs';
    } catch (error) {
      verdict = error instanceof Error ? error.message : String(error);
    }
    if (verdict !== 'OK') bad++;
    if (verdict !== 'OK') io.err(`${name}: ${verdict}\n`);
    else if (!quiet) io.out(`${name}: OK\n`);
  }
  return bad === 0 ? 0 : 1;
}
