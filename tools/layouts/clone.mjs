// Disks that are not like the old one. (1) An MBR with logical partitions, whose fstab speaks of /dev/vda5, of a link of udev and of
// a PARTUUID, is cloned onto a larger NVMe disk with GPT: files are rewritten, /home alone grows, the machine boots.
// (2) A UEFI machine goes onto a smaller disk with sectors of 4096 bytes, and its firmware entry is written once, not twice.
// usage: node tools/layouts/clone.mjs [mbr-to-gpt] [large-sectors]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, SAMPLES, withMounts } from '@cdrec/rehearse';
import { use } from '../devices/targets.mjs';

const work = process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e';
const dir = join(work, 'clone');
await removeWork(dir);
mkdirSync(dir, { recursive: true });
const path = (name) => join(dir, name);
const accelerator = await chooseAccelerator();
const start = (firmware, media, log) => Guest.start({ accelerator, firmware, memoryMiB: 1024, media, log: path(log), variables: path(`${firmware}.vars`) });

/** A sample at rest, changed as wished, and its set (one volume). */
async function makeSet(name, change) {
  const image = path(`${name}.img`);
  const set = path(`${name}-set`);
  mkdirSync(set, { recursive: true });
  await makeSampleDisk({ name, base: await makeBaseSystem('.cache'), image, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
  await use(attachImage(image), async (loop) => {
    const root = path('root');
    const parts = SAMPLES[name].partitions.filter((p) => p.mount !== '' && p.type !== 'vfat').map((p) => ['-t', p.type, loop.partition(p.number), join(root, p.mount)]);
    await withMounts([...parts, ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ['--bind', set, join(root, 'mnt')]], async () => {
      await change(root);
      const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
      await execa('chroot', [root, 'cdrec', 'build', '--mode', 'iso', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel, '--volume-size', 'dvd'], { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' } });
    });
  });
  rmSync(image);
  return join(set, readdirSync(set).find((n) => n.endsWith('_1.iso')));
}

async function blank(name, size) {
  rmSync(path(name), { force: true });
  await execa('truncate', ['-s', size, path(name)]);
  return path(name);
}

/** Boots a restored disk to its end and returns what it says to a command. */
async function bootAndAsk(guest, command) {
  await bootToLogin(guest);
  await guest.must('systemctl is-system-running --wait; test -z "$(systemctl --failed --no-legend --plain)"', 300);
  const said = await guest.must(command, 120);
  await powerOff(guest);
  return said;
}

/** Every pattern must be found. */
function expectAll(text, patterns, what) {
  for (const p of patterns) if (!p.test(text)) throw new Error(`${what}: ${p} is not in:\n${text}`);
}

/** BIOS, MBR with logical partitions, onto NVMe with GPT. */
async function mbrToGpt() {
  const iso = await makeSet('bios-logical', (root) => {
    // The disk has a loop device's name while the set is made: what a machine would call it.
    const disk = readFileSync('/proc/mounts', 'latin1').split('\n').map((l) => l.split(' ')).find((f) => f[1] === root)[0].replace(/p\d+$/, '');
    const fstab = join(root, 'etc/fstab');
    const text = readFileSync(fstab, 'latin1').replace('LABEL=varC', `${disk}p6`);
    writeFileSync(fstab, text, 'latin1');
    if (!text.includes('PARTUUID=cdec0003-05 /home')) throw new Error(`fstab is not as expected:\n${text}`);
  });
  const target = await blank('nvme.img', '5G');
  await use(start('bios', [{ file: iso, as: 'cdrom', boot: true }, { file: target, as: 'nvme' }], 'mbr-restore.log'), async (guest) => {
    await bootToRescue(guest);
    const source = (await guest.must(`node -p 'JSON.parse(require("fs").readFileSync("/etc/recovery/survey.json", "utf8")).disks.find((d) => d.used).device'`, 60)).trim();
    const { status, output } = await guest.run(`TERM=dumb clone-dsk ${source} /dev/nvme0n1 --table gpt --weight /home=1 --yes`, 1500);
    console.log(output.split('\n').filter((l) => !/ %/.test(l)).join('\n'));
    if (status !== 0 && status !== 3) throw new Error(`clone-dsk: status ${status}`);
    expectAll(output, [/\/etc\/fstab: PARTUUID=cdec0003-05 -> PARTUUID=[0-9a-f-]{36}/, /\/etc\/fstab: \/dev\/loop\d+p6 -> UUID=cccccccc-0006/], 'remarks');
    expectAll(await guest.must('sfdisk --dump /dev/nvme0n1', 30), [/label: gpt/, /nvme0n1p5 :.*0FC63DAF/, /nvme0n1p2 : start= *34, size= *2014, type=21686148/], 'the new table');
    await powerOff(guest);
  });
  await use(start('bios', [{ file: target, as: 'nvme', boot: true }], 'mbr-boot.log'), async (guest) => {
    const said = await bootAndAsk(guest, 'findmnt -rno TARGET,SOURCE,FSTYPE --real; cat /proc/swaps; lsblk -bnro NAME,SIZE; findmnt --verify');
    expectAll(said, [/^\/ \/dev\/nvme0n1p1 ext4/m, /^\/home \/dev\/nvme0n1p5 ext3/m, /^\/var \/dev\/nvme0n1p6 xfs/m, /\/dev\/nvme0n1p7/], 'mounts');
    const bytes = Number(/nvme0n1p5 (\d+)/.exec(said)[1]);
    if (bytes < 2.5 * 2 ** 30) throw new Error(`/home did not grow: ${bytes}`);
    if (Number(/nvme0n1p1 (\d+)/.exec(said)[1]) !== 1400 * 2 ** 20) throw new Error('the root grew without a weight');
    console.log('MBR to GPT on NVMe: boots, /home grown, fstab rewritten');
  });
  rmSync(target);
}

/** UEFI onto a smaller disk with sectors of 4096 bytes. */
async function largeSectors() {
  // The set of the case uefi-xfs, made inside the machine: this one's kernel may not know vfat.
  const made = join(work, 'uefi-xfs', 'set');
  if (!existsSync(made)) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', 'uefi-xfs', '--inside', '--volume-size', 'dvd', '--dir', join(work, 'uefi-xfs'), '--cache', '.cache'], { stdio: ['ignore', 'inherit', 'inherit'] });
  const iso = join(made, readdirSync(made).find((n) => n.endsWith('_1.iso')));
  const target = await blank('large.img', '2200M');
  const disk = { file: target, as: 'virtio', sectorBytes: 4096 };
  const sizes = async (guest) => (await guest.must('efibootmgr | grep -c " debian$" || true', 30)).trim();
  await use(start('uefi', [{ file: iso, as: 'cdrom', boot: true }, disk], 'large-restore.log'), async (guest) => {
    await bootToRescue(guest);
    // Twice, as after a first try that went wrong: the entry of the firmware is replaced.
    for (const more of ['', '--restart --journal /run/cdrec/second.jsonl']) {
      const { status, output } = await guest.run(`TERM=dumb start-restore --disk /dev/vda --yes ${more}`, 1500);
      if (status !== 0 && status !== 3) throw new Error(`start-restore: status ${status}\n${output.slice(-2000)}`);
      if (more === '') console.log(output.split('\n').filter((l) => !/ %/.test(l)).join('\n'));
    }
    if ((await sizes(guest)) !== '1') throw new Error(`entries of the firmware:\n${await guest.must('efibootmgr', 30)}`);
    await powerOff(guest);
  });
  await use(start('uefi', [{ ...disk, boot: true }], 'large-boot.log'), async (guest) => {
    const said = await bootAndAsk(guest, 'cat /sys/block/vda/queue/logical_block_size; findmnt -rno TARGET,SOURCE,FSTYPE --real; cat /proc/swaps; xfs_info / | grep sectsz');
    expectAll(said, [/^4096$/m, /^\/ \/dev\/vda4 xfs/m, /^\/boot \/dev\/vda2 ext4/m, /\/dev\/vda3/, /sectsz=4096/], 'mounts');
    console.log('UEFI onto sectors of 4096 bytes, 15 % smaller: boots');
  });
}

const cases = { 'mbr-to-gpt': mbrToGpt, 'large-sectors': largeSectors };
for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(cases)) await cases[name]();
rmSync(dir, { recursive: true, force: true });
