// Images of our writer boot: every boot loader, every emulation, as CD and as USB disk, by SeaBIOS and OVMF.
// usage: node tools/iso/boots.mjs [NAME...]
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildFatImage } from '@cdrec/bootimage';
import { IsoImage, writeImageFile } from '@cdrec/iso9660';
import { chooseAccelerator } from '@cdrec/rehearse';
import { workDirectory } from './images.mjs';

const SAY = 'CDREC-BOOTED';
const OVMF = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const SYSLINUX = '/usr/lib/syslinux/modules/bios';
const { dir, done } = workDirectory(process.env.CDREC_E2E_DIR ?? '/var/tmp');
process.on('exit', done);
const run = (cmd, ...args) => execFileSync(cmd, args, { stdio: ['ignore', 'ignore', 'pipe'] });
const accelerator = await chooseAccelerator();

// Only with this configuration does SYSLINUX speak on the serial line at all: its prompt there proves that it was found.
const SYSLINUX_CONFIG = 'SERIAL 0 115200\nPROMPT 1\nTIMEOUT 0\nDEFAULT none\nLABEL none\n  KERNEL none\n';
const grubConfig = (name) => `serial --unit=0 --speed=115200\nterminal_output serial\necho "${SAY} ${name}"\nsleep 30\n`;

/** GRUB as one file with its configuration inside. */
function grubImage(format, name, modules) {
  const config = join(dir, `${name}.cfg`);
  const out = join(dir, `${name}.img`);
  writeFileSync(config, grubConfig(name));
  run('grub-mkimage', '-O', format, '-o', out, '-p', '/boot/grub', '-c', config, ...modules, 'serial', 'terminal', 'echo', 'sleep', 'iso9660', 'normal', 'configfile');
  return readFileSync(out);
}

/** A floppy image with SYSLINUX; `size` in KiB as mformat's -f. */
function floppy(size, name) {
  const image = join(dir, `${name}.img`);
  const config = join(dir, 'syslinux.cfg');
  writeFileSync(config, SYSLINUX_CONFIG);
  run('mformat', '-C', '-f', String(size), '-i', image, '::');
  run('syslinux', '--install', image);
  run('mcopy', '-i', image, config, '::syslinux.cfg');
  return readFileSync(image);
}

/**
 * A disk image with one FAT16 partition and SYSLINUX. SeaBIOS takes the geometry from where the partition ends: the
 * image has whole cylinders of 255 heads and 63 sectors, the partition begins at 0/1/1 and ends with a cylinder.
 */
function hardDisk(name, cylinders = 2) {
  const sectors = cylinders * 255 * 63;
  const image = join(dir, `${name}.img`);
  const config = join(dir, 'syslinux.cfg');
  writeFileSync(config, SYSLINUX_CONFIG);
  const disk = Buffer.alloc(sectors * 512);
  readFileSync('/usr/lib/syslinux/mbr/mbr.bin').copy(disk, 0, 0, 440);
  disk.set([0x80, 1, 1, 0, 0x06, 254, 63, cylinders - 1], 446);
  disk.writeUInt32LE(63, 454);
  disk.writeUInt32LE(sectors - 63, 458);
  disk.writeUInt16LE(0xaa55, 510);
  writeFileSync(image, disk);
  run('mformat', '-i', `${image}@@32256`, '-h', '255', '-s', '63', '-H', '63', '-T', String(sectors - 63), '::');
  run('syslinux', '--install', '--offset', '32256', image);
  run('mcopy', '-i', `${image}@@32256`, config, '::syslinux.cfg');
  return readFileSync(image);
}

function write(name, options, files) {
  const path = join(dir, `${name}.iso`);
  const iso = new IsoImage({ volumeId: 'BOOTTEST', date: Date.UTC(2026, 0, 1), ...options });
  for (const [p, data] of Object.entries(files)) iso.addFile(p, data);
  writeImageFile(iso.plan(), path);
  return path;
}

const isolinux = (name, options = {}, infoTable = true, change = (data) => data) => write(name, {
  ...options, boot: { entries: [{ path: 'isolinux/isolinux.bin', infoTable }], mbr: { code: readFileSync('/usr/lib/ISOLINUX/isohdpfx.bin'), kind: 'isolinux' } },
}, { 'isolinux/isolinux.bin': change(readFileSync('/usr/lib/ISOLINUX/isolinux.bin')), 'isolinux/ldlinux.c32': readFileSync(join(SYSLINUX, 'ldlinux.c32')), 'isolinux/isolinux.cfg': Buffer.from(SYSLINUX_CONFIG) });
const grubBios = (name, options = {}, more = {}) => write(name, {
  ...options, boot: { entries: [{ path: 'boot/grub/eltorito.img', infoTable: true, grub2Info: true }], mbr: { code: readFileSync('/usr/lib/grub/i386-pc/boot_hybrid.img'), kind: 'grub2' } },
}, { 'boot/grub/eltorito.img': grubImage('i386-pc-eltorito', name, ['biosdisk', 'part_msdos', 'part_gpt']), ...more });
const grubUefi = (name, options = {}) => write(name, {
  ...options, boot: { esp: buildFatImage([{ path: 'EFI/BOOT/BOOTX64.EFI', data: grubImage('x86_64-efi', name, ['part_gpt', 'fat']) }], 'ESP', 0) },
}, { 'readme.txt': Buffer.from('x') });
const emulated = (name, emulation, data) => write(name, { boot: { entries: [{ path: 'boot.img', emulation }] } }, { 'boot.img': data });

