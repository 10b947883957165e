import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { cloudRemark, forgetLvmDevices, rewriteSystem } from './adapt.ts';
import { adaptDebconf, rewriteInstallDevices, stableLink } from './debconf.ts';
import { refreshInitramfs } from './initramfs.ts';
import { askForRelabel, labelNewFiles } from './selinux.ts';

// Not in a tmpfs: some kernels keep no security attributes there.
const dir = mkdtempSync('/var/tmp/cdrec-adapt-');
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });
let root: string;
let n = 0;
const put = (path: string, text: string, mode = 0o644): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
};
/** A root with no more than a shell: programs in it only note how they were called. */
const putShell = (): void => {
  for (const file of ['/bin/dash', '/bin/cat', ...execFileSync('ldd', ['/bin/dash'], { encoding: 'utf8' }).match(/\/\S+/g) ?? []]) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    execFileSync('cp', ['-L', file, join(root, file)]);
  }
};
beforeEach(() => {
  root = join(dir, String(++n));
  for (const f of ['etc/fstab', 'etc/passwd']) put(f, '');
});

describe('LVM', () => {
  it('is not kept from other disks by a list of those that were', () => {
    expect(forgetLvmDevices(root)).toEqual([]);
    put('etc/lvm/devices/system.devices', 'VERSION=1.1.1\nIDTYPE=sys_wwid IDNAME=naa.5000 DEVNAME=/dev/sda3 PVID=x PART=3\n');
    put('etc/lvm/lvm.conf', 'devices {\n\tfilter = [ "a|/dev/sda3|", "a|/dev/sda3.*|", "r|.*|" ]\n}\n');
    expect(forgetLvmDevices(root)[0]).toMatch(/^\/etc\/lvm\/devices\/system.devices: .*vgimportdevices/);
    expect([existsSync(join(root, 'etc/lvm/devices/system.devices')), readFileSync(join(root, 'etc/lvm/devices/system.devices.before-restore'), 'utf8').length > 0]).toEqual([false, true]);
    rewriteSystem(root, [{ from: '/dev/sda3', path: '/dev/nvme0n1p3', tag: 'UUID=x' }]);
    expect(readFileSync(join(root, 'etc/lvm/lvm.conf'), 'utf8')).toContain('"a|/dev/nvme0n1p3|", "a|/dev/sda3.*|"');
  });
});

describe('cloud-init', () => {
  it('is spoken of where it would take the restored machine for a new one', () => {
    expect(cloudRemark(root)).toBeUndefined();
    put('var/lib/cloud/data/instance-id', 'iid-datasource-none\n');
    expect(cloudRemark(root)).toBeUndefined();
    put('var/lib/cloud/data/instance-id', 'i-0abc\n');
    expect(cloudRemark(root)).toMatch(/new SSH host keys/);
    put('etc/cloud/cloud-init.disabled', '');
    expect(cloudRemark(root)).toBeUndefined();
  });
});

describe('what programs take for their next work', () => {
  it('speaks of the new disk, too', () => {
    put('etc/grub.d/40_custom', '#!/bin/sh\nexec tail -n +3 $0\n# root=/dev/sda3\nmenuentry x { linux /vmlinuz root=/dev/sda3 ro }\n');
    put('etc/grub.d/10_linux', 'echo /dev/sda3\n');
    put('etc/dracut.conf.d/root.conf', 'kernel_cmdline="root=/dev/sda3"\n');
    expect(rewriteSystem(root, [{ from: '/dev/sda3', path: '/dev/nvme0n1p3', tag: 'UUID=x' }])).toEqual(['/etc/grub.d/40_custom: /dev/sda3 -> UUID=x', '/etc/dracut.conf.d/root.conf: /dev/sda3 -> UUID=x']);
    expect(readFileSync(join(root, 'etc/grub.d/40_custom'), 'utf8')).toContain('# root=/dev/sda3\nmenuentry x { linux /vmlinuz root=UUID=x ro }');
  });
});

