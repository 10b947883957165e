import { SECTOR } from '../bytes.js';
import { parseRecordDate } from '../dates.js';
import { isParent, isSelf, type RawRecord } from '../reader/record.js';
import type { CheckContext } from './context.js';
import type { AnnouncedTree } from './descriptors.js';
import type { IdentifierCheck } from './identifiers.js';

/** Checks the fields of one directory record that stand for themselves. `at`: its offset in the image; returns extent and size. */
export function checkRecord(ctx: CheckContext, r: RawRecord, at: number, names: AnnouncedTree['names'], placeholder: boolean, identifiers: IdentifierCheck): { sector: number; bytes: number } {
  const { bytes: b } = r;
  const sector = ctx.both32(b, 2, at, 'rec.both-endian', 'extent');
  const bytes = ctx.both32(b, 10, at, 'rec.both-endian', 'data length');
  const volume = ctx.both16(b, 28, at, 'rec.both-endian', 'volume sequence number');
  if (volume < 1 || volume > Math.max(1, ctx.setSize)) ctx.report('rec.volume', at + 28, `volume sequence number is ${String(volume)}`);
  if (b.subarray(18, 25).some((x) => x !== 0) && parseRecordDate(b.subarray(18, 25)) === undefined) ctx.report('rec.date', at + 18, `date ${b.toString('hex', 18, 25)} is no date`);
  if ((r.flags & 0x60) !== 0) ctx.report('rec.flags', at + 25, `reserved flags are set: 0x${r.flags.toString(16)}`);
  if (b[26] !== 0 || b[27] !== 0) ctx.report('rec.interleave', at + 26, 'file unit or gap size is not zero');
  if ((b.length & 1) !== 0) ctx.report('rec.length', at, `record has an odd length, ${String(b.length)}`);
  if ((r.id.length & 1) === 0 && 33 + r.id.length < b.length && b[33 + r.id.length] !== 0) ctx.report('rec.id-padding', at + 33 + r.id.length, 'the padding byte of the identifier is not zero');
  if (!isSelf(r) && !isParent(r)) identifiers.add(ctx, r, at, names, placeholder);
  if (bytes > 0 && (sector < 16 || sector + Math.ceil(bytes / SECTOR) > ctx.limit)) {
    ctx.report('rec.extent', at + 2, `the extent (sector ${String(sector)}, ${String(bytes)} bytes) is not within the volume of ${String(ctx.limit)} sectors`);
  }
  return { sector, bytes };
}

/** Identifier as it sorts: without version, name and extension padded with spaces (ECMA-119 9.3). 0 when equal. */
export function compareIdentifiers(a: Buffer, b: Buffer, names: AnnouncedTree['names']): number {
  if (names === 'enhanced') return Buffer.compare(a, b);
  if (names === 'joliet') return Buffer.compare(stripVersion(a, 2), stripVersion(b, 2));
  const [an, ae] = splitDot(stripVersion(a, 1));
  const [bn, be] = splitDot(stripVersion(b, 1));
  return padded(an, bn) || padded(ae, be);
}

function stripVersion(id: Buffer, width: 1 | 2): Buffer {
  let at = id.length;
  while (at >= width && (id[at - 1] as number) >= 0x30 && (id[at - 1] as number) <= 0x39 && (width === 1 || id[at - 2] === 0)) at -= width;
  return at >= width && at < id.length && id[at - 1] === 0x3b && (width === 1 || id[at - 2] === 0) ? id.subarray(0, at - width) : id;
}

function splitDot(id: Buffer): [Buffer, Buffer] {
  const dot = id.lastIndexOf(0x2e);
  return dot < 0 ? [id, Buffer.alloc(0)] : [id.subarray(0, dot), id.subarray(dot + 1)];
}

function padded(a: Buffer, b: Buffer): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const d = (a[i] ?? 0x20) - (b[i] ?? 0x20);
    if (d !== 0) return d;
  }
  return 0;
}
