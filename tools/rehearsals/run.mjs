// `cdrec rehearse` for real, as an ordinary user and without KVM: a set of a sample system passes; one with a fault fails, at the right
// stage and with a reason that says what is wrong.
// usage: node tools/rehearsals/run.mjs [CASE...]      (cases: see below; default: all; CDREC_KEEP_REPORTS=DIR keeps their reports)
import { closeSync, cpSync, chmodSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, makeBaseSystem, makeSampleDisk, removeWork, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { bundle, cli, rehearseAsNobody } from './nobody.mjs';

// Not below /root: the rehearsal is run by somebody else.
const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'rehearsals');
const asked = process.argv.slice(2);

/** A set of a small BIOS machine, in volumes of `size`; `change` is done to its root before. */
async function makeSet(name, size, change, mode = 'iso') {
  const work = join(dir, name);
  const set = join(work, 'set');
  await removeWork(work);
  mkdirSync(set, { recursive: true });
  const image = join(work, 'machine.img');
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image, work, node: process.execPath, bundle });
  await use(attachImage(image), async (loop) => {
    const root = join(work, 'root');
    await withMounts([['-t', 'ext4', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ['--bind', set, join(root, 'mnt')]], async () => {
      change(root);
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
      await execa('chroot', [root, 'cdrec', 'build', '--mode', mode, '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--volume-size', size], { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' } });
    });
  });
  rmSync(image);
  // An ordinary user must be able to read the set, which is root's alone.
  await execa('chmod', ['-R', 'a+rX', set]);
  if (mode === 'path') return [join(set, readdirSync(set).find((n) => !n.endsWith('.html')))];
  return readdirSync(set).filter((n) => n.endsWith('.iso')).sort().map((n) => join(set, n));
}

/** Rehearses as nobody; `inject` is a script for the throw-away disk. */
async function rehearse(name, volumes, flags = [], inject) {
  const script = join(dir, `${name}.sh`);
  if (inject !== undefined) writeFileSync(script, inject);
  return rehearseAsNobody(dir, name, volumes, [...flags, ...(inject === undefined ? [] : ['--inject', script])]);
}

/** A rehearsal that must fail at a stage, for a reason. */
async function mustFail(name, volumes, stage, reason, flags, inject) {
  const { exitCode, json } = await rehearse(name, volumes, flags, inject);
  const failed = json.stages.find((s) => s.verdict === 'FAIL');
  if (exitCode !== 1 || json.verdict !== 'FAIL' || failed?.id !== stage || !reason.test(failed.reason)) throw new Error(`${name}: status ${exitCode}, ${JSON.stringify(json.stages, null, 1)}`);
  for (const s of json.stages.slice(json.stages.indexOf(failed) + 1)) if (s.verdict !== 'SKIP') throw new Error(`${name}: ${s.id} came after the failure`);
}

let sound;
const soundSet = async () => (sound ??= await makeSet('sound', '110M', () => undefined));
const DISK = 'disk=$(findmnt -no SOURCE "$CDREC_ROOT" | sed "s/[0-9]*$//"); ';

const cases = {
  /** Three volumes, a smaller disk of another kind, signed. */
  pass: async () => {
    const volumes = await soundSet();
    if (volumes.length < 3) throw new Error(`only ${volumes.length} volumes`);
    const key = join(dir, 'key.pem');
    await execa('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key]);
    await execa('openssl', ['pkey', '-in', key, '-pubout', '-out', `${key}.pub`]);
    chmodSync(key, 0o644);
    const { exitCode, json, report } = await rehearse('pass', volumes, ['--smaller', '10%', '--bus', 'ahci', '--sign', key]);
    if (exitCode !== 0 || json.verdict !== 'PASS' || json.checkedFiles < 10_000 || json.system.failedUnits.length > 0 || !json.system.mounted.includes('/')) throw new Error(JSON.stringify(json, null, 1));
    if (json.machine.disks[0].bytes >= json.machine.disks[0].sourceBytes || json.set.volumes.length !== volumes.length) throw new Error(JSON.stringify(json.machine));
    const verify = (text) => execa('node', [cli, 'verify', '--rehearsal', report, '--key', `${key}.pub`, ...text], { reject: false });
    const good = await verify(volumes);
    if (good.exitCode !== 0) throw new Error(`verify --rehearsal: ${good.exitCode} ${good.stderr}`);
    writeFileSync(join(report, 'rehearsal.json'), readFileSync(join(report, 'rehearsal.json'), 'utf8').replace('"checkedFiles": ', '"checkedFiles": 1'));
    const forged = await verify([]);
    if (forged.exitCode !== 1 || !/signature/.test(forged.stderr)) throw new Error(`a forged report: ${forged.exitCode} ${forged.stderr}`);
  },
  /** The set of a BIOS machine where the firmware knows UEFI alone, and enforces Secure Boot: it gets an EFI system partition. */
  'other-firmware': async () => {
    const { exitCode, json } = await rehearse('other-firmware', await soundSet(), ['--firmware', 'secure-boot']);
    if (exitCode !== 0 || json.verdict !== 'PASS' || json.checkedFiles < 10_000 || !json.system.mounted.includes('/boot/efi') || json.system.failedUnits.length > 0) throw new Error(JSON.stringify(json, null, 1));
  },
  /** UEFI: the set of the case uefi-xfs, made in the running machine. */
  uefi: async () => {
    const made = join(dir, '../uefi-xfs/set');
    if (!existsSync(made)) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', 'uefi-xfs', '--inside', '--volume-size', 'dvd', '--dir', join(dir, '../uefi-xfs'), '--cache', '.cache'], { stdio: ['ignore', 'inherit', 'inherit'] });
    const volume = join(dir, 'uefi_1.iso');
    cpSync(join(made, readdirSync(made).find((n) => n.endsWith('_1.iso'))), volume);
    chmodSync(volume, 0o644);
    const { exitCode, json } = await rehearse('uefi', [volume], ['--bus', 'nvme']);
    if (exitCode !== 0 || json.machine.firmware !== 'uefi' || !['/', '/boot', '/boot/efi'].every((m) => json.system.mounted.includes(m)) || json.system.swap !== true) throw new Error(JSON.stringify(json, null, 1));
    rmSync(volume);
  },
  /** Archives in a directory, which the guest sees through 9p. */
  path: async () => {
    const { exitCode, json } = await rehearse('path', await makeSet('path-set', 'dvd', () => undefined, 'path'));
    if (exitCode !== 0 || json.checkedFiles < 10_000) throw new Error(JSON.stringify(json, null, 1));
  },
  /** A byte of an archive. */
  damaged: async () => {
    const volumes = (await soundSet()).map((v) => {
      const copy = join(dir, 'damaged', v.split('/').at(-1));
      mkdirSync(join(dir, 'damaged'), { recursive: true });
      cpSync(v, copy);
      return copy;
    });
    const fd = openSync(volumes[1], 'r+');
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, 50 * 2 ** 20);
    writeSync(fd, Buffer.from([byte[0] ^ 1]), 0, 1, 50 * 2 ** 20);
    closeSync(fd);
    await mustFail('damaged-piece', volumes, 'verify', /tar\.zst.*(SHA-256|digest|damaged)/i);
    rmSync(join(dir, 'damaged'), { recursive: true });
  },
  /** A rescue kernel that has no driver for the disk. */
  'no-driver': async () => {
    const volumes = await makeSet('driverless', 'dvd', (root) => {
      for (const v of readdirSync(join(root, 'lib/modules'))) rmSync(join(root, 'lib/modules', v, 'kernel/drivers/scsi/virtio_scsi.ko'));
    });
    await mustFail('no-driver', volumes, 'restore', /does not see the disk CDREC-0 \(virtio-scsi\): its kernel has no driver/, ['--bus', 'virtio-scsi']);
  },
  /** An fstab that names a file system that is not there. */
  fstab: async () => {
    const volumes = await makeSet('fstab', 'dvd', (root) => {
      writeFileSync(join(root, 'etc/fstab'), `${readFileSync(join(root, 'etc/fstab'), 'utf8')}UUID=dead0000-0000-4000-8000-000000000000 /srv/gone ext4 defaults,x-systemd.device-timeout=20s 0 2\n`);
      mkdirSync(join(root, 'srv/gone'));
    });
    await mustFail('wrong-fstab', volumes, 'system', /emergency mode.*\/srv\/gone is not mounted \(UUID=dead0000/);
  },
  /** No boot loader: as when that step of the restore was left out. */
  'no-boot-loader': async () => mustFail('no-boot-loader', await soundSet(), 'boot', /nothing came of it: there is no boot loader/, [], `${DISK}dd if=/dev/zero of="$disk" bs=440 count=1 conv=notrunc,fsync`),
  /** A file that is not what the archive has. */
  changed: async () => mustFail('changed-file', await soundSet(), 'compare', /\/etc\/hostname: Contents differ/, [], 'printf "X" | dd of="$CDREC_ROOT/etc/hostname" bs=1 count=1 conv=notrunc'),
  /** A machine that hangs: its kernel starts a shell script that never ends instead of systemd. */
  hang: async () => mustFail('hanging-guest', await makeSet('hanging', 'dvd', (root) => {
    rmSync(join(root, 'usr/sbin/init'));
    writeFileSync(join(root, 'usr/sbin/init'), '#!/bin/sh\necho hanging\nwhile :; do sleep 60; done\n', { mode: 0o755 });
  }), 'boot', /said nothing of itself.*hanging/s, ['--patience', '300']),
};

mkdirSync(dir, { recursive: true, mode: 0o755 });
for (const name of asked.length > 0 ? asked : Object.keys(cases)) await cases[name]();
rmSync(dir, { recursive: true, force: true });
