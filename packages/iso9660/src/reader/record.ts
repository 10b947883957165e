import { SECTOR } from '../bytes.js';

/** Flags of a directory record (ECMA-119 9.1.6). */
export const FLAG = { hidden: 1, directory: 2, associated: 4, multiExtent: 0x80 } as const;

/** A directory record as it lies in the extent (ECMA-119 9.1). */
export interface RawRecord {
  /** Offset in the directory extent, in bytes. */
  readonly at: number;
  readonly bytes: Buffer;
  readonly flags: number;
  readonly sector: number;
  readonly size: number;
  readonly id: Buffer;
  /** System use area. */
  readonly use: Buffer;
}

/** `.` and `..` have identifiers of one byte, 0 and 1. */
export const isSelf = (r: RawRecord): boolean => r.id.length === 1 && r.id[0] === 0;
export const isParent = (r: RawRecord): boolean => r.id.length === 1 && r.id[0] === 1;

/** The record at `at`, or `undefined` when it is malformed: too short for its identifier, or over the edge of its sector. */
export function parseRecord(directory: Buffer, at: number): RawRecord | undefined {
  const length = directory[at] as number;
  const idLength = directory[at + 32] ?? 0;
  if (length < 34 || (at % SECTOR) + length > SECTOR || at + length > directory.length || idLength === 0 || 33 + idLength > length) return undefined;
  const bytes = directory.subarray(at, at + length);
  const base = 33 + idLength;
  return {
    at, bytes, flags: bytes[25] as number, sector: bytes.readUInt32LE(2) + (bytes[1] as number), size: bytes.readUInt32LE(10),
    id: bytes.subarray(33, base), use: bytes.subarray(base + (base & 1)),
  };
}

/** Records of a directory extent, in order; a malformed one is yielded as its offset, and the rest of its sector is skipped. */
export function* recordsIn(directory: Buffer): Generator<RawRecord | number> {
  for (let at = 0; at < directory.length; ) {
    const length = directory[at] as number;
    const record = length === 0 ? undefined : parseRecord(directory, at);
    if (record === undefined) {
      if (length !== 0) yield at;
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    yield record;
    at += length;
  }
}
