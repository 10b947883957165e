import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, statSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, compareTrees, withMounts } from '@cdrec/rehearse';
import { cdrec, inMachine, MACHINE_ENV, makeMachine, run } from './machine.ts';

/** A real machine's disk, a real set of it, and what goes wrong with sets; guests are the business of the e2e cases. */
let dir: string;
let machine: string;
let set: string;
let volumes: string[];
let written = 0;

const build = (root: string, kernel: string, ...args: string[]) => ['chroot', root, 'cdrec', 'build', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt', ...args] as const;

beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-set-');
  machine = await makeMachine(dir);
  set = join(dir, 'set');
  mkdirSync(set);
  await inMachine(machine, dir, [[set, 'mnt']], async (root, kernel) => {
    // The shell's own counters include those of the children it has waited for (proc(5), io).
    const r = await run('bash', ['-c', 'before=$(sed -n "s/^write_bytes: //p" /proc/$$/io); "$@"; status=$?; after=$(sed -n "s/^write_bytes: //p" /proc/$$/io); echo "WRITTEN $((after - before))"; exit $status', 'sh', ...build(root, kernel, '--mode', 'iso', '--volume-size', '110M')], MACHINE_ENV);
    expect(r.status, r.stderr).toBe(0);
    written = Number(/WRITTEN (\d+)/.exec(r.stdout)?.[1]);
  });
  volumes = readdirSync(set).filter((n) => n.endsWith('.iso')).sort().map((n) => join(set, n));
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

/** A blank disk of the machine's size; its digest proves that nothing was written. */
function blank(name: string, bytes = 2 * 2 ** 30): string {
  const path = join(dir, name);
  rmSync(path, { force: true });
  execFileSync('truncate', ['-s', String(bytes), path]);
  return path;
}
const isBlank = (path: string): boolean => execFileSync('du', ['--block-size=1', path], { encoding: 'utf8' }).startsWith('0\t');

async function restoreOnto(image: string, args: string[], files = volumes): ReturnType<typeof run> {
  await using loop = await attachImage(image);
  return await cdrec('restore', ...files, '--disk', loop.device, '--yes', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'), ...args);
}

describe('a set of at least three volumes', () => {
  it('was written once: not more than 1.05 times the finished volumes', () => {
    expect(volumes.length).toBeGreaterThanOrEqual(3);
    const bytes = volumes.reduce((n, v) => n + statSync(v).size, 0);
    expect(written).toBeGreaterThan(bytes * 0.9); // the measurement measures
    expect(written).toBeLessThanOrEqual(bytes * 1.05);
    for (const v of volumes) expect(statSync(v).size).toBeLessThanOrEqual(110 * 2 ** 20);
  });

  it('is verified in any order, and its checksums satisfy cksfv', async () => {
    const r = await cdrec('verify', ...[...volumes].reverse());
    expect([r.status, r.stdout]).toEqual([0, expect.stringContaining('complete and undamaged')]);
    const out = join(dir, 'sfv');
    mkdirSync(out);
    execFileSync('bsdtar', ['-xf', volumes[1] as string, '-C', out]);
    execFileSync('cksfv', ['-q', '-f', 'Checksums.sfv'], { cwd: out });
    rmSync(out, { recursive: true });
  });

  it('restores: every file, every attribute, the partition table and GRUB', async () => {
    const disk = blank('restored.img', 2 * 2 ** 30 + 2 ** 26);
    const r = await restoreOnto(disk, []);
    expect(r.status, r.stderr).toBe(0);
    expect(r.stderr).toContain('WILL BE LOST: blank');
    await using a = await attachImage(machine, true);
    await using b = await attachImage(disk, true);
    const compared = await withMounts([['-t', 'ext4', '-o', 'ro,noload', a.partition(1), join(dir, 'a')], ['-t', 'ext4', '-o', 'ro,noload', b.partition(1), join(dir, 'b')]], () => compareTrees(join(dir, 'a'), join(dir, 'b')));
    expect(compared.differences).toEqual([]);
    expect(compared.entries).toBeGreaterThan(5000);
    execFileSync('e2fsck', ['-fn', b.partition(1)]);
    expect(execFileSync('head', ['-c', '440', disk]).includes('GRUB')).toBe(true);
    rmSync(disk);
  });

  it('goes on after an interruption where it stopped, and does not repeat finished steps', async () => {
    const disk = blank('resumed.img');
    await using loop = await attachImage(disk);
    const args = ['restore', ...volumes, '--disk', loop.device, '--yes', '--journal', join(dir, 'journal-2'), '--work', join(dir, 'work')];
    mkdirSync(join(dir, 'no-grub'));
    for (const tool of readdirSync('/usr/bin').concat(readdirSync('/usr/sbin'))) {
      if (tool === 'chroot') continue; // so that the boot loader step fails
      const path = existsSync(join('/usr/bin', tool)) ? join('/usr/bin', tool) : join('/usr/sbin', tool);
      execFileSync('ln', ['-sf', path, join(dir, 'no-grub', tool)]);
    }
    const first = await run(process.execPath, [join(import.meta.dirname, '../dist/bin.js'), ...args], { PATH: join(dir, 'no-grub') });
    expect([first.status, first.stderr]).toEqual([1, expect.stringContaining('step "install GRUB (BIOS)')]);
    // As after a power cut: what the rescue system knew is gone, what is on the disk is not.
    const left = await withMounts([['-t', 'ext4', '-o', 'ro,noload', loop.partition(1), join(dir, 'a')]], () => Promise.resolve(existsSync(join(dir, 'a', '.cdrec-restore.jsonl'))));
    expect(left).toBe(true);
    const cut = await cdrec(...args.map((a) => (a === join(dir, 'journal-2') ? join(dir, 'journal-3') : a)));
    expect(cut.status, cut.stderr).toBe(0);
    expect(cut.stderr).toMatch(/An interrupted restore of this set was found on the disk: going on there \(\d of \d steps are done/);
    expect(cut.stderr).toContain('done before: unpack');
    await withMounts([['-t', 'ext4', '-o', 'ro,noload', loop.partition(1), join(dir, 'a')]], () => {
      expect(readdirSync(join(dir, 'a'))).not.toContain('.cdrec-restore.jsonl');
      return Promise.resolve();
    });
    const second = await cdrec(...args);
    expect(second.status, second.stderr).toBe(0);
    expect(second.stderr).toContain('done before: unpack');
    const anew = await cdrec(...args, '--restart');
    expect(anew.status, anew.stderr).toBe(0);
    expect(anew.stderr).not.toContain('done before');
    rmSync(disk);
  });

  it('names a missing, a damaged and a foreign volume before anything is written', async () => {
    const disk = blank('untouched.img');
    const missing = await restoreOnto(disk, [], volumes.filter((_, i) => i !== 1));
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringMatching(/volumes are missing: CDrec-[0-9.]+_2\b/)]);
    const copy = join(dir, 'damaged.iso');
    copyFileSync(volumes[1] as string, copy);
    const fd = openSync(copy, 'r+');
    writeSync(fd, Buffer.from('damage'), 0, 6, 50 * 2 ** 20);
    closeSync(fd);
    const damaged = await restoreOnto(disk, [], volumes.map((v, i) => (i === 1 ? copy : v)));
    expect([damaged.status, damaged.stderr]).toEqual([1, expect.stringMatching(/CDrec-[0-9.]+_2: backup\/.* is damaged/)]);
    const foreign = join(dir, 'foreign.iso');
    execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-o', foreign, '/etc/apt']);
    const strange = await restoreOnto(disk, [], [...volumes, foreign]);
    expect([strange.status, strange.stderr]).toEqual([1, expect.stringContaining('foreign.iso is no volume of a recovery set')]);
    expect(isBlank(disk)).toBe(true);
    expect((await cdrec('verify', ...volumes.slice(1))).stdout).toMatch(/_1: missing/);
    for (const f of [copy, foreign, disk]) rmSync(f);
  });

  it('refuses a disk that is too small, saying by how much, and one that is in use', async () => {
    const small = blank('small.img', 600 * 2 ** 20);
    const r = await restoreOnto(small, []);
    expect([r.status, r.stderr]).toEqual([1, expect.stringMatching(/too small for \/dev\/loop\d+ by \d+ bytes/)]);
    expect(isBlank(small)).toBe(true);
    await using loop = await attachImage(small);
    execFileSync('mkfs.ext4', ['-q', '-F', loop.device]);
    await withMounts([['-t', 'ext4', loop.device, join(dir, 'busy')]], async () => {
      expect((await cdrec('plan', ...volumes, '--disk', loop.device)).stderr).toMatch(/is refused: it is in use/);
    });
    rmSync(small);
  });

  it('writes to nothing but the disks of the plan: not to one with the set, a mounted one, swap in use, one too small, a bystander', async () => {
    const noise = (name: string, mib: number): string => {
      execFileSync('bash', ['-c', 'head -c "$2" /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 > "$1"', 'noise', join(dir, name), String(mib << 20)], { stdio: ['ignore', 'ignore', 'ignore'] });
      return join(dir, name);
    };
    const digest = (path: string): string => execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ')[0] as string;
    const bystander = noise('bystander.img', 64);
    const mounted = noise('mounted.img', 64);
    execFileSync('mkfs.ext4', ['-q', '-F', mounted]);
    const swap = noise('swap.img', 64);
    const small = noise('small.img', 64);
    const carrier = join(dir, 'carrier.iso');
    copyFileSync(volumes[0] as string, carrier);
    await using a = await attachImage(bystander);
    await using b = await attachImage(mounted);
    await using c = await attachImage(swap);
    await using d = await attachImage(small);
    await using e = await attachImage(carrier);
    execFileSync('mkswap', [c.device], { stdio: 'ignore' });
    const untouched = [bystander, small, carrier];
    expect(existsSync(a.device)).toBe(true); // a disk that could be taken
    const before = untouched.map(digest);
    const to = (device: string, files: readonly string[]) => cdrec('restore', ...files, '--disk', device, '--yes', '--journal', join(dir, 'journal-n'), '--work', join(dir, 'work'));
    await withMounts([['-t', 'ext4', '-o', 'ro,noload', b.device, join(dir, 'busy')]], async () => {
      const held = digest(mounted);
      const r = await to(b.device, volumes);
      expect([r.status, r.stderr]).toEqual([1, expect.stringMatching(/DISK_REFUSED: \S+ is refused: it is in use: \S+ is mounted/)]);
      expect(digest(mounted)).toBe(held);
    });
    execFileSync('swapon', [c.device]);
    try {
      const held = digest(swap);
      const r = await to(c.device, volumes);
      expect([r.status, r.stderr]).toEqual([1, expect.stringMatching(/DISK_REFUSED: \S+ is refused: it is in use as swap/)]);
      expect(digest(swap)).toBe(held);
    } finally {
      execFileSync('swapoff', [c.device]);
    }
    expect((await to(d.device, volumes)).stderr).toMatch(/DISK_TOO_SMALL/);
    expect((await to(e.device, [e.device, ...volumes.slice(1)])).stderr).toMatch(/DISK_REFUSED: \S+ is refused: it carries a volume of a recovery set/);
    const disk = blank('named.img', 2 * 2 ** 30 + 2 ** 26);
    const restored = await restoreOnto(disk, ['--check']);
    expect(restored.status, restored.stderr).toBe(0);
    expect(restored.stdout).toMatch(/CHECKED \d{4,} files: 0 differences/);
    // The same again: everything is done, but the comparison, which finds what changed meanwhile.
    await using again = await attachImage(disk);
    await withMounts([['-t', 'ext4', again.partition(1), join(dir, 'busy')]], () => { writeFileSync(join(dir, 'busy/etc/hostname'), 'other\n'); return Promise.resolve(); });
    const judged = await cdrec('restore', ...volumes, '--disk', again.device, '--yes', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'), '--check');
    expect([judged.status, judged.stdout]).toEqual([3, expect.stringMatching(/DIFFERENT \/etc\/hostname: /)]);
    expect(untouched.map(digest)).toEqual(before);
    for (const f of [disk, bystander, mounted, swap, small, carrier]) rmSync(f);
  }, 600_000);
});

describe('the same input', () => {
  it('gives the same bytes', async () => {
    const [one, two] = [join(dir, 'one'), join(dir, 'two')];
    for (const out of [one, two]) {
      mkdirSync(out);
      await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
        const [program, ...args] = build(root, kernel, '--mode', 'iso');
        const r = await run(program, args, { ...MACHINE_ENV, SOURCE_DATE_EPOCH: '1767225600' });
        expect(r.status, r.stderr).toBe(0);
      });
    }
    execFileSync('cmp', [join(one, 'CDrec-2026.01.01_1.iso'), join(two, 'CDrec-2026.01.01_1.iso')]);
    for (const out of [one, two]) rmSync(out, { recursive: true });
  });
});

