import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compressStage, unquoteName, type ChainStage } from '@cdrec/tool';
import type { Survey } from '@cdrec/survey';
import { createArguments, judgeTar, openNames, openTar, planBackup, rulesOf } from './index.ts';

const ZSTD = [compressStage('zstd', 1, 1, '') as ChainStage];
const ALL = { exclude: [], include: [] };

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-backup-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

async function list(args: string[]): Promise<{ names: string[]; verdict: Awaited<ReturnType<ReturnType<typeof openTar>['ended']>> }> {
  const tar = openTar([`--directory=${dir}`, ...args], ZSTD, dir);
  const parts = [];
  for await (const c of tar.stream) parts.push(c);
  const verdict = await tar.ended();
  return { names: execFileSync('tar', ['--zstd', '--blocking-factor=128', '-tf', '-'], { input: Buffer.concat(parts), encoding: 'utf8' }).trim().split('\n'), verdict };
}

describe('archives', () => {
  it('have names of their own, also those of subvolumes whose mount points differ in a slash alone', () => {
    const fileSystems = ['/', '/a/b', '/a_b'].map((mount) => ({ device: '/dev/sda2', mount, type: 'btrfs', uuid: 'U', usedBytes: 1 }));
    const items = planBackup({ fileSystems, layers: [], images: [] } as unknown as Survey, { compress: 'zstd', threads: 1, recipients: [], rules: ALL, path: '/usr/bin' });
    expect(items.map((i) => i.meta.name)).toEqual(['sda2._.tar.zst', 'sda2._a_b.tar.zst', 'sda2._a_b.2.tar.zst']);
  });
});

