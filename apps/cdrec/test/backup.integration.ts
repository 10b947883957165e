import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, withMounts } from '@cdrec/rehearse';
import { cdrec, CLI, inMachine, MACHINE_ENV, makeMachine, onTerminal, run } from './machine.ts';

/** What is backed up, how, and where to: the CLI on a real machine's disk. */
let dir: string;
let machine: string;
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-backup-');
  machine = await makeMachine(dir);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

function fresh(name: string): string {
  const path = join(dir, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}
const build = (root: string, kernel: string, ...args: string[]): string[] => [root, 'cdrec', 'build', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt', ...args];

describe('cdrec build --dry-run', () => {
  it('lists archives, what is left out and why, and writes nothing', async () => {
    const out = fresh('dry');
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      writeFileSync(join(root, 'tmp/scratch'), Buffer.alloc(2 << 20, 1));
      const { status, stdout, stderr } = await run('chroot', build(root, kernel, '--mode', 'iso', '--dry-run', '--json', '--exclude', '/usr/share'), MACHINE_ENV);
      expect(status, stderr).toBe(0);
      const result = JSON.parse(stdout) as { archives: { mount: string; usedBytes: number }[]; leftOut: { what: string; why: string; bytes?: number }[] };
      expect(result.archives.map((a) => a.mount)).toEqual(['/']);
      const about = (what: string): { why: string; bytes?: number } | undefined => result.leftOut.find((l) => l.what === what);
      expect(about('/tmp/*')).toMatchObject({ why: expect.stringContaining('default_excludes') as string });
      expect(about('/tmp/*')?.bytes).toBeGreaterThanOrEqual(2 << 20);
      expect(about('/usr/share')).toMatchObject({ why: 'backup.exclude or --exclude' });
      expect(about('/mnt')).toMatchObject({ why: expect.stringContaining('--exclude-mount') as string });
      expect(readdirSync(out)).toEqual([]);
      rmSync(join(root, 'tmp/scratch'));
      writeFileSync(join(out, 'c.toml'), '[backup]\nonly_mounts = ["/nowhere"]\n');
      const wrong = await run('chroot', build(root, kernel, '--dry-run', '--config', '/mnt/c.toml'), MACHINE_ENV);
      expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('only_mounts: /nowhere')]);
    });
  });
});

describe('an encrypted set', () => {
  it('is restored with the right key, refused with a wrong one before anything is written; no key is on it', async () => {
    const out = fresh('encrypted');
    const keys = ['right', 'wrong'].map((n) => {
      execFileSync('age-keygen', ['-o', join(dir, n)], { stdio: 'ignore' });
      return readFileSync(join(dir, n), 'utf8');
    });
    const recipient = /public key: (\S+)/.exec(keys[0] as string)?.[1] as string;
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      writeFileSync(join(out, 'c.toml'), `[backup]\nencrypt = ["${recipient}"]\npre_exec = "echo before >> /mnt/hooks"\npost_exec = "echo after >> /mnt/hooks"\n`);
      const r = await run('chroot', build(root, kernel, '--mode', 'iso', '--config', '/mnt/c.toml'), MACHINE_ENV);
      expect(r.status, r.stderr).toBe(0);
      expect(readFileSync(join(out, 'hooks'), 'utf8')).toBe('before\nafter\n');
      writeFileSync(join(out, 'c.toml'), '[backup]\nencrypt = ["age1nonsense"]\n');
      const bad = await run('chroot', build(root, kernel, '--mode', 'iso', '--label', 'bad', '--config', '/mnt/c.toml'), MACHINE_ENV);
      expect([bad.status, bad.stderr]).toEqual([2, expect.stringMatching(/CONFIG_INVALID: backup.encrypt: .*malformed recipient/)]);
      writeFileSync(join(out, 'c.toml'), '[backup]\npre_exec = "exit 4"\npost_exec = "echo again >> /mnt/hooks"\n');
      const hook = await run('chroot', build(root, kernel, '--mode', 'iso', '--label', 'hook', '--config', '/mnt/c.toml'), MACHINE_ENV);
      expect([hook.status, readFileSync(join(out, 'hooks'), 'utf8'), readdirSync(out).filter((n) => n.includes('hook_'))]).toEqual([1, 'before\nafter\nagain\n', []]);
    });
    const volumes = readdirSync(out).filter((n) => n.endsWith('.iso')).map((n) => join(out, n));
    const disk = join(dir, 'target.img');
    execFileSync('truncate', ['-s', '2G', disk]);
    await using loop = await attachImage(disk);
    const restore = (...more: string[]): ReturnType<typeof cdrec> => cdrec('restore', ...volumes, '--disk', loop.device, '--yes', '--journal', join(dir, 'journal'), '--work', join(dir, 'work'), ...more);
    const none = await restore();
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('--identity FILE')]);
    const wrong = await restore('--identity', join(dir, 'wrong'));
    expect([wrong.status, wrong.stderr]).toEqual([1, expect.stringContaining('KEY_WRONG: the key does not open this set: no identity matched')]);
    expect(execFileSync('du', ['--block-size=1', disk], { encoding: 'utf8' })).toMatch(/^0\t/);
    expect((await cdrec('verify', ...volumes)).status).toBe(0); // needs no key
    const listed = await cdrec('restore-fs', ...volumes, '--identity', join(dir, 'right'), '--find', '/etc/fsta*');
    expect([listed.status, listed.stdout]).toEqual([0, '/etc/fstab']);
    const right = await restore('--identity', join(dir, 'right'));
    expect(right.status, right.stderr).toBe(0);
    const secret = /AGE-SECRET-KEY-\S+/.exec(keys[0] as string)?.[0] as string;
    expect((await run('grep', ['-a', '-l', '-F', '-e', secret, ...volumes])).status).toBe(1);
    rmSync(disk);
  }, 300_000);
});

