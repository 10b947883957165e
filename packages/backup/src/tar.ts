import { existsSync, readFileSync } from 'node:fs';
import { execa } from 'execa';
import { CdrecError, installHint, TOOL_ENV } from '@cdrec/tool';
import { judgeTar, type TarVerdict } from './verdict.js';

/** A running tar: its output, and its verdict once the output has ended. */
export interface TarStream {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Waits for tar. @throws CdrecError TAR_FAILED, TOOL_MISSING */
  ended(): Promise<TarVerdict>;
  /** Bytes tar has read so far, content and directories (proc(5), rchar): the progress of the work. */
  bytesRead(): number;
  /** Stops tar; for when the output is not wanted any more. */
  kill(): void;
}

/**
 * Binds $1 on $2 and becomes tar. Run in a mount namespace of its own, which vanishes with it, however it ends; and in a
 * PID namespace, because tar writes its PID into the archive (pax and sparse headers): there it is always 1.
 */
const BIND_AND_TAR = 'mount --bind -- "$1" "$2" && shift 2 && exec tar "$@"';

/**
 * Starts tar (and through it the compressor); output comes as tar writes it, nothing is staged. With `view`, tar sees
 * the file system mounted there by itself: mount points below it are the plain directories that they are, and what
 * lies hidden under them is archived too. `--directory` is then added here. Needs root.
 */
export function openTar(args: readonly string[], what: string, view?: string): TarStream {
  const place = ['/mnt', '/media', '/srv', '/opt', '/var'].find((d) => existsSync(d)) as string;
  const [program, argv] = view === undefined
    ? ['tar', args]
    : ['unshare', ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=SIGKILL', '--', 'sh', '-c', BIND_AND_TAR, 'sh', view, place, `--directory=${place}`, ...args]] as const;
  const child = execa(program, argv, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', buffer: { stdout: false, stderr: true }, reject: false, encoding: 'utf8', env: TOOL_ENV, maxBuffer: 1 << 26 });
  return {
    stream: child.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const result = await child;
      if (result.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', `program "${program}" is not installed`, { hint: installHint(program) });
      return judgeTar(result.exitCode, result.stderr, what);
    },
    bytesRead: () => {
      try {
        const own = String(child.pid);
        const pid = view === undefined ? own : (readFileSync(`/proc/${own}/task/${own}/children`, 'utf8').split(' ')[0] as string);
        return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0);
      } catch {
        return 0; // ended already
      }
    },
    kill: () => { child.kill('SIGTERM'); },
  };
}