describe('what is not understood', () => {
  it('is named, and stops a build until it is left out by name', async () => {
    const out = join(dir, 'strange');
    mkdirSync(out);
    const image = blank('ntfs.img', 50 * 2 ** 20);
    execFileSync('mkfs.ntfs', ['-q', '-F', '-Q', image], { stdio: 'ignore' });
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      await withMounts([['-t', 'ntfs-3g', '-o', 'loop', image, join(root, 'media')]], async () => {
        const [program, ...args] = build(root, kernel, '--mode', 'rescue');
        const stopped = await run(program, args, MACHINE_ENV);
        expect([stopped.status, stopped.stderr]).toEqual([1, expect.stringMatching(/UNSUPPORTED[^]*\/media: file system fuseblk on \/dev\/loop\d+/)]);
        expect(readdirSync(out)).toEqual([]);
        const tested = await run('chroot', [root, 'cdrec', 'test', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
        expect([tested.status, tested.stdout]).toEqual([1, expect.stringMatching(/FAIL {2}layout\.\/media: .*\n +remedy: exclude it/)]);
        writeFileSync(join(out, 'c.toml'), '[backup]\nallow_unsupported = ["/media"]\n');
        const allowed = await run(program, [...args, '--config', '/mnt/c.toml'], MACHINE_ENV);
        expect(allowed.status, allowed.stderr).toBe(0);
      });
    });
    rmSync(out, { recursive: true });
  });
});

