import { inflateSync } from 'node:zlib';
import { IsoError } from '../errors.js';

const MAGIC = Buffer.from('37e45396c9dbd607', 'hex');

/**
 * Decompresses a zisofs file block by block (RRIP zisofs version 1: 16-byte head, block pointers, zlib blocks).
 * `read` gives the stored bytes.
 * @throws IsoError ISO_INVALID_IMAGE
 */
export async function* decompressZisofs(read: (offset: number, length: number) => Promise<Buffer>, path: string): AsyncGenerator<Buffer> {
  const bad = (): IsoError => new IsoError('ISO_INVALID_IMAGE', `"${path}" is no valid zisofs file`);
  const head = await read(0, 16);
  if (head.length < 16 || !head.subarray(0, 8).equals(MAGIC)) throw bad();
  const total = head.readUInt32LE(8);
  const headBytes = (head[12] as number) * 4;
  const shift = head[13] as number;
  if (shift < 15 || shift > 17 || headBytes < 16) throw bad();
  const blockBytes = 1 << shift;
  for (let i = 0, at = 0; at < total; i++, at += blockBytes) {
    const pointers = await read(headBytes + i * 4, 8);
    if (pointers.length < 8) throw bad();
    const [from, to] = [pointers.readUInt32LE(0), pointers.readUInt32LE(4)];
    const want = Math.min(blockBytes, total - at);
    if (to < from || to - from > 2 * blockBytes) throw bad();
    if (from === to) {
      yield Buffer.alloc(want);
      continue;
    }
    let block: Buffer;
    try {
      block = inflateSync(await read(from, to - from), { maxOutputLength: blockBytes });
    } catch {
      throw bad();
    }
    if (block.length !== want) throw bad();
    yield block;
  }
}