describe('Debian\'s packages of GRUB', () => {
  const renamed = [{ from: '/dev/disk/by-id/ata-OLD_1', path: '/dev/vda', tag: '/dev/vda' }, { from: '/dev/sdb', path: '/dev/vda', tag: '/dev/vda' }, { from: '/dev/disk/by-id/ata-OLD_1-part1', path: '/dev/disk/by-uuid/E', tag: 'UUID=E' }];
  const answers = 'Name: debconf/priority\nValue: /dev/sdb\n\nName: grub-pc/install_devices\nTemplate: grub-pc/install_devices\nValue: /dev/disk/by-id/ata-OLD_1, /dev/sdb\nOwners: grub-pc\nVariables:\n CHOICES = /dev/sdb\n\nName: grub-efi/install_devices\nValue: /dev/disk/by-id/ata-OLD_1-part1, /dev/sdx1\n\n';
  it('install themselves on the disks that are there now', () => {
    const { text, changes } = rewriteInstallDevices(answers, renamed, (d) => `${d}!`);
    expect(text).toBe(answers.replace('Value: /dev/disk/by-id/ata-OLD_1, /dev/sdb', 'Value: /dev/vda!').replace('/dev/disk/by-id/ata-OLD_1-part1', '/dev/disk/by-uuid/E!'));
    expect(changes).toEqual(['/dev/disk/by-id/ata-OLD_1, /dev/sdb -> /dev/vda!', '/dev/disk/by-id/ata-OLD_1-part1, /dev/sdx1 -> /dev/disk/by-uuid/E!, /dev/sdx1']);
    expect(rewriteInstallDevices(text, renamed, (d) => `${d}!`).changes).toEqual([]);
    expect(adaptDebconf(root, renamed)).toEqual([]);
    put('var/cache/debconf/config.dat', answers);
    expect(adaptDebconf(root, renamed)).toHaveLength(2);
    put('boot/grub/device.map', '(hd0)\t/dev/disk/by-id/ata-OLD_1\n');
    put('etc/smartd.conf', '/dev/sdb -a\nDEVICESCAN\n');
    expect(rewriteSystem(root, renamed)).toEqual(['/boot/grub/device.map: /dev/disk/by-id/ata-OLD_1 -> /dev/vda', '/etc/smartd.conf: /dev/sdb -> /dev/vda']);
  });
  it('get a name that lasts, where udev has one', () => {
    const links = join(root, 'by-id');
    mkdirSync(links, { recursive: true });
    put('disk', '');
    for (const name of ['wwn-0x5000', 'ata-MODEL_SERIAL', 'ata-OTHER']) symlinkSync(join(root, name === 'ata-OTHER' ? 'gone' : 'disk'), join(links, name));
    expect([stableLink(join(root, 'disk'), links), stableLink('/dev/nothing', links), stableLink('/dev/null', '/no/such')]).toEqual(['/dev/disk/by-id/ata-MODEL_SERIAL', '/dev/nothing', '/dev/null']);
  });
});

describe('SELinux', () => {
  it('is asked to label all files where it is on and the files have no labels', async () => {
    expect(await askForRelabel(root)).toBeUndefined();
    put('etc/selinux/config', '# SELINUX=enforcing\nSELINUX=disabled\n');
    expect(await askForRelabel(root)).toBeUndefined();
    put('etc/selinux/config', 'SELINUX=enforcing\nSELINUXTYPE=targeted\n');
    expect(await askForRelabel(root)).toMatch(/no labels of SELinux/);
    expect(existsSync(join(root, '.autorelabel'))).toBe(true);
  });
  it.runIf(process.getuid?.() === 0)('is left alone where the labels came back', async () => {
    put('etc/selinux/config', 'SELINUX=permissive\n');
    execFileSync('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', join(root, 'etc/fstab')]);
    expect(await askForRelabel(root)).toBeUndefined();
    expect(existsSync(join(root, '.autorelabel'))).toBe(false);
  });
  it.runIf(process.getuid?.() === 0)('has what the restore made labelled by the policy of the system, and nothing else', async () => {
    put('etc/selinux/config', 'SELINUX=enforcing\nSELINUXTYPE=default\n');
    put('boot/initrd.img', 'new');
    put('etc/a b', 'new');
    put('boot/old', 'old');
    put('srv/elsewhere', 'of nobody');
    putShell();
    // Notes what it is to label, as names in the system.
    put('usr/sbin/setfiles', '#!/bin/dash\necho "$*" > /asked; /bin/cat >> /asked\n', 0o755);
    await labelNewFiles(root, ['/']);
    expect(existsSync(join(root, 'asked'))).toBe(false); // labels did not come back at all: the first start has to label
    for (const f of ['etc', 'etc/fstab', 'etc/selinux', 'etc/selinux/config', 'boot', 'boot/old', '']) execFileSync('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', join(root, f)]);
    await labelNewFiles(root, ['/', '/srv']);
    const [how, list] = readFileSync(join(root, 'asked'), 'latin1').split('\n');
    expect(how).toBe('-0 -f - /etc/selinux/default/contexts/files/file_contexts');
    expect(list).toBe('/srv\0/boot/initrd.img\0/etc/a b\0/etc/passwd\0');
    expect(existsSync(join(root, '.autorelabel'))).toBe(false);
    put('usr/sbin/setfiles', '#!/bin/dash\nexit 1\n', 0o755);
    await labelNewFiles(root, ['/']);
    expect(existsSync(join(root, '.autorelabel'))).toBe(true);
  });
});

