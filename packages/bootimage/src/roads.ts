import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CdrecError, runTool } from '@cdrec/tool';
import { floppyImage, hardDiskImage, type EmulatedContent, type FloppySize } from './emulation.js';
import { buildFatImage, type FatFile } from './fat/image.js';
import { grubMenu, grubStub, loopbackMenu, markerFile, syslinuxMenu, type MenuOptions } from './menus.js';
import type { BootParts, SignedLoader } from './parts.js';
import { isSignedPe } from './pe.js';

/** Which boot roads a medium is to have, and from what. */
export interface RoadOptions {
  readonly parts: BootParts;
  readonly bios: 'isolinux' | 'grub' | `floppy-${FloppySize}` | 'hard-disk' | 'none';
  readonly uefi: 'auto' | 'signed' | 'unsigned' | 'none';
  readonly floppy: 'rescue' | 'memtest';
  readonly menu: Omit<MenuOptions, 'memtest' | 'memtestEfi'>;
  readonly kernel: string;
  readonly initrd: Buffer;
  /** Whether the machine that is surveyed has booted with Secure Boot. */
  readonly secureBoot: boolean;
  /** `ID` of os-release: where signed GRUBs look for their configuration. */
  readonly osId: string;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** Directory for temporary files. */
  readonly work: string;
}

/** Everything volume 1 needs to boot, ready to be added. */
export interface PreparedBoot {
  readonly menu: MenuOptions;
  readonly bios: RoadOptions['bios'];
  readonly uefi: 'signed' | 'unsigned' | 'none';
  /** Code for the hybrid MBR, and whose it is. */
  readonly mbr: { readonly code: Buffer; readonly kind: 'isolinux' | 'grub2' } | undefined;
  /** El Torito boot image for BIOS, unless it is isolinux.bin. */
  readonly image: Buffer | undefined;
  readonly esp: Buffer | undefined;
  readonly kernel: string;
  readonly initrd: Buffer;
  readonly parts: BootParts;
  /** What a person should know: roads that are not there. */
  readonly warnings: readonly string[];
}

function requirePart<K extends 'isolinux' | 'syslinux' | 'grubBios' | 'grub' | 'signed'>(parts: BootParts, part: K): NonNullable<BootParts[K]> {
  const found = parts[part];
  if (found !== undefined) return found;
  const missing = parts.missing.find((m) => m.part === part);
  throw new CdrecError('BOOT_MISSING', `${missing?.what ?? part} is missing`, missing === undefined ? {} : { hint: missing.hint });
}

/**
 * The road for UEFI that a build takes. With `auto`: the signed one if it can work, an own GRUB otherwise.
 * @throws CdrecError SECURE_BOOT when the machine boots with Secure Boot and the medium would not, BOOT_MISSING
 */
export function chooseUefi(o: Pick<RoadOptions, 'parts' | 'uefi' | 'secureBoot' | 'kernel'>): 'signed' | 'unsigned' | 'none' {
  const { parts, uefi, secureBoot, kernel } = o;
  if (uefi === 'none') return 'none';
  const kernelSigned = isSignedPe(kernel);
  if (uefi !== 'unsigned' && parts.signed !== undefined && kernelSigned) return 'signed';
  if (uefi === 'signed' || (secureBoot && uefi === 'auto')) {
    const why = parts.signed === undefined ? 'shim and GRUB signed by the distribution are not installed' : `the kernel ${kernel} is not signed`;
    throw new CdrecError('SECURE_BOOT', `${secureBoot ? 'this machine boots with Secure Boot, but the medium would not' : 'boot.uefi = "signed"'}: ${why}`, {
      hint: parts.signed === undefined ? `${parts.missing.find((m) => m.part === 'signed')?.hint ?? ''}; or set boot.uefi = "unsigned" and switch Secure Boot off when you need the medium` : 'take a kernel of the distribution with --kernel',
    });
  }
  if (parts.grub === undefined) {
    if (uefi === 'auto') return 'none';
    requirePart(parts, 'grub');
  }
  return 'unsigned';
}

