import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bufferSource, checkImage, encodeName, IsoImage, IsoImageWriter, IsoReader, implantMd5, listSessions, openByteSource, readImplant, verifyImplant, writeImageFile, type IsoEntry, type Namespace } from '@cdrec/iso9660';
import { MUTATIONS } from './mutations.ts';
import { bytes, DATE } from './sample.ts';

/** Images of other writers are read and checked; ours are the same wherever they are made. */
let dir: string;
let tree: string;

const run = (cmd: string, ...args: string[]): string => execFileSync(cmd, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' }, maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-iso-others-'));
  chmodSync(dir, 0o755);
  tree = join(dir, 'tree');
  mkdirSync(join(tree, 'deep/a/b/c/d/e/f/g/h/i/j'), { recursive: true });
  const file = (path: string, data: Buffer | string): void => { writeFileSync(join(tree, path), data); utimesSync(join(tree, path), 1_700_000_000, 1_700_000_000); };
  file('deep/a/b/c/d/e/f/g/h/i/j/bottom', 'bottom');
  file('DATA1.BIN', bytes(5000, 2));
  file('DATA2.BIN', bytes(70_000, 3));
  file('with blank ünï.txt', 'hello');
  file(`${'long '.repeat(40)}name.txt`, 'long');
  file('empty', '');
  file('zeros', Buffer.alloc(200_000));
  linkSync(join(tree, 'DATA1.BIN'), join(tree, 'hard'));
  symlinkSync('../x/./y', join(tree, 'link'));
  symlinkSync(`${'c'.repeat(200)}/${'d'.repeat(100)}/${'e'.repeat(120)}`, join(tree, 'longlink'));
  mkdirSync(join(tree, 'sub one'));
  mkdirSync(join(tree, 'sub two/inner'), { recursive: true });
  for (let i = 0; i < 90; i++) file(`sub two/file number ${String(i)}.dat`, bytes(i * 7, i));
  file('sub one/run', '#!/bin/sh\n');
  chmodSync(join(tree, 'sub one/run'), 0o4755);
  chownSync(join(tree, 'sub one/run'), 1000, 100);
  run('mkfifo', join(tree, 'pipe'));
  run('mknod', join(tree, 'null'), 'c', '1', '3');
  file('boot.img', bytes(4096, 7));
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

async function listing(image: string, namespace?: Namespace): Promise<Map<string, IsoEntry & { hash?: string }>> {
  const reader = await IsoReader.open(await openByteSource(image), namespace === undefined ? {} : { namespace });
  const out = new Map<string, IsoEntry & { hash?: string }>();
  for await (const e of reader.walk()) {
    const hash = createHash('sha1');
    if (e.type === 'file') for await (const chunk of reader.read(e)) hash.update(chunk);
    out.set(e.path, { ...e, ...(e.type === 'file' ? { hash: hash.digest('hex') } : {}) });
  }
  await reader.close();
  return out;
}

/** What the reader says must be what lies on the disk: independent of any writer of ours. */
function compareWithHost(found: Map<string, IsoEntry & { hash?: string }>, skip: (path: string) => boolean = () => false, absent: readonly string[] = []): void {
  const wanted: string[] = [];
  const visit = (path: string): void => {
    for (const name of readdirSync(join(tree, path))) {
      const inside = path === '' ? name : `${path}/${name}`;
      if (absent.includes(inside)) continue;
      const s = statSync(join(tree, inside), { throwIfNoEntry: false });
      const isLink = run('stat', '-c', '%F', join(tree, inside)).includes('symbolic');
      if (!isLink && s?.isDirectory() === true) visit(inside);
      wanted.push(inside);
      const e = found.get(inside);
      expect(e, inside).toBeDefined();
      if (e === undefined || skip(inside)) continue;
      if (isLink) expect(e).toMatchObject({ type: 'symlink', target: run('readlink', join(tree, inside)).replace(/\n$/, '') });
      else if (s?.isFile() === true) {
        expect(e.hash, inside).toBe(createHash('sha1').update(readFileSync(join(tree, inside))).digest('hex'));
        expect(e, inside).toMatchObject({ type: 'file', size: s.size, mode: s.mode & 0o7777, uid: s.uid, gid: s.gid, mtime: Math.floor(s.mtimeMs / 1000) * 1000 });
      }
    }
  };
  visit('');
  expect([...found.keys()].filter((p) => !/^(rr_moved|boot\.cat|boot\.catalog)/.test(p)).sort()).toEqual(wanted.sort());
}