describe('an initramfs', () => {
  it('stays as it is where the drivers are those of the machine, and what it copies did not change', async () => {
    put('usr/lib/modules/6.1/modules.dep', '');
    put('boot/initrd.img-6.1', '');
    expect(await refreshInitramfs(root, [], [], false)).toEqual({ said: [], made: [] });
  });
  it('that nobody can make again is told', async () => {
    put('usr/lib/modules/6.1/modules.dep', '');
    put('boot/initramfs-6.1.img', '');
    put('usr/lib/modules/5.0/modules.dep', ''); // a kernel without an initramfs
    expect((await refreshInitramfs(root, [], [], true)).said).toEqual(['the initramfs of 6.1 was made for the old devices: no program that makes one was found (update-initramfs, dracut, mkinitcpio)']);
  });
  it.runIf(process.getuid?.() === 0)('is made again by the system\'s own program when what it copies changed', async () => {
    put('usr/lib/modules/6.1/modules.dep', '');
    put('boot/initrd.img-6.1', 'old');
    putShell();
    put('usr/sbin/update-initramfs', '#!/bin/dash\necho "$*" > /boot/initrd.img-6.1\n', 0o755);
    expect(await refreshInitramfs(root, [], [], true)).toEqual({ said: ['the initramfs of 6.1 was made again'], made: ['/boot/initrd.img-6.1'] });
    expect(readFileSync(join(root, 'boot/initrd.img-6.1'), 'utf8')).toBe('-u -k 6.1\n');
  });
  it.runIf(process.getuid?.() === 0)('is made by dracut where the boot loader looks for it, also where dracut has an update-initramfs of its own', async () => {
    put('usr/lib/modules/6.12/modules.dep', '');
    put('boot/initrd.img-6.12', 'old');
    putShell();
    put('usr/bin/dracut', '#!/bin/dash\necho "$*" > $2\n', 0o755);
    put('usr/sbin/update-initramfs', '#!/bin/dash\nexit 1\n', 0o755);
    expect(await refreshInitramfs(root, [], [], true)).toEqual({ said: ['the initramfs of 6.12 was made again'], made: ['/boot/initrd.img-6.12'] });
    expect(readFileSync(join(root, 'boot/initrd.img-6.12'), 'utf8')).toBe('--force /boot/initrd.img-6.12 6.12\n');
  });
  it.runIf(process.getuid?.() === 0)('is found by the name of the kernel\'s package, beside the kernel, or within it', async () => {
    putShell();
    put('usr/lib/modules/6.9.1-arch1-1/pkgbase', 'linux\n');
    put('boot/initramfs-linux.img', 'old');
    put('usr/bin/mkinitcpio', '#!/bin/dash\necho "$*" > /boot/initramfs-linux.img\n', 0o755);
    expect(await refreshInitramfs(root, [], [], true)).toEqual({ said: ['the initramfs of 6.9.1-arch1-1 was made again'], made: ['/boot/initramfs-linux.img'] });
    // What an entry of the Boot Loader Specification starts: kernel-install puts it there, not dracut alone.
    rmSync(join(root, 'boot'), { recursive: true });
    put('etc/machine-id', 'abcd\n');
    put('usr/lib/modules/6.9.1-arch1-1/vmlinuz', '');
    put('efi/abcd/6.9.1-arch1-1/initrd', 'old');
    put('usr/bin/kernel-install', '#!/bin/dash\necho "$*" > /efi/abcd/6.9.1-arch1-1/initrd; echo new > /usr/lib/modules/6.9.1-arch1-1/modules.dep\n', 0o755);
    put('usr/lib/modules/6.9.1-arch1-1/modules.dep', '');
    expect((await refreshInitramfs(root, [], [], true)).made).toEqual(['/efi/abcd/6.9.1-arch1-1/initrd', '/usr/lib/modules/6.9.1-arch1-1/modules.dep']);
    expect(readFileSync(join(root, 'efi/abcd/6.9.1-arch1-1/initrd'), 'utf8')).toBe('add 6.9.1-arch1-1 /usr/lib/modules/6.9.1-arch1-1/vmlinuz\n');
    rmSync(join(root, 'efi'), { recursive: true });
    put('efi/EFI/Linux/arch-linux.efi', 'old');
    put('usr/bin/mkinitcpio', '#!/bin/dash\necho "$*" > /efi/EFI/Linux/arch-linux.efi\n', 0o755);
    expect(await refreshInitramfs(root, [], [], true)).toEqual({ said: ['the unified kernel image of 6.9.1-arch1-1 was made again'], made: ['/efi/EFI/Linux/arch-linux.efi'] });
    put('usr/bin/mkinitcpio', '#!/bin/dash\necho no room >&2; exit 1\n', 0o755);
    expect((await refreshInitramfs(root, [], [], true)).said).toEqual([expect.stringMatching(/^the unified kernel image of \S+ was made for the old devices, and could not be made again: .*no room/)]);
  });
});