/**
 * Makes boot images for the chosen roads.
 * @throws CdrecError BOOT_MISSING when a road was chosen by name and its loader is not installed, or no road is left;
 * BOOT_TOO_LARGE, SECURE_BOOT, TOOL_FAILED
 */
export async function prepareBoot(o: RoadOptions): Promise<PreparedBoot> {
  const { parts, work, date } = o;
  const uefi = chooseUefi(o);
  const warnings: string[] = [];
  const warn = (part: string): void => { for (const m of parts.missing) if (m.part === part) warnings.push(`${m.what} is missing: ${m.hint}`); };
  let bios = o.bios;
  // The default gives way where UEFI is all that can be had; what was asked for by another name is an error.
  if (bios === 'isolinux' && parts.isolinux === undefined && uefi !== 'none') {
    warn('isolinux');
    bios = 'none';
  }
  if (uefi === 'none' && o.uefi !== 'none') warn('grub');
  if (uefi === 'unsigned') warn('signed');
  if (parts.memtest === undefined) warn('memtest');
  if (bios === 'none' && uefi === 'none') {
    const wanted = parts.missing.filter((m) => m.part === 'isolinux' || m.part === 'grub');
    throw new CdrecError('BOOT_MISSING', `no boot loader for the medium: ${wanted.map((m) => m.what).join('; ')}`, { hint: wanted.map((m) => m.hint).join('; ') });
  }
  const menu: MenuOptions = { ...o.menu, memtest: parts.memtest !== undefined, memtestEfi: parts.memtestEfi !== undefined && uefi !== 'none' };
  const content: EmulatedContent = { menu, kernel: o.kernel, initrd: o.initrd, memtest: parts.memtest, date, work };
  const common = { menu, uefi, kernel: o.kernel, initrd: o.initrd, parts, warnings, esp: uefi === 'none' ? undefined : await makeEsp(o, uefi) };
  switch (bios) {
    case 'none': return { ...common, bios, mbr: undefined, image: undefined };
    case 'isolinux': return { ...common, bios, mbr: { code: readFileSync(requirePart(parts, 'isolinux').mbr), kind: 'isolinux' }, image: undefined };
    case 'grub': {
      const grub = requirePart(parts, 'grubBios');
      return { ...common, bios, mbr: { code: readFileSync(join(grub.directory, 'boot_hybrid.img')), kind: 'grub2' }, image: await grubImage(grub, 'i386-pc-eltorito', o.menu.setId, work) };
    }
    case 'hard-disk': return { ...common, bios, mbr: undefined, image: await hardDiskImage(requirePart(parts, 'syslinux'), content) };
    default: return { ...common, bios, mbr: undefined, image: await emulatedFloppy(o, bios.slice('floppy-'.length) as FloppySize, content) };
  }
}

async function emulatedFloppy(o: RoadOptions, size: FloppySize, content: EmulatedContent): Promise<Buffer> {
  const syslinux = requirePart(o.parts, 'syslinux');
  if (o.floppy === 'rescue') return floppyImage(syslinux, size, content);
  if (content.memtest === undefined) throw new CdrecError('BOOT_MISSING', 'memtest86+ is missing: the floppy would be empty', { hint: o.parts.missing.find((m) => m.part === 'memtest')?.hint ?? '' });
  return floppyImage(syslinux, size, { ...content, kernel: undefined, initrd: undefined });
}

const GRUB_MODULES = [
  'iso9660', 'fat', 'part_gpt', 'part_msdos', 'normal', 'search', 'search_fs_file', 'configfile', 'linux', 'boot', 'echo', 'test', 'serial', 'terminal', 'halt', 'reboot', 'ls', 'cat', 'sleep', 'chain',
  'biosdisk', 'vga', 'efi_gop', 'efi_uga', 'all_video',
];