describe('tar', () => {
  it('excludes by rules with one meaning', async () => {
    for (const d of ['keep/sub', 'gone', 'emptied/a']) mkdirSync(join(dir, d), { recursive: true });
    for (const f of ['keep/gone', 'keep/sub/x.tmp', 'gone/f', 'emptied/f', 'a.tmp']) writeFileSync(join(dir, f), 'x');
    const { names } = await list(createArguments('ext4', rulesOf(dir, { exclude: [`${dir}/gone`, `${dir}/emptied/*`, `${dir}/*.tmp`, '/elsewhere'], include: [] })));
    expect(names.sort()).toEqual(['./', './emptied/', './keep/', './keep/gone', './keep/sub/', './keep/sub/x.tmp']);
    expect(rulesOf('/home', { exclude: ['/', '/homes', '/home', '/home/a/'], include: ['/home/b'] })).toEqual({ exclude: ['./a'], include: ['./b'] });
  });

  it('takes only what is included, with the directories that lead there', async () => {
    for (const d of ['a/b/c', 'a/other', 'z']) mkdirSync(join(dir, d), { recursive: true });
    for (const f of ['a/b/c/1', 'a/b/2', 'a/other/3', 'z/4', '5']) writeFileSync(join(dir, f), 'x');
    const { names } = await list(createArguments('ext4', rulesOf(dir, { exclude: [`${dir}/a/b/2`], include: [`${dir}/a/b`, `${dir}/5`] })));
    expect(names.sort()).toEqual(['./', './5', './a/', './a/b/', './a/b/c/', './a/b/c/1']);
  });

  it('tells the file that is read now, by itself and where it sees the file system alone', async () => {
    mkdirSync(join(dir, 'sub'));
    writeFileSync(join(dir, 'sub/large'), Buffer.alloc(8 << 20, 1));
    for (const view of process.getuid?.() === 0 ? [undefined, dir] : [undefined]) {
      const args = createArguments('ext4', ALL);
      const tar = openTar(view === undefined ? [`--directory=${dir}`, ...args] : args, [], dir, view);
      const seen = new Set<string | undefined>();
      for await (const c of tar.stream) {
        expect(c.length).toBeGreaterThan(0);
        await new Promise((resolve) => setTimeout(resolve, 1)); // the pipe is full, tar waits
        seen.add(tar.current());
      }
      await tar.ended();
      expect([...seen]).toContain(join(dir, 'sub/large'));
      expect(tar.current()).toBeUndefined();
    }
  });

  it('keeps an index of all members, whatever their names are', async () => {
    // Every byte that a name can have, and what looks like an escape.
    const names = [Buffer.from('é ü 日本', 'utf8'), Buffer.from('a\\n\\303\\251'), ...Array.from({ length: 255 }, (_, i) => Buffer.from([0x78, i + 1, 0x79])).filter((n) => n[1] !== 0x2f)];
    for (const n of names) writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), n]), 'x');
    for (const view of process.getuid?.() === 0 ? [undefined, dir] : [undefined]) {
      const args = createArguments('ext4', rulesOf(dir, { exclude: [`${dir}/xay`], include: [] }));
      const tar = openTar(view === undefined ? [`--directory=${dir}`, ...args] : args, ZSTD, dir, view);
      for await (const c of tar.stream) expect(c.length).toBeGreaterThan(0);
      expect(await tar.ended()).toMatchObject({ exceptions: [] });
      const index = openNames(tar.names?.() ?? Buffer.alloc(0), [], dir);
      const parts = [];
      for await (const c of index.stream) parts.push(c);
      const text = Buffer.concat(parts);
      expect((await index.ended()).contentBytes).toBe(text.length);
      expect(text.includes(Buffer.from('\n./é ü 日本\n'))).toBe(true);
      const got = text.toString('latin1').trimEnd().split('\n').map((l) => unquoteName(Buffer.from(l, 'latin1')).toString('hex'));
      const expected = names.filter((n) => n.toString() !== 'xay').map((n) => Buffer.concat([Buffer.from('./'), n]));
      expect(got.sort()).toEqual([Buffer.from('./'), ...expected].map((n) => n.toString('hex')).sort());
    }
  });

  it('does not take an index for whole that is cut, nor one that a filter lost', async () => {
    writeFileSync(join(dir, 'f'), 'x');
    const tar = openTar([`--directory=${dir}`, ...createArguments('ext4', ALL)], [], dir);
    for await (const c of tar.stream) expect(c.length).toBeGreaterThan(0);
    await tar.ended();
    const names = tar.names?.() ?? Buffer.alloc(0);
    for (const [data, filters] of [[names.subarray(0, -9), []], [names, [{ program: 'sh', args: ['-c', 'exit 3'], label: 'zstd' }]]] as const) {
      const index = openNames(data, filters, '/home');
      for await (const c of index.stream) expect(c.length).toBeGreaterThan(0);
      await expect(index.ended()).rejects.toMatchObject({ code: 'FILTER_FAILED', message: expect.stringMatching(/index of \/home.*(unexpected end|zstd ended with status 3)/) as string });
    }
  });

  it('says which program of the chain failed', async () => {
    writeFileSync(join(dir, 'f'), Buffer.alloc(8 << 20, 1));
    for (const filters of [[{ program: 'sh', args: ['-c', 'head -c 1000; kill -9 $$'], label: 'zstd' }], [...ZSTD, { program: 'sh', args: ['-c', 'cat > /dev/null; echo no such key >&2; exit 1'], label: 'age' }]]) {
      const tar = openTar([`--directory=${dir}`, ...createArguments('ext4', ALL)], filters, dir);
      for await (const c of tar.stream) expect(c.length).toBeGreaterThan(0);
      await expect(tar.ended()).rejects.toMatchObject({ code: 'FILTER_FAILED', message: expect.stringMatching(/zstd was ended by signal 9|age ended with status 1: no such key/) as string });
    }
  });

  it('names files that change while they are read, and completes', async () => {
    writeFileSync(join(dir, 'ok'), 'fine');
    writeFileSync(join(dir, 'big'), '');
    execFileSync('truncate', ['-s', '50M', join(dir, 'big')]);
    // Uncompressed, so that the pipe holds tar back; not sparse, so that all 50 MiB are read.
    const tar = openTar([`--directory=${dir}`, ...createArguments('ext4', ALL).filter((a) => a !== '--sparse')], [], dir);
    const parts: Uint8Array[] = [];
    for await (const c of tar.stream) {
      if (parts.length === 0) execFileSync('truncate', ['-s', '5M', join(dir, 'big')]);
      parts.push(c);
    }
    const verdict = await tar.ended();
    expect(verdict.exceptions).toContainEqual(expect.stringContaining('./big: File shrank by'));
    expect(execFileSync('tar', ['--blocking-factor=128', '-xOf', '-', './ok'], { input: Buffer.concat(parts), encoding: 'utf8' })).toBe('fine');
  });

  it('tells exceptions from failures and from remarks', () => {
    const total = 'Total bytes written: 10240 (10KiB, 1MiB/s)\n';
    expect(judgeTar(0, `tar: ./s: socket ignored\n${total}`, 'x')).toEqual({ contentBytes: 10240, exceptions: [], notes: ['./s: socket ignored'] });
    expect(judgeTar(1, `tar: ./f: file changed as we read it\n${total}`, 'x').exceptions).toEqual(['./f: file changed as we read it']);
    expect(judgeTar(2, `tar: ./f: Cannot open: Permission denied\n${total}tar: Exiting with failure status due to previous errors\n`, 'x').exceptions).toEqual(['./f: Cannot open: Permission denied']);
    expect(() => judgeTar(2, 'tar: -: Cannot write: No space left\ntar: Error is not recoverable: exiting now\n', 'x')).toThrow(/Cannot write/);
    expect(() => judgeTar(undefined, '', 'x')).toThrow(/no message/);
    expect(() => judgeTar(0, '', 'x')).toThrow(/status 0/);
  });

  it('says that a missing file could not be read', async () => {
    writeFileSync(join(dir, 'ok'), 'fine');
    const { verdict, names } = await list([...createArguments('ext4', ALL), './vanished']);
    expect(verdict.exceptions).toEqual([expect.stringContaining('./vanished: Cannot stat')]);
    expect(names).toContain('./ok');
  });
});
