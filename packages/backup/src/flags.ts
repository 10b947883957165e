import { CdrecError, describeStage, failedStage, findProgram, INODE_FLAGS, installHint, OWN_MOUNTS, SEE_ALONE, startChain, viewPlace, type ChainStage } from '@cdrec/tool';
import type { BackupStream } from './tar.js';

/** File systems whose files have such flags. */
export const hasFlags = (fsType: string): boolean => /^(ext[234]|xfs|btrfs|f2fs)$/.test(fsType);

// The file system is seen by itself: what is mounted below it is never asked, its server may be dead; and what lies hidden there has its flags, too.
// A name with a newline cannot be told apart in the output of lsattr(1), which has no other separator: such files are not asked. A
// directory ends in a slash: some flags are only of use when it is there before its files. Projects (lsattr -p, since e2fsprogs 1.43) are
// numbers before the flags; most files have number 0.
const LIST = `${SEE_ALONE} && cd -- "$2" || exit 1; p=; lsattr -pd . > /dev/null 2>&1 && p=-p; find . -xdev ! -path '*
*' '(' -type d -printf '%p/\\0' -o -type f -print0 ')' | xargs -0 -r lsattr $p -d -- 2> /dev/null | sed -E 's/^ *0 //; s/^ +//' | grep -aE '^([0-9]+ |[^ ]*[${INODE_FLAGS}])'; true`;

/** Lists the files of a file system that have inode flags or belong to a project (of project quotas), as lsattr(1) prints them: the number of the project where it is not 0, flags, the path below the mount point, with blanks between. tar does not keep them. Empty when there are none. `signal` stops it. Needs root. @throws CdrecError TOOL_MISSING, FILTER_FAILED */
export async function readFlags(mount: string, signal?: AbortSignal): Promise<Buffer> {
  // Its absence would look as if there were no flags.
  if (findProgram('lsattr', '') === undefined) throw new CdrecError('TOOL_MISSING', 'program "lsattr" is not installed', { hint: installHint('lsattr') });
  const chain = startChain([{ program: 'unshare', label: 'find', args: [...OWN_MOUNTS, '--', 'bash', '-c', LIST, 'bash', mount, viewPlace()] }]);
  const stop = (): void => { chain.kill(); };
  signal?.addEventListener('abort', stop, { once: true });
  const parts: Buffer[] = [];
  for await (const part of chain.stdout) parts.push(part as Buffer);
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  const bad = failedStage(await chain.ended());
  if (bad !== undefined) throw new CdrecError('FILTER_FAILED', `the inode flags in ${mount} could not be read: ${describeStage(bad)}`);
  return Buffer.concat(parts);
}

/** Passes bytes from memory through the filters of an archive. @throws CdrecError FILTER_FAILED */
export function openBytes(data: Buffer, filters: readonly ChainStage[], what: string): BackupStream {
  const none = { contentBytes: data.length, exceptions: [], notes: [] };
  if (filters.length === 0) return { stream: only(data), ended: () => Promise.resolve(none), bytesRead: () => data.length, current: () => undefined, kill: () => undefined };
  const chain = startChain(filters, { stdin: 'pipe' });
  // A filter that dies breaks the pipe; its status says why.
  chain.stdin.on('error', () => undefined);
  chain.stdin.end(data);
  return {
    stream: chain.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const bad = failedStage(await chain.ended());
      if (bad !== undefined) throw new CdrecError('FILTER_FAILED', `the list of flags of ${what} is not complete: ${describeStage(bad)}`);
      return none;
    },
    bytesRead: () => data.length,
    current: () => undefined,
    kill: () => { chain.kill(); },
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of one part
async function* only(data: Buffer): AsyncGenerator<Uint8Array> {
  yield data;
}
