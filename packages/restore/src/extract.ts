import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasUnixMetadata } from '@cdrec/survey';
import { CdrecError, decompressStage, decryptStage, describeStage, errorCode, failedStage, startChain, type ChainStage, type Compressor } from '@cdrec/tool';

/** GNU tar arguments that unpack one file system from standard input into `directory`, with all metadata. */
export function extractArguments(directory: string, fsType: string, members: readonly string[] = []): string[] {
  const metadata = !hasUnixMetadata(fsType) ? ['--no-same-owner', '--no-same-permissions']
    : ['--numeric-owner', '--same-owner', '--same-permissions', '--sparse', '--acls', '--selinux', '--xattrs', '--xattrs-include=*'];
  // The blocking factor of the backup: tar counts what it read in whole records.
  return ['--extract', '--file=-', '--blocking-factor=128', '--totals', ...metadata, `--directory=${directory}`, ...(members.length > 0 ? ['--', ...members] : [])];
}

/** How a stream was stored, and what must be known to read it. */
export interface StoredAs {
  readonly compress: Compressor;
  readonly encrypt?: 'age' | undefined;
  /** Secret key of age, when the stream is encrypted. */
  readonly identity?: string | undefined;
  /** PATH in which programs are looked for. */
  readonly path: string;
}

/** Passes a stream on and tells how much has passed. */
export async function* counted(source: AsyncIterable<Uint8Array>, onBytes: ((bytes: number) => void) | undefined): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}

/** What is to be unpacked where. */
export interface Extraction extends StoredAs {
  readonly directory: string;
  readonly fsType: string;
  readonly what: string;
  /** Members (`./etc/fstab`) that alone are unpacked, directories with all below; default: all. */
  readonly members?: readonly string[];
  /** Bytes of the uncompressed archive, from the manifest; proof that nothing was cut off. Not known of foreign archives. */
  readonly contentBytes?: number;
}

/**
 * Feeds a stored stream through decryption and decompression to `last`. Complete only if every program says 0 and the
 * source ended well. `onOutput` gets what `last` writes to its standard output. Returns what it said on stderr.
 * @throws CdrecError EXTRACT_FAILED naming the program; whatever the source throws
 */
export async function feed(source: AsyncIterable<Uint8Array>, as: StoredAs, last: ChainStage, what: string, onOutput?: (chunk: Buffer) => void): Promise<string> {
  const decompress = decompressStage(as.compress, as.path);
  const stages = [...(as.encrypt === undefined ? [] : [decryptStage()]), ...(decompress === undefined ? [] : [decompress]), last];
  const chain = startChain(stages, { stdin: 'pipe', stdout: onOutput === undefined ? 'ignore' : 'pipe', ...(as.identity === undefined ? {} : { secret: as.identity }) });
  if (onOutput !== undefined) chain.stdout.on('data', onOutput);
  let broken: unknown;
  const fed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: 1 << 18 }), chain.stdin).catch((error: unknown) => {
    if (errorCode(error) !== 'EPIPE' && errorCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') {
      broken = error;
      chain.kill();
    }
  });
  const results = await chain.ended();
  await fed;
  if (broken !== undefined) throw broken as Error;
  const bad = failedStage(results);
  if (bad !== undefined) throw new CdrecError('EXTRACT_FAILED', `unpacking ${what}: ${describeStage({ ...bad, stderr: bad.stderr.split('\n').filter((l) => !l.startsWith('Total bytes')).join('\n') })}`);
  return results.at(-1)?.stderr ?? '';
}

/**
 * Unpacks a stream with tar. Complete only if every program says 0, the stream proved to be what was written, and the
 * number of bytes is the recorded one (tar accepts an archive that is cut at a header boundary).
 * @throws CdrecError EXTRACT_FAILED; whatever the source throws
 */
export async function extract(source: AsyncIterable<Uint8Array>, e: Extraction): Promise<void> {
  const said = await feed(source, e, { program: 'tar', args: extractArguments(e.directory, e.fsType, e.members) }, e.what);
  const total = Number(/^Total bytes read: (\d+)/m.exec(said)?.[1]);
  if (e.contentBytes !== undefined && total !== e.contentBytes) throw new CdrecError('EXTRACT_FAILED', `unpacking ${e.what}: tar read ${String(total)} of ${String(e.contentBytes)} bytes`);
}
