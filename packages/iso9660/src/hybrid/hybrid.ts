import { createHash } from 'node:crypto';
import { SECTOR } from '../bytes.js';
import { IsoError } from '../errors.js';
import { BACKUP_GPT_BLOCKS, BLOCK, gptTables, TYPE_BASIC_DATA, TYPE_ESP, type GptPartition } from './gpt.js';

/** Boot code for the MBR of an image that is booted as a disk. */
export interface MbrCode {
  /** SYSLINUX' isohdpfx.bin, or GRUB's boot_hybrid.img: at most 440 bytes of code are used. */
  readonly code: Buffer;
  /** Which of them: they find the BIOS boot file by different numbers. */
  readonly kind: 'isolinux' | 'grub2';
}

/** What makes an image a hybrid. Sectors are of 2048 bytes. */
export interface HybridInput {
  readonly mbr: MbrCode | undefined;
  readonly biosSector: number | undefined;
  readonly esp: { readonly sector: number; readonly bytes: number } | undefined;
  readonly totalSectors: number;
  /** Makes disk signature and GUIDs: equal input gives equal images. */
  readonly seed: string;
}

const CODE_BYTES = { isolinux: 432, grub2: 440 } as const;

/** @throws IsoError ISO_INVALID_INPUT when `mbr` cannot be boot code of its kind. */
export function checkMbrCode(mbr: MbrCode): void {
  if (mbr.code.length < CODE_BYTES[mbr.kind]) {
    const what = mbr.kind === 'isolinux' ? 'isohdpfx.bin' : 'boot_hybrid.img';
    throw new IsoError('ISO_INVALID_INPUT', `hybrid MBR code must be ${what}: ${String(CODE_BYTES[mbr.kind])} bytes or more, not ${String(mbr.code.length)}`);
  }
}

/**
 * System area (16 sectors) and backup GPT of a hybrid image: protective MBR with an active dummy entry for
 * BIOSes that demand one, and a GPT without overlaps (UEFI 2.11 5.2-5.3).
 */
export function hybridAreas(input: HybridInput): { systemArea: Buffer; backupGpt: Buffer } {
  const total = input.totalSectors * (SECTOR / BLOCK);
  const area = Buffer.alloc(16 * SECTOR);
  if (input.mbr !== undefined) {
    if (input.biosSector === undefined) throw new IsoError('ISO_INVALID_INPUT', 'hybrid MBR code needs a BIOS boot file');
    input.mbr.code.copy(area, 0, 0, CODE_BYTES[input.mbr.kind]);
    // isohdpfx.bin wants the first block of isolinux.bin, boot_hybrid.img that of GRUB's core behind its own first sector.
    area.writeBigUInt64LE(BigInt(input.biosSector * 4 + (input.mbr.kind === 'grub2' ? 4 : 0)), 432);
  }
  createHash('sha256').update(`mbr ${input.seed}`).digest().copy(area, 440, 0, 4);
  const entry = (i: number, status: number, type: number, start: number, size: number, chs: readonly number[]): void => {
    const at = 446 + i * 16;
    area[at] = status;
    Buffer.from(chs).copy(area, at + 1);
    area[at + 4] = type;
    Buffer.from([0xfe, 0xff, 0xff]).copy(area, at + 5);
    area.writeUInt32LE(start, at + 8);
    area.writeUInt32LE(Math.min(size, 0xffffffff), at + 12);
  };
  entry(0, 0, 0xee, 1, total - 1, [0, 2, 0]);
  entry(1, 0x80, 0, 0, 1, [0, 0, 0]);
  area[510] = 0x55;
  area[511] = 0xaa;

  const usable = { first: 64, last: total - BACKUP_GPT_BLOCKS - 1 };
  const partitions: GptPartition[] = [];
  if (input.esp !== undefined) {
    // The rest of the image is a partition too, before or behind the ESP, whichever is the larger part.
    const esp = { first: input.esp.sector * 4, last: input.esp.sector * 4 + Math.ceil(input.esp.bytes / BLOCK) - 1 };
    const iso = esp.first - usable.first >= usable.last - esp.last ? { first: usable.first, last: esp.first - 1 } : { first: Math.ceil((esp.last + 1) / 4) * 4, last: usable.last };
    partitions.push({ type: TYPE_BASIC_DATA, name: 'ISO9660', ...iso }, { type: TYPE_ESP, name: 'EFI boot', ...esp });
  } else partitions.push({ type: TYPE_BASIC_DATA, name: 'ISO9660', ...usable });
  const { primary, backup } = gptTables(partitions, total, input.seed);
  primary.copy(area, BLOCK);
  return { systemArea: area, backupGpt: backup };
}
