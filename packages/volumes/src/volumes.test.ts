import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IsoSetWriter, missingFor, openDiscSet, openSets, PathSetWriter, verifySet, type ArchiveMeta, type OpenSet } from './index.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-volumes-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

const header = { setId: '9f0c2f6a-1111-4222-8333-444455556666', label: 'CDrec-2026.01.01', created: 1767225600000, host: 'h' };
const meta = (name: string): ArchiveMeta => ({ name, kind: 'tar', compress: 'none', mount: '/', device: '/dev/sda1', fsType: 'ext4', fsUuid: 'u' });
// eslint-disable-next-line @typescript-eslint/require-await -- an async source is what is tested
async function* chunks(data: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 65_521) yield data.subarray(at, at + 65_521);
}
const ended = () => Promise.resolve({ contentBytes: 1, exceptions: [] });
const volumeBytes = 3 * 1024 * 1024;

async function make(data: Buffer[], over: Partial<Parameters<typeof IsoSetWriter.begin>[0]> = {}): Promise<string[]> {
  const writer = await IsoSetWriter.begin({ ...header, mode: 'iso', directory: dir, volumeBytes, boot: {}, populate: (iso) => { iso.addFile('cdrec/x', Buffer.alloc(500_000)); }, ...over });
  for (const [i, d] of data.entries()) await writer.addArchive(meta(`a${String(i)}.tar`), chunks(d), ended);
  return (await writer.finish()).files.map((f) => f.path);
}
const sha = (b: Buffer): string => createHash('sha256').update(b).digest('hex');
async function content(paths: string[]): Promise<string[]> {
  const { sets } = await openSets(paths);
  const out = [];
  for (const archive of sets[0]?.manifest.archives ?? []) {
    const parts = [];
    for await (const c of sets[0]?.read(archive) ?? []) parts.push(c);
    out.push(sha(Buffer.concat(parts)));
  }
  await sets[0]?.close();
  return out;
}

