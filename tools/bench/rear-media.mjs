// Recovery media of cdrec and ReaR of the same machine, each made inside of it, with or without its backup.
// The machine is a Debian as it is installed, with all kernel modules (the samples of the other tests leave most out).
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { attachImage, bootToLogin, Guest, makeBaseSystem, makeSampleDisk, powerOff, withMounts } from '@cdrec/rehearse';

/** What ReaR needs is installed by its own package in the machine. */
const PACKAGES = ['rear', 'xorriso', 'isolinux', 'syslinux', 'ethtool', 'file', 'gawk', 'openssl', 'iputils-ping', 'bc', 'attr', 'kbd', 'less'];

/**
 * Makes `media/cdrec.iso` and `media/rear.iso` in `dir`; with `backup` each holds its backup, both packed by zstd at level 3. ReaR asks its questions with the
 * shortest of waits, and the one about the disks to be overwritten not at all. It does not take zstd along by itself: without it `recover` ends
 * with status 0, and nothing is restored. Says the seconds of each.
 */
export async function makeMedia({ dir, cache, bundle, accelerator, backup }) {
  const media = join(dir, 'media');
  mkdirSync(media, { recursive: true });
  const disk = join(dir, 'sample.img');
  const store = join(dir, 'store.img');
  await makeSampleDisk({ name: 'bios-ext4', base: await makeBaseSystem(cache, PACKAGES, 'all'), image: disk, work: dir, node: process.execPath, bundle });
  await execa('truncate', ['-s', '3G', store]);
  await execa('mkfs.ext4', ['-q', '-F', store]);
  const conf = ['OUTPUT=ISO', 'ISO_DEFAULT=manual', 'ISO_DIR=/mnt/rear', 'USE_SERIAL_CONSOLE=yes', 'AUTOEXCLUDE_PATH+=( /mnt )', 'EXCLUDE_MOUNTPOINTS+=( /mnt )',
    ...(backup ? ['BACKUP=NETFS', 'BACKUP_URL=iso:///backup', 'OUTPUT_URL=null', 'BACKUP_PROG_COMPRESS_OPTIONS=( --zstd )', 'BACKUP_PROG_COMPRESS_SUFFIX=.zst', 'REQUIRED_PROGS+=( zstd )', 'USER_INPUT_TIMEOUT=1', 'USER_INPUT_INTERRUPT_TIMEOUT=1', 'USER_INPUT_WIPE_DISKS_CONFIRMATION=yes'] : ['BACKUP=REQUESTRESTORE'])];
  const guest = await Guest.start({ accelerator, firmware: 'bios', memoryMiB: 2048, media: [{ file: disk, as: 'virtio', boot: true, serial: 'SAMPLE' }, { file: store, as: 'virtio' }], log: join(dir, 'build.log') });
  try {
    await bootToLogin(guest);
    await guest.must('mount /dev/vdb /mnt && mkdir -p /mnt/rear /mnt/cdrec /mnt/tmp', 60);
    await guest.must(`printf '%s\\n' ${conf.map((l) => `'${l}'`).join(' ')} > /etc/rear/local.conf`, 30);
    const timed = async (command, patience) => {
      const started = Date.now();
      const { status, output } = await guest.run(command, patience);
      console.log(`${command}: status ${status}, ${Math.round((Date.now() - started) / 1000)} s`);
      if (status !== 0) throw new Error(output.slice(-3000));
    };
    await timed(`TMPDIR=/mnt/tmp TERM=dumb rear -v ${backup ? 'mkbackup' : 'mkrescue'}`, 3000);
    await timed(`TERM=dumb cdrec build --mode ${backup ? 'iso' : 'rescue'} --out /mnt/cdrec --exclude-mount /mnt`, 1500);
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

/** From power-on of ReaR's medium to its login prompt; its menu's default waits for a key, which is pressed at once. */
export async function bootToRear(guest, patience = 900) {
  await guest.expect(/Recover sample|Relax-and-Recover/, 300);
  guest.send('\r');
  await guest.expect(/login: /, patience);
}
