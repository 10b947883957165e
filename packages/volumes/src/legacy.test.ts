import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLegacySet } from './index.ts';

const dir = mkdtempSync(join(tmpdir(), 'cdrec-legacy-'));
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
const sh = (command: string): string => execFileSync('bash', ['-c', command], { cwd: dir, encoding: 'utf8' });
const read = async (set: NonNullable<Awaited<ReturnType<typeof openLegacySet>>>, mount: string): Promise<Buffer> => {
  const parts: Uint8Array[] = [];
  for await (const chunk of set.read(set.manifest.archives.find((a) => a.mount === mount) ?? (undefined as never))) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
};

describe('a set of mkCDrec 1.x', () => {
  it('is put together from volumes, continuations and parts, and compared with its checksums', async () => {
    mkdirSync(join(dir, 'files/usr/share'), { recursive: true });
    writeFileSync(join(dir, 'files/usr/share/x'), Buffer.alloc(300_000, 'cdrec '));
    writeFileSync(join(dir, 'files/noise'), Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 251)));
    // What tar-it wrote: one archive over two volumes, one cut into parts by the workaround for 2 GiB.
    sh(`mkdir v1 v2; tar -C files -cz . > a.gz; tar -C files/usr -cj . > b.bz2
      head -c 2000 a.gz > v1/hda1._.tar.gz_; tail -c +2001 a.gz > v2/hda1._.tar.gz
      : > v2/hda3._usr_local.tar.bz2; split -b 150 -d -a 1 b.bz2 v2/hda3._usr_local.tar.bz2.part
      : > v1/CDrec-01.02.2005_1; : > v2/CDrec-01.02.2005_2; : > v2/LAST_CD
      for v in v1 v2; do (cd $v; md5sum ./hda* > Checksums.md5); done
      xorriso -as mkisofs -quiet -R -o v1.iso v1 2> /dev/null; xorriso -as mkisofs -quiet -R -o v2.iso v2 2> /dev/null`);
    for (const places of [['v2.iso', 'v1.iso'], ['v1', 'v2']]) {
      const set = await openLegacySet(places.map((p) => join(dir, p)));
      if (set === undefined) throw new Error('not found');
      expect([set.label, set.missing, set.manifest.archives.map((a) => [a.mount, a.device, a.compress])]).toEqual(['CDrec-01.02.2005', [], [['/', '/dev/hda1', 'gzip'], ['/usr/local', '/dev/hda3', 'bzip2']]]);
      expect((await read(set, '/')).equals(readFileSync(join(dir, 'a.gz')))).toBe(true);
      expect((await read(set, '/usr/local')).equals(readFileSync(join(dir, 'b.bz2')))).toBe(true);
      await set.close();
    }
    const half = await openLegacySet([join(dir, 'v1.iso')]);
    expect(half?.missing).toEqual(['the volume on which hda1._.tar.gz goes on']);
    await half?.close();
    sh('printf X | dd of=v1/hda1._.tar.gz_ bs=1 seek=99 conv=notrunc status=none');
    const damaged = await openLegacySet([join(dir, 'v1'), join(dir, 'v2')]);
    if (damaged === undefined) throw new Error('not found');
    await expect(read(damaged, '/')).rejects.toThrow(/hda1._.tar.gz_ is damaged/);
    expect(await openLegacySet([join(dir, 'files')])).toBeUndefined();
  });
});
