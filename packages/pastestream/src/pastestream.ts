import { createHash, type Hash } from 'node:crypto';

/** A piece to be glued: what it must be, and how to read it. `name` is used in messages. */
export interface PieceSource {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hexadecimal SHA-256 of the piece. */
  readonly sha256: string;
  open(): AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

/** `PASTE_SIZE`: too short or too long; `PASTE_DIGEST`: other bytes than were written; `PASTE_WHOLE`: the sum is wrong. */
export type PasteErrorCode = 'PASTE_SIZE' | 'PASTE_DIGEST' | 'PASTE_WHOLE';

/** A piece, or the glued whole, is not what the manifest says. */
export class PasteStreamError extends Error {
  override name = 'PasteStreamError';
  readonly code: PasteErrorCode;
  readonly piece: string;
  constructor(code: PasteErrorCode, piece: string, message: string) {
    super(message);
    this.code = code;
    this.piece = piece;
  }
}

/**
 * Yields the bytes of all pieces in order. Each piece is checked when it ends, the whole at the end: a consumer must
 * treat everything as unproven until the generator returns. `whole` is the SHA-256 of the uncut stream.
 * @throws PasteStreamError naming the piece
 */
export async function* pasteStream(pieces: readonly PieceSource[], whole?: string): AsyncGenerator<Uint8Array, void, undefined> {
  // The digest of the first piece goes on as that of the whole: most streams are of one piece, and hashed once.
  let all: Hash | undefined;
  for (const piece of pieces) {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of await piece.open()) {
      bytes += chunk.length;
      if (bytes > piece.bytes) throw new PasteStreamError('PASTE_SIZE', piece.name, `${piece.name} is longer than the ${String(piece.bytes)} bytes that were written`);
      hash.update(chunk);
      all?.update(chunk);
      yield chunk;
    }
    if (bytes !== piece.bytes) throw new PasteStreamError('PASTE_SIZE', piece.name, `${piece.name} has ${String(bytes)} of ${String(piece.bytes)} bytes`);
    all ??= hash.copy();
    if (hash.digest('hex') !== piece.sha256) throw new PasteStreamError('PASTE_DIGEST', piece.name, `${piece.name} is damaged: its SHA-256 is not the one that was recorded`);
  }
  if (whole !== undefined && (all ?? createHash('sha256')).digest('hex') !== whole) throw new PasteStreamError('PASTE_WHOLE', '', 'the pieces are sound, but together they are not the stream that was cut');
}
