import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureEfi, installGrubBios, installLilo } from './bootloader.ts';

/** A shell in a directory that is to be a root, for programs that are scripts. */
function putShell(root: string): void {
  for (const file of ['/bin/dash', ...execFileSync('ldd', ['/bin/dash'], { encoding: 'utf8' }).match(/\/\S+/g) ?? []]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    execFileSync('cp', ['-L', file, join(root, file)]);
  }
}

/** Restored systems as directories; without a firmware, nothing of the host's is touched. */
describe('what UEFI starts', () => {
  let root: string;
  beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'cdrec-esp-')); });
  afterEach(() => { rmSync(root, { recursive: true }); });
  const put = (...files: string[]): void => {
    for (const f of files) {
      mkdirSync(dirname(join(root, f)), { recursive: true });
      writeFileSync(join(root, f), f);
    }
  };
  const ensure = (...entries: { label: string; file: string; arguments: string }[]): Promise<string[]> => ensureEfi({ id: 'b', kind: 'efi', places: [{ disk: '/dev/none', partition: 1 }], mount: '/efi', label: 'debian', entries: entries.map((e) => ({ ...e, partition: '' })), fileSystems: [] }, root, false);
  const fallback = (): string => readFileSync(join(root, 'efi/EFI/BOOT/BOOTX64.EFI'), 'utf8');

  it('shim with its GRUB, before systemd-boot, before a unified kernel image: the newest, or the one that was started', async () => {
    put('efi/EFI/Linux/debian-6.1.0-9.efi', 'efi/EFI/Linux/debian-6.1.0-10.efi');
    expect(await ensure()).toEqual([expect.stringContaining('removable-media path')]);
    expect(fallback()).toBe('efi/EFI/Linux/debian-6.1.0-10.efi');
    rmSync(join(root, 'efi/EFI/BOOT'), { recursive: true });
    await ensure({ label: 'Debian', file: '\\EFI\\LINUX\\debian-6.1.0-9.efi', arguments: '' });
    expect(fallback()).toBe('efi/EFI/Linux/debian-6.1.0-9.efi');
    rmSync(join(root, 'efi/EFI/BOOT'), { recursive: true });
    put('efi/EFI/systemd/systemd-bootx64.efi');
    await ensure();
    expect(fallback()).toBe('efi/EFI/systemd/systemd-bootx64.efi');
    rmSync(join(root, 'efi/EFI/BOOT'), { recursive: true });
    put('efi/EFI/debian/shimx64.efi', 'efi/EFI/debian/grubx64.efi');
    await ensure();
    expect([fallback(), readFileSync(join(root, 'efi/EFI/BOOT/grubx64.efi'), 'utf8')]).toEqual(['efi/EFI/debian/shimx64.efi', 'efi/EFI/debian/grubx64.efi']);
  });
  it('a kernel with arguments cannot be started from the removable-media path: that is no success', async () => {
    put('efi/EFI/debian/vmlinuz');
    await expect(ensure({ label: 'Debian', file: '\\EFI\\debian\\vmlinuz', arguments: 'root=/dev/sda2' })).rejects.toMatchObject({ code: 'BOOT_LOADER_FAILED', message: expect.stringMatching(/entries of its firmware alone \(Debian: \\EFI\\debian\\vmlinuz root=\/dev\/sda2\).*not started by UEFI/) as string });
    expect(existsSync(join(root, 'efi/EFI/BOOT'))).toBe(false);
  });
  it('nothing there at all is told', async () => {
    mkdirSync(join(root, 'efi'));
    await expect(ensure()).rejects.toMatchObject({ code: 'BOOT_LOADER_FAILED' });
  });
});

describe.runIf(process.getuid?.() === 0)('GRUB for BIOS', () => {
  it('leaves the times of what did not change, also when its first run was interrupted', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cdrec-grub-'));
    try {
      putShell(root);
      mkdirSync(join(root, 'boot/grub/i386-pc'), { recursive: true });
      for (const n of ['same.mod', 'other.mod']) writeFileSync(join(root, 'boot/grub/i386-pc', n), n);
      const times = (): string => execFileSync('find', ['boot/grub', '-printf', '%p %T@\\n'], { cwd: root, encoding: 'utf8' }).trim().split('\n').sort().join('\n');
      execFileSync('touch', ['-d', '2001-01-01 01:01:01.123456789', 'boot/grub/i386-pc/same.mod', 'boot/grub/i386-pc/other.mod', 'boot/grub/i386-pc', 'boot/grub'], { cwd: root });
      const before = times();
      const program = (status: number): void => {
        mkdirSync(join(root, 'usr/sbin'), { recursive: true });
        writeFileSync(join(root, 'usr/sbin/grub-install'), `#!/bin/dash\ncd /boot/grub/i386-pc; for f in same other; do echo > new; printf $f.mod > $f.mod; done; printf changed > other.mod; ${status === 0 ? ': > core.img; ' : ''}echo > new; exit ${String(status)}\n`, { mode: 0o755 });
      };
      writeFileSync(join(root, 'disk'), Buffer.alloc(512, 'GRUB'));
      const kept: string[] = [];
      const run = (): Promise<void> => installGrubBios({ id: 'g', kind: 'grub-bios', disk: join(root, 'disk'), directory: '/boot/grub', fileSystems: [] }, root, { note: (text) => Promise.resolve(void kept.push(text)), noted: () => kept.at(-1) });
      program(1);
      await expect(run()).rejects.toThrow(/grub-install/);
      expect(times()).not.toBe(before);
      program(0);
      await run();
      expect(kept.length).toBe(1);
      const is = (name: string, text: string): string | undefined => text.split('\n').find((l) => l.startsWith(`${name} `));
      expect([is('boot/grub/i386-pc/same.mod', times()), is('boot/grub', times())]).toEqual([is('boot/grub/i386-pc/same.mod', before), is('boot/grub', before)]);
      expect(is('boot/grub/i386-pc/other.mod', times())).not.toBe(is('boot/grub/i386-pc/other.mod', before));
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe.runIf(process.getuid?.() === 0)('LILO', () => {
  it('makes its map anew, wherever its configuration has it', async () => {
    const root = mkdtempSync(join(tmpdir(), 'cdrec-lilo-'));
    try {
      putShell(root);
      for (const d of ['sbin', 'etc']) mkdirSync(join(root, d));
      writeFileSync(join(root, 'sbin/lilo'), '#!/bin/dash\necho "$@" > /asked\n', { mode: 0o755 });
      const install = () => installLilo({ id: 'l', kind: 'lilo', disk: '/dev/none', fileSystems: [] }, root, { note: () => Promise.resolve(), noted: () => undefined });
      expect(await install()).toEqual({ said: [], made: ['/boot/map'] });
      expect(readFileSync(join(root, 'asked'), 'utf8')).toBe('-b /dev/none\n');
      writeFileSync(join(root, 'etc/lilo.conf'), '# map=/no\nboot=/dev/sda\n map = "/boot/lilo.map"\n');
      expect((await install()).made).toEqual(['/boot/lilo.map']);
      rmSync(join(root, 'sbin/lilo'));
      await expect(install()).rejects.toThrow(/neither lilo nor grub-install/);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
