import { open } from 'node:fs/promises';

/** Where an image's bytes come from: a file, a device, a network block store. `read` may return fewer bytes at the end. */
export interface ByteSource {
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
  /** Bytes that there are, where that is known (regular files and memory; not drives). */
  readonly size?: number | undefined;
}

/** Opens a regular file or a block device as a byte source. */
export async function openByteSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r');
  const info = await handle.stat();
  return {
    size: info.isFile() ? info.size : undefined,
    read: async (offset, length) => {
      const buf = Buffer.allocUnsafe(length);
      let got = 0;
      while (got < length) {
        const { bytesRead } = await handle.read(buf, got, length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return buf.subarray(0, got);
    },
    close: () => handle.close(),
  };
}

/** An image in memory as a byte source. */
export function bufferSource(image: Buffer): ByteSource {
  return {
    size: image.length,
    read: (offset, length) => Promise.resolve(image.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}