describe('a file system of a server that does not answer', () => {
  it('is named, and keeps nothing waiting', async () => {
    const out = join(dir, 'dead');
    mkdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      const at = join(root, 'srv/dead server');
      mkdirSync(at);
      // A FUSE without its program: whoever asks it for anything waits until the device is closed.
      const server = spawn('bash', ['-c', 'exec 9<> /dev/fuse; mount -i -t fuse -o fd=9,rootmode=040000,user_id=0,group_id=0 "dead:/export" "$1" && echo mounted && exec sleep 600', 'bash', at], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(server.stdout, 'data');
        const dry = await run('timeout', ['120', 'chroot', root, 'cdrec', 'build', '--dry-run', '--json', '--mode', 'iso', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], MACHINE_ENV);
        expect(dry.status, dry.stderr).toBe(0);
        expect((JSON.parse(dry.stdout) as { leftOut: object[] }).leftOut).toContainEqual({ what: '/srv/dead server', why: 'not on a disk of this machine (fuse, dead:/export)' });
        const dead = (...args: string[]) => run('timeout', ['200', 'chroot', root, 'cdrec', ...args], MACHINE_ENV);
        const silent = '/srv/dead server does not answer';
        const [tested, ...refused] = await Promise.all([['test', '--kernel', kernel, '--exclude-mount', '/mnt', '--out'], ['build', '--mode', 'iso', '--kernel', kernel, '--out'], ['status'], ['verify'], ['clean', '--out']].map((c) => dead(...c, '/srv/dead server')));
        expect([tested?.status, tested?.stdout]).toEqual([1, expect.stringContaining(`FAIL  space: ${silent}`)]);
        for (const r of refused) expect([r.status, r.stderr]).toEqual([1, expect.stringContaining(`PLACE_SILENT: ${silent}`)]);
        const [program, ...args] = build(root, kernel, '--mode', 'iso');
        const r = await run('timeout', ['400', program, ...args], MACHINE_ENV);
        expect(r.status, r.stderr).toBe(0);
        expect(readdirSync(out)).toContainEqual(expect.stringMatching(/_1\.iso$/));
      } finally {
        server.kill('SIGKILL');
        await once(server, 'close');
        execFileSync('umount', ['--lazy', at]);
        rmdirSync(at);
      }
    });
    rmSync(out, { recursive: true });
  });
});

