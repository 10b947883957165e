/** Bytes of one logical sector (ECMA-119 6.1.2) and, here always, of one logical block. */
export const SECTOR = 2048;

/** Number of sectors that `bytes` occupy. */
export const sectorsFor = (bytes: number): number => Math.ceil(bytes / SECTOR);

/** 32-bit number, little-endian then big-endian (ECMA-119 7.3.3). */
export function both32(buf: Buffer, offset: number, value: number): void {
  buf.writeUInt32LE(value, offset);
  buf.writeUInt32BE(value, offset + 4);
}

/** 16-bit number, little-endian then big-endian (ECMA-119 7.2.3). */
export function both16(buf: Buffer, offset: number, value: number): void {
  buf.writeUInt16LE(value, offset);
  buf.writeUInt16BE(value, offset + 2);
}

/** Seven-byte date of directory records, in UTC (ECMA-119 9.1.5). Years outside 1900-2155 are clamped. */
export function recordDate(ms: number): Buffer {
  const d = new Date(ms);
  const year = Math.min(255, Math.max(0, d.getUTCFullYear() - 1900));
  return Buffer.from([year, d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(), 0]);
}

/** 17-byte date of volume descriptors, in UTC (ECMA-119 8.4.26.1); `undefined` gives the "not specified" form. */
export function descriptorDate(ms: number | undefined): Buffer {
  const buf = Buffer.alloc(17);
  if (ms === undefined) {
    buf.write('0'.repeat(16), 'latin1');
    return buf;
  }
  const iso = new Date(ms).toISOString();
  buf.write(iso.replace(/[-:TZ.]/g, '').slice(0, 16), 'latin1');
  return buf;
}

/** Reads the seven-byte date; returns milliseconds since 1970, or 0 when the fields are not a date. */
export function parseRecordDate(buf: Buffer): number {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = buf;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return 0;
  return Date.UTC(1900 + year, month - 1, day, hour, minute, second) - buf.readInt8(6) * 15 * 60_000;
}

/** UTF-16 big-endian bytes of a string (Joliet). */
export function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** Text from UTF-16 big-endian bytes; an odd last byte is ignored. */
export function fromUtf16be(buf: Buffer): string {
  return Buffer.from(buf.subarray(0, buf.length & ~1)).swap16().toString('utf16le');
}
