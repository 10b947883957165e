import { crc32 } from 'node:zlib';

/** Single-field corruptions of a good image: each must be found by the checker. */
export interface Mutation {
  readonly name: string;
  /** Changes the image in place, or returns another one. */
  apply(image: Buffer): Buffer | undefined;
}

const S = 2048;
interface Rec { readonly at: number; readonly length: number; readonly id: Buffer; readonly flags: number; readonly sector: number; readonly size: number }

function records(image: Buffer, sector: number, bytes: number): Rec[] {
  const out: Rec[] = [];
  for (let at = sector * S; at < sector * S + bytes; ) {
    const length = image[at] as number;
    if (length === 0) {
      at = (Math.floor(at / S) + 1) * S;
      continue;
    }
    out.push({ at, length, id: image.subarray(at + 33, at + 33 + (image[at + 32] as number)), flags: image[at + 25] as number, sector: image.readUInt32LE(at + 2), size: image.readUInt32LE(at + 10) });
    at += length;
  }
  return out;
}

const PVD = 16 * S;
const rootOf = (image: Buffer, vd: number): Rec[] => records(image, image.readUInt32LE(vd + 158), image.readUInt32LE(vd + 166));
const descriptor = (image: Buffer, type: number): number => {
  for (let at = PVD; ; at += S) if (image[at] === type) return at;
};
const isFile = (r: Rec): boolean => (r.flags & 2) === 0;
const isDots = (r: Rec): boolean => r.id.length === 1 && (r.id[0] as number) < 2;
const rootFiles = (image: Buffer, vd = PVD): Rec[] => rootOf(image, vd).filter((r) => isFile(r) && r.size > 0);
const rootDirs = (image: Buffer, vd = PVD): Rec[] => rootOf(image, vd).filter((r) => !isFile(r) && !isDots(r));

/** Offset of the first SUSP entry with this signature in a record, following one CE; throws when there is none. */
function entry(image: Buffer, r: Rec, signature: string): number {
  let at = r.at + 33 + r.id.length + ((33 + r.id.length) & 1);
  let end = r.at + r.length;
  for (let hop = 0; hop < 4; hop++) {
    let next: [number, number] | undefined;
    while (at + 4 <= end && image[at] !== 0) {
      const s = image.toString('latin1', at, at + 2);
      if (s === signature) return at;
      if (s === 'CE') next = [image.readUInt32LE(at + 4) * S + image.readUInt32LE(at + 12), image.readUInt32LE(at + 20)];
      at += image[at + 2] as number;
    }
    if (next === undefined) break;
    [at, end] = [next[0], next[0] + next[1]];
  }
  throw new Error(`no ${signature} entry`);
}

/** First record of the root directory that has this entry. */
function recordWith(image: Buffer, signature: string): { rec: Rec; at: number } {
  for (const rec of rootOf(image, PVD)) {
    try {
      return { rec, at: entry(image, rec, signature) };
    } catch { /* the next one */ }
  }
  throw new Error(`no record with ${signature}`);
}

/** A path table's records: offsets. */
function pathRecords(image: Buffer, m: boolean): number[] {
  const start = (m ? image.readUInt32BE(PVD + 148) : image.readUInt32LE(PVD + 140)) * S;
  const size = image.readUInt32LE(PVD + 132);
  const out: number[] = [];
  for (let at = start; at < start + size; at += 8 + (image[at] as number) + ((image[at] as number) & 1)) out.push(at);
  return out;
}

/** Puts the same value into a both-endian field. */
function both(image: Buffer, at: number, value: number): void {
  image.writeUInt32LE(value >>> 0, at);
  image.writeUInt32BE(value >>> 0, at + 4);
}
const flip = (image: Buffer, at: number, mask = 1): void => { image[at] = (image[at] as number) ^ mask; };
const m = (name: string, change: (image: Buffer) => void): Mutation => ({ name, apply: (image) => { change(image); return undefined; } });
const catalog = (image: Buffer): number => image.readUInt32LE(17 * S + 71) * S;

