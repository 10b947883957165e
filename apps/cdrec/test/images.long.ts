import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, withMounts } from '@cdrec/rehearse';
import { cdrec, inMachine, MACHINE_ENV, makeMachine, run } from './machine.ts';

/** Devices that are saved block by block: NTFS by ntfsclone, ext4 that nobody mounts by partclone, what nothing knows by dd. */
let dir: string;
let machine: string;
const sh = (command: string, ...args: string[]): string => execFileSync('bash', ['-ec', command, 'sh', ...args], { encoding: 'utf8', cwd: dir });
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-images-');
  machine = await makeMachine(dir, true);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('backup.images', () => {
  it('come back as they were; a device that is written to is refused', async () => {
    for (const d of ['out', 'mnt']) mkdirSync(join(dir, d));
    // One disk of three partitions: NTFS with content, data that no program knows, half of it zeros, and a file system that is mounted nowhere.
    sh('truncate -s 160M windows.img; truncate -s 170M t1.img; truncate -s 2G t0.img; printf "label: dos\\nlabel-id: 0xcdec0077\\nsize=60M,type=7\\nsize=40M,type=da\\nsize=40M,type=83\\n" | sfdisk -q windows.img');
    const windows = await attachImage(join(dir, 'windows.img'));
    const [ntfs, raw, ext4] = [windows.partition(1), windows.partition(2), windows.partition(3)];
    sh('mkfs.ntfs -Q -q -L WINDOWS "$1" > /dev/null; mount -t ntfs-3g "$1" mnt; cp -r /usr/share/common-licenses mnt/; umount mnt; dd if=/dev/urandom of="$2" bs=1M count=15 seek=5 status=none; mkfs.ext4 -q -L ASIDE -d /usr/share/common-licenses "$3"', ntfs, raw, ext4);
    const before = sh('sha256sum < "$1"', raw);
    let source = '';
    await inMachine(machine, dir, [[join(dir, 'out'), 'mnt']], async (root, kernel) => {
      source = execFileSync('findmnt', ['-no', 'SOURCE', root], { encoding: 'utf8' }).trim().replace(/p\d+$/, '');
      const build = (...more: string[]): ReturnType<typeof run> => run('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt', ...more], MACHINE_ENV);
      const config = (devices: readonly string[]): void => { writeFileSync(join(dir, 'out/c.toml'), `[backup]\nimages = ${JSON.stringify(devices)}\nonly_mounts = ["/"]\n[output]\nrecovery_percent = 5\n`); };
      config(['/dev/nonsense']);
      const wrong = await build('--config', '/mnt/c.toml');
      expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('/dev/nonsense: device of backup.images: it is no block device')]);
      config([ntfs, raw, ext4]);
      await withMounts([['-t', 'ntfs-3g', ntfs, join(root, 'media')]], async () => {
        const mounted = await build('--config', '/mnt/c.toml');
        expect([mounted.status, mounted.stderr]).toEqual([1, expect.stringContaining(`DEVICE_MOUNTED: ${ntfs} is mounted on /media`)]);
      });
      const dry = await build('--config', '/mnt/c.toml', '--dry-run');
      expect(dry.stdout).toMatch(/ntfs\.img\.zst {2}image by ntfsclone[^]*\.img\.zst {2}image by dd[^]*\.img\.zst {2}image by partclone\.ext4/);
      // tar knows nothing of inode flags.
      sh('echo fast > "$1/srv/immutable"; mkdir "$1/srv/no dump"; chattr +i "$1/srv/immutable"; chattr +dA "$1/srv/no dump"', root);
      const r = await build('--config', '/mnt/c.toml');
      sh('chattr -i "$1/srv/immutable"', root);
      expect(r.status, r.stderr).toBe(0);
    });
    await windows[Symbol.asyncDispose]();
    expect(readdirSync(join(dir, 'out')).filter((n) => n.endsWith('.iso'))).toHaveLength(1);
    const iso = readdirSync(join(dir, 'out')).filter((n) => n.endsWith('.iso')).map((n) => join(dir, 'out', n));
    // A scratch of 4 MiB: verify names it, par2 mends it.
    expect(readdirSync(join(dir, 'out')).filter((n) => n.endsWith('.par2'))).toHaveLength(2);
    sh('dd if=/dev/zero of="$1" bs=1M seek=100 count=4 conv=notrunc status=none', iso[0] as string);
    expect((await cdrec('verify', ...iso)).status).toBe(1);
    sh('par2 repair -q -q "$1.par2"', iso[0] as string);
    expect((await cdrec('verify', ...iso)).status).toBe(0);
    await using t0 = await attachImage(join(dir, 't0.img'));
    await using t1 = await attachImage(join(dir, 't1.img'));
    // What lay on the new disk must not be seen where the old one had zeros.
    sh('dd if=/dev/urandom of="$1" bs=1M count=160 status=none', t1.device);
    const r = await cdrec('restore', ...iso, '--disk', `${source}=${t0.device}`, '--disk', `${windows.device}=${t1.device}`, '--yes', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'));
    expect(r.status, r.stderr).toBe(0);
    expect(sh('mount -o ro "$1" mnt; cat mnt/srv/immutable; lsattr -d mnt/srv/immutable "mnt/srv/no dump" | tr -d e-; umount mnt', t0.partition(1))).toBe('fast\ni mnt/srv/immutabl\ndA mnt/srv/no dump\n');
    expect(sh('sha256sum < "$1"', t1.partition(2))).toBe(before);
    expect(sh('ntfsfix -n "$1" > /dev/null; mount -t ntfs-3g -o ro "$1" mnt; diff -r /usr/share/common-licenses mnt/common-licenses; umount mnt; blkid -p -o value -s LABEL "$1"', t1.partition(1)).trim()).toBe('WINDOWS');
    expect(sh('e2fsck -fn "$1" > /dev/null 2>&1; mount -o ro "$1" mnt; diff -r -x lost+found /usr/share/common-licenses mnt; umount mnt; blkid -p -o value -s LABEL "$1"', t1.partition(3)).trim()).toBe('ASIDE');
    expect(readFileSync(t1.device).subarray(440, 444).readUInt32LE()).toBe(0xcdec0077);
  });
});