describe('images of xorriso and genisoimage', () => {
  it.each([
    ['xorriso', ['xorriso', '-as', 'mkisofs', '-quiet', '-rational-rock']],
    ['xorriso, original owners', ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-joliet-long']],
    ['xorriso, relocated', ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-rr_reloc_dir', '/rr_moved']],
    ['xorriso, bootable with MD5', ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '--md5', '-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table']],
    ['xorriso, hybrid', ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '--protective-msdos-label', '-eltorito-alt-boot', '-e', 'boot.img', '-no-emul-boot']],
    ['xorriso, enhanced', ['xorriso', '-as', 'mkisofs', '-quiet', '-R', '-iso-level', '4']],
    ['genisoimage, enhanced', ['genisoimage', '-quiet', '-R', '-iso-level', '4']],
    ['genisoimage', ['genisoimage', '-quiet', '-R']],
    ['genisoimage, Joliet', ['genisoimage', '-quiet', '-R', '-J', '-joliet-long']],
    ['genisoimage, UDF, bootable', ['genisoimage', '-quiet', '-R', '-udf', '-b', 'boot.img', '-no-emul-boot', '-boot-info-table', '-c', 'boot.cat']],
  ])('%s: read as it is, and the checker finds nothing', async (name, command) => {
    const image = join(dir, 'other.iso');
    // -boot-info-table of genisoimage patches the source file: it gets a copy.
    const source = join(dir, 'copy');
    rmSync(source, { recursive: true, force: true });
    run('cp', '-a', tree, source);
    if (name.startsWith('genisoimage')) rmSync(join(source, 'longlink')); // it writes damaged SL entries, which the checker finds
    execFileSync(command[0] as string, [...command.slice(1), '-o', image, source], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    const ours = await checkImage(await openByteSource(image));
    expect(ours).toEqual([]);
    const found = await listing(image);
    // -rational-rock changes owners; a patched boot image is no longer the file.
    compareWithHost(found, (path) => path === 'boot.img' || name === 'xorriso', name.startsWith('genisoimage') ? ['longlink'] : []);
    rmSync(image);
  });

  it('finds nothing in what xorriso writes by its own commands, and in its hybrids with an appended partition', async () => {
    const native = join(dir, 'native.iso');
    run('xorriso', '-outdev', native, '-map', tree, '/', '-commit');
    expect(await checkImage(await openByteSource(native))).toEqual([]); // padded outside of the volume
    const esp = join(dir, 'esp.img');
    run('mformat', '-C', '-f', '1440', '-i', esp, '::');
    const hybrid = join(dir, 'hybrid.iso');
    run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '--grub2-mbr', '/usr/lib/grub/i386-pc/boot_hybrid.img', '-append_partition', '2', '0xef', esp, '-appended_part_as_gpt', '-partition_offset', '16', '--mbr-force-bootable',
      '-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '-eltorito-alt-boot', '-e', '--interval:appended_partition_2:all::', '-no-emul-boot', '-o', hybrid, tree);
    expect(await checkImage(await openByteSource(hybrid))).toEqual([]);
  });

  it('reads Joliet and plain trees of both with the same contents', async () => {
    for (const writer of [['xorriso', '-as', 'mkisofs'], ['genisoimage']]) {
      const image = join(dir, 'trees.iso');
      execFileSync(writer[0] as string, [...writer.slice(1), '-quiet', '-R', '-J', '-o', image, tree], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
      const hashes = async (namespace: Namespace): Promise<string[]> => [...(await listing(image, namespace)).values()].filter((e) => e.size > 0).map((e) => e.hash ?? '').sort();
      const rr = await hashes('rockridge');
      expect(await hashes('joliet')).toEqual(rr);
      expect(await hashes('iso')).toEqual(rr);
      rmSync(image);
    }
  });

  it('finds the 42 corruptions in an image of xorriso, too', async () => {
    const image = join(dir, 'mutate.iso');
    run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '--md5', '-b', 'boot.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table', '-eltorito-alt-boot', '-e', 'DATA2.BIN', '-no-emul-boot', '-o', image, tree);
    const good = readFileSync(image);
    expect(await checkImage(bufferSource(good))).toEqual([]);
    const missed: string[] = [];
    for (const m of MUTATIONS) {
      const copy = Buffer.from(good);
      const changed = m.apply(copy) ?? copy;
      if ((await checkImage(bufferSource(changed), { content: m.name.includes('data byte') })).length === 0) missed.push(m.name);
    }
    expect(missed).toEqual([]);
  });

  it('reads every session of a multi-session image', async () => {
    const image = join(dir, 'sessions.iso');
    writeFileSync(join(dir, 'one'), 'first');
    writeFileSync(join(dir, 'two'), 'second');
    run('xorriso', '-outdev', image, '-volid', 'SESSIONS', '-map', join(dir, 'one'), '/one', '-commit', '-end');
    run('xorriso', '-dev', image, '-map', join(dir, 'two'), '/two', '-rm', '/one', '--', '-commit', '-end');
    const sessions = await listSessions(await openByteSource(image));
    expect(sessions.length).toBeGreaterThanOrEqual(2);
    const names = async (session: number): Promise<string[]> => (await (await IsoReader.open(await openByteSource(image), { session })).list('/')).map((e) => e.name);
    expect(await names(0)).toEqual(['two']);
    expect(await Promise.all(sessions.map((s) => names(s.start)))).toContainEqual(['one']);
  });

  it('decompresses zisofs', async () => {
    const packed = join(dir, 'packed');
    run('mkzftree', join(tree, 'sub two'), packed);
    writeFileSync(join(dir, 'zeros'), Buffer.concat([Buffer.alloc(100_000), bytes(10, 1)]));
    run('mkzftree', '-F', '-f', join(dir, 'zeros'), join(packed, 'zeros'));
    const image = join(dir, 'zisofs.iso');
    run('genisoimage', '-quiet', '-R', '-z', '-o', image, packed);
    expect(await checkImage(await openByteSource(image))).toEqual([]);
    const reader = await IsoReader.open(await openByteSource(image));
    expect(await reader.readFile('file number 80.dat')).toEqual(bytes(560, 80));
    expect((await reader.readFile('zeros')).equals(readFileSync(join(dir, 'zeros')))).toBe(true);
    expect((await reader.stat('zeros')).zisofs).toBe('pz');
    await reader.close();
  });
});

describe('our images', () => {
  it('carry a tree of the host with everything that Rock Ridge can say', async () => {
    const image = join(dir, 'ours.iso');
    const iso = new IsoImage({ volumeId: 'OURS', date: DATE });
    expect(iso.addTree(tree).problems).toEqual([]);
    writeImageFile(iso.plan(), image);
    const found = await listing(image);
    compareWithHost(found);
    expect(found.get('null')).toMatchObject({ type: 'char', device: { major: 1, minor: 3 } });
    expect(found.get('pipe')?.type).toBe('fifo');
    expect(found.get('hard')).toMatchObject({ links: 2, serial: found.get('DATA1.BIN')?.serial, extents: found.get('DATA1.BIN')?.extents });
  });

  it('are the same to the byte in another directory, in another locale, as another user, with MBR, GPT and ESP', () => {
    const script = fileURLToPath(new URL('./write-image.mjs', import.meta.url));
    const make = (source: string, out: string, env: Record<string, string>, ...before: string[]): Buffer => {
      execFileSync(before[0] ?? process.execPath, [...before.slice(1), ...(before.length > 0 ? [process.execPath] : []), script, source, out], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
      return readFileSync(out);
    };
    const elsewhere = join(dir, 'a much longer path/elsewhere');
    mkdirSync(join(dir, 'a much longer path'));
    run('cp', '-a', tree, elsewhere);
    const writable = join(dir, 'writable');
    mkdirSync(writable, { mode: 0o777 });
    chmodSync(writable, 0o777);
    const first = make(tree, join(writable, '1.iso'), { LC_ALL: 'C', TZ: 'UTC' });
    expect(make(elsewhere, join(writable, '2.iso'), { LC_ALL: 'C.UTF-8', TZ: 'Pacific/Auckland' }).equals(first)).toBe(true);
    expect(make(elsewhere, join(writable, '3.iso'), { LC_ALL: 'tr_TR.UTF-8', TZ: 'America/New_York' }, 'setpriv', '--reuid=65534', '--regid=65534', '--clear-groups').equals(first)).toBe(true);
    expect(run('sgdisk', '-v', join(writable, '1.iso'))).toContain('No problems found');
  });

  it('carry bytes that are no UTF-8, in names and link targets', async () => {
    const strange = join(dir, 'strange');
    mkdirSync(strange);
    const name = Buffer.from([0x66, 0xe4, 0xff, 0x2e, 0x74]);
    writeFileSync(Buffer.concat([Buffer.from(`${strange}/`), name]), 'x');
    symlinkSync(name, `${strange}/link`);
    const iso = new IsoImage({ volumeId: 'STRANGE', date: DATE });
    expect(iso.addTree(strange).problems).toEqual([]);
    writeImageFile(iso.plan(), join(dir, 'strange.iso'));
    const reader = await IsoReader.open(await openByteSource(join(dir, 'strange.iso')));
    const [file, link] = await reader.list('');
    expect(encodeName(file?.name ?? '')).toEqual(name);
    expect(encodeName(link?.target ?? '')).toEqual(name);
    expect((await reader.readFile(file?.path ?? '')).toString()).toBe('x');
    await reader.close();
  });

  it('are verified by checkisomd5 after implantMd5, and fail it when a byte changes', async () => {
    const image = join(dir, 'implant.iso');
    const iso = new IsoImage({ volumeId: 'IMPLANT', date: DATE });
    iso.addFile('data', bytes(20_000_000, 1));
    writeImageFile(iso.plan(), image);
    implantMd5(image);
    run('checkisomd5', image); // fails with a status
    const source = await openByteSource(image);
    expect(await verifyImplant(source, (await readImplant(source)) as NonNullable<Awaited<ReturnType<typeof readImplant>>>)).toBe(true);
    expect(() => implantMd5(image)).toThrow(/in use/);
    const broken = readFileSync(image);
    broken[9_000_000] = (broken[9_000_000] as number) ^ 1;
    expect((await checkImage(bufferSource(broken))).map((f) => f.rule)).toContain('content.isomd5');
    await source.close();
  });

  it('tell the size before, whatever the one-pass writer is given', () => {
    const iso = IsoImageWriter.create(join(dir, 'projected.iso'), { volumeId: 'P', date: DATE, udf: true });
    for (let i = 0; i < 40; i++) iso.addFile(`d${String(i % 7)}/${'n'.repeat(i * 5)}x`, bytes(i * 100, i));
    const next = [{ path: 'more/even more/file', bytes: 12_345 }, { path: 'last', bytes: 0 }];
    const projected = iso.projectedBytes(next);
    for (const { path, bytes: n } of next) iso.addFile(path, bytes(n, 1));
    expect(iso.finish()).toBe(projected);
    expect(statSync(join(dir, 'projected.iso')).size).toBe(projected);
    truncateSync(join(dir, 'projected.iso'), 0);
    cpSync(join(dir, 'projected.iso'), join(dir, 'x'));
  });
});
