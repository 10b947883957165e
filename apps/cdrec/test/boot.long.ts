import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attachImage } from '@cdrec/rehearse';
import { IsoSetWriter } from '@cdrec/volumes';
import { cdrec, inMachine, MACHINE_ENV, makeMachine, run, type Outcome } from './machine.ts';

/** A real machine's disk: what cdrec test foresees, what other outputs a build has, what happens to media afterwards. */
let dir: string;
let machine: string;
let out: string;
beforeAll(async () => {
  dir = mkdtempSync('/var/tmp/cdrec-boot-');
  machine = await makeMachine(dir);
  out = join(dir, 'out');
  mkdirSync(out);
});
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

/** Runs cdrec in the machine; `config` is TOML. */
const inside = (config: string, args: (kernel: string) => string[], before: (root: string) => void = () => undefined, env: Record<string, string> = {}): Promise<Outcome> =>
  inMachine(machine, dir, [[out, 'mnt']], async (root, kernel) => {
    writeFileSync(join(out, 'cdrec.toml'), config);
    before(root);
    return run('chroot', [root, 'cdrec', ...args(kernel), '--config', '/mnt/cdrec.toml', '--kernel', kernel, '--exclude-mount', '/mnt', '--out', '/mnt'], { ...MACHINE_ENV, ...env });
  });

describe('keeping a set fresh', () => {
  it('makes one when there is none, none when nothing changed, another one after a change; old ones go, status says it', async () => {
    const store = join(dir, 'fresh');
    mkdirSync(store);
    await inMachine(machine, dir, [[store, 'mnt']], async (root, kernel) => {
      writeFileSync(join(root, 'etc/cdrec.toml'), `[output]\ndirectory = "/mnt"\n[rescue]\nkernel = "${kernel}"\n[backup]\nexclude_mounts = ["/mnt"]\nexclude = ["/usr/*"]\n`);
      const cdrecIn = (...args: string[]): Promise<Outcome> => run('chroot', [root, 'cdrec', ...args, '--config', '/etc/cdrec.toml'], MACHINE_ENV);
      // A share holds other machines' sets, too, and one that somebody has named.
      const others = ['CDrec-2020.01.01_1.iso', 'golden_1.iso'];
      for (const [label, host] of [['CDrec-2020.01.01', 'another'], ['golden', readFileSync(join(root, 'etc/hostname'), 'utf8').trim()]] as const) {
        await (await IsoSetWriter.begin({ setId: randomUUID(), label, host, created: Date.UTC(2020, 0, 1), mode: 'rescue', directory: store, volumeBytes: 1e9, boot: {}, populate: (iso) => { iso.addFile('cdrec/survey.json', Buffer.from('{}')); } })).finish();
      }
      const sets = (): string[] => readdirSync(store).filter((n) => n.endsWith('.iso') && !others.includes(n)).sort();
      renameSync(join(store, 'golden_1.iso'), join(dir, 'golden_1.iso'));
      expect(await cdrecIn('status')).toMatchObject({ status: 1, stderr: expect.stringContaining('there is no set in /mnt') as string });
      const first = await cdrecIn('refresh', '--no-rehearse');
      expect([first.status, first.stderr]).toEqual([0, expect.stringContaining('A new set is made: there is no set')]);
      renameSync(join(dir, 'golden_1.iso'), join(store, 'golden_1.iso'));
      const [made] = sets();
      const fresh = await cdrecIn('status', '--max-age', '1d', '--json');
      expect([fresh.status, JSON.parse(fresh.stdout)]).toEqual([3, expect.objectContaining({ drift: [], tooOld: false, attention: ['the set was never rehearsed'] })]);
      const again = await cdrecIn('refresh', '--no-rehearse');
      expect([again.status, again.stderr]).toEqual([0, expect.stringMatching(/is as the machine is, and new enough/)]);
      expect(sets()).toEqual([made]);
      appendFileSync(join(root, 'etc/fstab'), '# changed\n');
      // The label of a set has the minute in it.
      while (new Date().toISOString().slice(11, 16).replace(':', '') === /\.(\d{4})_1/.exec(made as string)?.[1]) await new Promise((r) => setTimeout(r, 1000));
      const changed = await cdrecIn('refresh', '--no-rehearse', '--keep', '1');
      expect([changed.status, changed.stderr]).toEqual([0, expect.stringMatching(/the machine has changed: \/etc\/fstab[^]*Removing the old set/)]);
      expect(sets()).toHaveLength(1);
      expect(sets()).not.toEqual([made]);
      expect(readdirSync(store).filter((n) => n.endsWith('.html'))).toHaveLength(1);
      // The form of a set is that of the configuration.
      const config = join(root, 'etc/cdrec.toml');
      writeFileSync(config, readFileSync(config, 'utf8').replace('[output]\n', '[output]\nmode = "path"\n'));
      const asPath = await cdrecIn('refresh', '--no-rehearse', '--max-age', '0h', '--keep', '1');
      expect([asPath.status, asPath.stderr]).toEqual([0, expect.stringMatching(/is too old[^]*Removing the old set/)]);
      expect(sets()).toEqual([]);
      expect(readdirSync(store).filter((n) => others.includes(n))).toEqual(others);
      expect(readdirSync(store).filter((n) => existsSync(join(store, n, 'cdrec/set.json')))).toHaveLength(1);
      const wrong = await cdrecIn('refresh', '--max-age', 'soon');
      expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('"soon" is no age')]);
      // In a chroot nothing is started, but the units are written, and systemd finds no fault with them.
      const timer = await run('chroot', [root, 'cdrec', 'install-timer', '--calendar', 'Sun 03:00', '--max-age', '2w'], MACHINE_ENV);
      expect(timer.status, timer.stderr).toBe(0);
      const service = readFileSync(join(root, 'etc/systemd/system/cdrec.service'), 'utf8');
      expect(service).toContain('cdrec.mjs refresh --max-age 2w --keep 2\n');
      expect((await run('chroot', [root, 'cdrec', 'install-timer'], MACHINE_ENV)).stderr).toMatch(/TIMER_EXISTS/);
      const never = await run('chroot', [root, 'cdrec', 'install-timer', '--force', '--calendar', 'sometimes'], MACHINE_ENV);
      expect([never.status, never.stderr]).toEqual([1, expect.stringMatching(/TIMER_INVALID: "sometimes"/)]);
      for (const f of ['etc/systemd/system/cdrec.service', 'etc/systemd/system/cdrec.timer', 'etc/cdrec.toml']) rmSync(join(root, f));
      const fstab = join(root, 'etc/fstab');
      writeFileSync(fstab, readFileSync(fstab, 'utf8').replace('# changed\n', ''));
    });
    rmSync(store, { recursive: true });
  }, 400_000);
});

