import { IsoError } from '../errors.js';

/** Sum of the file's little-endian 32-bit words from byte 64 on, padded with zeros (mkisofs -boot-info-table). */
export function bootInfoChecksum(file: Buffer): number {
  let sum = 0;
  let at = 64;
  for (; at + 4 <= file.length; at += 4) sum = (sum + file.readUInt32LE(at)) >>> 0;
  if (at < file.length) {
    const last = Buffer.alloc(4);
    file.copy(last, 0, at);
    sum = (sum + last.readUInt32LE(0)) >>> 0;
  }
  return sum;
}

/** Returns a copy of a boot file with its boot information table filled in (mkisofs -boot-info-table). */
export function withBootInfoTable(file: Buffer, sector: number): Buffer {
  if (file.length < 64) throw new IsoError('ISO_INVALID_INPUT', `a boot file of ${String(file.length)} bytes has no room for a boot information table (64)`);
  const out = Buffer.from(file);
  out.fill(0, 8, 64);
  out.writeUInt32LE(16, 8); // sector of the primary volume descriptor
  out.writeUInt32LE(sector, 12);
  out.writeUInt32LE(file.length, 16);
  out.writeUInt32LE(bootInfoChecksum(file), 20);
  return out;
}

/** Returns a copy with GRUB's boot information: the 512-byte block behind the first five of the file itself (xorriso --grub2-boot-info). */
export function withGrub2Info(file: Buffer, sector: number): Buffer {
  if (file.length < 2556) throw new IsoError('ISO_INVALID_INPUT', `a boot file of ${String(file.length)} bytes is no GRUB eltorito.img (2556 at least)`);
  const out = Buffer.from(file);
  out.writeBigUInt64LE(BigInt(sector) * 4n + 5n, 2548);
  return out;
}