describe('the index of an archive', () => {
  it('finds files by the last volume alone, and knows at once which are not there', async () => {
    const out = fresh('index');
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      mkdirSync(join(root, 'srv/Größe'));
      writeFileSync(join(root, 'srv/Größe/two\nlines'), 'x');
      const r = await run('chroot', build(root, kernel, '--mode', 'iso', '--volume-size', '110M'), MACHINE_ENV);
      expect(r.status, r.stderr).toBe(0);
      rmSync(join(root, 'srv/Größe'), { recursive: true });
    });
    const volumes = readdirSync(out).filter((n) => n.endsWith('.iso')).sort().map((n) => join(out, n));
    expect(volumes.length).toBeGreaterThan(1);
    const last = volumes.at(-1) as string;
    const found = await cdrec('restore-fs', last, '--find', '/srv/G*/**');
    expect([found.status, found.stdout]).toEqual([0, '/srv/Größe/two\nlines']);
    // What tar itself finds in the archive, by hand.
    const byHand = execFileSync('bash', ['-ec', 'for v; do xorriso -osirrox on -indev "$v" -extract /backup "$0/$(basename "$v")" 2> /dev/null; done; cat "$0"/*/*.tar.zst* | zstd -dc | tar -t --quoting-style=literal', join(dir, 'by-hand'), ...volumes], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim().split('\n');
    const listed = (await cdrec('restore-fs', last, '--list')).stdout.split('\n');
    expect(listed.slice(1).sort()).toEqual(byHand.slice(1).map((n) => n.replace(/^\./, '').replace(/\/$/, '')).sort());
    expect(byHand.length).toBeGreaterThan(10_000);
    rmSync(join(dir, 'by-hand'), { recursive: true });
    const missing = await cdrec('restore-fs', ...volumes, '--path', '/etc/passwd', '--path', '/etc/passwort', '--to', join(dir, 'x'));
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('NOT_IN_SET: /etc/passwort')]);
    const elsewhere = await cdrec('restore-fs', last, '--path', '/etc/passwd', '--to', join(dir, 'x'));
    expect([elsewhere.status, elsewhere.stderr]).toEqual([1, expect.stringContaining('SET_INCOMPLETE')]);
    expect(existsSync(join(dir, 'x'))).toBe(false);
    // A damaged index hides no file from whom needs it.
    const place = Number(execFileSync('bash', ['-ec', 'xorriso -indev "$0" -find /backup -name "*.index*" -exec report_lba 2> /dev/null | grep -o "[0-9]* , *[0-9]* , *[0-9]* ," | head -n 1 | cut -d, -f2', last], { encoding: 'utf8' }));
    expect(place).toBeGreaterThan(0);
    execFileSync('dd', ['if=/dev/zero', `of=${last}`, 'bs=2048', `seek=${String(place)}`, 'count=1', 'conv=notrunc', 'status=none']);
    expect((await cdrec('restore-fs', last, '--list')).status).toBe(1);
    const taken = await cdrec('restore-fs', ...volumes, '--path', '/etc/passwd', '--to', join(dir, 'x'));
    expect(taken.status, taken.stderr).toBe(0);
    expect(existsSync(join(dir, 'x/etc/passwd'))).toBe(true);
    rmSync(join(dir, 'x'), { recursive: true });
  }, 300_000);
});

