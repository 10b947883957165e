import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFatImage, findBootParts, isolinuxMenu, grubMenu, prepareBoot } from './index.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-boot-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });
const menu = { setId: '9f0c2f6a-1111-4222-8333-444455556666', label: 'CDrec-2026.01.01', host: 'h', append: 'x=y', memtest: true, timeout: 7 };

describe('the ESP image', () => {
  it('satisfies fsck.vfat and mtools, with its files intact, the same each time', () => {
    const big = randomBytes(900_001);
    const files = [{ path: 'EFI/BOOT/BOOTX64.EFI', data: big }, { path: 'EFI/BOOT/GRUB.CFG', data: Buffer.from('hi') }, { path: 'EMPTY', data: Buffer.alloc(0) }];
    const image = join(dir, 'esp.img');
    writeFileSync(image, buildFatImage(files, 'CDREC-ESP', 1_700_000_000_000));
    expect(execFileSync('fsck.vfat', ['-n', image], { encoding: 'utf8' })).toMatch(/\b6 files/);
    execFileSync('mcopy', ['-i', image, '::EFI/BOOT/BOOTX64.EFI', join(dir, 'out')]);
    execFileSync('cmp', [join(dir, 'out'), '-'], { input: big });
    expect(execFileSync('minfo', ['-i', image, '::'], { encoding: 'utf8' })).toContain('FAT16');
    expect(buildFatImage(files, 'CDREC-ESP', 1_700_000_000_000).equals(buildFatImage(files, 'CDREC-ESP', 1_700_000_000_000))).toBe(true);
    expect(() => buildFatImage([{ path: 'too-long-name.efi', data: big }], 'X', 0)).toThrow(/8\.3/);
  });
  it('carries GRUB with this machine\'s tools', async () => {
    const boot = await prepareBoot(findBootParts(''), menu, 1_700_000_000_000);
    const image = join(dir, 'esp.img');
    writeFileSync(image, boot.esp as Buffer);
    expect(execFileSync('mdir', ['-b', '-/', '-i', image, '::'], { encoding: 'utf8' })).toContain('BOOTX64.EFI');
    expect(boot.mbrCode?.length).toBeGreaterThanOrEqual(432);
  });
});

describe('menus', () => {
  it('offer rescue, serial console, hard disk and memory test', () => {
    const text = isolinuxMenu(menu);
    for (const label of ['rescue', 'serial', 'restore', 'hd', 'memtest']) expect(text).toContain(`LABEL ${label}\n`);
    expect(text).toContain('TIMEOUT 70');
    expect(text).toContain('APPEND cdrec.set=9f0c2f6a-1111-4222-8333-444455556666 loglevel=5 panic=60 console=ttyS0,115200 x=y');
    expect(isolinuxMenu({ ...menu, memtest: false })).not.toContain('memtest');
  });
  it('are valid GRUB script', () => {
    writeFileSync(join(dir, 'grub.cfg'), grubMenu(menu));
    execFileSync('grub-script-check', [join(dir, 'grub.cfg')]);
  });
});
