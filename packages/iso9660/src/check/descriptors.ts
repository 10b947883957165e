import { SECTOR } from '../bytes.js';
import { parseDescriptorDate } from '../dates.js';
import { isA, isD } from '../names/ids.js';
import { JOLIET_ESCAPES } from '../reader/volume.js';
import type { CheckContext } from './context.js';

/** A tree that a descriptor announces. */
export interface AnnouncedTree {
  readonly names: 'iso' | 'joliet' | 'enhanced';
  readonly descriptor: Buffer;
  /** Offset of the descriptor in the image, in bytes. */
  readonly at: number;
  /** Volume space size that it states, in sectors. */
  readonly space: number;
  readonly root: { readonly sector: number; readonly bytes: number };
  readonly pathTable: { readonly bytes: number; readonly l: number; readonly m: number; readonly optionalL: number; readonly optionalM: number };
}

/** What the descriptor set says. */
export interface CheckedDescriptors {
  readonly trees: readonly AnnouncedTree[];
  /** Sector of the boot catalog. */
  readonly catalog: number | undefined;
}

const allZero = (buf: Buffer): boolean => buf.every((b) => b === 0);

function checkTexts(ctx: CheckContext, d: Buffer, at: number): void {
  // Volume ids with lower case, "." and "-" are everywhere and pass every reader: only what is not printable ASCII counts there.
  for (const [offset, length, what] of [[40, 32, 'volume id'], [8, 32, 'system id'], [190, 128, 'volume set id'], [318, 128, 'publisher'], [446, 128, 'preparer'], [574, 128, 'application']] as const) {
    const text = d.toString('latin1', offset, offset + length).replace(/[\0 ]+$/, '');
    const ok = what === 'volume id' || what === 'volume set id' ? /^[\x20-\x7e]*$/.test(text) : isA(text.toUpperCase());
    if (ok && what === 'volume id' && !isD(text)) ctx.report('vd.volume-id', at + offset, `volume id ${JSON.stringify(text)} has other characters than A-Z 0-9 _`);
    if (!ok) ctx.report('vd.characters', at + offset, `${what} ${JSON.stringify(text)} has other characters than belong there`);
  }
}

function checkVolume(ctx: CheckContext, d: Buffer, at: number, names: AnnouncedTree['names']): AnnouncedTree {
  const version = names === 'enhanced' ? 2 : 1;
  if (d[6] !== version) ctx.report('vd.version', at + 6, `version is ${String(d[6])}, not ${String(version)}`);
  if (d[881] !== version) ctx.report('vd.structure-version', at + 881, `file structure version is ${String(d[881])}, not ${String(version)}`);
  const space = ctx.both32(d, 80, at, 'vd.both-endian', 'volume space size');
  const setSize = ctx.both16(d, 120, at, 'vd.both-endian', 'volume set size');
  const sequence = ctx.both16(d, 124, at, 'vd.both-endian', 'volume sequence number');
  const block = ctx.both16(d, 128, at, 'vd.both-endian', 'logical block size');
  const tableBytes = ctx.both32(d, 132, at, 'vd.both-endian', 'path table size');
  if (block !== SECTOR) ctx.report('vd.block-size', at + 128, `logical block size is ${String(block)}`);
  if (sequence < 1 || sequence > setSize) ctx.report('vd.set', at + 124, `volume ${String(sequence)} of ${String(setSize)}`);
  const reserved: [number, number][] = [[72, 8], [882, 1], [1395, 653]];
  if (names === 'iso') reserved.push([7, 1], [88, 32]);
  for (const [offset, length] of reserved) {
    if (!allZero(d.subarray(offset, offset + length))) ctx.report('vd.reserved', at + offset, `${String(length)} reserved bytes at ${String(offset)} of the descriptor are not zero`);
  }
  for (const [offset, what] of [[813, 'creation'], [830, 'modification'], [847, 'expiration'], [864, 'effective']] as const) {
    if (parseDescriptorDate(d.subarray(offset, offset + 17)) === undefined) ctx.report('vd.date', at + offset, `${what} date ${JSON.stringify(d.toString('latin1', offset, offset + 16))} is no date`);
  }
  if (names === 'iso') checkTexts(ctx, d, at);
  const sector = ctx.both32(d, 158, at, 'vd.both-endian', 'extent of the root record');
  const bytes = ctx.both32(d, 166, at, 'vd.both-endian', 'size of the root record');
  ctx.both16(d, 184, at, 'vd.both-endian', 'volume number of the root record');
  if (d[156] !== 34 || d[188] !== 1 || d[189] !== 0 || ((d[181] ?? 0) & 2) === 0) ctx.report('vd.root-record', at + 156, 'the root record is no directory record of 34 bytes');
  if (names === 'iso') {
    ctx.volumeSectors = space;
    ctx.setSize = setSize;
  }
  return {
    names, descriptor: d, at, space, root: { sector, bytes },
    pathTable: { bytes: tableBytes, l: d.readUInt32LE(140), optionalL: d.readUInt32LE(144), m: d.readUInt32BE(148), optionalM: d.readUInt32BE(152) },
  };
}

