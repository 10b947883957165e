import { appendFileSync, chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bufferSource, checkImage, IsoImage, IsoReader, writeImage, writeImageFile, type IsoEntry, type IsoFileInfo, type IsoProblem } from '@cdrec/iso9660';
import { bytes, DATE, richImage, toBuffer } from './sample.ts';

let dir: string;
beforeAll(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-image-')); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

const open = (image: Buffer): Promise<IsoReader> => IsoReader.open(bufferSource(image));
const image = (options: Partial<ConstructorParameters<typeof IsoImage>[0]> = {}): IsoImage => new IsoImage({ volumeId: 'TEST', date: DATE, ...options });
async function entries(reader: IsoReader): Promise<IsoEntry[]> {
  const out: IsoEntry[] = [];
  for await (const e of reader.walk()) out.push(e);
  return out;
}

describe('a planned image', () => {
  it('has the planned size and the same bytes through every sink', async () => {
    const make = (): IsoImage => {
      const iso = image();
      iso.addFile('a/b', bytes(300_001, 1));
      iso.addFile('c', bytes(5, 2));
      iso.addFile('zeros', Buffer.alloc(1_000_000));
      return iso;
    };
    const expected = toBuffer(make());
    const parts: Buffer[] = [];
    // Slow, and keeps what it was given: the writer may use its buffer again only when a chunk is done with.
    const slow = new Writable({ highWaterMark: 1, write(chunk: Buffer, _, done) { setImmediate(() => { parts.push(Buffer.from(chunk)); done(); }); } });
    const report = await writeImage(make().plan(), slow);
    expect(Buffer.concat(parts).equals(expected)).toBe(true);
    expect(report).toEqual({ bytes: expected.length, problems: [] });
    for (const sparse of [false, true]) {
      const path = join(dir, `sink-${String(sparse)}.iso`);
      writeImageFile(make().plan(), path, { sparse });
      expect(readFileSync(path).equals(expected)).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(statSync(join(dir, 'sink-true.iso')).blocks).toBeLessThan(statSync(join(dir, 'sink-false.iso')).blocks);
  });

  it('takes bytes from asynchronous sources of known size, and says what they do wrong', async () => {
    const iso = image();
    // eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
    const source = (...chunks: Buffer[]) => async function* (): AsyncGenerator<Buffer> { yield* chunks; };
    iso.addFile('right', { bytes: 10, open: source(Buffer.from('01234'), Buffer.from('56789')) });
    iso.addFile('short', { bytes: 10, open: source(Buffer.from('01234')) });
    iso.addFile('surplus', { bytes: 5, open: source(Buffer.from('0123456789')) });
    iso.addFile('failing', { bytes: 5, open: () => Promise.reject(new Error('gone')) });
    const plan = iso.plan();
    expect(plan.needsAsync).toBe(true);
    expect(() => plan.chunksSync().next()).toThrow(/asynchronous/);
    const parts: Buffer[] = [];
    const to = new PassThrough();
    to.on('data', (c: Buffer) => parts.push(Buffer.from(c)));
    const files: IsoFileInfo[] = [];
    const report = await writeImage(plan, to, { onFile: (f) => files.push(f) });
    expect(report.problems.map((p) => [p.path, p.kind])).toEqual([['failing', 'unreadable'], ['short', 'shrunk'], ['surplus', 'grown']]);
    const reader = await open(Buffer.concat(parts));
    expect((await reader.readFile('right')).toString()).toBe('0123456789');
    expect(await reader.readFile('short')).toEqual(Buffer.from('01234\0\0\0\0\0'));
    expect((await reader.readFile('surplus')).toString()).toBe('01234');
    for (const f of files) expect(f.crc32).toBe(crc32(await reader.readFile(f.path)));
    expect(await checkImage(bufferSource(Buffer.concat(parts)))).toEqual([]);
  });

  it('is complete and names the file when one shrinks, grows, vanishes or cannot be read', async () => {
    const iso = image();
    const host = (name: string, size: number): string => { const p = join(dir, name); writeFileSync(p, bytes(size, 3)); return p; };
    for (const [name, size] of [['same', 5000], ['shrinks', 400_000], ['grows', 3000], ['exact', 131_072], ['vanishes', 9000], ['emptied', 10], ['filled', 0]] as const) iso.addFile(name, { file: host(name, size) });
    const plan = iso.plan();
    truncateSync(join(dir, 'shrinks'), 140_000);
    appendFileSync(join(dir, 'grows'), 'more');
    appendFileSync(join(dir, 'exact'), 'x');
    rmSync(join(dir, 'vanishes'));
    truncateSync(join(dir, 'emptied'), 0);
    appendFileSync(join(dir, 'filled'), 'x');
    const out = join(dir, 'changed.iso');
    const seen: IsoProblem[] = [];
    const files = new Map<string, number>();
    const report = writeImageFile(plan, out, { onProblem: (p) => seen.push(p), onFile: (f) => files.set(f.path, f.crc32) });
    expect(report.problems).toEqual(seen);
    expect(Object.fromEntries(report.problems.map((p) => [p.path, p.kind]))).toEqual({ shrinks: 'shrunk', grows: 'grown', exact: 'grown', vanishes: 'vanished', emptied: 'shrunk', filled: 'grown' });
    const made = readFileSync(out);
    expect(made.length).toBe(plan.bytes);
    expect(await checkImage(bufferSource(made))).toEqual([]);
    const reader = await open(made);
    expect(await reader.readFile('same')).toEqual(bytes(5000, 3));
    expect(await reader.readFile('shrinks')).toEqual(Buffer.concat([bytes(400_000, 3).subarray(0, 140_000), Buffer.alloc(260_000)]));
    expect(await reader.readFile('grows')).toEqual(bytes(3000, 3));
    expect(await reader.readFile('vanishes')).toEqual(Buffer.alloc(9000));
    for (const [path, crc] of files) expect([path, crc]).toEqual([path, crc32(await reader.readFile(path))]);
  });

  it('shrinking in mid-write is met too', async () => {
    const path = join(dir, 'mid');
    writeFileSync(path, bytes(2_000_000, 5));
    const iso = image();
    iso.addFile('mid', { file: path });
    const plan = iso.plan();
    const parts: Buffer[] = [];
    const problems: IsoProblem[] = [];
    for await (const chunk of plan.chunks({ onProblem: (p) => problems.push(p) })) {
      parts.push(Buffer.from(chunk));
      if (parts.length === 4) truncateSync(path, 1_000_000);
    }
    expect(problems.map((p) => p.kind)).toEqual(['shrunk']);
    expect(await checkImage(bufferSource(Buffer.concat(parts)))).toEqual([]);
  });

  it('fails with the stream, and leaves no file behind', async () => {
    const iso = (): IsoImage => { const i = image(); i.addFile('big', bytes(3_000_000, 1)); return i; };
    const failing = new Writable({ write(_chunk, _e, done) { done(new Error('burner on fire')); } });
    await expect(writeImage(iso().plan(), failing)).rejects.toThrow('burner on fire');
    const closing = new PassThrough({ highWaterMark: 1 });
    setTimeout(() => closing.destroy(), 20);
    await expect(writeImage(iso().plan(), closing)).rejects.toThrow();
    expect(() => writeImageFile(iso().plan(), join(dir, 'no/such/dir.iso'))).toThrow(/ENOENT/);
    expect(readdirSync(dir).filter((n) => n.endsWith('.partial'))).toEqual([]);
  });

  it('leaves a device a device, and follows a symbolic link', () => {
    const iso = image();
    iso.addFile('a', bytes(10, 1));
    writeImageFile(iso.plan(), '/dev/null');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    writeFileSync(join(dir, 'target.iso'), '');
    symlinkSync('target.iso', join(dir, 'link.iso'));
    const again = image();
    again.addFile('a', bytes(10, 1));
    const plan = again.plan();
    writeImageFile(plan, join(dir, 'link.iso'));
    expect(lstatSync(join(dir, 'link.iso')).isSymbolicLink()).toBe(true);
    expect(statSync(join(dir, 'target.iso')).size).toBe(plan.bytes);
  });

  it('does not depend on the order in which things are added', () => {
    const files = Array.from({ length: 60 }, (_, i) => [`d${String(i % 5)}/File Number ${String(i % 7)} ${String(i)}.txt`, bytes(i * 10, i)] as const);
    const make = (order: readonly (readonly [string, Buffer])[]): Buffer => {
      const iso = image({ udf: true, level: 4 });
      for (const [path, data] of order) iso.addFile(path, data);
      return toBuffer(iso);
    };
    expect(make(files).equals(make([...files].reverse()))).toBe(true);
    expect(richImage().equals(richImage())).toBe(true);
  });

  it('puts files of higher weight in front, and shares the extent of hard links', async () => {
    const iso = image();
    iso.addFile('a', bytes(5000, 1));
    iso.addFile('z', bytes(5000, 2), { weight: 5 });
    iso.addHardLink('b', 'a');
    const reader = await open(toBuffer(iso));
    const [a, b, z] = await Promise.all(['a', 'b', 'z'].map((p) => reader.stat(p)));
    expect(z?.extents[0]?.sector).toBeLessThan(a?.extents[0]?.sector as number);
    expect(b).toMatchObject({ extents: a?.extents, serial: a?.serial, links: 2 });
  });

  it('clamps times when asked to', async () => {
    const iso = image({ clampTimes: true });
    iso.addFile('new', Buffer.from('x'), { mtime: DATE + 1e9 });
    iso.addFile('old', Buffer.from('x'), { mtime: DATE - 1e9 });
    const reader = await open(toBuffer(iso));
    expect([(await reader.stat('new')).mtime, (await reader.stat('old')).mtime]).toEqual([DATE, DATE - 1e9]);
  });
});

describe('wrong input', () => {
  it.each([
    ['volume id', () => image({ volumeId: 'with blank' }), /volume id "with blank"/],
    ['publisher', () => image({ publisher: 'lower' }), /publisher "lower" has "l"/],
    ['long publisher', () => image({ publisher: 'X'.repeat(129) }), /at most 128/],
    ['volume set id', () => image({ volumeSetId: 'A-B' }), /no d-character/],
    ['pad', () => image({ padSectors: -1 }), /padSectors/],
    ['MBR code', () => image({ boot: { mbr: { code: Buffer.alloc(3), kind: 'isolinux' } } }), /isohdpfx.bin/],
    ['relocation without Rock Ridge', () => image({ rockRidge: false, deepDirectories: 'relocate' }), /need Rock Ridge/],
    ['path twice', () => { const i = image(); i.addFile('a', Buffer.alloc(1)); i.addFile('a', Buffer.alloc(1)); }, /"a" is in the image already/],
    ['file as directory', () => { const i = image(); i.addFile('a', Buffer.alloc(1)); i.addFile('a/b', Buffer.alloc(1)); }, /not a directory/],
    ['dot dot', () => { image().addFile('a/../b', Buffer.alloc(1)); }, /bad component ".."/],
    ['name too long', () => { image().addDirectory('x'.repeat(256)); }, /bad component/],
    ['empty target', () => { image().addSymlink('a', ''); }, /link target/],
    ['large file at level 2', () => { const i = image({ level: 2 }); i.addFile('a', { bytes: 2 ** 33, open: () => Promise.reject(new Error()) }); i.plan(); }, /use level 3/],
    ['boot file missing', () => image({ boot: { entries: [{ path: 'x' }] } }).plan(), /"x" is not in the image/],
    ['floppy size', () => { const i = image({ boot: { entries: [{ path: 'x', emulation: 'floppy-1.44' }] } }); i.addFile('x', Buffer.alloc(5)); i.plan(); }, /exactly 1474560 bytes, this one has 5/],
    ['hard disk without table', () => { const i = image({ boot: { entries: [{ path: 'x', emulation: 'hard-disk' }] } }); i.addFile('x', Buffer.alloc(5000)); i.plan(); }, /wants a disk image with an MBR/],
    ['copyright file', () => { const i = image({ copyrightFile: 'd/x' }); i.addFile('d/x', Buffer.alloc(1)); i.plan(); }, /root directory/],
    ['planned twice', () => { const i = image(); i.plan(); i.plan(); }, /planned already/],
    ['added after the plan', () => { const i = image(); i.plan(); i.addFile('a', Buffer.alloc(1)); }, /nothing can be added/],
  ])('%s', (_, act, message) => {
    expect(act).toThrow(message);
    try { act(); } catch (error) { expect((error as { code: string }).code).toMatch(/^ISO_(INVALID_INPUT|NOT_FOUND)$/); }
  });
});

describe('trees of any shape', () => {
  const name = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), fc.stringMatching(/^[A-Za-z0-9 ._-]{1,80}$/)).filter((n) => n !== '.' && n !== '..' && !/[/\0]/.test(n) && Buffer.byteLength(n) <= 253 && Buffer.from(n).toString() === n);
  const path = fc.array(name, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/'));
  const options = fc.record({ level: fc.constantFrom(1, 2, 3, 4), joliet: fc.constantFrom(true, false, 'long' as const), udf: fc.boolean(), deepDirectories: fc.constantFrom('keep' as const, 'relocate' as const), padSectors: fc.nat({ max: 150 }) }) as fc.Arbitrary<object>;

  it('are read back as they were, and the checker finds nothing', async () => {
    await fc.assert(fc.asyncProperty(options, fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 5000 }), fc.nat({ max: 0o7777 })), { maxLength: 25 }), async (o, files) => {
      const iso = image(o);
      const stored = new Map<string, [Buffer, number]>();
      for (const [p, data, mode] of files) {
        try {
          iso.addFile(p, data, { mode });
          stored.set(p, [Buffer.from(data), mode]);
        } catch { /* a path that is a directory already, or below a file */ }
      }
      const made = toBuffer(iso);
      expect(await checkImage(bufferSource(made))).toEqual([]);
      const reader = await open(made);
      const found = (await entries(reader)).filter((e) => e.type === 'file');
      expect(found.map((e) => e.path).sort()).toEqual([...stored.keys()].sort());
      for (const e of found) {
        expect(e.mode).toBe(stored.get(e.path)?.[1]);
        expect((await reader.readFile(e.path)).equals(stored.get(e.path)?.[0] as Buffer)).toBe(true);
      }
    }), { numRuns: 150 });
  });
});

describe('a truncated image', () => {
  it('is refused, or read as far as it goes when that is asked for', async () => {
    const iso = image();
    iso.addFile('a', bytes(5000, 1));
    iso.addFile('b', bytes(900_000, 2));
    const cut = toBuffer(iso).subarray(0, 500_000);
    await expect(open(cut)).rejects.toMatchObject({ code: 'ISO_INVALID_IMAGE', message: expect.stringContaining('truncated') as string });
    const reader = await IsoReader.open(bufferSource(cut), { allowTruncated: true });
    expect(await reader.readFile('a')).toEqual(bytes(5000, 1));
    await expect(reader.readFile('b')).rejects.toMatchObject({ code: 'ISO_INVALID_IMAGE' });
  });
});

describe('unreadable trees', () => {
  it('are reported, not thrown', () => {
    const tree = mkdtempSync(join(dir, 'tree-'));
    writeFileSync(join(tree, 'a'), 'x');
    chmodSync(tree, 0o755);
    const iso = image();
    expect(iso.addTree(tree)).toEqual({ entries: 1, problems: [] });
    expect(iso.addTree(tree).problems).toEqual([{ path: 'a', message: expect.stringContaining('already') as string }]);
  });
});
