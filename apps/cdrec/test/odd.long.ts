import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, chooseAccelerator, compareTrees, Guest, plantTorture, withMounts } from '@cdrec/rehearse';
import { cdrec, inMachine, MACHINE_ENV, makeMachine, run } from './machine.ts';

/** Names, labels, numbers and places as people really choose them: three disks, through build and restore. */
let dir: string;
let machine: string;
const sh = (command: string, ...args: string[]): string => execFileSync('bash', ['-ec', command, 'sh', ...args], { encoding: 'utf8', cwd: dir });
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-odd-');
  machine = await makeMachine(dir, true);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

const TABLE = [
  'label: gpt', 'label-id: 11111111-2222-4333-8444-555555555555', 'table-length: 152', 'first-lba: 40', '',
  // Not in the order of their numbers, with gaps between them and behind the last.
  '5 : start=2M, size=200M, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=aaaaaaaa-0005-4000-8000-000000000005, name="Größe & more \'of\' it", attrs="RequiredPartition GUID:60,63"',
  '2 : start=40, size=1000, type=21686148-6449-6E6F-744E-656564454649, uuid=aaaaaaaa-0002-4000-8000-000000000002',
  '130 : start=300M, size=700M, type=933AC7E1-2EB4-4F13-B844-0E14E2AEF915, uuid=aaaaaaaa-0130-4000-8000-000000000130, name="home of all"',
  '9 : start=1100M, size=60M, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, uuid=aaaaaaaa-0009-4000-8000-000000000009', '',
].join('\n');

/** A mount point that shells and tar have other meanings for. */
const GLOB = "opt/[a]*'q$(x) & b";

