import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ASIDE_PATH, CdrecError, describeStage, failedStage, OWN_MOUNTS, SEE_ALONE, startChain, viewPlace, type Chain, type ChainStage } from '@cdrec/tool';
import { judgeTar, type TarVerdict } from './verdict.js';

/** A running backup: its output, and its verdict once the output has ended. */
export interface BackupStream {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Waits for all programs. @throws CdrecError TAR_FAILED, FILTER_FAILED (a compressor or the encryption) */
  ended(): Promise<TarVerdict>;
  /** Bytes the first program has read so far, content and directories (proc(5), rchar): the progress of the work. */
  bytesRead(): number;
  /** The file that is being read now, as the machine calls it; undefined between two files and for images. For the eye only. */
  current(): string | undefined;
  /** The names of all members, for `openNames`, once it has ended; only of what tar writes. */
  names?(): Buffer;
  /** Stops everything; for when the output is not wanted any more. */
  kill(): void;
}

/**
 * Binds $1 on $2 and becomes tar. Run in a mount namespace of its own, which vanishes with it, however it ends; and in a
 * PID namespace, because tar writes its PID into the archive (pax and sparse headers): there it is always 1.
 */
const BIND_AND_TAR = `${SEE_ALONE} && shift 2 && exec tar "$@"`;

function tarStage(args: readonly string[], view: string | undefined): ChainStage {
  if (view === undefined) return { program: 'tar', args };
  const place = viewPlace();
  return { program: 'unshare', label: 'tar', args: [...OWN_MOUNTS, '--pid', '--fork', '--kill-child=SIGKILL', '--', 'sh', '-c', BIND_AND_TAR, 'sh', view, place, `--directory=${place}`, ...args] };
}

/** First child of a process, or undefined. */
function child(pid: number): number | undefined {
  const n = Number(readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').split(' ')[0]);
  return n > 0 ? n : undefined;
}

/** Where proc(5) has the program that reads; `depth` is how many processes of the first stage stand above it. */
function firstProgram(chain: Chain, depth: number): string {
  let pid = chain.firstPid();
  for (let i = 0; i < depth && pid !== undefined; i++) pid = child(pid);
  return `/proc/${String(pid)}`;
}

/** Bytes that the first program of a chain has read. */
function readBytes(chain: Chain, depth: number): number {
  try {
    return Number(/^rchar: (\d+)/m.exec(readFileSync(`${firstProgram(chain, depth)}/io`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // ended already
  }
}

/**
 * The file that tar has open (proc(5), fd): the last of its descriptors. The first one is the directory it works in, whose path
 * is what the kernel calls it from here: in another mount namespace, and in a chroot, that is not the mount point.
 */
function openFile(chain: Chain, depth: number, mount: string): string | undefined {
  try {
    const fds = `${firstProgram(chain, depth)}/fd`;
    // Besides files and directories there are pipes, and what the chain of programs has open.
    const [base, ...others] = readdirSync(fds).map(Number).filter((n) => n > 2).sort((a, b) => a - b).map((n) => readlinkSync(`${fds}/${String(n)}`)).filter((p) => p.startsWith('/') && !p.startsWith('/dev/'));
    const path = base === undefined ? undefined : others.filter((p) => p.startsWith(`${base}/`.replace('//', '/'))).at(-1);
    return base === undefined || path === undefined ? undefined : join(mount, path.slice(base.length));
  } catch {
    return undefined; // ended already
  }
}

/**
 * Starts what writes an image of a device, and the programs its output passes. There are no exceptions: it is whole, or
 * it is an error. The size of an image is known to its reader only: `contentBytes` is 0.
 * @throws CdrecError TOOL_MISSING
 */
export function openImage(image: ChainStage, filters: readonly ChainStage[], what: string): BackupStream {
  const chain = startChain([image, ...filters]);
  return {
    stream: chain.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const bad = failedStage(await chain.ended());
      if (bad !== undefined) throw new CdrecError('IMAGE_FAILED', `the image of ${what} is not complete: ${describeStage(bad)}`);
      return { contentBytes: 0, exceptions: [], notes: [] };
    },
    bytesRead: () => readBytes(chain, 0),
    current: () => undefined,
    kill: () => { chain.kill(); },
  };
}

/**
 * Starts tar and, joined by pipes, the programs its output passes; what they write comes as it is written, nothing is
 * staged. With `view`, tar sees the file system mounted there by itself: mount points below it are the plain
 * directories that they are, and what lies hidden under them is archived too. `--directory` is then added here. Needs
 * root. `what` is used in messages.
 * @throws CdrecError TOOL_MISSING
 */
export function openTar(args: readonly string[], filters: readonly ChainStage[], what: string, view?: string): BackupStream {
  // tar says the names as it goes: an index costs no second look at anything.
  const chain = startChain([tarStage(['--verbose', '--quoting-style=escape', `--index-file=${ASIDE_PATH}`, ...args], view), ...filters], { aside: true });
  return {
    stream: chain.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const [tar, ...others] = await chain.ended();
      const bad = failedStage(others);
      // A filter that dies takes tar with it by SIGPIPE: then the filter is what went wrong.
      if (bad !== undefined && (tar === undefined || tar.status <= 2 || tar.status === 141)) throw new CdrecError('FILTER_FAILED', `the archive of ${what} is not complete: ${describeStage(bad)}`);
      // unshare(1) of util-linux 2.38 stumbles over a child that a signal has ended, and says only this.
      if (tar !== undefined && (tar.status > 128 || tar.stderr.includes('unshare: sigprocmask'))) throw new CdrecError('TAR_FAILED', `the archive of ${what} is not complete: tar was ended by a signal${tar.status > 128 ? ` (${String(tar.status - 128)})` : ''}`);
      return judgeTar(tar?.status, tar?.stderr ?? '', what);
    },
    bytesRead: () => readBytes(chain, view === undefined ? 0 : 1),
    current: () => openFile(chain, view === undefined ? 0 : 1, what),
    names: () => chain.aside(),
    kill: () => { chain.kill(); },
  };
}
