// The rescue media of cdrec and ReaR for the same sample system: size, and seconds from power-on to the prompt in the same QEMU.
// The sample is a Debian as it is installed, with all kernel modules (the samples of the other tests leave most out).
// usage: node tools/bench/rear.mjs [--build-only] [--runs N] [--dir DIR] [--cache DIR] [--bundle DIR]
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, bootToRescue, chooseAccelerator, Guest, makeBaseSystem, makeSampleDisk, powerOff, withMounts } from '@cdrec/rehearse';

const argument = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : process.argv[i + 1]; };
const dir = argument('--dir', '/var/tmp/cdrec-rear');
const runs = Number(argument('--runs', '3'));
const accelerator = await chooseAccelerator();
const media = join(dir, 'media');

/** Both media, built inside of the booted sample: what ReaR needs is installed there by its own package. */
async function build() {
  mkdirSync(media, { recursive: true });
  const base = await makeBaseSystem(argument('--cache', '.cache'), ['rear', 'xorriso', 'isolinux', 'syslinux', 'ethtool', 'file', 'gawk', 'openssl', 'iputils-ping', 'bc', 'attr', 'kbd', 'less'], 'all');
  const disk = join(dir, 'sample.img');
  const store = join(dir, 'store.img');
  await makeSampleDisk({ name: 'bios-ext4', base, image: disk, work: dir, node: process.execPath, bundle: argument('--bundle', 'apps/cdrec/dist/bundle') });
  await execa('truncate', ['-s', '3G', store]);
  await execa('mkfs.ext4', ['-q', '-F', store]);
  const guest = await Guest.start({ accelerator, firmware: 'bios', memoryMiB: 2048, media: [{ file: disk, as: 'virtio', boot: true }, { file: store, as: 'virtio' }], log: join(dir, 'build.log') });
  try {
    await bootToLogin(guest);
    await guest.must('mount /dev/vdb /mnt && mkdir -p /mnt/rear /mnt/cdrec /mnt/tmp', 60);
    await guest.must(`printf '%s\\n' OUTPUT=ISO BACKUP=REQUESTRESTORE ISO_DEFAULT=manual ISO_DIR=/mnt/rear USE_SERIAL_CONSOLE=yes 'AUTOEXCLUDE_PATH+=( /mnt )' 'EXCLUDE_MOUNTPOINTS+=( /mnt )' 'export TMPDIR=/mnt/tmp' > /etc/rear/local.conf`, 30);
    const started = Date.now();
    const rear = await guest.run('rear -v mkrescue', 3000);
    console.log(`rear mkrescue: status ${rear.status}, ${Math.round((Date.now() - started) / 1000)} s\n${rear.output.slice(-1500)}`);
    const begun = Date.now();
    await guest.must('TERM=dumb cdrec build --mode rescue --out /mnt/cdrec --exclude-mount /mnt', 900);
    console.log(`cdrec build --mode rescue: ${Math.round((Date.now() - begun) / 1000)} s`);
    await guest.must('sync; umount /mnt', 120);
    await powerOff(guest);
  } finally {
    await guest[Symbol.asyncDispose]();
  }
  const loop = await attachImage(store);
  try {
    await withMounts([['-o', 'ro', loop.device, join(dir, 'mnt')]], () => execa('bash', ['-c', 'cp "$1"/rear/*.iso "$2"/rear.iso && cp "$1"/cdrec/*.iso "$2"/cdrec.iso', 'copy', join(dir, 'mnt'), media]));
  } finally {
    await loop[Symbol.asyncDispose]();
  }
  for (const file of [disk, store]) rmSync(file);
}

/** Seconds from power-on to where a person can type. */
async function boot(name, i) {
  const guest = await Guest.start({ accelerator, firmware: 'bios', memoryMiB: 1024, media: [{ file: join(media, `${name}.iso`), as: 'cdrom', boot: true }], log: join(dir, `${name}-${i}.log`) });
  try {
    const started = Date.now();
    if (name === 'cdrec') await bootToRescue(guest, 600);
    else {
      await guest.expect(/Recover sample|Relax-and-Recover/, 300);
      guest.send('\r');
      await guest.expect(/login: /, 900);
    }
    return (Date.now() - started) / 1000;
  } finally {
    await guest[Symbol.asyncDispose]();
  }
}

if (!existsSync(media) || readdirSync(media).length < 2) await build();
if (!process.argv.includes('--build-only')) {
  const seconds = { cdrec: [], rear: [] };
  for (let i = 0; i < runs; i++) for (const name of i % 2 === 0 ? ['cdrec', 'rear'] : ['rear', 'cdrec']) seconds[name].push(await boot(name, i));
  const median = (l) => [...l].sort((a, b) => a - b)[Math.floor(l.length / 2)];
  const size = Object.fromEntries(['cdrec', 'rear'].map((n) => [n, statSync(join(media, `${n}.iso`)).size / 2 ** 20]));
  console.log('| | image MiB | power-on to prompt, s |\n|---|---|---|');
  for (const n of ['cdrec', 'rear']) console.log(`| ${n} | ${size[n].toFixed(0)} | ${median(seconds[n]).toFixed(1)} (${seconds[n].map((s) => s.toFixed(1)).join(', ')}) |`);
  console.log(`| cdrec / rear | ${(size.cdrec / size.rear).toFixed(2)} | ${(median(seconds.cdrec) / median(seconds.rear)).toFixed(2)} |`);
}
