import { SECTOR } from '../bytes.js';
import { crcItu, TAG } from '../udf/primitives.js';
import { UDF } from '../udf/volume.js';
import type { CheckContext } from './context.js';

const MAX_SEQUENCE = 64;
const MAX_ENTRIES = 2_000_000;
const MAX_DIRECTORY = 256 << 20;
/** Extended file entry of later revisions (ECMA-167 3rd edition 4/14.17). */
const EXTENDED_FILE_ENTRY = 266;

interface Extent { readonly block: number; readonly bytes: number }
interface Partition { readonly start: number; readonly sectors: number }

/** Checks a descriptor's tag (ECMA-167 3/7.2); false when it is no such descriptor at all. */
function checkTag(ctx: CheckContext, d: Buffer, at: number, location: number, ids: readonly number[]): boolean {
  const id = d.readUInt16LE(0);
  let sum = 0;
  for (let i = 0; i < 16; i++) if (i !== 4) sum += d[i] as number;
  if (!ids.includes(id)) {
    ctx.report('udf.tag', at, `descriptor ${String(id)} instead of ${ids.join(' or ')}`);
    return false;
  }
  if ((sum & 0xff) !== d[4]) ctx.report('udf.tag', at + 4, `the checksum of the tag of descriptor ${String(id)} is wrong`);
  const length = d.readUInt16LE(10);
  if (16 + length > d.length) ctx.report('udf.tag', at + 10, `descriptor ${String(id)} claims a CRC over ${String(length)} bytes`);
  else if (crcItu(d.subarray(16, 16 + length)) !== d.readUInt16LE(8)) ctx.report('udf.tag', at + 8, `the CRC of descriptor ${String(id)} is wrong`);
  if (d.readUInt32LE(12) !== location) ctx.report('udf.tag', at + 12, `descriptor ${String(id)} says that it is at block ${String(d.readUInt32LE(12))}, not ${String(location)}`);
  return true;
}

async function anchorAt(ctx: CheckContext, sector: number): Promise<Buffer | undefined> {
  const d = sector < 17 ? undefined : await ctx.sectors(sector, 1);
  return d?.readUInt16LE(0) === TAG.anchor ? d.subarray(0, 512) : undefined;
}

/** Reads a volume descriptor sequence up to its terminator; descriptors by tag identifier. */
async function readSequence(ctx: CheckContext, bytes: number, start: number, what: string): Promise<Map<number, Buffer>> {
  const out = new Map<number, Buffer>();
  for (let i = 0; i < Math.min(MAX_SEQUENCE, bytes / SECTOR); i++) {
    const d = start + i >= ctx.limit ? undefined : await ctx.sectors(start + i, 1);
    if (d === undefined || !checkTag(ctx, d, (start + i) * SECTOR, start + i, [TAG.primary, TAG.implementation, TAG.partition, TAG.logicalVolume, TAG.unallocated, TAG.terminator])) break;
    const id = d.readUInt16LE(0);
    out.set(id, d);
    if (id === TAG.terminator) return out;
  }
  ctx.report('udf.sequence', start * SECTOR, `the ${what} volume descriptor sequence has no terminator`);
  return out;
}

/** Walks the tree of file entries. */
class UdfTreeCheck {
  readonly #ctx: CheckContext;
  readonly #partition: Partition;
  readonly #seen = new Set<number>();

  constructor(ctx: CheckContext, partition: Partition) {
    this.#ctx = ctx;
    this.#partition = partition;
  }

  #at(block: number): number {
    return (this.#partition.start + block) * SECTOR;
  }

