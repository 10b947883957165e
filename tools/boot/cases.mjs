// Every boot road x firmware x medium: what is built, how it is booted, what must happen.
import { copyFileSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync, writeSync, closeSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildFatImage } from '@cdrec/bootimage';
import { IsoReader, openByteSource } from '@cdrec/iso9660';
import { attachImage, withMounts } from '@cdrec/rehearse';

const FLOPPIES = ['1.2', '1.44', '2.88'];

/** Media to build: name -> configuration and arguments (see buildMedia). */
export const VARIANTS = {
  default: {},
  grub: { config: '[boot]\nbios = "grub"\nuefi = "unsigned"\n[rescue]\ncoldplug = "mdev"\nnetwork = "static"\n' },
  'hard-disk': { config: '[boot]\nbios = "hard-disk"\n' },
  pxe: { args: ['--output', 'pxe'] },
  floppy: { config: '[boot]\nfloppy = "memtest"\n', args: ['--output', 'floppy'] },
  ...Object.fromEntries(FLOPPIES.map((f) => [`floppy-${f}`, { config: `[boot]\nbios = "floppy-${f}"\nfloppy = "memtest"\n` }])),
  ...Object.fromEntries(FLOPPIES.map((f) => [`floppy-${f}-rescue`, { config: `[boot]\nbios = "floppy-${f}"\n`, fails: true }])),
};

const FIRMWARE = { bios: 'BIOS (SeaBIOS)', uefi: 'UEFI (OVMF)', 'secure-boot': 'UEFI, Secure Boot enforced' };
const MEDIA = ['cdrom', 'usb', 'virtio', 'ahci', 'nvme', 'virtio-scsi'];
// QEMU's SATA disks cannot be read-only: what is written to a disk is thrown away.
const medium = (file, as) => ({ media: [{ file, as, boot: true, ...(as === 'ahci' ? { discard: true } : { readonly: true }) }] });
const MEMTEST = { menu: /Memory test/, expect: /Memtest86\+|Status: Testing/, seconds: 120 };
const road = (name, text, firmware, as, variant, make, more = {}) => ({ name, road: text, firmware, firmwareText: FIRMWARE[firmware], medium: as, variant, make, ...more });

/** A copy of an image with one byte of a file changed. */
async function tampered(iso, path, to) {
  copyFileSync(iso, to);
  const source = await openByteSource(iso);
  const reader = await IsoReader.open(source);
  const entry = await reader.stat(path);
  const bytes = await reader.readFile(path);
  await reader.close();
  // The middle of the file: compressed kernel code, far from every header.
  const middle = Math.floor(bytes.length / 2);
  const offset = readFileSync(to).indexOf(bytes) + middle;
  if (entry.size !== bytes.length || offset <= middle) throw new Error(`${path} was not found in ${iso}`);
  const fd = openSync(to, 'r+');
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, offset);
  byte[0] ^= 1;
  writeSync(fd, byte, 0, 1, offset);
  closeSync(fd);
}

