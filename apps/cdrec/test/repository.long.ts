import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage, compareTrees, removeWork, withMounts } from '@cdrec/rehearse';
import { CLI, inMachine, MACHINE_ENV, makeMachine, run, type Outcome } from './machine.ts';

/** backup.engine = "restic" with restic's own REST server: build, build again, verify, restore, compare; every fault with its message. */
const workspace = fileURLToPath(new URL('../../..', import.meta.url));
const bin = join(workspace, '.cache/bin');
/** This host's own configuration: none but while a test needs one. */
const CONFIG_FILE = '/etc/cdrec/cdrec.toml';
let dir: string;
let image: string;
let port: number;
let server: ChildProcess | undefined;
const location = (): string => `rest:http://127.0.0.1:${String(port)}/`;
const password = (): string => join(dir, 'password');

const freePort = (): Promise<number> => new Promise((resolve) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port: p } = s.address() as { port: number };
    s.close(() => { resolve(p); });
  });
});
async function startServer(repository = 'repository'): Promise<void> {
  server = spawn(join(bin, 'rest-server'), ['--no-auth', '--listen', `127.0.0.1:${String(port)}`, '--path', join(dir, repository)], { stdio: 'ignore' });
  for (let i = 0; i < 100; i++) {
    if (await fetch(`http://127.0.0.1:${String(port)}/config`).then(() => true, () => false)) return;
    await sleep(100);
  }
  throw new Error('rest-server does not answer');
}
async function stopServer(): Promise<void> {
  const s = server;
  server = undefined;
  if (s?.exitCode !== null) return;
  s.kill('SIGKILL');
  await new Promise((resolve) => s.on('close', resolve));
}
const bytesIn = (path: string): number => readdirSync(path, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).reduce((n, e) => n + statSync(join(e.parentPath, e.name)).size, 0);
const config = (more = ''): string => `[backup]\nengine = "restic"\n\n[repository]\nlocation = "${location()}"\npassword_file = "/mnt/password"\npatience = 10\n${more}`;

/** cdrec in the machine's root, with /mnt bound to the directory of the test. */
const inRoot = <T>(work: (cdrec: (...args: string[]) => Promise<Outcome>, root: string, kernel: string) => Promise<T>): Promise<T> => inMachine(image, dir, [[join(dir, 'out'), 'mnt']], (root, kernel) => work((...args) => run('chroot', [root, 'cdrec', ...args], MACHINE_ENV), root, kernel));
/** cdrec on this host, as a rescue system would: restic is in PATH. */
const cdrec = (...args: string[]): Promise<Outcome> => run(process.execPath, ['--no-warnings', CLI, ...args], { PATH: `${bin}:${process.env['PATH'] ?? ''}` });
const repository = (): string[] => ['--repository', location(), '--password-file', password()];
async function blank(name: string) {
  const file = join(dir, name);
  rmSync(file, { force: true });
  execFileSync('truncate', ['-s', '2G', file]);
  return attachImage(file);
}
const restoreTo = (device: string, ...more: string[]): Promise<Outcome> => cdrec('restore', ...repository(), '--host', 'sample-bios-ext4', '--disk', device, '--yes', '--journal', join(dir, `journal-${String(Math.random()).slice(2)}`), '--work', join(dir, 'work'), ...more);

beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-repository-');
  for (const d of ['out', 'repository']) mkdirSync(join(dir, d));
  writeFileSync(password(), 'trustno1\n', { mode: 0o600 });
  cpSync(password(), join(dir, 'out/password'));
  port = await freePort();
  writeFileSync(join(dir, 'out/cdrec.toml'), config());
  image = await makeMachine(dir);
  await startServer();
  await inRoot((_, root) => {
    cpSync(join(bin, 'restic'), join(root, 'usr/local/bin/restic'));
    return Promise.resolve();
  });
}, 400_000);
afterAll(async () => {
  await stopServer();
  await removeWork(dir);
});

