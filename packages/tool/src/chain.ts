import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { CdrecError } from './errors.js';
import { installHint } from './packages.js';
import { findProgram, TOOL_ENV } from './run.js';

/** One program of a chain; its output is the next one's input. `label` is used in messages (default: the program's name). */
export interface ChainStage {
  readonly program: string;
  readonly args: readonly string[];
  readonly label?: string;
}

/** What became of one program: its exit status (128 + N when signal N ended it) and what it said on stderr. */
export interface StageResult {
  readonly label: string;
  readonly status: number;
  readonly stderr: string;
}

/** Running programs, joined by the kernel's pipes: no byte between them passes through this process. */
export interface Chain {
  /** Input of the first program. @throws CdrecError CHAIN_USE when none was asked for */
  readonly stdin: Writable;
  /** Output of the last program. @throws CdrecError CHAIN_USE when none was asked for */
  readonly stdout: Readable;
  /** What the first program wrote to `ASIDE_PATH`, compressed by gzip; to be asked for once all has ended. @throws CdrecError CHAIN_USE when it was not asked for */
  aside(): Buffer;
  /** Process id of the first program (proc(5), children); undefined once it has ended. Not of a chain with a secret. */
  firstPid(): number | undefined;
  /** Waits for all programs. Never rejects: each has its result. */
  ended(): Promise<readonly StageResult[]>;
  /** Ends all programs and whatever they have started. */
  kill(signal?: 'SIGTERM' | 'SIGKILL'): void;
}

/** How a chain is connected. */
export interface ChainOptions {
  /** `pipe`: the caller writes to the first program; default: nothing is read. */
  readonly stdin?: 'pipe' | 'ignore';
  /** `pipe` (default): the caller reads from the last program. */
  readonly stdout?: 'pipe' | 'ignore';
  readonly env?: Record<string, string>;
  /** Text that one of the programs can read once from `SECRET_PATH`: in no argv, on no disk. Not together with `aside`. */
  readonly secret?: string;
  /** The first program has a second output, `ASIDE_PATH`; what comes there is kept in memory, compressed by gzip. */
  readonly aside?: boolean;
}

/** Where a program of a chain finds the secret. */
export const SECRET_PATH = '/dev/fd/9';
/** Where the first program of a chain writes what is kept aside. */
export const ASIDE_PATH = '/dev/fd/9';

/** Most programs of a chain. */
const MOST = 4;
/** Status of a program that ended because nobody reads its output any more (128 + SIGPIPE). */
const SIGPIPE = 141;

/**
 * The script is fixed; the programs come as arguments, each list led by its length, and nothing of them is parsed by
 * the shell. Every program has a stderr of its own (3, 4...); all statuses are written to 8. The secret is moved from
 * the socket it comes by (7) to a pipe (9), because sockets cannot be opened through /dev/fd. What is kept aside goes the
 * other way, through a gzip that ends with the shell; its own checksum tells whether all of it has come.
 */
const SCRIPT = `take() { local -n list=$1; list=("\${@:3:$2}"); }
if [ "$1" = secret ]; then exec 9< <(exec cat <&7) 7<&-; fi
if [ "$1" = aside ]; then exec 9> >(exec gzip -1 -c >&7 8>&-) 7>&-; fi
shift
take a "$@"; shift $(($1 + 1))
if (($#)); then take b "$@"; shift $(($1 + 1)); fi
if (($#)); then take c "$@"; shift $(($1 + 1)); fi
if (($#)); then take d "$@"; shift $(($1 + 1)); fi
if ((\${#d[@]})); then "\${a[@]}" 2>&3 8>&- | "\${b[@]}" 2>&4 8>&- | "\${c[@]}" 2>&5 8>&- | "\${d[@]}" 2>&6 8>&-
elif ((\${#c[@]})); then "\${a[@]}" 2>&3 8>&- | "\${b[@]}" 2>&4 8>&- | "\${c[@]}" 2>&5 8>&-
elif ((\${#b[@]})); then "\${a[@]}" 2>&3 8>&- | "\${b[@]}" 2>&4 8>&-
else "\${a[@]}" 2>&3 8>&-; fi
echo "\${PIPESTATUS[@]}" >&8`;

