import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { CdrecError } from './errors.js';
import { installHint } from './packages.js';

/**
 * Variables by which somebody's own habits would reach the programs that are run: TAR_OPTIONS="--exclude=..." leaves files out of a backup that nobody
 * knows of, a level of compression is not the configured one, BASH_ENV changes what a script does.
 * (info tar, gzip, grep, coreutils; xz(1), zstd(1), pigz(1), bzip2(1), bash(1), mke2fs(8), mtools(1).)
 */
const HABITS = [
  'TAR_OPTIONS', 'TAPE', 'GZIP', 'PIGZ', 'BZIP', 'BZIP2', 'LBZIP2', 'XZ_DEFAULTS', 'XZ_OPT', 'ZSTD_CLEVEL', 'ZSTD_NBTHREADS', 'POSIXLY_CORRECT', 'POSIX_ME_HARDER', 'BLOCK_SIZE', 'BLOCKSIZE', 'DF_BLOCK_SIZE', 'DU_BLOCK_SIZE', 'LS_BLOCK_SIZE',
  'QUOTING_STYLE', 'TIME_STYLE', 'GREP_OPTIONS', 'BASH_ENV', 'ENV', 'CDPATH', 'GLOBIGNORE', 'SHELLOPTS', 'BASHOPTS', 'MKE2FS_CONFIG', 'MKE2FS_SYNC', 'MTOOLSRC',
] as const;

/** Environment of every program that is run, to be laid over one's own: messages in English, so that they can be parsed, and nobody's habits (`undefined`: not set). */
export const TOOL_ENV: Readonly<Record<string, string | undefined>> = { ...Object.fromEntries(HABITS.map((name) => [name, undefined])), LC_ALL: 'C', LANG: 'C' };

/** How to run a program. */
export interface RunOptions {
  /** Text for standard input; nothing otherwise. */
  readonly input?: string | Uint8Array;
  /** Exit statuses that are no error; default `[0]`. */
  readonly ok?: readonly number[];
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds after which the program is killed. */
  readonly timeout?: number;
}

/** What a program said. */
export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Full path of a program on `path` (a PATH string), then in the system directories unless `only` is set; `undefined` if absent. */
export function findProgram(name: string, path: string, only = false): string | undefined {
  const dirs = [...path.split(delimiter).filter((d) => d !== ''), ...(only ? [] : SYSTEM_DIRECTORIES)];
  for (const dir of dirs) {
    const full = join(dir, name);
    try {
      accessSync(full, constants.X_OK);
      if (statSync(full).isFile()) return full;
    } catch {
      continue; // not in this directory
    }
  }
  return undefined;
}

/**
 * Runs a program with an argv array, never through a shell, and returns what it printed.
 * @throws CdrecError TOOL_MISSING when it is not installed, TOOL_FAILED (with the end of its stderr) on a bad status.
 */
export async function runTool(program: string, args: readonly string[], options: RunOptions = {}): Promise<ToolResult> {
  const result = await execa(program, args, {
    reject: false,
    stripFinalNewline: false,
    env: { ...TOOL_ENV, ...options.env },
    maxBuffer: 1 << 28,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  });
  const line = [program, ...args].join(' ');
  if (result.exitCode === undefined) {
    if (result.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', `program "${program}" is not installed`, { hint: installHint(program), cause: result });
    if (result.isCanceled) throw new CdrecError('INTERRUPTED', `interrupted while running ${program}`);
    const why = result.timedOut ? 'timed out' : result.signal === undefined ? (result.shortMessage ?? '') : `ended by ${result.signal}`;
    throw new CdrecError('TOOL_FAILED', `running "${line}": ${why}`, { cause: result });
  }
  const { stdout, stderr, exitCode: status } = result;
  if (!(options.ok ?? [0]).includes(status)) {
    const said = stderr.trim() === '' ? stdout : stderr;
    throw new CdrecError('TOOL_FAILED', `"${line}" ended with status ${String(status)}: ${said.trim().slice(-2000)}`);
  }
  return { stdout, stderr, status };
}
