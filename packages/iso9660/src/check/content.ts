import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { SECTOR } from '../bytes.js';
import { readImplant, verifyImplant } from '../implant.js';
import { IsoReader } from '../reader/reader.js';
import type { CheckContext } from './context.js';

const CHUNK = 1 << 20;

/** Reads part of the image into a hash; false when it ends too early. */
async function hashRange(ctx: CheckContext, hash: Hash, start: number, end: number): Promise<boolean> {
  for (let at = start; at < end; at += CHUNK) {
    const data = await ctx.source.read(at, Math.min(CHUNK, end - at));
    if (data.length < Math.min(CHUNK, end - at)) return false;
    hash.update(data);
  }
  return true;
}

/** Files against Checksums.sfv in the root directory, when there is one. */
async function checkSfv(ctx: CheckContext): Promise<void> {
  let reader: IsoReader;
  let text: string;
  try {
    reader = await IsoReader.open(ctx.source);
    text = (await reader.readFile('Checksums.sfv', 16 << 20)).toString('utf8');
  } catch {
    return; // no such file; a damaged tree has its findings already
  }
  for (const line of text.split('\n')) {
    const m = /^([^;].*?)\s+([0-9A-Fa-f]{8})\s*$/.exec(line);
    if (m === null) continue;
    const [name, expected] = [m[1] as string, parseInt(m[2] as string, 16)];
    try {
      const entry = await reader.stat(name);
      let crc = 0;
      for await (const chunk of reader.read(entry)) crc = crc32(chunk, crc);
      if (crc >>> 0 !== expected) ctx.report('content.sfv', (entry.extents[0]?.sector ?? 0) * SECTOR, `"${name}" has CRC-32 ${(crc >>> 0).toString(16).toUpperCase()}, not ${expected.toString(16).toUpperCase()}`);
    } catch (error) {
      ctx.report('content.sfv', 0, `"${name}" of Checksums.sfv: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

const TAG = /^libisofs_(checksum|sb_checksum|tree_checksum)_tag_v1 pos=(\d+) range_start=(\d+) range_size=(\d+)(?: session_start=\d+)?(?: next=\d+)? md5=([0-9a-f]{32}) self=([0-9a-f]{32})\n/;

/**
 * libisofs' checksum tags: blocks of text that hold the MD5 of a range of sectors (libisofs doc/checksums.txt). The superblock
 * tag follows the descriptors, it names the tree tag, and the session tag covers everything.
 */
async function checkLibisofs(ctx: CheckContext): Promise<void> {
  const verify = async (sector: number): Promise<{ next: number | undefined } | undefined> => {
    const block = await ctx.sectors(sector, 1);
    const text = block?.toString('latin1') ?? '';
    const m = TAG.exec(text);
    if (block === undefined || m === null) return undefined;
    const at = sector * SECTOR;
    const body = m[0].slice(0, m[0].indexOf(' self='));
    if (createHash('md5').update(body, 'latin1').digest('hex') !== m[6]) ctx.report('content.libisofs', at, 'a checksum tag is damaged');
    const [start, size] = [Number(m[3]), Number(m[4])];
    const hash = createHash('md5');
    if (start + size > ctx.limit || !(await hashRange(ctx, hash, start * SECTOR, (start + size) * SECTOR)) || hash.digest('hex') !== m[5]) {
      ctx.report('content.libisofs', start * SECTOR, `the sectors ${String(start)} to ${String(start + size - 1)} have not the MD5 of their checksum tag (sector ${String(sector)})`);
    }
    const next = / next=(\d+)/.exec(m[0]);
    return { next: next === null ? undefined : Number(next[1]) };
  };
  for (let sector = 17; sector < 17 + 32; sector++) {
    const superblock = await verify(sector);
    if (superblock === undefined) continue;
    if (superblock.next !== undefined) await verify(superblock.next);
    break;
  }
  // The session tag is the last block of the session, before padding: look through the volume's last 1024 sectors.
  const end = ctx.limit;
  for (let sector = end - 1; sector > Math.max(32, end - 1024); sector--) if ((await verify(sector)) !== undefined) break;
}

/** Checks what is in the files, where the image carries checksums. Reads the whole image. */
export async function checkContent(ctx: CheckContext): Promise<void> {
  const implant = await readImplant(ctx.source);
  if (implant !== undefined && !(await verifyImplant(ctx.source, implant))) ctx.report('content.isomd5', 16 * SECTOR + 883, 'the image has not the MD5 that was implanted (isomd5sum)');
  await checkSfv(ctx);
  await checkLibisofs(ctx);
}
