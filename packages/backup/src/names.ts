import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CdrecError, describeStage, failedStage, readableNames, startChain, type ChainStage } from '@cdrec/tool';
import type { BackupStream } from './tar.js';

/** Whole lines of a stream. */
async function* lines(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = all.lastIndexOf(10) + 1;
    if (end > 0) yield readableNames(all.subarray(0, end));
    rest = all.subarray(end);
  }
  if (rest.length > 0) throw new CdrecError('FILTER_FAILED', 'its last name has no end');
}

/**
 * The index of an archive, from the names that tar said while it wrote it (`BackupStream.names`), through the filters of the
 * archive. `contentBytes` are those of the list. @throws CdrecError FILTER_FAILED when a filter dies or the list is not whole
 */
export function openNames(compressed: Buffer, filters: readonly ChainStage[], what: string): BackupStream {
  // Without filters cat is one: the list is never in memory as a whole.
  const chain = startChain(filters.length === 0 ? [{ program: 'cat', args: [] }] : filters, { stdin: 'pipe' });
  let bytes = 0;
  let broken: Error | undefined;
  async function* list(): AsyncGenerator<Buffer> {
    const gunzip = createGunzip();
    gunzip.end(compressed);
    for await (const part of lines(gunzip as AsyncIterable<Buffer>)) {
      bytes += part.length;
      yield part;
    }
  }
  chain.stdin.on('error', () => undefined); // its status says why
  Readable.from(list(), { objectMode: false }).on('error', (error) => {
    broken = error;
    chain.kill();
  }).pipe(chain.stdin);
  const incomplete = (why: string, cause?: unknown): CdrecError => new CdrecError('FILTER_FAILED', `the index of ${what} is not complete: ${why}`, { cause });
  return {
    stream: chain.stdout as AsyncIterable<Uint8Array>,
    ended: async () => {
      const bad = failedStage(await chain.ended());
      if (broken !== undefined) throw incomplete(broken.message, broken);
      if (bad !== undefined) throw incomplete(describeStage(bad));
      return { contentBytes: bytes, exceptions: [], notes: [] };
    },
    bytesRead: () => bytes,
    current: () => undefined,
    kill: () => { chain.kill(); },
  };
}
