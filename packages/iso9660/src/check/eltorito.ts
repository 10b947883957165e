import { SECTOR } from '../bytes.js';
import { bootInfoChecksum } from '../eltorito/patch.js';
import type { CheckContext } from './context.js';

/** A boot image that the catalog names. `loadSectors` counts 512-byte units. */
export interface FoundBootImage {
  readonly platform: number;
  readonly emulation: number;
  readonly bootable: boolean;
  readonly sector: number;
  readonly loadSectors: number;
  /** Offset of the entry in the image, in bytes. */
  readonly at: number;
}

const KNOWN_PLATFORMS = [0, 1, 2, 0xef];
const FLOPPY_SECTORS: Readonly<Record<number, number>> = { 1: 600, 2: 720, 3: 1440 };
const MAX_CATALOG = 16;
/** Boot files are read whole for their checksum only up to this. */
const MAX_INFO = 8 << 20;

const zero = (buf: Buffer): boolean => buf.every((b) => b === 0);

function checkValidation(ctx: CheckContext, v: Buffer, at: number): void {
  const bad = (offset: number, text: string): void => { ctx.report('eltorito.validation', at + offset, text); };
  if (v[0] !== 1) bad(0, `header id is ${String(v[0])}, not 1`);
  if (!KNOWN_PLATFORMS.includes(v[1] as number)) bad(1, `platform ${String(v[1])} is unknown`);
  if (v[2] !== 0 || v[3] !== 0) bad(2, 'reserved bytes are not zero');
  if (v[30] !== 0x55 || v[31] !== 0xaa) bad(30, 'the key bytes are not 55 AA');
  let sum = 0;
  for (let i = 0; i < 32; i += 2) sum = (sum + v.readUInt16LE(i)) & 0xffff;
  if (sum !== 0) bad(28, `the checksum is wrong: the words add up to ${String(sum)}, not 0`);
}

function checkEntry(ctx: CheckContext, e: Buffer, at: number, platform: number): FoundBootImage {
  const indicator = e[0] as number;
  const medium = (e[1] as number) & 0x0f;
  if (indicator !== 0x88 && indicator !== 0) ctx.report('eltorito.entry', at, `boot indicator is 0x${indicator.toString(16)}, neither 88 nor 00`);
  if (medium > 4) ctx.report('eltorito.entry', at + 1, `boot medium ${String(medium)} is unknown`);
  if (e[5] !== 0) ctx.report('eltorito.entry', at + 5, 'an unused byte is not zero');
  const image = { platform, emulation: medium, bootable: indicator === 0x88, sector: e.readUInt32LE(8), loadSectors: e.readUInt16LE(6), at };
  const sectors = FLOPPY_SECTORS[medium] ?? Math.max(1, Math.ceil(image.loadSectors / 4));
  if (image.sector < 17 || image.sector + sectors > ctx.limit) ctx.report('eltorito.image', at + 8, `the boot image at sector ${String(image.sector)} (${String(sectors)} sectors) is not within the volume`);
  return image;
}

