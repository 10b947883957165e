import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withMount } from '@cdrec/restore';
import { makeBtrfs } from '../src/btrfs-alone.ts';
import { withSystem } from '../src/mounts.ts';

/** A btrfs is restored beside the old disk, which has the same UUID: the kernel would take one for the other. */
const UUID = '0cdecb7f-0000-4000-8000-000000000001';
let dir: string;
/** Both disks of the old one, and of the new one. */
let [old1, old2, new1, new2]: string[] = [];
const sh = (command: string): string => execFileSync('bash', ['-ec', command], { encoding: 'utf8', cwd: dir });
const sums = (): string => sh('sync; sha256sum old?.img');
beforeAll(() => {
  dir = mkdtempSync('/var/tmp/cdrec-twins-');
  sh('truncate -s 200M old1.img old2.img new1.img new2.img; mkdir m root');
  [old1, old2, new1, new2] = ['old1', 'old2', 'new1', 'new2'].map((n) => sh(`losetup --find --show ${n}.img`).trim());
  // Of a higher generation than anything new: what was in use for years.
  sh(`mkfs.btrfs -q -U ${UUID} -L old -d raid1 -m raid1 ${String(old1)} ${String(old2)}; mount -t btrfs -o device=${String(old2)} ${String(old1)} m; for i in 1 2 3 4 5 6; do echo $i > m/old-file; sync; done; umount m`);
});
afterAll(() => {
  sh(`losetup --detach ${[old1, old2, new1, new2].join(' ')}; btrfs device scan --forget || true`);
  rmSync(dir, { recursive: true, force: true });
});

describe('a btrfs beside an old one of the same UUID', () => {
  it('is made, and the old disks are neither mounted for it nor written to', async () => {
    const before = sums();
    await makeBtrfs(['--quiet', '--force', '--uuid', UUID, '--label', 'new', '--data', 'raid1', '--metadata', 'raid1', new1 as string, new2 as string]);
    expect(sh(`blkid -p -o value -s UUID -s LABEL ${String(new1)}`)).toBe(`new\n${UUID}\n`);
    // As udev does when the rescue system has been started again.
    const seen = (): string => sh(`btrfs device scan ${[old1, old2, new1, new2].join(' ')} > /dev/null 2>&1 || true`);
    const place = { device: new1 as string, type: 'btrfs' as const, options: `device=${String(new1)},device=${String(new2)}` };
    seen();
    await withMount(place, join(dir, 'm'), () => {
      expect(sh('ls m')).toBe('');
      writeFileSync(join(dir, 'm/new-file'), 'new');
      return Promise.resolve();
    });
    seen();
    await withSystem([{ ...place, mount: '/' }], join(dir, 'root'), () => {
      expect(sh('ls root')).toMatch(/^dev\nnew-file\nproc\n/);
      return Promise.resolve();
    });
    expect(sums()).toBe(before);
  });

  it('may lie on devices that nobody names, where it is taken as it is', async () => {
    sh(`btrfs device scan --forget; btrfs device scan ${String(new1)} ${String(new2)} > /dev/null`);
    expect(await withMount({ device: new2 as string, type: 'btrfs' }, join(dir, 'm'), () => Promise.resolve(sh('ls m')), false)).toContain('new-file');
    await expect(withMount({ device: new2 as string, type: 'btrfs' }, join(dir, 'm'), () => Promise.resolve())).rejects.toThrow(/mount/);
  });

  it('is not written to while the old one is mounted: the kernel takes them for one', async () => {
    sh(`mount -t btrfs -o device=${String(old2)} ${String(old1)} m; mkdir other`);
    try {
      await expect(withMount({ device: new1 as string, type: 'btrfs', options: `device=${String(new2)}` }, join(dir, 'other'), () => Promise.reject(new Error('written')))).rejects.toThrow(/"mount .*ended with status|same UUID/);
    } finally {
      sh('umount m; mountpoint -q other && umount other || true');
    }
  });
});
