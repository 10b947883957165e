import { createHash } from 'node:crypto';
import crc from 'crc-32';

/** Bytes of a hard disk block, the unit of MBR and GPT. */
export const BLOCK = 512;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
/** Blocks of the backup GPT: entry array and header. */
export const BACKUP_GPT_BLOCKS = (ENTRIES * ENTRY_BYTES) / BLOCK + 1;

export const TYPE_ESP = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
export const TYPE_BASIC_DATA = 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7';

/** A partition in the GPT of a hybrid image; blocks of 512 bytes, `last` included. */
export interface GptPartition {
  readonly type: string;
  readonly name: string;
  readonly first: number;
  readonly last: number;
}

/** GUID text to its mixed-endian bytes (UEFI 2.11 appendix A). */
function guidBytes(guid: string): Buffer {
  const b = Buffer.from(guid.replaceAll('-', ''), 'hex');
  b.subarray(0, 4).reverse();
  b.subarray(4, 6).reverse();
  b.subarray(6, 8).reverse();
  return b;
}

/** Version-8-shaped GUID derived from a seed, so that equal input gives equal images. */
function derivedGuid(seed: string): Buffer {
  const b = createHash('sha256').update(seed).digest().subarray(0, 16);
  b[7] = ((b[7] as number) & 0x0f) | 0x80;
  b[8] = ((b[8] as number) & 0x3f) | 0x80;
  return b;
}

function gptHeader(own: number, other: number, array: number, total: number, guid: Buffer, arrayCrc: number): Buffer {
  const h = Buffer.alloc(BLOCK);
  h.write('EFI PART', 0, 'latin1');
  h.writeUInt32LE(0x00010000, 8);
  h.writeUInt32LE(92, 12);
  h.writeBigUInt64LE(BigInt(own), 24);
  h.writeBigUInt64LE(BigInt(other), 32);
  h.writeBigUInt64LE(64n, 40);
  h.writeBigUInt64LE(BigInt(total - BACKUP_GPT_BLOCKS - 1), 48);
  guid.copy(h, 56);
  h.writeBigUInt64LE(BigInt(array), 72);
  h.writeUInt32LE(ENTRIES, 80);
  h.writeUInt32LE(ENTRY_BYTES, 84);
  h.writeUInt32LE(arrayCrc, 88);
  h.writeUInt32LE(crc.buf(h.subarray(0, 92)) >>> 0, 16);
  return h;
}

/**
 * Primary GPT (header and entry array: blocks 1 to 33) and backup (array and header: the image's last 33 blocks) for an
 * image of `total` blocks (UEFI 2.11 5.3). `seed` makes the GUIDs.
 */
export function gptTables(partitions: readonly GptPartition[], total: number, seed: string): { primary: Buffer; backup: Buffer } {
  const array = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  partitions.forEach((p, i) => {
    const at = i * ENTRY_BYTES;
    guidBytes(p.type).copy(array, at);
    derivedGuid(`${seed} ${p.name}`).copy(array, at + 16);
    array.writeBigUInt64LE(BigInt(p.first), at + 32);
    array.writeBigUInt64LE(BigInt(p.last), at + 40);
    array.write(p.name, at + 56, 'utf16le');
  });
  const arrayCrc = crc.buf(array) >>> 0;
  const guid = derivedGuid(`${seed} disk`);
  return {
    primary: Buffer.concat([gptHeader(1, total - 1, 2, total, guid, arrayCrc), array]),
    backup: Buffer.concat([array, gptHeader(total - 1, 1, total - BACKUP_GPT_BLOCKS, total, guid, arrayCrc)]),
  };
}
