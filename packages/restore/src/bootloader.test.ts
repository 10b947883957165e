import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureEfi } from './bootloader.ts';

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