describe('a set of ISO volumes', () => {
  it('fills its volumes to the capacity and gives every archive back, in any order of volumes', async () => {
    const data = [randomBytes(5_000_000), randomBytes(10), Buffer.alloc(0), randomBytes(4_000_000)];
    const files = await make(data);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const f of files) {
      expect(statSync(f).size).toBeLessThanOrEqual(volumeBytes);
      expect(statSync(f).mode & 0o777).toBe(0o600);
    }
    for (const f of files.slice(0, -1)) expect(statSync(f).size).toBeGreaterThan(volumeBytes - 400_000);
    expect(await content([...files].reverse())).toEqual(data.map(sha));
    expect(readdirSync(dir).filter((n) => n.includes('partial'))).toEqual([]);
  });

  it('names missing, damaged and foreign volumes', async () => {
    const files = await make([randomBytes(7_000_000)]);
    const missing = await openSets(files.filter((_, i) => i !== 1));
    expect(missing.sets[0]?.missing).toEqual(['CDrec-2026.01.01_2']);
    const noLast = await openSets(files.slice(0, -1));
    expect(noLast.sets[0]?.missing[0]).toContain('CDrec-2026.01.01_3');
    // A volume alone: what is not there is said, what is there is sound.
    const lone = await openSets(files.slice(0, 1));
    const findings = await verifySet(lone.sets[0] as OpenSet);
    expect(findings).toEqual([{ volume: expect.stringContaining('_2') as string, file: '', problem: 'missing' }]);
    for (const s of [...missing.sets, ...noLast.sets, ...lone.sets]) await s.close();
    // What lies on others is whole.
    const three = await make([randomBytes(1_000_000), randomBytes(4_500_000), randomBytes(1000)], { label: 'CDrec-three' });
    expect(three.length).toBe(3);
    const [set] = (await openSets([three[0] as string, three[2] as string])).sets as [OpenSet];
    const lies = (name: string) => (a: { name: string }): boolean => a.name === name;
    const names = set.manifest.archives.map((a) => a.name);
    expect(names.map((n) => missingFor(set, lies(n)))).toEqual([[], ['CDrec-three_2'], []]);
    expect(await verifySet(set, undefined, lies(names[0] as string))).toEqual([]);
    expect(await verifySet(set, undefined, lies(names[1] as string))).toEqual([{ volume: 'CDrec-three_2', file: '', problem: 'missing' }]);
    await set.close();
    const [cut] = (await openSets(three.slice(0, 2))).sets as [OpenSet];
    expect(missingFor(cut, () => false)).toEqual([expect.stringContaining('CDrec-three_3')]);
    await cut.close();
    const damaged = readFileSync(files[1] as string);
    damaged[1_000_000] = (damaged[1_000_000] as number) ^ 1;
    writeFileSync(files[1] as string, damaged);
    const { sets } = await openSets(files);
    expect(await verifySet(sets[0] as (typeof sets)[0])).toEqual([expect.objectContaining({ problem: expect.stringContaining('CDrec-2026.01.01_2') as string })]);
    for (const s of sets) await s.close();
    // Volumes of an archive that is not whole are read as far as they are there, and one bad piece does not hide the next one.
    const [alone] = (await openSets(files.slice(1, 2))).sets as [OpenSet];
    expect((await verifySet(alone)).map((f) => [f.volume, f.problem])).toEqual([['CDrec-2026.01.01_1', 'missing'], [expect.stringContaining('_3'), 'missing'], ['CDrec-2026.01.01_2', expect.stringContaining('is damaged')]]);
    await alone.close();
    const last = readFileSync(files[2] as string);
    last[500_000] = (last[500_000] as number) ^ 1;
    writeFileSync(files[2] as string, last);
    const [both] = (await openSets(files)).sets as [OpenSet];
    expect((await verifySet(both)).map((f) => f.volume)).toEqual(['CDrec-2026.01.01_2', 'CDrec-2026.01.01_3']);
    await both.close();
    writeFileSync(join(dir, 'no.iso'), 'x'.repeat(100_000));
    expect((await openSets([join(dir, 'no.iso'), join(dir, 'gone.iso')])).others.map((o) => o.reason)).toEqual(['no ISO image', 'no such file']);
  });

  it('is verified from one drive with each disc put in once', async () => {
    const files = await make([randomBytes(4_000_000), randomBytes(3_000_000), randomBytes(1000)]);
    expect(files.length).toBe(4);
    const drive = join(dir, 'drive');
    copyFileSync(files[0] as string, drive);
    const wanted: number[] = [];
    const insert = (_label: string, n: number): Promise<void> => {
      wanted.push(n);
      rmSync(drive);
      copyFileSync(files[(n === 0 ? files.length : n) - 1] as string, drive);
      return Promise.resolve();
    };
    const set = await openDiscSet((await openSets([drive])).sets[0] as OpenSet, { drive, insert });
    expect(await verifySet(set)).toEqual([]);
    expect(wanted).toEqual([0, 1, 2, 3, 4]);
    await set.close();
  });

  it('leaves nothing behind when it is aborted, refuses what exists and what is too small', async () => {
    const writer = await IsoSetWriter.begin({ ...header, mode: 'iso', directory: dir, volumeBytes, boot: {}, populate: () => undefined });
    await writer.addArchive(meta('a'), chunks(randomBytes(5_000_000)), ended);
    await writer.abort();
    expect(readdirSync(dir)).toEqual([]);
    await make([]);
    await expect(make([])).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    renameSync(join(dir, 'CDrec-2026.01.01_1.iso'), join(dir, 'CDrec-2026.01.01_12.iso'));
    await expect(make([])).rejects.toMatchObject({ code: 'OUTPUT_EXISTS', message: expect.stringContaining('_12.iso') as string });
    renameSync(join(dir, 'CDrec-2026.01.01_12.iso'), join(dir, 'CDrec-2026.01.01_1.iso'));
    await expect(make([], { overwrite: true, volumeBytes: 600_000 })).rejects.toMatchObject({ code: 'VOLUME_TOO_SMALL' });
    expect(readdirSync(dir)).toEqual(['CDrec-2026.01.01_1.iso']);
  });

  it('can be a directory with archives beside a rescue ISO', async () => {
    const data = randomBytes(3_000_000);
    // What a killed build of the same label left.
    mkdirSync(join(dir, `.${header.label}.partial/backup`), { recursive: true });
    for (const n of ['a0.tar', 'old.tar']) writeFileSync(join(dir, `.${header.label}.partial/backup`, n), 'half');
    const writer = await PathSetWriter.begin({ ...header, mode: 'path', directory: dir, volumeBytes: 1e9, boot: {}, populate: () => undefined });
    await writer.addArchive(meta('a0.tar'), chunks(data), ended);
    await writer.finish();
    const set = join(dir, header.label);
    expect(readdirSync(join(set, 'backup'))).toEqual(['a0.tar']);
    expect(await content([join(set, `${header.label}_1.iso`), set])).toEqual([sha(data)]);
  });

  it('has archives in pieces where files have a largest size; by hand they are glued', async () => {
    const [fits, exact, cut] = [randomBytes(70_000), randomBytes(200_000), randomBytes(450_001)];
    const writer = await PathSetWriter.begin({ ...header, mode: 'path', directory: dir, volumeBytes: 1e9, maxFileBytes: 100_000, boot: {}, populate: () => undefined });
    for (const [name, data] of [['a.tar', fits], ['b.tar', exact], ['c.tar', cut]] as const) await writer.addArchive(meta(name), chunks(data), ended);
    const { files } = await writer.finish();
    const set = join(dir, header.label);
    const names = ['a.tar', 'b.tar.001', 'b.tar.002', 'c.tar.001', 'c.tar.002', 'c.tar.003', 'c.tar.004', 'c.tar.005'];
    expect(readdirSync(join(set, 'backup'))).toEqual(names);
    expect(files.slice(1)).toEqual(names.map((n) => ({ path: join(set, 'backup', n), bytes: statSync(join(set, 'backup', n)).size })));
    expect(Math.max(...files.slice(1).map((f) => f.bytes))).toBe(100_000);
    expect(await content([set])).toEqual([sha(fits), sha(exact), sha(cut)]);
    execFileSync('cksfv', ['-q', '-g', join(set, 'Checksums.sfv')]);
    expect(sha(execFileSync('bash', ['-c', 'cat "$1"*', 'glue', join(set, 'backup/c.tar')]))).toBe(sha(cut));
    rmSync(join(set, 'backup/c.tar.003'));
    const { sets } = await openSets([set]);
    expect((await verifySet(sets[0] as OpenSet)).map((p) => p.file)).toEqual(['backup/c.tar.003']);
    await sets[0]?.close();
  });

  it('is restored although an index is damaged; verify tells', async () => {
    const writer = await PathSetWriter.begin({ ...header, mode: 'path', directory: dir, volumeBytes: 1e9, boot: {}, populate: () => undefined });
    await writer.addArchive(meta('a.tar'), chunks(randomBytes(1000)), ended);
    await writer.addArchive({ ...meta('a.index'), kind: 'index' }, chunks(Buffer.from('./\n./x\n')), ended);
    await writer.finish();
    const set = join(dir, header.label);
    writeFileSync(join(set, 'backup/a.index'), './\n./y\n');
    const { sets } = await openSets([join(set, `${header.label}_1.iso`), set]);
    expect(await verifySet(sets[0] as OpenSet, undefined, (a) => a.kind !== 'index')).toEqual([]);
    expect(await verifySet(sets[0] as OpenSet)).toEqual([expect.objectContaining({ file: 'backup/a.index' })]);
    await sets[0]?.close();
  });
});