  async #block(block: number): Promise<Buffer | undefined> {
    return block >= this.#partition.sectors ? undefined : this.#ctx.sectors(this.#partition.start + block, 1);
  }

  async run(root: number): Promise<void> {
    const queue: { block: number; from: number }[] = [{ block: root, from: root }];
    for (const { block, from } of queue) { // grows while it is gone through
      if (this.#seen.has(block)) continue;
      this.#seen.add(block);
      if (this.#seen.size > MAX_ENTRIES) {
        this.#ctx.report('dir.limits', this.#at(block), 'the UDF tree is larger than what is checked');
        return;
      }
      const entry = await this.#fileEntry(block, from);
      if (entry === undefined) continue;
      for (const child of entry.isDir ? await this.#directory(entry.extents, entry.embedded, block) : []) queue.push({ block: child, from: block });
    }
  }

  /** A file entry: what it says of its data. */
  async #fileEntry(block: number, from: number): Promise<{ isDir: boolean; extents: Extent[]; embedded: Buffer | undefined } | undefined> {
    const ctx = this.#ctx;
    const d = await this.#block(block);
    if (d === undefined) {
      ctx.report('udf.extent', this.#at(from), `a file entry at block ${String(block)} is not within the partition`);
      return undefined;
    }
    const at = this.#at(block);
    if (!checkTag(ctx, d, at, block, [TAG.fileEntry, EXTENDED_FILE_ENTRY])) return undefined;
    const head = d.readUInt16LE(0) === TAG.fileEntry ? 176 : 216;
    const [eaBytes, adBytes] = [d.readUInt32LE(head - 8), d.readUInt32LE(head - 4)];
    if (eaBytes > SECTOR || adBytes > SECTOR || head + eaBytes + adBytes > SECTOR) {
      ctx.report('udf.file-entry', at + head - 8, 'attributes and allocation descriptors do not fit the file entry');
      return undefined;
    }
    const type = d[27] as number;
    const bytes = Number(d.readBigUInt64LE(56));
    const kind = d.readUInt16LE(34) & 7;
    const ads = d.subarray(head + eaBytes, head + eaBytes + adBytes);
    ctx.claim(this.#partition.start + block, 1, 'a UDF file entry');
    if (kind === 3) {
      if (bytes !== adBytes) ctx.report('udf.file-entry', at + 56, `the file has ${String(bytes)} bytes, ${String(adBytes)} lie in its entry`);
      return { isDir: type === 4, extents: [], embedded: ads };
    }
    const size = kind === 0 ? 8 : 16;
    const extents: Extent[] = [];
    for (let p = 0; kind <= 1 && p + size <= ads.length; p += size) {
      const length = ads.readUInt32LE(p) & 0x3fffffff;
      if (length === 0) break;
      extents.push({ block: ads.readUInt32LE(p + 4), bytes: length });
    }
    for (const e of extents) if (e.block + Math.ceil(e.bytes / SECTOR) > this.#partition.sectors) ctx.report('udf.extent', at + head, `an extent (block ${String(e.block)}, ${String(e.bytes)} bytes) is not within the partition`);
    const sum = extents.reduce((n, e) => n + e.bytes, 0);
    if (sum !== bytes) ctx.report('udf.file-entry', at + 56, `the file has ${String(bytes)} bytes, its extents ${String(sum)}`);
    return { isDir: type === 4, extents, embedded: undefined };
  }

  /** File identifiers of a directory; returns the blocks of its children's entries. */
  async #directory(extents: readonly Extent[], embedded: Buffer | undefined, own: number): Promise<number[]> {
    const ctx = this.#ctx;
    let data = embedded ?? Buffer.alloc(0);
    const [first] = extents;
    if (embedded === undefined) {
      const parts: Buffer[] = [];
      for (const e of extents) {
        const sectors = Math.ceil(e.bytes / SECTOR);
        const part = e.bytes > MAX_DIRECTORY || e.block + sectors > this.#partition.sectors ? undefined : await ctx.sectors(this.#partition.start + e.block, sectors);
        if (part === undefined) return [];
        ctx.claim(this.#partition.start + e.block, e.bytes, 'a UDF directory');
        parts.push(part.subarray(0, e.bytes));
      }
      data = Buffer.concat(parts);
    }
    const base = first === undefined ? own : first.block;
    const contiguous = extents.every((e, i) => i === 0 || (extents[i - 1] as Extent).block + Math.ceil((extents[i - 1] as Extent).bytes / SECTOR) === e.block);
    const children: number[] = [];
    const names = new Set<string>();
    for (let at = 0, i = 0; at < data.length; i++) {
      const where = this.#at(base) + at;
      const nameBytes = data[at + 19] ?? 0;
      const length = at + 38 > data.length ? 0 : (38 + data.readUInt16LE(at + 36) + nameBytes + 3) & ~3;
      if (length === 0 || at + length > data.length) {
        ctx.report('udf.directory', where, 'a file identifier does not fit its directory');
        break;
      }
      const fid = data.subarray(at, at + length);
      const location = embedded !== undefined || !contiguous ? fid.readUInt32LE(12) : base + Math.floor(at / SECTOR);
      if (!checkTag(ctx, fid, where, location, [TAG.fileId])) break;
      const flags = fid[18] as number;
      const name = fid.toString('latin1', 38 + fid.readUInt16LE(36), 38 + fid.readUInt16LE(36) + nameBytes);
      if ((i === 0) !== ((flags & 8) !== 0)) ctx.report('udf.directory', where + 18, i === 0 ? 'a directory does not begin with its parent' : 'a parent stands behind other identifiers');
      if ((flags & 8) === 0 && (flags & 4) === 0) {
        if (nameBytes === 0 || names.has(name) || ![8, 16].includes(name.charCodeAt(0)) || (name.startsWith('\x10') && nameBytes % 2 === 0)) ctx.report('udf.directory', where + 38, 'a name is empty, malformed, or there twice');
        names.add(name);
        children.push(fid.readUInt32LE(24));
      }
      at += length;
    }
    return children;
  }
}

/** Main and reserve descriptor say the same; in the primary one genisoimage makes each a volume set identifier of its own. */
function sameDescriptor(id: number, a: Buffer, b: Buffer): boolean {
  if (id !== TAG.primary) return a.subarray(16).equals(b.subarray(16));
  return a.subarray(16, 72).equals(b.subarray(16, 72)) && a.subarray(200).equals(b.subarray(200));
}

/** Checks the UDF structures of a bridge volume, when there are any (ECMA-167, UDF 1.02). */
export async function checkUdf(ctx: CheckContext): Promise<void> {
  let announced = false;
  for (let sector = 16; sector < 16 + MAX_SEQUENCE; sector++) {
    const id = (await ctx.sectors(sector, 1))?.toString('latin1', 1, 6) ?? '';
    if (id === 'NSR02' || id === 'NSR03') announced = true;
    if (!['CD001', 'BEA01', 'NSR02', 'NSR03', 'BOOT2', 'TEA01'].includes(id)) break;
  }
  if (!announced) return;
  const anchor = await anchorAt(ctx, UDF.anchor);
  if (anchor === undefined) {
    ctx.report('udf.anchor', UDF.anchor * SECTOR, 'there is no anchor at sector 256');
    return;
  }
  checkTag(ctx, anchor, UDF.anchor * SECTOR, UDF.anchor, [TAG.anchor]);
  const last = ctx.volumeSectors - 1;
  if ((await anchorAt(ctx, last - 256)) === undefined && (await anchorAt(ctx, last)) === undefined) ctx.report('udf.anchor', last * SECTOR, 'there is no second anchor, neither in the last sector nor 256 before it');
  const main = await readSequence(ctx, anchor.readUInt32LE(16), anchor.readUInt32LE(20), 'main');
  const reserve = await readSequence(ctx, anchor.readUInt32LE(24), anchor.readUInt32LE(28), 'reserve');
  for (const [id, d] of main) {
    const other = reserve.get(id);
    if (other === undefined || !sameDescriptor(id, other, d)) ctx.report('udf.sequence', anchor.readUInt32LE(28) * SECTOR, `main and reserve sequence differ in descriptor ${String(id)}`);
  }
  const [partition, logical] = [main.get(TAG.partition), main.get(TAG.logicalVolume)];
  if (main.get(TAG.primary) === undefined || partition === undefined || logical === undefined) {
    ctx.report('udf.sequence', anchor.readUInt32LE(20) * SECTOR, 'the main sequence lacks a primary, partition or logical volume descriptor');
    return;
  }
  const p = { start: partition.readUInt32LE(188), sectors: partition.readUInt32LE(192) };
  if (p.start < UDF.anchor || p.start + p.sectors > ctx.volumeSectors) ctx.report('udf.partition', anchor.readUInt32LE(20) * SECTOR, `the partition (sector ${String(p.start)}, ${String(p.sectors)} sectors) is not within the volume`);
  if (logical.readUInt32LE(212) !== SECTOR) ctx.report('udf.partition', anchor.readUInt32LE(20) * SECTOR, `logical blocks have ${String(logical.readUInt32LE(212))} bytes`);
  const fileSet = logical.readUInt32LE(252);
  const d = fileSet >= p.sectors || p.start + fileSet >= ctx.limit ? undefined : await ctx.sectors(p.start + fileSet, 1);
  if (d === undefined) {
    ctx.report('udf.partition', anchor.readUInt32LE(20) * SECTOR, `the file set at block ${String(fileSet)} is not within the partition`);
    return;
  }
  if (checkTag(ctx, d, (p.start + fileSet) * SECTOR, fileSet, [TAG.fileSet])) await new UdfTreeCheck(ctx, p).run(d.readUInt32LE(404));
}
