// End-to-end cases in QEMU, one by name. Each uses the installed CLI as a person would.
import { execa } from 'execa';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, removeWork, withMounts } from '@cdrec/rehearse';

const work = process.env.CDREC_E2E_DIR ?? '/var/tmp/cdrec-e2e';
const cache = '.cache';

async function demo(sample, volumeSize, check, inside = ['--inside']) {
  const dir = join(work, sample);
  await removeWork(dir);
  await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--sample', sample, ...inside, '--volume-size', volumeSize, '--dir', dir, '--cache', cache], { stdio: ['ignore', 'inherit', 'inherit'] });
  const report = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'));
  if (report.comparison.differences.length !== 0 || report.comparison.entries < 1000) throw new Error(`comparison of ${sample}: ${JSON.stringify(report.comparison).slice(0, 2000)}`);
  check(report);
  return report;
}

/** Volume 1 of a set: from an earlier case, else from the demo's quick road. */
async function anySet() {
  const set = join(work, 'bios-ext4', 'set');
  const find = () => (existsSync(set) ? readdirSync(set).find((n) => n.endsWith('_1.iso')) : undefined);
  if (find() === undefined) await execa('node', ['apps/cdrec/dist/bin.js', 'demo', '--dir', join(work, 'bios-ext4'), '--cache', cache], { stdio: ['ignore', 'inherit', 'inherit'] });
  return join(set, find());
}

/** Restores a set onto a blank disk of the given kind, and boots from it there. */
async function restoreOnto(as, first, others, mib, flags) {
  accelerator ??= await chooseAccelerator();
  const dir = join(work, 'other-disks');
  mkdirSync(dir, { recursive: true });
  const disk = join(dir, `${as}.img`);
  rmSync(disk, { force: true });
  await execa('truncate', ['-s', `${mib}M`, disk]);
  const options = { accelerator, firmware: 'bios', memoryMiB: 1024 };
  const rescue = await Guest.start({ ...options, media: [{ file: first, as: 'cdrom', boot: true }, ...others.map((file) => ({ file, as: 'virtio', readonly: true })), { file: disk, as }], log: join(dir, `${as}-restore.log`) });
  try {
    await bootToRescue(rescue);
    const name = (await rescue.must("ls /dev/sda /dev/nvme0n1 2> /dev/null || true", 60)).trim();
    const { status, output } = await rescue.run(`TERM=dumb start-restore --disk ${name} --yes ${flags}`, 1500);
    if (status !== 0 && status !== 3) throw new Error(`start-restore on ${as}: status ${status}\n${output.slice(-2000)}`);
    await powerOff(rescue);
  } finally {
    await rescue[Symbol.asyncDispose]();
  }
  const restored = await Guest.start({ ...options, media: [{ file: disk, as, boot: true }], log: join(dir, `${as}-boot.log`) });
  try {
    await bootToLogin(restored);
    const root = (await restored.must('findmnt -n -o SOURCE /', 30)).trim();
    if (!root.includes(as === 'nvme' ? '/dev/nvme' : '/dev/sd')) throw new Error(`the root is ${root}`);
    const size = Number((await restored.must('lsblk -bdno SIZE $(findmnt -n -o SOURCE /)', 30)).trim()) / 2 ** 20;
    if (size < mib - 8 || size > mib) throw new Error(`the root has ${size} MiB on a disk of ${mib} MiB`);
    await restored.must('systemctl is-system-running --wait; test -z "$(systemctl --failed --no-legend --plain)"', 240);
    await powerOff(restored);
    console.log(`restored onto ${as}: boots from ${root}, ${size} MiB where there were 2047`);
  } finally {
    await restored[Symbol.asyncDispose]();
  }
  rmSync(disk);
}

