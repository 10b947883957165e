import { execa } from 'execa';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { CdrecError, errorCode, TOOL_ENV } from '@cdrec/tool';

/** GNU tar arguments that unpack one file system from standard input into `directory`, with all metadata. */
export function extractArguments(directory: string, fsType: string, compress: 'zstd' | 'gzip' | 'none'): string[] {
  const metadata = fsType === 'vfat'
    ? ['--no-same-owner', '--no-same-permissions']
    : ['--numeric-owner', '--same-owner', '--same-permissions', '--sparse', '--acls', '--selinux', '--xattrs', '--xattrs-include=*'];
  return ['--extract', '--file=-', '--totals', ...metadata, ...(compress === 'none' ? [] : [`--use-compress-program=${compress}`]), `--directory=${directory}`];
}

/** What is to be unpacked where. */
export interface Extraction {
  readonly directory: string;
  readonly fsType: string;
  readonly compress: 'zstd' | 'gzip' | 'none';
  readonly what: string;
  /** Bytes of the uncompressed archive, from the manifest; proof that nothing was cut off. */
  readonly contentBytes: number;
}

/**
 * Unpacks a stream with tar. Complete only if tar says 0, the stream proved to be what was written, and the number of
 * bytes is the recorded one (tar accepts an archive that is cut at a header boundary).
 * @throws CdrecError EXTRACT_FAILED; whatever the source throws
 */
export async function extract(source: AsyncIterable<Uint8Array>, e: Extraction): Promise<void> {
  const child = execa('tar', extractArguments(e.directory, e.fsType, e.compress), { stdin: 'pipe', stdout: 'ignore', stderr: 'pipe', reject: false, env: TOOL_ENV, maxBuffer: 1 << 26 });
  let broken: unknown;
  const feed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: 1 << 18 }), child.stdin as NodeJS.WritableStream).catch((error: unknown) => {
    if (errorCode(error) !== 'EPIPE' && errorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') {
      broken = error;
      child.kill();
    }
  });
  const result = await child;
  await feed;
  if (broken !== undefined) throw broken as Error;
  const said = result.stderr.split('\n').filter((l) => l !== '' && !l.startsWith('Total bytes'));
  if (result.exitCode !== 0) throw new CdrecError('EXTRACT_FAILED', `unpacking ${e.what}: tar ended with status ${String(result.exitCode)}: ${said.slice(-5).join('; ')}`);
  const total = Number(/^Total bytes read: (\d+)/m.exec(result.stderr)?.[1]);
  if (total !== e.contentBytes) throw new CdrecError('EXTRACT_FAILED', `unpacking ${e.what}: tar read ${String(total)} of ${String(e.contentBytes)} bytes`);
}
