import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IsoImageWriter, IsoReader, openByteSource } from '@cdrec/iso9660';

/** The images are judged by other people's tools: xorriso, isoinfo, isovfy, bsdtar, sgdisk. */
const LONG = 'n'.repeat(250);
const DEEP_LINK = Array.from({ length: 60 }, (_, i) => `component-${String(i)}`).join('/');
const date = Date.UTC(2026, 0, 2, 3, 4, 5);
let dir: string;
let image: string;

function run(cmd: string, ...args: string[]): string {
  return execFileSync(cmd, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' }, maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });
}

function make(path: string): number {
  const boot = Buffer.alloc(4096, 0xf4);
  const iso = IsoImageWriter.create(path, { volumeId: 'CDREC-TEST_1', date, boot: { mbr: { code: Buffer.alloc(432, 0x90), kind: 'isolinux' }, esp: Buffer.alloc(64 * 1024, 7) } });
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.alloc(5000, 9), 0, 5000, iso.nextOffset);
  closeSync(fd);
  iso.adoptFile('big/adopted.bin');
  iso.addBootFile('isolinux/isolinux.bin', boot, { infoTable: true });
  iso.addFile('hello.txt', Buffer.from('hello\n'), { mode: 0o640, uid: 1000, gid: 100, mtime: date + 1000 });
  iso.addFile('empty', Buffer.alloc(0));
  // libarchive refuses continuation areas behind the data of a regular file, so the long name is a directory's.
  iso.addFile(`names/${LONG}/${'m'.repeat(100)}`, Buffer.from('long'));
  iso.addFile('names/Ünïcödé 日本語.txt', Buffer.from('utf8'));
  iso.addFile('names/same name A.txt', Buffer.from('A'));
  iso.addFile('names/same_name_a.txt', Buffer.from('a'));
  for (let i = 0; i < 120; i++) iso.addFile(`many/file-number-${String(i)}.data`, Buffer.alloc(i * 37, i));
  iso.addDirectory('void');
  iso.addSymlink('abs', '/etc/../etc/./passwd');
  iso.addSymlink('deep', DEEP_LINK);
  const sink = iso.openFile();
  for (let i = 0; i < 50; i++) sink.write(Buffer.alloc(99_999, i));
  sink.close('big/streamed.bin');
  iso.projectedBytes([{ path: 'only/asked/about', bytes: 1 }]); // leaves nothing in the tree
  const projected = iso.projectedBytes([]);
  const size = iso.finish();
  expect(size).toBe(projected);
  return size;
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-iso-'));
  image = join(dir, 'a.iso');
  make(image);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('the written image, judged', () => {
  it('gives bsdtar every file with content, mode and link target', () => {
    const out = join(dir, 'x');
    execFileSync('mkdir', [out]);
    run('bsdtar', '-xpf', image, '-C', out);
    expect(readFileSync(join(out, 'hello.txt'), 'utf8')).toBe('hello\n');
    expect(readFileSync(join(out, 'names', LONG, 'm'.repeat(100)), 'utf8')).toBe('long');
    expect(readFileSync(join(out, 'many/file-number-119.data'))).toEqual(Buffer.alloc(119 * 37, 119));
    expect(readFileSync(join(out, 'big/adopted.bin'))).toEqual(Buffer.alloc(5000, 9));
    expect(readFileSync(join(out, 'big/streamed.bin')).length).toBe(50 * 99_999);
    expect(run('stat', '-c', '%a %u %g %Y', join(out, 'hello.txt')).trim()).toBe(`640 1000 100 ${String(date / 1000 + 1)}`);
    expect(run('readlink', join(out, 'abs')).trim()).toBe('/etc/../etc/./passwd'); // bsdtar 3.6 misreads continued SL records; xorriso judges those
  });

  it('is read by xorriso without a complaint, boot entries included', () => {
    const report = run('bash', '-c', `xorriso -abort_on NEVER -return_with SORRY 32 -indev ${image} -find / -exec lsdl -- -report_el_torito plain -report_system_area plain 2>&1`);
    expect(report).not.toMatch(/SORRY|WARNING|FAILURE|MISHAP|FATAL/);
    expect(report).toMatch(/El Torito boot img : {3}1 {2}BIOS {2}y {3}none/);
    expect(report).toMatch(/El Torito boot img : {3}2 {2}UEFI {2}y {3}none/);
    expect(report).toContain(`'${DEEP_LINK}'`);
  });

  it('has Rock Ridge and Joliet trees that isoinfo lists, and isovfy finds no error', () => {
    expect(run('isoinfo', '-R', '-f', '-i', image)).toContain('/names/Ünïcödé 日本語.txt');
    const joliet = run('isoinfo', '-J', '-f', '-i', image);
    expect(joliet).toContain('/names/same name A.txt');
    expect(joliet).not.toContain('/only');
    expect(run('isovfy', image)).toContain('No errors found');
  });

  it('has a partition table that sgdisk verifies', () => {
    const report = run('sgdisk', '-v', '-p', image);
    expect(report).toContain('No problems found');
    expect(report).toMatch(/EF00 {2}EFI boot/);
  });

  it('carries a file of more than 4 GiB in several extents', async () => {
    const large = join(dir, 'large.iso');
    const iso = IsoImageWriter.create(large, { volumeId: 'LARGE', date });
    const bytes = 5 * 2 ** 30 + 12345;
    run('truncate', '-s', String(iso.nextOffset + bytes), large); // a hole: nothing is written
    iso.adoptFile('large.bin');
    iso.addFile('behind.txt', Buffer.from('behind'));
    expect(iso.finish()).toBeGreaterThan(bytes);
    expect(run('bash', '-c', `xorriso -abort_on NEVER -indev ${large} -find / -exec lsdl -- 2>&1`)).toMatch(new RegExp(`${String(bytes)} .*'/large\\.bin'`));
    expect(run('bsdtar', '-tvf', large)).toMatch(new RegExp(`${String(bytes)} .* large\\.bin`));
    const mine = await IsoReader.open(await openByteSource(large));
    expect(await mine.stat('large.bin')).toMatchObject({ size: bytes, extents: [{ bytes: 0xfffff800 }, { bytes: bytes - 0xfffff800 }] });
    expect((await mine.readFile('behind.txt')).toString()).toBe('behind');
    await mine.close();
    rmSync(large);
  });

  it('refuses a file of more than 4 GiB at a level that has none', () => {
    const large = join(dir, 'level2.iso');
    const iso = IsoImageWriter.create(large, { volumeId: 'LARGE', date, level: 2 });
    run('truncate', '-s', String(iso.nextOffset + 2 ** 32), large);
    expect(() => iso.adoptFile('large.bin')).toThrow(/"large.bin" has 4294967296 bytes.*use level 3/);
    iso.close();
    rmSync(large);
  });

  it('is the same to the byte when made again', () => {
    make(join(dir, 'b.iso'));
    expect(readFileSync(join(dir, 'b.iso')).equals(readFileSync(image))).toBe(true);
  });

  it('is read back by the package itself, and so is an image of xorriso', async () => {
    const mine = await IsoReader.open(await openByteSource(image));
    expect(mine.namespace).toBe('rockridge');
    expect((await mine.readFile('hello.txt')).toString()).toBe('hello\n');
    expect((await mine.stat('deep')).target).toBe(DEEP_LINK);
    expect((await mine.stat('abs')).target).toBe('/etc/../etc/./passwd');
    await mine.close();
    run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-o', join(dir, 'c.iso'), join(dir, 'x'));
    const theirs = await IsoReader.open(await openByteSource(join(dir, 'c.iso')));
    expect((await theirs.readFile('names/Ünïcödé 日本語.txt')).toString()).toBe('utf8');
    expect(await theirs.stat('hello.txt')).toMatchObject({ mode: 0o640, uid: 1000, size: 6 });
    await theirs.close();
  });

  it('refuses what is no image, or a truncated one, with a code', async () => {
    await expect(openByteSource('/dev/zero').then((s) => IsoReader.open(s))).rejects.toMatchObject({ code: 'ISO_NOT_ISO' });
    const cut = join(dir, 'cut.iso');
    run('bash', '-c', `head -c 1000000 ${image} > ${cut}`);
    await expect(openByteSource(cut).then((s) => IsoReader.open(s))).rejects.toMatchObject({ code: 'ISO_INVALID_IMAGE' });
  });
});