/** Boots a medium to the rescue prompt, where node and cdrec must answer. */
async function bootRescue(name, firmware, medium) {
  accelerator ??= await chooseAccelerator();
  const dir = join(work, 'boots');
  mkdirSync(dir, { recursive: true });
  rmSync(join(dir, `${name}.vars`), { force: true });
  const started = Date.now();
  const guest = await Guest.start({ accelerator, firmware, memoryMiB: 1024, media: [{ ...medium, boot: true, readonly: true }], log: join(dir, `${name}.log`), variables: join(dir, `${name}.vars`) });
  try {
    await bootToRescue(guest, 300);
    const prompt = Math.round((Date.now() - started) / 1000);
    const node = (await guest.must('node --version', 60)).trim();
    const cdrec = (await guest.must('cdrec --version', 60)).trim();
    const memory = (await guest.must("sed -n 's/^MemAvailable: *//p' /proc/meminfo", 30)).trim();
    if (!/^v\d+\./m.test(node) || !/^\d+\.\d+\.\d+$/m.test(cdrec)) throw new Error(`${name}: node "${node}", cdrec "${cdrec}"`);
    const term = (await guest.must('echo "TERM is $TERM, $(stty size)"', 30)).trim();
    if (!term.includes('TERM is vt102, 24 80')) throw new Error(`${name}: ${term}`);
    await powerOff(guest);
    const said = /.*(command not found|No such file or directory).*/.exec(readFileSync(join(dir, `${name}.log`), 'latin1'));
    if (said !== null) throw new Error(`${name}: the rescue system says "${said[0]}"`);
    console.log(`${name}: prompt after ${prompt} s, node ${node}, cdrec ${cdrec}, ${memory} available`);
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}
let accelerator;

const longTests = (...files) => execa('npx', ['vitest', 'run', '--config', '../../vitest.integration.ts', ...files], { cwd: 'apps/cdrec', env: { CDREC_TESTS: 'long' }, stdio: ['ignore', 'inherit', 'inherit'] });

const cases = {
  /** BIOS, MBR, one ext4; cdrec build runs inside the booted sample; at least three volumes. */
  'bios-ext4': () => demo('bios-ext4', '110M', (report) => {
    if (report.volumes.length < 3) throw new Error(`only ${report.volumes.length} volumes`);
  }),
  /** BIOS, MBR with logical partitions: /home ext3 by PARTUUID, /var xfs by LABEL, swap; every file is judged. */
  'bios-logical': () => demo('bios-logical', 'cd', (report) => {
    if (report.comparison.changed.length !== 0) throw new Error('a system at rest changed');
  }, []),
  /** UEFI, GPT, ESP + /boot + xfs root + swap. */
  'uefi-xfs': () => demo('uefi-xfs', 'dvd', (report) => {
    if (report.volumes.length !== 1) throw new Error(`${report.volumes.length} volumes`);
  }),
  /** Every boot road, firmware and medium; in CI the most telling ones and others by turns. All: --write docs/boot.md's table. */
  'boot-roads': () => execa('node', ['tools/boot/table.mjs', '--rotate', '5'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** The rescue system: keyboard, network, SSH by key, hooks, log, consoles, programs; mdev in 384 MiB. */
  'rescue-system': () => execa('node', ['tools/boot/rescue.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** The set of a machine with a virtio disk brings it back onto a smaller AHCI and a larger NVMe disk, which boot there. */
  'other-disks': async () => {
    const first = await anySet();
    const volumes = readdirSync(join(first, '..')).filter((n) => n.endsWith('.iso')).map((n) => join(first, '..', n)).filter((f) => f !== first);
    await restoreOnto('ahci', first, volumes, 1400, '');
    await restoreOnto('nvme', first, volumes, 3000, '--grow');
  },
  /** The matrix of ISO images before their judges, the Linux kernel among them. */
  'iso-matrix': () => execa('node', ['tools/iso/matrix.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Small images of the ISO writer boot: ISOLINUX, GRUB, floppy and hard-disk emulation; CD and USB; SeaBIOS and OVMF. */
  'iso-boots': () => execa('node', ['tools/iso/boots.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** A set on two tapes with a genuine end of tape, restored with the block size set wrong; the drive over SSH from another network namespace. */
  tape: () => execa('node', ['tools/devices/tape.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Volumes burned by xorriso and growisofs in a virtual DVD+R burner, read back, a disc lost in mid-burn replaced. */
  burn: () => execa('node', ['tools/devices/burn.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** md, LUKS, LVM (linear, thin, striped, mirrored), btrfs, f2fs over two disks: saved from snapshots, restored onto other disks, compared, booted. */
  stacks: () => execa('node', ['tools/layouts/stacks.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Stacks of devices, one after another: what a second survey finds is what the first one did. */
  zoo: () => execa('node', ['tools/layouts/zoo.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Five of them, others each time. */
  'zoo-turn': () => execa('node', ['tools/layouts/zoo.mjs', '--turn'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** An MBR whose files speak of devices by name goes onto a larger NVMe disk with GPT. */
  clone: () => execa('node', ['tools/layouts/clone.mjs', 'mbr-to-gpt'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** A UEFI machine goes onto a smaller disk with sectors of 4096 bytes. */
  'large-sectors': () => execa('node', ['tools/layouts/clone.mjs', 'large-sectors'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Another network card in another slot: the configuration finds it. */
  'other-card': () => execa('node', ['tools/layouts/other-card.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** The power goes in the middle of a restore, again and again: what comes out is the same. */
  'power-cuts': () => execa('node', ['tools/layouts/power-cuts.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Of the rehearsals: a sound set in three volumes, and one fault, another one on each day (in CI not beside what takes long). */
  rehearsal: () => execa('node', ['tools/rehearsals/run.mjs', 'pass', ...(asked[0] === '--ci' && TURNS[day % TURNS.length].some((c) => LONG.includes(c)) ? [] : [['changed', 'damaged', 'no-boot-loader', 'no-driver', 'fstab', 'uefi', 'other-firmware'][day % 7]])], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** `cdrec rehearse` as an ordinary user: a sound set passes, six kinds of faults fail at the right stage. */
  rehearsals: () => execa('node', ['tools/rehearsals/run.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** `cdrec status` in a real machine: no false alarm, every change told; the timer. */
  status: () => execa('node', ['tools/rehearsals/status.mjs'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Layouts, each made in a guest and rehearsed onto 20 % smaller NVMe disks (all variants: node tools/layouts/matrix.mjs). */
  layouts: () => execa('node', ['tools/layouts/matrix.mjs', '--quick'], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** Three machines, one repository over the emulated network: one back by its medium, the others by PXE. In CI: one, by PXE. */
  fleet: () => execa('node', ['tools/fleet/fleet.mjs', ...(asked[0] === '--ci' ? ['--machines', '1'] : [])], { stdio: ['ignore', 'inherit', 'inherit'] }),
  /** The tests against real tools that `npm test` has no time for; with one file's name each, too. */
  long: () => longTests(),
  ...Object.fromEntries(['boot', 'btrfs', 'faults', 'hard-cases', 'images', 'odd', 'repository'].map((name) => [`long-${name}`, () => longTests(name)])),
  /** rd-base as tar.zst and tar.gz instead of squashfs. */
  'tar-images': async () => {
    const dir = join(work, 'tar-images');
    for (const image of ['tar.zst', 'tar.gz']) {
      await removeWork(dir);
      mkdirSync(join(dir, 'set'), { recursive: true });
      writeFileSync(join(dir, 'set/cdrec.toml'), `[rescue]\nimage = "${image}"\n`);
      const disk = join(dir, 'machine.img');
      await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(cache), image: disk, work: dir, node: process.execPath, bundle: 'apps/cdrec/dist/bundle' });
      const loop = await attachImage(disk);
      try {
        const root = join(dir, 'root');
        await withMounts([['-t', 'ext4', loop.partition(1), root], ...['dev', 'proc', 'sys'].map((d) => ['--bind', `/${d}`, join(root, d)]), ['--bind', join(dir, 'set'), join(root, 'mnt')]], async () => {
          const kernel = readdirSync(join(root, 'lib/modules')).at(-1);
          await execa('chroot', [root, 'cdrec', 'build', '--config', '/mnt/cdrec.toml', '--mode', 'rescue', '--out', '/mnt', '--exclude-mount', '/mnt', '--kernel', kernel], { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' } });
        });
      } finally {
        await loop[Symbol.asyncDispose]();
      }
      rmSync(disk);
      const file = join(dir, 'set', readdirSync(join(dir, 'set')).find((n) => n.endsWith('_1.iso')));
      await bootRescue(`bios-${image}`, 'bios', { file, as: 'cdrom' });
    }
    rmSync(dir, { recursive: true });
  },
};

/** CI has no time for all: one of the two straight roads, the boot roads and a rehearsal always, of the others a few on each day (at most about a quarter of an hour), of the faults one. */
const TURNS = [
  ['stacks'], ['large-sectors', 'iso-boots', 'tar-images'], ['long-faults', 'long-odd'], ['burn', 'long-images'], ['fleet'], ['zoo-turn', 'long-repository'], ['other-disks', 'long-btrfs'],
  ['iso-matrix', 'bios-logical'], ['tape', 'rescue-system', 'other-card'], ['clone', 'long-boot'], ['zoo-turn', 'long-hard-cases'], ['power-cuts'], ['status', 'long-odd'],
];
/** Those that take a quarter of an hour and more by themselves. */
const LONG = ['stacks', 'fleet', 'power-cuts', 'iso-matrix'];
const day = Math.floor(Date.now() / 86_400_000);
const inCi = () => [['bios-ext4', 'uefi-xfs'][day % 2], 'boot-roads', 'rehearsal', ...TURNS[day % TURNS.length]];
const asked = process.argv.slice(2);
const names = asked[0] === '--ci' ? inCi() : asked.length > 0 ? asked : Object.keys(cases).filter((name) => !name.startsWith('long-') && name !== 'zoo-turn');
let failed = 0;
for (const name of names) {
  if (cases[name] === undefined) {
    console.error(`no case "${name}"; there are ${Object.keys(cases).join(', ')}`);
    process.exit(2);
  }
  const started = Date.now();
  console.log(`== ${name}`);
  try {
    await cases[name]();
    console.log(`== ${name}: passed in ${Math.round((Date.now() - started) / 1000)} s`);
  } catch (error) {
    failed++;
    console.error(`== ${name}: FAILED: ${error.message}`);
  }
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