/** Checks the boot catalog; returns the images that it names. */
export async function checkElTorito(ctx: CheckContext, catalog: number): Promise<FoundBootImage[]> {
  const base = catalog * SECTOR;
  const head = catalog < 17 || catalog >= ctx.limit ? undefined : await ctx.sectors(catalog, 1);
  if (head === undefined) {
    ctx.report('eltorito.boot-record', 17 * SECTOR + 71, `the boot catalog at sector ${String(catalog)} is not within the volume`);
    return [];
  }
  let data = head;
  let sectors = 1;
  const line = async (i: number): Promise<Buffer | undefined> => {
    while ((i + 1) * 32 > data.length && sectors < MAX_CATALOG) {
      const more = await ctx.sectors(catalog + sectors, 1);
      if (more === undefined) return undefined;
      data = Buffer.concat([data, more]);
      sectors++;
    }
    return (i + 1) * 32 > data.length ? undefined : data.subarray(i * 32, i * 32 + 32);
  };
  checkValidation(ctx, data.subarray(0, 32), base);
  const images = [checkEntry(ctx, data.subarray(32, 64), base + 32, data[1] as number)];
  if (!zero(data.subarray(32 + 12, 64))) ctx.report('eltorito.entry', base + 44, 'unused bytes of the default entry are not zero');
  let closed = false;
  let header: { id: number; at: number } | undefined;
  for (let i = 2; !closed; ) {
    const h = await line(i);
    const at = base + i * 32;
    const id = h?.[0] ?? 0;
    if (h === undefined || (id !== 0x90 && id !== 0x91)) {
      if (header !== undefined) ctx.report('eltorito.section', header.at, 'the last section header says that another one follows (90 instead of 91)');
      else if (id !== 0) ctx.report('eltorito.section', at, id === 0x88 ? 'an entry has no section header' : `0x${id.toString(16)} is no section header`);
      break;
    }
    closed = id === 0x91;
    header = closed ? undefined : { id, at };
    const platform = h[1] as number;
    const count = h.readUInt16LE(2);
    if (!KNOWN_PLATFORMS.includes(platform)) ctx.report('eltorito.section', at + 1, `platform ${String(platform)} is unknown`);
    if (count === 0) ctx.report('eltorito.section', at + 2, 'a section has no entries');
    i++;
    for (let n = 0; n < count; n++) {
      let e = await line(i);
      if (e === undefined || (e[0] !== 0x88 && zero(e))) {
        ctx.report('eltorito.section', at + 2, `the section announces ${String(count)} entries and has ${String(n)}`);
        closed = true;
        break;
      }
      images.push(checkEntry(ctx, e, base + i * 32, platform));
      i++;
      for (let more = (e[1] ?? 0) & 0x20; more !== 0; i++) { // extension entries (El Torito 1.0 2.5)
        e = await line(i);
        if (e?.[0] !== 0x44) {
          ctx.report('eltorito.section', base + i * 32, 'an announced extension entry is not there');
          break;
        }
        more = (e[1] ?? 0) & 0x20;
      }
    }
  }
  ctx.claim(catalog, sectors * SECTOR, 'the boot catalog', true);
  for (const image of images) await checkBootInfo(ctx, image);
  return images;
}

/** A file that says sector 16 and its own sector at bytes 8 and 12 has a boot information table; then it must be right. */
async function checkBootInfo(ctx: CheckContext, image: FoundBootImage): Promise<void> {
  if (image.sector >= ctx.limit || image.emulation !== 0 || image.platform !== 0) return;
  const head = await ctx.sectors(image.sector, 1);
  if (head === undefined) return;
  const [pvd, own, bytes, sum] = [8, 12, 16, 20].map((at) => head.readUInt32LE(at)) as [number, number, number, number];
  // One wrong field of the four must not hide the table.
  const reserved = zero(head.subarray(24, 64));
  if (!reserved || (pvd !== 16 && own !== image.sector) || (pvd === 0 && own === 0)) return;
  const at = image.sector * SECTOR;
  if (pvd !== 16) ctx.report('eltorito.boot-info', at + 8, `the table says sector ${String(pvd)} for the primary descriptor, not 16`);
  if (own !== image.sector) ctx.report('eltorito.boot-info', at + 12, `the table says sector ${String(own)} for the file, not ${String(image.sector)}`);
  if (bytes < 64 || bytes > MAX_INFO || image.sector + Math.ceil(bytes / SECTOR) > ctx.limit) {
    ctx.report('eltorito.boot-info', at + 16, `the table says ${String(bytes)} bytes for the file`);
    return;
  }
  const file = await ctx.source.read(at, bytes);
  if (file.length === bytes && bootInfoChecksum(file) !== sum) ctx.report('eltorito.boot-info', at + 20, 'the checksum of the boot information table is wrong');
}