/** GRUB as one file that finds the medium by itself. */
async function grubImage(grub: { mkimage: string; directory: string }, format: 'x86_64-efi' | 'i386-pc-eltorito', setId: string, parent: string): Promise<Buffer> {
  const work = mkdtempSync(join(parent, '.cdrec-grub-'));
  try {
    const early = join(work, 'early.cfg');
    writeFileSync(early, grubStub(setId));
    const image = join(work, 'grub.img');
    await runTool(grub.mkimage, ['-d', grub.directory, '-O', format, '-o', image, '-p', '/boot/grub', '-c', early, ...GRUB_MODULES.filter((m) => existsSync(join(grub.directory, `${m}.mod`)))]);
    return readFileSync(image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** ESP with the signed chain: every place where a distribution's GRUB looks for its configuration gets the stub. */
export function signedFiles(signed: SignedLoader, stub: string, osId: string): FatFile[] {
  const config = Buffer.from(stub);
  const vendors = [...new Set(['debian', 'ubuntu', ...(/^[a-z0-9_-]{1,32}$/.test(osId) ? [osId] : [])])];
  return [
    { path: 'EFI/BOOT/BOOTX64.EFI', data: readFileSync(signed.shim) },
    { path: 'EFI/BOOT/GRUBX64.EFI', data: readFileSync(signed.grub) },
    // openSUSE's shim looks for grub.efi.
    ...(signed.grub.endsWith('/grub.efi') ? [{ path: 'EFI/BOOT/GRUB.EFI', data: readFileSync(signed.grub) }] : []),
    ...(signed.mokManager === undefined ? [] : [{ path: `EFI/BOOT/${signed.mokManager.includes('MokManager') ? 'MokManager.efi' : 'MMX64.EFI'}`, data: readFileSync(signed.mokManager) }]),
    ...['EFI/BOOT', 'BOOT/GRUB', ...vendors.map((v) => `EFI/${v}`)].map((d) => ({ path: `${d}/GRUB.CFG`, data: config })),
  ];
}

async function makeEsp(o: RoadOptions, uefi: 'signed' | 'unsigned'): Promise<Buffer> {
  const files = uefi === 'signed'
    ? signedFiles(requirePart(o.parts, 'signed'), grubStub(o.menu.setId), o.osId)
    : [{ path: 'EFI/BOOT/BOOTX64.EFI', data: await grubImage(requirePart(o.parts, 'grub'), 'x86_64-efi', o.menu.setId, o.work) }];
  return buildFatImage(files, 'CDREC-ESP', o.date);
}

/** The part of an ISO writer that is needed here. */
export interface ImageSink {
  addFile(path: string, data: Uint8Array): unknown;
  addHostFile(path: string, hostPath: string): unknown;
  addBootFile(path: string, data: Buffer, entry: { readonly infoTable?: boolean; readonly grub2Info?: boolean; readonly emulation?: 'none' | `floppy-${FloppySize}` | 'hard-disk' }): unknown;
}

/** Adds loaders, menus, kernel and initrd to an image. */
export function addBootFiles(image: ImageSink, boot: PreparedBoot): void {
  const { parts, menu } = boot;
  image.addFile(markerFile(menu.setId), Buffer.from(`${menu.label}\n`));
  if (boot.bios === 'isolinux') {
    const isolinux = requirePart(parts, 'isolinux');
    image.addBootFile('isolinux/isolinux.bin', readFileSync(isolinux.bin), { infoTable: true });
    for (const module of isolinux.modules) image.addHostFile(`isolinux/${module.split('/').at(-1) as string}`, module);
    image.addFile('isolinux/isolinux.cfg', Buffer.from(syslinuxMenu(menu)));
  } else if (boot.bios === 'grub') image.addBootFile('boot/grub/eltorito.img', boot.image as Buffer, { infoTable: true, grub2Info: true });
  else if (boot.bios !== 'none') image.addBootFile(`boot/${boot.bios}.img`, boot.image as Buffer, { emulation: boot.bios });
  image.addFile('boot/grub/grub.cfg', Buffer.from(grubMenu(menu)));
  image.addFile('boot/grub/loopback.cfg', Buffer.from(loopbackMenu(menu)));
  image.addHostFile('boot/vmlinuz', boot.kernel);
  image.addFile('boot/initrd.gz', boot.initrd);
  if (parts.memtest !== undefined) image.addHostFile('boot/memtest', parts.memtest);
  if (menu.memtestEfi && parts.memtestEfi !== undefined) image.addHostFile('boot/memtest.efi', parts.memtestEfi);
}