/** The 42 corruptions that no existing tool finds all of. */
export const MUTATIONS: readonly Mutation[] = [
  m('PVD space: big-endian half differs', (i) => flip(i, PVD + 87)),
  m('PVD space too small (1/2)', (i) => both(i, PVD + 80, i.readUInt32LE(PVD + 80) >> 1)),
  m('PVD space too big (x2)', (i) => both(i, PVD + 80, i.readUInt32LE(PVD + 80) * 2)),
  m('PVD path table size +10', (i) => both(i, PVD + 132, i.readUInt32LE(PVD + 132) + 10)),
  m('PVD block size: big-endian half wrong', (i) => i.writeUInt16BE(1024, PVD + 130)),
  m('path table L: wrong extent of directory 2', (i) => flip(i, (pathRecords(i, false)[1] as number) + 2)),
  m('path tables L+M: wrong extent of directory 2', (i) => { flip(i, (pathRecords(i, false)[1] as number) + 2); flip(i, (pathRecords(i, true)[1] as number) + 5); }),
  m('path tables L+M: wrong parent of directory 2', (i) => { i.writeUInt16LE(3, (pathRecords(i, false)[1] as number) + 6); i.writeUInt16BE(3, (pathRecords(i, true)[1] as number) + 6); }),
  m('path tables L+M: directories 2 and 3 swapped', (i) => {
    for (const big of [false, true]) {
      const [, a, b, c] = pathRecords(i, big) as [number, number, number, number];
      const [x, y] = [Buffer.from(i.subarray(a, b)), Buffer.from(i.subarray(b, c))];
      y.copy(i, a);
      x.copy(i, a + y.length);
    }
  }),
  m('root record in PVD: big-endian extent wrong', (i) => flip(i, PVD + 165)),
  m('file record: extent halves differ', (i) => flip(i, (rootFiles(i)[0] as Rec).at + 9)),
  m('file record: size halves differ', (i) => flip(i, (rootFiles(i)[0] as Rec).at + 17)),
  m('file record: extent past end', (i) => both(i, (rootFiles(i)[0] as Rec).at + 2, i.length / S + 5)),
  m('file record: size past end', (i) => both(i, (rootFiles(i)[0] as Rec).at + 10, i.length)),
  m('file record: month 13', (i) => { i[(rootFiles(i)[0] as Rec).at + 19] = 13; }),
  m('directory records out of order (two files swapped)', (i) => {
    const list = rootOf(i, PVD).filter((r) => isFile(r));
    const at = list.findIndex((r, k) => list[k + 1]?.at === r.at + r.length);
    const [a, b] = [list[at] as Rec, list[at + 1] as Rec];
    const [x, y] = [Buffer.from(i.subarray(a.at, a.at + a.length)), Buffer.from(i.subarray(b.at, b.at + b.length))];
    y.copy(i, a.at);
    x.copy(i, a.at + y.length);
  }),
  m('duplicate ISO name', (i) => {
    const list = rootOf(i, PVD).filter((r) => isFile(r));
    const a = list.find((r) => list.some((o) => o !== r && o.id.length === r.id.length)) as Rec;
    const b = list.find((o) => o !== a && o.id.length === a.id.length) as Rec;
    a.id.copy(b.id);
  }),
  m('illegal d-character in an ISO name (space)', (i) => { i[(rootFiles(i)[0] as Rec).at + 34] = 0x20; }),
  m('".." points to a wrong extent', (i) => { const d = rootDirs(i)[0] as Rec; both(i, (records(i, d.sector, d.size)[1] as Rec).at + 2, d.sector); }),
  m('subdirectory length differs from its own "."', (i) => both(i, (rootDirs(i)[0] as Rec).at + 10, (rootDirs(i)[0] as Rec).size + S)),
  m('PX mode halves differ', (i) => flip(i, entry(i, rootFiles(i)[0] as Rec, 'PX') + 11)),
  m('PX mode 0 (no type bits)', (i) => both(i, entry(i, rootFiles(i)[0] as Rec, 'PX') + 4, 0)),
  m('SP check bytes wrong', (i) => flip(i, entry(i, rootOf(i, PVD)[0] as Rec, 'SP') + 4)),
  m('no SP record', (i) => { i.write('XX', entry(i, rootOf(i, PVD)[0] as Rec, 'SP'), 'latin1'); }),
  m('CE points past the end', (i) => both(i, recordWith(i, 'CE').at + 4, i.length / S + 7)),
  m('ER identifier is garbage', (i) => { i.write('GARBAGE', entry(i, rootOf(i, PVD)[0] as Rec, 'ER') + 8, 'latin1'); }),
  m('CE offset + length crosses its block', (i) => both(i, recordWith(i, 'CE').at + 12, 2040)),
  m('NM continues, but nothing follows', (i) => { i[entry(i, rootFiles(i)[0] as Rec, 'NM') + 4] = 1; }),
  m('SL continues, but nothing follows', (i) => {
    const { rec } = recordWith(i, 'SL');
    let at = entry(i, rec, 'SL');
    for (let next = at + (i[at + 2] as number); i.toString('latin1', next, next + 2) === 'SL'; next = at + (i[at + 2] as number)) at = next;
    i[at + 4] = 1;
  }),
  m('TF is too short', (i) => { const at = entry(i, rootFiles(i)[0] as Rec, 'TF'); i[at + 4] = (i[at + 4] as number) | 0x40; }),
  m('El Torito checksum wrong', (i) => flip(i, catalog(i) + 28)),
  m('El Torito key byte 55 wrong', (i) => flip(i, catalog(i) + 30)),
  m('El Torito default entry past the end', (i) => i.writeUInt32LE(i.length / S + 3, catalog(i) + 40)),
  m('El Torito last section header 90, not 91', (i) => { i[catalog(i) + 64] = 0x90; }),
  m('El Torito catalog past the end', (i) => i.writeUInt32LE(99_999, 17 * S + 71)),
  m('boot information table: checksum wrong', (i) => flip(i, i.readUInt32LE(catalog(i) + 40) * S + 20)),
  m('no terminator', (i) => { i.fill(0, descriptor(i, 255), descriptor(i, 255) + S); }),
  m('Joliet escape sequence bad', (i) => { i[descriptor(i, 2) + 90] = 0x41; }),
  m('Joliet name of odd length', (i) => { const r = rootFiles(i, descriptor(i, 2))[0] as Rec; i[r.at + 32] = r.id.length - 1; }),
  m('Joliet name with *', (i) => { i.writeUInt16BE(0x2a, (rootFiles(i, descriptor(i, 2))[0] as Rec).at + 33); }),
  { name: 'image truncated by 40 %', apply: (i) => i.subarray(0, Math.floor((i.length * 0.6) / S) * S) },
  m('one data byte of a file flipped', (i) => flip(i, (rootFiles(i).find((r) => r.size > 100 && r.id.toString('latin1').startsWith('DATA')) as Rec).sector * S + 50)),
];