/** A disk of a machine with an ISO file on it, and the entry that `cdrec boot-entry` makes, in a signed GRUB on its ESP; for BIOS a GRUB in its MBR. */
async function diskWithIso(dir, name, iso, firmware, move) {
  const disk = join(dir, `${name}.img`);
  rmSync(disk, { force: true });
  await execa('truncate', ['-s', '700M', disk]);
  await execa('sfdisk', ['-q', disk], { input: 'label: gpt\nsize=1M, type=21686148-6449-6E6F-744E-656564454649\nsize=32M, type=uefi\ntype=linux\n' });
  const loop = await attachImage(disk);
  try {
    await execa('mkfs.ext4', ['-q', '-F', loop.partition(3)]);
    const mount = join(dir, 'disk');
    await withMounts([['-t', 'ext4', loop.partition(3), mount]], async () => {
      mkdirSync(join(mount, 'srv'), { recursive: true });
      mkdirSync(join(mount, 'boot/grub'), { recursive: true });
      const file = join(mount, 'srv/rescue_1.iso');
      copyFileSync(iso, file);
      const { stdout } = await execa('node', ['apps/cdrec/dist/bin.js', 'boot-entry', file]);
      const config = `serial --unit=0 --speed=115200\nterminal_input console serial\nterminal_output console serial\nset timeout=3\n${stdout.replaceAll('/srv/rescue_1.iso', move ? '/srv/moved.iso' : '/srv/rescue_1.iso').replace('"($root)$iso_path"', '"($root)/srv/rescue_1.iso"')}\n`;
      if (firmware === 'bios') {
        writeFileSync(join(mount, 'boot/grub/grub.cfg'), config);
        await execa('cp', ['-a', '/usr/lib/grub/i386-pc', join(mount, 'boot/grub/')]);
        const early = join(dir, 'early.cfg');
        writeFileSync(early, 'search --no-floppy --file --set=root /srv/rescue_1.iso\nset prefix=($root)/boot/grub\n');
        await execa('grub-mkimage', ['-O', 'i386-pc', '-o', join(dir, 'core.img'), '-c', early, '-p', '/boot/grub', 'biosdisk', 'part_gpt', 'ext2', 'search', 'search_fs_file', 'normal', 'configfile']);
      } else {
        const efi = {};
        for (const [path, to] of [['shim', 'EFI/BOOT/BOOTX64.EFI'], ['grub', 'EFI/BOOT/GRUBX64.EFI']]) efi[to] = readFileSync(join(dir, path));
        writeFileSync(join(dir, 'esp.img'), buildFatImage([...Object.entries(efi).map(([path, data]) => ({ path, data })), { path: 'EFI/DEBIAN/GRUB.CFG', data: Buffer.from(config) }, { path: 'BOOT/GRUB/GRUB.CFG', data: Buffer.from(config) }], 'ESP', 0));
        await execa('dd', [`if=${join(dir, 'esp.img')}`, `of=${loop.partition(2)}`, 'bs=1M', 'status=none']);
      }
    });
  } finally {
    await loop[Symbol.asyncDispose]();
  }
  if (firmware === 'bios') {
    // What grub-install does on GPT: boot.img in the MBR points to core.img in the BIOS boot partition, which says where it goes on.
    const boot = readFileSync('/usr/lib/grub/i386-pc/boot.img').subarray(0, 440);
    const core = readFileSync(join(dir, 'core.img'));
    boot.writeBigUInt64LE(2048n, 0x5c); // kernel_sector: first sector of the partition
    boot.writeUInt16LE(0x9090, 0x66); // boot_drive_check: no jump, the drive is the BIOS's
    core.writeBigUInt64LE(2049n, 512 - 12); // the rest of the core lies right behind its first sector
    const fd = openSync(disk, 'r+');
    writeSync(fd, boot, 0, 440, 0);
    writeSync(fd, core, 0, core.length, 2048 * 512);
    closeSync(fd);
  }
  return disk;
}

/** Shim and GRUB out of a medium's ESP, for a disk of a machine. */
async function signedLoaders(dir, iso) {
  const esp = join(dir, 'medium-esp.img');
  const { stdout } = await execa('sfdisk', ['--json', iso]);
  const part = JSON.parse(stdout).partitiontable.partitions.find((p) => /C12A7328/i.test(p.type) || p.type === 'ef');
  await execa('dd', [`if=${iso}`, `of=${esp}`, 'bs=512', `skip=${part.start}`, `count=${part.size}`, 'status=none']);
  for (const [name, to] of [['BOOTX64.EFI', 'shim'], ['GRUBX64.EFI', 'grub']]) await execa('mcopy', ['-n', '-i', esp, `::EFI/BOOT/${name}`, join(dir, to)], { env: { MTOOLS_SKIP_CHECK: '1' } });
}