describe('truth in status', () => {
  it('3 and a list, when files change while they are read', async () => {
    const out = join(dir, 'changing');
    mkdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      const busy = join(root, 'var/log/busy');
      writeFileSync(busy, Buffer.alloc(30 << 20, 1));
      const writer = spawn('bash', ['-c', `while :; do echo more >> ${busy}; done`], { stdio: 'ignore' });
      try {
        const [program, ...args] = build(root, kernel, '--mode', 'iso');
        const r = await run(program, args, MACHINE_ENV);
        expect([r.status, r.stderr]).toEqual([3, expect.stringContaining('exception: /: ./var/log/busy: file changed as we read it')]);
      } finally {
        writer.kill('SIGKILL');
      }
      await new Promise((resolve) => writer.on('exit', resolve));
      rmSync(busy);
    });
    const volumes = readdirSync(out).map((n) => join(out, n));
    expect((await cdrec('inspect', ...volumes)).stdout).toContain('1 exceptions');
    // Whoever takes files out is told what concerns them.
    const busy = await cdrec('restore-fs', ...volumes, '--path', '/var/log/busy', '--to', join(dir, 'taken'));
    expect([busy.status, busy.stderr]).toEqual([3, expect.stringContaining('exception when the backup was made: /: ./var/log/busy: file changed as we read it')]);
    expect((await cdrec('restore-fs', ...volumes, '--path', '/etc/fstab', '--to', join(dir, 'taken'))).status).toBe(0);
    rmSync(join(dir, 'taken'), { recursive: true });
    rmSync(out, { recursive: true });
  });

  it('1, a clear message and nothing with a final name, when the output disk is full', async () => {
    const image = blank('full.img', 150 * 2 ** 20);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    const full = join(dir, 'full');
    await withMounts([['-o', 'loop', image, full]], async () => {
      await inMachine(machine, dir, [[full, 'mnt']], async (root, kernel) => {
        const [program, ...args] = build(root, kernel, '--mode', 'iso', '--volume-size', '110M');
        const r = await run(program, args, MACHINE_ENV);
        expect([r.status, r.stderr]).toEqual([1, expect.stringMatching(/ENOSPC|No space left|no space left/)]);
        expect(r.stderr).toContain('hint:');
      });
      expect(readdirSync(full).filter((n) => n !== 'lost+found')).toEqual([]);
    });
  });

  it('1 and nothing left, when it is interrupted; what a killed build leaves is found by clean', async () => {
    const out = join(dir, 'interrupted');
    mkdirSync(out);
    const left = (): string[] => readdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      const [program, ...args] = build(root, kernel, '--mode', 'iso');
      for (const [signal, status] of [['SIGINT', 1], ['SIGKILL', null]] as const) {
        const child = spawn(program, args, { stdio: 'ignore', env: MACHINE_ENV });
        const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
        while (!left().some((n) => n.endsWith('.partial'))) await new Promise((resolve) => setTimeout(resolve, 20));
        child.kill(signal);
        expect(await ended).toBe(status);
        if (signal === 'SIGINT') expect(left()).toEqual([]);
      }
      await new Promise((resolve) => setTimeout(resolve, 3000)); // mksquashfs, if it was running, ends with its pipe
    });
    expect(left().length).toBeGreaterThan(0);
    expect((await cdrec('clean', '--out', out)).stdout).toContain('.partial');
    expect(left()).toEqual([]);
  });

  it('writes a path set, and restores from it', async () => {
    const out = join(dir, 'path');
    mkdirSync(out);
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      const [program, ...args] = build(root, kernel, '--mode', 'path', '--label', 'nightly');
      expect((await run(program, args, MACHINE_ENV)).status).toBe(0);
    });
    expect((await cdrec('verify', join(out, 'nightly'))).status).toBe(0);
    const disk = blank('from-path.img');
    const r = await restoreOnto(disk, ['--journal', join(dir, 'journal-3')], [join(out, 'nightly')]);
    expect(r.status, r.stderr).toBe(0);
    rmSync(disk);
    rmSync(out, { recursive: true });
  });
});