describe('backup.engine = "restic"', () => {
  it('a repository that is not there is not made by itself; a wrong password, a server that is not there: said before anything is done', async () => {
    await inRoot(async (cli) => {
      const args = ['build', '--config', '/mnt/cdrec.toml', '--out', '/mnt', '--exclude-mount', '/mnt', '--label', 'none'] as const;
      const none = await cli(...args);
      expect([none.status, none.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_MISSING[^]*--init-repository/)]);
      writeFileSync(join(dir, 'out/closed.toml'), config().replace(/:\d+\//, ':1/').replace('patience = 10', 'patience = 5'));
      const closed = await cli(...args, '--config', '/mnt/closed.toml');
      expect([closed.status, closed.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_UNREACHABLE[^]*connection refused/)]);
    });
    expect(readdirSync(join(dir, 'out')).sort()).toEqual(['cdrec.toml', 'closed.toml', 'password']);
  }, 120_000);

  it('build: a rescue medium without archives, a snapshot of every file system, survey and manifest in the repository; the second build sends next to nothing', async () => {
    const sent: number[] = [];
    await inRoot(async (cli, _, kernel) => {
      for (const [i, label] of ['first', 'second'].entries()) {
        const before = bytesIn(join(dir, 'repository'));
        const made = await cli('build', '--config', '/mnt/cdrec.toml', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', label, ...(i === 0 ? ['--init-repository'] : []));
        expect(made.status, made.stderr).toBe(0);
        sent.push(bytesIn(join(dir, 'repository')) - before);
      }
      const wrong = join(dir, 'out/wrong');
      writeFileSync(wrong, 'wrong\n', { mode: 0o600 });
      writeFileSync(join(dir, 'out/wrong.toml'), config().replace('/mnt/password', '/mnt/wrong'));
      const refused = await cli('build', '--config', '/mnt/wrong.toml', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', 'third');
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_PASSWORD/)]);
      expect(existsSync(join(dir, 'out/third_1.iso'))).toBe(false);
    });
    expect((sent[1] as number) / (sent[0] as number), `${String(sent)} bytes`).toBeLessThanOrEqual(0.03);
    const inspected = await cdrec('inspect', '--json', join(dir, 'out/first_1.iso'));
    const manifest = JSON.parse(inspected.stdout) as { mode: string; repository: { location: string }; archives: { kind: string; pieces: unknown[]; snapshot: { id: string } }[] };
    expect([manifest.mode, manifest.repository.location]).toEqual(['repository', location()]);
    expect(manifest.archives.map((a) => [a.kind, a.pieces.length, a.snapshot.id.length])).toContainEqual(['tree', 0, 64]);
  }, 400_000);

  it('cdrec test tries the repository: reached, closed, a wrong password, restic too old', async () => {
    const outcome = async (file: string): Promise<unknown> => inRoot(async (cli, _, kernel) => {
      const checks = JSON.parse((await cli('test', '--config', `/mnt/${file}`, '--kernel', kernel, '--json')).stdout) as { id: string; status: string; message: string }[];
      return checks.filter((c) => c.id.startsWith('repository')).map((c) => [c.id, c.status, c.message.slice(0, 100)]);
    });
    expect(await outcome('cdrec.toml')).toEqual([['repository', 'PASS', expect.stringContaining('answers, and the password opens it')]]);
    expect(await outcome('wrong.toml')).toEqual([['repository', 'FAIL', expect.stringContaining('the password does not open the repository')]]);
    expect(await outcome('closed.toml')).toEqual([['repository', 'FAIL', expect.stringContaining('does not answer')]]);
    let before = new Date(0);
    await inRoot((_, root) => {
      before = statSync(join(root, 'usr/local/sbin')).mtime;
      writeFileSync(join(root, 'usr/local/sbin/restic'), '#!/bin/sh\necho restic 0.14.0 compiled with go1.19\n', { mode: 0o755 });
      return Promise.resolve();
    });
    expect(await outcome('cdrec.toml')).toEqual([['repository.program', 'FAIL', expect.stringContaining('restic 0.14.0 is too old')]]);
    await inRoot((_, root) => {
      rmSync(join(root, 'usr/local/sbin/restic'));
      utimesSync(join(root, 'usr/local/sbin'), before, before);
      return Promise.resolve();
    });
  }, 120_000);

  it('the rescue system, whatever it is built for, has restic and knows where the repository is; its secrets only if asked for, and then encrypted', async () => {
    const key = join(dir, 'key.txt');
    execFileSync('age-keygen', ['-o', key], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', key], { encoding: 'utf8' }).trim();
    writeFileSync(join(dir, 'out/on-medium.toml'), config('on_medium = true\n').replace('engine = "restic"', `engine = "restic"\nencrypt = ["${recipient}"]`));
    await inRoot(async (cli, _, kernel) => {
      for (const [label, file] of [['plain', 'cdrec.toml'], ['kept', 'on-medium.toml']] as const) {
        const made = await cli('build', '--config', `/mnt/${file}`, '--output', 'tree', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', label);
        expect(made.status, made.stderr).toBe(0);
      }
    });
    for (const label of ['plain', 'kept']) {
      const tree = join(dir, `out/${label}-tree`);
      expect(JSON.parse(readFileSync(join(tree, 'etc/cdrec/repository.json'), 'utf8'))).toMatchObject({ engine: 'restic', location: location(), host: 'sample-bios-ext4' });
      expect((await run('find', [tree, '-name', 'restic', '-perm', '-100'])).stdout).toContain('bin/restic');
      expect((await run('grep', ['-rlE', 'trustno1', join(tree, 'etc'), join(tree, 'root'), join(tree, 'usr/local')])).stdout).toBe('');
    }
    const kept = 'etc/cdrec/repository.keys.age';
    expect(existsSync(join(dir, 'out/plain-tree', kept))).toBe(false);
    expect(JSON.parse(execFileSync('age', ['--decrypt', '--identity', key, join(dir, 'out/kept-tree', kept)], { encoding: 'utf8' }))).toEqual({ password: 'trustno1', environment: {} });
    // The rescue system itself opens them, with its own programs.
    const rescue = join(dir, 'out/kept-tree');
    cpSync(key, join(rescue, 'tmp/key.txt'));
    await withMounts(['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(rescue, d)]), async () => {
      const within = (...args: string[]): Promise<Outcome> => run('chroot', [rescue, 'cdrec', ...args], MACHINE_ENV);
      const opened = await within('fleet', 'list', '--identity', '/tmp/key.txt');
      expect([opened.status, opened.stdout], opened.stderr).toEqual([0, expect.stringContaining('sample-bios-ext4')]);
      expect(await within('fleet', 'list')).toMatchObject({ status: 2, stderr: expect.stringContaining('--identity FILE') as string });
      // The newest set of this machine, of which nothing was said.
      const found = await within('restore-fs', '--identity', '/tmp/key.txt', '--find', '/etc/fsta*');
      expect(found.stdout, found.stderr).toBe('/etc/fstab');
    });
    for (const label of ['plain', 'kept']) rmSync(join(dir, `out/${label}-tree`), { recursive: true });
  }, 300_000);

  it('a boot server\'s tree: the machine by its MAC, a generic rescue system for all others, what others put there stays', async () => {
    const tree = join(dir, 'out/tree');
    mkdirSync(join(tree, 'pxelinux.cfg'), { recursive: true });
    writeFileSync(join(tree, 'pxelinux.cfg/01-aa-bb-cc-dd-ee-ff'), 'of another machine\n');
    await inRoot(async (cli, _, kernel) => {
      const add = (...more: string[]): Promise<Outcome> => cli('build', '--config', '/mnt/cdrec.toml', '--output', 'pxe', '--to', '/mnt/tree', '--exclude-mount', '/mnt', '--kernel', kernel, ...more);
      const own = await add();
      expect(own.status, own.stderr).toBe(0);
      expect(readFileSync(join(tree, 'pxelinux.cfg/default'), 'utf8')).toContain('does not know this machine');
      const generic = await add('--generic');
      expect(generic.status, generic.stderr).toBe(0);
      const floppy = await cli('build', '--config', '/mnt/cdrec.toml', '--to', '/mnt/tree');
      expect([floppy.status, floppy.stderr]).toEqual([2, expect.stringContaining('--output pxe')]);
    });
    expect(readFileSync(join(tree, 'pxelinux.cfg/01-aa-bb-cc-dd-ee-ff'), 'utf8')).toBe('of another machine\n');
    expect(readFileSync(join(tree, 'pxelinux.cfg/default'), 'utf8')).toMatch(/INITRD generic\/boot\/initrd\.gz,generic\/cdrec\/rd-base\.img/);
    for (const [file, text] of [['boot.ipxe', 'chain --autofree mac-${mac:hexhyp}.ipxe'], ['host-sample-bios-ext4.ipxe', 'kernel machines/sample-bios-ext4/boot/vmlinuz'], ['grub/grub.cfg', '/grub/mac-${net_default_mac}.cfg'], ['grub/generic.cfg', 'linux /generic/boot/vmlinuz']] as const) expect(readFileSync(join(tree, file), 'utf8'), file).toContain(text);
    for (const place of ['generic', 'machines/sample-bios-ext4']) for (const file of ['boot/vmlinuz', 'boot/initrd.gz', 'cdrec/rd-base.img']) expect(statSync(join(tree, place, file)).mode & 0o777, `${place}/${file}`).toBe(0o644);
    expect(readdirSync(tree).filter((n) => n.startsWith('.'))).toEqual([]);
    rmSync(tree, { recursive: true });
  }, 300_000);

  it('lists, verifies, and restores from the repository alone: every file as it was, inode flags included', async () => {
    const list = await cdrec('fleet', 'list', ...repository(), '--json');
    expect((JSON.parse(list.stdout) as { host: string; label: string }[]).map((s) => [s.host, s.label])).toEqual([['sample-bios-ext4', 'second']]);
    expect((await cdrec('verify', join(dir, 'out/first_1.iso'), '--password-file', password(), '--snapshot', 'set')).stdout).toContain('complete and undamaged');
    // The repository answers under another name than the medium knows: it is reached there.
    const moved = ['verify', join(dir, 'out/first_1.iso'), '--password-file', password(), '--snapshot', 'set', '--repository'];
    expect((await cdrec(...moved, location().replace('127.0.0.1', 'localhost'))).stdout).toContain('complete and undamaged');
    const nowhere = await cdrec(...moved, join(dir, 'nowhere'), '--repository-env', '/dev/null');
    expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringContaining('REPOSITORY_MISSING')]);
    const confused = await cdrec(...moved, location(), '--host', 'web9');
    expect([confused.status, confused.stderr]).toEqual([2, expect.stringContaining('volumes and --host do not go together')]);
    const found = await cdrec('restore-fs', ...repository(), '--host', 'sample-bios-ext4', '--find', '/etc/fsta*');
    expect(found.stdout).toBe('/etc/fstab');
    const single = await cdrec('restore-fs', ...repository(), '--host', 'sample-bios-ext4', '--snapshot', 'first', '--path', '/etc/fstab', '--to', join(dir, 'single'));
    expect(single.status, single.stderr).toBe(0);
    await using loop = await blank('a.img');
    const restored = await restoreTo(loop.device, '--check');
    expect([restored.status, restored.stdout], restored.stderr).toEqual([0, expect.stringMatching(/CHECKED \d{5} files: 0 differences\nRESTORED sample-bios-ext4/)]);
    await using original = await attachImage(image);
    await withMounts([['-t', 'ext4', '-o', 'ro,noatime', original.partition(1), join(dir, 'left')], ['-t', 'ext4', '-o', 'ro,noatime', loop.partition(1), join(dir, 'right')]], async () => {
      expect(readFileSync(join(dir, 'single/etc/fstab'), 'utf8')).toBe(readFileSync(join(dir, 'left/etc/fstab'), 'utf8'));
      const { entries, differences } = await compareTrees(join(dir, 'left'), join(dir, 'right'), { without: ['./tmp', './var/lib/cdrec', './var/cache', './boot/grub', './mnt'] });
      expect(entries).toBeGreaterThan(10_000);
      // /tmp was at work while it was saved; hard links between symbolic links are what restic does not keep (docs/engines.md).
      expect(differences.filter((d) => !d.startsWith('./tmp: mtime'))).toEqual([]);
    });
  }, 400_000);

  it('a snapshot that is gone, another host, a date before the first set: named, nothing written', async () => {
    await using loop = await blank('c.img');
    const host = await cdrec('restore', ...repository(), '--host', 'web9', '--disk', loop.device, '--yes');
    expect([host.status, host.stderr]).toEqual([1, expect.stringMatching(/SNAPSHOT_MISSING[^]*no set of web9[^]*sample-bios-ext4/)]);
    const early = await restoreTo(loop.device, '--snapshot', '2001-01-01');
    expect([early.status, early.stderr]).toEqual([1, expect.stringMatching(/no set of sample-bios-ext4 as old as 2001-01-01/)]);
    const nonsense = await restoreTo(loop.device, '--snapshot', 'yesterday');
    expect(nonsense.status).toBe(2);
    const restic = (...args: string[]): string => execFileSync(join(bin, 'restic'), ['-r', location(), '--password-file', password(), ...args], { encoding: 'utf8' });
    const all = JSON.parse(restic('snapshots', '--json')) as { id: string; tags: string[] }[];
    const tree = all.find((s) => s.tags.includes('label=first') && s.tags.includes('mount=/') && s.tags.includes('type=tree')) as { id: string };
    restic('forget', tree.id);
    const gone = await restoreTo(loop.device, '--snapshot', 'first');
    expect([gone.status, gone.stderr]).toEqual([1, expect.stringMatching(/SET_DAMAGED[^]*is not in the repository[^]*nothing was written/)]);
    expect(execFileSync('dd', [`if=${loop.device}`, 'bs=512K', 'count=1', 'status=none']).every((b) => b === 0)).toBe(true);
  }, 200_000);

  it('the server is killed in mid-backup: said, and the same command succeeds later; in mid-restore (clone-dsk) it is waited for, and when it stays away, said, and the same command goes on; --check finds what differs', async () => {
    await inRoot(async (cli, root, kernel) => {
      writeFileSync(join(root, 'srv/large'), randomBytes(400 << 20));
      const building = cli('build', '--config', '/mnt/cdrec.toml', '--no-medium', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', 'cut');
      // The first pack of the large file has come; a dozen are still to come.
      const before = bytesIn(join(dir, 'repository/data'));
      for (let i = 0; i < 1200 && bytesIn(join(dir, 'repository/data')) === before; i++) await sleep(50);
      await stopServer();
      const cut = await building;
      await startServer();
      expect([cut.status, cut.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_UNREACHABLE/)]);
      const again = await cli('build', '--config', '/mnt/cdrec.toml', '--no-medium', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', 'again');
      expect(again.status, again.stderr).toBe(0);
    });
    const sets = JSON.parse((await cdrec('fleet', 'list', ...repository(), '--host', 'sample-bios-ext4', '--json')).stdout) as { label: string }[];
    expect(sets.map((s) => s.label)).not.toContain('cut');
    await using loop = await blank('d.img');
    const hook = join(dir, 'spoil');
    writeFileSync(hook, 'echo spoilt > "$CDREC_ROOT/etc/issue"; chmod 600 "$CDREC_ROOT/etc/motd"; rm "$CDREC_ROOT/etc/issue.net"; printf x | dd of="$CDREC_ROOT/srv/large" bs=1 seek=1000000 conv=notrunc 2> /dev/null; touch -d @1700000000 "$CDREC_ROOT/srv/large"\n');
    const journal = join(dir, 'journal-cut');
    const plan = await cdrec('plan', ...repository(), '--host', 'sample-bios-ext4', '--disk', loop.device, '--json');
    const { disks: [machine] } = JSON.parse(plan.stdout) as { disks: { source: string }[] };
    const command = ['clone-dsk', machine?.source ?? '', loop.device, ...repository(), '--host', 'sample-bios-ext4', '--yes', '--skip-verify', '--check', '--hook', hook, '--journal', journal, '--work', join(dir, 'work')] as const;
    // What waits for a server, and how long, says the configuration.
    expect(existsSync(CONFIG_FILE)).toBe(false);
    mkdirSync(dirname(CONFIG_FILE), { recursive: true });
    writeFileSync(CONFIG_FILE, config());
    const atWork = async (): Promise<void> => {
      for (let i = 0; i < 600 && (await run('findmnt', ['--noheadings', '--output', 'TARGET', '--source', loop.partition(1)])).stdout === ''; i++) await sleep(100);
      await sleep(1500);
    };
    try {
      const lost = cdrec(...command);
      await atWork();
      await stopServer();
      const given = await lost;
      expect([given.status, given.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_UNREACHABLE[^]*can be run again/)]);
    } finally {
      rmSync(CONFIG_FILE);
    }
    await startServer();
    const child = cdrec(...command);
    await atWork();
    await stopServer();
    await sleep(3000);
    await startServer();
    // Away for three seconds: restic asks again, and nobody notices.
    const { status, stdout } = await child;
    expect([status, stdout.split('\n').filter((l) => l.startsWith('DIFFERENT')).sort()]).toEqual([3, [
      'DIFFERENT /etc/issue.net: Cannot stat: No such file or directory', 'DIFFERENT /etc/issue: Mod time differs', 'DIFFERENT /etc/issue: Size differs', 'DIFFERENT /etc/motd: Mode differs', 'DIFFERENT /srv/large: Contents differ', 'DIFFERENT /srv/large: Mod time differs',
    ]]);
  }, 400_000);

  it('a damaged repository is found before the disk is touched', async () => {
    await using loop = await blank('e.img');
    const data = join(dir, 'repository/data');
    cpSync(data, `${data}.whole`, { recursive: true });
    execFileSync('chmod', ['-R', 'u+w', data]);
    for (const e of readdirSync(data, { recursive: true, withFileTypes: true }).filter((f) => f.isFile())) {
      const pack = join(e.parentPath, e.name);
      const bytes = readFileSync(pack);
      if (bytes.length < 4 << 20) continue; // those with trees: the next one finds these
      const at = Math.floor(bytes.length / 3);
      bytes[at] = (bytes[at] as number) ^ 0xff;
      writeFileSync(pack, bytes);
    }
    const flipped = await restoreTo(loop.device);
    expect([flipped.status, flipped.stderr]).toEqual([1, expect.stringMatching(/SET_DAMAGED[^]*cannot be read[^]*nothing was written/)]);
    for (const d of readdirSync(data)) rmSync(join(data, d), { recursive: true });
    for (const d of readdirSync(`${data}.whole`)) mkdirSync(join(data, d));
    const lost = await restoreTo(loop.device);
    expect([lost.status, lost.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_FAILED|SET_DAMAGED/)]);
    expect(execFileSync('dd', [`if=${loop.device}`, 'bs=512K', 'count=1', 'status=none']).every((b) => b === 0)).toBe(true);
    cpSync(`${data}.whole`, data, { recursive: true });
    const mended = await cdrec('verify', ...repository(), '--host', 'sample-bios-ext4');
    expect([mended.status, mended.stdout], mended.stderr).toEqual([0, expect.stringContaining('complete and undamaged')]);
  }, 400_000);

  it('a repository by sftp: with its own key, which the rescue system has only encrypted, and the server\'s, without which it is refused', async () => {
    const key = join(dir, 'sftp.txt');
    execFileSync('age-keygen', ['-o', key], { stdio: 'ignore' });
    const recipient = execFileSync('age-keygen', ['-y', key], { encoding: 'utf8' }).trim();
    const sshPort = await freePort();
    const place = `sftp://root@127.0.0.1:${String(sshPort)}//mnt/sftp-repository`;
    await inRoot(async (cli, root, kernel) => {
      const sh = (script: string): Promise<Outcome> => run('chroot', [root, 'bash', '-ec', script], MACHINE_ENV);
      const prepared = await sh("mkdir -p /run/sshd /etc/cdrec /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f '/etc/cdrec/key of the store'; ssh-keygen -q -t ed25519 -N '' -f /etc/cdrec/host; cp '/etc/cdrec/key of the store.pub' /etc/cdrec/authorized");
      expect(prepared.status, prepared.stderr).toBe(0);
      const sshd = spawn('chroot', [root, '/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', '-p', String(sshPort), '-h', '/etc/cdrec/host', '-o', 'ListenAddress=127.0.0.1', '-o', 'PermitRootLogin=prohibit-password', '-o', 'AuthorizedKeysFile=/etc/cdrec/authorized', '-o', 'StrictModes=no', '-o', 'UsePAM=no', '-o', 'Subsystem=sftp internal-sftp', '-o', 'PidFile=none'], { stdio: 'ignore' });
      try {
        const sftp = config('on_medium = true\nssh_key = "/etc/cdrec/key of the store"\n').replace(location(), place);
        writeFileSync(join(dir, 'out/sftp.toml'), sftp.replace('engine = "restic"', `engine = "restic"\nencrypt = ["${recipient}"]`));
        expect((await sh(`for i in $(seq 100); do ssh-keyscan -p ${String(sshPort)} 127.0.0.1 2> /dev/null | grep -q . && exit 0; sleep 0.2; done; exit 1`)).status, 'sshd answers').toBe(0);
        const build = (...more: string[]): Promise<Outcome> => cli('build', '--config', '/mnt/sftp.toml', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, ...more);
        const unknown = await build('--init-repository');
        expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_UNREACHABLE[^]*server's key must be known/)]);
        await sh(`ssh-keyscan -p ${String(sshPort)} 127.0.0.1 > /root/.ssh/known_hosts 2> /dev/null`);
        expect((await build('--init-repository', '--no-medium', '--label', 'by-sftp')).status).toBe(0);
        const tree = await build('--output', 'tree', '--label', 'sftp');
        expect([tree.status, tree.stderr]).toEqual([0, expect.not.stringContaining('does not know the SSH key')]);
        const file = await cli('restore-fs', '--repository', place, '--password-file', '/mnt/password', '--ssh-key', '/etc/cdrec/key of the store', '--host', 'sample-bios-ext4', '--path', '/etc/fstab', '--to', '/mnt/by-sftp');
        expect(file.status, file.stderr).toBe(0);
        expect(readFileSync(join(dir, 'out/by-sftp/etc/fstab'), 'utf8')).toBe(readFileSync(join(root, 'etc/fstab'), 'utf8'));
        // How long a server is waited for, whose ssh may say nothing of why.
        cpSync(join(dir, 'out/sftp.toml'), join(root, 'etc/cdrec/cdrec.toml'));
        const refused = await cli('restore-fs', '--repository', place, '--password-file', '/mnt/password', '--ssh-key', '/etc/cdrec/host', '--host', 'sample-bios-ext4', '--list');
        expect([refused.status, refused.stderr]).toEqual([1, expect.stringMatching(/REPOSITORY_UNREACHABLE[^]*your key be accepted/)]);
        const secrets = JSON.parse(execFileSync('age', ['--decrypt', '--identity', key, join(dir, 'out/sftp-tree/etc/cdrec/repository.keys.age')], { encoding: 'utf8' })) as { sshKey: string };
        expect(secrets.sshKey).toBe(readFileSync(join(root, 'etc/cdrec/key of the store'), 'utf8'));
        expect(readFileSync(join(dir, 'out/sftp-tree/etc/ssh/ssh_known_hosts'), 'utf8')).toContain(`[127.0.0.1]:${String(sshPort)} `);
        expect((await run('find', [join(dir, 'out/sftp-tree'), '-name', 'ssh', '-perm', '-100', '-o', '-name', 'key*'])).stdout.trim()).toMatch(/bin\/ssh$/);
      } finally {
        sshd.kill();
        await sh("rm -rf /etc/cdrec/cdrec.toml /etc/cdrec/key* /etc/cdrec/host* /etc/cdrec/authorized /root/.ssh");
        for (const name of ['sftp-tree', 'sftp-repository', 'by-sftp']) rmSync(join(dir, 'out', name), { recursive: true, force: true });
      }
    });
  }, 300_000);
});

