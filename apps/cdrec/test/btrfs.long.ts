import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, compareTrees, plantTorture, withMounts } from '@cdrec/rehearse';
import { cdrec, CLI, inMachine, MACHINE_ENV, makeMachine, run } from './machine.ts';

/** A btrfs over two disks, with subvolumes, through build and restore; the kernel of this machine judges. */
let dir: string;
let machine: string;
const sh = (command: string, ...args: string[]): string => execFileSync('bash', ['-ec', command, 'sh', ...args], { encoding: 'utf8', cwd: dir });
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-btrfs-');
  machine = await makeMachine(dir, true);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

describe('btrfs', () => {
  it('comes back with its devices, profiles, subvolumes and their content; snapshots and foreign mounts do not', async () => {
    for (const d of ['out', 'top', 'a', 'b']) mkdirSync(join(dir, d));
    sh('truncate -s 400M one.img two.img; truncate -s 2G t0.img; truncate -s 450M t1.img t2.img');
    const one = await attachImage(join(dir, 'one.img'));
    const two = await attachImage(join(dir, 'two.img'));
    // The top with everything below it, what the superblock says, and a copy of the content.
    const look = (devices: readonly string[], to: string): string => sh('btrfs device scan "$1" "$2" > /dev/null; mount -o subvolid=5 "$1" top; btrfs subvolume list top | sed "s/.*path //" | sort; btrfs subvolume get-default top | sed "s/.*path //"; btrfs filesystem df top | sed "s/:.*//" | sort; btrfs inspect-internal dump-super "$1" | grep -E "^(csum_type|nodesize|fsid|label|num_devices)"; cp -a --sparse=always top/@home top/@data "$3"/; umount top', ...devices, to);
    sh('mkfs.btrfs -q -L pool -d raid0 -m raid1 -n 32768 --csum xxhash "$1" "$2"; mount "$1" top; for s in @home @data @data/inner @empty; do btrfs -q subvolume create "top/$s"; done; btrfs -q subvolume set-default top/@data', one.device, two.device);
    await plantTorture(join(dir, 'top/@home'));
    sh('cp -r /usr/share/common-licenses top/@data/inner/; echo plain > top/@data/file; btrfs -q subvolume snapshot -r top/@home top/@data/snapshot; umount top');
    let source = '';
    await inMachine(machine, dir, [[join(dir, 'out'), 'mnt']], async (root, kernel) => {
      source = execFileSync('findmnt', ['-no', 'SOURCE', root], { encoding: 'utf8' }).trim().replace(/p\d+$/, '');
      mkdirSync(join(root, 'data'));
      await withMounts([['-o', 'subvol=@home,compress=zstd', one.device, join(root, 'home')], ['-o', 'subvol=@data', one.device, join(root, 'data')]], async () => {
        const dry = await run('chroot', [root, 'cdrec', 'build', '--dry-run', '--mode', 'iso', '--json', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
        expect(dry.status, dry.stderr).toBe(0);
        const planned = JSON.parse(dry.stdout) as { archives: { mount: string }[]; leftOut: { what: string; why: string }[] };
        expect(planned.archives.map((a) => a.mount)).toEqual(['/', '/data', '/data/inner', '/home']);
        expect(planned.leftOut).toContainEqual(expect.objectContaining({ what: '@data/snapshot', why: expect.stringContaining('snapshot') as string }));
        const r = await run('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
        expect(r.status, r.stderr).toBe(0);
      });
    });
    const before = look([one.device, two.device], 'a');
    // The kernel must not know two file systems of one UUID.
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    const volumes = readdirSync(join(dir, 'out')).map((n) => join(dir, 'out', n));
    // Single files and single file systems, out of the same set.
    const fs = (...args: string[]): ReturnType<typeof cdrec> => cdrec('restore-fs', ...volumes, ...args);
    const found = await fs('--find', '/data/**/GPL-?');
    expect([found.status, found.stdout.split('\n').sort()]).toEqual([0, ['GPL-1', 'GPL-2', 'GPL-3'].map((n) => `/data/inner/common-licenses/${n}`)]);
    expect((await fs('--list', '--path', '/data/file')).stdout).toBe('/data/file');
    const some = await fs('--path', '/data/file', '--path', '/etc/fstab', '--path', '/data/inner', '--to', join(dir, 'some'));
    expect(some.status, some.stderr).toBe(0);
    expect(sh('find some -type f | sort; diff -r /usr/share/common-licenses some/data/inner/common-licenses').split('\n')).toEqual(expect.arrayContaining(['some/data/file', 'some/etc/fstab', 'some/data/inner/common-licenses/GPL-2']));
    const missing = await fs('--path', '/data/nothing', '--to', join(dir, 'some'));
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('NOT_IN_SET: /data/nothing: the archive of /data has no such file')]);
    const occupied = await fs('--fs', '/home', '--to', join(dir, 'some'));
    expect([occupied.status, occupied.stderr]).toEqual([1, expect.stringContaining('TARGET_NOT_EMPTY')]);
    expect((await fs('--fs', '/home', '--to', join(dir, 'home'))).status).toBe(0);
    expect((await compareTrees(join(dir, 'a/@home'), join(dir, 'home'))).differences.filter((d) => !d.includes('torture/socket'))).toEqual([]);
    sh('truncate -s 400M other.img');
    {
      await using other = await attachImage(join(dir, 'other.img'));
      const unprepared = await fs('--fs', '/data/inner', '--to', other.device);
      expect([unprepared.status, unprepared.stderr]).toEqual([1, expect.stringContaining('TARGET_NOT_PREPARED')]);
      const made = await fs('--fs', '/data/inner', '--to', other.device, '--mkfs', 'xfs', '--yes');
      expect([made.status, made.stderr]).toEqual([0, expect.stringContaining('/data/inner was btrfs and is xfs now')]);
      expect(sh('mount "$1" top; diff -r /usr/share/common-licenses top/common-licenses; findmnt -no FSTYPE top; umount top', other.device)).toBe('xfs\n');
      // In use, by whatever name; what the set lies on; interrupted: nothing stays mounted.
      sh('mount "$1" top; ln -s "$1" other', other.device);
      const held = await fs('--fs', '/home', '--to', join(dir, 'other'), '--mkfs', 'ext4', '--yes');
      sh('umount top');
      expect([held.status, held.stderr]).toEqual([1, expect.stringMatching(/DISK_REFUSED: .*other is mounted on .*top/)]);
      const { device } = other;
      const child = spawn(process.execPath, [CLI, 'restore-fs', ...volumes, '--fs', '/', '--to', device, '--mkfs', 'ext4', '--yes'], { stdio: 'ignore' });
      while (sh('findmnt -n --source "$1" || true', device) === '') await sleep(20);
      child.kill('SIGTERM');
      expect([(await once(child, 'exit'))[0], sh('findmnt -n --source "$1" || true; ls -d /tmp/cdrec-fs-* 2> /dev/null || true', device)]).toEqual([1, '']);
    }
    const iso = volumes.find((v) => v.endsWith('.iso')) as string;
    sh('cp "$1" medium.img', iso);
    {
      await using medium = await attachImage(join(dir, 'medium.img'));
      const own = await cdrec('restore-fs', medium.device, '--fs', '/home', '--to', medium.device, '--mkfs', 'ext4', '--yes');
      expect([own.status, own.stderr]).toEqual([1, expect.stringMatching(/DISK_REFUSED: .* holds the set itself/)]);
      expect(sh('cmp "$1" medium.img; rm medium.img', iso)).toBe('');
    }
    await using t0 = await attachImage(join(dir, 't0.img'));
    await using t1 = await attachImage(join(dir, 't1.img'));
    await using t2 = await attachImage(join(dir, 't2.img'));
    writeFileSync(join(dir, 'journal'), '');
    const r = await cdrec('restore', ...volumes, '--disk', `${source}=${t0.device}`, '--disk', `${one.device}=${t1.device}`, '--disk', `${two.device}=${t2.device}`, '--yes', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'));
    expect(r.status, r.stderr).toBe(0);
    expect(look([t1.device, t2.device], 'b')).toBe(before.replace('@data/snapshot\n', ''));
    const { differences, entries } = await compareTrees(join(dir, 'a'), join(dir, 'b'));
    expect(entries).toBeGreaterThan(60);
    expect(differences.filter((d) => !d.startsWith('./@data/snapshot') && !d.includes('torture/socket') && !d.startsWith('.: '))).toEqual([]);
  });

  it('is read from a snapshot of one moment, which is gone afterwards, also after an interruption', async () => {
    for (const d of ['snap-out', 'x']) mkdirSync(join(dir, d));
    sh('truncate -s 400M snap.img');
    await using disk = await attachImage(join(dir, 'snap.img'));
    sh('mkfs.btrfs -q "$1"', disk.device);
    await inMachine(machine, dir, [[join(dir, 'snap-out'), 'mnt']], async (root, kernel) => {
      await withMounts([[disk.device, join(root, 'home')]], async () => {
        sh('dd if=/dev/urandom of="$1/home/noise" bs=1M count=120 status=none', root);
        writeFileSync(join(dir, 'snap-out/c.toml'), '[backup]\nonly_mounts = ["/home"]\nsnapshot = true\npre_exec = "echo at rest > /home/state"\npost_exec = "echo at work > /home/state"\n');
        const args = [root, 'cdrec', 'build', '--mode', 'iso', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt', '--config', '/mnt/c.toml'];
        const r = await run('chroot', args, MACHINE_ENV);
        expect(r.status, r.stderr).toBe(0);
        expect(readFileSync(join(root, 'home/state'), 'utf8')).toBe('at work\n');
        expect(existsSync(join(root, 'home/.cdrec-snapshot'))).toBe(false);
        const stopped = spawn('chroot', [...args, '--label', 'stopped'], { env: MACHINE_ENV, stdio: 'ignore' });
        while (!existsSync(join(root, 'home/.cdrec-snapshot/noise'))) await sleep(20);
        stopped.kill('SIGTERM');
        expect((await once(stopped, 'exit'))[0]).not.toBe(0);
        expect(existsSync(join(root, 'home/.cdrec-snapshot'))).toBe(false);
      });
    });
    const [iso] = readdirSync(join(dir, 'snap-out')).filter((n) => n.endsWith('.iso'));
    expect(readdirSync(join(dir, 'snap-out')).filter((n) => n.includes('stopped'))).toEqual([]);
    expect(sh('xorriso -osirrox on -indev snap-out/"$1" -extract /backup x > /dev/null 2>&1; cat x/*.tar.zst* | zstd -d | tar -xO ./state; cat x/*.tar.zst* | zstd -d | tar -t | grep -c snapshot || true', iso as string)).toBe('at rest\n0\n');
  });
});
