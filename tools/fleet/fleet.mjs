// A fleet: machines that send their backups to one repository behind restic's REST server, over the emulated network. One is lost and
// brought back by its own medium, the others by the generic rescue system that they get by PXE. Every file is compared, every one boots.
// With three machines, the first one is rehearsed as well, by an ordinary user, and the fleet's table says so.
// usage: node tools/fleet/fleet.mjs [--machines N]      (default: 3; 1: it comes back by the network)
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, compareTrees, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';
import { rehearseAsNobody } from '../rehearsals/nobody.mjs';
import { startRestServer } from './rest-server.mjs';

const at = process.argv.indexOf('--machines');
const hosts = ['web1', 'web2', 'db1'].slice(0, at < 0 ? 3 : Number(process.argv[at + 1]));
const dir = join(process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e', 'fleet');
const path = (name) => join(dir, name);
const PASSWORD = 'kuckuck im wald';
const macOf = (host) => `52:54:00:c0:de:${String(hosts.indexOf(host) + 1).padStart(2, '0')}`;
await removeWork(dir);
mkdirSync(path('tree'), { recursive: true });
mkdirSync(path('repository'));
const accelerator = await chooseAccelerator();
const server = await startRestServer(path('repository'));
const location = `rest:http://10.0.2.2:${server.port}/`;
const options = { accelerator, firmware: 'bios', memoryMiB: 1536 };
const config = `[backup]\nengine = "restic"\nexclude_mounts = ["/store"]\n\n[repository]\nlocation = "${location}"\npassword_file = "/etc/cdrec/password"\n`;
const seconds = (since) => `${Math.round((Date.now() - since) / 1000)} s`;

/** A machine of its own name and with a file of its own, on a disk that stays to be compared with. */
async function makeMachine(host, base) {
  cpSync(base, path(`${host}.img`), { mode: 2 });
  await use(attachImage(path(`${host}.img`)), (loop) => withMounts([['-t', 'ext4', loop.partition(1), path('root')]], async () => {
    writeFileSync(path('root/etc/hostname'), `${host}\n`);
    writeFileSync(path('root/etc/only-here'), `${host}\n`);
  }));
}

/** Boots the machine, sends its backup, twice for the first one; its rescue medium comes out. */
async function backUp(host, twice) {
  const store = path('store.img');
  rmSync(store, { force: true });
  await execa('truncate', ['-s', '1G', store]);
  await execa('mkfs.ext4', ['-q', '-F', '-L', 'STORE', store]);
  const started = Date.now();
  await use(Guest.start({ ...options, network: { reachHost: true, mac: macOf(host) }, media: [{ file: path(`${host}.img`), as: 'virtio', boot: true }, { file: store, as: 'virtio', serial: 'STORE' }], log: path(`${host}-build.log`) }), async (guest) => {
    await bootToLogin(guest);
    await guest.must('mkdir -p /store && mount -L STORE /store && ip link set eth0 up 2> /dev/null; dhclient 2> /dev/null; ip -brief address', 120);
    const before = server.received();
    await guest.must('TERM=dumb cdrec build --out /store --init-repository', 1800);
    const first = server.received() - before;
    console.log(`${host}: backed up over the network in ${seconds(started)}, ${(first / 2 ** 20).toFixed(1)} MiB received`);
    if (twice) {
      await guest.must('TERM=dumb cdrec build --no-medium --label second', 1800);
      const second = server.received() - before - first;
      console.log(`${host}: the second build sent ${(second / 2 ** 20).toFixed(2)} MiB, ${((100 * second) / first).toFixed(2)} % of the first`);
      if (second > 0.03 * first) throw new Error('the second build sent more than 3 %');
      const status = await guest.run('cdrec fleet report', 300);
      if (status.status !== 0) throw new Error(`fleet report: ${status.status} ${status.output}`);
    }
    await guest.must('umount /store', 60);
    await powerOff(guest);
  });
  await use(attachImage(store), (loop) => withMounts([['-o', 'ro', loop.device, path('mnt')]], () => execa('bash', ['-c', 'cp "$0"/*_1.iso "$1"', path('mnt'), path(`${host}.iso`)])));
  rmSync(store);
}

/** Brings a machine back onto a blank disk: by its medium, or by the network. */
async function restore(host, network, media, command) {
  const disk = path(`${host}-new.img`);
  rmSync(disk, { force: true });
  await execa('truncate', ['-s', '2G', disk]);
  const started = Date.now();
  await use(Guest.start({ ...options, network: { reachHost: true, mac: macOf(host), ...network }, media: [...media, { file: disk, as: 'virtio' }], log: path(`${host}-restore.log`) }), async (guest) => {
    await bootToRescue(guest, 400);
    const { status, output } = await guest.run(`TERM=dumb ${command} --disk /dev/vda --nic none --yes`, 2400, [{ question: /Password of the repository \S+: /, answer: () => PASSWORD }]);
    if (status !== 0 || !output.includes(`RESTORED ${host}`)) throw new Error(`${host}: status ${status}\n${output.slice(-3000)}`);
    if (output.includes(PASSWORD)) throw new Error('the password was shown');
    await powerOff(guest);
  });
  console.log(`${host}: restored by "${command}" in ${seconds(started)}`);
  await use(attachImage(path(`${host}.img`)), (a) => use(attachImage(disk), (b) => withMounts([['-t', 'ext4', '-o', 'ro,noload,noatime', a.partition(1), path('left')], ['-t', 'ext4', '-o', 'ro,noload,noatime', b.partition(1), path('right')]], async () => {
    // The machine went on after its backup: what changed since is not held against it.
    const { entries, differences, changed } = await compareTrees(path('left'), path('right'), { since: built.get(host), without: ['./tmp', './var/cache', './var/lib/cdrec', './boot/grub', './store'] });
    if (entries < 10_000 || differences.length > 0) throw new Error(`${host}: ${entries} files, different: ${differences.slice(0, 20).join('\n')}`);
    console.log(`${host}: ${entries} files compared, 0 differences (${changed.length} changed after the backup)`);
  })));
  await use(Guest.start({ ...options, media: [{ file: disk, as: 'virtio', boot: true }], log: path(`${host}-boot.log`) }), async (guest) => {
    await bootToLogin(guest);
    const name = (await guest.must('hostname; cat /etc/only-here; systemctl is-system-running --wait', 300)).trim();
    if (!new RegExp(`^${host}\\s+${host}\\s+running`, 'm').test(name)) throw new Error(`${host}: boots as ${name}`);
    await powerOff(guest);
  });
  console.log(`${host}: boots`);
  rmSync(disk);
}

const built = new Map();
try {
  for (const d of ['root', 'mnt', 'left', 'right']) mkdirSync(path(d));
  const base = path('base.img');
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem('.cache'), image: base, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  await use(attachImage(base), (loop) => withMounts([['-t', 'ext4', loop.partition(1), path('root')], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, path(`root/${d}`)]), ['--bind', path('tree'), path('root/mnt')]], async () => {
    cpSync('.cache/bin/restic', path('root/usr/local/bin/restic'));
    mkdirSync(path('root/etc/cdrec'), { recursive: true });
    writeFileSync(path('root/etc/cdrec/cdrec.toml'), config);
    writeFileSync(path('root/etc/cdrec/password'), `${PASSWORD}\n`, { mode: 0o600 });
    const kernel = readdirSync(path('root/lib/modules')).at(-1);
    await execa('chroot', [path('root'), 'cdrec', 'build', '--output', 'pxe', '--to', '/mnt', '--generic', '--exclude-mount', '/mnt', '--kernel', kernel], { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' } });
  }));
  for (const host of hosts) {
    await makeMachine(host, base);
    built.set(host, Date.now());
    await backUp(host, host === hosts[0]);
  }
  rmSync(base);
  const [first] = hosts;
  // Who rehearses is nobody, and may read a copy of the password.
  writeFileSync(path('password'), `${PASSWORD}\n`, { mode: 0o644 });
  chmodSync(path(`${first}.iso`), 0o644);
  process.env.PATH = `${resolve('.cache/bin')}:${process.env.PATH}`;
  const here = ['--repository', `rest:http://127.0.0.1:${server.port}/`, '--password-file', path('password')];
  if (hosts.length > 1) {
    const { exitCode, json } = await rehearseAsNobody(dir, 'rehearsal', [path(`${first}.iso`)], ['--smaller', '10%', '--bus', 'nvme', ...here]);
    if (exitCode !== 0 || json.verdict !== 'PASS' || json.checkedFiles < 10_000) throw new Error(JSON.stringify(json, null, 1));
  }
  const { stdout } = await execa('node', ['apps/cdrec/dist/bin.js', 'fleet', 'status', ...here], { reject: false });
  console.log(stdout);
  if (hosts.length > 1 && !new RegExp(`^${first} .*PASS`, 'm').test(stdout)) throw new Error('the table does not know the rehearsal');
  if (hosts.length > 1) await restore(first, {}, [{ file: path(`${first}.iso`), as: 'cdrom', boot: true }], 'start-restore');
  // By the network card, and by name.
  for (const [i, host] of (hosts.length > 1 ? hosts.slice(1) : hosts).entries()) await restore(host, { tftp: path('tree'), bootfile: 'pxelinux.0' }, [], i === 0 ? 'start-restore' : `cdrec fleet restore ${host}`);
} finally {
  await server.stop();
}
await removeWork(dir);