/** Sets a field of a GPT header and its CRC anew: only that field is wrong then. */
function header(image: Buffer, lba: number, change: (h: Buffer) => void): void {
  const h = image.subarray(lba * 512, lba * 512 + 512);
  change(h);
  h.writeUInt32LE(0, 16);
  h.writeUInt32LE(crc32(h.subarray(0, 92)), 16);
}
const last = (i: Buffer): number => i.length / 512 - 1;
/** Changes the entry arrays (both) and all CRCs over them. */
function arrays(image: Buffer, change: (array: Buffer) => void): void {
  for (const lba of [1, last(image)]) {
    const h = image.subarray(lba * 512, lba * 512 + 512);
    const start = Number(h.readBigUInt64LE(72)) * 512;
    const array = image.subarray(start, start + h.readUInt32LE(80) * h.readUInt32LE(84));
    change(array);
    header(image, lba, (x) => x.writeUInt32LE(crc32(array), 88));
  }
}

/** UDF: block of the root's file entry, and of its identifiers; the partition starts at sector 257. */
const udfRoot = (i: Buffer): number => 257 + i.readUInt32LE(257 * S + 404);
const udfIds = (i: Buffer): number => 257 + i.readUInt32LE(udfRoot(i) * S + 180);
/** Corruptions of the UDF structures of a bridge image. */
export const UDF_MUTATIONS: readonly Mutation[] = [
  m('no anchor at 256', (i) => { i.fill(0, 256 * S, 257 * S); }),
  m('no second anchor', (i) => { i.fill(0, i.length - 257 * S, i.length - 256 * S); i.fill(0, i.length - S, i.length - 34 * 512); }),
  m('anchor CRC', (i) => flip(i, 256 * S + 8)),
  m('main sequence: partition length', (i) => flip(i, 34 * S + 192)),
  m('main sequence: tag checksum', (i) => flip(i, 33 * S + 4)),
  m('reserve sequence differs', (i) => flip(i, 48 * S + 30)),
  m('no terminator of the main sequence', (i) => { i.fill(0, 37 * S, 38 * S); }),
  m('file set: tag location', (i) => flip(i, 257 * S + 12)),
  m('file set: root elsewhere', (i) => flip(i, 257 * S + 404)),
  m('root file entry: length', (i) => flip(i, udfRoot(i) * S + 56)),
  m('root file entry: extent', (i) => flip(i, udfRoot(i) * S + 180, 0x80)),
  m('file identifier: name', (i) => flip(i, udfIds(i) * S + 40 + 40)),
  m('file identifier: length', (i) => flip(i, udfIds(i) * S + 40 + 19, 0x40)),
  m('file identifier: entry', (i) => flip(i, udfIds(i) * S + 40 + 24)),
];