describe('a set with a passphrase', () => {
  it('asks for it, opens with it, refuses a wrong one before anything is written; it is seen nowhere', async () => {
    const out = fresh('passphrase');
    const [secret, wrong] = ['correct horse battery', 'incorrect pony'];
    await inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
      const without = await run('chroot', build(root, kernel, '--mode', 'iso', '--passphrase'), MACHINE_ENV);
      expect([without.status, without.stderr]).toEqual([2, expect.stringContaining('there is no terminal')]);
      const command = ['env', '-i', `PATH=${MACHINE_ENV.PATH}`, 'TERM=dumb', 'chroot', ...build(root, kernel, '--mode', 'iso', '--passphrase')].join(' ');
      const made = await onTerminal(command, [[/Enter passphrase[^:]*: ?/, secret], [/Confirm passphrase: ?/, secret]]);
      expect(made.status, made.said).toBe(0);
      expect(made.said).not.toContain(secret);
    });
    const volumes = readdirSync(out).map((n) => join(out, n));
    expect((await run('grep', ['-a', '-l', '-F', '-e', 'AGE-SECRET-KEY', '-e', secret, ...volumes])).status).toBe(1);
    const disk = join(dir, 'target.img');
    execFileSync('truncate', ['-s', '2G', disk]);
    await using loop = await attachImage(disk);
    const restore = [process.execPath, CLI, 'restore', ...volumes, '--disk', loop.device, '--yes', '--journal', join(dir, 'journal-p'), '--work', join(dir, 'work')].join(' ');
    const refused = await onTerminal(restore, [[/Enter passphrase[^:]*: ?/, wrong]]);
    expect([refused.status, refused.said]).toEqual([1, expect.stringMatching(/KEY_WRONG: .*passphrase is wrong/)]);
    expect(execFileSync('du', ['--block-size=1', disk], { encoding: 'utf8' })).toMatch(/^0\t/);
    const restored = await onTerminal(restore, [[/Enter passphrase[^:]*: ?/, secret]]);
    expect(restored.status, restored.said).toBe(0);
    rmSync(disk);
  }, 300_000);
});

describe('a directory for archives', () => {
  it('must not lie on the machine itself, and the build ends when it goes away', async () => {
    const image = join(dir, 'store.img');
    execFileSync('truncate', ['-s', '2G', image]);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    await inMachine(machine, dir, [], async (root, kernel) => {
      const same = await run('chroot', [root, 'cdrec', 'build', '--kernel', kernel, '--mode', 'path', '--out', '/var/lib/cdrec'], MACHINE_ENV);
      expect([same.status, same.stderr]).toEqual([1, expect.stringMatching(/OUTPUT_SAME_DISK: \/var\/lib\/cdrec lies on the file system \/, which is backed up/)]);
      expect(readdirSync(join(root, 'var/lib/cdrec'))).toEqual([]);
      await withMounts([['-o', 'loop', image, join(root, 'mnt')]], async () => {
        const child = spawn('chroot', build(root, kernel, '--mode', 'path'), { stdio: ['ignore', 'ignore', 'pipe'], env: MACHINE_ENV });
        let stderr = '';
        child.stderr.on('data', (c: Buffer) => { stderr += c.toString(); });
        const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
        const started = (): boolean => readdirSync(join(root, 'mnt')).some((n) => n.endsWith('.partial') && readdirSync(join(root, 'mnt', n, 'backup')).length > 0);
        while (!started()) await new Promise((resolve) => setTimeout(resolve, 20));
        execFileSync('umount', ['--lazy', join(root, 'mnt')]);
        expect([await ended, stderr]).toEqual([1, expect.stringContaining('OUTPUT_LOST: /mnt is not mounted any more')]);
        expect(readdirSync(join(root, 'mnt'))).toEqual([]);
        execFileSync('mount', ['-o', 'loop', image, join(root, 'mnt')]); // for the unmount that is to come
      });
    });
  });
});