/** name: [firmware, media, image]; `never` must not boot. */
const CASES = {
  'isolinux': ['bios', ['cd', 'usb'], (n) => isolinux(n)],
  'isolinux-udf': ['bios', ['cd', 'usb'], (n) => isolinux(n, { udf: true, level: 4, joliet: 'long' })],
  // SeaBIOS takes a USB disk smaller than a floppy for one, and GRUB then looks at the wrong drive: hence the filler.
  'grub-bios': ['bios', ['cd', 'usb'], (n) => grubBios(n, {}, { filler: Buffer.alloc(2_000_000, 1) })],
  'grub-bios-udf': ['bios', ['cd', 'usb'], (n) => grubBios(n, { udf: true })],
  'grub-uefi': ['uefi', ['cd', 'usb'], (n) => grubUefi(n)],
  'grub-uefi-udf': ['uefi', ['cd', 'usb'], (n) => grubUefi(n, { udf: true })],
  'floppy-1.2': ['bios', ['cd'], (n) => emulated(n, 'floppy-1.2', floppy(1200, n))],
  'floppy-1.44': ['bios', ['cd'], (n) => emulated(n, 'floppy-1.44', floppy(1440, n))],
  'floppy-2.88': ['bios', ['cd'], (n) => emulated(n, 'floppy-2.88', floppy(2880, n))],
  'hard-disk': ['bios', ['cd'], (n) => emulated(n, 'hard-disk', hardDisk(n))],
  // A table with another checksum: ISOLINUX must notice, so that the tables above are known to matter.
  'isolinux-wrong-table': ['bios', ['cd'], (n) => isolinux(n, {}, false, (data) => { data.writeUInt32LE(16, 8); data.writeUInt32LE(5, 12); data.writeUInt32LE(data.length, 16); data.writeUInt32LE(0xbad, 20); return data; }), 'never'],
};

/** Boots an image; resolves with the seconds until it speaks, or undefined. */
function boot(image, firmware, as, name, limit) {
  const args = ['-machine', firmware === 'uefi' ? 'q35' : 'pc', '-accel', accelerator === 'kvm' ? 'kvm' : 'tcg', '-m', '256', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-net', 'none'];
  if (firmware === 'uefi') {
    const vars = join(dir, `${name}-${as}.vars`);
    copyFileSync(OVMF.replace('CODE', 'VARS'), vars);
    args.push('-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${OVMF}`, '-drive', `if=pflash,unit=1,format=raw,file=${vars}`);
  }
  args.push('-drive', `if=none,id=m,format=raw,readonly=on,file=${image}`);
  if (as === 'cd') args.push('-device', firmware === 'uefi' ? 'ide-cd,drive=m,bus=ide.0,bootindex=0' : 'ide-cd,drive=m,bootindex=0');
  else args.push('-device', 'qemu-xhci', '-device', 'usb-storage,drive=m,bootindex=0');
  return new Promise((resolve) => {
    const started = Date.now();
    const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let result;
    const timer = setTimeout(() => child.kill('SIGKILL'), limit * 1000);
    const heard = (chunk) => {
      text += chunk.toString('latin1');
      if (!new RegExp(`${SAY} ${name}\\b|LINUX \\d[^]*boot:`).test(text)) return;
      result ??= (Date.now() - started) / 1000;
      child.kill('SIGKILL');
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.on('close', () => { clearTimeout(timer); resolve({ seconds: result, text }); });
  });
}

let failed = 0;
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CASES);
for (const name of names) {
  const [firmware, media, make, never] = CASES[name];
  const image = make(name);
  for (const as of media) {
    const { seconds, text } = await boot(image, firmware, as, name, never ? 20 : 60);
    const good = never ? seconds === undefined : seconds !== undefined;
    if (!good) failed++;
    console.log(`${good ? 'ok' : 'FAILED'}  ${name}, ${firmware}, ${as}: ${seconds === undefined ? 'does not boot' : `boots after ${seconds.toFixed(1)} s`}${good ? '' : `\n${text.slice(-500)}`}`);
  }
}
console.log(`${names.length} images, ${failed} failures`);
process.exitCode = failed === 0 ? 0 : 1;
