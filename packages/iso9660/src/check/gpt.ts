import { crc32 } from 'node:zlib';
import { SECTOR } from '../bytes.js';
import { BLOCK } from '../hybrid/gpt.js';
import type { CheckContext } from './context.js';
import type { FoundBootImage } from './eltorito.js';

const MAX_ENTRIES = 4096;

interface Header { readonly my: number; readonly alternate: number; readonly first: number; readonly last: number; readonly guid: string; readonly array: number; readonly entries: number; readonly entryBytes: number; readonly arrayCrc: number }
interface Partition { readonly index: number; readonly first: number; readonly last: number }

const u64 = (buf: Buffer, at: number): number => Number(buf.readBigUInt64LE(at));

function parseHeader(ctx: CheckContext, block: Buffer, lba: number, rule: 'gpt.header' | 'gpt.backup'): Header | undefined {
  const at = lba * BLOCK;
  if (block.toString('latin1', 0, 8) !== 'EFI PART') {
    ctx.report(rule, at, `there is no GPT header at block ${String(lba)}`);
    return undefined;
  }
  const size = block.readUInt32LE(12);
  if (size < 92 || size > BLOCK) {
    ctx.report(rule, at + 12, `header size is ${String(size)}`);
    return undefined;
  }
  const copy = Buffer.from(block.subarray(0, size));
  copy.writeUInt32LE(0, 16);
  if (crc32(copy) !== block.readUInt32LE(16)) ctx.report(rule, at + 16, 'the CRC of the GPT header is wrong');
  if (block.readUInt32LE(8) !== 0x00010000) ctx.report(rule, at + 8, 'the GPT revision is not 1.0');
  if (block.readUInt32LE(20) !== 0 || block.subarray(size).some((b) => b !== 0)) ctx.report(rule, at + 20, 'reserved bytes of the GPT header are not zero');
  return {
    my: u64(block, 24), alternate: u64(block, 32), first: u64(block, 40), last: u64(block, 48), guid: block.toString('hex', 56, 72),
    array: u64(block, 72), entries: block.readUInt32LE(80), entryBytes: block.readUInt32LE(84), arrayCrc: block.readUInt32LE(88),
  };
}

async function readArray(ctx: CheckContext, h: Header, blocks: number): Promise<Buffer | undefined> {
  const bytes = h.entries * h.entryBytes;
  const data = h.entryBytes < 128 || h.entries < 1 || h.entries > MAX_ENTRIES || bytes > 1 << 20 || h.array + Math.ceil(bytes / BLOCK) > blocks ? undefined : await ctx.source.read(h.array * BLOCK, bytes);
  if (data?.length !== bytes) {
    ctx.report('gpt.array', h.my * BLOCK + 72, `the array of ${String(h.entries)} entries at block ${String(h.array)} is not within the image`);
    return undefined;
  }
  if (crc32(data) !== h.arrayCrc) ctx.report('gpt.array', h.array * BLOCK, 'the CRC of the partition entry array is wrong');
  return data;
}

function checkEntries(ctx: CheckContext, h: Header, array: Buffer): void {
  const used: Partition[] = [];
  const guids = new Set<string>();
  for (let i = 0; i < h.entries; i++) {
    const e = array.subarray(i * h.entryBytes, (i + 1) * h.entryBytes);
    if (e.subarray(0, 16).every((b) => b === 0)) continue;
    const at = h.array * BLOCK + i * h.entryBytes;
    const [first, last] = [u64(e, 32), u64(e, 40)];
    if (first > last || first < h.first || last > h.last) ctx.report('gpt.entry', at + 32, `partition ${String(i + 1)} (blocks ${String(first)} to ${String(last)}) is not within the usable blocks ${String(h.first)} to ${String(h.last)}`);
    const guid = e.toString('hex', 16, 32);
    if (/^0+$/.test(guid) || guids.has(guid)) ctx.report('gpt.entry', at + 16, `partition ${String(i + 1)} has no GUID of its own`);
    guids.add(guid);
    used.push({ index: i + 1, first, last });
  }
  used.sort((a, b) => a.first - b.first);
  for (let i = 1; i < used.length; i++) {
    const [a, b] = [used[i - 1] as Partition, used[i] as Partition];
    if (b.first <= a.last) ctx.report('gpt.overlap', h.array * BLOCK + (b.index - 1) * h.entryBytes + 32, `partition ${String(b.index)} overlaps partition ${String(a.index)}`);
  }
}

