import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CdrecError, findProgram, installHint, runTool } from '@cdrec/tool';
import { buildFatImage } from './fat.js';
import { grubMenu, isolinuxMenu, markerFile, type MenuOptions } from './menus.js';

/** Boot loader files found on the host; `undefined` where a part is not installed. */
export interface BootParts {
  readonly isolinux: { readonly bin: string; readonly mbr: string; readonly modules: readonly string[] } | undefined;
  readonly grub: { readonly mkimage: string; readonly directory: string } | undefined;
  readonly memtest: string | undefined;
  /** What is missing, in words, with the way to get it. */
  readonly missing: readonly { readonly what: string; readonly hint: string }[];
}

const first = (paths: readonly string[]): string | undefined => paths.find((p) => existsSync(p));
const MENU_MODULES = ['ldlinux.c32', 'menu.c32', 'libutil.c32'];

/** Looks for ISOLINUX, GRUB for UEFI and memtest86+ where the distributions put them. `path` is a PATH string. */
export function findBootParts(path: string): BootParts {
  const missing: { what: string; hint: string }[] = [];
  const need = (what: string, program: string): undefined => { missing.push({ what, hint: installHint(program) }); };
  const bin = first(['/usr/lib/ISOLINUX/isolinux.bin', '/usr/share/syslinux/isolinux.bin', '/usr/lib/syslinux/bios/isolinux.bin']);
  const mbr = first(['/usr/lib/ISOLINUX/isohdpfx.bin', '/usr/share/syslinux/isohdpfx.bin', '/usr/lib/syslinux/bios/isohdpfx.bin']);
  const dir = ['/usr/lib/syslinux/modules/bios', '/usr/share/syslinux', '/usr/lib/syslinux/bios'].find((d) => MENU_MODULES.every((m) => existsSync(join(d, m))));
  if (bin === undefined || mbr === undefined) need('ISOLINUX (isolinux.bin, isohdpfx.bin) for booting by BIOS', 'isolinux.bin');
  if (dir === undefined) need('SYSLINUX menu modules (menu.c32)', 'ldlinux.c32');
  const mkimage = findProgram('grub-mkimage', path) ?? findProgram('grub2-mkimage', path);
  const directory = ['/usr/lib/grub/x86_64-efi', '/usr/share/grub2/x86_64-efi', '/usr/lib/grub2/x86_64-efi'].find((d) => existsSync(join(d, 'iso9660.mod')));
  if (mkimage === undefined) need('grub-mkimage for booting by UEFI', 'grub-mkimage');
  if (directory === undefined) need('GRUB modules for x86_64-efi for booting by UEFI', 'x86_64-efi modules');
  return {
    isolinux: bin === undefined || mbr === undefined || dir === undefined ? undefined : { bin, mbr, modules: MENU_MODULES.map((m) => join(dir, m)) },
    grub: mkimage === undefined || directory === undefined ? undefined : { mkimage, directory },
    memtest: first(['/boot/memtest86+x64.bin', '/boot/memtest86+.bin', '/boot/memtest86+/memtest.bin', '/usr/lib/memtest86+/memtest86+.bin']),
    missing,
  };
}

const GRUB_MODULES = ['iso9660', 'fat', 'part_gpt', 'part_msdos', 'normal', 'search', 'search_fs_file', 'configfile', 'linux', 'boot', 'echo', 'test', 'serial', 'terminal', 'halt', 'reboot', 'ls', 'cat', 'sleep', 'efi_gop', 'efi_uga', 'all_video'];

/** Everything volume 1 needs to boot, ready to be added. */
export interface PreparedBoot {
  readonly parts: BootParts;
  readonly menu: MenuOptions;
  readonly mbrCode: Buffer | undefined;
  readonly esp: Buffer | undefined;
}

/**
 * Makes the ESP image (GRUB with an embedded search for the set's marker file) and reads the hybrid MBR code.
 * `date` in milliseconds since 1970; temporary files lie below `work` meanwhile.
 * @throws CdrecError BOOT_MISSING when neither road is possible, TOOL_FAILED
 */
export async function prepareBoot(parts: BootParts, menu: MenuOptions, date: number, work = tmpdir()): Promise<PreparedBoot> {
  if (parts.isolinux === undefined && parts.grub === undefined) {
    throw new CdrecError('BOOT_MISSING', `no boot loader for the medium: ${parts.missing.map((m) => m.what).join('; ')}`, { hint: parts.missing.map((m) => m.hint).join('; ') });
  }
  const mbrCode = parts.isolinux === undefined ? undefined : readFileSync(parts.isolinux.mbr);
  return { parts, menu, mbrCode, esp: parts.grub === undefined ? undefined : await makeEsp(parts.grub, menu.setId, date, work) };
}

async function makeEsp(grub: { mkimage: string; directory: string }, setId: string, date: number, parent: string): Promise<Buffer> {
  const work = mkdtempSync(join(parent, '.cdrec-grub-'));
  try {
    const early = join(work, 'early.cfg');
    writeFileSync(early, `search --no-floppy --file --set=root /${markerFile(setId)}\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n`);
    const image = join(work, 'bootx64.efi');
    await runTool(grub.mkimage, ['-d', grub.directory, '-O', 'x86_64-efi', '-o', image, '-p', '/boot/grub', '-c', early, ...GRUB_MODULES.filter((m) => existsSync(join(grub.directory, `${m}.mod`)))]);
    return buildFatImage([{ path: 'EFI/BOOT/BOOTX64.EFI', data: readFileSync(image) }], 'CDREC-ESP', date);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The part of an ISO writer that is needed here. */
export interface ImageSink {
  addFile(path: string, data: Uint8Array): unknown;
  addHostFile(path: string, hostPath: string): unknown;
  addBootFile(path: string, data: Buffer, entry: { readonly infoTable: boolean }): unknown;
}

/** Adds loaders, menus, kernel and initrd to an image. */
export function addBootFiles(image: ImageSink, boot: PreparedBoot, kernel: string, initrd: Buffer): void {
  const { parts, menu } = boot;
  image.addFile(markerFile(menu.setId), Buffer.from(`${menu.label}\n`));
  if (parts.isolinux !== undefined) {
    image.addBootFile('isolinux/isolinux.bin', readFileSync(parts.isolinux.bin), { infoTable: true });
    for (const module of parts.isolinux.modules) image.addHostFile(`isolinux/${module.split('/').at(-1) as string}`, module);
    image.addFile('isolinux/isolinux.cfg', Buffer.from(isolinuxMenu(menu)));
  }
  if (parts.grub !== undefined) image.addFile('boot/grub/grub.cfg', Buffer.from(grubMenu(menu)));
  image.addHostFile('boot/vmlinuz', kernel);
  image.addFile('boot/initrd.gz', initrd);
  if (parts.memtest !== undefined) image.addHostFile('boot/memtest', parts.memtest);
}
