// Files around and above 4 GiB: sparse on both sides, so that they cost no disk.
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { checkImage, IsoImage, IsoReader, openByteSource, writeImageFile } from '@cdrec/iso9660';
import { DATE } from './trees.mjs';

const { hashOf } = createRequire(import.meta.url)('./walk.cjs');

const GIB = 2 ** 30;
const SIZES = { 'four-minus-one': 4 * GIB - 1, 'four': 4 * GIB, 'nine': 9 * GIB + 12_345, 'small': 100 };

/** Makes the image, has checker and reader judge it, and returns what others must see. */
export async function largeImage(image) {
  const iso = new IsoImage({ volumeId: 'LARGE', date: DATE, udf: true });
  const expected = new Map();
  const complaints = [];
  const sources = [];
  for (const [name, size] of Object.entries(SIZES)) {
    const path = join(dirname(image), name);
    const fd = openSync(path, 'w');
    for (const at of [0, Math.floor(size / 2), 0xfffff800 - 10, 0xfffff800, size - 10]) if (at >= 0 && at < size) writeSync(fd, `${name} ${at}`, at);
    ftruncateSync(fd, size);
    closeSync(fd);
    sources.push(path);
    iso.addFile(name, { file: path });
    expected.set(name, { type: 'file', mode: 0o444, uid: 0, gid: 0, mtime: DATE / 1000, size, hash: hashOf(path, size), links: 1 });
  }
  const report = writeImageFile(iso.plan(), image, { sparse: true });
  for (const p of report.problems) complaints.push(p.message);
  for (const path of sources) rmSync(path);
  const source = await openByteSource(image);
  for (const f of await checkImage(source, { content: false })) complaints.push(`${f.rule}: ${f.text}`);
  const reader = await IsoReader.open(source);
  for (const [name, e] of expected) {
    const entry = await reader.stat(name);
    if (entry.size !== e.size) complaints.push(`reader: ${name} has ${entry.size} bytes`);
    const hash = createHash('sha1');
    for (const at of e.size > 1 << 28 ? [0, Math.floor(e.size / 2), 0xfffff800 - 4096, e.size - 8192] : [0]) hash.update(await reader.readAt(entry, Math.max(0, at), 8192));
    if (hash.digest('hex') !== e.hash) complaints.push(`reader: ${name} has other bytes`);
  }
  await reader.close();
  return { image, expected, complaints };
}