describe('backup.engine = "command"', () => {
  it('the administrator\'s commands save and bring back; what they cannot bring back is found before the first write', async () => {
    const store = join(dir, 'store');
    const inside = '/mnt/store';
    mkdirSync(join(dir, 'out/store'));
    const script = (at: string): string => `f=${at}/\${CDREC_REFERENCE#job:}; case $CDREC_ACTION in check) test -s $f || { echo "job is gone" >&2; exit 1; };; restore-tree) tar -C $CDREC_ROOT --numeric-owner --xattrs --acls -xpf $f;; restore-stream) cat $f;; esac`;
    writeFileSync(join(dir, 'out/command.toml'), `[backup]
engine = "command"
command = '''case $CDREC_ACTION in save-tree) sed 's/^/--exclude=/' $CDREC_EXCLUDE > /tmp/x; tar -C $CDREC_ROOT --one-file-system --numeric-owner --xattrs --acls $(grep -v '[*]' /tmp/x) -cf ${inside}/$CDREC_ARCHIVE . ;; save-stream) cat > ${inside}/$CDREC_ARCHIVE;; esac; echo job:$CDREC_ARCHIVE'''

[restore]
command = '''${script(inside)}'''
`);
    await inRoot(async (cli, _, kernel) => {
      const made = await cli('build', '--config', '/mnt/command.toml', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--label', 'commands');
      expect(made.status, made.stderr).toBe(0);
    });
    // On this host, restore.command comes from its configuration; in the rescue system from the medium.
    cpSync(join(dir, 'out/store'), store, { recursive: true });
    expect(existsSync(CONFIG_FILE)).toBe(false);
    mkdirSync('/etc/cdrec', { recursive: true });
    try {
      writeFileSync(CONFIG_FILE, `[restore]\ncommand = '''${script(store)}'''\n`);
      await using loop = await blank('k.img');
      const restored = await cdrec('restore', join(dir, 'out/commands_1.iso'), '--disk', loop.device, '--yes', '--journal', join(dir, 'journal-k'), '--work', join(dir, 'work'));
      expect([restored.status, restored.stdout], restored.stderr).toEqual([0, expect.stringContaining('RESTORED')]);
      await withMounts([['-t', 'ext4', '-o', 'ro', loop.partition(1), join(dir, 'right')]], () => {
        expect(readFileSync(join(dir, 'right/etc/hostname'), 'utf8')).toBe('sample-bios-ext4\n');
        return Promise.resolve();
      });
      for (const f of readdirSync(store)) rmSync(join(store, f));
      const gone = await cdrec('restore', join(dir, 'out/commands_1.iso'), '--disk', loop.device, '--yes', '--restart', '--journal', join(dir, 'journal-k'), '--work', join(dir, 'work'));
      expect([gone.status, gone.stderr]).toEqual([1, expect.stringMatching(/SET_DAMAGED[^]*job is gone/)]);
    } finally {
      rmSync(CONFIG_FILE);
    }
  }, 300_000);
});
