import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyFlags, executePlan, planRestore, prepareFlags } from '@cdrec/restore';
import type { Survey } from '@cdrec/survey';

/** Inode flags of a btrfs come back, also those that only an empty file takes; lsattr is the judge. */
let dir: string;
const loops: string[] = [];
const sh = (command: string): string => execFileSync('bash', ['-ec', `cd ${dir}\n${command}`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
const attach = (image: string): string => {
  const loop = sh(`losetup --find --show ${image}`).trim();
  loops.push(loop);
  return loop;
};
/** Flags, link count, times and content of everything. */
const state = (mount: string): string => sh(`cd ${mount}; find . -mindepth 1 -printf '%y %m %U %n %T@ %p\\n' | sort -k 6; lsattr -R . 2> /dev/null | grep -v '^$' | sort -k 2; find . -type f -print0 | sort -z | xargs -0 sha256sum; getfattr -d -m - 'vm/a copied one' 'alone/swapped in' quick quick/q packed`);

beforeAll(() => { dir = mkdtempSync('/var/tmp/cdrec-flags-'); });
afterAll(() => {
  sh('umount old new 2> /dev/null || true');
  for (const loop of loops) sh(`losetup --detach ${loop}`);
  rmSync(dir, { recursive: true, force: true });
});

describe('inode flags of btrfs', () => {
  it('no copy on write, of directories and of single files; compression, no dump, immutable', async () => {
    sh('truncate -s 400M old.img new.img; mkdir old new');
    const old = attach('old.img');
    sh(`mkfs.btrfs -q ${old}; mount ${old} old; cd old; mkdir -p vm/deep alone packed; chattr +C vm; chattr +c packed
head -c 3M /dev/urandom > 'vm/a copied one'; setfattr -n user.x -v y 'vm/a copied one'; mkdir vm/later; echo x > vm/later/f; chattr +C vm/deep; head -c 1M /dev/urandom > vm/deep/disk
touch 'alone/swapped in'; chattr +C 'alone/swapped in'; head -c 2M /dev/urandom > 'alone/swapped in'; chmod 640 'alone/swapped in'; chown 7:8 'alone/swapped in'; setfattr -n user.x -v z 'alone/swapped in'
touch alone/linked; chattr +C alone/linked; echo y > alone/linked; ln alone/linked alone/link
echo z > packed/z; mkdir quick; btrfs property set quick compression zstd; head -c 20000 /dev/zero > quick/q; echo d > nodump; chattr +d nodump; echo i > fixed; touch -d '2001-01-01 01:01:01.123456789' vm alone`);
    const before = state('old');
    sh(`cd old; chattr +i fixed; tar --format=posix --xattrs --xattrs-include='*' -b 128 -cf ../set.tar .
find . -type d -printf '%p/\\0' -o -type f -print0 | xargs -0 lsattr -d | grep '^[^ ]*[a-zA-Z]' > ../set.flags; chattr -i fixed`);
    const device = attach('new.img');
    const disk = { device, model: '', serial: '', wwn: '', transport: '', bytes: 400 * 2 ** 20, sectorBytes: 512, used: true, links: [] };
    const fs = { device, disk: device, partition: 0, type: 'btrfs', uuid: '0cdecf1a-e000-4000-8000-000000000001', label: '', bytes: disk.bytes, usedBytes: 1, mount: '/', options: '', subvolume: '', parameters: {} };
    const layer = { type: 'btrfs', device, devices: [device], uuid: fs.uuid, label: '', data: 'single', metadata: 'dup', nodeBytes: 16384, sectorBytes: 4096, checksum: 'crc32c', subvolumes: [], defaultSubvolume: '' };
    const survey = { disks: [disk], fileSystems: [fs], layers: [layer], swaps: [], swapFiles: [], images: [], modules: [], boot: { loaders: [], entries: [], commandLine: '' }, host: { name: '', osId: '' } } as unknown as Survey;
    const archive = (name: string, kind: 'tar' | 'flags') => ({ name, kind, device, mount: '/', compress: 'none' as const, contentBytes: statSync(join(dir, name)).size });
    const whole = planRestore({ survey, assignments: [{ source: disk, rule: 'named by you', target: { ...disk, content: '', refusal: undefined, onlyByName: true } }], archives: [archive('set.flags', 'flags'), archive('set.tar', 'tar')] });
    const { remarks } = await executePlan({ ...whole, steps: whole.steps.filter((s) => s.kind !== 'adapt') }, { openArchive: (name) => createReadStream(join(dir, name)), journal: join(dir, 'journal'), work: join(dir, 'work'), path: '/usr/sbin:/usr/bin:/sbin:/bin', uefi: false });
    sh(`mount ${device} new`);
    expect(sh('lsattr -d new/fixed')).toMatch(/^-+i/);
    sh('chattr -i new/fixed');
    // A file with two names cannot be written again under one of them: that is said.
    expect([...remarks].sort()).toEqual(['inode flags: C: ./alone/link could not be set in /', 'inode flags: C: ./alone/linked could not be set in /']);
    const after = state('new');
    const lines = (text: string): string[] => text.split('\n').filter((l) => !/alone\/link|(dev|proc|sys|run):?$|\/$/.test(l));
    expect(lines(after)).toEqual(lines(before));
  });
});

describe('projects of files on xfs', () => {
  it('come back with the flags, of lists with and without them', () => {
    sh('truncate -s 400M x.img; mkfs.xfs -q x.img; mkdir x');
    const device = attach('x.img');
    try {
      sh(`mount ${device} x; mkdir -p 'x/4711 d'; echo a > 'x/4711 d/0 f'; echo b > x/none; echo c > x/fixed`);
      const list = "123456 ---------------P-- ./4711 d/\n123456 ------------------ ./4711 d/0 f\n----i------------- ./fixed\n99 ----i------------- ./gone\n99 ---- ./none\n";
      for (const stage of [prepareFlags(join(dir, 'x')), applyFlags(join(dir, 'x'))]) expect(execFileSync(stage.program, stage.args, { input: list, encoding: 'utf8' })).toBe('');
      expect(sh("lsattr -pd 'x/4711 d' 'x/4711 d/0 f' x/none x/fixed").replace(/-+/g, '-').replace(/^ +/gm, '')).toBe('123456 -P- x/4711 d\n123456 - x/4711 d/0 f\n99 - x/none\n0 -i- x/fixed\n');
      expect(sh('find x -mindepth 1 | sort')).toBe('x/4711 d\nx/4711 d/0 f\nx/fixed\nx/none\n');
    } finally {
      sh('chattr -i x/fixed; umount x');
    }
  });
});
