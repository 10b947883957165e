import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildFatImage, chooseUefi, findBootParts, floppyImage, FLOPPIES, grubMenu, grubStub, hardDiskImage, ipxeMenu, isSignedPe, loopbackMenu, netbootFiles, prepareBoot, syslinuxMenu, type BootParts, type EmulatedContent, type RoadOptions } from './index.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'cdrec-boot-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });
const menu = { setId: '9f0c2f6a-1111-4222-8333-444455556666', label: 'CDrec-2026.01.01', host: 'h', append: 'x=y', serial: 'ttyS0,115200', memtest: true, memtestEfi: true, timeout: 7 };
const date = 1_700_000_000_000;
const put = (name: string, data: Buffer | string): string => {
  const path = join(dir, name);
  writeFileSync(path, data);
  return path;
};
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const road = (more: Partial<RoadOptions> = {}): RoadOptions => ({
  parts: findBootParts(''), bios: 'isolinux', uefi: 'unsigned', floppy: 'rescue', menu, kernel: put('vmlinuz', randomBytes(3000)), initrd: randomBytes(2000), secureBoot: false, osId: 'debian', date, work: dir, ...more,
});

describe('FAT images', () => {
  it('satisfy fsck.vfat and mtools, with their files intact, the same each time', () => {
    const big = randomBytes(900_001);
    const files = [{ path: 'EFI/BOOT/BOOTX64.EFI', data: big }, { path: 'EFI/BOOT/GRUB.CFG', data: Buffer.from('hi') }, { path: 'EMPTY', data: Buffer.alloc(0) }, { path: 'EFI/almalinux/a-long name.cfg', data: Buffer.from('long') }];
    const image = put('esp.img', buildFatImage(files, 'CDREC-ESP', date));
    expect(run('fsck.vfat', '-n', image)).toMatch(/\b8 files/);
    run('mcopy', '-i', image, '::EFI/BOOT/BOOTX64.EFI', join(dir, 'out'));
    execFileSync('cmp', [join(dir, 'out'), '-'], { input: big });
    expect(run('mtype', '-i', image, '::EFI/almalinux/a-long name.cfg')).toBe('long');
    expect(run('minfo', '-i', image, '::')).toContain('FAT16');
    expect(buildFatImage(files, 'CDREC-ESP', date).equals(buildFatImage(files, 'CDREC-ESP', date))).toBe(true);
    expect(() => buildFatImage([{ path: 'no:colon', data: big }], 'X', 0)).toThrow(/cannot be a name/);
    expect(() => buildFatImage([{ path: 'a', data: big }, { path: 'A', data: big }], 'X', 0)).toThrow(/there twice/);
  });
  it('have the exact size of a floppy, and say exactly by how much files exceed it', () => {
    for (const size of ['1.2', '1.44', '2.88'] as const) {
      const geometry = FLOPPIES[size];
      const cluster = geometry.sectorsPerCluster * 512;
      let room = 0;
      try {
        buildFatImage([{ path: 'X', data: Buffer.alloc(4 << 20) }], 'F', date, geometry, 0);
      } catch (error) {
        room = (4 << 20) - Number(/by (\d+) bytes/.exec((error as Error).message)?.[1]);
      }
      const full = put('full.img', buildFatImage([{ path: 'X', data: randomBytes(room) }], 'F', date, geometry, 0));
      expect(run('fsck.vfat', '-n', full)).toMatch(/2 files/);
      expect(run('minfo', '-i', full, '::')).toContain('FAT12');
      expect(() => buildFatImage([{ path: 'X', data: Buffer.alloc(room + 1) }], 'F', date, geometry, 0)).toThrow(new RegExp(`by ${String(cluster)} bytes`));
    }
  });
});

