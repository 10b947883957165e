import { execa } from 'execa';
import { CdrecError, installHint, TOOL_ENV } from '@cdrec/tool';
import { judgeTar, type TarVerdict } from './verdict.js';

/** A running tar: its output, and its verdict once the output has ended. */
export interface TarStream {
  readonly stream: AsyncIterable<Uint8Array>;
  /** Waits for tar. @throws CdrecError TAR_FAILED, TOOL_MISSING */
  ended(): Promise<TarVerdict>;
  /** Stops tar; for when the output is not wanted any more. */
  kill(): void;
}

/** Starts tar (and through it the compressor); output comes as tar writes it, nothing is staged. */
export function openTar(args: readonly string[], what: string): TarStream {
  const child = execa('tar', args, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', buffer: { stdout: false, stderr: true }, reject: false, encoding: 'utf8', env: TOOL_ENV, maxBuffer: 1 << 26 });
  return {
    stream: child.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const result = await child;
      if (result.code === 'ENOENT') throw new CdrecError('TOOL_MISSING', 'program "tar" is not installed', { hint: installHint('tar') });
      return judgeTar(result.exitCode, result.stderr, what);
    },
    kill: () => { child.kill('SIGTERM'); },
  };
}
