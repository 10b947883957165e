import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A finished piece. `offset` and `bytes` are bytes of the uncut stream; `sha256` is lower-case hexadecimal. */
export interface PieceInfo {
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly crc32: number;
}

/** Where one piece goes. `capacity` is how many bytes it can take; it must be at least 1. */
export interface PieceSink {
  readonly capacity: number;
  write(chunk: Uint8Array): void | Promise<void>;
  /** Called once when the piece is complete. `last` says that the stream ended with it. */
  close(piece: PieceInfo, last: boolean): void | Promise<void>;
}

/** The cut stream as a whole. */
export interface CutResult {
  readonly bytes: number;
  readonly sha256: string;
  readonly pieces: readonly PieceInfo[];
}

/** The sinks cannot take the stream. */
export class CutStreamError extends Error {
  override name = 'CutStreamError';
  readonly code = 'CUT_NO_ROOM';
}

/**
 * Cuts `source` into pieces: fills one sink to its capacity, then asks `next` for the following one (the source waits).
 * A stream that ends exactly at a capacity does not open a further, empty piece. An empty stream makes one empty piece.
 * The `next` callback receives the number of the piece, from 1. Nothing is buffered but the current chunk.
 * @throws CutStreamError when a sink has no capacity; whatever source and sinks throw.
 */
export async function cutStream(source: AsyncIterable<Uint8Array>, next: (number: number) => PieceSink | Promise<PieceSink>): Promise<CutResult> {
  // As long as there is one piece only, its digest is that of the whole: most streams are hashed once.
  let whole: Hash | undefined;
  const pieces: PieceInfo[] = [];
  let total = 0;
  let sink: PieceSink | undefined;
  let hash = createHash('sha256');
  let crc = 0;
  let size = 0;

  const openNext = async (): Promise<PieceSink> => {
    const opened = await next(pieces.length + 1);
    if (!(opened.capacity >= 1)) throw new CutStreamError(`piece ${String(pieces.length + 1)} has no room (capacity ${String(opened.capacity)} bytes)`);
    hash = createHash('sha256');
    crc = 0;
    size = 0;
    return opened;
  };
  const closePiece = async (open: PieceSink, last: boolean): Promise<void> => {
    if (pieces.length === 0) whole = hash.copy();
    const piece = { number: pieces.length + 1, offset: total - size, bytes: size, sha256: hash.digest('hex'), crc32: crc >>> 0 };
    pieces.push(piece);
    await open.close(piece, last);
  };

  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (sink !== undefined && size >= sink.capacity) {
        await closePiece(sink, false);
        sink = undefined;
      }
      sink ??= await openNext();
      const part = chunk.subarray(at, at + Math.min(chunk.length - at, sink.capacity - size));
      await sink.write(part);
      hash.update(part);
      whole?.update(part);
      crc = crc32(part, crc);
      size += part.length;
      total += part.length;
      at += part.length;
    }
  }
  sink ??= await openNext();
  await closePiece(sink, true);
  return { bytes: total, sha256: (whole as unknown as Hash).digest('hex'), pieces };
}