async function checkGpt(ctx: CheckContext, area: Buffer, blocks: number): Promise<void> {
  const primary = parseHeader(ctx, area.subarray(BLOCK, 2 * BLOCK), 1, 'gpt.header');
  if (primary === undefined) return;
  if (primary.my !== 1) ctx.report('gpt.header', BLOCK + 24, `the header says that it is at block ${String(primary.my)}, not 1`);
  const arrayBlocks = Math.ceil((primary.entries * primary.entryBytes) / BLOCK);
  if (primary.array < 2 || primary.first > primary.last || primary.first < primary.array + arrayBlocks || primary.last >= primary.alternate - arrayBlocks) {
    ctx.report('gpt.bounds', BLOCK + 40, `usable blocks ${String(primary.first)} to ${String(primary.last)} reach into the tables`);
  }
  const array = await readArray(ctx, primary, blocks);
  if (array !== undefined) checkEntries(ctx, primary, array);
  // A stick is larger than the image that was copied to it: only of a file is the end known.
  if (ctx.source.size !== undefined && primary.alternate !== blocks - 1) ctx.report('gpt.backup', BLOCK + 32, `the backup header is announced at block ${String(primary.alternate)}, the last block is ${String(blocks - 1)}`);
  if (primary.alternate >= blocks) return;
  const block = await ctx.source.read(primary.alternate * BLOCK, BLOCK);
  if (block.length < BLOCK) return;
  const backup = parseHeader(ctx, block, primary.alternate, 'gpt.backup');
  if (backup === undefined) return;
  const at = primary.alternate * BLOCK;
  if (backup.my !== primary.alternate || backup.alternate !== 1) ctx.report('gpt.backup', at + 24, 'the backup header does not name its own place and that of the first');
  for (const key of ['first', 'last', 'guid', 'entries', 'entryBytes', 'arrayCrc'] as const) {
    if (backup[key] !== primary[key]) ctx.report('gpt.backup', at, `backup and primary header differ in "${key}"`);
  }
  if (backup.array <= primary.last || backup.array + arrayBlocks > primary.alternate) ctx.report('gpt.backup', at + 72, `the backup array at block ${String(backup.array)} is not between the usable blocks and its header`);
  await readArray(ctx, backup, blocks);
}

/** Checks MBR and GPT of a hybrid image, when there are any. */
export async function checkSystemArea(ctx: CheckContext, images: readonly FoundBootImage[]): Promise<void> {
  const area = await ctx.sectors(0, 16);
  if (area === undefined || area.every((b) => b === 0)) return;
  const blocks = Math.floor((ctx.source.size ?? ctx.volumeSectors * SECTOR) / BLOCK);
  const gpt = area.toString('latin1', BLOCK, BLOCK + 8) === 'EFI PART';
  const signed = area.readUInt16LE(510) === 0xaa55;
  const entries = [0, 1, 2, 3].map((i) => {
    const at = 446 + i * 16;
    return { at, status: area[at] as number, type: area[at + 4] as number, start: area.readUInt32LE(at + 8), size: area.readUInt32LE(at + 12) };
  });
  const looksLikeMbr = gpt || entries.every((e) => (e.status === 0 || e.status === 0x80) && (e.type !== 0 || e.size <= 1)) && entries.some((e) => e.type !== 0 && e.size > 0);
  if (!signed) {
    if (looksLikeMbr) ctx.report('mbr.signature', 510, 'the MBR does not end with 55 AA');
    if (!looksLikeMbr) return;
  }
  const used = entries.filter((e) => e.type !== 0);
  for (const e of entries) if (e.status !== 0 && e.status !== 0x80) ctx.report('mbr.partition', e.at, `status byte 0x${e.status.toString(16)} is neither 00 nor 80`);
  for (const e of used) if (e.size === 0 || e.start + e.size > blocks) ctx.report('mbr.partition', e.at + 8, `an MBR partition of type 0x${e.type.toString(16)} (block ${String(e.start)}, ${String(e.size)} blocks) is not within the image of ${String(blocks)} blocks`);
  const sorted = [...used].sort((a, b) => a.start - b.start);
  for (let i = 1; i < sorted.length; i++) {
    const [a, b] = [sorted[i - 1] as (typeof used)[number], sorted[i] as (typeof used)[number]];
    if (b.start < a.start + a.size) ctx.report('mbr.partition', b.at + 8, 'MBR partitions overlap');
  }
  const protective = used.find((e) => e.type === 0xee);
  const bios = images.find((i) => i.platform === 0 && i.emulation === 0);
  const pointer = u64(area, 432);
  if (bios !== undefined && pointer !== 0 && area.subarray(0, 432).some((b) => b !== 0) && ![bios.sector * 4, bios.sector * 4 + 4].includes(pointer) && pointer < 2 ** 32) {
    ctx.report('mbr.boot-pointer', 432, `the boot code points to block ${String(pointer)}, the BIOS boot image is at ${String(bios.sector * 4)}`);
  }
  if (gpt || protective !== undefined) {
    if (protective === undefined) ctx.report('mbr.protective', 446, 'there is a GPT, but no protective MBR partition');
    else if (protective.start !== 1 || (protective.size !== blocks - 1 && protective.size !== 0xffffffff && ctx.source.size !== undefined)) ctx.report('mbr.protective', protective.at + 8, `the protective partition has ${String(protective.size)} blocks from ${String(protective.start)}, not all ${String(blocks - 1)} from 1`);
    await checkGpt(ctx, area, blocks);
  }
}