describe('boot roads', () => {
  const content = (more: Partial<EmulatedContent> = {}): EmulatedContent => ({ menu, kernel: put('k', randomBytes(200_000)), initrd: randomBytes(100_000), memtest: put('m', randomBytes(140_000)), date, work: dir, ...more });
  const syslinux = (): NonNullable<BootParts['syslinux']> => {
    const { syslinux } = findBootParts('');
    if (syslinux === undefined) throw new Error('SYSLINUX must be installed for the tests');
    return syslinux;
  };
  it('GRUB for BIOS and UEFI is made with this machine\'s tools', async () => {
    const boot = await prepareBoot(road({ bios: 'grub' }));
    expect(run('mdir', '-b', '-/', '-i', put('esp.img', boot.esp as Buffer), '::')).toContain('BOOTX64.EFI');
    expect(boot.mbr?.kind).toBe('grub2');
    expect(boot.image?.length).toBeGreaterThan(30_000);
    expect((await prepareBoot(road())).mbr?.code.length).toBeGreaterThanOrEqual(432);
  });
  it('floppies of every size hold SYSLINUX and what fits, byte for byte the same each time', async () => {
    for (const size of ['1.2', '1.44', '2.88'] as const) {
      const c = content();
      const image = await floppyImage(syslinux(), size, c);
      expect(image.length).toBe((FLOPPIES[size].sectors as number) * 512);
      const file = put('floppy.img', image);
      expect(run('mdir', '-a', '-b', '-i', file, '::')).toMatch(/VMLINUZ[^]*ldlinux.sys/i);
      expect(run('fsck.vfat', '-n', file)).toMatch(/files/);
      expect((await floppyImage(syslinux(), size, c)).equals(image)).toBe(true);
    }
    await expect(floppyImage(syslinux(), '1.44', content({ kernel: put('big', Buffer.alloc(8_000_000)) }))).rejects.toMatchObject({ code: 'BOOT_TOO_LARGE', message: expect.stringMatching(/1\.44 MB floppy cannot hold kernel \(8000000 bytes\).*by \d+ bytes/) as string });
  });
  it('emulated disks have whole cylinders', async () => {
    const image = await hardDiskImage(syslinux(), content({ kernel: put('k', randomBytes(9_000_000)), initrd: randomBytes(30_000_000) }));
    const file = put('disk.img', image);
    expect(image.length % (255 * 63 * 512)).toBe(0);
    const table = run('sfdisk', '--dump', file);
    expect(table).toMatch(/start= +63,.*type=6, bootable/);
    const fs = put('fs.img', image.subarray(63 * 512));
    expect(run('fsck.vfat', '-n', fs)).toMatch(/files/);
    run('mcopy', '-i', `${file}@@32256`, '::INITRD.GZ', join(dir, 'initrd'));
  });
  it('tell what is missing, and take the signed chain by themselves', () => {
    const unsigned = put('unsigned', 'x');
    const parts: BootParts = { ...findBootParts(''), signed: { shim: 's', grub: 'g', netGrub: undefined, mokManager: undefined } };
    const without: BootParts = { ...parts, signed: undefined, missing: [{ part: 'signed', what: 'shim', hint: 'install it' }] };
    expect(() => chooseUefi({ parts: without, uefi: 'auto', secureBoot: true, kernel: unsigned })).toThrow(/Secure Boot, but the medium would not: shim and GRUB signed/);
    expect(() => chooseUefi({ parts, uefi: 'auto', secureBoot: true, kernel: unsigned })).toThrow(/is not signed/);
    expect(() => chooseUefi({ parts: without, uefi: 'signed', secureBoot: false, kernel: unsigned })).toThrow(/not installed/);
    expect(chooseUefi({ parts: without, uefi: 'auto', secureBoot: false, kernel: unsigned })).toBe('unsigned');
    expect(chooseUefi({ parts: without, uefi: 'unsigned', secureBoot: true, kernel: unsigned })).toBe('unsigned');
    expect(chooseUefi({ parts: { ...without, grub: undefined }, uefi: 'auto', secureBoot: false, kernel: unsigned })).toBe('none');
    expect(isSignedPe('/usr/bin/env')).toBe(false);
  });
  it('that were chosen by name and cannot be had are errors', async () => {
    const parts: BootParts = { ...findBootParts(''), isolinux: undefined, grubBios: undefined, grub: undefined, signed: undefined, missing: [{ part: 'grubBios', what: 'GRUB for BIOS', hint: 'install it' }, { part: 'isolinux', what: 'ISOLINUX', hint: 'install it' }] };
    await expect(prepareBoot(road({ parts, bios: 'grub', uefi: 'none' }))).rejects.toMatchObject({ code: 'BOOT_MISSING', message: 'GRUB for BIOS is missing' });
    await expect(prepareBoot(road({ parts, bios: 'isolinux', uefi: 'auto' }))).rejects.toMatchObject({ code: 'BOOT_MISSING' });
  });
  it('by network need a loader', () => {
    const parts = findBootParts('');
    expect(() => netbootFiles({ ...parts, pxelinux: undefined, signed: undefined }, menu, 'k', Buffer.alloc(1))).toThrow(/no loader for booting by network/);
  });
});

describe('menus', () => {
  it('offer rescue, serial console, hard disk and memory test', () => {
    const text = syslinuxMenu(menu);
    for (const label of ['rescue', 'serial', 'restore', 'hd', 'memtest']) expect(text).toContain(`LABEL ${label}\n`);
    expect(text).toContain('TIMEOUT 70');
    expect(text).toContain('APPEND cdrec.set=9f0c2f6a-1111-4222-8333-444455556666 loglevel=4 panic=60 console=ttyS0,115200 x=y');
    expect(syslinuxMenu({ ...menu, memtest: false })).not.toContain('memtest');
    const silent = syslinuxMenu({ ...menu, serial: '' });
    expect(silent).not.toMatch(/SERIAL|ttyS|LABEL serial/);
  });
  it('are valid GRUB script', () => {
    for (const text of [grubMenu(menu), loopbackMenu(menu), grubStub(menu.setId), grubMenu({ ...menu, serial: '', memtest: false, memtestEfi: false })]) run('grub-script-check', put('grub.cfg', text));
    expect(loopbackMenu(menu)).toContain('cdrec.iso=${iso_path}');
  });
  it('for iPXE load kernel, initrd and rd-base', () => {
    expect(ipxeMenu(menu)).toMatch(/^#!ipxe\n[^]*initrd --name rd-base.img cdrec\/rd-base.img/);
  });
});
