/** Bytes of one logical sector (ECMA-119 6.1.2) and, here always, of one logical block. */
export const SECTOR = 2048;

/** Number of sectors that `bytes` occupy. */
export const sectorsFor = (bytes: number): number => Math.ceil(bytes / SECTOR);

/** Rounds up to a multiple of `unit`. */
export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** 32-bit number, little-endian then big-endian (ECMA-119 7.3.3). Values are below 2^32. */
export function both32(buf: Buffer, offset: number, value: number): void {
  buf[offset] = buf[offset + 7] = value & 0xff;
  buf[offset + 1] = buf[offset + 6] = (value >>> 8) & 0xff;
  buf[offset + 2] = buf[offset + 5] = (value >>> 16) & 0xff;
  buf[offset + 3] = buf[offset + 4] = value >>> 24;
}

/** 16-bit number, little-endian then big-endian (ECMA-119 7.2.3). */
export function both16(buf: Buffer, offset: number, value: number): void {
  buf.writeUInt16LE(value, offset);
  buf.writeUInt16BE(value, offset + 2);
}

/** UTF-16 big-endian bytes of a string (Joliet, UDF). */
export function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** Text from UTF-16 big-endian bytes; an odd last byte is ignored. */
export function fromUtf16be(buf: Buffer): string {
  return Buffer.from(buf.subarray(0, buf.length & ~1)).swap16().toString('utf16le');
}
