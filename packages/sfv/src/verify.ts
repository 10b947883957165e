import { crc32 } from 'node:zlib';
import type { SfvEntry } from './format.js';

/** CRC-32 (IEEE 802.3, as in zip) of a stream's bytes. */
export async function crc32OfStream(source: AsyncIterable<Uint8Array>): Promise<number> {
  let crc = 0;
  for await (const chunk of source) crc = crc32(chunk, crc);
  return crc >>> 0;
}

/** Verdict on one entry: `missing` when it could not be opened, with the error's text. */
export interface SfvResult {
  readonly name: string;
  readonly status: 'ok' | 'mismatch' | 'missing';
  readonly expected: number;
  readonly actual?: number;
  readonly error?: string;
}

/** Checks every entry, opening each with `open`; a file that cannot be read is `missing`, never an exception. */
export async function* verifySfv(entries: readonly SfvEntry[], open: (name: string) => AsyncIterable<Uint8Array>): AsyncGenerator<SfvResult> {
  for (const { name, crc32: expected } of entries) {
    try {
      const actual = await crc32OfStream(open(name));
      yield { name, expected, actual, status: actual === expected ? 'ok' : 'mismatch' };
    } catch (error) {
      yield { name, expected, status: 'missing', error: error instanceof Error ? error.message : String(error) };
    }
  }
}
