import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTar, planBackup } from '@cdrec/backup';
import { compareTrees, plantTorture } from '@cdrec/rehearse';
import { extract } from '@cdrec/restore';
import { checkIdentity, COMPRESSORS, type Compressor } from '@cdrec/tool';
import { IsoSetWriter, openSets, PathSetWriter, verifySet, type Archive } from '@cdrec/volumes';

/** A tree of everything that is hard to keep, through every way it can be stored in. */
let dir: string;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const sh = (command: string): string => execFileSync('bash', ['-c', command], { encoding: 'utf8', cwd: dir });
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-hard-');
  sh('truncate -s 10G source.img && mkfs.ext4 -q -F source.img && mkdir source target && mount -o loop source.img source');
  await plantTorture(join(dir, 'source'), true);
  // Enough content for several volumes, whatever the compressor.
  sh('dd if=/dev/urandom of=source/noise bs=1M count=24 status=none');
});
afterAll(() => {
  sh('umount target 2> /dev/null; umount source');
  rmSync(dir, { recursive: true, force: true });
});

async function throughSet(compress: Compressor, kind: 'iso' | 'path', key?: { identity: string; recipient: string }): Promise<{ archive: Archive; notes: readonly string[]; volumes: number }> {
  const source = join(dir, 'source');
  const survey = { fileSystems: [{ device: '/dev/sdx1', mount: source, type: 'ext4', uuid: 'u', usedBytes: 1 }], layers: [], images: [] };
  const [item] = planBackup(survey as never, { compress, threads: 0, recipients: key === undefined ? [] : [key.recipient], rules: { exclude: [], include: [] }, path: PATH });
  if (item === undefined) throw new Error('nothing planned');
  const out = join(dir, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  const options = { setId: '11111111-2222-4333-8444-555555555555', label: 'hard', created: 0, host: 'h', directory: out, boot: {}, populate: () => undefined, volumeBytes: kind === 'iso' ? 10 << 20 : Number.MAX_SAFE_INTEGER };
  const writer = kind === 'iso' ? await IsoSetWriter.begin({ ...options, mode: 'iso' }) : await PathSetWriter.begin({ ...options, mode: 'path' });
  const tar = openTar(item.arguments, item.filters, 'source', source);
  let notes: readonly string[] = [];
  const archive = await writer.addArchive(item.meta, tar.stream, async () => {
    const verdict = await tar.ended();
    ({ notes } = verdict);
    expect(verdict.exceptions).toEqual([]);
    return verdict;
  });
  const { files } = await writer.finish();
  const places = kind === 'iso' ? files.map((f) => f.path).reverse() : [join(out, 'hard')];
  const { sets: [set] } = await openSets(places);
  if (set === undefined) throw new Error('no set');
  expect(await verifySet(set)).toEqual([]);
  sh('rm -f target.img && truncate -s 10G target.img && mkfs.ext4 -q -F target.img && mount -o loop target.img target');
  try {
    await extract(set.read(archive), { directory: join(dir, 'target'), fsType: 'ext4', compress, encrypt: archive.encrypt, identity: key?.identity, path: PATH, what: 'source', contentBytes: archive.contentBytes });
    const { differences, entries } = await compareTrees(source, join(dir, 'target'));
    expect(entries).toBeGreaterThan(340);
    expect(differences).toEqual(['./torture/socket: only in the original']);
  } finally {
    sh('umount target');
    await set.close();
  }
  return { archive, notes, volumes: places.length };
}

describe('a tree of hard cases', () => {
  it.each(COMPRESSORS)('comes back identical through %s and volumes; the socket is skipped by name', async (compress) => {
    const { notes, volumes } = await throughSet(compress, 'iso');
    expect(notes).toEqual(['./torture/socket: socket ignored']);
    expect(volumes).toBeGreaterThanOrEqual(3);
  });

  it.each(['zstd', 'none'] as const)('comes back identical through %s and a path', async (compress) => {
    await throughSet(compress, 'path');
  });

  it('comes back identical through encryption; a wrong key is told at once, and the stream is no tar', async () => {
    const keys = [1, 2].map(() => {
      const text = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return { identity: text, recipient: /public key: (\S+)/.exec(text)?.[1] as string };
    });
    const [right, wrong] = keys as [(typeof keys)[0], (typeof keys)[0]];
    for (const kind of ['iso', 'path'] as const) {
      const { archive } = await throughSet('zstd', kind, right);
      expect(archive.name).toMatch(/\.tar\.zst\.age$/);
    }
    const { sets: [set] } = await openSets([join(dir, 'out/hard')]);
    const archive = set?.manifest.archives[0] as Archive;
    const begin: Uint8Array[] = [];
    for await (const chunk of set?.read(archive) as AsyncGenerator<Uint8Array>) {
      begin.push(chunk);
      if (begin.length > 2) break;
    }
    await checkIdentity(Buffer.concat(begin), right.identity);
    await expect(checkIdentity(Buffer.concat(begin), wrong.identity)).rejects.toMatchObject({ code: 'KEY_WRONG', message: expect.stringContaining('no identity matched') as string });
    await set?.close();
  });
});
