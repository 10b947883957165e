import { utf16be } from '../bytes.js';

const CRC_TABLE = new Uint16Array(256).map((_, i) => {
  let c = i << 8;
  for (let k = 0; k < 8; k++) c = (c & 0x8000) !== 0 ? (c << 1) ^ 0x1021 : c << 1;
  return c & 0xffff;
});

/** CRC-ITU-T, polynomial 0x1021, initial value 0 (ECMA-167 1/7.2.6). */
export function crcItu(buf: Uint8Array): number {
  let crc = 0;
  for (const byte of buf) crc = ((crc << 8) ^ (CRC_TABLE[((crc >> 8) ^ byte) & 0xff] as number)) & 0xffff;
  return crc;
}

/** Descriptor tag identifiers (ECMA-167 3/7.2.1, 4/7.2.1). */
export const TAG = { primary: 1, anchor: 2, implementation: 4, partition: 5, logicalVolume: 6, unallocated: 7, terminator: 8, integrity: 9, fileSet: 256, fileId: 257, fileEntry: 261 } as const;

/** Fills in the 16-byte tag in front of a descriptor of `bytes` bytes (ECMA-167 3/7.2). `location` is its own block. */
export function seal(buf: Buffer, tag: number, location: number, bytes = buf.length): void {
  buf.writeUInt16LE(tag, 0);
  buf.writeUInt16LE(2, 2);
  buf.writeUInt16LE(crcItu(buf.subarray(16, bytes)), 8);
  buf.writeUInt16LE(bytes - 16, 10);
  buf.writeUInt32LE(location, 12);
  buf[4] = 0;
  let sum = 0;
  for (let i = 0; i < 16; i++) sum += buf[i] as number;
  buf[4] = sum & 0xff;
}

/** OSTA compressed Unicode (UDF 1.02 2.1.1): 8 bits a character when all are below 256, else 16. */
export function compressedUnicode(text: string): Buffer {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return Buffer.concat([Buffer.from([16]), utf16be(text)]);
  return Buffer.concat([Buffer.from([8]), Buffer.from(text, 'latin1')]);
}

/** Writes a dstring field of `length` bytes: text, zeros, and the number of bytes used in the last one (ECMA-167 1/7.2.12). */
export function dstring(buf: Buffer, at: number, length: number, text: string): void {
  if (text === '') return;
  const bytes = compressedUnicode(text).subarray(0, length - 1);
  bytes.copy(buf, at);
  buf[at + length - 1] = bytes.length;
}

/** Character set field: OSTA compressed Unicode (UDF 1.02 2.1.2). */
export function charspec(buf: Buffer, at: number): void {
  buf.write('OSTA Compressed Unicode', at + 1, 'latin1');
}

/** Entity identifier (ECMA-167 1/7.4) with its suffix of up to 8 bytes. */
export function regid(buf: Buffer, at: number, id: string, suffix: readonly number[] = []): void {
  buf.write(id, at + 1, 'latin1');
  buf.set(suffix, at + 24);
}

/** Who wrote this: `regid` with our name and the operating system class "UNIX, Linux" (UDF 1.02 6.3). */
export const implementation = (buf: Buffer, at: number): void => regid(buf, at, '*cdrec', [4, 5]);

/** Suffix of UDF identifiers: revision 1.02, UNIX, Linux (UDF 1.02 2.1.4.3). */
export const UDF_SUFFIX = [0x02, 0x01, 4, 5] as const;
/** Suffix of domain identifiers: revision 1.02, hard and soft write protection. */
export const DOMAIN_SUFFIX = [0x02, 0x01, 3] as const;

/** 12-byte time stamp, UTC (ECMA-167 1/7.3). */
export function timestamp(buf: Buffer, at: number, ms: number): void {
  const d = new Date(Math.min(Date.UTC(9999, 11, 31), Math.max(Date.UTC(1, 0, 1), ms)));
  buf.writeUInt16LE(1 << 12, at);
  buf.writeInt16LE(d.getUTCFullYear(), at + 2);
  buf.set([d.getUTCMonth() + 1, d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(), Math.floor(d.getUTCMilliseconds() / 10), 0, 0], at + 4);
}

/** Long allocation descriptor (ECMA-167 4/14.14.2): length in bytes, block in partition 0. */
export function longAd(buf: Buffer, at: number, bytes: number, block: number, uniqueId = 0): void {
  buf.writeUInt32LE(bytes, at);
  buf.writeUInt32LE(block, at + 4);
  buf.writeUInt32LE(uniqueId, at + 12);
}
