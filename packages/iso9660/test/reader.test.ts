import { describe, expect, it } from 'vitest';
import { bufferSource, IsoImage, IsoReader, type ByteSource } from '@cdrec/iso9660';
import { bytes, DATE, richImage, toBuffer } from './sample.ts';

const SECTOR = 2048;
const good = richImage();
const open = (image: Buffer, options = {}): Promise<IsoReader> => IsoReader.open(bufferSource(image), options);

describe('IsoReader', () => {
  it('lists, stats and reads; paths may have slashes anywhere', async () => {
    const reader = await open(good);
    expect(reader).toMatchObject({ volumeId: 'RICH', namespace: 'rockridge', bytes: good.length });
    expect((await reader.list('/sub/')).map((e) => e.name).sort()).toEqual(['deep', expect.stringMatching(/^long name /)]);
    expect(await reader.stat('//sub/deep/er/file.bin')).toMatchObject({ type: 'file', size: 10_000, mode: 0o640, uid: 7, gid: 8, mtime: DATE - 5000 });
    expect(await reader.has('sub/nothing')).toBe(false);
    await expect(reader.stat('DATA1.BIN/x')).rejects.toMatchObject({ code: 'ISO_NOT_FOUND' });
    await expect(reader.list('DATA1.BIN')).rejects.toMatchObject({ code: 'ISO_INVALID_INPUT' });
    await expect(reader.readFile('DATA1.BIN', 100)).rejects.toMatchObject({ code: 'ISO_LIMIT' });
    await expect(reader.read('sub').next()).rejects.toMatchObject({ code: 'ISO_INVALID_INPUT' });
  });

  it('reads any range of a file', async () => {
    const reader = await open(good);
    const data = bytes(10_000, 4);
    const entry = await reader.stat('sub/deep/er/file.bin');
    expect(await reader.readAt(entry, 2047, 3)).toEqual(data.subarray(2047, 2050));
    expect(await reader.readAt(entry, 9990, 100)).toEqual(data.subarray(9990));
    expect(await reader.readAt(entry, 20_000, 5)).toEqual(Buffer.alloc(0));
    const parts: Buffer[] = [];
    for await (const chunk of reader.read(entry, { start: 5000, end: 6001 })) parts.push(chunk);
    expect(Buffer.concat(parts)).toEqual(data.subarray(5000, 6001));
  });

  it('reads the namespace that is asked for, and says when it is not there', async () => {
    expect((await (await open(good, { namespace: 'joliet' })).stat('日本語.txt')).size).toBe(300);
    expect((await (await open(good, { namespace: 'iso' })).stat('DATA1.BIN')).mode).toBe(0o444);
    await expect(open(good, { namespace: 'enhanced' })).rejects.toMatchObject({ code: 'ISO_NOT_FOUND' });
    expect((await open(richImage({ rockRidge: false }))).namespace).toBe('joliet');
    expect((await open(richImage({ rockRidge: false, joliet: false }))).namespace).toBe('iso');
  });

  it('names the boot images', async () => {
    const reader = await open(good);
    expect(await reader.bootImages()).toMatchObject([{ platform: 'bios', emulation: 'none', bootable: true, loadSectors: 4 }, { platform: 'efi', emulation: 'none', loadSectors: 80 }]);
    expect(await (await open(toBuffer(new IsoImage({ volumeId: 'X', date: 0 })))).bootImages()).toEqual([]);
  });

  it('works over a source that has no size, and reads no more than it needs', async () => {
    const reads: number[] = [];
    const source: ByteSource = { read: (offset, length) => { reads.push(length); return Promise.resolve(good.subarray(offset, offset + length)); }, close: () => Promise.resolve() };
    const reader = await IsoReader.open(source);
    expect((await reader.readFile('a file.txt')).toString()).toBe('hello');
    expect(reads.reduce((a, b) => a + b)).toBeLessThan(20 * SECTOR);
  });
});

describe('hostile images', () => {
  /** Directory records of the root's extent. */
  function records(image: Buffer): number[] {
    const start = image.readUInt32LE(16 * SECTOR + 158) * SECTOR;
    const out: number[] = [];
    for (let at = start; image[at] !== 0 && at < start + SECTOR; at += image[at] as number) out.push(at);
    return out;
  }
  const directory = (image: Buffer): number => records(image).find((at, i) => i > 1 && ((image[at + 25] as number) & 2) !== 0) as number;
  const damaged = (change: (image: Buffer, at: number) => void): Buffer => {
    const image = Buffer.from(good);
    change(image, directory(image));
    return image;
  };
  const walkAll = async (image: Buffer, limits = {}): Promise<void> => {
    const reader = await open(image, { limits });
    let entries = 0;
    for await (const e of reader.walk()) entries += e.name.length;
    expect(entries).toBeGreaterThan(0);
  };

  it.each([
    ['a directory that contains the root', damaged((i, at) => { i.writeUInt32LE(i.readUInt32LE(16 * SECTOR + 158), at + 2); }), /contains itself/],
    ['a directory of 4 GiB', damaged((i, at) => { i.writeUInt32LE(0xfffff800, at + 10); }), /claims 4294965248 bytes/],
    ['a directory beyond the end', damaged((i, at) => { i.writeUInt32LE(0x7fffffff, at + 2); }), /beyond the end/],
    ['a record of one byte', damaged((i, at) => { i[at] = 1; }), /malformed record/],
    ['an identifier that is longer than its record', damaged((i, at) => { i[at + 32] = 250; }), /malformed record/],
  ])('%s', async (_, image, message) => {
    await expect(walkAll(image)).rejects.toThrow(message);
  });

  it('ends at the limits that are given', async () => {
    await expect(walkAll(good, { entries: 10 })).rejects.toMatchObject({ code: 'ISO_LIMIT' });
    await expect(walkAll(good, { depth: 2 })).rejects.toMatchObject({ code: 'ISO_LIMIT' });
    await expect(walkAll(good, { directoryBytes: 100 })).rejects.toMatchObject({ code: 'ISO_LIMIT' });
  });

  it('is told from what is no image', async () => {
    await expect(open(Buffer.alloc(100_000))).rejects.toMatchObject({ code: 'ISO_NOT_ISO' });
    const blocks = Buffer.from(good);
    blocks.writeUInt16LE(512, 16 * SECTOR + 128);
    await expect(open(blocks)).rejects.toMatchObject({ code: 'ISO_INVALID_IMAGE' });
  });
});