describe('an odd machine', () => {
  it('comes back as it was', async () => {
    for (const d of ['out', 'top', 'a', 'b']) mkdirSync(join(dir, d));
    sh('truncate -s 1300M b.img c.img; truncate -s 2G t0.img; truncate -s 1700M t1.img; truncate -s 1300M t2.img; printf %s "$1" | sfdisk -q b.img', TABLE);
    // Code that is no boot loader we know, and the mark without which some BIOSes do not start a GPT.
    sh('head -c 300 /dev/urandom | dd of=b.img conv=notrunc status=none; printf "\\x80" | dd of=b.img bs=1 seek=446 conv=notrunc status=none');
    const head = (file: string): string => execFileSync('head', ['-c', '447', file]).toString('hex');
    const headBefore = head(join(dir, 'b.img'));
    const disk = await attachImage(join(dir, 'b.img'));
    const whole = await attachImage(join(dir, 'c.img'));
    const part = (n: number): string => disk.partition(n);
    sh('mke2fs -q -t ext4 -O bigalloc -C 32768 -m 0.5 -L "größe  zwei" "$1"; tune2fs -e remount-ro -c 31 "$1" > /dev/null; mkfs.xfs -q -L "my data" -n size=8192 -d su=32k,sw=2 "$2"; mke2fs -q -t ext3 -L "a \\$x * b" "$3"; mke2fs -q -t ext2 -I 128 -L whole "$4"', part(5), part(130), part(9), whole.device);
    const blkid = (...devices: string[]): string => devices.map((d) => sh('blkid -p -o export "$1" | grep -Ev "^(DEVNAME|PART_ENTRY_(DISK|OFFSET|SIZE)|FSSIZE|FSLASTBLOCK)="', d)).join('--\n');
    const table = (device: string): string => sh('sfdisk --dump "$1" | sed "s|^/dev/loop[0-9]*p||; s/start= *[0-9]*, size= *[0-9]*, //" | grep -Ev "^(device|last-lba)"', device);
    const before = blkid(part(5), part(130), part(9), whole.device);
    const tableBefore = table(disk.device);
    const fstab = [
      'LABEL=my\\040data /srv/my\\040data/ xfs noatime 0 2', 'PARTUUID=aaaaaaaa-0005-4000-8000-000000000005 /srv/my\\040data/ü/tief ext4 defaults 0 2',
      `${whole.device} /data ext2 defaults 0 0`, '/data/sub /srv/bound none bind 0 0', '',
    ].join('\n');
    let source = '';
    await inMachine(machine, dir, [[join(dir, 'out'), 'mnt']], async (root, kernel) => {
      source = execFileSync('findmnt', ['-no', 'SOURCE', root], { encoding: 'utf8' }).trim().replace(/p\d+$/, '');
      // GRUB in the partition, and before it code that knows nothing but the active one.
      sh('chroot "$1" grub-install --target=i386-pc --force "$2p1" 2>&1; dd if=/usr/lib/syslinux/mbr/mbr.bin of="$2" bs=440 count=1 conv=notrunc status=none', root, source);
      for (const d of ['srv/my data', 'data', 'srv/bound', GLOB]) mkdirSync(join(root, d));
      sh('cat >> "$1/etc/fstab" <<< "$2"', root, fstab);
      await withMounts([[part(130), join(root, 'srv/my data')]], async () => {
        mkdirSync(join(root, 'srv/my data/ü/tief'), { recursive: true });
        // What lies hidden below a mount point is content, too.
        writeFileSync(join(root, 'srv/my data/ü/tief/hidden'), 'below the mount');
        execFileSync('chattr', ['+i', join(root, 'srv/my data/ü/tief/hidden')]);
        await plantTorture(join(root, 'srv/my data'));
        await withMounts([[part(5), join(root, 'srv/my data/ü/tief')], [whole.device, join(root, 'data')], [part(9), join(root, GLOB)]], async () => {
          mkdirSync(join(root, 'data/sub'));
          writeFileSync(join(root, 'data/sub/file'), 'bound elsewhere');
          sh('cp -r /usr/share/common-licenses "$1/srv/my data/ü/tief/"; cp -r /usr/share/common-licenses "$1/data/"; echo glob > "$1/$2/Long Näme.txt"; cp -a "$1/$2" a/glob; cp -a "$1/srv/my data/." a/; cp -a "$1/data" a/data', root, GLOB);
          await withMounts([['--bind', join(root, 'data/sub'), join(root, 'srv/bound')]], async () => {
            const r = await run('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--volume-size', '150M', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
            expect(r.status, r.stderr).toBe(0);
          });
        });
      });
    });
    // The kernel must not know two file systems of one UUID.
    await disk[Symbol.asyncDispose]();
    await whole[Symbol.asyncDispose]();
    const volumes = readdirSync(join(dir, 'out')).filter((n) => n.endsWith('.iso')).map((n) => join(dir, 'out', n));
    expect(execFileSync('bash', ['-ec', 'for v; do d=$(mktemp -d); xorriso -osirrox on -indev "$v" -extract / "$d" 2> /dev/null; (cd "$d" && cksfv -q -f Checksums.sfv); chmod -R u+w "$d"; rm -r "$d"; done', 'sh', ...volumes], { encoding: 'utf8' })).toBe('');
    await using t0 = await attachImage(join(dir, 't0.img'));
    await using t1 = await attachImage(join(dir, 't1.img'));
    await using t2 = await attachImage(join(dir, 't2.img'));
    const r = await cdrec('restore', ...volumes, '--disk', `${source}=${t0.device}`, '--disk', `${disk.device}=${t1.device}`, '--disk', `${whole.device}=${t2.device}`, '--yes', '--check', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'));
    expect(r.status, `${r.stdout}${r.stderr}`).toBe(0);
    expect(r.stdout).toMatch(/CHECKED \d+ files: 0 differences/);
    expect(table(t1.device)).toBe(tableBefore);
    sh('sync');
    expect(sh('cmp -n 440 /usr/lib/syslinux/mbr/mbr.bin "$1" && head -c 446 "$2" | grep -c GRUB', t0.device, t0.partition(1)).trim()).toBe('1');
    const guest = await Guest.start({ accelerator: await chooseAccelerator(), firmware: 'bios', memoryMiB: 512, media: [{ file: join(dir, 't0.img'), as: 'virtio', boot: true, discard: true }], log: join(dir, 'guest.log') });
    try {
      await guest.expect(/Linux version/, 300);
    } finally {
      await guest[Symbol.asyncDispose]();
    }
    expect(head(join(dir, 't1.img'))).toBe(headBefore);
    expect(sh('sgdisk -v "$1"', t1.device)).toContain('No problems found');
    expect(blkid(t1.partition(5), t1.partition(130), t1.partition(9), t2.device)).toBe(before);
    await withMounts([['-o', 'ro', t1.partition(130), join(dir, 'top')]], () => {
      expect(sh('cat "top/ü/tief/hidden"')).toBe('below the mount');
      expect(sh('lsattr "top/ü/tief/hidden"')).toMatch(/^-+i/);
      return Promise.resolve();
    });
    const restored = join(dir, 'restored');
    mkdirSync(restored);
    await withMounts([[t1.partition(130), restored], [t1.partition(5), join(restored, 'ü/tief')]], () => {
      sh('cp -a restored/. b/');
      expect(sh('dumpe2fs -h "$1" 2> /dev/null | grep -E "^(Errors|Maximum mount|Cluster size|Reserved block count)"', t1.partition(5))).toMatch(/^Errors behavior: +Remount read-only$[^]*^Reserved block count: +1\d{3}$[^]*^Cluster size: +32768$[^]*^Maximum mount count: +31$/m);
      return Promise.resolve();
    });
    await withMounts([['-o', 'ro', t2.device, join(dir, 'top')]], () => { sh('cp -a top b/data'); return Promise.resolve(); });
    await withMounts([['-o', 'ro', t1.partition(9), join(dir, 'top')]], () => { sh('cp -a top b/glob'); return Promise.resolve(); });
    const { differences, entries } = await compareTrees(join(dir, 'a'), join(dir, 'b'));
    expect(entries).toBeGreaterThan(80);
    expect(differences.filter((d) => !d.includes('torture/socket') && !d.startsWith('.: '))).toEqual([]);
    await withMounts([['-o', 'ro', t0.partition(1), join(dir, 'top')]], () => {
      expect(sh('ls top/srv/bound top/data')).toBe('top/data:\n\ntop/srv/bound:\n');
      // Names that may mean another disk now are UUIDs; the others are as they were.
      expect(sh('tail -n 5 top/etc/fstab')).toMatch(/^LABEL=my\\040data .*\nPARTUUID=aaaaaaaa-0005-\S+ .*\nUUID=\S+ \/data ext2 .*\n\/data\/sub \/srv\/bound none bind/m);
      return Promise.resolve();
    });
    // All of it once more, onto one disk: the machine's own partition, those of the second disk, and the third, which is a partition now.
    sh('truncate -s 6G one.img');
    await using one = await attachImage(join(dir, 'one.img'));
    const onto = [source, disk.device, whole.device].flatMap((d) => ['--disk', `${d}=${one.device}`]);
    const joined = await cdrec('restore', ...volumes, ...onto, '--yes', '--check', '--journal', join(dir, 'journal-one'), '--work', join(dir, 'work-one'));
    expect(joined.status, `${joined.stdout}${joined.stderr}`).toBe(0);
    expect(joined.stdout).toMatch(/CHECKED \d+ files: 0 differences/);
    expect(`${joined.stdout}${joined.stderr}`).toContain(`takes the place of ${source} and ${disk.device} and ${whole.device} (named by you)`);
    expect(sh('sgdisk -v "$1"', one.device)).toContain('No problems found');
    // 1 and 2: that of the machine, and GRUB's place; the others in their order; those of an MBR have new numbers of their own.
    expect(sh('sfdisk --dump "$1" | grep ^/ | sed "s/.*p\\([0-9]*\\) : .* size= *\\([0-9]*\\),.*uuid=\\([^,]*\\).*/\\1 \\3/"', one.device)).toMatch(/^1 \S+\n2 \S+\n3 AAAAAAAA-0005-\S+\n4 AAAAAAAA-0130-\S+\n5 AAAAAAAA-0009-\S+\n6 \S+\n$/);
    expect(blkid(one.partition(3), one.partition(4), one.partition(5)).replaceAll(/^PART_ENTRY_NUMBER=.*\n/gm, '')).toBe(before.slice(0, before.lastIndexOf('--')).trimEnd().concat('\n').replaceAll(/^PART_ENTRY_NUMBER=.*\n/gm, ''));
    await withMounts([['-o', 'ro', one.partition(1), join(dir, 'top')]], () => {
      expect(sh('tail -n 4 top/etc/fstab')).toMatch(/^PARTUUID=aaaaaaaa-0005-\S+ .*\nUUID=\S+ \/data ext2 .*\n/);
      return Promise.resolve();
    });
    // GRUB finds its files by the new table.
    expect(sh('dd if="$1" bs=440 count=1 status=none | grep -c GRUB', one.device).trim()).toBe('1');
  }, 900_000);

  it('whose files share their blocks needs more room than they took', async () => {
    for (const d of ['shared', 'shared-out', 'shared-top']) mkdirSync(join(dir, d));
    sh('truncate -s 500M x0.img x1.img; truncate -s 460M x2.img; truncate -s 1G x3.img; mkfs.xfs -q x0.img');
    const disk = await attachImage(join(dir, 'x0.img'));
    writeFileSync(join(dir, 'shared-out/only.toml'), 'backup.only_mounts = ["/srv/shared"]\n');
    let built = '';
    await inMachine(machine, dir, [[join(dir, 'shared-out'), 'mnt']], async (root, kernel) => {
      mkdirSync(join(root, 'srv/shared'), { recursive: true });
      await withMounts([[disk.device, join(root, 'srv/shared')]], async () => {
        sh('cd "$1/srv/shared"; head -c 150M /dev/urandom > image; for n in 1 2 3; do cp --reflink=always image copy-$n; done; cp -r /usr/share/common-licenses .; cp -a . "$2"', root, join(dir, 'shared'));
        const r = await run('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--volume-size', '200M', '--config', '/mnt/only.toml', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
        expect(r.status, r.stderr).toBe(0);
        built = r.stderr;
      });
    });
    expect(built).toMatch(/warning: the files of \/srv\/shared need \d+ bytes at least, \d+ more than it has: what shared its blocks/);
    await disk[Symbol.asyncDispose]();
    const volumes = readdirSync(join(dir, 'shared-out')).filter((n) => n.endsWith('.iso')).map((n) => join(dir, 'shared-out', n));
    const clone = async (image: string, ...args: string[]): Promise<Awaited<ReturnType<typeof cdrec>>> => {
      await using target = await attachImage(join(dir, image));
      const r = await cdrec('clone-dsk', disk.device, target.device, ...volumes, '--yes', '--journal', join(dir, `journal-${image}`), '--work', join(dir, 'work-shared'), ...args);
      if (r.status === 0 && !args.includes('--dry-run')) await withMounts([['-o', 'ro', target.device, join(dir, 'shared-top')]], async () => { expect((await compareTrees(join(dir, 'shared'), join(dir, 'shared-top'))).differences.filter((d) => !d.startsWith('.: '))).toEqual([]); });
      return r;
    };
    const same = await clone('x1.img', '--dry-run');
    expect([same.status, `${same.stdout}${same.stderr}`]).toEqual([0, expect.stringMatching(/the files of \/srv\/shared need \d+ bytes at least, \d+ more than it has/)]);
    const smaller = await clone('x2.img');
    expect([smaller.status, smaller.stderr]).toEqual([1, expect.stringMatching(/DISK_TOO_SMALL: .* by \d+ bytes/)]);
    expect(sh('head -c 1M x2.img | tr -d "\\0" | wc -c').trim()).toBe('0');
    // Without its files it needs no room for them, nor the volume on which they lie.
    const empty = await clone('x2.img', '--empty', '/srv/shared');
    expect([empty.status, empty.stderr], empty.stdout).toEqual([3, expect.stringContaining('left out: the files of /srv/shared')]);
    expect(sh('blkid -p -o value -s TYPE x2.img').trim()).toBe('xfs');
    expect(volumes.length).toBeGreaterThan(1);
    const [first, ...others] = volumes;
    volumes.splice(0, volumes.length, first as string, others.at(-1) as string);
    const lacking = await clone('x3.img', '--grow');
    expect([lacking.status, lacking.stderr]).toEqual([1, expect.stringMatching(/SET_INCOMPLETE: volumes are missing: .*do without what lies on them: --empty \/srv\/shared/s)]);
    expect((await clone('x2.img', '--restart', '--empty', '/srv/shared')).status).toBe(3);
    volumes.splice(1, 1, ...others);
    const larger = await clone('x3.img', '--grow');
    expect(larger.status, `${larger.stdout}${larger.stderr}`).toBe(0);
    expect(`${larger.stdout}${larger.stderr}`).not.toContain('bytes at least');
  }, 900_000);
});