/** Serves a directory by HTTP on 127.0.0.1 while `work` runs. */
export async function served(root, work) {
  const server = createServer((request, response) => {
    try {
      const data = readFileSync(join(root, decodeURIComponent(new URL(request.url, 'http://x').pathname)));
      response.writeHead(200, { 'content-length': data.length });
      response.end(request.method === 'HEAD' ? undefined : data);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    return await work(server.address().port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** All cases. `make(media, dir)` gives what bootCase needs; `fails` names what must not boot. */
export const CASES = [
  ...Object.keys(FIRMWARE).flatMap((fw) => MEDIA.map((as) => road(`default-${fw}-${as}`, fw === 'bios' ? 'ISOLINUX' : 'shim and GRUB, signed', fw, as, 'default', (m) => medium(m.default, as)))),
  ...MEDIA.map((as) => road(`grub-bios-${as}`, 'GRUB (BIOS)', 'bios', as, 'grub', (m) => medium(m.grub, as))),
  road('grub-uefi-cdrom', 'own GRUB (UEFI)', 'uefi', 'cdrom', 'grub', (m) => medium(m.grub, 'cdrom')),
  road('hard-disk-bios-cdrom', 'El Torito hard-disk emulation', 'bios', 'cdrom', 'hard-disk', (m) => medium(m['hard-disk'], 'cdrom')),
  ...FLOPPIES.map((f) => road(`floppy-${f}-cdrom`, `El Torito floppy emulation ${f} MB: memtest86+`, 'bios', 'cdrom', `floppy-${f}`, (m) => ({ ...medium(m[`floppy-${f}`], 'cdrom'), ...MEMTEST }))),
  road('memtest-bios-cdrom', 'ISOLINUX: memtest86+', 'bios', 'cdrom', 'default', (m) => ({ ...medium(m.default, 'cdrom'), ...MEMTEST, keys: '5\r' })),
  road('memtest-uefi-cdrom', 'own GRUB: memtest86+', 'uefi', 'cdrom', 'grub', (m) => ({ ...medium(m.grub, 'cdrom'), ...MEMTEST, keys: '5' })),
  road('floppy-image', 'boot floppy 1.44 MB: memtest86+', 'bios', 'floppy', 'floppy', (m) => ({ ...medium(m.floppy, 'floppy'), ...MEMTEST })),
  ...Object.keys(FIRMWARE).map((fw) => road(`iso-file-${fw}`, 'ISO file on a disk (GRUB loopback)', fw, 'ahci', 'default', async (m, dir) => {
    if (fw !== 'bios') await signedLoaders(dir, m.default);
    // With Secure Boot enforced the signed GRUB cannot allocate the kernel's buffer in 512 MiB while it has the ISO file open.
    return { ...medium(await diskWithIso(dir, `iso-file-${fw}`, m.default, fw, false), 'ahci'), ...(fw === 'secure-boot' ? { memoryMiB: 768 } : {}), check: async (g) => (await g.must('lsblk -n -o FSTYPE,LABEL | grep -q "iso9660 *CDrec" && findmnt -n -o OPTIONS /run/cdrec/disk', 60)).trim() };
  })),
  road('pxe-bios-tftp', 'PXELINUX, TFTP', 'bios', 'network', 'pxe', (m) => ({ network: { tftp: m.pxe, bootfile: 'pxelinux.0' } })),
  road('pxe-bios-http', 'iPXE, HTTP', 'bios', 'network', 'pxe', (m) => ({ serve: m.pxe, network: (port) => ({ bootfile: `http://10.0.2.2:${port}/boot.ipxe`, reachHost: true }) })),
  road('pxe-uefi-tftp', 'shim and GRUB, TFTP', 'uefi', 'network', 'pxe', (m) => ({ network: { tftp: m.pxe, bootfile: 'bootx64.efi' } })),
  road('pxe-secure-boot-tftp', 'shim and GRUB, TFTP', 'secure-boot', 'network', 'pxe', (m) => ({ network: { tftp: m.pxe, bootfile: 'bootx64.efi' } })),
  // What must fail, and how a person is told.
  road('kernel-changed', 'signed, but one byte of the kernel is changed', 'secure-boot', 'cdrom', 'default', async (m, dir) => {
    await tampered(m.default, 'boot/vmlinuz', join(dir, 'tampered.iso'));
    return { ...medium(join(dir, 'tampered.iso'), 'cdrom'), menu: /Rescue system/, expect: /bad shim signature|invalid signature|cdrec:~# /, never: /cdrec:~# / };
  }, { fails: true }),
  road('unsigned-secure-boot', 'own GRUB', 'secure-boot', 'cdrom', 'grub', (m) => ({ ...medium(m.grub, 'cdrom'), expect: /Access Denied|Security Violation|cdrec:~# /, never: /cdrec:~# / }), { fails: true }),
  road('iso-file-moved', 'ISO file on a disk, moved since', 'bios', 'ahci', 'default', async (m, dir) => ({ ...medium(await diskWithIso(dir, 'iso-file-moved', m.default, 'bios', true), 'ahci'), menu: /Rescue system \(/, expect: /cdrec: volume 1 of set \S+ was not found: looked for [^\r\n]*|cdrec:~# /, never: /cdrec:~# /, seconds: 400 }), { fails: true }),
  ...FLOPPIES.map((f) => road(`floppy-${f}-rescue`, `El Torito floppy emulation ${f} MB: Debian's kernel`, 'bios', 'cdrom', `floppy-${f}-rescue`, undefined, { fails: true, build: /BOOT_TOO_LARGE: (a \S+ MB floppy[^\n]*by \d+ bytes)/ })),
];
