import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResticEngine, type Saved, type TreeSubject } from '@cdrec/engine';

/** The real restic, with a repository in a directory. */
const bin = fileURLToPath(new URL('../../../.cache/bin', import.meta.url));
let dir: string;
let saved: Saved;
const subject = { setId: '00000000-0000-4000-8000-000000000001', label: 'L', host: 'h', name: 'sda1._.tar', mount: '/' };
const tree = (over: Partial<TreeSubject> = {}): TreeSubject => ({ ...subject, view: join(dir, 'view'), exclude: ['./tmp/*'], include: [], ...over });
const engine = (password = 'x', location = join(dir, 'repository')): ResticEngine => new ResticEngine({ access: { location, password, environment: {} }, path: bin, patience: 10_000, cache: join(dir, 'cache') });
async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const t of texts) yield await Promise.resolve(Buffer.from(t));
}
const snapshots = (): number => (JSON.parse(execFileSync(join(bin, 'restic'), ['-r', join(dir, 'repository'), 'snapshots', '--json'], { env: { ...process.env, RESTIC_PASSWORD: 'x' }, encoding: 'utf8' })) as unknown[]).length;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cdrec-restic-'));
  const view = join(dir, 'view');
  mkdirSync(join(view, 'tmp'), { recursive: true });
  execFileSync('bash', ['-ec', `cd ${view}; chmod 751 .; echo hi > a; ln a b; ln -s a l; mkfifo f; mknod n c 1 3; mknod s b 7 300; echo junk > tmp/junk; setfattr -n user.k=v -v z a; setfattr -n trusted.t -v 1 a
touch 'new
line' 'star*[x]?' -- -dash; truncate -s 3M sparse; echo end >> sparse; cp /bin/true suid; chmod 4755 suid; chown 1234:5678 suid; setcap cap_net_raw=ep b || true; setfacl -m u:77:rw sparse; touch -d '1965-03-04 05:06:07.123456789Z' old; mkdir deep; chmod 2775 deep; : > deep/empty`]);
  await expect(engine().connect()).rejects.toMatchObject({ code: 'REPOSITORY_MISSING' });
  await engine().initialize();
});
afterAll(() => { rmSync(dir, { recursive: true }); });

describe('restic', () => {
  it('saves a tree from wherever it is seen, with what was left out left out', async () => {
    const files: string[] = [];
    saved = await engine().saveTree(tree(), { onFile: (f) => files.push(f) });
    expect([saved.exceptions, saved.reference.engine, saved.contentBytes > 3e6, saved.bytes > 0]).toEqual([[], 'restic', true, true]);
    const paths: string[] = [];
    await engine().listTree(saved.reference, (p) => paths.push(p));
    expect(paths).toContain('./deep/empty');
    expect(paths).toContain('./tmp');
    expect(paths).not.toContain('./tmp/junk');
  });

  it('brings it back as it was: owners, modes, times, devices, attributes, links, holes, strange names', async () => {
    const target = join(dir, 'target');
    mkdirSync(target);
    await engine().restoreTree(saved.reference, target, []);
    const list = (root: string): string => execFileSync('bash', ['-c', `cd ${root} && find . -path './tmp/*' -prune -o -printf '%P %y %m %U %G %s %T@ %l %n\\n' | LC_ALL=C sort; getfattr -R -h -d -m - . 2> /dev/null | LC_ALL=C sort; stat -c '%t:%T' n s`], { encoding: 'utf8' }).replace(/^( d 751 \d+ \d+ \d+) \S+/m, '$1').replace(/^(tmp d .*?) [\d.]+ {2}/m, '$1 ');
    expect(list(target)).toBe(list(join(dir, 'view')));
    expect(statSync(join(target, 'sparse')).blocks).toBeLessThan(100);
    expect(await engine().compareTree(saved.reference, target, true)).toEqual({ entries: 16, differences: [] });
    writeFileSync(join(target, 'suid'), 'another');
    expect((await engine().compareTree(saved.reference, target, true)).differences).toContain('./suid: Size differs');
  });

  it('brings single files back, by names that look like patterns', async () => {
    const target = join(dir, 'single');
    mkdirSync(target);
    await engine().restoreTree(saved.reference, target, ['./star*[x]?', './deep']);
    expect(readdirSync(target).sort()).toEqual(['deep', 'star*[x]?']);
  });

  it('a second snapshot adds next to nothing; a file that cannot be read is an exception', async () => {
    const again = await engine().saveTree(tree({ view: join(dir, 'view') }));
    expect(again.bytes).toBeLessThan(5000);
    const some = await engine().saveTree(tree({ include: ['./a', './gone'] }));
    expect(some.exceptions).toEqual([expect.stringContaining('./gone')]);
  });

  it('a stream comes back as it was; one that does not end well leaves no snapshot', async () => {
    const before = snapshots();
    await expect(engine().saveStream({ ...subject, name: 'bad.img' }, chunks('a', 'b'), () => Promise.reject(new Error('the image is not complete')))).rejects.toThrow('not complete');
    expect(snapshots()).toBe(before);
    const stream = await engine().saveStream({ ...subject, name: 'good.img' }, chunks('abc', 'def'), () => Promise.resolve());
    let text = '';
    for await (const c of engine().readStream(stream.reference)) text += Buffer.from(c).toString();
    expect([text, stream.contentBytes, await engine().verify([stream.reference, saved.reference])]).toEqual(['abcdef', 6, []]);
  });

  it('errors have their codes', async () => {
    await expect(engine('wrong').connect()).rejects.toMatchObject({ code: 'REPOSITORY_PASSWORD' });
    await expect(engine('x', join(dir, 'none')).connect()).rejects.toMatchObject({ code: 'REPOSITORY_MISSING' });
    expect(await engine().verify([{ ...saved.reference, id: '0'.repeat(64) }])).toEqual([expect.stringContaining('is not in the repository')]);
    const signal = AbortSignal.abort();
    await expect(engine().connect({ signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('tells what sets there are, and what was said of them', async () => {
    const repository = engine();
    await repository.saveDocument({ ...subject, macs: ['52:54:00:AA:bb:cc'] }, '{"format":1}');
    await repository.saveFact({ host: 'h', setId: subject.setId, kind: 'rehearsal', value: 'PASS' });
    const { sets, facts } = await repository.overview();
    expect(sets.map((s) => [s.host, s.label, s.setId, s.macs, s.contentBytes > 6e6])).toEqual([['h', 'L', subject.setId, ['52:54:00:aa:bb:cc'], true]]);
    expect(facts.map((f) => [f.kind, f.value])).toEqual([['rehearsal', 'PASS']]);
    expect(await repository.readDocument(sets[0] as NonNullable<(typeof sets)[0]>)).toBe('{"format":1}');
    expect(readFileSync(join(dir, 'repository/config')).length).toBeGreaterThan(0);
  });
});