/** Corruptions of MBR and GPT of a hybrid image with an ESP as second partition. */
export const GPT_MUTATIONS: readonly Mutation[] = [
  m('MBR signature missing', (i) => i.writeUInt16LE(0, 510)),
  m('protective partition too small', (i) => i.writeUInt32LE(100, 458)),
  m('protective partition starts at 5', (i) => i.writeUInt32LE(5, 454)),
  m('no protective partition', (i) => { i[450] = 0x83; }),
  m('MBR partition past the end', (i) => { i.writeUInt32LE(last(i) + 1, 458); }),
  m('MBR partitions overlap', (i) => { i[446 + 32 + 4] = 0x83; i.writeUInt32LE(64, 446 + 32 + 8); i.writeUInt32LE(100, 446 + 32 + 12); }),
  m('MBR status byte', (i) => { i[446] = 0x33; }),
  m('MBR boot pointer', (i) => i.writeBigUInt64LE(1234n, 432)),
  m('GPT signature', (i) => flip(i, 512)),
  m('GPT revision', (i) => header(i, 1, (h) => h.writeUInt32LE(0x00020000, 8))),
  m('GPT header size', (i) => i.writeUInt32LE(600, 512 + 12)),
  m('GPT header CRC', (i) => flip(i, 512 + 16)),
  m('GPT own place', (i) => header(i, 1, (h) => h.writeBigUInt64LE(2n, 24))),
  m('GPT backup place', (i) => header(i, 1, (h) => h.writeBigUInt64LE(BigInt(last(i) - 1), 32))),
  m('GPT first usable block inside the table', (i) => header(i, 1, (h) => h.writeBigUInt64LE(10n, 40))),
  m('GPT last usable block inside the backup', (i) => header(i, 1, (h) => h.writeBigUInt64LE(BigInt(last(i)), 48))),
  m('GPT array place past the end', (i) => header(i, 1, (h) => h.writeBigUInt64LE(BigInt(last(i)), 72))),
  m('GPT number of entries', (i) => header(i, 1, (h) => h.writeUInt32LE(0x7fffffff, 80))),
  m('GPT entry size', (i) => header(i, 1, (h) => h.writeUInt32LE(64, 84))),
  m('GPT array CRC', (i) => header(i, 1, (h) => h.writeUInt32LE(1, 88))),
  m('GPT array: one bit', (i) => flip(i, 1024 + 40)),
  m('GPT partitions overlap', (i) => arrays(i, (a) => a.writeBigUInt64LE(a.readBigUInt64LE(128 + 32) + 1n, 40))),
  m('GPT partition beyond the usable blocks', (i) => arrays(i, (a) => a.writeBigUInt64LE(BigInt(last(i)), 128 + 40))),
  m('GPT partition ends before it starts', (i) => arrays(i, (a) => a.writeBigUInt64LE(1n, 128 + 40))),
  m('GPT partition below the usable blocks', (i) => arrays(i, (a) => a.writeBigUInt64LE(3n, 32))),
  m('GPT partition GUIDs equal', (i) => arrays(i, (a) => { a.copy(a, 128 + 16, 16, 32); })),
  m('GPT partition without GUID', (i) => arrays(i, (a) => { a.fill(0, 16, 32); })),
  m('backup GPT signature', (i) => flip(i, last(i) * 512)),
  m('backup GPT CRC', (i) => flip(i, last(i) * 512 + 16)),
  m('backup GPT own place', (i) => header(i, last(i), (h) => h.writeBigUInt64LE(5n, 24))),
  m('backup GPT names another disk', (i) => header(i, last(i), (h) => flip(h, 56))),
  m('backup GPT array place', (i) => header(i, last(i), (h) => h.writeBigUInt64LE(2n, 72))),
  m('backup GPT array: one bit', (i) => flip(i, Number(i.readBigUInt64LE(last(i) * 512 + 72)) * 512 + 33)),
];
