import { roundUp, SECTOR, sectorsFor } from '../bytes.js';
import { bootRecord, terminator, udfRecognition, volumeDescriptor } from '../descriptors.js';
import { bootCatalog, catalogBytes, type BootEntryOptions, type PlacedBootEntry } from '../eltorito/catalog.js';
import { BACKUP_GPT_BLOCKS } from '../hybrid/gpt.js';
import { hybridAreas } from '../hybrid/hybrid.js';
import { UDF, udfAnchor, udfVolumeStructures, type UdfVolume } from '../udf/volume.js';
import { isHybrid, treeKinds, type IsoOptions } from './options.js';
import type { PlacedTrees } from './metadata.js';

/** Sectors in front of everything else: known from the options alone. */
export interface HeadLayout {
  readonly catalogSector: number;
  readonly catalogSectors: number;
  /** A sector of zeros that entries without data point to: some readers choke on sector 0. */
  readonly emptySector: number;
  /**
   * With UDF the ESP lies in front: behind the last thing that UDF knows only zeros may come before the second anchor,
   * or 7-Zip takes the volume for damaged.
   */
  readonly espSector: number | undefined;
  /** First sector that is free for trees and data. */
  readonly end: number;
}

/** Where the boot catalog and the first free sector lie. `entries`: all El Torito entries, that of the ESP included. */
export function headLayout(options: IsoOptions, entries: readonly BootEntryOptions[]): HeadLayout {
  const boots = entries.length > 0;
  const descriptors = treeKinds(options).length + (boots ? 1 : 0) + 1 + (options.udf === true ? 3 : 0);
  // UDF's sequences have fixed places; the catalog lies behind them.
  const catalogSector = options.udf === true ? UDF.integrity + 2 : 16 + descriptors;
  const catalogSectors = boots ? sectorsFor(catalogBytes(entries)) : 0;
  const emptySector = catalogSector + catalogSectors;
  if (options.udf !== true) return { catalogSector, catalogSectors, emptySector, espSector: undefined, end: emptySector + 1 };
  const esp = options.boot?.esp;
  const espSector = esp === undefined ? undefined : roundUp(UDF.free, 2);
  return { catalogSector, catalogSectors, emptySector, espSector, end: espSector === undefined || esp === undefined ? UDF.free : espSector + sectorsFor(esp.length) };
}

/** Sectors behind trees and data. */
export interface TailLayout {
  readonly espSector: number | undefined;
  readonly anchorSector: number | undefined;
  readonly total: number;
}

/** Where padding, ESP and backup GPT lie behind `end`, the first sector after trees and data. */
export function tailLayout(options: IsoOptions, end: number, head: HeadLayout): TailLayout {
  const esp = head.espSector === undefined ? options.boot?.esp : undefined;
  const hybrid = isHybrid(options);
  const gpt = hybrid ? sectorsFor(BACKUP_GPT_BLOCKS * 512) + 1 : 0;
  // The second anchor lies 256 sectors before the last one (ECMA-167 3/8.4.2.1): padding and backup GPT fit behind it.
  if (options.udf === true) return { espSector: undefined, anchorSector: end, total: end + 257 };
  let at = end + (options.padSectors ?? 150);
  let espSector: number | undefined;
  if (esp !== undefined) {
    espSector = roundUp(at, 2); // 4 KiB
    at = espSector + sectorsFor(esp.length);
  } else if (hybrid) at = roundUp(at, 2);
  return { espSector, anchorSector: undefined, total: at + gpt };
}

/** Everything that is known once all has its place. */
export interface Frame {
  readonly options: IsoOptions;
  readonly head: HeadLayout;
  readonly tail: TailLayout;
  readonly trees: PlacedTrees;
  readonly entries: readonly PlacedBootEntry[];
  readonly udf: UdfVolume | undefined;
  readonly fileIds: readonly [string, string, string];
}

/** Where the ESP lies. */
export const espSectorOf = (f: Pick<Frame, 'head' | 'tail'>): number | undefined => f.head.espSector ?? f.tail.espSector;

function hybrid(f: Frame): { systemArea: Buffer; backupGpt: Buffer } | undefined {
  const { boot } = f.options;
  if (boot === undefined || !isHybrid(f.options)) return undefined;
  const bios = f.entries.find((e) => (e.platform ?? 'bios') === 'bios' && (e.emulation ?? 'none') === 'none');
  return hybridAreas({
    mbr: boot.mbr, biosSector: bios?.sector, totalSectors: f.tail.total,
    esp: boot.esp === undefined ? undefined : { sector: espSectorOf(f) as number, bytes: boot.esp.length },
    seed: `${f.options.volumeId} ${String(f.options.date)} ${String(f.tail.total)}`,
  });
}

/** The image's first sectors, up to `head.end`: system area, descriptors, UDF volume structures, boot catalog, ESP of UDF images. */
export function renderHead(f: Frame): Buffer {
  const out = Buffer.alloc(f.head.end * SECTOR);
  hybrid(f)?.systemArea.copy(out);
  if (f.head.espSector !== undefined) f.options.boot?.esp?.copy(out, f.head.espSector * SECTOR);
  const [primary, ...others] = f.trees.hierarchies.map((h) => volumeDescriptor(f.options, h, f.tail.total, f.fileIds)) as [Buffer, ...Buffer[]];
  const descriptors = [primary];
  if (f.entries.length > 0) {
    descriptors.push(bootRecord(f.head.catalogSector)); // at sector 17, nowhere else
    bootCatalog(f.entries, f.options.boot?.catalogId ?? '').copy(out, f.head.catalogSector * SECTOR);
  }
  descriptors.push(...others, terminator());
  if (f.udf !== undefined) {
    descriptors.push(...udfRecognition());
    for (const { sector, data } of udfVolumeStructures(f.udf)) data.copy(out, sector * SECTOR);
  }
  descriptors.forEach((d, i) => d.copy(out, (16 + i) * SECTOR));
  return out;
}

/** Everything from `end` (first sector after trees and data) to the end of the image. */
export function* renderTail(f: Frame, end: number): Generator<Buffer> {
  const { espSector, anchorSector, total } = f.tail;
  const { boot } = f.options;
  let at = end;
  if (espSector !== undefined && boot?.esp !== undefined) {
    yield Buffer.alloc((espSector - at) * SECTOR);
    yield boot.esp;
    yield Buffer.alloc(sectorsFor(boot.esp.length) * SECTOR - boot.esp.length);
    at = espSector + sectorsFor(boot.esp.length);
  }
  if (anchorSector !== undefined) {
    yield Buffer.alloc((anchorSector - at) * SECTOR);
    yield udfAnchor(anchorSector);
    at = anchorSector + 1;
  }
  const rest = Buffer.alloc((total - at) * SECTOR);
  const gpt = hybrid(f)?.backupGpt;
  // Two anchors of the three places are enough (ECMA-167 3/8.4.2.1); the last sector has one too where the GPT leaves room.
  if (anchorSector !== undefined && gpt === undefined) udfAnchor(total - 1).copy(rest, rest.length - SECTOR);
  gpt?.copy(rest, rest.length - gpt.length);
  yield rest;
}