describe('the rescue root as a directory', () => {
  it('is written, changed, and taken for a set; a directory that is none is refused', async () => {
    const made = await inside('', () => ['build', '--output', 'tree', '--label', 'T']);
    expect(made.status, made.stderr).toBe(0);
    const tree = join(out, 'T-tree');
    expect(readFileSync(join(tree, 'etc/hostname'), 'utf8')).toBe('cdrec-rescue\n');
    writeFileSync(join(tree, 'root/mine.txt'), 'mine\n');
    writeFileSync(join(tree, 'etc/recovery/survey.json'), 'old');
    const again = await inside('', () => ['build', '--output', 'tree', '--label', 'T']);
    expect([again.status, again.stderr]).toEqual([1, expect.stringMatching(/OUTPUT_EXISTS/)]);
    const set = await inside('', () => ['build', '--mode', 'rescue', '--label', 'T', '--tree', '/mnt/T-tree']);
    expect(set.status, set.stderr).toBe(0);
    const image = execFileSync('bsdtar', ['-xOf', join(out, 'T_1.iso'), 'cdrec/rd-base.squashfs'], { maxBuffer: 1 << 29 });
    writeFileSync(join(dir, 'rd.squashfs'), image);
    const show = (file: string): string => execFileSync('unsquashfs', ['-cat', join(dir, 'rd.squashfs'), file], { encoding: 'utf8', maxBuffer: 1 << 26 });
    expect(show('root/mine.txt')).toBe('mine\n');
    expect(JSON.parse(show('etc/recovery/survey.json'))).toMatchObject({ version: 1 });
    expect(execFileSync('unsquashfs', ['-lln', join(dir, 'rd.squashfs'), 'root/mine.txt', 'etc/recovery/survey.json'], { encoding: 'utf8' })).toMatch(/-rw------- 0\/0 .*survey\.json/);
    const none = await inside('', () => ['build', '--mode', 'rescue', '--label', 'U', '--tree', '/mnt']);
    expect([none.status, none.stderr]).toEqual([1, expect.stringMatching(/TREE_INVALID: .*it has no \/usr\/sbin\/init/)]);
    // A rule that means nothing is told today, not on the day of the restore.
    const rule = await inside('[restore]\nfixed = ["/no-such-mount"]\n', () => ['build', '--mode', 'rescue', '--label', 'U']);
    expect([rule.status, rule.stderr]).toEqual([2, expect.stringMatching(/CONFIG_INVALID: restore\.fixed, restore\.weights: "\/no-such-mount" is nothing of this machine/)]);
    for (const f of [tree, join(out, 'T_1.iso'), join(out, 'T.html'), join(dir, 'rd.squashfs')]) rmSync(f, { recursive: true });
  }, 300_000);
});