/**
 * Starts programs that are joined by pipes, all at once, with argv arrays.
 * @throws CdrecError TOOL_MISSING when one of them is not installed; nothing is started then
 */
export function startChain(stages: readonly ChainStage[], options: ChainOptions = {}): Chain {
  if (stages.length === 0 || stages.length > MOST) throw new RangeError(`a chain has 1 to ${String(MOST)} programs, not ${String(stages.length)}`);
  for (const { program } of stages) if (findProgram(program, options.env?.['PATH'] ?? '') === undefined) throw new CdrecError('TOOL_MISSING', `program "${program}" is not installed`, { hint: installHint(program) });
  const words = stages.flatMap((s) => [String(s.args.length + 1), s.program, ...s.args]);
  const stdin = options.stdin ?? 'ignore';
  const stdout = options.stdout ?? 'pipe';
  if (options.secret !== undefined && options.aside === true) throw new RangeError('a chain has a secret or keeps something aside, not both');
  const kept: Buffer[] = [];
  const child = execa('bash', ['-c', SCRIPT, 'chain', options.aside === true ? 'aside' : options.secret === undefined ? 'plain' : 'secret', ...words], {
    stdio: [stdin, stdout, 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', options.aside === true ? 'pipe' : options.secret === undefined ? 'ignore' : ['pipe', new Uint8Array(Buffer.from(options.secret))], 'pipe'],
    // A process group of its own: one signal reaches every program, and Ctrl-C is this process's to judge.
    detached: true, reject: false, buffer: { stdout: false, fd7: false }, maxBuffer: 1 << 28, encoding: 'utf8', env: { ...TOOL_ENV, ...options.env },
  });
  if (options.aside === true) (child.stdio as unknown as readonly Readable[])[7]?.on('data', (chunk: Buffer) => kept.push(chunk));
  const missing = (): never => { throw new CdrecError('CHAIN_USE', 'this end of the chain is not connected'); };
  return {
    get stdin() { return child.stdin ?? missing(); },
    get stdout() { return child.stdout ?? missing(); },
    aside: () => (options.aside === true ? Buffer.concat(kept) : missing()),
    firstPid: () => {
      const pid = String(child.pid ?? 0);
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      // Before it there is only what keeps its second output.
      const first = Number(children[options.aside === true ? 1 : 0]);
      return first > 0 ? first : undefined;
    },
    ended: async () => {
      const result = await child;
      const said = result.stdio.map((text) => (typeof text === 'string' ? text : ''));
      const statuses = (said[8] ?? '').trim().split(' ').map(Number);
      // Without the list the shell itself was ended, by a signal to the group: its status stands for all.
      const whole = result.exitCode ?? 128 + 9;
      return stages.map((s, i) => ({ label: s.label ?? s.program, status: statuses[i] === undefined || (said[8] ?? '') === '' ? whole : statuses[i], stderr: said[3 + i] ?? '' }));
    },
    kill: (signal = 'SIGTERM') => {
      try {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
      } catch {
        return; // ended already
      }
    },
  };
}

/**
 * The program to blame in a chain that failed: the last one with a status of its own, because those before it only
 * lost their reader (SIGPIPE). `undefined` when all ended well; `ok` says which statuses of a program are no failure.
 */
export function failedStage(results: readonly StageResult[], ok: (result: StageResult) => boolean = (r) => r.status === 0): StageResult | undefined {
  const bad = results.filter((r) => !ok(r));
  return bad.filter((r) => r.status !== SIGPIPE).at(-1) ?? bad.at(-1);
}

/** What a stage's end means, for a person: `zstd was ended by signal 9`, `age ended with status 1: no identity matched`. */
export function describeStage(result: StageResult): string {
  const said = result.stderr.trim().split('\n').filter((l) => l !== '').slice(-3).join('; ');
  const how = result.status > 128 ? `was ended by signal ${String(result.status - 128)}` : `ended with status ${String(result.status)}`;
  return `${result.label} ${how}${said === '' ? '' : `: ${said}`}`;
}
