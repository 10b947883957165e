import { createHash } from 'node:crypto';
import { SECTOR } from '../bytes.js';
import { charspec, DOMAIN_SUFFIX, dstring, implementation, longAd, regid, seal, TAG, timestamp, UDF_SUFFIX } from './primitives.js';

/**
 * Fixed places of a UDF bridge volume, in sectors. The partition begins with the file set descriptor and its terminator,
 * where simple readers look without asking the logical volume descriptor; trees and data may begin at `free`.
 */
export const UDF = { mainSequence: 32, reserveSequence: 48, integrity: 64, anchor: 256, partition: 257, free: 259 } as const;
const SEQUENCE_SECTORS = 16;

/** What the volume structures say. Times in milliseconds since 1970, partition in sectors. */
export interface UdfVolume {
  readonly volumeId: string;
  readonly date: number;
  readonly partitionSectors: number;
  readonly files: number;
  readonly directories: number;
  /** Block of the root directory's file entry, counted from the partition's start. */
  readonly rootBlock: number;
  readonly nextUniqueId: number;
}

const block = (): Buffer => Buffer.alloc(SECTOR);

/** Anchor volume descriptor pointer (ECMA-167 3/10.2), for the sector it lies in. */
export function udfAnchor(sector: number): Buffer {
  const buf = block();
  for (const [at, location] of [[16, UDF.mainSequence], [24, UDF.reserveSequence]] as const) {
    buf.writeUInt32LE(SEQUENCE_SECTORS * SECTOR, at);
    buf.writeUInt32LE(location, at + 4);
  }
  seal(buf, TAG.anchor, sector, 512);
  return buf;
}

/** One volume descriptor sequence: primary, implementation use, partition, logical volume, unallocated space, terminator. */
function sequence(v: UdfVolume, start: number): Buffer[] {
  const set = `${createHash('sha256').update(`udf ${v.volumeId} ${String(v.date)}`).digest('hex').slice(0, 16)} ${v.volumeId}`;
  const primary = block();
  primary.writeUInt32LE(1, 16);
  dstring(primary, 24, 32, v.volumeId);
  primary.writeUInt16LE(1, 56);
  primary.writeUInt16LE(1, 58);
  primary.writeUInt16LE(2, 60);
  primary.writeUInt16LE(2, 62);
  primary.writeUInt32LE(1, 64);
  primary.writeUInt32LE(1, 68);
  dstring(primary, 72, 128, set);
  charspec(primary, 200);
  charspec(primary, 264);
  regid(primary, 344, '*cdrec');
  timestamp(primary, 376, v.date);
  implementation(primary, 388);
  seal(primary, TAG.primary, start, 512);

  const use = block();
  use.writeUInt32LE(2, 16);
  regid(use, 20, '*UDF LV Info', UDF_SUFFIX);
  charspec(use, 52);
  dstring(use, 116, 128, v.volumeId);
  implementation(use, 352);
  seal(use, TAG.implementation, start + 1, 512);

  const partition = block();
  partition.writeUInt32LE(3, 16);
  partition.writeUInt16LE(1, 20);
  regid(partition, 24, '+NSR02');
  partition[24] = 2; // flags: the identifier is protected by ECMA-167
  partition.writeUInt32LE(1, 184); // read only
  partition.writeUInt32LE(UDF.partition, 188);
  partition.writeUInt32LE(v.partitionSectors, 192);
  implementation(partition, 196);
  seal(partition, TAG.partition, start + 2, 512);

  const logical = block();
  logical.writeUInt32LE(4, 16);
  charspec(logical, 20);
  dstring(logical, 84, 128, v.volumeId);
  logical.writeUInt32LE(SECTOR, 212);
  regid(logical, 216, '*OSTA UDF Compliant', DOMAIN_SUFFIX);
  longAd(logical, 248, 2 * SECTOR, 0);
  logical.writeUInt32LE(6, 264);
  logical.writeUInt32LE(1, 268);
  implementation(logical, 272);
  logical.writeUInt32LE(2 * SECTOR, 432);
  logical.writeUInt32LE(UDF.integrity, 436);
  logical.set([1, 6, 1, 0, 0, 0], 440);
  seal(logical, TAG.logicalVolume, start + 3, 446);

  const unallocated = block();
  unallocated.writeUInt32LE(5, 16);
  seal(unallocated, TAG.unallocated, start + 4, 24);
  const end = block();
  seal(end, TAG.terminator, start + 5, 512);
  return [primary, use, partition, logical, unallocated, end];
}

/** Volume structures with their sectors: both sequences, integrity descriptor, first anchor, file set (ECMA-167 part 3, UDF 1.02 2.2). */
export function udfVolumeStructures(v: UdfVolume): { sector: number; data: Buffer }[] {
  const integrity = block();
  timestamp(integrity, 16, v.date);
  integrity.writeUInt32LE(1, 28); // closed
  integrity.writeBigUInt64LE(BigInt(v.nextUniqueId), 40);
  integrity.writeUInt32LE(1, 72);
  integrity.writeUInt32LE(46, 76);
  integrity.writeUInt32LE(v.partitionSectors, 84);
  implementation(integrity, 88);
  integrity.writeUInt32LE(v.files, 120);
  integrity.writeUInt32LE(v.directories, 124);
  for (const at of [128, 130, 132]) integrity.writeUInt16LE(0x0102, at);
  seal(integrity, TAG.integrity, UDF.integrity, 134);
  const end = block();
  seal(end, TAG.terminator, UDF.integrity + 1, 512);
  const out = [{ sector: UDF.integrity, data: integrity }, { sector: UDF.integrity + 1, data: end }, { sector: UDF.anchor, data: udfAnchor(UDF.anchor) }];
  const fileSetEnd = block();
  seal(fileSetEnd, TAG.terminator, 1, 512);
  out.push({ sector: UDF.partition, data: fileSetDescriptor(v) }, { sector: UDF.partition + 1, data: fileSetEnd });
  for (const start of [UDF.mainSequence, UDF.reserveSequence]) sequence(v, start).forEach((data, i) => out.push({ sector: start + i, data }));
  return out;
}

/** File set descriptor (ECMA-167 4/14.1). */
function fileSetDescriptor(v: UdfVolume): Buffer {
  const buf = block();
  timestamp(buf, 16, v.date);
  buf.writeUInt16LE(3, 28);
  buf.writeUInt16LE(3, 30);
  buf.writeUInt32LE(1, 32);
  buf.writeUInt32LE(1, 36);
  charspec(buf, 48);
  dstring(buf, 112, 128, v.volumeId);
  charspec(buf, 240);
  dstring(buf, 304, 32, v.volumeId);
  longAd(buf, 400, SECTOR, v.rootBlock);
  regid(buf, 416, '*OSTA UDF Compliant', DOMAIN_SUFFIX);
  seal(buf, TAG.fileSet, 0, 512);
  return buf;
}
