import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Writes a stream into a program, which may end before it is read whole: its status says why. Returns the bytes. */
export async function pour(source: AsyncIterable<Uint8Array>, stdin: Writable, onBytes: ((bytes: number) => void) | undefined): Promise<number> {
  stdin.on('error', () => undefined);
  let bytes = 0;
  for await (const chunk of source) {
    if (!stdin.writable) break;
    bytes += chunk.length;
    onBytes?.(bytes);
    if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  }
  return bytes;
}