describe('cdrec test foresees', () => {
  const checks = async (config: string, before: (root: string) => void = () => undefined, more: string[] = []): Promise<Map<string, { status: string; message: string; remedy?: string }>> => {
    const r = await inside(config, () => ['test', '--json', ...more], before);
    return new Map((JSON.parse(r.stdout) as { id: string; status: string; message: string; remedy?: string }[]).map((c) => [c.id, c]));
  };
  const moved = (path: string) => (root: string): void => { renameSync(join(root, path), join(root, `${path}.away`)); };
  const back = (path: string) => (root: string): void => { renameSync(join(root, `${path}.away`), join(root, path)); };

  it('nothing where nothing is wrong', async () => {
    const c = await checks('');
    for (const id of ['boot.bios', 'boot.uefi', 'boot.secure-boot', 'boot.images', 'boot.initrd', 'kernel.config', 'fstab']) expect(c.get(id), id).toMatchObject({ status: 'PASS' });
    expect(c.get('boot.uefi')?.message).toContain('signed by the distribution');
  });
  it('a missing shim, a floppy that is too small, a label that is too long, a stale UUID, keys that are none', async () => {
    const c = await checks('[boot]\nbios = "floppy-1.44"\n[rescue]\nssh_keys = ["/etc/hostname"]\nkeymap = "no-such"\n', (root) => {
      moved('usr/lib/shim/shimx64.efi.signed')(root);
      appendFileSync(join(root, 'etc/fstab'), 'UUID=00000000-dead-4000-8000-000000000000 /data ext4 defaults 0 2\n');
    }, ['--label', 'x'.repeat(29)]);
    expect(c.get('boot.secure-boot')).toMatchObject({ status: 'WARN', message: expect.stringContaining('shim and a signed GRUB are not installed') as string, remedy: expect.stringContaining('shim-signed') as string });
    expect(c.get('boot.images')).toMatchObject({ status: 'FAIL', message: expect.stringMatching(/1\.44 MB floppy cannot hold .* by \d+ bytes/) as string });
    expect(c.get('label')).toMatchObject({ status: 'FAIL', message: expect.stringContaining('29 characters') as string });
    expect(c.get('fstab./data')).toMatchObject({ status: 'FAIL' });
    expect(c.get('ssh')).toMatchObject({ status: 'FAIL' });
    expect(c.get('keymap')).toMatchObject({ status: 'FAIL' });
  });
  it('a kernel without an option or without a module', async () => {
    const c = await checks('', (root) => {
      back('usr/lib/shim/shimx64.efi.signed')(root);
      const fstab = join(root, 'etc/fstab');
      writeFileSync(fstab, readFileSync(fstab, 'utf8').split('\n').filter((l) => !l.includes('dead')).join('\n'));
      const config = join(root, 'boot', readdirSync(join(root, 'boot')).find((n) => n.startsWith('config-')) as string);
      writeFileSync(config, readFileSync(config, 'utf8').replace('CONFIG_RD_GZIP=y', '# CONFIG_RD_GZIP is not set'));
    });
    expect(c.get('kernel.config.RD_GZIP')).toMatchObject({ status: 'FAIL', message: expect.stringContaining('could not unpack the first stage') as string });
  });
});