/** libburn's padding, outside of the volume: 150 sectors of zeros and what is missing to a multiple of 32. */
async function isPadding(ctx: CheckContext, size: number, space: number): Promise<boolean> {
  const sectors = (size - space) / SECTOR;
  if (!Number.isInteger(sectors) || sectors < 150 || sectors >= 150 + 32 || (size / SECTOR) % 32 !== 0) return false;
  return allZero(await ctx.source.read(space, size - space));
}

/** Checks the volume descriptor set; no tree when there is no primary descriptor. */
export async function checkDescriptors(ctx: CheckContext): Promise<CheckedDescriptors> {
  const trees: AnnouncedTree[] = [];
  let catalog: number | undefined;
  let terminated = false;
  let sector = 16;
  for (; sector < 16 + 64; sector++) {
    const at = sector * SECTOR;
    const d = await ctx.sectors(sector, 1);
    if (d?.toString('latin1', 1, 6) !== 'CD001') break;
    const type = d[0] as number;
    if (type === 255) {
      terminated = true;
      if (d[6] !== 1) ctx.report('vd.version', at + 6, `version of the terminator is ${String(d[6])}, not 1`);
      if (!allZero(d.subarray(7))) ctx.report('vd.reserved', at + 7, 'the terminator has bytes that are not zero');
      break;
    }
    if (sector === 16 && type !== 1) ctx.report('vd.primary', at, `the descriptor at sector 16 has type ${String(type)}`);
    if (type === 1 && !trees.some((t) => t.names === 'iso')) trees.unshift(checkVolume(ctx, d, at, 'iso'));
    else if (type === 2 && d[6] === 2) trees.push(checkVolume(ctx, d, at, 'enhanced'));
    else if (type === 2) {
      const escape = d.toString('latin1', 88, 91);
      if (JOLIET_ESCAPES.includes(escape)) trees.push(checkVolume(ctx, d, at, 'joliet'));
      else ctx.report('joliet.escape', at + 88, `escape sequence ${JSON.stringify(escape)} is none of Joliet`);
    } else if (type === 0 && d.toString('latin1', 7, 30) === 'EL TORITO SPECIFICATION') {
      catalog = d.readUInt32LE(71);
      if (sector !== 17) ctx.report('eltorito.boot-record', at, `the boot record is at sector ${String(sector)}, not 17`);
      if (!allZero(d.subarray(30, 71))) ctx.report('eltorito.boot-record', at + 30, 'unused bytes of the boot record are not zero');
    }
  }
  if (!trees.some((t) => t.names === 'iso')) {
    ctx.report('vd.primary', 16 * SECTOR, 'there is no primary volume descriptor: this is no ISO 9660 image');
    return { trees: [], catalog };
  }
  if (!terminated) ctx.report('vd.terminator', sector * SECTOR, `no terminator follows the descriptors; sector ${String(sector)} is something else`);
  ctx.claim(16, (sector - 15) * SECTOR, 'the volume descriptors');
  const { size } = ctx.source;
  const space = ctx.volumeSectors * SECTOR;
  if (size !== undefined && space > size) ctx.report('vd.space', 16 * SECTOR + 80, `the volume has ${String(space)} bytes, the image only ${String(size)}: it is truncated`);
  if (size !== undefined && size > space && !(await isPadding(ctx, size, space))) ctx.report('vd.space.trailing', 16 * SECTOR + 80, `the volume has ${String(space)} bytes, the image ${String(size)}`);
  return { trees, catalog };
}
