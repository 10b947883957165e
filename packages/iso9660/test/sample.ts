import { crc32 } from 'node:zlib';
import { IsoImage, type IsoOptions } from '@cdrec/iso9660';

export const DATE = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Bytes that look like data and are the same in every run. */
export function bytes(length: number, seed: number): Buffer {
  const out = Buffer.alloc(length);
  let x = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    out[i] = x >>> 24;
  }
  return out;
}

/** Collects a planned image in memory. */
export function toBuffer(image: IsoImage): Buffer {
  const plan = image.plan();
  const parts: Buffer[] = [];
  for (const chunk of plan.chunksSync()) parts.push(Buffer.from(chunk));
  const out = Buffer.concat(parts);
  if (out.length !== plan.bytes) throw new Error(`planned ${String(plan.bytes)} bytes, wrote ${String(out.length)}`);
  return out;
}

/** An image with some of everything: boot entries for BIOS and UEFI, hybrid, links, long names, checksums. */
export function richImage(options: Partial<IsoOptions> = {}): Buffer {
  const iso = new IsoImage({
    volumeId: 'RICH', date: DATE,
    boot: { entries: [{ path: 'boot/isolinux.bin', infoTable: true }], mbr: { code: Buffer.alloc(432, 0x90), kind: 'isolinux' }, esp: bytes(40 * 1024, 5) },
    ...options,
  });
  iso.addFile('boot/isolinux.bin', bytes(5000, 1));
  const sfv: string[] = [];
  const file = (path: string, data: Buffer): void => {
    iso.addFile(path, data, { mode: 0o640, uid: 7, gid: 8, mtime: DATE - 5000 });
    sfv.push(`${path} ${crc32(data).toString(16).toUpperCase().padStart(8, '0')}`);
  };
  file('DATA1.BIN', bytes(5000, 2));
  file('DATA2.BIN', bytes(3000, 3));
  file('a file.txt', Buffer.from('hello'));
  file('sub/deep/er/file.bin', bytes(10_000, 4));
  file('other/x', bytes(1, 1));
  file('third/y', bytes(2049, 9));
  file(`sub/${'long name '.repeat(20)}.txt`, Buffer.from('long'));
  file('日本語.txt', bytes(300, 6));
  for (let i = 0; i < 60; i++) file(`many/file-${String(i)}.dat`, bytes(i * 3, i));
  iso.addDirectory('void');
  iso.addSymlink('link', '../a/./b');
  iso.addSymlink('long link', Array.from({ length: 80 }, (_, i) => `component${String(i)}`).join('/'));
  iso.addSpecial('null', 'char', { major: 1, minor: 3 });
  iso.addSpecial('pipe', 'fifo');
  iso.addFile('Checksums.sfv', Buffer.from(sfv.join('\n') + '\n'));
  return toBuffer(iso);
}