describe('cdrec build --output', () => {
  const epoch = { SOURCE_DATE_EPOCH: '1700000000' };
  it('pxe makes a tree that servers can read, the same each time', async () => {
    const digests: string[] = [];
    for (const label of ['net', 'net']) {
      const r = await inside('', () => ['build', '--output', 'pxe', '--label', label, '--overwrite'], () => undefined, epoch);
      expect(r.status, r.stderr).toBe(0);
      digests.push(execFileSync('bash', ['-c', 'cd "$1" && find . -type f | sort | xargs sha256sum', 'x', join(out, 'net')], { encoding: 'utf8' }));
    }
    expect(digests[1]).toBe(digests[0]);
    for (const file of ['boot.ipxe', 'pxelinux.0', 'pxelinux.cfg/default', 'grub/grub.cfg', 'bootx64.efi', 'grubx64.efi', 'boot/vmlinuz', 'boot/initrd.gz']) expect(statSync(join(out, 'net', file)).mode & 0o777, file).toBe(0o644);
    expect(execFileSync('bash', ['-c', 'cpio -it --quiet < "$1"', 'x', join(out, 'net/cdrec/rd-base.img')], { encoding: 'utf8' })).toBe('cdrec\ncdrec/rd-base.squashfs\n');
    expect(readdirSync(out).filter((n) => n.startsWith('.'))).toEqual([]);
  });
  it('floppy makes one with the memory test, or says what does not fit and leaves nothing', async () => {
    const bad = await inside('', () => ['build', '--output', 'floppy', '--label', 'f']);
    expect(bad).toMatchObject({ status: 1, stderr: expect.stringMatching(/BOOT_TOO_LARGE.*by \d+ bytes/) as string });
    const good = await inside('[boot]\nfloppy = "memtest"\nbios = "floppy-2.88"\n', () => ['build', '--output', 'floppy', '--label', 'f']);
    expect(good.status, good.stderr).toBe(0);
    expect(statSync(join(out, 'f_floppy.img')).size).toBe(2_949_120);
    expect(readdirSync(out).filter((n) => n.startsWith('.'))).toEqual([]);
  });
  it('refuses backups there, and wrong words', async () => {
    expect(await inside('', () => ['build', '--output', 'pxe', '--mode', 'iso'])).toMatchObject({ status: 2, stderr: expect.stringContaining('makes no backups') as string });
    expect(await inside('', () => ['build', '--output', 'tape'])).toMatchObject({ status: 2 });
  });
});

describe('a medium', () => {
  let iso: string;
  beforeAll(async () => {
    const r = await inside('', () => ['build', '--mode', 'rescue', '--label', 'medium']);
    expect(r.status, r.stderr).toBe(0);
    iso = join(out, 'medium_1.iso');
  });
  it('goes onto a stick only when the stick is named, and is compared', async () => {
    const stick = join(dir, 'stick.img');
    execFileSync('truncate', ['-s', '200M', stick]);
    await using loop = await attachImage(stick);
    expect(await cdrec('burn', '--usb', loop.device, iso)).toMatchObject({ status: 1, stderr: expect.stringMatching(/BURN_REFUSED[^]*not a removable disk[^]*--overwrite/) as string });
    expect(execFileSync('du', ['--block-size=1', stick], { encoding: 'utf8' })).toMatch(/^0\t/);
    const done = await cdrec('burn', '--usb', loop.device, '--overwrite', loop.device, iso);
    expect(done.status, done.stderr).toBe(0);
    expect(done.stdout).toContain(execFileSync('sha256sum', [iso], { encoding: 'utf8' }).slice(0, 64));
    execFileSync('cmp', ['-n', String(statSync(iso).size), iso, stick]);
    expect(await cdrec('burn', '--usb', loop.device, iso)).toMatchObject({ status: 1, stderr: expect.stringContaining('carries a volume already (medium_1)') as string });
    expect(await cdrec('burn', '--usb', loop.device, '--overwrite', '/dev/other', iso)).toMatchObject({ status: 2 });
  });
  it('can be started from a disk: the entry is valid GRUB script, and replaces an older one', async () => {
    const r = await inMachine(machine, dir, [[out, 'mnt']], async (root) => {
      execFileSync('cp', [iso, join(root, 'srv/medium_1.iso')]);
      const results = [];
      for (let i = 0; i < 2; i++) results.push(await run('chroot', [root, 'cdrec', 'boot-entry', '--install', '/srv/medium_1.iso'], MACHINE_ENV));
      execFileSync('grub-script-check', [join(root, 'boot/grub/custom.cfg')]);
      return { results, text: readFileSync(join(root, 'boot/grub/custom.cfg'), 'utf8') };
    });
    for (const one of r.results) expect(one.status, one.stderr).toBe(0);
    expect(r.text.match(/menuentry/g)).toHaveLength(1);
    expect(r.text).toContain('search --no-floppy --fs-uuid --set=root aaaaaaaa-0001-4000-8000-000000000001');
    expect(r.text).toContain('set iso_path="/srv/medium_1.iso"');
    expect(await cdrec('boot-entry', '/etc/hostname')).toMatchObject({ status: 1 });
  });
});
