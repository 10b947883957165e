import { createHash } from 'node:crypto';
import crc from 'crc-32';
import { IsoError } from './errors.js';

/** Bytes of a hard disk block, the unit of MBR and GPT. */
const BLOCK = 512;
const ENTRIES = 128;
const ENTRY_BYTES = 128;
/** Blocks of the backup GPT: entry array and header. */
export const BACKUP_GPT_BLOCKS = (ENTRIES * ENTRY_BYTES) / BLOCK + 1;

const TYPE_ESP = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const TYPE_BASIC_DATA = 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7';

/** A partition in the GPT of a hybrid image; blocks of 512 bytes, `last` included. */
interface GptPartition {
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

/** What makes an image a hybrid: boot code, where ISOLINUX lies, where the ESP lies. Sectors are of 2048 bytes. */
export interface HybridInput {
  /** isohdpfx.bin of SYSLINUX: at most 432 bytes of code are used. */
  readonly mbrCode: Buffer | undefined;
  readonly biosSector: number | undefined;
  readonly esp: { readonly sector: number; readonly bytes: number } | undefined;
  readonly totalSectors: number;
  readonly seed: string;
}

/**
 * System area (16 sectors) and backup GPT of a hybrid image: protective MBR with an active dummy entry for
 * BIOSes that demand one, and a GPT without overlaps (UEFI 2.11 5.2-5.3).
 */
export function hybridAreas(input: HybridInput): { systemArea: Buffer; backupGpt: Buffer } {
  const total = input.totalSectors * 4;
  const area = Buffer.alloc(16 * 2048);
  if (input.mbrCode !== undefined) {
    if (input.mbrCode.length < 432 || input.biosSector === undefined) {
      throw new IsoError('ISO_INVALID_INPUT', 'hybrid MBR code must be isohdpfx.bin (432 bytes or more) and needs a BIOS boot file');
    }
    input.mbrCode.copy(area, 0, 0, 432);
    area.writeBigUInt64LE(BigInt(input.biosSector * 4), 432);
  }
  createHash('sha256').update(`mbr ${input.seed}`).digest().copy(area, 440, 0, 4);
  const mbr = (i: number, status: number, type: number, start: number, size: number, chs: number[]): void => {
    const at = 446 + i * 16;
    area[at] = status;
    Buffer.from(chs).copy(area, at + 1);
    area[at + 4] = type;
    Buffer.from([0xfe, 0xff, 0xff]).copy(area, at + 5);
    area.writeUInt32LE(start, at + 8);
    area.writeUInt32LE(Math.min(size, 0xffffffff), at + 12);
  };
  mbr(0, 0, 0xee, 1, total - 1, [0, 2, 0]);
  mbr(1, 0x80, 0, 0, 1, [0, 0, 0]);
  area[510] = 0x55;
  area[511] = 0xaa;

  const end = total - BACKUP_GPT_BLOCKS - 1;
  const partitions: GptPartition[] = [];
  const isoEnd = input.esp === undefined ? end : input.esp.sector * 4 - 1;
  partitions.push({ type: TYPE_BASIC_DATA, name: 'ISO9660', first: 64, last: isoEnd });
  if (input.esp !== undefined) {
    partitions.push({ type: TYPE_ESP, name: 'EFI boot', first: input.esp.sector * 4, last: input.esp.sector * 4 + Math.ceil(input.esp.bytes / BLOCK) - 1 });
  }
  const array = Buffer.alloc(ENTRIES * ENTRY_BYTES);
  partitions.forEach((p, i) => {
    const at = i * ENTRY_BYTES;
    guidBytes(p.type).copy(array, at);
    derivedGuid(`${input.seed} ${p.name}`).copy(array, at + 16);
    array.writeBigUInt64LE(BigInt(p.first), at + 32);
    array.writeBigUInt64LE(BigInt(p.last), at + 40);
    array.write(p.name, at + 56, 'utf16le');
  });
  const arrayCrc = crc.buf(array) >>> 0;
  const guid = derivedGuid(`${input.seed} disk`);
  gptHeader(1, total - 1, 2, total, guid, arrayCrc).copy(area, BLOCK);
  array.copy(area, 2 * BLOCK);
  const backup = gptHeader(total - 1, 1, total - BACKUP_GPT_BLOCKS, total, guid, arrayCrc);
  return { systemArea: area, backupGpt: Buffer.concat([array, backup]) };
}
